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
        if path not in self._contents:
            try:
                self._contents[path] = (self.root / path).read_bytes()
            except OSError as error:
                raise InputError(
                    path, 0, f"cannot be read: {error.strerror}", "mend its permissions"
                ) from error
        return self._contents[path]
