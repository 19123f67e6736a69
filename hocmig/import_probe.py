"""Really imports modules, each in a process of its own with limits: how does each import end?

The network is off: by a network namespace where the system allows one (`unshare`, Linux), and in any case by
an audit hook inside Python, which code written in C and started processes can pass by. Which of the two held
is part of the result.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzers.before_state import ModuleOutcome
from analyzers.errors import InputError

Advance = Callable[[int, int], None]

CHILD = Path(__file__).with_name("import_probe_child.py")

#: Seconds that a module may take, and bytes of private memory that it may use, when nobody says.
DEFAULT_SECONDS = 20.0
DEFAULT_MEMORY = 2 << 30

#: Seconds of grace until a probe that does not answer is given up.
_GRACE = 20.0

_NAMESPACES = (
    ("--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
    ("--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
    ("--net",),
    ("--user", "--map-root-user", "--net"),
)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`outcomes` by module, sorted; `network` says how it was kept off, `preloaded` what was shared."""

    outcomes: Mapping[str, ModuleOutcome]
    network: str
    preloaded: tuple[str, ...]


def probe_imports(
    root: Path,
    import_roots: Sequence[str],
    modules: Iterable[str],
    *,
    seconds: float = DEFAULT_SECONDS,
    memory: int = DEFAULT_MEMORY,
    jobs: int = 1,
    python: str = sys.executable,
    preload: Sequence[str] = (),
    advance: Advance | None = None,
) -> ProbeResult:
    """Import every module in a process of its own.

    Args:
        root: the repository; it is not written to.
        import_roots: relative to the root; they come first on the path.
        seconds, memory: limits for each module, in seconds and bytes.
        jobs: number of modules that are imported at the same time.
        python: the interpreter of the code.
        preload: libraries of others that may be imported once for all.
        advance: called with (modules done, modules in all).

    Raises:
        InputError: this system has no fork, or the interpreter cannot be started.
    """
    if not hasattr(os, "fork"):
        raise InputError("--import", 0, "needs a system with fork", "run it on Linux or macOS")
    wanted = sorted(set(modules))
    sandbox, network = _sandbox()
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for module in wanted:
        waiting.put(module)
    outcomes: dict[str, ModuleOutcome] = {}
    problems: list[BaseException] = []
    preloaded: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="hocmig-import-") as scratch:

        def work(number: int) -> None:
            folder = Path(scratch) / str(number)
            folder.mkdir()
            settings = {
                "roots": [str((root / r).resolve()) for r in import_roots],
                "repository": str(root.resolve()),
                "scratch": str(folder),
                "seconds": seconds,
                "memory": memory,
                "preload": list(preload),
            }
            worker = _Worker([*sandbox, python, "-u", str(CHILD)], root, settings, seconds)
            try:
                while True:
                    try:
                        module = waiting.get_nowait()
                    except queue.Empty:
                        break
                    outcomes[module] = worker.examine(module)
                    if advance is not None:
                        advance(len(outcomes), len(wanted))
                preloaded.update(worker.preloaded)
            except BaseException as error:
                problems.append(error)
            finally:
                worker.close()

        count = max(1, min(jobs, len(wanted)))
        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if problems:
        raise problems[0]
    return ProbeResult({m: outcomes[m] for m in wanted}, network, tuple(sorted(preloaded)))


class _Worker:
    """One probing process; started again when a module managed to take it down."""

    def __init__(self, command: list[str], root: Path, settings: dict[str, Any], seconds: float) -> None:
        self.command = command
        self.root = root
        self.settings = settings
        self.seconds = seconds
        self.preloaded: tuple[str, ...] = ()
        self.process: subprocess.Popen[bytes] | None = None
        self.buffer = b""

    def examine(self, module: str) -> ModuleOutcome:
        """How the import of a module ends."""
        if self.process is None:
            self._start()
        answer = self._ask(module.encode() + b"\n", self.seconds + _GRACE)
        if answer is None or answer.get("module") != module:
            self.close()
            return ModuleOutcome("died", "took the examining process down with it")
        return ModuleOutcome(str(answer["kind"]), str(answer["detail"]), tuple(answer["notes"]))

    def close(self) -> None:
        """Kill the process and all that it started."""
        process, self.process, self.buffer = self.process, None, b""
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.wait()

    def _start(self) -> None:
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            # A random order of sets would make two runs differ.
            "PYTHONHASHSEED": "0",
            "TMPDIR": self.settings["scratch"],
        }
        try:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.root,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(
                self.command[-3],
                0,
                f"cannot be started: {error.strerror}",
                "name the interpreter with --python",
            ) from error
        settings = {**self.settings, "nonce": secrets.token_hex(16)}
        patience = (self.seconds + _GRACE) * (2 * len(self.settings["preload"]) + 1)
        answer = self._ask(json.dumps(settings).encode() + b"\n", patience)
        if answer is None and self.settings["preload"]:
            # A library that cannot be shared: each module imports it for itself.
            self.close()
            self.settings = {**self.settings, "preload": []}
            self._start()
        elif answer is None:
            self.close()
            raise InputError(
                self.command[-3], 0, "does not run the import check", "name Python 3.8 or newer with --python"
            )
        else:
            self.preloaded = tuple(answer["preloaded"])

    def _ask(self, request: bytes, patience: float) -> dict[str, Any] | None:
        """The answer to a request; None when the process died or did not answer in time."""
        process = self.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = time.monotonic() + patience
        try:
            process.stdin.write(request)
            process.stdin.flush()
            while b"\n" not in self.buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                    return None
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    return None
                self.buffer += piece
        except OSError:
            return None
        line, _, self.buffer = self.buffer.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None


def _sandbox() -> tuple[list[str], str]:
    """The command that takes the network away, and what to say about it."""
    unshare = shutil.which("unshare")
    if unshare and sys.platform == "linux":
        for flags in _NAMESPACES:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                done = subprocess.run([unshare, *flags, "true"], capture_output=True, check=False, timeout=10)
                if done.returncode == 0:
                    return [unshare, *flags], "off (a network namespace of its own)"
    return [], "blocked inside Python only (this system allows no network namespace)"
