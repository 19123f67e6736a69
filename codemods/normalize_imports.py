"""Rewrite imports of shared names to their one canonical module.

Before (the registry says that Store is defined in, and imported from, app.general.L6_drivers.store):
    from app.logs.helpers import Store as LogStore, prefix
    from app.general import Store  # noqa: F401

After:
    from app.logs.helpers import prefix
    from app.general.L6_drivers.store import Store as LogStore
    from app.general.L6_drivers.store import Store  # noqa: F401

Leaves alone: names that are not proven to be the same definition, and imports whose rewriting could change
what the program does (see analyzers/import_normalization.py); each with a warning that says why.

Source: the migration plan, phase 8, step 3.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from codemods._exact_module import ExactModule
from codemods._normalization_plan import load_normalization, registry_argument
from codemods._statement_splice import rewritten_bytes


class NormalizeImportsCommand(CodemodCommand):
    DESCRIPTION = "Rewrite imports of shared names to their one canonical module."

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.add_argument(
            "--registry",
            metavar="FILE",
            type=registry_argument,
            required=True,
            help="Where shared names are imported from: EXPORT_REGISTRY.yaml, or a plan (.json).",
        )

    def __init__(self, context: CodemodContext, registry: str) -> None:
        super().__init__(context)
        self.plan = load_normalization(registry)

    def transform_module(self, tree: cst.Module) -> cst.Module:
        # Overridden instead of transform_module_impl: no metadata is needed, and the base class would copy
        # the whole tree to provide it.
        if self.context.filename is None:
            raise SkipFile("the name of the file is not known")
        file = Path(self.context.filename)
        path = self.plan.relative_path(file)
        # The file's own bytes: LibCST drops form feeds and a lone final carriage return.
        content = file.read_bytes() if file.is_file() else tree.bytes
        plan, left = self.plan.plan_of(path, content)
        for one in left:
            self.warn(f"NORM003 {path}:{one.line}: {one.module}.{one.name} stays: {one.reason}")
        if not plan:
            raise SkipFile("nothing to change")
        return ExactModule.of(rewritten_bytes(plan), tree.encoding)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        return self.transform_module(tree)

    def get_description(self) -> str:
        return self.DESCRIPTION
