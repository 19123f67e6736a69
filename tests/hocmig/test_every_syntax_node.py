"""Every kind of syntax node that this Python has passes through all readers of files and is left as it is."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from analyzers.import_time_calls import import_time_calls
from analyzers.import_time_uses import import_time_uses
from analyzers.python_string_uses import collect_strings
from analyzers.scopes import read_scopes
from hocmig.cli import run

SOURCE = '''
"""Every node."""
from __future__ import annotations
import asyncio as aio
import old.tool, old.tool.deep
from old.tool import (make as build, keep)

@old.tool.mark(1)
def plain(a: old.tool.Kind, /, b: int = old.tool.ONE, *c, d=None, **e) -> "old.tool.Kind":
    global counted
    counted = a if b else not c
    del d
    assert e, old.tool.text
    return lambda x, *y: (x, *y)

class One(old.tool.Base, metaclass=old.tool.Meta):
    value: int = 1 + 2 - 3 * 4 / 5 % 6 ** 7 // 8 @ 9 << 1 >> 2 | 3 ^ 4 & 5
    other: str
    total = value = 1
    value += 1

    def step(self):
        counted = 0
        def inner():
            nonlocal counted
            counted = yield old.tool.ONE
            yield from [counted]
        return inner

async def waits():
    async with old.tool.Lock() as lock, aio.timeout(1):
        async for item in old.tool.stream():
            await item
    return [x async for x in lock if x]

for index, (first, *rest) in enumerate([old.tool.ONE]):
    if index > 1 and index < 2 or index >= 3:
        continue
    elif index <= 4 == index != 5:
        break
    else:
        pass
while index is None or index is not None:
    with old.tool.Lock() as (left, right):
        index = first in rest, first not in rest
try:
    raise ValueError(f"{old.tool.ONE!r:>{index}} {index}") from None
except (ValueError, old.tool.Problem) as problem:
    print(problem)
else:
    print({**{}, old.tool.ONE: [1, 2][0], "a": (1, 2)[0:1:2]})
finally:
    print({1, 2}, {x for x in (1,)}, {x: y for x, y in ()}, (z for z in [...]))
if (found := old.tool.find(b"1", 1.0, 1j, True)):
    print(-found, +found, ~found, old.tool.ONE)
match found:
    case old.tool.Kind(1, size=2, other=old.tool.Base(deep=3)) if found:
        pass
    case {"a": 1, **others} | {"b": None, **others}:
        pass
    case [1, *more, "x"]:
        pass
    case (True | None) as flag:
        pass
    case old.tool.ONE:
        pass
    case -1 | 1 + 2j:
        pass
    case _:
        pass
'''

NEWER = {
    (3, 11): "try:\n    pass\nexcept* old.tool.Problem:\n    pass\n",
    (3, 12): "type Alias[T: old.tool.Kind, *Ts, **P] = dict[T, old.tool.Kind]\n",
    (3, 14): 'print(t"{old.tool.ONE!r:>{index}}")\n',
}


def source() -> str:
    added = "".join(text for version, text in sorted(NEWER.items()) if sys.version_info >= version)
    return SOURCE.lstrip("\n") + added


def kinds(node: type) -> set[type]:
    below = node.__subclasses__()
    return {node} if not below else set().union(*map(kinds, below))


def test_the_source_holds_every_kind_of_node() -> None:
    # Kept by Python for old programs or for other modes; the parser of modules makes none of them.
    unused = {"Expression", "Interactive", "FunctionType", "TypeIgnore", "Suite", "AugLoad", "AugStore"}
    unused |= {"Param", "Index", "ExtSlice", "Num", "Str", "Bytes", "NameConstant", "Ellipsis"}
    found = {type(node) for node in ast.walk(ast.parse(source()))}
    missing = {k.__name__ for k in kinds(ast.AST) if k.__module__ in ("ast", "_ast")} - unused
    assert missing - {k.__name__ for k in found} == set()


def test_readers_take_it() -> None:
    tree = ast.parse(source())
    scopes = read_scopes(tree)
    uses = [use for use in scopes.uses_by_name["old"] if use.chain]
    assert len(uses) == source().count("old.tool.") - 1  # one of them is an import
    assert collect_strings(tree, None) is not None
    assert import_time_uses(source()) is not None
    assert import_time_calls(source()) is not None


@pytest.mark.parametrize(
    ("move", "texts"),
    [
        (("old.tool", "fresh.tool"), [("old.tool", "fresh.tool")]),
        (("old.tool:ONE", "fresh.values"), [("old.tool.ONE", "fresh.values.ONE")]),
    ],
)
def test_what_moves_is_renamed_everywhere_in_it(
    tmp_path: Path, move: tuple[str, str], texts: list[tuple[str, str]]
) -> None:
    names = ["Kind", "Base", "Meta", "Lock", "Problem", "mark", "text", "stream", "find", "make", "keep"]
    (tmp_path / "hocmig.yaml").write_text("version: 1\nimport_roots: ['.']\n")
    for path, text in {
        "old/__init__.py": "",
        "old/tool/__init__.py": "ONE = 1\n" + "".join(f"{name} = object\n" for name in names),
        "old/tool/deep.py": "",
        "client.py": source(),
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert run(["--root", str(tmp_path), "--no-progress", "mv", *move, "--execute"]) == 0
    found = (tmp_path / "client.py").read_text()
    wanted = source()
    for old, new in texts:
        wanted = wanted.replace(old, new)
    assert found.replace("deep, fresh.values\n", "deep\n") == wanted
