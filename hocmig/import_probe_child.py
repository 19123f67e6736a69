"""Imports modules one by one, each in a process of its own; run as a script by `import_probe`.

It uses the standard library alone, because it runs in the interpreter of the examined code. Settings come as
one line of JSON on stdin, then one module name per line; each is answered with one line of JSON on stdout.

The process that reads them imports nothing of the examined code. It forks for each module. The fork gets
limits and an audit hook, which blocks the network, writing outside a scratch folder, and signals to others.
It reports through a pipe and leaves with `os._exit`, so that neither exit handlers nor threads run on.
Whatever it started is killed afterwards.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import threading
import time
import traceback
from typing import Any

_NOTE_NETWORK = "opens a network connection (blocked)"
_NOTE_PROCESS = "starts a process"
_NOTE_WRITE = "writes a file (blocked)"
_NOTE_KILL = "sends a signal to a process (blocked)"
_NOTE_EXEC = "replaces its process (blocked)"

#: The pipe's descriptor is put here, out of the way of code that closes low numbers.
_REPORT_DESCRIPTOR = 250
_PR_SET_CHILD_SUBREAPER = 36
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _State:
    """What the audit hook needs; it is active only while examined code runs."""

    active = False
    scratch = ""
    notes: set[str] = set()  # noqa: RUF012


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _State.active:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING:
            _check_write(path)
    elif event.startswith("socket."):
        _check_socket(event, arguments)
    elif event in ("subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn"):
        _State.notes.add(_NOTE_PROCESS)
    elif event == "os.exec":
        _State.notes.add(_NOTE_EXEC)
        raise PermissionError("hocmig: a module under examination may not replace its process")
    elif event in ("os.kill", "os.killpg"):
        if event == "os.killpg" or arguments[0] != os.getpid():
            _State.notes.add(_NOTE_KILL)
            raise PermissionError("hocmig: a module under examination may not send signals")
    elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.utime", "os.symlink"):
        _check_write(arguments[1] if event == "os.symlink" else arguments[0])
    elif event in ("os.rename", "os.link"):
        _check_write(arguments[0])
        _check_write(arguments[1])


def _check_write(path: Any) -> None:
    if isinstance(path, int):
        return
    place = os.path.realpath(os.fsdecode(path))
    if not place.startswith((_State.scratch + "/", "/dev/")):
        _State.notes.add(_NOTE_WRITE)
        raise PermissionError(f"hocmig: read-only while modules are examined: {os.path.basename(place)}")  # noqa: PTH119


def _check_socket(event: str, arguments: tuple[Any, ...]) -> None:
    address = (
        arguments[-1] if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg") else ""
    )
    is_local = event not in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr") and (
        not isinstance(address, tuple)
    )
    if not is_local:
        _State.notes.add(_NOTE_NETWORK)
        raise PermissionError("hocmig: the network is off while modules are examined")


def main() -> None:
    """Answer requests until stdin ends."""
    reply = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 100)
    requests = os.fdopen(fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 100), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    settings = json.loads(requests.readline())
    settings["private"] = [reply, requests.fileno()]
    # The folder of this script is no place of the examined code.
    sys.path[:] = [*settings["roots"], *sys.path[1:]]
    sys.argv = ["-c"]
    sys.dont_write_bytecode = True
    _State.scratch = os.path.realpath(settings["scratch"])
    _adopt_orphans()
    sys.addaudithook(_audit)
    loaded = [name for name in settings["preload"] if _preload(name, settings)]
    gc.freeze()
    os.write(reply, json.dumps({"preloaded": loaded}).encode() + b"\n")
    for line in requests:
        answer = _examine(line.rstrip("\n"), settings)
        os.write(reply, json.dumps(answer).encode() + b"\n")


def _preload(name: str, settings: dict[str, Any]) -> bool:
    """Import an outside library for all forks, when a fork shows that it leaves nothing behind."""
    trial = _examine(name, settings)
    if trial["kind"] != "ok" or trial["notes"]:
        return False
    _State.active = True
    try:
        importlib.import_module(name)
    except BaseException:
        # It imported well in the trial; whatever differs here, each module then imports it for itself.
        return False
    finally:
        _State.active = False
        _State.notes.clear()
    return threading.active_count() == 1


def _examine(module: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Import one module in a fork and say how that ended."""
    seconds = float(settings["seconds"])
    read_end, write_end = os.pipe()
    output = os.open(f"{_State.scratch}/output", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        # What the examined code could mistake for, or use as, our own channels.
        for number in (read_end, *settings["private"]):
            os.close(number)
        _run(module, settings, write_end, output)
        os._exit(0)
    os.close(write_end)
    message, status = _await(process, read_end, began + seconds, settings["nonce"].encode())
    os.close(read_end)
    _end_all(process)
    answer: dict[str, Any] = {"module": module, "kind": "ok", "detail": "", "notes": []}
    if message is not None:
        answer.update(message)
    elif status is None:
        answer.update(kind="timeout", detail=f"did not end within {seconds:g} seconds")
    elif os.WIFSIGNALED(status):
        answer.update(kind="died", detail=f"killed by signal {os.WTERMSIG(status)}")
    else:
        answer.update(kind="died", detail=f"ended its process with code {os.WEXITSTATUS(status)}")
    size = os.fstat(output).st_size
    if size:
        text = os.pread(output, 200, 0).decode("utf-8", "replace")
        answer["notes"].append(f"writes to stdout or stderr: {' '.join(text.split())[:120]!r}")
    os.close(output)
    return answer


def _run(module: str, settings: dict[str, Any], write_end: int, output: int) -> None:
    """The fork: set limits, import, report. Returns in copies of itself that the module made, too."""
    report = fcntl.fcntl(write_end, fcntl.F_DUPFD_CLOEXEC, _REPORT_DESCRIPTOR)
    os.close(write_end)
    os.setsid()
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    _limit(settings)
    me = os.getpid()
    _State.active = True
    kind, detail, notes = "ok", "", []
    try:
        importlib.import_module(module)
    except SystemExit as error:
        kind, detail = "exit", f"SystemExit: {str(error.code)[:200]}"
    except MemoryError:
        kind, detail = "memory", "ran out of the memory that it may use"
    except BaseException as error:
        kind, detail = "error", _said(error)
        notes.append(_where(error, settings["repository"]))
    if os.getpid() != me:
        # A copy that the module's own fork made: only the original reports.
        os._exit(0)
    _State.active = False
    notes += sorted(_State.notes)
    if threading.active_count() > 1:
        notes.append("leaves threads running")
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    message = {"kind": kind, "detail": detail, "notes": [note for note in notes if note]}
    content = settings["nonce"].encode() + json.dumps(message).encode() + b"\n"
    try:
        while content:
            content = content[os.write(report, content) :]
    except OSError:
        # The module closed the pipe: it is reported as one that ended its process.
        os._exit(70)


def _said(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as inner:
        text = f"(its text fails with {type(inner).__name__})"
    return f"{type(error).__name__}: {' '.join(text.split())[:300]}".rstrip(": ")


def _where(error: BaseException, repository: str) -> str:
    """The innermost place in the repository that the exception passed."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if frame.filename.startswith(repository + "/"):
            return f"at {frame.filename[len(repository) + 1 :]}:{frame.lineno}"
    return ""


def _limit(settings: dict[str, Any]) -> None:
    memory = int(settings["memory"])
    # Private memory counts; address space alone is cheap, and libraries reserve much of it.
    for name, value in (
        ("RLIMIT_DATA", memory),
        ("RLIMIT_AS", memory * 4),
        ("RLIMIT_FSIZE", 16 << 20),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_CPU", int(settings["seconds"]) + 5),
    ):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def _await(
    process: int, read_end: int, deadline: float, nonce: bytes
) -> tuple[dict[str, Any] | None, int | None]:
    """(report, None), or (None, wait status) of a process that ended without one; (None, None): too late."""
    content = b""
    ended: int | None = None
    while True:
        left = deadline - time.monotonic()
        # A short wait: a process that dies while a copy of it holds the pipe gives no end of file.
        ready = select.select([read_end], [], [], 0 if ended is not None else max(0.0, min(left, 0.02)))[0]
        piece = os.read(read_end, 65536) if ready else b""
        content += piece
        for line in content.split(b"\n")[:-1]:
            start = line.find(nonce)
            if start >= 0:
                return json.loads(line[start + len(nonce) :]), None
        if ended is not None and not piece:
            return None, ended
        if ended is None:
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                ended = status
        if left <= 0 or len(content) > 1 << 20:
            return None, ended


def _adopt_orphans() -> None:
    """Become the parent of processes whose parent dies, so that they can be found and killed (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_all(process: int) -> None:
    """Kill a fork and everything that it started, and wait for it."""
    stop = time.monotonic() + 5
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    while time.monotonic() < stop:
        if os.getpid() == 1:
            # In a process namespace of its own nothing else can be hit.
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        else:
            for child in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not found:
            time.sleep(0.002)


def _children() -> list[int]:
    me = os.getpid()
    try:
        with open(f"/proc/self/task/{me}/children", encoding="ascii") as file:
            return [int(number) for number in file.read().split()]
    except OSError:
        return []


if __name__ == "__main__":
    main()
