"""The domain dependency matrix: two tables with heat-map cells, the imports behind every cell, and SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hocmig.report.markup import one_line, plural, text, visible, within
from hocmig.report.report_facts import CellFacts, ImportFact, ReportFacts

LEVELS = 6

#: More domains than these make no readable matrix; the busiest are shown.
MAX_DOMAINS = 24

#: Bytes of the lists of imports in the page.
_LIST_BUDGET = 350_000

Cells = Mapping[tuple[str, str], CellFacts]


def shown_domains(facts: ReportFacts) -> tuple[str, ...]:
    """The domains of matrix and graph, sorted: all, or the busiest when there are too many."""
    names = sorted({d.name for d in facts.domains})
    if len(names) <= MAX_DOMAINS:
        return tuple(names)
    weight = dict.fromkeys(names, 0)
    for cell in facts.cells:
        for name in (cell.importer, cell.imported):
            weight[name] = weight.get(name, 0) + cell.count("now") + cell.count("before")
    return tuple(sorted(sorted(names, key=lambda n: (-weight[n], n))[:MAX_DOMAINS]))


def level(count: int, largest: int) -> int:
    """The step of the colour scale, 0 to LEVELS; logarithmic, because a few cells hold most imports."""
    if count <= 0 or largest <= 0:
        return 0
    return min(LEVELS, 1 + int((LEVELS - 1) * math.log(count + 0.0) / math.log(max(largest, 2)) + 1e-9))


def largest_count(cells: Sequence[CellFacts]) -> int:
    """The largest number of imports in any cell, before or now: one scale for both tables."""
    return max((max(c.count("before"), c.count("now")) for c in cells), default=0)


def matrix_section(facts: ReportFacts) -> str:
    """Both tables side by side, the legend, and the lists of imports."""
    domains = shown_domains(facts)
    cells = {(c.importer, c.imported): c for c in facts.cells}
    sides = [("before", "Before")] if facts.has_before else []
    sides.append(("now", "Now"))
    tables = "".join(_table(facts, domains, cells, side, title) for side, title in sides)
    left_out = len({d.name for d in facts.domains}) - len(domains)
    more = f"<p>{plural(left_out, 'less busy domain')} left out.</p>" if left_out > 0 else ""
    return f'<div class="pair">{tables}</div>{more}{_legend()}{_lists(facts, domains)}'


def _table(facts: ReportFacts, domains: Sequence[str], cells: Cells, side: str, title: str) -> str:
    largest = largest_count(facts.cells)
    numbers = {name: n for n, name in enumerate(domains)}
    shown = [c for c in facts.cells if c.importer in numbers and c.imported in numbers]
    total = sum(c.count(side) for c in shown)
    against = sum(c.count(side) for c in shown if not c.is_allowed)
    head = "".join(f'<th scope="col"><span>{one_line(name)}</span></th>' for name in domains)
    rows = []
    for importer in domains:
        row = [f'<th scope="row">{one_line(importer)}</th>']
        for imported in domains:
            row.append(_cell(importer, imported, cells.get((importer, imported)), side, largest, numbers))
        rows.append(f"<tr>{''.join(row)}</tr>")
    caption = f"{title}: {plural(total, 'import')} between domains, {against:,} against the rules"
    label = f"{title}, dependency matrix"
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(label)}"><table class="matrix">'
        f'<caption>{text(caption)}</caption><thead><tr><td><span class="sr">importer, imported</span></td>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(
    importer: str,
    imported: str,
    cell: CellFacts | None,
    side: str,
    largest: int,
    numbers: Mapping[str, int],
) -> str:
    if importer == imported:
        return '<td class="self"><span class="sr">itself</span></td>'
    count = cell.count(side) if cell is not None else 0
    if cell is None:
        return '<td class="h0">·</td>'
    is_against = bool(count) and not cell.is_allowed
    against = ", against the rules" if is_against else ""
    label = f"{importer} imports {imported}: {count}{against}"
    name = f"h{level(count, largest)}{' no' if is_against else ''}"
    target = f"c-{numbers[importer]}-{numbers[imported]}"
    return f'<td class="{name}"><a href="#{target}" aria-label="{one_line(label)}">{count}</a></td>'


def _legend() -> str:
    steps = "".join(f'<i class="h{n}"></i>' for n in range(1, LEVELS + 1))
    return (
        '<p class="legend"><span>Rows import columns. Number of import statements, few to many: '
        f'{steps}</span><span><i class="no"></i>against the rules</span>'
        "<span>Follow a number to the imports behind it.</span></p>"
    )


def _lists(facts: ReportFacts, domains: Sequence[str]) -> str:
    numbers = {name: n for n, name in enumerate(domains)}
    cells = [c for c in facts.cells if c.importer in numbers and c.imported in numbers]
    budget = _LIST_BUDGET
    parts = []
    for cell in cells:
        body, spent = _imports(facts, cell, budget)
        budget -= spent
        parts.append(_details(facts, cell, f"c-{numbers[cell.importer]}-{numbers[cell.imported]}", body))
    if not parts:
        return "<p>No domain imports another one.</p>"
    note = (
        ""
        if budget > 0
        else "<p>Some lists were cut to keep this page small; the artifacts of P1 and P8 have all.</p>"
    )
    return f"<h3>The imports behind every cell</h3>{note}{''.join(parts)}"


def _details(facts: ReportFacts, cell: CellFacts, identity: str, body: str) -> str:
    counts = f"{cell.count('now'):,}"
    if facts.has_before:
        counts = f"{cell.count('before'):,} before, {counts} now"
    against = "" if cell.is_allowed else ' <span class="badge bad">against the rules</span>'
    if against and not cell.now:
        against = ' <span class="badge good">no longer against the rules</span>'
    return (
        f'<details class="item" data-item="import" id="{identity}"><summary>{one_line(cell.importer)}'
        f'<span class="arrow">→</span>{one_line(cell.imported)}<span class="meta">{counts}</span>{against}'
        f'</summary><div class="inner">{body}</div></details>'
    )


def _imports(facts: ReportFacts, cell: CellFacts, budget: int) -> tuple[str, int]:
    """The list of a cell's imports with what has come and gone, and its size in bytes."""
    before = None if cell.before is None else {(i.importer, i.imported) for i in cell.before}
    now = {(i.importer, i.imported) for i in cell.now}
    entries = [(i, _word(i, before, now)) for i in cell.now]
    entries += [(i, "gone") for i in cell.before or () if (i.importer, i.imported) not in now]
    entries.sort(key=lambda e: (e[0].importer, e[0].line, e[0].imported))
    root = f"{facts.domain_root}/"
    items = []
    for fact, word in entries:
        kind = "" if fact.kind == "import-time" else f" ({one_line(fact.kind)})"
        state = f' <span class="{word}">{word}</span>' if word in ("new", "gone") else ""
        items.append(
            f"<li><code>{one_line(fact.importer.removeprefix(root))}:{fact.line}</code>"
            f" → <code>{one_line(fact.imported.removeprefix(root))}</code>{kind}{state}</li>"
        )
    kept = [item for item, fits in within(items, budget) if fits]
    more = f"<p>and {len(items) - len(kept):,} more</p>" if len(kept) < len(items) else ""
    body = f"<ul>{''.join(kept)}</ul>{more}" if kept else more
    return body, len(body.encode())


def _word(fact: ImportFact, before: set[tuple[str, str]] | None, now: set[tuple[str, str]]) -> str:
    if before is None:
        return "same"
    return "same" if (fact.importer, fact.imported) in before else "new"


# -- SVG for slides ----------------------------------------------------------------------------------------

_SIZE, _LEFT, _TOP = 44, 190, 190
#: The light steps of the page's scale, as a picture cannot ask for them.
_COLOURS = ("#ffffff", "#e3eefa", "#c3dbf4", "#94c0ea", "#5a9bd8", "#2a70b8", "#124a85")


def matrix_svg(facts: ReportFacts, side: str) -> str:
    """The matrix `before` or `now` as an SVG file of its own, on white."""
    domains = shown_domains(facts)
    cells = {(c.importer, c.imported): c for c in facts.cells}
    largest = largest_count(facts.cells)
    width, height = _LEFT + _SIZE * len(domains) + 24, _TOP + _SIZE * len(domains) + 60
    title = f"Imports between domains, {side}: rows import columns"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="DejaVu Sans, Arial, sans-serif">',
        f"<title>{text(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="30" font-size="18" font-weight="bold" fill="#16202b">{text(title)}</text>',
    ]
    for n, name in enumerate(domains):
        middle = n * _SIZE + _SIZE // 2
        label = text(_short(name))
        parts.append(
            f'<text x="{_LEFT - 10}" y="{_TOP + middle + 5}" font-size="14" text-anchor="end" '
            f'fill="#16202b">{label}</text>'
            f'<text transform="translate({_LEFT + middle + 5} {_TOP - 10}) rotate(-60)" font-size="14" '
            f'fill="#16202b">{label}</text>'
        )
    for row, importer in enumerate(domains):
        for column, imported in enumerate(domains):
            x, y = _LEFT + column * _SIZE, _TOP + row * _SIZE
            parts.append(_square(x, y, importer, imported, cells.get((importer, imported)), side, largest))
    parts.append(
        f'<text x="{_LEFT}" y="{height - 20}" font-size="13" fill="#b3261e">'
        "red frame: against the rules</text>"
    )
    return "\n".join((*parts, "</svg>", ""))


def _square(
    x: int, y: int, importer: str, imported: str, cell: CellFacts | None, side: str, largest: int
) -> str:
    count = cell.count(side) if cell is not None else 0
    step = level(count, largest)
    fill = "#dbe0e6" if importer == imported else _COLOURS[step]
    frame = (
        ' stroke="#b3261e" stroke-width="2"'
        if cell and count and not cell.is_allowed
        else ' stroke="#dbe0e6"'
    )
    square = (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_SIZE - 3}" height="{_SIZE - 3}" rx="3" '
        f'fill="{fill}"{frame}/>'
    )
    if not count:
        return square
    ink = "#ffffff" if step >= 5 else "#16202b"
    return (
        f'{square}<text x="{x + _SIZE // 2}" y="{y + _SIZE // 2 + 5}" font-size="14" '
        f'text-anchor="middle" fill="{ink}">{count}</text>'
    )


def _short(name: str) -> str:
    plain = " ".join(visible(name).split())
    return plain if len(plain) <= 22 else plain[:21] + "…"
