"""The first screen of the report: the phases, the story in a sentence, the numbers, what waits for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from hocmig.report.markup import code, one_line, path_code, plural, within
from hocmig.report.report_facts import ReportFacts

_HUMAN_BUDGET = 120_000


def phases_strip(facts: ReportFacts) -> str:
    """The phases as an ordered list with their states in words."""
    items = "".join(
        f'<li class="{p.state}"><b>{p.phase} {one_line(p.command)}</b>{p.state}</li>' for p in facts.phases
    )
    return f'<ol class="phases" aria-label="Phases">{items}</ol>' if items else ""


def story(facts: ReportFacts) -> str:
    """What has happened so far, in sentences."""
    return f'<p class="lead">{" ".join(_sentences(facts))}</p>'


def _sentences(facts: ReportFacts) -> Iterator[str]:
    planned = [move for move in facts.moves if move.number]
    counts = Counter(move.status for move in planned)
    moved = counts["MOVED"] + counts["DELETE_DUPLICATE"]
    others = len(facts.moves) - len(planned)
    if not facts.moves:
        yield f"No migration has been planned yet. The index knows {plural(facts.files, 'Python file')}."
    elif planned and not counts["MOVED"]:
        yield f"Of {plural(len(planned), 'misplaced file')} none has moved yet."
    elif planned:
        yield f"{moved} of {plural(len(planned), 'misplaced file')} stand where they belong."
    if others:
        yield f"{plural(others, 'file')} moved besides, without a row in the manifest."
    if counts["SKIPPED"]:
        yield f"{plural(counts['SKIPPED'], 'row')} of the manifest were skipped."
    if facts.callers_updated:
        yield f"Callers follow: {plural(facts.callers_updated, 'update')}."
    if facts.has_before:
        before, now = (_against(facts, side) for side in ("before", "now"))
        if before != now:
            word = "fell" if now < before else "rose"
            yield f"Imports between domains that break the rules {word} from {before:,} to {now:,}."
        elif now:
            yield f"{plural(now, 'import')} between domains break the rules, as many as before."
    if facts.health is not None:
        stale = "" if facts.health.is_current else ", on an older state of the code"
        yield f"The health check says {one_line(facts.health.overall)} ({facts.health.score} of 100{stale})."
    if facts.next_command:
        yield f"Next: {code(facts.next_command)} ({one_line(facts.next_reason)})."


def tiles(facts: ReportFacts) -> str:
    """The main numbers; what is not known yet says so."""
    planned = [move for move in facts.moves if move.number]
    moved = sum(move.status in ("MOVED", "DELETE_DUPLICATE") for move in planned)
    others = len(facts.moves) - len(planned)
    violations = [v for v in facts.violations if not v.is_accepted]
    cycles = [c for c in facts.cycles if c.when != "before"]
    rows = [
        (
            f"{moved:,}",
            f"of {len(planned):,}" + (f" + {others:,}" if others else ""),
            "files moved or merged",
        ),
        (f"{facts.callers_updated:,}", "", "caller updates"),
        (_change(facts, _all), "", "imports between domains"),
        (_change(facts, _against), "", "of them against the rules"),
        (f"{len(violations):,}", "", f"open rule violation{'' if len(violations) == 1 else 's'}"),
        (f"{len(cycles):,}", "", f"import cycle{'' if len(cycles) == 1 else 's'}"),
    ]
    if facts.duplicates is not None:
        left = [d for d in facts.duplicates if not d.is_merged]
        many = f" of {len(facts.duplicates):,}" if len(left) < len(facts.duplicates) else ""
        saved = sum(d.saved_lines for d in left)
        rows.append((f"{len(left):,}{many}", f"≈ {saved:,} lines", "groups of duplicates left"))
    if facts.health is not None:
        rows.append((str(facts.health.score), "of 100", f"health: {facts.health.overall}"))
    return '<div class="tiles">' + "".join(_tile(*row) for row in rows) + "</div>"


def _tile(number: str, small: str, what: str) -> str:
    extra = f" <small>{one_line(small)}</small>" if small else ""
    return f'<div class="tile"><b>{one_line(number)}{extra}</b><span>{one_line(what)}</span></div>'


def _change(facts: ReportFacts, count: Callable[[ReportFacts, str], int]) -> str:
    now = f"{count(facts, 'now'):,}"
    return f"{count(facts, 'before'):,} → {now}" if facts.has_before else now


def _all(facts: ReportFacts, side: str) -> int:
    return sum(cell.count(side) for cell in facts.cells)


def _against(facts: ReportFacts, side: str) -> int:
    return sum(cell.count(side) for cell in facts.cells if not cell.is_allowed)


_URGENCY = {"1": ("now", "bad"), "2": ("soon", "warn"), "3": ("later", "")}


def human_list(facts: ReportFacts) -> str:
    """What only people can settle, the most urgent first."""
    items = []
    for entry in facts.human:
        word, look = _URGENCY.get(entry.urgency[:1], (entry.urgency, ""))
        place = f" {path_code(entry.place, facts.domain_root)}" if entry.place else ""
        help_ = f" <span class='meta'>→ {code(entry.command)}</span>" if entry.command else ""
        items.append(
            f'<li data-item="human"><span class="badge {look}">{word}</span> '
            f"{one_line(entry.what)}{place}{help_}</li>"
        )
    if not items:
        return "<p>Nothing waits for a decision.</p>"
    kept = [item for item, fits in within(items, _HUMAN_BUDGET) if fits]
    more = f"<p>and {len(items) - len(kept):,} more: see the manifest.</p>" if len(kept) < len(items) else ""
    return f'<ul class="list">{"".join(kept)}</ul>{more}'
