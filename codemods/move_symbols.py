"""Cut definitions out of one module and insert them into another, as a plan says.

Before (a.py, b.py):
    # How much we owe.
    def debt(x): return round(x, 2)

    RATE = 3

After:
    RATE = 3

    # How much we owe.
    def debt(x): return round(x, 2)

Leaves alone: a file whose bytes are not those that the plan was made for (it was edited, or the plan has
been carried out already); every byte outside the planned spans.

Source: the import-rewriting cases 41 and 42; what moves is decided in analyzers/symbol_moves.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from analyzers.file_plan import FilePlan
from analyzers.source import decode
from codemods._exact_module import ExactModule
from codemods._move_plan import load_move_plan, move_plan_argument
from codemods._statement_splice import rewritten_bytes


class MoveSymbolsCommand(CodemodCommand):
    DESCRIPTION = "Cut definitions out of modules and insert them into others, as a plan says."

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.add_argument(
            "--moves",
            metavar="FILE",
            type=move_plan_argument,
            required=True,
            help="The plan (.json) that hocmig makes of the definitions that move.",
        )

    def __init__(self, context: CodemodContext, moves: str) -> None:
        super().__init__(context)
        self.plan = load_move_plan(moves)

    def transform_module(self, tree: cst.Module) -> cst.Module:
        # Overridden instead of transform_module_impl: no metadata is needed, and the base class would copy
        # the whole tree to provide it.
        if self.context.filename is None:
            raise SkipFile("the name of the file is not known")
        file = Path(self.context.filename).absolute()
        stage = Path(self.plan.stage)
        path = file.relative_to(stage).as_posix() if file.is_relative_to(stage) else file.as_posix()
        moves = self.plan.files.get(path)
        if moves is None:
            raise SkipFile("nothing to change")
        # The file's own bytes: LibCST drops form feeds and a lone final carriage return.
        content = file.read_bytes() if file.is_file() else tree.bytes
        if hashlib.sha256(content).hexdigest() != moves.sha256:
            self.warn(f"SYMBOL015 {path}: is not the file that the plan was made for; make the plan again")
            raise SkipFile("not the planned file")
        plan = FilePlan(decode(content), moves.import_changes, moves.edits)
        return ExactModule.of(rewritten_bytes(plan), tree.encoding)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        return self.transform_module(tree)

    def get_description(self) -> str:
        return self.DESCRIPTION
