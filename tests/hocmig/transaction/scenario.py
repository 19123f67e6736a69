"""A migration with one of everything, and processes that run it while faults are injected.

Used by the tests of this folder, by `benchmarks/transaction_faults.py`, and as a program:

    python scenario.py ROOT build | run | resume | rollback

The environment variable FAULT names a fault: `kill:N` (SIGKILL before the N-th file-system call),
`error:N:ENOSPC` (the N-th call fails), `errors:N:EIO` (every call from the N-th on fails).
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

from analyzers.errors import HocmigError
from hocmig.transaction import filesystem
from hocmig.transaction.change import SYMLINK_MODE, ChangeSet, FileChange, sha256
from hocmig.transaction.recovery import recover
from hocmig.transaction.transaction import run_transaction

#: path -> (content or link target, mode)
Files = dict[str, tuple[bytes, int]]
#: path -> (kind, mode, content)
Snapshot = dict[str, tuple[str, int, bytes]]

COMMAND = ("hocmig", "move", "--execute", "--backup")


def old_files(moved: int = 6) -> Files:
    """The tree before: `moved` modules that move, and a few of every other kind."""
    files: Files = {
        f"pkg/a/mod_{n:02}.py": (b"# module %d\nimport pkg.a\n" % n, 0o755 if n == 1 else 0o644)
        for n in range(moved)
    }
    files |= {
        "pkg/a/__init__.py": (b"", 0o644),
        "pkg/swap/x.py": (b"I am x\n", 0o644),
        "pkg/swap/y.py": (b"I am y\n", 0o600),
        "pkg/chain/one.py": (b"1\n", 0o644),
        "pkg/chain/two.py": (b"2\n", 0o640),
        "pkg/chain/three.py": (b"3\n", 0o644),
        "pkg/edit/e0.py": (b"edit me\r\n", 0o644),
        "pkg/edit/e1.py": (b"edit me, too", 0o755),
        "pkg/edit/shim.py": (b"def f(): ...\n", 0o644),
        "tool.sh": (b"#!/bin/sh\n", 0o644),
        "old/deep/gone.py": (b"delete me\n", 0o644),
        "old/deep/gone.bin": (bytes(range(256)), 0o600),
        "links/moved": (b"../tool.sh", SYMLINK_MODE),
        "links/turned": (b"nowhere", SYMLINK_MODE),
        "links/to_file": (b"/etc/hostname", SYMLINK_MODE),
        "links/from_file": (b"plain\n", 0o644),
        "stays/here.py": (b"untouched\n", 0o644),
    }
    return files


def build(root: Path, files: Files) -> None:
    """Write `files` below `root`, with caches, empty folders and folder modes."""
    for path, (content, mode) in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if mode == SYMLINK_MODE:
            target.symlink_to(os.fsdecode(content))
        else:
            target.write_bytes(content)
            target.chmod(mode)
    cache = root / "pkg/a/__pycache__"
    cache.mkdir()
    (cache / "mod_00.cpython-311.pyc").write_bytes(b"cached")
    (root / "empty").mkdir()
    (root / "pkg/a").chmod(0o750)


def change_set(files: Files) -> ChangeSet:
    """The migration of the tree that `old_files` describes."""
    hashes = {path: sha256(content) for path, (content, _) in files.items()}
    changes = []
    for path in (p for p in files if p.startswith("pkg/a/")):
        content = files[path][0]
        new = content.replace(b"pkg.a", b"pkg.b.moved") if "mod_00" not in path else content
        changes.append(FileChange(path.replace("pkg/a/", "pkg/b/moved/"), path, new, None, hashes[path]))
    for old, new in [
        ("pkg/swap/x.py", "pkg/swap/y.py"),
        ("pkg/swap/y.py", "pkg/swap/x.py"),
        ("pkg/chain/one.py", "pkg/chain/two.py"),
        ("pkg/chain/two.py", "pkg/chain/three.py"),
        ("pkg/chain/three.py", "pkg/chain/four.py"),
        ("pkg/edit/shim.py", "pkg/b/shim.py"),
        ("links/moved", "links/deeper/moved"),
    ]:
        changes.append(FileChange(new, old, files[old][0], None, hashes[old]))
    for path, content, mode in [
        ("pkg/edit/shim.py", b"from pkg.b.shim import f\n", None),
        ("pkg/edit/e0.py", b"edited\r\n", None),
        ("pkg/edit/e1.py", b"edited, too\n", None),
        ("tool.sh", files["tool.sh"][0], 0o755),
        ("links/turned", b"elsewhere", None),
        ("links/to_file", b"now a file\n", 0o644),
        ("links/from_file", b"../tool.sh", SYMLINK_MODE),
    ]:
        changes.append(FileChange(path, None, content, mode, hashes[path]))
    changes += [
        FileChange(path, before_sha256=hashes[path]) for path in ("old/deep/gone.py", "old/deep/gone.bin")
    ]
    changes += [
        FileChange("new/deep/n.py", content=b"new\n"),
        FileChange("new/tool", content=bytes(range(255, -1, -1)), mode=0o700),
    ]
    return ChangeSet(tuple(changes), inputs={"stays/here.py": hashes["stays/here.py"]})


def snapshot(root: Path) -> Snapshot:
    """Everything below `root` but hocmig's own folder and git's: kinds, permission bits, contents."""
    result: Snapshot = {}
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in (".hocmig", ".git")]
        for name in (*folders, *names):
            path = Path(folder, name)
            status = path.lstat()
            key = path.relative_to(root).as_posix()
            if stat.S_ISLNK(status.st_mode):
                result[key] = ("link", 0, os.fsencode(path.readlink()))
            elif stat.S_ISDIR(status.st_mode):
                result[key] = ("folder", stat.S_IMODE(status.st_mode), b"")
            else:
                result[key] = ("file", stat.S_IMODE(status.st_mode), path.read_bytes())
    return result


def state_names(root: Path) -> set[str]:
    """What is in hocmig's own folder."""
    return {entry.name for entry in (root / ".hocmig").iterdir()}


def migrate(root: Path, files: Files | None = None) -> None:
    """Run the migration in this process."""
    changes = change_set(files or old_files())
    run_transaction(root, changes, phase="P2", command=COMMAND, backup=True, migration_ids=("001",))


def rolled_back(root: Path) -> None:
    recover(root, resume=False)


def resumed(root: Path) -> None:
    recover(root, resume=True)


def observer(fault: str) -> Callable[[str, str], None]:
    """An observer for `filesystem.observe` that injects `fault` (see above)."""
    kind, number, *name = fault.split(":")
    position = int(number)
    code = getattr(errno, name[0]) if name else 0
    count = 0

    def observe(call: str, path: str) -> None:
        nonlocal count
        count += 1
        if kind == "kill" and count == position:
            os.kill(os.getpid(), signal.SIGKILL)
        if (kind == "error" and count == position) or (kind == "errors" and count >= position):
            raise OSError(code, f"{os.strerror(code)} (injected into {call})", path)

    return observe


def in_child(
    action: Callable[[Path], None], root: Path, fault: str = "", kill_after: float | None = None
) -> int:
    """Run `action` in a forked process under `fault`; its exit code, or minus the signal that ended it.

    Args:
        action: `migrate`, `resumed` or `rolled_back`.
        root: the repository.
        fault: see above; empty for none.
        kill_after: seconds after which the process gets SIGKILL from outside.
    """
    child = os.fork()
    if child == 0:
        code = 99
        try:
            filesystem.observe = observer(fault) if fault else None
            code = outcome(action, root)
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def outcome(action: Callable[[Path], None], root: Path) -> int:
    """The exit code that the command line would give."""
    try:
        action(root)
    except HocmigError as error:
        return error.exit_code
    return 0


def count_calls(action: Callable[[Path], None], root: Path) -> list[tuple[str, str]]:
    """The file-system calls that `action` makes."""
    calls: list[tuple[str, str]] = []
    filesystem.observe = lambda call, path: calls.append((call, path))
    try:
        action(root)
    finally:
        filesystem.observe = None
    return calls


def main(arguments: list[str]) -> int:
    root = Path(arguments[0])
    fault = os.environ.get("FAULT", "")
    filesystem.observe = observer(fault) if fault else None
    actions = {"run": migrate, "resume": resumed, "rollback": rolled_back}
    if arguments[1] == "build":
        build(root, old_files())
        return 0
    return outcome(actions[arguments[1]], root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
