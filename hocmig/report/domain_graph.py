"""The graph of domains as SVG: the shared domain in the middle, the others on a ring, imports as arrows.

The places depend on the names alone, so that "before" and "now" can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hocmig.report.heat_map import shown_domains
from hocmig.report.markup import plural, text, visible
from hocmig.report.report_facts import CellFacts, ReportFacts

_WIDTH, _HEIGHT = 640, 540
_RING = 205.0

_STANDALONE = (
    "<style>text{font:13px 'DejaVu Sans',Arial,sans-serif;fill:#16202b;"
    "paint-order:stroke;stroke:#fff;stroke-width:3px}text.n{fill:#5b6774;font-size:11px}"
    ".node{fill:#94c0ea;stroke:#fff;stroke-width:2}.shared{fill:#2a70b8}path.ok{stroke:#5b6774;"
    "stroke-opacity:.45;fill:none}path.no{stroke:#b3261e;stroke-opacity:.75;fill:none}.ok-tip{fill:#5b6774}"
    ".no-tip{fill:#b3261e}</style>"
)


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    x: float
    y: float
    radius: float
    files: int
    is_shared: bool


def graph_svg(facts: ReportFacts, side: str, *, standalone: bool = False) -> str:
    """The graph `before` or `now`; inside the page it takes its colours from there, else on white."""
    nodes = _nodes(facts, side)
    cells = [c for c in facts.cells if c.importer in nodes and c.imported in nodes and c.count(side)]
    total = sum(c.count(side) for c in cells)
    against = sum(c.count(side) for c in cells if not c.is_allowed)
    title = f"Graph of domains, {side}"
    story = f"{plural(len(nodes), 'domain')}, {plural(total, 'import')}, {against} against the rules"
    # Arrows against the rules come last, so that nothing hides them.
    edges = "".join(
        _edge(nodes, cell, side) for cell in sorted(cells, key=lambda c: (not c.is_allowed, c.count(side)))
    )
    circles = "".join(_circle(node) for node in nodes.values())
    name = f"{side}-graph"
    space = ' xmlns="http://www.w3.org/2000/svg" width="1280" height="1080"' if standalone else ""
    ground = f'{_STANDALONE}<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>' if standalone else ""
    return (
        f'<svg class="graph" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-labelledby="{name}-t {name}-d"{space}>'
        f'<title id="{name}-t">{text(title)}</title><desc id="{name}-d">{text(story)}</desc>'
        f"{ground}<defs>{_tip(f'{side}-ok', 'ok-tip')}{_tip(f'{side}-no', 'no-tip')}</defs>"
        f"{edges}{circles}</svg>"
    )


def _nodes(facts: ReportFacts, side: str) -> Mapping[str, _Node]:
    sizes = {d.name: (d.files_now if side == "now" else d.files_before or 0) for d in facts.domains}
    names = shown_domains(facts)
    ring = [name for name in names if name != facts.shared_domain]
    nodes = {}
    for number, name in enumerate(ring):
        angle = 2 * math.pi * number / len(ring) - math.pi / 2
        x, y = _WIDTH / 2 + _RING * 1.05 * math.cos(angle), _HEIGHT / 2 + _RING * math.sin(angle)
        nodes[name] = _Node(name, x, y, _radius(sizes[name]), sizes[name], False)
    if facts.shared_domain in names:
        name = facts.shared_domain
        nodes[name] = _Node(name, _WIDTH / 2, _HEIGHT / 2, _radius(sizes[name]) + 3, sizes[name], True)
    return nodes


def _radius(files: int) -> float:
    return min(26.0, 7 + 1.5 * math.sqrt(files))


def _edge(nodes: Mapping[str, _Node], cell: CellFacts, side: str) -> str:
    start, end = nodes[cell.importer], nodes[cell.imported]
    dx, dy = end.x - start.x, end.y - start.y
    length = math.hypot(dx, dy) or 1.0
    # To the right of the straight line, so that both directions of a pair can be seen.
    bend = min(28.0, length * 0.12)
    mx, my = (start.x + end.x) / 2 - dy / length * bend, (start.y + end.y) / 2 + dx / length * bend
    x1, y1 = _towards(start, mx, my, 1.0)
    x2, y2 = _towards(end, mx, my, 7.0)
    width = 1 + 0.75 * math.log2(cell.count(side))
    kind = "ok" if cell.is_allowed else "no"
    story = f"{cell.importer} imports {cell.imported}: {cell.count(side)}"
    return (
        f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}Q{mx:.1f} {my:.1f} {x2:.1f} {y2:.1f}" '
        f'stroke-width="{width:.1f}" marker-end="url(#{side}-{kind})"><title>{text(story)}</title></path>'
    )


def _towards(node: _Node, x: float, y: float, gap: float) -> tuple[float, float]:
    """The point on the way from a node's middle to (x, y), `gap` outside its circle."""
    dx, dy = x - node.x, y - node.y
    length = math.hypot(dx, dy) or 1.0
    share = (node.radius + gap) / length
    return node.x + dx * share, node.y + dy * share


def _circle(node: _Node) -> str:
    name = "node shared" if node.is_shared else "node"
    label = " ".join(visible(node.name).split())
    label = label if len(label) <= 20 else label[:19] + "…"
    offset = node.x - _WIDTH / 2
    if node.is_shared or abs(offset) < 40:
        anchor, x = "middle", node.x
        below = node.is_shared or node.y > _HEIGHT / 2
        y = node.y + node.radius + 15 if below else node.y - node.radius - 19
    else:
        anchor = "start" if offset > 0 else "end"
        x = node.x + math.copysign(node.radius + 7, offset)
        y = node.y - 1
    return (
        f'<circle class="{name}" cx="{node.x:.1f}" cy="{node.y:.1f}" r="{node.radius:.1f}"/>'
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(label)}</text>'
        f'<text class="n" x="{x:.1f}" y="{y + 13:.1f}" text-anchor="{anchor}">'
        f"{plural(node.files, 'file')}</text>"
    )


def _tip(name: str, kind: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="2" refY="4" markerWidth="7" markerHeight="7" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="{kind}" d="M0 0L8 4L0 8z"/></marker>'
    )
