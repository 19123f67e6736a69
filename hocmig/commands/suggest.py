"""`hocmig suggest`: which files look misplaced, and why, as a draft of a workbook; decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hocmig.misplacement_survey import Survey, survey
from hocmig.store import write_new_text
from hocmig.suggestion_draft import evidence_sentences, render_draft, target_of
from hocmig.terminal import Terminal
from hocmig.workspace import open_workspace

EXAMPLES = """
\b
Examples:
  hocmig suggest
  hocmig suggest --domain billing --min-score 1
  hocmig suggest --output docs/SUGGESTIONS.md
  hocmig manifest --workbook docs/SUGGESTIONS.md       (after a person wrote x into the brackets)
  hocmig --root src suggest --domain-root mypackage    (without hocmig.yaml)
"""


@click.command("suggest", epilog=EXAMPLES)
@click.option("--domain-root", metavar="DIR", help="Folder that holds the domains (default: as configured).")
@click.option("--domain", "domains", multiple=True, help="Only files of this domain (repeatable).")
@click.option(
    "--min-score", "least", type=click.FloatRange(-20, 20), default=0.0, help="Least score (default: 0)."
)
@click.option("--limit", type=click.IntRange(min=1), default=30, help="Rows of the table (default: 30).")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the draft to this new file."
)
@click.pass_obj
def command(
    options: dict[str, Any],
    domain_root: str | None,
    domains: tuple[str, ...],
    least: float,
    limit: int,
    output: Path | None,
) -> int:
    """Find files that look as if they belonged to another domain, and say why.

    The evidence is who imports a file, what it imports, and the words of its names; about half of the files
    that are listed belong where the draft says (docs/suggest.md). Nothing moves before a person decides.
    """
    workspace = open_workspace(options, need_config=False)
    result = survey(workspace, domain_root=domain_root, domains=domains, least=least)
    terminal = workspace.terminal
    for note in result.notes:
        terminal.note(note)
    for record in result.unread:
        terminal.warn(f"{record.path}:{record.error_line or 1}: not looked at: {record.error}")
    if output is not None:
        write_new_text(output, render_draft(result.suggestions, result.remarks))
    _print_table(terminal, result, limit)
    if output is not None:
        terminal.say(f"wrote {output}")
    terminal.document(_document(result))
    return 0


def _print_table(terminal: Terminal, result: Survey, limit: int) -> None:
    rows = [
        (
            one.inner_path,
            one.target,
            f"{one.score:.1f}",
            " ".join(evidence_sentences(one, result.remarks.get(one.path, ()))),
        )
        for one in result.suggestions[:limit]
    ]
    found = len(result.suggestions)
    title = f"{found} of {result.files} files look misplaced (domains below {result.domain_root})"
    if rows:
        terminal.table(title, ("file", "belongs to", "score", "evidence"), rows)
        if found > limit:
            terminal.say(f"and {found - limit} more; see --limit, or --output for all of them")
    else:
        terminal.say(f"none of {result.files} files looks misplaced (domains below {result.domain_root})")


def _document(result: Survey) -> dict[str, Any]:
    return {
        "domain_root": result.domain_root,
        "domains": result.domains,
        "files": result.files,
        "suggestions": [
            {
                "path": one.path,
                "domain": one.domain,
                "layer": one.layer,
                "target_domain": one.target,
                "target_path": f"{result.domain_root}/{target_of(one)}",
                "score": round(one.score, 2),
                "second": {"domain": one.second[0], "score": round(one.second[1], 2)},
                "importers": one.importers,
                "importers_there": one.importers_there,
                "importers_here": one.importers_here,
                "imports": one.imports,
                "imports_there": one.imports_there,
                "imports_here": one.imports_here,
                "words": [{"word": w, "files_there": t, "files_here": h} for w, t, h in one.words],
                "remarks": result.remarks.get(one.path, ()),
            }
            for one in result.suggestions
        ],
        "unread": [{"path": r.path, "line": r.error_line, "problem": r.error} for r in result.unread],
        "notes": result.notes,
    }
