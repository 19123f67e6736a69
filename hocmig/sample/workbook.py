"""Writes the sample's audit workbook: both record formats and the habits of people who wrote it over days.

Source: `workbook-formats.md` (shapes of records, decisions, traps).
"""

from __future__ import annotations

import random
from pathlib import PurePosixPath

from hocmig.sample.domains import LAYER_TITLES
from hocmig.sample.placed import Misplaced, misplaced

#: Records beside the 84 misplaced ones; together 182, as in the workbook that the formats were taken from.
_CONFIRMED, _PROPOSED, _UNREVIEWED = 67, 10, 18

_SIGNS = ("⚠\ufe0f", "⚠", "⚠\ufe0f", "⚠\ufe0f")
_LINE = "─" * 24

_HEAD = """# V3 Manual Audit Workbook

**Scope:** the customer domains below `backend/app/hoc/cus`
**Method:** every file is opened, read and assigned by hand.

## How to read this

| Mark | Meaning |
|------|---------|
| `### [x]` | reviewed, a domain is assigned |
| `### [~]` | reviewed, needs discussion |
| `### [ ]` | not reviewed yet |
| ✓ (CONFIRMED) | stays where it is |
| ⚠️ (MISPLACED) | belongs to another domain; **DECISION:** names it |

A file is MISPLACED when its callers and its tables belong to another domain. The DECISION: line is the last
word; **DECISION:** `controls` ⚠️ (MISPLACED) would be such a line, but this one is only an example.

Layers: L3 adapters, L4 runtime, L5 engines, L6 drivers.

"""


def workbook_text(domain_files: list[str], seed: int) -> str:
    """Returns the workbook for the domain files that exist (paths relative to the domain root, sorted)."""
    rng = random.Random(f"{seed} workbook")
    special = {r.path for r in misplaced()} | {r.target_path for r in misplaced()}
    plain = [p for p in domain_files if p not in special and not p.endswith("__init__.py")]
    others = rng.sample(plain, _CONFIRMED + _PROPOSED + _UNREVIEWED)
    confirmed, proposed = others[:_CONFIRMED], others[_CONFIRMED : _CONFIRMED + _PROPOSED]
    unreviewed = others[_CONFIRMED + _PROPOSED :]
    records: list[tuple[str, str]] = [
        (r.path, _misplaced_record(r, n, rng)) for n, r in enumerate(misplaced())
    ]
    records += [(path, _confirmed_record(path, n, rng)) for n, path in enumerate(confirmed)]
    records += [(path, _proposed_record(path, rng)) for path in proposed]
    records += [(path, _unreviewed_record(path, n)) for n, path in enumerate(unreviewed)]
    records += [(path, text) for path, text in _odd_records(confirmed, rng)]
    records.sort(key=lambda item: (item[0].split("/")[0], item[1]))
    parts, current = [_HEAD], ""
    for path, text in records:
        if path.split("/")[0] != current:
            current = path.split("/")[0]
            parts.append(f"## {current}\n\n")
        parts.append(text)
        if rng.random() < 0.3:
            parts.append("---\n\n")
    parts.append(_tail())
    return "".join(parts)


def render_variant(text: str, *, newline: str = "\n", bom: bool = False) -> bytes:
    """Returns a workbook's text as bytes with other line ends and, on demand, a byte order mark."""
    return (b"\xef\xbb\xbf" if bom else b"") + text.replace("\r\n", "\n").replace("\n", newline).encode()


def _misplaced_record(record: Misplaced, number: int, rng: random.Random) -> str:
    written = record.recorded or record.path
    sign = _SIGNS[number % len(_SIGNS)]
    mark = "MISPLACED"
    if record.decision == "general/L5_Infra/metrics/":
        mark = "MISPLACED → INFRASTRUCTURE"
    layer = LAYER_TITLES[record.layer]
    if record.stem in ("killswitch_driver", "scope_driver", "cost_bridge", "panel_driver"):
        layer = "L5 — Domain Engine" if record.layer == "L6_drivers" else "L6 — Domain Driver"
    domain = record.domain
    if record.stem in ("decision_trace", "export_cursor"):
        domain = f"{domain} (QUARANTINED, original: duplicates/)"
    path = written.replace("/", "\\") if record.stem == "phase_status" else written
    heading = f"### [{'~' if number % 9 == 4 else 'x'}] `{path}`" + ("  " if number % 11 == 3 else "")
    callers = ", ".join(rng.sample(("console routes", "worker jobs", "engines", "none known", "tests"), 2))
    if number % 2:
        text = _format_b(
            heading,
            domain,
            layer,
            record.summary,
            callers,
            f"{record.decision} {sign} ({mark})",
            record.reason,
        )
    else:
        text = _format_a(
            heading, domain, layer, callers, f"`{record.decision}` {sign} ({mark})", record.reason
        )
    # One evening's records were written with another editor.
    return text.replace("\n", "\r\n") if number in (20, 21, 22) else text


def _format_a(heading: str, domain: str, layer: str, callers: str, decision: str, reason: str) -> str:
    wrapped = reason if len(reason) < 40 else reason.replace("; ", ";\n", 1)
    return (
        f"{heading}\n\n| Attribute | Value |\n|-----------|-------|\n| **Current Domain** | {domain} |\n"
        f"| **Layer** | {layer} |\n| **Callers** | {callers} |\n\n"
        f"**DECISION:** {decision}\n**Reason:** {wrapped}\n\n"
    )


def _format_b(
    heading: str, domain: str, layer: str, what: str, callers: str, decision: str, reason: str
) -> str:
    wrapped = reason if len(reason) < 40 else reason.replace("; ", ";\n  ", 1)
    return (
        f"{heading}\n\n```\nAttribute: Current Domain\nValue: {domain}\n{_LINE}\nAttribute: What It Does\n"
        f"Value: {what}. Read with its\n  callers at hand.\n{_LINE}\n"
        f"Attribute: Callers\nValue: {callers}\n{_LINE}\n"
        f"Attribute: Layer\nValue: {layer}\n\nASSIGN TO: {decision}\nReason: {wrapped}\n```\n\n"
    )


def _confirmed_record(path: str, number: int, rng: random.Random) -> str:
    domain = path.split("/")[0]
    layer = LAYER_TITLES.get(path.split("/")[1], "L5 — Domain Engine")
    word = "CONFIRMED CORRECT" if number % 4 == 1 else "CONFIRMED"
    reason = rng.choice(
        (
            "Reads its own tables only.",
            "All callers stand in this domain.",
            "First thought MISPLACED, then its callers were read.",
            "The name says it.",
        )
    )
    if number % 2:
        return _format_a(f"### [x] `{path}`", domain, layer, "own engines", f"`{domain}` ✓ ({word})", reason)
    return _format_b(
        f"### [x] `{path}`",
        domain,
        layer,
        "What its name says",
        "own engines",
        f"{domain} ✓ ({word})",
        reason,
    )


def _proposed_record(path: str, rng: random.Random) -> str:
    domain = path.split("/")[0]
    other = rng.choice([name for name in ("analytics", "general", "logs", "policies") if name != domain])
    layer = LAYER_TITLES.get(path.split("/")[1], "L5 — Domain Engine")
    reason = "Could go there; to be discussed with the owners."
    return _format_a(f"### [~] `{path}`", domain, layer, "unclear", f"`{other}`", reason)


def _unreviewed_record(path: str, number: int) -> str:
    domain = path.split("/")[0]
    layer = LAYER_TITLES.get(path.split("/")[1], "L5 — Domain Engine")
    if number in (3, 8):
        # A note for later, not a decision: the record is not reviewed.
        return _format_a(
            f"### [ ] `{path}`", domain, layer, "", "`general` ⚠️ (MISPLACED)", "Only a guess so far."
        )
    table = f"| Attribute | Value |\n|-----------|-------|\n| **Current Domain** | {domain} |"
    return f"### [ ] `{path}`\n\n{table}\n\n"


def _odd_records(confirmed: list[str], rng: random.Random) -> list[tuple[str, str]]:
    twice = confirmed[0]
    return [
        (twice, _confirmed_record(twice, 1, rng)),
        (
            "logs/L5_engines/unused_viewer.py",
            _format_a(
                "### [x] `logs/L5_engines/unused_viewer.py`", "logs", "L5 — Domain Engine", "none",
                "`DELETE`", "No caller; delete it once nobody misses it.",
            ),
        ),
        (
            "policies/L5_engines/first_draft_rules.py",
            _format_b(
                "### [x] `policies/L5_engines/first_draft_rules.py`", "policies", "L5 — Domain Engine",
                "The first draft of the rules", "none", "_archive/", "Kept for history only.",
            ),
        ),
    ]  # fmt: skip


def _tail() -> str:
    rows = [r for r in misplaced() if r.kind == "move"][:40]
    lines = ["## Misplacement Summary", "", "| File | From | To | Why |", "|------|------|----|-----|"]
    lines += [f"| {PurePosixPath(r.path).name} | {r.domain} | {r.decision} | {r.reason} |" for r in rows]
    lines += ["", "**Total:** 84 files are MISPLACED; the table shows the first forty.", ""]
    lines += [
        "## Open questions",
        "",
        "- Is every MISPLACED adapter worth a move? DECISION: yes, see above.",
        "",
    ]
    return "\n".join(lines)
