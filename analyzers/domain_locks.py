"""The three kinds of lock files: one Markdown file per domain, one registry, one file of guard rules.

The Markdown file is for people and reviewers and carries the inventory; the registry says the same for
machines and adds a sketch of every file, so that moves are recognised without git; the guard rules say which
operations are allowed. Reading trusts nothing: conflict markers, newer versions, cut and edited files are
told apart.

Source of the formats: migration plan, phase 3.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

import msgspec

from analyzers.content_sketch import is_sketch
from analyzers.domain_inventory import count_layers, hash_of_domains, hash_of_files, layer_of
from analyzers.errors import InputError
from analyzers.safe_path import path_problem

LOCK_NAME = "DOMAIN_LOCK_FINAL.md"
REGISTRY_NAME = "DOMAIN_LOCK_REGISTRY.json"
LOCK_VERSION = "1.0"

#: Larger files were not written by this tool.
MAX_BYTES = 64 << 20

_MARKER = re.compile(rb"^(?:<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|) |^=======\r?$", re.MULTILINE)
_ROW = re.compile(r"\| (?P<file>.+) \| (?P<layer>[^|]+) \| (?P<hash>[0-9a-f]{64}) \|")
_COUNT = re.compile(r"\| (?P<layer>[^|]+) \| (?P<files>[0-9]{1,9}) \|")
_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[^\W\d][\w.-]*")


class LockError(InputError):
    """A lock file is not as it should be; `code` is the rule that it breaks (see `rule_finding.RULES`)."""

    def __init__(self, file: str, line: int, problem: str, mend: str, code: str) -> None:
        super().__init__(file, line, problem, mend)
        self.args = (file, line, problem, mend, code)
        self.code = code


class LockedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A locked file: the hash of its bytes, and the sketch of its lines (see `content_sketch`)."""

    sha256: str
    sketch: str = ""


class DomainLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One locked domain: `locked_at` is a UTC time, `files` the number of files of `inventory`.

    `inventory` maps paths relative to the domain's folder to the locked files, sorted; `layers` counts them.
    """

    lock_file: str
    locked_at: str
    files: int
    hash: str
    layers: dict[str, int]
    inventory: dict[str, LockedFile]

    @property
    def hashes(self) -> dict[str, str]:
        """Path to SHA-256."""
        return {path: file.sha256 for path, file in self.inventory.items()}


class LockRegistry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All locks: `domains` and `files` are counts, `locked_at` is that of the newest lock."""

    lock_version: str
    tool_version: str
    locked_at: str
    domain_root: str
    domains: int
    files: int
    hash: str
    locks: dict[str, DomainLock]

    @property
    def paths(self) -> dict[str, LockedFile]:
        """Every locked file by its path relative to the repository root."""
        return {
            f"{self.domain_root}/{domain}/{path}": file
            for domain, lock in self.locks.items()
            for path, file in lock.inventory.items()
        }


def make_registry(
    locks: Mapping[str, DomainLock], *, domain_root: str, tool_version: str, now: str
) -> LockRegistry:
    """The registry of these locks; `now` is the time when there are none."""
    ordered = {name: locks[name] for name in sorted(locks)}
    return LockRegistry(
        lock_version=LOCK_VERSION,
        tool_version=tool_version,
        locked_at=max((lock.locked_at for lock in ordered.values()), default=now),
        domain_root=domain_root,
        domains=len(ordered),
        files=sum(lock.files for lock in ordered.values()),
        hash=hash_of_domains({name: lock.hash for name, lock in ordered.items()}),
        locks=ordered,
    )


# -- the lock file of a domain -----------------------------------------------------------------------------

_LOCK = """\
# {title} Domain Lock

**Locked:** {day}
**Lock Version:** {version}
**Files:** {files}
**Hash:** {hash}

## Layer Distribution
| Layer | Files |
|-------|-------|
{layers}

## File Inventory
| File | Layer | Hash |
|------|-------|------|
{rows}

## Modification Rules
{rules}

## How to recompute the hashes
Each hash is the SHA-256 of the file's bytes; the hash above is the SHA-256 of what `sha256sum` prints for the
inventory. In this folder:

    sed -n 's/^| \\(.*\\) | .* | [0-9a-f]\\{{64\\}} |$/\\1/p' {name} \\
      | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum

and this names the files that were edited since:

    sed -n 's/^| \\(.*\\) | .* | \\([0-9a-f]\\{{64\\}}\\) |$/\\2  \\1/p' {name} | sha256sum --check --quiet

The hash of all domains in {registry} is made from the lock files. In the folder above:

    LC_ALL=C; export LC_ALL; for f in */{name}; do printf '%s  %s\\n' \\
      "$(sed -n 's/^\\*\\*Hash:\\*\\* \\([0-9a-f]*\\)$/\\1/p' "$f")" "${{f%/*}}"; done | sha256sum

Written by `hocmig lock`; do not edit it by hand.
"""

_RULE_TEXTS = {
    "ADD_FILE": ("New files", "ALLOWED (must follow layer convention)", "REQUIRES_APPROVAL"),
    "EDIT_FILE": ("Edit files", "ALLOWED", "REQUIRES_APPROVAL"),
    "DELETE_FILE": ("Delete files", "ALLOWED", "REQUIRES_APPROVAL"),
    "MOVE_FILE": ("Move files", "ALLOWED", "BLOCKED (use migration process)"),
    "RENAME_FILE": ("Rename files", "ALLOWED", "BLOCKED"),
}


def render_lock(domain: str, lock: DomainLock, allowed: tuple[str, ...]) -> str:
    """The text of a domain's lock file; `allowed` are the allowed operations."""
    return _LOCK.format(
        title=domain.upper(),
        day=lock.locked_at[:10],
        version=LOCK_VERSION,
        files=lock.files,
        hash=lock.hash,
        layers="\n".join(f"| {layer} | {count} |" for layer, count in lock.layers.items()),
        rows="\n".join(
            f"| {path} | {layer_of(path)} | {file.sha256} |" for path, file in lock.inventory.items()
        ),
        rules="\n".join(
            f"- {what}: {yes if operation in allowed else no}"
            for operation, (what, yes, no) in _RULE_TEXTS.items()
        ),
        name=LOCK_NAME,
        registry=REGISTRY_NAME,
    )


class LockText(msgspec.Struct, frozen=True, kw_only=True):
    """What a domain's lock file says; `hashes` maps paths relative to the domain to SHA-256."""

    day: str
    version: str
    files: int
    hash: str
    layers: dict[str, int]
    hashes: dict[str, str]


def parse_lock(content: bytes, name: str) -> LockText:
    """What a lock file says, proved against its own counts and hash.

    Raises:
        LockError: conflict markers, a newer version, cut, malformed or edited.
    """
    text = decoded(content, name)
    lines = text.splitlines()
    head = {key: _header(lines, key, name) for key in ("Locked", "Lock Version", "Files", "Hash")}
    _check_version(head["Lock Version"][0], name, head["Lock Version"][1])
    if "## Modification Rules" not in lines:
        raise _malformed(name, len(lines), "ends too early: the modification rules are missing")
    hashes: dict[str, str] = {}
    layers: dict[str, int] = {}
    section = ""
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            section = line.strip("# ")
        elif section == "Layer Distribution" and (count := _COUNT.fullmatch(line)):
            layers[count["layer"]] = int(count["files"])
        elif section == "File Inventory" and line.startswith("|") and not line.startswith(("| File |", "|-")):
            _add_row(hashes, line, name, number)
    said, line_number = head["Files"]
    if said != str(len(hashes)):
        problem = f"says {said[:20]} files, but lists {len(hashes)}"
        raise LockError(name, line_number, problem, _RESTORE, "LOCK005")
    if head["Hash"][0] != hash_of_files(hashes):
        problem = "was edited: its inventory does not give the hash that it states"
        raise LockError(name, head["Hash"][1], problem, _RESTORE, "LOCK005")
    if layers != count_layers(hashes):
        raise LockError(
            name, 0, "was edited: the layer counts are not those of the files", _RESTORE, "LOCK005"
        )
    return LockText(
        day=head["Locked"][0],
        version=head["Lock Version"][0],
        files=len(hashes),
        hash=head["Hash"][0],
        layers=layers,
        hashes=hashes,
    )


_RESTORE = "restore it from version control, or run `hocmig lock`"


def _header(lines: list[str], key: str, name: str) -> tuple[str, int]:
    start = f"**{key}:** "
    for number, line in enumerate(lines, 1):
        if line.startswith(start):
            return line[len(start) :].strip(), number
    raise _malformed(name, 1, f"has no line `{start.strip()}`")


def _add_row(hashes: dict[str, str], line: str, name: str, number: int) -> None:
    row = _ROW.fullmatch(line)
    if row is None:
        raise _malformed(name, number, "has a row that is no file")
    path = row["file"]
    if _path_problem(path):
        raise _malformed(name, number, f"names a path that {_path_problem(path)}")
    if path in hashes:
        raise _malformed(name, number, f"names {path[:100]!r} twice")
    if row["layer"] != layer_of(path):
        raise LockError(name, number, "was edited: a file's layer is not its folder", _RESTORE, "LOCK005")
    hashes[path] = row["hash"]


# -- the registry ------------------------------------------------------------------------------------------


class _Versioned(msgspec.Struct):
    lock_version: str = ""


def render_registry(registry: LockRegistry) -> bytes:
    """The JSON text of the registry."""
    return msgspec.json.format(msgspec.json.encode(registry), indent=2) + b"\n"


def parse_registry(content: bytes, name: str) -> LockRegistry:
    """The registry that a file holds, proved against its own hashes.

    Raises:
        LockError: conflict markers, a newer version, cut, malformed or edited.
    """
    text = decoded(content, name)
    try:
        version = msgspec.json.decode(text.encode(), type=_Versioned).lock_version
        if version:
            _check_version(version, name, 0)
        registry = msgspec.json.decode(text.encode(), type=LockRegistry)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _malformed(name, 0, f"is no lock registry: {' '.join(str(error).split())[:160]}") from error
    _check_registry(registry, name)
    return registry


def _check_registry(registry: LockRegistry, name: str) -> None:
    if registry.domain_root and _path_problem(registry.domain_root):
        raise _malformed(name, 0, f"domain_root {_path_problem(registry.domain_root)}")
    for domain, lock in registry.locks.items():
        if not _NAME.fullmatch(domain):
            raise _malformed(name, 0, f"{domain[:60]!r} is no name of a domain")
        for path, file in lock.inventory.items():
            if _path_problem(path) or not _HASH.fullmatch(file.sha256) or not is_sketch(file.sketch):
                raise _malformed(name, 0, f"the entry {path[:100]!r} of {domain} is malformed")
        if (lock.files, lock.hash, lock.layers) != (
            len(lock.inventory),
            hash_of_files(lock.hashes),
            count_layers(lock.inventory),
        ):
            problem = f"was edited: the files of {domain} do not give its counts and its hash"
            raise LockError(name, 0, problem, _RESTORE, "LOCK005")
        try:
            datetime.datetime.strptime(lock.locked_at, "%Y-%m-%dT%H:%M:%SZ")
        except ValueError as error:
            raise _malformed(name, 0, f"locked_at of {domain} is no time") from error
    sums = (registry.domains, registry.files, registry.hash)
    real = (
        len(registry.locks),
        sum(lock.files for lock in registry.locks.values()),
        hash_of_domains({domain: lock.hash for domain, lock in registry.locks.items()}),
    )
    if sums != real:
        problem = "was edited: its totals are not those of its domains"
        raise LockError(name, 0, problem, _RESTORE, "LOCK005")


#: Nearly all paths; the full check costs 40 times as much.
_HARMLESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}){0,15}")


def _path_problem(path: str) -> str:
    return "" if _HARMLESS.fullmatch(path) else path_problem(path)


# -- shared ------------------------------------------------------------------------------------------------


def decoded(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise _malformed(name, 0, f"is larger than {MAX_BYTES >> 20} MiB")
    marker = _MARKER.search(content)
    if marker:
        line = content.count(b"\n", 0, marker.start()) + 1
        mend = "take one side, then run `hocmig lock`"
        raise LockError(name, line, "holds conflict markers of a merge", mend, "LOCK002")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed(name, content.count(b"\n", 0, error.start) + 1, "is not UTF-8") from error


def _check_version(version: str, name: str, line: int) -> None:
    known = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", version)
    if known is None:
        raise _malformed(name, line, f"has the version {version[:20]!r}, which is none")
    if (int(known[1]), int(known[2])) > tuple(map(int, LOCK_VERSION.split("."))):
        problem = f"is of version {version}, this hocmig knows {LOCK_VERSION}"
        raise LockError(name, line, problem, "use a newer hocmig", "LOCK003")


def _malformed(name: str, line: int, problem: str) -> LockError:
    return LockError(name, line, problem, _RESTORE, "LOCK004")
