"""A small client of the Language Server Protocol: what a server changes when files or symbols move.

Only what the comparison needs: start, open all files, ask, give back the edited texts. Nothing is written.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlparse

_SETTLING_SECONDS = 2.0
_ANSWER_SECONDS = 40.0


class LanguageServer:
    """A server on a folder; use it in a `with` block.

    Raises:
        TimeoutError: it does not answer.
        ValueError: it answers with an error.
    """

    def __init__(self, command: Sequence[str], root: Path) -> None:
        self.command = list(command)
        self.root = root.resolve()
        self.next_id = 0
        self.answers: dict[int, Any] = {}
        self.incoming: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.offered: dict[str, Any] = {}

    def __enter__(self) -> LanguageServer:
        self.process = subprocess.Popen(
            self.command,
            cwd=self.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=self._read, daemon=True).start()
        folder = {"uri": self.root.as_uri(), "name": self.root.name}
        operations = {"willRename": True, "didRename": True, "dynamicRegistration": True}
        literal = {"codeActionKind": {"valueSet": ["", "refactor", "refactor.move"]}}
        capabilities = {
            "workspace": {
                "applyEdit": True,
                "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename"]},
                "fileOperations": operations,
                "configuration": True,
                "workspaceFolders": True,
            },
            "textDocument": {
                "codeAction": {
                    "codeActionLiteralSupport": literal,
                    "dataSupport": True,
                    "resolveSupport": {"properties": ["edit"]},
                },
                "publishDiagnostics": {},
            },
        }
        answer = self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": folder["uri"],
                "workspaceFolders": [folder],
                "capabilities": capabilities,
            },
        )
        self.offered = answer["capabilities"]
        self.tell("initialized", {})
        for path in sorted(self.root.rglob("*.py")):
            try:
                text = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
            document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": text}
            self.tell("textDocument/didOpen", {"textDocument": document})
        self._pump(_SETTLING_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    # -- questions -----------------------------------------------------------------------------------------

    def rename_files(self, moves: Mapping[str, str]) -> dict[Path, str]:
        """The new text of each file that is edited when paths (relative, old -> new) are renamed."""
        files = [
            {"oldUri": (self.root / old).as_uri(), "newUri": (self.root / new).as_uri()}
            for old, new in moves.items()
        ]
        return self._edited(self.ask("workspace/willRenameFiles", {"files": files}))

    def move_symbol(self, path: str, name: str, module: str) -> dict[Path, str] | None:
        """The same for a top-level symbol that goes to a module; None when that is not offered."""
        text = (self.root / path).read_bytes().decode()
        for number, line in enumerate(text.split("\n")):
            for start in (f"def {name}(", f"class {name}", f"{name} ="):
                if line.startswith(start):
                    at = {"line": number, "character": start.index(name)}
                    break
            else:
                continue
            break
        else:
            return None
        question = {
            "textDocument": {"uri": (self.root / path).as_uri()},
            "range": {"start": at, "end": at},
            "context": {"diagnostics": [], "only": ["refactor.move"], "triggerKind": 1},
        }
        leaf = module.rpartition(".")[2]
        for action in self.ask("textDocument/codeAction", question) or ():
            if "move" not in action["title"].lower() or leaf not in action["title"]:
                continue
            if "edit" not in action:
                action = self.ask("codeAction/resolve", action)
            if action.get("edit"):
                return self._edited(action["edit"])
        return None

    # -- protocol ------------------------------------------------------------------------------------------

    def ask(self, method: str, parameters: Any) -> Any:
        self.next_id += 1
        number = self.next_id
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        end = time.monotonic() + _ANSWER_SECONDS
        while number not in self.answers:
            if time.monotonic() > end or not self._pump(0.2):
                raise TimeoutError(f"{method}: no answer")
        answer = self.answers.pop(number)
        if "error" in answer:
            raise ValueError(f"{method}: {answer['error'].get('message')}")
        return answer.get("result")

    def tell(self, method: str, parameters: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b"\n"):
                if not line:
                    self.incoming.put(None)
                    return
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            self.incoming.put(json.loads(stream.read(length)))

    def _pump(self, seconds: float) -> bool:
        """Answer what the server asks for a while, at least until something came; False when it has ended."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                message = self.incoming.get(timeout=left)
            except queue.Empty:
                return True
            if message is None:
                return False
            if "method" in message and "id" in message:
                result: Any = None
                if message["method"] == "workspace/configuration":
                    result = [{} for _ in message["params"]["items"]]
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})
            elif "id" in message:
                self.answers[message["id"]] = message
                return True
        return True

    # -- edits ---------------------------------------------------------------------------------------------

    def _edited(self, edit: Mapping[str, Any] | None) -> dict[Path, str]:
        changes: dict[str, list[Any]] = {}
        for uri, edits in ((edit or {}).get("changes") or {}).items():
            changes.setdefault(uri, []).extend(edits)
        for document in (edit or {}).get("documentChanges") or ():
            if "edits" in document:
                changes.setdefault(document["textDocument"]["uri"], []).extend(document["edits"])
        found = {}
        for uri, edits in changes.items():
            path = Path(unquote(urlparse(uri).path))
            found[path] = _apply(path.read_bytes().decode() if path.is_file() else "", edits)
        return found


def _apply(text: str, edits: Sequence[Mapping[str, Any]]) -> str:
    spans = [
        (_offset(text, e["range"]["start"]), _offset(text, e["range"]["end"]), e["newText"]) for e in edits
    ]
    for start, end, new in sorted(spans, key=lambda s: s[:2], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _offset(text: str, position: Mapping[str, int]) -> int:
    """Positions count UTF-16 units; a line end is one of `\\n`, `\\r\\n`, `\\r`."""
    lines = text.splitlines(keepends=True)
    before = sum(map(len, lines[: position["line"]]))
    if position["line"] >= len(lines):
        return before
    encoded = lines[position["line"]].encode("utf-16-le")[: 2 * position["character"]]
    return before + len(encoded.decode("utf-16-le", "ignore"))
