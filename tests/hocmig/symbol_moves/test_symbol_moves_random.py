"""Random modules whose definitions use each other: whatever is moved works as before, or is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hocmig.relocation import execute_relocation

NAMES = ("a", "b", "c", "d", "e", "f")


@st.composite
def packages(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """(files, moves, names) of a package with two modules of constants and functions."""
    lines = ["import math", "from os import path as p", ""]
    known: list[str] = []
    for name in NAMES:
        kind = draw(st.sampled_from(["constant", "function", "class", "late"]))
        used = draw(st.lists(st.sampled_from(known), max_size=2, unique=True)) if known else []
        value = " + ".join(["1", *(f"value({u})" for u in used)])
        extra = draw(st.sampled_from(["", " + len(p.sep)", " + int(math.pi)"]))
        comment = draw(st.sampled_from(["", f"# About {name}.\n"]))
        if kind == "constant":
            lines.append(f"{comment}{name} = {value}{extra}")
        elif kind == "class":
            lines.append(f"\n\n{comment}class {name}:\n    number = {value}{extra}\n\n")
        else:
            later = draw(st.sampled_from(NAMES)) if kind == "late" else ""
            body = f"    if depth: return value({later}, depth - 1)\n" if later else ""
            lines.append(f"\n\n{comment}def {name}(depth=1):\n{body}    return {value}{extra}\n\n")
        known.append(name)
    moved = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    targets = ["pkg.there", "pkg.fresh"]
    moves = {f"pkg.here:{name}": draw(st.sampled_from(targets)) for name in moved}
    there = draw(st.sampled_from(['"""There."""\n', "import math\n\nX = math.e\n", "from pkg import here\n"]))
    helper = (
        "def value(x, *depth):\n    if isinstance(x, type):\n        return x.number\n"
        "    return x(*depth) if callable(x) else x\n"
    )
    client = (
        "from pkg.here import value\nimport pkg.here as m\n" + f"from pkg.here import {', '.join(NAMES)}\n"
    )
    client += f"RESULT = [value(x) for x in ({', '.join(NAMES)})] + [value(m.a), value(m.f)]\n"
    files = {
        "pkg/__init__.py": "",
        "pkg/base.py": helper,
        "pkg/here.py": "from pkg.base import value\n" + "\n".join(lines) + "\n",
        "pkg/there.py": there,
        "client.py": client,
    }
    return files, moves, moved


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=packages())
def test_random_moves_keep_all_values(
    case: tuple[dict[str, str], dict[str, str], list[str]], make_tree, in_process, tmp_path: Path
) -> None:
    files, moves, moved = case
    shutil.rmtree(tmp_path / "tree", ignore_errors=True)
    tree = make_tree(files)
    values = tree.results(["client"], may_fail=True)
    assume(values)
    prepared = tree.prepare(moves)
    assert not {f.code for f in prepared.blocking} & {"PROOF001", "SYMBOL012", "SYMBOL015"}, prepared.blocking
    if prepared.blocking:
        assert tree.files() == {p: c.encode() for p, c in files.items()}
        return
    execute_relocation(tree.workspace(), prepared, phase="mv", command=("test",))
    assert tree.results(["client"]) == values
    for name in moved:
        assert f"def {name}(" not in tree.read("pkg/here.py")
    again = tree.prepare(moves)
    assert again.blocking == ()
    assert again.change_set.changes == ()


def test_the_strategy_finds_both_outcomes(make_tree, in_process) -> None:
    """The property is not empty: a plain move goes through, a cyclic one is refused."""
    files = {
        "pkg/here.py": "def a():\n    return 1\n\n\ndef b():\n    return a() + a()\n\n\n"
        "def c():\n    return b() + a()\n"
    }
    tree = make_tree(files)
    assert not tree.prepare({"pkg.here:c": "pkg.there"}).blocking
    assert tree.prepare({"pkg.here:b": "pkg.there"}).blocking


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rope")
