"""The search from files to groups, in all modes, on small trees."""

from __future__ import annotations

import random
import textwrap

import pytest

from analyzers.duplicates.detection import DetectionCache, DetectionSettings, detect_duplicates
from analyzers.duplicates.duplicate_model import CloneKind, DetectedClones

WORK = '''\
def settle(account, entries, limit=100):
    """Settles."""
    total = 0
    skipped = []
    for entry in entries:
        if entry.amount is None:
            skipped.append(entry.key)
            continue
        total += entry.amount * account.rate
        if total > limit:
            account.notify("over limit", total)
            total = limit
    account.store(total, skipped=len(skipped))
    return total, skipped
'''
RENAMED = """\
def clear_up(ledger, rows, cap=100):
    sum_up = 0
    left_out = []
    for row in rows:
        if row.amount is None:
            left_out.append(row.key)
            continue
        sum_up += row.amount * ledger.rate
        if sum_up > cap:
            ledger.notify("over limit", sum_up)
            sum_up = cap
    ledger.store(sum_up, skipped=len(left_out))
    return sum_up, left_out
"""
EDITED = WORK.replace(
    "            total = limit\n", "            total = limit\n            account.freeze(reason=3)\n"
)
OTHER = """\
class Reader:
    def __init__(self, path):
        self.path = path

    def rows(self):
        with open(self.path) as file:
            return [line.split(";") for line in file if line.strip()]
"""


def search(files: dict[str, str | bytes], **settings: object) -> DetectedClones:
    contents = {p: t.encode() if isinstance(t, str) else t for p, t in files.items()}
    found, _ = detect_duplicates(list(contents), contents.__getitem__, DetectionSettings(**settings))  # type: ignore[arg-type]
    return found


def kinds(found: DetectedClones) -> list[CloneKind]:
    return [group.kind for group in found.groups]


def test_equal_files_are_one_group_with_all_places() -> None:
    found = search({"a.py": WORK, "b.py": WORK, "c/d.py": WORK, "e.py": OTHER})
    assert kinds(found) == [CloneKind.EXACT_FILE]
    assert [p.path for p in found.groups[0].places] == ["a.py", "b.py", "c/d.py"]


def test_layout_comments_docstrings_and_import_order_do_not_count() -> None:
    one = "import os\nimport sys\n\n\n" + WORK
    other = "import sys\nimport os\n# moved\n" + WORK.replace('    """Settles."""\n', "").replace(
        "0\n", "0  # none\n"
    )
    found = search({"a.py": one, "b.py": other})
    assert kinds(found) == [CloneKind.EQUIVALENT_FILE]


@pytest.mark.parametrize(
    "other",
    [
        WORK.replace("total = 0", "total = 1"),
        WORK.replace("        total +=", "    total +="),
        "import os\n" + WORK,
    ],
)
def test_another_meaning_is_no_equivalent_file(other: str) -> None:
    assert CloneKind.EQUIVALENT_FILE not in kinds(
        search({"a.py": WORK, "b.py": other}, modes=frozenset({"exact"}))
    )


def test_renamed_function_is_found_and_called_renamed() -> None:
    found = search({"a.py": OTHER + "\n\n" + WORK, "b.py": RENAMED})
    (group,) = found.groups
    assert group.kind is CloneKind.FUNCTION
    assert [p.name for p in group.places] == ["settle", "clear_up"]
    assert group.renamed
    assert not group.edited
    assert not group.varied
    assert [(p.first, p.last) for p in group.places] == [(10, 23), (1, 13)]


def test_edited_function_is_found_and_called_edited() -> None:
    (group,) = search({"a.py": WORK, "b.py": EDITED}).groups
    assert group.kind is CloneKind.FUNCTION
    assert group.edited
    assert not group.renamed
    assert 0.8 <= group.similarity < 1


def test_changed_literals_vary() -> None:
    (group,) = search({"a.py": WORK, "b.py": WORK.replace("100", "250").replace("settle", "close")}).groups
    assert group.varied


def test_block_inside_another_function() -> None:
    body = textwrap.indent("\n".join(WORK.splitlines()[2:-1]), "    ")
    host = (
        "def other(account, source, limit, log):\n    log.debug(source.name, source.size)\n"
        "    if source.ready():\n        entries = source.read_all(limit)\n" + body + "\n"
        "    for handler in log.handlers:\n        handler.flush()\n    log.close(source.name)\n"
        "    with source.lock:\n        source.done = True\n    return log.level + 1\n"
    )
    found = search({"a.py": WORK, "b.py": host})
    (group,) = found.groups
    assert group.kind is CloneKind.BLOCK
    assert [(p.path, p.first, p.last) for p in group.places] == [("a.py", 3, 13), ("b.py", 5, 15)]


def test_class_is_one_finding_that_holds_its_members() -> None:
    wide = "class Book:\n" + textwrap.indent(WORK, "    ") + textwrap.indent(OTHER.split("\n", 1)[1], "")
    other = "X = 1\n" + wide.replace("class Book", "class Journal")
    (group,) = search({"a.py": wide, "b.py": other}).groups
    assert group.kind is CloneKind.CLASS
    assert [p.name for p in group.places] == ["Book", "Journal"]
    assert group.equal_members == 1.0


def test_many_copies_are_one_class() -> None:
    files = {f"m{n}.py": f"N = {n}\n" + WORK.replace("settle", f"settle_{n}") for n in range(30)}
    (group,) = search(files).groups
    assert len(group.places) == 30


@pytest.mark.parametrize(
    "make",
    [
        lambda word: "".join(
            f"parser.add_argument('--{word}-{n}', type=int, default={n})\n" for n in range(30)
        ),
        lambda word: "@dataclass\nclass A:\n" + "".join(f"    {word}_{n}: int = {n}\n" for n in range(30)),
        lambda word: (
            "TABLE = {\n" + "".join(f"    '{word}{n}': ({n}, '{word}'),\n" for n in range(30)) + "}\n"
        ),
        lambda word: "".join(f"from {word}.x{n} import {word}{n}\n" for n in range(30)),
        lambda word: f'"""{word}\n' + "a line of a text\n" * 30 + '"""\n',
        lambda word: "# licence\n" * 40 + f"{word} = 1\n",
    ],
)
def test_boilerplate_with_other_words_is_no_finding(make) -> None:  # type: ignore[no-untyped-def]
    assert search({"a.py": make("north"), "b.py": make("south")}).groups == ()


THROUGHOUT = """\
def clear_up(ledger, rows, cap=100):
    sum_up = 0
    left_out = []
    for row in rows:
        if row.sum is None:
            left_out.append(row.mark)
            continue
        sum_up += row.sum * ledger.factor
        if sum_up > cap:
            ledger.tell("too much", sum_up)
            sum_up = cap
    ledger.keep(sum_up, omitted=len(left_out))
    return sum_up, left_out
"""


def test_a_copy_in_which_attributes_and_called_names_are_renamed_too_is_found() -> None:
    (group,) = search({"a.py": OTHER + "\n\n" + WORK, "b.py": THROUGHOUT}).groups
    assert group.kind is CloneKind.FUNCTION
    assert group.renamed
    assert group.varied


def test_a_form_filled_with_other_words_is_no_copy() -> None:
    kinds_of = ["Integer", "String(64)", "Text", "Integer, index=True", "Boolean", "Text, nullable=False"]

    def model(words: str) -> str:
        rows = [f"    {word} = Column({kinds_of[n % 6]})" for n, word in enumerate(words.split())]
        return "\n".join([f"class {words.split()[0].title()}(Base):", *rows, ""])

    one = model("street number city country zip floor remark door bell roof")
    other = model("engine wheels doors color seats trunk horn brakes mirror radio")
    assert search({"a.py": one, "b.py": other}).groups == ()


def test_short_methods_after_one_another_are_no_block_when_they_are_called_otherwise() -> None:
    def visitor(words: str) -> str:
        out = ["class Visitor:"]
        for word in words.split():
            out.append(
                f"    def visit_{word}(self, node):\n        self.out.append(self.open(node, '{word}'))\n"
            )
            out.append(f"    def leave_{word}(self, node):\n        pass\n")
        return "\n".join(out)

    found = search({"a.py": visitor("table row cell head"), "b.py": visitor("list item mark tail")})
    assert CloneKind.BLOCK not in kinds(found)
    names = "table row cell head"
    same = search(
        {"a.py": visitor(names), "b.py": visitor(names).replace("Visitor", "Other") + "    a = 1\n"}
    )
    assert same.groups


LOCAL = """\
    class Pauser(Base):
        def {0}(self):
            self.events = []

        def {1}(self, data):
            self.events.append("paused")
            self.transport.pause(data)
            self.reactor.later(1, self.resume)

        def {2}(self):
            self.events.append("resumed")
            self.transport.resume()

    sink = Pauser(limit)
    sink.start(limit, mode=2)
    if sink.count > limit:
        sink.stop(limit)
    for key, part in sink.parts.items():
        part.check(key, limit)
    total = sum(part.size for part in sink.parts)
    sink.report(total, limit=3)
"""


def test_a_class_inside_of_a_function_may_have_its_methods_renamed() -> None:
    one = "def first(limit):\n" + LOCAL.format("begin", "receive", "go_on") + "    return sink\n"
    other = (
        "def second(limit, more, extra):\n    more.check(limit)\n    for x in extra:\n        x.send(more)\n"
    )
    other += (
        LOCAL.format("start", "data_received", "resume") + "    more.close(extra)\n    extra.close(more, 3)\n"
    )
    other += "    for one in extra:\n        one.stop(limit)\n    return limit * 2\n"
    assert CloneKind.BLOCK in kinds(search({"a.py": one, "b.py": other}))


def test_a_signature_of_many_lines_makes_no_copy_of_two_bodies() -> None:
    head = "def resolve(\n    self,\n    env: Environment,\n    source: str,\n    builder: Builder,\n"
    head += "    kind: str,\n"
    head += "    target: str,\n    node: Pending,\n    content: Element,\n) -> Reference:\n"
    one = head + "    return self.inner(env, source, builder, kind, target, node, content)\n"
    other = head + "    raise NotImplementedError\n"
    assert search({"a.py": one, "b.py": other}).groups == ()


def test_a_block_takes_in_what_stands_behind_an_edit_near_its_edge() -> None:
    block = textwrap.indent(
        textwrap.dedent(WORK.split('"""\n', 1)[1]).replace("return total, skipped\n", ""), "    "
    )
    edited = block.replace(
        "        if total > limit:\n", "        account.check()\n        if total > limit:\n"
    )
    edited = edited.replace(
        "            total = limit\n", "            account.log(1)\n            account.log(entry)\n"
    )
    host = "def other(account, entries, limit, sink):\n    sink.open(mode=3)\n    sink.lock()\n"
    tail = "    sink.close(3)\n    for one in sink.all:\n        one.go(sink)\n    return sink\n"
    found = search(
        {
            "a.py": "def one(account, entries, limit):\n" + block + "    return 1\n",
            "b.py": host + edited + tail,
        }
    )
    assert found.groups


def test_short_code_is_no_finding() -> None:
    small = "def f(a):\n    return a + 1\n"
    assert search({"a.py": small, "b.py": small + "X = 1\n"}).groups == ()


def test_min_lines_and_threshold_are_kept() -> None:
    assert search({"a.py": WORK, "b.py": EDITED}, threshold=0.99, modes=frozenset({"function"})).groups == ()
    body = WORK.replace("def settle(account, entries, limit=100):", "if entries:")
    files: dict[str, str | bytes] = {"a.py": body, "b.py": "Y = 2\n" + body}
    assert search(files, min_lines=40, modes=frozenset({"block"})).groups == ()
    assert search(files, modes=frozenset({"block"})).groups


def test_scope_across_and_inside() -> None:
    files: dict[str, str | bytes] = {
        "d/a.py": WORK,
        "d/b.py": "X = 1\n" + WORK,
        "e/c.py": "Y = 1\n" + WORK,
        "f.py": WORK + "Z = 1\n",
    }
    domains = {p: p[0] for p in files if "/" in p}
    across = search(files, scope="across", domains=domains)
    assert {p.path for g in across.groups for p in g.places} == {"d/a.py", "d/b.py", "e/c.py"}
    inside = search(files, scope="inside", domains=domains)
    assert {p.path for g in inside.groups for p in g.places} == {"d/a.py", "d/b.py"}
    assert {p.path for g in search(files).groups for p in g.places} == set(files)


def test_unparsable_files_are_compared_by_tokens() -> None:
    found = search({"a.py": WORK + "\n\ndef broken(:\n    x = (\n", "b.py": "x = = 1\n" + WORK})
    assert kinds(found) == [CloneKind.FUNCTION]


def test_unreadable_file_is_a_note() -> None:
    def read(path: str) -> bytes:
        if path == "gone.py":
            raise FileNotFoundError(2, "No such file or directory")
        return WORK.encode()

    found, _ = detect_duplicates(["a.py", "gone.py"], read, DetectionSettings())
    assert [(n.path, n.message) for n in found.notes] == [
        ("gone.py", "cannot be read: No such file or directory")
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00x",
        b"\xef\xbb\xbfx = 1\r\n",
        b"# coding: nonsense\nx = 1\n",
        b"(" * 10_000,
        b'"""' + b"a\n" * 5_000,
        b"x = f(x, 1)\n" * 20_000,
        b"x = f(x, 1)\ny = g.h(x, 2, k=3)\nif y: z(y)\n" * 5_000,
        ";".join(f"v{n}=f(v{n - 1},{n})" for n in range(20_000)).encode(),
        ("X = [" + ",".join(map(str, range(50_000))) + "]\n").encode(),
    ],
    ids=[
        "empty",
        "binary",
        "bom",
        "encoding",
        "brackets",
        "string",
        "one line",
        "period",
        "minified",
        "list",
    ],
)
def test_hostile_files_end_and_hide_nothing(content: bytes) -> None:
    found = search(
        {"a.py": WORK, "b.py": "Y = 1\n" + WORK, "hostile.py": content, "other.py": content + b"\nX = 1\n"}
    )
    assert any({"a.py", "b.py"} <= {p.path for p in g.places} for g in found.groups)


def test_what_is_cut_is_said() -> None:
    long = ("X = [" + ",".join(f"a{n}" for n in range(5_000)) + "]\n").encode()
    assert "tokens" in search({"a.py": long}).notes[0].message


def generated(count: int) -> dict[str, bytes]:
    rng = random.Random(count)
    words = [f"w{n}" for n in range(200)]
    files = {}
    for number in range(count):
        lines = []
        for part in range(4):
            lines.append(f"def f{number}_{part}(a, b):")
            for _ in range(12):
                x, y, z = (rng.choice(words) for _ in range(3))
                lines.append(
                    rng.choice(
                        [f"    {x} = a.{y}({z}, b)", f"    if {x}: b.{z}({y})", f"    a[{x}] = {y} + {z}"]
                    )
                )
        files[f"m{number}.py"] = "\n".join(lines).encode()
    for number in range(0, count, 3):
        files[f"copy{number}.py"] = b"A = 1\n" + files[f"m{number}.py"]
    return files


def test_processes_and_cache_change_nothing() -> None:
    files = generated(30)
    alone, cache = detect_duplicates(list(files), files.__getitem__, DetectionSettings())
    assert cache is not None
    assert len(alone.groups) >= 40
    both, _ = detect_duplicates(
        sorted(files, reverse=True), files.__getitem__, DetectionSettings(), processes=2
    )
    assert both == alone
    again, none = detect_duplicates(
        list(files), files.__getitem__, DetectionSettings(), last=(cache.key, alone), cache=lambda: cache
    )
    assert again == alone
    assert none is None
    files["m1.py"] += b"\nX = 1\n"
    fresh, _ = detect_duplicates(list(files), files.__getitem__, DetectionSettings())
    reused, _ = detect_duplicates(list(files), files.__getitem__, DetectionSettings(), cache=lambda: cache)
    assert reused == fresh


def test_cached_streams_are_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    files = generated(5)
    _, cache = detect_duplicates(list(files), files.__getitem__, DetectionSettings())
    files["m1.py"] += b"\nX = 1\n"
    built = []
    from analyzers.duplicates import token_stream

    build = token_stream.StreamBuilder.build

    def counted(self: token_stream.StreamBuilder, data: bytes) -> token_stream.FileStream:
        built.append(data)
        return build(self, data)

    monkeypatch.setattr(token_stream.StreamBuilder, "build", counted)
    detect_duplicates(list(files), files.__getitem__, DetectionSettings(), cache=lambda: cache)
    assert built == [files["m1.py"]]
    assert isinstance(cache, DetectionCache)


def test_crowds_are_paired_linearly() -> None:
    """Work is bounded by counting pairs: ten times the copies, about ten times the pairs."""
    from analyzers.duplicates.corpus import build_corpus
    from analyzers.duplicates.seeds import MEMBER_RULE, seed_pairs, window_keys
    from analyzers.duplicates.token_stream import StreamBuilder

    def pairs(copies: int) -> int:
        builder = StreamBuilder()
        streams = [builder.build((WORK + f"\nX = {n}\n").encode()) for n in range(copies)]
        corpus = build_corpus(streams, 6)
        return len(list(seed_pairs(corpus, window_keys(corpus, corpus.members, MEMBER_RULE), MEMBER_RULE)))

    assert pairs(400) < 12 * pairs(40)
