"""The plan file of definitions that move: per file the edits, and the hash of the text that they fit."""

from __future__ import annotations

import argparse
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import msgspec

from analyzers.errors import InputError
from analyzers.import_changes import ImportChange, TextEdit
from codemods._garbage_collection import collect_garbage_rarely


class FileMoves(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The edits of one file whose bytes have the SHA-256 `sha256`; offsets count decoded characters."""

    sha256: str
    import_changes: tuple[ImportChange, ...] = ()
    edits: tuple[TextEdit, ...] = ()


class MovePlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What hocmig hands to MoveSymbolsCommand: `stage` holds the files under their repository paths."""

    version: int
    files: dict[str, FileMoves]
    stage: str = ""

    option: ClassVar[str] = "--moves"

    def for_stage(self, stage: Path) -> bytes:
        """The JSON of the plan for files that are copied below `stage`."""
        return msgspec.json.encode(msgspec.structs.replace(self, stage=str(stage)))


@lru_cache(maxsize=4)
def load_move_plan(file: str) -> MovePlanFile:
    """Read a plan; `file` is an absolute path.

    Raises:
        InputError: the file is missing or no such plan.
    """
    collect_garbage_rarely()
    try:
        return msgspec.json.decode(Path(file).read_bytes(), type=MovePlanFile)
    except OSError as error:
        raise InputError(file, 0, f"cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InputError(file, 0, f"is no plan of moving definitions: {error}", "make it again") from error


def move_plan_argument(text: str) -> str:
    """An argparse type: the absolute path of a plan that could be loaded."""
    try:
        load_move_plan(str(Path(text).absolute()))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return str(Path(text).absolute())
