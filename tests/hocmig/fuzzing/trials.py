"""Runs hocmig on damaged and hostile input files, each in a forked process that is watched.

A trial passes when the exit code is a documented one, nothing outside the repository was written, no code of
the repository ran, an answer with exit code 2 is one line, a dry run or a refusal left the code as it was,
and time and memory stayed within the limits.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import pkgutil
import resource
import shutil
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import analyzers
import codemods
import hocmig

MAX_SECONDS = 60.0
MAX_MEMORY = 1 << 30
_ADDRESS_SPACE = 6 << 30
_MAP = "app/hoc/_domain_map"
_QUIET = ("--no-progress", "--jobs", "1")
_DOCUMENTED = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Input:
    """One input file: its path in the base tree `base`, the kind of its format, the commands that read it.

    `weight` is its share of all trials, relative to the others.
    """

    name: str
    base: str
    path: str
    kind: str
    weight: int
    commands: tuple[tuple[str, ...], ...]


# The commands that start LibCST's tool take a second each, so they stand beside several that do not.
_MANIFEST = (("validate",), ("validate",), ("move", "--execute"), ("status",), ("report",), ("manifest",),
             ("resolve", "001", "skip", "--reason", "x"), ("lock",), ("suggest",))  # fmt: skip
_ANY = (("status",), ("check",), ("suggest",), ("manifest",), ("validate",), ("guard",), ("duplicates",),
        ("lock",), ("mv", "app/hoc/logs/L5_engines/trace_b.py", "app/hoc/billing/b.py"))  # fmt: skip
_LOCKS = (
    ("guard",),
    ("lock",),
    ("status",),
    ("lock", "--approve-by", "me", "--reason", "x"),
    ("verify", "--static"),
)
_ROLLBACK = (("move", "--rollback", "--backup", "backups/archive.tar.gz"),
             ("move", "--rollback", "--backup", "backups/archive.tar.gz", "--force"))  # fmt: skip

INPUTS = (
    Input("manifest", "planned", f"{_MAP}/MIGRATION_MANIFEST.csv", "csv", 9, _MANIFEST),
    Input("workbook", "planned", "AUDIT.md", "markdown", 7, (("manifest",), ("suggest",), ("status",))),
    Input("hocmig.yaml", "planned", "hocmig.yaml", "yaml", 7, _ANY),
    Input(
        "move map",
        "planned",
        "moves.csv",
        "csv",
        3,
        (("mv", "--map", "moves.csv"), ("mv", "--map", "moves.csv", "--execute")),
    ),
    Input(
        "clusters",
        "moved",
        f"{_MAP}/CLUSTER_DEFINITIONS.yaml",
        "yaml",
        5,
        (("refactor",), ("refactor", "--execute"), ("refactor", "--plan")),
    ),
    Input(
        "export registry",
        "moved",
        f"{_MAP}/EXPORT_REGISTRY.yaml",
        "yaml",
        4,
        (("normalize",), ("normalize", "--execute"), ("status",)),
    ),
    Input(
        "candidates",
        "moved",
        f"{_MAP}/PHASE5_CONSOLIDATION_CANDIDATES.csv",
        "csv",
        3,
        (("consolidate", "--all"), ("consolidate", "--all", "--execute")),
    ),
    Input("lock registry", "moved", f"{_MAP}/DOMAIN_LOCK_REGISTRY.json", "json", 2, _LOCKS),
    Input("guard rules", "moved", f"{_MAP}/DOMAIN_CI_GUARDS.yaml", "yaml", 3, _LOCKS),
    Input("domain lock", "moved", "app/hoc/logs/DOMAIN_LOCK_FINAL.md", "text", 2, _LOCKS),
    Input("archive", "moved", "backups/archive.tar.gz", "archive", 7, _ROLLBACK),
    Input("ledger", "moved", ".hocmig/ledger.jsonl", "lines", 2, (("status",), *_ROLLBACK, ("guard",))),
    Input(
        "journal",
        "pending",
        ".hocmig/transaction/journal",
        "journal",
        2,
        (("status",), ("recover", "--rollback"), ("recover", "--resume"), ("move", "--execute")),
    ),
    Input(
        "index cache", "planned", ".hocmig/index.msgpack", "binary", 1, (("check",), ("suggest",), ("move",))
    ),
    Input(
        "configuration cache",
        "planned",
        ".hocmig/configuration.msgpack",
        "binary",
        1,
        (("status",), ("check",)),
    ),
)


@dataclass
class Outcome:
    """What one trial did; `faults` is empty when it passed."""

    seconds: float
    memory_bytes: int
    code: int
    faults: list[str] = field(default_factory=list)
    error: str = ""


class Trials:
    """Base trees in a private folder, with an outside that must not change."""

    def __init__(
        self, folder: Path, run: Callable[[list[str]], int], mutation: ModuleType, project: ModuleType
    ) -> None:
        self.folder = folder
        self.run = run
        self.mutation = mutation
        self.project = project
        self.outside = folder / "outside"
        self.outside.mkdir(parents=True)
        (self.outside / "secret.txt").write_text("secret\n")
        (self.outside / "x.py").write_text("X = 1\n")
        (folder / "tmp").mkdir()
        (folder / "bases").mkdir()
        self.contents: dict[str, bytes] = {}
        _import_everything()
        self._build()

    def trial(self, one: Input, seed: int) -> Outcome:
        """Put the variant number `seed` in place and run one command on it."""
        mutator = self.mutation.Mutator(seed)
        command = mutator.rng.choice(one.commands)
        content = mutator.variant(one.kind, self.contents[one.name])
        tree = self._fresh(one.base)
        target = tree / one.path
        target.write_bytes(content)
        if one.kind == "archive" and mutator.rng.random() < 0.8:
            # As if somebody had changed archive and ledger alike: the hash fits, so members are looked at.
            self._trust(tree, content)
        code_before = _code(tree)
        outcome = self._watched(tree, [*_QUIET, *command])
        changes = "--execute" in command or "--rollback" in command or command[0] == "recover"
        refused = outcome.code in (2, 4) or (outcome.code == 3 and command[0] != "recover")
        if (refused or not changes) and _code(tree) != code_before:
            outcome.faults.append(f"{' '.join(command)} changed code though it ended with {outcome.code}")
        return outcome

    # -- one run ---------------------------------------------------------------------------------------------

    def _watched(self, tree: Path, arguments: list[str]) -> Outcome:
        before = _listing(self.folder, tree)
        log = self.folder / "tmp" / "log"
        start = time.monotonic()
        child = os.fork()
        if not child:
            _become_trial(self, tree, arguments, log)
        code, memory = _wait(child, start)
        seconds = time.monotonic() - start
        found = Outcome(seconds, memory, code)
        text = log.read_text(errors="replace") if log.exists() else ""
        found.error = next((line for line in text.splitlines() if line.startswith("error:")), "")
        if code not in _DOCUMENTED:
            found.faults.append(f"exit code {code}: {found.error or text[-300:]}")
        if "Traceback (most recent call last)" in text:
            found.faults.append("a traceback")
        if code == 2 and sum(line.startswith("error:") for line in text.splitlines()) != 1:
            found.faults.append("exit code 2 without one line that says why")
        found.faults += [line for line in text.splitlines() if line.startswith("OUTSIDE ")]
        if _listing(self.folder, tree) != before:
            found.faults.append("something outside the repository changed")
        if any((tree / name).exists() for name in ("executed", "imported")):
            found.faults.append("code of the repository was executed")
        if seconds > MAX_SECONDS or memory > MAX_MEMORY:
            found.faults.append(f"took {seconds:.1f} s and {memory >> 20} MiB")
        return found

    # -- base trees ------------------------------------------------------------------------------------------

    def _build(self) -> None:
        planned = self.folder / "bases" / "planned"
        self.project.write_project(planned, self.outside)
        self._setup(planned, ["init"])
        text = (planned / "hocmig.yaml").read_text()
        text = text.replace(self.project.NO_WORKBOOK, self.project.WORKBOOK)
        (planned / "hocmig.yaml").write_text(f"{text}\n{self.project.MORE_SETTINGS}")
        self._setup(planned, ["manifest"])
        (planned / "moves.csv").write_text(self.project.MOVES)
        self._setup(planned, ["check"], accept=(0, 1))
        moved = self.folder / "bases" / "moved"
        shutil.copytree(planned, moved, symlinks=True)
        self._setup(moved, ["validate"])
        self._setup(moved, ["move", "--execute", "--backup"])
        for arguments in (["verify", "--static", "--write-baseline"], ["check", "--write-baseline"]):
            self._setup(moved, arguments, accept=(0, 1))
        for arguments in (
            ["lock"],
            ["verify", "--tests", "true"],
            ["duplicates"],
            ["normalize", "--execute"],
        ):
            self._setup(moved, arguments, accept=(0, 1))
        (moved / _MAP / "CLUSTER_DEFINITIONS.yaml").write_text(self.project.CLUSTERS)
        archive = next((moved / "backups").glob("*.tar.gz"))
        self._rename_archive(moved, archive)
        pending = self.folder / "bases" / "pending"
        shutil.copytree(planned, pending, symlinks=True)
        self._interrupt(pending)
        for one in INPUTS:
            self.contents[one.name] = (self.folder / "bases" / one.base / one.path).read_bytes()

    def _setup(self, tree: Path, arguments: list[str], accept: tuple[int, ...] = (0,)) -> None:
        found = self._watched(tree, [*_QUIET, *arguments])
        if found.code not in accept or found.faults:
            log = (self.folder / "tmp" / "log").read_text(errors="replace")
            raise RuntimeError(f"{arguments}: {found}\n{log}")

    def _rename_archive(self, tree: Path, archive: Path) -> None:
        content = archive.read_bytes()
        name = archive.relative_to(tree).as_posix()
        archive.unlink()
        (tree / "backups/archive.tar.gz").write_bytes(content)
        ledger = tree / ".hocmig/ledger.jsonl"
        ledger.write_text(ledger.read_text().replace(name, "backups/archive.tar.gz"))

    def _trust(self, tree: Path, content: bytes) -> None:
        ledger = tree / ".hocmig/ledger.jsonl"
        lines = [json.loads(line) for line in ledger.read_text().splitlines()]
        for line in lines:
            if line.get("backup"):
                line["backup_sha256"] = hashlib.sha256(content).hexdigest()
        ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def _interrupt(self, tree: Path) -> None:
        """Kill a run when its journal is written and its swap begins."""
        child = os.fork()
        if not child:
            with _ended():
                from hocmig.transaction import transaction

                os.chdir(tree)
                _silence(self.folder / "tmp" / "log")
                transaction.swap = _die  # type: ignore[assignment]
                self.run([*_QUIET, "move", "--execute"])
        os.waitpid(child, 0)
        if not (tree / ".hocmig/transaction/journal").exists():
            raise RuntimeError("the run was not interrupted after its journal")

    def _fresh(self, base: str) -> Path:
        tree = self.folder / "tree"
        if tree.exists() or tree.is_symlink():
            shutil.rmtree(tree)
        shutil.copytree(self.folder / "bases" / base, tree, symlinks=True)
        return tree


def _import_everything() -> None:
    """Import what commands import on first use: else every trial would pay for it."""
    for package in (analyzers, codemods, hocmig):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(("__main__", "_child")):
                importlib.import_module(module.name)


def _die(*arguments: object, **options: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def _ended() -> Iterator[None]:
    """The end of a forked process, whatever happens inside."""
    try:
        yield
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(99)


def _silence(log: Path) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def _become_trial(trials: Trials, tree: Path, arguments: list[str], log: Path) -> None:
    with _ended():
        os.setsid()
        os.chdir(tree)
        os.environ["TMPDIR"] = str(trials.folder / "tmp")
        os.environ["HOME"] = str(trials.outside)
        os.environ["SOURCE_DATE_EPOCH"] = "1769508000"
        sys.dont_write_bytecode = True
        import tempfile

        tempfile.tempdir = None
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        _silence(log)
        sys.addaudithook(_watch_writes((str(tree), str(trials.folder / "tmp"), "/dev/null")))
        code = trials.run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _watch_writes(allowed: tuple[str, ...]) -> Callable[[str, tuple[object, ...]], None]:
    """Says every write to a path outside `allowed`; calls below an open folder are judged by the snapshot."""
    positions = {
        "os.mkdir": (0, 2), "os.remove": (0, 1), "os.rmdir": (0, 1), "os.rename": (1, 3), "os.link": (1, 3),
        "os.symlink": (1, 2), "os.chmod": (0, 2), "os.truncate": (0, None), "os.utime": (0, 3),
        "shutil.rmtree": (0, None),
    }  # fmt: skip

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            folder: object = None
        elif event in positions:
            at, folder_at = positions[event]
            path = arguments[at]
            writes = True
            folder = arguments[folder_at] if folder_at is not None and folder_at < len(arguments) else None
        else:
            return
        if not writes or not isinstance(path, (str, bytes)) or (isinstance(folder, int) and folder >= 0):
            return
        real = str((Path.cwd() / os.fsdecode(path)).parent.resolve())
        if not any(f"{real}/".startswith(f"{one}/") or os.fsdecode(path) == one for one in allowed):
            os.write(2, f"OUTSIDE {event} {path!r}\n".encode("utf-8", "replace"))

    return watch


def _wait(child: int, start: float) -> tuple[int, int]:
    """The exit code (minus the signal for a killed process) and the peak memory in bytes."""
    pause = 0.001
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024
        if time.monotonic() - start > 2 * MAX_SECONDS:
            os.killpg(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)


def _listing(folder: Path, tree: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, size and time of everything in the private folder but trees and temporary files."""
    skipped = {tree, folder / "tmp", folder / "bases", folder / "tree"}
    found = {}
    open_folders = [folder]
    while open_folders:
        for path in open_folders.pop().iterdir():
            if path in skipped:
                continue
            status = path.lstat()
            is_folder = stat.S_ISDIR(status.st_mode)
            found[str(path)] = (status.st_mode, status.st_size, 0 if is_folder else status.st_mtime_ns)
            if is_folder:
                open_folders.append(path)
    return found


def _code(tree: Path) -> dict[str, bytes]:
    """The bytes of all Python files of the tree, and of the other sources that a move may rewrite."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for pattern in ("*.py", "README.md")
        for path in sorted((tree / "app").rglob(pattern) if pattern == "*.py" else tree.glob(pattern))
        if path.is_file() and not path.is_symlink()
    }
