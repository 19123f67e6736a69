"""Rewrite the callers of copies to the one that stays.

Before:
    from app.logs.L6_drivers.idempotency import key_of

After (logs/L6_drivers/idempotency.py is a copy of general/L6_drivers/idempotency.py):
    from app.general.L6_drivers.idempotency import key_of

Leaves alone: the copies and the file that stays. They are merged and deleted by `hocmig consolidate`, which
needs several files at once. A warning says so. Candidates that are to be reviewed, and those that cannot be
carried out, change nothing.

Source: the migration plan, phase 6.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import libcst as cst
from libcst.codemod import CodemodContext, SkipFile

from codemods._phase_plans import checked, load_candidate_plan
from codemods.rewrite_imports import RewriteImportsCommand


class ConsolidateDuplicatesCommand(RewriteImportsCommand):
    DESCRIPTION = "Rewrite the callers of copies to the one that stays."

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.add_argument(
            "--candidates",
            metavar="FILE",
            type=checked(load_candidate_plan),
            required=True,
            help="The candidates: PHASE5_CONSOLIDATION_CANDIDATES.csv.",
        )

    def __init__(self, context: CodemodContext, candidates: str) -> None:
        super(RewriteImportsCommand, self).__init__(context)
        found = load_candidate_plan(candidates)
        self.plan, self.moving = found.rewriting, found.moving

    def transform_module(self, tree: cst.Module) -> cst.Module:
        path = self.plan.relative_path(Path(self.context.filename or ""))
        if path in self.moving:
            self.warn(f"CONSOLIDATE001 {path}: takes part itself; `hocmig consolidate` merges and deletes")
            raise SkipFile("takes part itself")
        return super().transform_module(tree)
