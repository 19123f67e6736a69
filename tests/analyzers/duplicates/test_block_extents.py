"""Where a finding begins and ends: edits near its edges, repeated statements, long heads and comments."""

from __future__ import annotations

import textwrap

from analyzers.duplicates.detection import DetectionSettings, detect_duplicates
from analyzers.duplicates.duplicate_model import CloneGroup, CloneKind

STEPS = (
    "total = account.balance(entries)",
    "names = [entry.name for entry in entries]",
    "account.lock(total, reason=names)",
    "first = names[0].strip().lower()",
    "account.rename(first, total * 2)",
    "limit = account.limit or total",
    "entries.sort(key=account.order)",
    "account.move(entries, limit + 1)",
    "report = account.report(limit, names)",
    "account.store(report, total)",
)
OTHERS = (
    "writer.flush()",
    "left, right = span.edges",
    "clock.wait(seconds=5)",
    "queue = deque(maxlen=7)",
    "raise_if(span.empty)",
    "del clock.ticks[3:]",
)


def function(name: str, lines: list[str]) -> str:
    """A function around the lines that shares no word with any other."""
    return f"def {name}(account, entries):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"


def host(lines: list[str]) -> str:
    """A longer function with other statements before and behind the lines."""
    before = ["writer = span.open(mode='w')", "while writer.busy:", "    writer.wait(span, 4)"]
    behind = [
        "for part in span.parts:",
        "    part.close(writer)",
        "if span.kept:",
        "    return writer",
        "writer.end(span)",
    ]
    return "def write(span, clock):\n" + textwrap.indent("\n".join([*before, *lines, *behind]), "    ") + "\n"


def groups(files: dict[str, str]) -> list[CloneGroup]:
    contents = {path: text.encode() for path, text in files.items()}
    found, _ = detect_duplicates(list(contents), contents.__getitem__, DetectionSettings())
    return list(found.groups)


def blocks(left: list[str], right: list[str]) -> list[CloneGroup]:
    found = groups({"a.py": function("settle", left), "b.py": host(right)})
    return [g for g in found if g.kind is CloneKind.BLOCK]


def edited(*places: int) -> list[str]:
    lines = list(STEPS)
    for n, place in enumerate(places):
        lines[place] = OTHERS[n]
    return lines


def test_a_block_of_which_exactly_four_fifths_agree_is_found() -> None:
    for places in ((4, 8), (0, 4), (5, 9)):
        (found,) = blocks(list(STEPS), edited(*places))
        assert found.similarity == 0.8
        assert found.places[0].last - found.places[0].first == 9
    assert blocks(list(STEPS), edited(2, 5, 8)) == []


def test_a_block_does_not_run_on_through_other_code_to_an_equal_statement() -> None:
    behind = "entries.clear()"
    steps = [*STEPS, *(f"account.part{n} = entries.find({n} + total)" for n in range(25))]
    more = [f"account.step{n}({n} + total)" for n in range(8)]
    start = [f"with sink.open(table[{n}], mode={n}) as part{n}: part{n}.go(sink)" for n in range(20)]
    (near,) = blocks([*start, *steps, more[0], behind], [*steps, OTHERS[0], behind])
    (far,) = blocks([*start, *steps, *more, behind], [*steps, *OTHERS[:5], behind])
    end = len(start) + len(steps)
    assert near.places[0].last == end + 3
    assert far.places[0].last <= end + 2


def test_a_chance_pair_on_one_side_does_not_keep_the_other_side_short() -> None:
    block = ["mine, yours = account.keys()", "other, theirs = account.keys()"]
    block += [
        "left, right, pump = entries.connect(\n    root=mine,\n    key=dump(yours),\n    chain=theirs.all,\n)"
    ]
    block += ["pump.flush()", "account.check(left.lost)", "account.check(left.data, right.greeting)"]
    edits = [*block[:4], "account.check(left.lost, reason=0)", block[5]]
    found = groups(
        {
            "a.py": function("settle", ["span.first = queue.place", "queue.go(3)", *block, *OTHERS[:3]]),
            "b.py": host(["table.order = sink.kind", "sink.run(table, key=4)", *edits, *OTHERS[3:]]),
        }
    )
    assert [(g.places[0].first, g.places[0].last) for g in found if g.kind is CloneKind.BLOCK] == [(4, 13)]


def test_of_equal_statements_the_one_nearest_to_the_block_is_taken() -> None:
    lines = ["try:", f"    {STEPS[1]}", "except ValueError:", *(f"    {s}" for s in STEPS[2:])]
    left = ["try:", "    span.check(1, 2)", "finally:", "    span.leave(1, 3)", *lines]
    right = ["try:", "    writer.flush()", *lines[2:]]
    (found,) = blocks(left, right)
    assert found.places[0].first == 6
    assert found.places[0].last == len(left) + 1


def test_a_list_of_one_form_is_not_paired_one_statement_off() -> None:
    lines = [*(f"account.{name} = {{}}" for name in ("joins", "parts", "rows", "names")), *STEPS]
    (found,) = blocks(lines, [line for n, line in enumerate(lines) if n != 2])
    assert (found.places[0].first, found.places[0].last) == (2, len(lines) + 1)
    assert not found.varied


def test_a_long_comment_that_both_sides_have_parts_nothing() -> None:
    note = [f"# line {n} of what is said about the account" for n in range(12)]
    lines = [*STEPS, "entries.clear()"]
    noted = [lines[0], *note, *lines[1:]]
    (both,) = blocks(noted, noted)
    (one,) = blocks(lines, noted)
    assert both.places[0].first == 2
    assert one.places[0].first == 3


LONG = (
    "table.put(account.name, account.key, entries[0], entries[1], kind=account.kind, order=entries.order, "
    "size=len(entries))",
    "table.check(account.name, account.key, entries[2], entries[3], kind=account.kind, order=entries.order, "
    "size=len(entries))",
    "table.send(account.key, entries[4], kind=account.kind, order=entries.order, size=len(entries))",
)


def test_equal_statements_written_on_few_lines_are_a_block_when_they_are_long() -> None:
    wrapped = [line.replace(", ", ",\n    ") for line in LONG]
    assert blocks(list(LONG), wrapped)
    short = ["a = f(x, y, z, key=x.key, kind=y.kind)", "b = g(a, y, z, kind=y.kind)", "c = h(a, b, x, key=z)"]
    assert blocks(short, [line.replace(", ", ",\n    ").replace(")", "\n)") for line in short]) == []


HEAD = """\
def resolve(
    self,
    account: Account,
    entries: list[Entry],
    source: str,
    builder: Builder,
    target: str,
    content: Element,
) -> Reference:
"""


def test_a_long_signature_does_not_make_a_block_long() -> None:
    same = "    parts = []\n    self.check(parts)\n"
    one = HEAD + same + "".join(f"    self.one{n}(account[{n}])\n" for n in range(9))
    other = HEAD + same + "".join(f"    with target.two({n}):\n        builder.end()\n" for n in range(9))
    assert groups({"a.py": one, "b.py": other}) == []


def test_an_equal_signature_counts_with_its_lines_when_the_bodies_are_nearly_alike() -> None:
    def body(*places: int) -> str:
        return HEAD + textwrap.indent("\n".join(edited(*places)), "    ") + "\n"

    (found,) = groups({"a.py": body(), "b.py": body(1, 4, 7)})
    assert found.kind is CloneKind.FUNCTION
    assert groups({"a.py": body(), "b.py": body(4, 5, 6, 7)}) == []
    plain = [body(*places).replace(HEAD, "def resolve(account, entries):\n") for places in ((), (1, 4, 7))]
    assert groups({"a.py": plain[0], "b.py": plain[1]}) == []


def test_no_signature_is_long_enough_to_make_up_for_other_bodies() -> None:
    longer = HEAD.replace(") ->", "".join(f"    option{n}: int,\n" for n in range(20)) + ") ->")

    def body(*places: int) -> str:
        return longer + textwrap.indent("\n".join(edited(*places)), "    ") + "\n"

    assert groups({"a.py": body(), "b.py": body(1, 4, 7)})
    assert groups({"a.py": body(), "b.py": body(1, 4, 5, 7)}) == []


def test_an_edited_block_is_told_beside_a_function_that_is_much_longer_by_its_docstring() -> None:
    docstring = (
        '"""Settles.\n\n' + "\n".join(f"    Line {n} of the docstring." for n in range(30)) + '\n    """'
    )
    short = function("settle", [*edited(4), "return report"])
    long = function("settle_all", [docstring, *STEPS, "return entries"])
    assert {g.kind for g in groups({"a.py": short, "b.py": long})} == {CloneKind.FUNCTION, CloneKind.BLOCK}
    bare = function("settle_all", [*STEPS, "return entries"])
    assert {g.kind for g in groups({"a.py": short, "b.py": bare})} == {CloneKind.FUNCTION}


CALL = """\
caught = account.catch(
    entries.error,
    entries.send,
    version,
    "first",
    "second",
)"""


def test_one_call_of_many_lines_between_two_edits_is_a_trace() -> None:
    left = ["version = entries.newest(3)", "writer.flush()", CALL, "account.note(version, str(caught))"]
    right = [left[0], CALL, "clock.wait(span)", left[3]]
    assert blocks(left, right)


def test_a_table_of_many_lines_between_two_edits_is_no_trace() -> None:
    table = "(\n" + "".join(f"    {n},\n" for n in range(12)) + ")"
    left = ["version = entries.newest(3)", "writer.flush()", table, "account.note(version, str(caught))"]
    right = [left[0], table, "clock.wait(span)", left[3]]
    assert blocks(left, right) == []
