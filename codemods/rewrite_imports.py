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

from analyzers.file_rewriting import FilePlan
from codemods._import_editor import ImportEditor
from codemods._rewrite_plan import load_plan, plan_argument


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
        # No metadata is needed, and the base class would copy the whole tree to provide it.
        return self.transform_module_impl(tree)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        if self.context.filename is None:
            raise SkipFile("the name of the file is not known")
        path = self.plan.relative_path(Path(self.context.filename))
        content = tree.bytes
        if not self.plan.rewriter.may_concern(path, content):
            return tree
        on_disk = self._bytes_on_disk(content)
        plan = self.plan.rewriter.plan(path, on_disk)
        for finding in plan.findings:
            self.warn(str(finding))
        if any(f.severity == "error" for f in plan.findings):
            raise SkipFile("not changed, see the warnings")
        if not plan and on_disk != content:
            # The command line would write what LibCST read, which is not what the file says.
            raise SkipFile("nothing to change")
        return apply_plan(tree, plan)

    def _bytes_on_disk(self, content: bytes) -> bytes:
        """The file's own bytes: LibCST drops a leading form feed and a lone final carriage return."""
        assert self.context.filename is not None
        try:
            return Path(self.context.filename).read_bytes()
        except OSError:
            return content  # tests hand over trees without a file


def apply_plan(tree: cst.Module, plan: FilePlan) -> cst.Module:
    """The tree with the edits of `plan`: spans first, then import statements by ordinal."""
    if not plan:
        return tree
    if plan.edits:
        text = plan.source.encode(plan.edited_text)
        tree = cst.parse_module(text, config=tree.config_for_parsing)
    if not plan.import_changes:
        return tree
    return tree.visit(ImportEditor({c.ordinal: c.imports for c in plan.import_changes}))
