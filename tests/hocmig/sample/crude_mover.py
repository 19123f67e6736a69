"""A second opinion for tests: moves the sample's files and rewrites references with `ast` and text alone.

It knows the sample's habits and is no model for the product: relative imports become absolute ones,
statements are replaced in place, dotted names in any text file are replaced as whole words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

ROOT = "backend/app/hoc/cus/"


def module_name(path: str) -> str:
    return path.removeprefix("backend/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def moved(files: dict[str, bytes], moves: Iterable[tuple[str, str]]) -> dict[str, bytes]:
    """Returns the files after the moves (paths relative to the domain root), references rewritten."""
    paths = {ROOT + old: ROOT + new for old, new in moves}
    paths |= {old + "i": new + "i" for old, new in paths.items() if old + "i" in files}
    names = {module_name(old): module_name(new) for old, new in paths.items() if old.endswith(".py")}
    after: dict[str, bytes] = {}
    for path, content in files.items():
        encoding = "latin-1" if b"coding: latin-1" in content[:60] else "utf-8"
        text = content.decode(encoding)
        if path.endswith(".py"):
            text = _statements(path, text, names)
        if not path.endswith("WORKBOOK.md"):
            text = _words(text, names, paths)
        after[paths.get(path, path)] = text.encode(encoding)
    for path in list(after):
        while path.startswith(ROOT) and path.count("/") > 4 and path.endswith(".py"):
            path = path.rsplit("/", 1)[0]
            after.setdefault(f"{path}/__init__.py", b"")
    return dict(sorted(after.items()))


def _words(text: str, names: dict[str, str], paths: dict[str, str]) -> str:
    for old, new in [*names.items(), *paths.items()]:
        if old in text:
            text = re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", new, text)
    text = text.replace(
        'import_module(".alert_fatigue"', 'import_module("app.hoc.cus.general.L5_engines.alert_fatigue"'
    )
    text = text.replace('f"{PACKAGE}.L4_runtime.quota_gate"', '"app.hoc.cus.controls.L4_runtime.quota_gate"')
    return text.replace('".L5_engines.redaction"', '"app.hoc.cus.general.L5_engines.redaction"')


def _statements(path: str, text: str, names: dict[str, str]) -> str:
    bom = text.startswith("\ufeff")
    source = text.removeprefix("\ufeff")
    package = module_name(path).split(".")
    if not path.endswith("__init__.py"):
        package.pop()
    starts = [0]
    for line in source.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    raw = source.encode()
    edits: list[tuple[int, int, bytes]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            new = _import_from(node, package, names)
            if new is not None:
                assert node.end_lineno is not None
                assert node.end_col_offset is not None
                begin = starts[node.lineno - 1] + node.col_offset
                edits.append((begin, starts[node.end_lineno - 1] + node.end_col_offset, new.encode()))
    for begin, end, new_text in sorted(edits, reverse=True):
        raw = raw[:begin] + new_text + raw[end:]
    return ("\ufeff" if bom else "") + raw.decode()


def _import_from(node: ast.ImportFrom, package: list[str], names: dict[str, str]) -> str | None:
    module = node.module or ""
    if node.level:
        module = ".".join(
            [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
        )
    pieces: list[str] = []
    for alias in node.names:
        whole = f"{module}.{alias.name}"
        local = f" as {alias.asname}" if alias.asname else ""
        # `account.L5_engines.notification_rules` is an object there, not the module.
        if whole in names and not whole.endswith("notification_rules"):
            target, _, leaf = names[whole].rpartition(".")
            pieces.append(f"from {target} import {leaf}{local}")
        else:
            pieces.append(f"from {names.get(module, module)} import {alias.name}{local}")
    if node.level == 0 and all(module not in names and f"{module}.{a.name}" not in names for a in node.names):
        return None
    return "; ".join(pieces)
