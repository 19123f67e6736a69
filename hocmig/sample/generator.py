"""Writes the sample repository: a believable back end that needs its migration.

Counts: a domain's number in `DOMAIN_COUNTS` is that of all its `.py` files, `__init__.py` files included; the
files of `app/`, `app/hoc/` and `app/hoc/cus/` themselves belong to no domain. `scale` multiplies the numbers
per domain by adding ordinary files; the misplaced records and all special files stay the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from analyzers.errors import InputError
from hocmig.sample.domains import DOMAIN_COUNTS, DOMAIN_ROOT, NAMESPACE_FOLDERS
from hocmig.sample.modules import connect, ordinary_text, plan_ordinary
from hocmig.sample.placed import (
    PROBE,
    collision_target_text,
    interfaces,
    misplaced,
    module_text,
    text_mass,
    upstream_total,
)
from hocmig.sample.references import generated_tests
from hocmig.sample.workbook import workbook_text

_TREE = Path(__file__).parent / "tree"
_TOKEN = re.compile(r"@(value|revision|upstream|mass|score):(\w+)@")

WORKBOOK = f"{DOMAIN_ROOT}/_domain_map/V3_MANUAL_AUDIT_WORKBOOK.md"
CLUSTERS = f"{DOMAIN_ROOT}/_domain_map/CLUSTER_DEFINITIONS.yaml"


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written. Paths are POSIX and relative to the sample's root; domain paths to the domain root.

    `domain_counts` holds the Python files per domain. `misplaced` counts the workbook's misplaced records:
    those in `movable` (source path, target path), `collisions` (path, kind) and `unresolved` (recorded path).
    `stale` are (recorded path, real path) pairs with a unique match.
    """

    files: int
    domain_counts: tuple[tuple[str, int], ...]
    misplaced: int
    movable: tuple[tuple[str, str], ...]
    collisions: tuple[tuple[str, str], ...]
    unresolved: tuple[str, ...]
    stale: tuple[tuple[str, str], ...]
    new_domains: tuple[str, ...]
    workbook: str
    clusters: str


def render_sample(*, seed: int = 1, scale: int = 1) -> dict[str, bytes]:
    """Returns the bytes of every file of the sample by its path, sorted; the same for the same arguments.

    Raises:
        InputError: `scale` is less than 1.
    """
    if scale < 1:
        raise InputError("--scale", 0, f"{scale} is not a size", "use 1 or more")
    files = _static_files()
    for record in misplaced():
        if record.is_unresolved:
            continue
        text = module_text(record, seed)
        files[f"{DOMAIN_ROOT}/{record.path}"] = _encode(record.path, text)
        if record.is_collision:
            files[f"{DOMAIN_ROOT}/{record.target_path}"] = collision_target_text(record, seed).encode()
    for source, copy in COPIES:
        files[f"{DOMAIN_ROOT}/{copy}"] = files[f"{DOMAIN_ROOT}/{source}"]
    _add_packages(files)
    _add_ordinary(files, seed, scale)
    files.update({path: text.encode() for path, text in generated_tests().items()})
    files[WORKBOOK] = workbook_text(sorted(_domain_files(files)), seed).encode()
    return dict(sorted(files.items()))


def write_sample(directory: Path, *, seed: int = 1, scale: int = 1) -> SampleSummary:
    """Writes the sample repository into `directory`, which it makes, and returns what it holds.

    Raises:
        InputError: the directory exists and is not empty, cannot be made, or `scale` is less than 1.
    """
    files = render_sample(seed=seed, scale=scale)
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise InputError(str(directory), 0, "exists and is not an empty directory", "name a new one")
        directory.mkdir(parents=True, exist_ok=True)
        for folder in sorted({path.rsplit("/", 1)[0] for path in files if "/" in path}):
            (directory / folder).mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (directory / path).write_bytes(content)
    except OSError as error:
        raise InputError(
            str(directory), 0, f"cannot be written: {error.strerror}", "choose another place"
        ) from error
    return summarize(files)


def summarize(files: dict[str, bytes]) -> SampleSummary:
    """Returns the summary of rendered files."""
    counts = dict.fromkeys(DOMAIN_COUNTS, 0)
    for path in _domain_files(files):
        counts[path.split("/")[0]] += 1
    records = misplaced()
    return SampleSummary(
        files=len(files),
        domain_counts=tuple(counts.items()),
        misplaced=len(records),
        movable=tuple(sorted((r.path, r.target_path) for r in records if r.kind == "move")),
        collisions=tuple(sorted((r.path, r.kind) for r in records if r.is_collision)),
        unresolved=tuple(sorted(r.path for r in records if r.is_unresolved)),
        stale=tuple(sorted((r.recorded, r.path) for r in records if r.recorded)),
        new_domains=tuple(sorted({r.decision.split("/")[0] for r in records} - set(DOMAIN_COUNTS))),
        workbook=WORKBOOK,
        clusters=CLUSTERS,
    )


def _static_files() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for source in sorted(_TREE.rglob("*.txt")):
        path = source.relative_to(_TREE).as_posix().removesuffix(".txt")
        path = path.replace("dot.", ".") if path.startswith("dot.") else path
        files[path] = _encode(
            path.removeprefix(f"{DOMAIN_ROOT}/"), fill_tokens(source.read_text(encoding="utf-8"))
        )
    return files


def fill_tokens(text: str) -> str:
    """Replaces `@value:stem@`, `@revision:stem@`, `@upstream:stem@` (numbers of a misplaced module),
    `@mass:word@` and `@score:rule@` (what `text_mass` and `score_rule` of the sample return).
    """

    def number(match: re.Match[str]) -> str:
        what, stem = match.groups()
        if what == "upstream":
            return str(upstream_total(stem))
        if what in ("mass", "score"):
            return str(text_mass(stem) + (3 * PROBE if what == "score" else 0))
        face = interfaces()[stem]
        return str(face.value if what == "value" else face.revision)

    return _TOKEN.sub(number, text)


#: Planted exact copies (source, copy), relative to the domain root; no record of the workbook names them.
COPIES: tuple[tuple[str, str], ...] = (
    ("general/L6_drivers/idempotency.py", "logs/L6_drivers/idempotency.py"),
    ("general/L5_engines/retention_math.py", "logs/L5_engines/retention_math.py"),
    ("account/L5_engines/money_format.py", "analytics/L5_engines/money_format.py"),
)

#: Files with an unusual encoding, by path (domain files relative to the domain root).
ENCODINGS: dict[str, str] = {
    "logs/L5_engines/alert_rules.py": "crlf",
    "incidents/L5_engines/semantic_failures.py": "bom",
    "general/L5_engines/invoice_rounding.py": "latin-1",
    "policies/L5_engines/prediction_engine.py": "no final newline",
    "backend/app/api/crlf_page.py": "crlf",
    "backend/app/api/bom_page.py": "bom",
    "backend/app/api/latin_page.py": "latin-1",
    "backend/app/api/unfinished_page.py": "no final newline",
}


def _encode(path: str, text: str) -> bytes:
    trait = ENCODINGS.get(path, "")
    if trait == "crlf":
        return text.replace("\n", "\r\n").encode()
    if trait == "bom":
        return b"\xef\xbb\xbf" + text.encode()
    if trait == "latin-1":
        head = "" if "coding:" in text[:60] else "# -*- coding: latin-1 -*-\n# Prüfer: André\n"
        return (head + text.replace("—", "-")).encode("latin-1")
    if trait == "no final newline":
        return text.rstrip("\n").encode()
    return text.encode()


def _add_packages(files: dict[str, bytes]) -> None:
    for path in list(_domain_files(files)):
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in NAMESPACE_FOLDERS:
                files.setdefault(f"{DOMAIN_ROOT}/{folder}/__init__.py", b"")


def _domain_files(files: dict[str, bytes]) -> list[str]:
    prefix = f"{DOMAIN_ROOT}/"
    return [
        path.removeprefix(prefix)
        for path in files
        if path.startswith(prefix)
        and path.endswith(".py")
        and path.removeprefix(prefix).split("/")[0] in DOMAIN_COUNTS
    ]


def _add_ordinary(files: dict[str, bytes], seed: int, scale: int) -> None:
    known = _domain_files(files)
    plans = {}
    for domain, wanted in DOMAIN_COUNTS.items():
        own = [path for path in known if path.startswith(f"{domain}/")]
        layers = frozenset(path.split("/")[1] for path in own if path.count("/") > 1)
        plans[domain] = plan_ordinary(domain, wanted * scale - len(own), layers, known, seed)
    connect(plans, seed)
    for modules in plans.values():
        for module in modules:
            files[f"{DOMAIN_ROOT}/{module.path}"] = ordinary_text(module, seed).encode()
