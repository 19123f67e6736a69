"""Rewrite imports of modules and symbols that the relocation map moves.

Before:
    from app.billing.invoice import Invoice  # noqa: F401
    import app.billing.limits
    app.billing.limits.check()

After (app.billing.invoice -> app.accounts.invoice, app.billing.limits -> app.controls.limits):
    from app.accounts.invoice import Invoice  # noqa: F401
    import app.controls.limits
    app.controls.limits.check()

Leaves alone: names that only look alike (`app.billing.invoice_old`), attributes that shadow a submodule,
files that it cannot read exactly; what it cannot rewrite safely is a warning with a stable code.

Source: the import-rewriting cases of the product's requirements.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from analyzers.file_plan import FilePlan
from codemods._exact_module import ExactModule
from codemods._rewrite_plan import load_plan, plan_argument
from codemods._statement_splice import rewritten_bytes


class RewriteImportsCommand(CodemodCommand):
    DESCRIPTION = "Rewrite imports of modules and symbols that a relocation map moves."

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.add_argument(
            "--relocations",
            metavar="FILE",
            type=plan_argument,
            required=True,
            help="What moves: MIGRATION_MANIFEST.csv, a CSV with old_path,new_path, or a plan (.json).",
        )

    def __init__(self, context: CodemodContext, relocations: str) -> None:
        super().__init__(context)
        self.plan = load_plan(relocations)

    def transform_module(self, tree: cst.Module) -> cst.Module:
        # Overridden instead of transform_module_impl: no metadata is needed, and the base class would copy
        # the whole tree to provide it.
        if self.context.filename is None:
            raise SkipFile("the name of the file is not known")
        file = Path(self.context.filename)
        path = self.plan.relative_path(file)
        # The file's own bytes: LibCST drops form feeds and a lone final carriage return.
        content = file.read_bytes() if file.is_file() else tree.bytes
        plan = self.plan.plan_of(path, content)
        if plan is None:
            raise SkipFile("nothing to change")
        for finding in plan.findings:
            self.warn(str(finding))
        if any(f.severity == "error" for f in plan.findings):
            raise SkipFile("not changed, see the warnings")
        if not plan:
            raise SkipFile("nothing to change")
        return apply_plan(tree, plan)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        return self.transform_module(tree)

    def get_description(self) -> str:
        return self.DESCRIPTION


def apply_plan(tree: cst.Module, plan: FilePlan) -> cst.Module:
    """The module after the changes of `plan`, byte for byte; `tree` if there are none.

    Raises:
        UnicodeEncodeError: the file's encoding cannot express a new name.
    """
    if not plan:
        return tree
    return ExactModule.of(rewritten_bytes(plan), tree.encoding)
