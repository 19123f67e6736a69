"""Shims are executed: identity, patching, state, the warning's line."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

from analyzers.shims import find_shims, module_shim, symbol_shim

DAY = datetime.date(2027, 5, 22)


def run(folder: Path, code: str) -> str:
    (folder / "client.py").write_text(code)
    result = subprocess.run(
        [sys.executable, "-W", "always", "client.py"], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def tree(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def test_module_shim_is_the_moved_module(tmp_path: Path) -> None:
    files = {
        "a/__init__.py": b"",
        "a/b.py": module_shim("a.b", "x.y", DAY),
        "x/__init__.py": b"",
        "x/y.py": b"_private = 1\ndef f(): return g()\ndef g(): return 1\n",
    }
    tree(tmp_path, files)
    printed = run(
        tmp_path,
        "import unittest.mock\n"
        "import a.b\n"
        "import x.y\n"
        "from a.b import f, _private\n"
        "assert a.b is x.y and x.y.__spec__.name == 'x.y'\n"
        "with unittest.mock.patch('a.b.g', lambda: 2):\n"
        "    assert f() == 2\n"
        "assert f() == 1\n",
    )
    assert "client.py:2: DeprecationWarning: a.b has moved to x.y" in printed


def test_package_shim_gives_the_moved_submodules(tmp_path: Path) -> None:
    files = {
        "a/__init__.py": b"",
        "a/p/__init__.py": module_shim("a.p", "x.q", DAY, is_package=True),
        "x/__init__.py": b"",
        "x/q/__init__.py": b"from .deep import inner\n",
        "x/q/sub.py": b"state = []\n",
        "x/q/deep/__init__.py": b"",
        "x/q/deep/inner.py": b"",
    }
    tree(tmp_path, files)
    run(
        tmp_path,
        "from a.p import sub\n"
        "import a.p.deep.inner\n"
        "import x.q.sub, x.q.deep.inner\n"
        "assert sub is x.q.sub and a.p is x.q\n"
        "assert a.p.deep.inner is x.q.deep.inner\n"
        "assert x.q.sub.__spec__.name == 'x.q.sub'\n",
    )


def test_symbol_shim_forwards_names(tmp_path: Path) -> None:
    source = b"K = 1\n" + symbol_shim("m", {"f": ("n", "g")}, DAY)
    tree(tmp_path, {"m.py": source, "n.py": b"def g(): return 3\n"})
    printed = run(
        tmp_path,
        "from m import K\nfrom m import f\nimport m, n\nassert f is n.g and m.f() == 3\n"
        "try:\n    m.nothing\nexcept AttributeError as error:\n    assert 'nothing' in str(error)\n",
    )
    assert "client.py:2: DeprecationWarning: m.f has moved to n" in printed


def test_shims_are_found_with_place_and_day() -> None:
    files = {
        "a/b.py": module_shim("a.b", "x.y", DAY),
        "m.py": b"K = 1\n" + symbol_shim("m", {"f": ("n", "g")}, DAY),
        "other.py": b"text = '# hocmig-shim: no mark'\n",
    }
    found = find_shims(sorted(files), files.__getitem__)
    assert [(s.path, s.line, s.old, s.new, s.expires) for s in found] == [
        ("a/b.py", 2, "a.b", "x.y", "2027-05-22"),
        ("m.py", 5, "m:f", "n:g", "2027-05-22"),
    ]
    assert not found[0].is_expired(DAY)
    assert found[0].is_expired(DAY + datetime.timedelta(days=1))
