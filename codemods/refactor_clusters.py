"""Rewrite the callers of modules that clusters join or divide.

Before:
    from app.logs.L5_engines.certificate import CertificateGenerator
    from app.logs.L5_engines import pdf_renderer

After (certificate.py goes into compliance_engine.py, pdf_renderer.py into export_engine.py):
    from app.logs.L5_engines.compliance_engine import CertificateGenerator
    from app.logs.L5_engines import export_engine as pdf_renderer

Leaves alone: the files of the clusters themselves. Their definitions move between files, which one codemod on
one file cannot do: that is `hocmig refactor`. A warning says so.

Source: the migration plan, phase 7.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import libcst as cst
from libcst.codemod import CodemodContext, SkipFile

from codemods._phase_plans import checked, load_cluster_plan
from codemods.rewrite_imports import RewriteImportsCommand


class RefactorClustersCommand(RewriteImportsCommand):
    DESCRIPTION = "Rewrite the callers of modules that clusters join or divide."

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.add_argument(
            "--clusters",
            metavar="FILE",
            type=checked(load_cluster_plan),
            required=True,
            help="The clusters: CLUSTER_DEFINITIONS.yaml.",
        )

    def __init__(self, context: CodemodContext, clusters: str) -> None:
        super(RewriteImportsCommand, self).__init__(context)
        found = load_cluster_plan(clusters)
        self.plan, self.moving = found.rewriting, found.moving

    def transform_module(self, tree: cst.Module) -> cst.Module:
        path = self.plan.relative_path(Path(self.context.filename or ""))
        if path in self.moving:
            self.warn(f"CLUSTER001 {path}: belongs to a cluster; `hocmig refactor` moves its definitions")
            raise SkipFile("belongs to a cluster")
        return super().transform_module(tree)
