"""The long parts of the report: moved files, cycles, duplicates, violations, health; each within a size."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.duplicates.side_by_side import SideRow
from hocmig.report.markup import code, one_line, path_code, plural, text, within
from hocmig.report.report_facts import (
    CallerFacts,
    CycleFacts,
    DuplicateFacts,
    MoveFacts,
    ReportFacts,
    ViolationFacts,
)

#: Bytes per part. Together with the lists of the matrix they keep the page below 3,000,000 bytes.
_HEADS, _CALLERS, _DIFFS = 900_000, 200_000, 350_000
_CYCLES, _DUPLICATES, _VIOLATIONS = 80_000, 300_000, 150_000

_DIFF_LINES = 400
_SIDE_ROWS = 60
_EQUAL_ROWS = 2
_CHAIN_STEPS = 30
_PLACES = 12
_LOOKS = {"MOVED": "good", "DELETE_DUPLICATE": "good", "FAILED": "bad", "CONFLICT": "bad"}
_LOOKS |= {"UNRESOLVED": "bad", "PENDING": "warn", "IDENTICAL": "warn", "ROLLED_BACK": "warn"}


def moved_files(facts: ReportFacts) -> str:
    """Each file with its reason, its callers and its diff."""
    if not facts.moves:
        return "<p>There is no manifest, and the ledger knows of no moved file.</p>"
    heads, callers, diffs = _HEADS, _CALLERS, _DIFFS
    parts = []
    cut = 0
    for move in facts.moves:
        caller_list, diff = _callers(move.callers, facts.domain_root), _diff(move)
        callers -= len(caller_list.encode())
        diffs -= len(diff.encode())
        if callers < 0 and diffs < 0:
            part = _short_move(move, facts.domain_root)
            heads -= len(part.encode())
        else:
            body = (caller_list if callers >= 0 else "") + (diff if diffs >= 0 else "")
            heads += len(body.encode())
            if body != caller_list + diff:
                body += "<p>More was left out to keep this page small.</p>"
            part = _move(move, facts.domain_root, body)
            heads -= len(part.encode())
        if heads < 0:
            cut += 1
        else:
            parts.append(part)
    more = f"<p>and {cut:,} more: see the manifest.</p>" if cut else ""
    is_short = callers < 0 and diffs < 0
    note = "<p>To keep this page small, the last rows tell nothing but the way.</p>" if is_short else ""
    return note + "".join(parts) + more


def _move(move: MoveFacts, root: str, body: str) -> str:
    look = _LOOKS.get(move.status, "")
    number = f'<span class="quiet">{one_line(move.number)}</span> ' if move.number else ""
    count = plural(len(move.callers), "importing statement")
    why = f"<p>{one_line(move.reason)}</p>" if move.reason else ""
    why += f"<p>Decision: {one_line(move.decision)}</p>" if move.decision else ""
    why += f"<p>Found: {one_line(move.findings)}</p>" if move.findings else ""
    state = f'<span class="badge {look}">{one_line(move.status)}</span><span class="meta">{count}</span>'
    old, new = (path_code(p.removeprefix(f"{root}/") if root else p) for p in (move.old_path, move.new_path))
    return (
        f'<details class="item" data-item="move"><summary>{number}{old}<span class="arrow">→</span>{new} '
        f"{state}</summary>"
        f'<div class="inner">{why}{body}</div></details>'
    )


def _short_move(move: MoveFacts, root: str) -> str:
    """A file of which nothing but its way is told, because the page is full."""
    old, new = (one_line(p.removeprefix(f"{root}/") if root else p) for p in (move.old_path, move.new_path))
    return (
        f'<div class="item" data-item="move">{one_line(move.number)} <code>{old}</code> → '
        f"<code>{new}</code> {one_line(move.status)}</div>"
    )


def _callers(callers: Sequence[CallerFacts], root: str) -> str:
    if not callers:
        return ""
    items = "".join(
        f"<li>{path_code(c.path.removeprefix(f'{root}/'))}:{c.line} {code(c.statement)}"
        f"{'' if c.is_updated else ' (needs no change)'}</li>"
        for c in callers
    )
    return f"<p>Imported by, as it was before:</p><ul>{items}</ul>"


def _diff(move: MoveFacts) -> str:
    if not move.diff:
        return f"<p>{one_line(move.note)}</p>" if move.note else ""
    lines = move.diff.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    out = []
    in_hunk = False
    for line in lines[:_DIFF_LINES]:
        if line.startswith("@@"):
            in_hunk = True
            out.append(f'<span class="hunk">{text(line)}</span>')
        elif not in_hunk:
            if line.startswith("similarity"):
                out.append(f'<span class="hunk">{text(line)}</span>')
        elif line.startswith("+"):
            out.append(f"<ins>{text(line)}</ins>")
        elif line.startswith("-"):
            out.append(f"<del>{text(line)}</del>")
        else:
            out.append(text(line))
    if len(lines) > _DIFF_LINES:
        out.append(f'<span class="hunk">and {len(lines) - _DIFF_LINES:,} more lines</span>')
    if not in_hunk:
        return "<p>The content is as it was, byte for byte.</p>"
    return '<pre tabindex="0" aria-label="Diff">' + "\n".join(out) + "</pre>"


def cycle_list(facts: ReportFacts) -> str:
    """The cycles that are there now, then those that are gone."""
    if not facts.cycles:
        return "<p>No file imports itself in a circle.</p>"
    order = {"now": 0, "both": 1, "before": 2}
    cycles = sorted(facts.cycles, key=lambda c: order.get(c.when, 3))
    parts = [_cycle(cycle, facts) for cycle in cycles]
    return _cut(parts, _CYCLES, "cycles: see PHASE1_IMPORT_GRAPH.json")


def _cycle(cycle: CycleFacts, facts: ReportFacts) -> str:
    word, look = {"before": ("gone", "good"), "both": ("was there before", "warn")}.get(
        cycle.when, ("new" if facts.has_before else "there now", "bad" if facts.has_before else "warn")
    )
    fails = (
        f' <span class="badge bad">importing it fails: {one_line(cycle.fails)}</span>' if cycle.fails else ""
    )
    steps = "".join(f"<li>{code(step)}</li>" for step in cycle.chain[:_CHAIN_STEPS])
    if len(cycle.chain) > _CHAIN_STEPS:
        steps += f"<li>and {len(cycle.chain) - _CHAIN_STEPS} more steps</li>"
    return (
        f'<details class="item" data-item="cycle"><summary>{one_line(cycle.kind)} cycle of '
        f'{plural(cycle.files, "file")} <span class="badge {look}">{word}</span>{fails}</summary>'
        f'<div class="inner"><ol>{steps}</ol><p>Cheapest to cut: {code(cycle.cut)}</p></div></details>'
    )


def duplicate_list(facts: ReportFacts) -> str:
    """The groups of duplicates, of each two copies beside each other, drifted ones where there are any."""
    if facts.duplicates is None:
        return "<p>Not looked for yet: <code>hocmig duplicates</code> does.</p>"
    if not facts.duplicates:
        return "<p>None were found.</p>"
    parts = [_duplicate(group, facts.domain_root) for group in facts.duplicates]
    return _cut(parts, _DUPLICATES, "groups: see PHASE5_DUPLICATE_REPORT.csv")


def _duplicate(group: DuplicateFacts, root: str) -> str:
    places = "".join(f"<li>{path_code(place, root)}</li>" for place in group.places[:_PLACES])
    if len(group.places) > _PLACES:
        places += f"<li>and {len(group.places) - _PLACES} more</li>"
    note = f"<p>{one_line(group.note)}</p>" if group.note else ""
    stays = group.places[0] if group.places else ""
    badge = f'<span class="badge">{one_line(group.recommendation)}</span>'
    if group.is_merged:
        badge = '<span class="badge good">merged</span>'
    meta = "saved" if group.is_merged else "to save"
    short = path_code(stays.removeprefix(f"{root}/"))
    return (
        f'<details class="item" data-item="duplicate"><summary>'
        f'<span class="quiet">{one_line(group.number)}</span> '
        f"{one_line(group.type)}, {plural(len(group.places), 'copy', 'copies')}, {group.similarity} % alike "
        f"{badge} {short}"
        '<span class="meta">≈ '
        f'{plural(group.saved_lines, "line")} {meta}</span></summary><div class="inner">'
        f"<p>Stays: {path_code(stays, root)}: {one_line(group.reason)}</p>"
        f"<ul>{places}</ul>{note}{_side_table(group, root)}</div></details>"
    )


def _side_table(group: DuplicateFacts, root: str) -> str:
    if not group.rows:
        return ""
    rows = _folded(group.rows)
    body = "".join(_side_row(row) if isinstance(row, SideRow) else _gap(row) for row in rows[:_SIDE_ROWS])
    if len(rows) > _SIDE_ROWS:
        body += _gap(len(rows) - _SIDE_ROWS)
    left, right = (path_code(p.removeprefix(f"{root}/")) for p in (group.left, group.right))
    line = '<th scope="col" class="l"><span class="sr">line</span></th>'
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="Side by side"><table class="sides">'
        f'<thead><tr>{line}<th scope="col">{left}</th>{line}<th scope="col">{right}'
        f"</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def _folded(rows: Sequence[SideRow]) -> list[SideRow | int]:
    """The rows, with long runs of equal ones replaced by their number."""
    out: list[SideRow | int] = []
    n = 0
    while n < len(rows):
        end = n
        while end < len(rows) and rows[end].mark == "=":
            end += 1
        if end - n > 2 * _EQUAL_ROWS + 4:
            out += [*rows[n : n + _EQUAL_ROWS], end - n - 2 * _EQUAL_ROWS, *rows[end - _EQUAL_ROWS : end]]
        else:
            out += rows[n:end]
        n = end
        if n < len(rows):
            out.append(rows[n])
            n += 1
    return out


def _gap(count: int) -> str:
    return f'<tr class="gap"><td colspan="4">{plural(count, "row")} not shown</td></tr>'


def _side_row(row: SideRow) -> str:
    left = ' class="x"' if row.mark in "~-" else ""
    right = ' class="y"' if row.mark in "~+" else ""
    said = '<span class="sr">differs: </span>' if row.mark != "=" else ""
    return (
        f'<tr><td class="l">{row.line_a or ""}</td><td{left}>{said}<code>{text(row.text_a)}</code></td>'
        f'<td class="l">{row.line_b or ""}</td><td{right}><code>{text(row.text_b)}</code></td></tr>'
    )


def violation_list(facts: ReportFacts) -> str:
    """The broken rules, open ones first."""
    if not facts.violations:
        return "<p>No rule is broken.</p>"
    ordered = sorted(facts.violations, key=lambda v: v.is_accepted)
    parts = [_violation(violation, facts.domain_root) for violation in ordered]
    return _cut(parts, _VIOLATIONS, "violations: <code>hocmig check</code> lists them")


def _violation(violation: ViolationFacts, root: str) -> str:
    state = ' <span class="badge">accepted</span>' if violation.is_accepted else ""
    chain = f"<p>Chain: {code(violation.chain)}</p>" if violation.chain else ""
    mend = f"<p>To mend it: {one_line(violation.mend)}</p>" if violation.mend else ""
    return (
        '<details class="item" data-item="violation"><summary>'
        f'<span class="badge bad">{one_line(violation.code)}</span>'
        f"{state} {one_line(violation.message)}</summary>"
        f'<div class="inner"><p>{path_code(violation.place, root)}</p>{chain}{mend}</div></details>'
    )


_CHECK_LOOKS = {"PASS": "good", "FAIL": "bad", "NOT_RUN": "warn"}

FORMULA = (
    "A check that passed counts 100. One that failed counts 50 times the share of what was good in it, "
    "rounded down. One that did not run counts 0. The score is the mean of the six, rounded down, so it "
    "reaches 95 only when all six ran and passed."
)


def health_part(facts: ReportFacts) -> str:
    """The score, its formula with the numbers put in, the checks, and the final health of P8."""
    out = []
    if facts.health is None:
        out.append("<p>Not checked yet: <code>hocmig verify</code> does.</p>")
    else:
        health = facts.health
        look = "good" if health.overall == "HEALTHY" else "bad"
        stale = (
            "" if health.is_current else " The code has changed since; run <code>hocmig verify</code> again."
        )
        out.append(
            f'<p><span class="badge {look}">{one_line(health.overall)}</span> '
            f"score {health.score} of 100.{stale}</p>"
        )
        scores = [check.score for check in health.checks]
        total = " + ".join(map(str, scores))
        result = sum(scores) // len(scores) if scores else 0
        formula = f"({total}) / {len(scores)} = {result}" if scores else ""
        out.append(f"<p>{FORMULA}</p><p>Here: {code(formula)}</p>")
        rows = "".join(
            f'<tr data-item="check"><th scope="row">{one_line(c.name.replace("_", " "))}</th>'
            f'<td><span class="badge {_CHECK_LOOKS.get(c.status, "")}">{one_line(c.status)}</span></td>'
            f"<td>{c.score}</td><td>{one_line(c.numbers)}"
            f"{f'<br><span class=quiet>{one_line(c.reason)}</span>' if c.reason else ''}</td></tr>"
            for c in health.checks
        )
        head = "".join(f'<th scope="col">{name}</th>' for name in ("Check", "Status", "Score", "Numbers"))
        out.append(
            f'<div class="scroll"><table class="plain"><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    if facts.final_health:
        rows = "".join(
            f'<tr><th scope="row">{one_line(key.replace("_", " "))}</th><td>{one_line(value)}</td></tr>'
            for key, value in facts.final_health.items()
        )
        out.append(f'<h3>Final health (P8)</h3><table class="plain"><tbody>{rows}</tbody></table>')
    return "".join(out)


def _cut(parts: Sequence[str], budget: int, rest: str) -> str:
    kept = [part for part, fits in within(parts, budget) if fits]
    more = f"<p>and {len(parts) - len(kept):,} more {rest}.</p>" if len(kept) < len(parts) else ""
    return "".join(kept) + more
