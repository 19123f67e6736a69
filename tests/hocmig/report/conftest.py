"""Facts made up for tests of the report: hostile ones, and as many as anybody could want."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzers.duplicates.side_by_side import SideRow
from hocmig.report.report_facts import (
    CallerFacts,
    CellFacts,
    CheckFacts,
    CycleFacts,
    DomainFacts,
    DuplicateFacts,
    HealthFacts,
    HumanFacts,
    ImportFact,
    MoveFacts,
    PhaseFacts,
    ReportFacts,
    ViolationFacts,
)

#: Each would do harm somewhere if it were not escaped: in text, attributes, scripts, styles, comments, URLs.
HOSTILE = (
    "</script><script>window.hacked=1</script>",
    '"><img src=x onerror="window.hacked=1">',
    "' onmouseover='window.hacked=1",
    "</style><style>*{display:none}</style>",
    "<!-- --!> ]]> &lt; &#60;",
    "javascript:window.hacked=1//",
    "</code></pre></details></main><h1>gone",
    "a\u202egpj.exe\u202c\u2066\u200f",
    "nul\x00bell\x07escape\x1b[31m\x9b\x7f",
    "byte\udcff and \ud800 alone \ufffe",
    "שלום עולם/مرحبا.py",
    "${window.hacked=1}`{{7*7}}",
)


def hostile_facts() -> ReportFacts:
    """Facts in which every text is hostile."""
    everything = " ".join(HOSTILE)
    domains = tuple(DomainFacts(text, 1, 2) for text in HOSTILE)
    pairs = [(a, b) for a in HOSTILE for b in HOSTILE[:3] if a != b]
    cells = tuple(
        CellFacts(a, b, (ImportFact(a, b, 1, a),), (ImportFact(b, a, 2, b),), is_allowed=False)
        for a, b in pairs
    )
    rows = tuple(SideRow(mark, 1, text, 2, text) for text in HOSTILE for mark in "=~-+")
    diff = "".join(f"-{text}\n+{text}\n {text}\n" for text in HOSTILE)
    return ReportFacts(
        title=everything,
        generated_at=everything,
        tool_version=everything,
        phases=(PhaseFacts("P0", everything, "done", (everything,)),),
        next_command=everything,
        next_reason=everything,
        shared_domain=HOSTILE[0],
        domain_root=everything,
        domains=domains,
        cells=cells,
        before_note=everything,
        files=3,
        moves=tuple(
            MoveFacts(
                text,
                text,
                text,
                text,
                text,
                text,
                text,
                (CallerFacts(text, 1, text, True),),
                f"diff --git\n@@ -1 +1 @@\n{diff}",
                text,
            )
            for text in HOSTILE
        ),
        cycles=tuple(CycleFacts("now", text, 2, HOSTILE, text, text) for text in HOSTILE),
        duplicates=tuple(
            DuplicateFacts(text, text, text, 90, 3, text, HOSTILE, text, text, rows, text) for text in HOSTILE
        ),
        violations=tuple(ViolationFacts(text, text, text, text, text) for text in HOSTILE),
        health=HealthFacts(
            everything, 50, (CheckFacts(everything, everything, 3, everything, everything),), True
        ),
        final_health={everything: everything},
        human=tuple(HumanFacts("1 now", text, text, text) for text in HOSTILE),
        notes=HOSTILE,
    )


def large_facts(files: int = 2_000, domains: int = 20) -> ReportFacts:
    """A migration of `files` files that all move, each with eight callers and a diff of forty lines."""
    names = tuple(f"domain_with_a_long_name_{n:02d}" for n in range(domains))

    def path(n: int, shift: int = 0) -> str:
        domain = names[(n + shift) % domains]
        return f"backend/app/hoc/cus/{domain}/L5_engines/some_rather_long_module_name_{n:05d}.py"

    imports: dict[tuple[str, str], list[ImportFact]] = {}
    for n in range(files):
        for k in range(1, 9):
            other = (n * 31 + k * 17) % files
            pair = (names[n % domains], names[other % domains])
            if pair[0] != pair[1]:
                imports.setdefault(pair, []).append(ImportFact(path(n), path(other), k))
    cells = tuple(
        CellFacts(a, b, tuple(found), tuple(found[1:]), is_allowed=b == names[0])
        for (a, b), found in sorted(imports.items())
    )
    line = "    return compute_something(first_argument, second_argument) <tag> & 'quote'"
    diff = "diff --git a b\n@@ -1,40 +1,40 @@\n" + "".join(f"-{line}\n+{line}\n" for _ in range(20))
    rows = tuple(SideRow("~", n, line, n, line + "x") for n in range(1, 61))
    callers = tuple(CallerFacts(path(k), k, f"from {path(k)} import name", True) for k in range(8))
    return ReportFacts(
        title="large",
        generated_at="2026-01-27T10:00:00Z",
        tool_version="0.1.0",
        shared_domain=names[0],
        domain_root="backend/app/hoc/cus",
        domains=tuple(DomainFacts(name, files // domains, files // domains) for name in names),
        cells=cells,
        before_note="made up",
        files=files,
        moves=tuple(
            MoveFacts(f"{n:04d}", path(n), path(n, 1), "MOVED", line, "", "", callers, diff)
            for n in range(files)
        ),
        cycles=tuple(CycleFacts("now", "import-time", 9, (path(n),) * 40, path(n)) for n in range(files)),
        duplicates=tuple(
            DuplicateFacts(f"G{n}", "FUNCTION", "REVIEW", 90, 9, line, (path(n),) * 9, path(n), path(n), rows)
            for n in range(files)
        ),
        violations=tuple(ViolationFacts("ARCH-002", path(n), line, line, line) for n in range(files)),
        human=tuple(HumanFacts("2 soon", line, "hocmig resolve", path(n)) for n in range(files)),
    )


@pytest.fixture(scope="session")
def hostile() -> ReportFacts:
    return hostile_facts()


@pytest.fixture(scope="session")
def large() -> Callable[..., ReportFacts]:
    return large_facts


@pytest.fixture(scope="session")
def hostile_texts() -> tuple[str, ...]:
    return HOSTILE
