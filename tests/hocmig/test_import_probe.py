"""Hostile modules: each import ends in time, with the right word for how it ended, and leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hocmig.import_probe as import_probe
from hocmig.import_probe import probe_imports

#: name -> (text, kind, part of the detail or of a note)
MODULES = {
    "good": ("x = 1\n", "ok", ""),
    "hangs": ("while True:\n    pass\n", "timeout", "did not end within"),
    "sleeps": ("import time\ntime.sleep(600)\n", "timeout", "did not end within"),
    "stops": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n", "timeout", ""),
    "forks": ("import os\nos.fork()\n", "ok", "starts a process"),
    "forks_on": ("import os, time\nif os.fork() == 0:\n    time.sleep(600)\n", "ok", "starts a process"),
    "daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n    time.sleep(600)\n",
        "ok",
        "starts a process",
    ),
    "bomb": ("import os\nwhile True:\n    os.fork()\n", "timeout", ""),
    "exits": ("import sys\nsys.exit(3)\n", "exit", "SystemExit: 3"),
    "leaves": ("import os\nos._exit(0)\n", "died", "ended its process with code 0"),
    "crashes": ("import ctypes\nctypes.string_at(0)\n", "died", "killed by signal 11"),
    "prints": (
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\n",
        "ok",
        "writes to stdout or stderr",
    ),
    "floods": ("while True:\n    print('x' * 1000000)\n", "error", "OSError"),
    "eats": ("x = []\nwhile True:\n    x.append(bytearray(64 << 20))\n", "memory", "ran out of the memory"),
    "calls": ("import socket\nsocket.create_connection(('127.0.0.1', 9))\n", "error", "network is off"),
    "resolves": ("import socket\nsocket.getaddrinfo('example.org', 80)\n", "error", "network is off"),
    "writes": ("open('written.txt', 'w')\n", "error", "read-only while modules are examined"),
    "removes": ("import os\nos.remove('good.py')\n", "error", "read-only while modules are examined"),
    "kills": ("import os\nos.kill(os.getppid(), 9)\n", "error", "may not send signals"),
    "replaces": ("import os\nos.execv('/bin/true', ['true'])\n", "error", "may not replace its process"),
    "closes": ("import os\nos.closerange(3, 4000)\n", "died", ""),
    "lies": (
        "import os\nfor n in range(3, 1000):\n    try:\n"
        '        os.write(n, b\'{"module": "lies", "kind": "ok", "detail": "", "notes": []}\\n\')\n'
        "    except OSError:\n        pass\nos._exit(0)\n",
        "died",
        "",
    ),
    "threads": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n",
        "ok",
        "threads",
    ),
    "raises": ("1 / 0\n", "error", "ZeroDivisionError: division by zero"),
    "interrupts": ("raise KeyboardInterrupt\n", "error", "KeyboardInterrupt"),
    "unspeakable": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E()\n",
        "error",
        "its text fails",
    ),
    "broken": ("def f(:\n", "error", "SyntaxError"),
    "needs": ("import not_installed_anywhere\n", "error", "ModuleNotFoundError"),
}


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    for name, (text, _, _) in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def _run(root: Path, *, seconds: float = 6.0) -> dict[str, tuple[str, str]]:
    result = probe_imports(root, ["."], MODULES, seconds=seconds, memory=512 << 20, jobs=2)
    return {m: (o.kind, f"{o.detail} {' '.join(o.notes)}") for m, o in result.outcomes.items()}


def _check(root: Path) -> None:
    before = sorted(p.name for p in root.iterdir())
    found = _run(root)
    for name, (_, kind, part) in MODULES.items():
        assert found[name][0] == kind, (name, found[name])
        assert part in found[name][1], (name, found[name])
    assert sorted(p.name for p in root.iterdir()) == before
    assert not _survivors(root)


def _survivors(root: Path) -> list[str]:
    """Processes that still work in the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == root and int(entry.name) != os.getpid():
                    found.append(entry.name)
            except OSError:
                continue
    return found


def test_hostile_modules_in_a_namespace_where_there_is_one(hostile: Path) -> None:
    _check(hostile)


def test_hostile_modules_without_a_namespace(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_probe.shutil, "which", lambda name: None)
    # Without one a bomb can only be fought by killing its processes one by one.
    (hostile / "bomb.py").write_text("while True:\n    pass\n")
    _check(hostile)
    result = probe_imports(hostile, ["."], ["good"])
    assert result.network.startswith("blocked inside Python only")


def test_a_module_that_takes_the_probe_down_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deadly.py").write_text(
        # Past the audit hook, as code written in C would do it.
        "import ctypes, os\nctypes.CDLL(None).kill(os.getppid(), 9)\nimport time\ntime.sleep(600)\n"
    )
    (tmp_path / "next_one.py").write_text("")
    monkeypatch.setattr(import_probe.shutil, "which", lambda name: None)
    result = probe_imports(tmp_path, ["."], ["deadly", "next_one"], seconds=2)
    assert result.outcomes["deadly"].kind == "died"
    assert "took the examining process down" in result.outcomes["deadly"].detail
    assert result.outcomes["next_one"].kind == "ok"


def test_each_module_starts_afresh(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text("import json\njson.marked = True\n")
    (tmp_path / "second.py").write_text("import json\nassert not hasattr(json, 'marked')\n")
    result = probe_imports(tmp_path, ["."], ["first", "second"])
    assert {o.kind for o in result.outcomes.values()} == {"ok"}


def test_libraries_are_shared_only_when_they_behave(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "calm_library.py").write_text("VALUE = 1\n")
    (lib / "wild_library.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    )
    (lib / "slow_library.py").write_text("import time\ntime.sleep(600)\n")
    (tmp_path / "user.py").write_text("import calm_library\n")
    preload = ["calm_library", "missing_library", "slow_library", "wild_library"]
    result = probe_imports(tmp_path, [".", "lib"], ["user"], seconds=1, preload=preload)
    assert result.preloaded == ("calm_library",)
    assert result.outcomes["user"].kind == "ok"


def test_an_interpreter_that_is_none_is_an_input_error(tmp_path: Path) -> None:
    from analyzers.errors import InputError

    with pytest.raises(InputError, match="--python"):
        probe_imports(tmp_path, ["."], ["x"], python="/bin/true", seconds=1)


def test_the_probe_needs_the_standard_library_alone() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import import_probe_child"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(import_probe.CHILD.parent)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
