"""Reads repository files by their paths, each once."""

from __future__ import annotations

from pathlib import Path

from analyzers.errors import InputError


class RepositoryReader:
    """The bytes of files below `root` by repository path.

    Raises:
        InputError: a file cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._contents: dict[str, bytes] = {}

    def __call__(self, path: str) -> bytes:
        content = self._contents.get(path)
        if content is None:
            try:
                with open(f"{self.root}/{path}", "rb") as file:
                    content = file.read()
            except OSError as error:
                raise InputError(
                    path, 0, f"cannot be read: {error.strerror}", "mend its permissions"
                ) from error
            self._contents[path] = content
        return content
