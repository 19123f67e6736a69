"""The text of a new `hocmig.yaml`: what was detected, and every other key as a comment with its default."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from analyzers.layout_detection import DetectedLayout

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./\-]*")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"}

#: For `python -m libcst.tool`. Without a formatter LibCST fails every changed file, and its default would
#: reformat whole files: `cat` hands the text through. Files marked `@generated` would be skipped silently and
#: keep stale imports: hence a marker that no file holds.
CODEMOD_CONFIG = """\
# Settings of `python -m libcst.tool` in this repository; written by `hocmig init`.
modules: [codemods]
repo_root: .
# Hands the text through unchanged: run your own formatter afterwards.
formatter: [cat]
blacklist_patterns: []
# Generated files are rewritten like all others, so that none keeps a stale import.
generated_code_marker: "@left-alone-by-codemods"
"""


def configuration_text(layout: DetectedLayout) -> str:
    """A commented `hocmig.yaml` that says what `layout` found; the same layout gives the same text."""
    lines = [
        "# How hocmig sees this repository. Every key may be left out; paths are relative to this folder.",
        "version: 1",
        "",
        "# Folders that stand on sys.path, so that modules below them have their importable names.",
        *_list("import_roots", layout.import_roots),
        "",
        "# The package that holds the domains (empty: this repository has none).",
        f"domain_root: {_scalar(layout.domain_root)}",
        "",
    ]
    if layout.domains and layout.is_every_folder:
        lines += [
            "# Every package folder below domain_root is a domain; list them if some are not. Found:",
            *_wrapped(layout.domains),
            "domains: []",
        ]
    else:
        lines += [
            "# The domains below domain_root; empty: every package folder there.",
            *_list("domains", layout.domains),
        ]
    lines += [
        "",
        "# The domain that all others may import.",
        f"shared_domain: {_scalar(layout.shared_domain)}",
        "",
        "# Layer folders of a domain, the highest first: a layer may import itself and those below it.",
        "layers:",
        *("  " + line for line in _list("order", layout.layers)),
        "",
        "# Folders to look into (empty: all), and gitignore-style globs to leave out (.gitignore counts).",
        "scan: []",
        "exclude: []",
        "",
        "# The audit workbook that `hocmig manifest` reads.",
        f"workbook: {_scalar(layout.workbook)}",
        "",
        _OTHER_KEYS,
    ]
    return "\n".join(lines)


_OTHER_KEYS = """\
# Where the phases write their files (default: <domain_root>/_domain_map, else .hocmig/artifacts).
# artifacts: ""

# Exact counts that a phase must find, as gates.
# expect:
#   misplaced: 84

# Architecture rules of `hocmig check` and P8, and the file of accepted violations.
# architecture:
#   rules: [ARCH-001, ARCH-002, ARCH-003, ARCH-004]
#   baseline: ""

# Files besides Python whose references may be rewritten, and how sure a hit must be (certain, likely).
# references:
#   include: ["*"]
#   exclude: []
#   level: certain

# Names that a package passes on from a module which leaves it: keep them there, or flatten.
# moves:
#   facade: keep

# Commands of this repository, run from its root.
# commands:
#   tests: ""
#   layers: ""

# duplicates:
#   min_lines: 10
#   threshold: 0.8

# clusters: ""

# jobs: 0 means one process per core.
# execution:
#   jobs: 0
#   executor: local
"""


def _list(key: str, items: Sequence[str]) -> list[str]:
    if not items:
        return [f"{key}: []"]
    return [f"{key}:", *(f"  - {_scalar(item)}" for item in items)]


def _wrapped(items: Sequence[str]) -> list[str]:
    lines = ["#  "]
    for item in items:
        if len(lines[-1]) + len(item) > 108:
            lines.append("#  ")
        lines[-1] += f" {item}"
    return lines


def _scalar(text: str) -> str:
    """`text` as a YAML scalar: plain where it is harmless, else double-quoted (JSON's quoting is YAML's)."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
