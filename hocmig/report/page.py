"""The report as one HTML file: no network, no outside file, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from hocmig.report.details import cycle_list, duplicate_list, health_part, moved_files, violation_list
from hocmig.report.domain_graph import graph_svg
from hocmig.report.heat_map import matrix_section
from hocmig.report.markup import code, one_line, plural
from hocmig.report.overview import human_list, phases_strip, story, tiles
from hocmig.report.report_facts import ReportFacts

_HERE = Path(__file__).parent
_NOTES = 50

_FILTERS = (
    ("", "everything"),
    ("human", "decisions"),
    ("import", "imports"),
    ("move", "moved files"),
    ("cycle", "cycles"),
    ("duplicate", "duplicates"),
    ("violation", "violations"),
    ("check", "health checks"),
)


def render_page(facts: ReportFacts) -> str:
    """The whole page; the same facts give the same text.

    Each part has a size that it does not pass, so that the page stays below 3,000,000 bytes however large the
    migration is; only names of several hundred characters could make it larger.
    """
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    script = (_HERE / "script.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = _sections(facts)
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in sections)
    title = f"Migration of {facts.title}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{one_line(title)}</title><style>{style}</style></head>\n<body>"
        '<a class="skip" href="#main">Skip to the content</a>'
        f'<header class="top"><h1>Migration of <bdi>{one_line(facts.title)}</bdi></h1>'
        f'<p class="meta">{one_line(facts.generated_at)}, hocmig {one_line(facts.tool_version)}, '
        f"{plural(facts.files, 'Python file')}</p></header>"
        f'<div class="bar"><div><nav class="contents" aria-label="Contents">{links}</nav>'
        f"{_tools()}</div></div>"
        f'<main id="main" tabindex="-1">{"".join(_section(*section) for section in sections)}</main>'
        f"{_footer(facts)}<script>{script}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _sections(facts: ReportFacts) -> list[tuple[str, str, str]]:
    """(id, title, content) of each section."""
    below = f"<p class='meta'>Paths lie below {code(facts.domain_root)} where they name no other root.</p>"
    hint = below if facts.domain_root else ""
    found = [
        ("glance", "At a glance", story(facts) + phases_strip(facts) + tiles(facts)),
        ("human", "What needs a human", human_list(facts)),
    ]
    if facts.domains:
        note = f"<p class='meta'>{one_line(facts.before_note)}</p>"
        found.append(("matrix", "Dependencies", note + matrix_section(facts)))
        found.append(("graph", "Graph of domains", _graphs(facts)))
    found += [
        ("moves", "Moved files", hint + _opener("moves") + moved_files(facts)),
        ("cycles", "Import cycles", cycle_list(facts)),
        ("duplicates", "Duplicates", duplicate_list(facts)),
        ("violations", "Violations", violation_list(facts)),
        ("health", "Health", health_part(facts)),
    ]
    return found


def _section(name: str, title: str, content: str) -> str:
    return (
        f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{title}</h2>{content}</section>'
    )


def _graphs(facts: ReportFacts) -> str:
    sides = (["before"] if facts.has_before else []) + ["now"]
    figures = "".join(
        f'<figure class="figure"><figcaption>{side.capitalize()}</figcaption>'
        f"{graph_svg(facts, side)}</figure>"
        for side in sides
    )
    return (
        "<p class='meta'>An arrow leads from the importing domain to the imported one; the wider, the more "
        "imports. Red arrows are against the rules. The matrix above has the same numbers.</p>"
        f'<div class="pair">{figures}</div>'
    )


def _opener(name: str) -> str:
    return (
        f'<p class="open-all"><button type="button" data-all="{name}" aria-pressed="false">'
        "Open or close all</button></p>"
    )


def _tools() -> str:
    options = "".join(f'<option value="{value}">{name}</option>' for value, name in _FILTERS)
    return (
        '<div class="tools" id="tools" role="search" hidden><label for="search" class="sr">Search</label>'
        '<input type="search" id="search" placeholder="Search ( / )" autocomplete="off" spellcheck="false">'
        f'<label for="status" class="sr">Show</label><select id="status">{options}</select>'
        '<output id="said" aria-live="polite"></output></div>'
    )


def _footer(facts: ReportFacts) -> str:
    notes = "".join(f"<li>{one_line(note)}</li>" for note in facts.notes[:_NOTES])
    listed = f"<p>What could not be read:</p><ul>{notes}</ul>" if notes else ""
    names = ", ".join(name for phase in facts.phases for name in phase.artifacts)
    made = (
        f"<p>Made from {one_line(names)}, the ledger, the backups and the tree as it is.</p>" if names else ""
    )
    return f"<footer>{listed}{made}</footer>"
