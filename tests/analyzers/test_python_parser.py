"""Large texts are parsed in parts: the same statements at the same places, the same facts and errors."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import file_facts
from analyzers.file_facts import read_facts
from analyzers.python_parser import parse, parse_in_parts

STANDARD_LIBRARY = sorted(p for p in Path(ast.__file__).parent.glob("*.py") if p.stat().st_size < 80_000)


def text_of(file: Path) -> str:
    return file.read_bytes().decode("utf-8").replace("\r\n", "\n")


def dumped(statements: list[ast.stmt]) -> list[str]:
    return [ast.dump(statement, include_attributes=True) for statement in statements]


def starts(text: str, least: int = 1) -> list[int]:
    """The line of the first statement of each part."""
    trees = [tree for tree, *_ in parse_in_parts(textwrap.dedent(text).lstrip("\n"), least)]
    return [tree.body[0].lineno for tree in trees if tree is not None and tree.body]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(STANDARD_LIBRARY), st.integers(1, 20_000))
def test_parts_hold_the_statements_of_the_whole(file: Path, least: int) -> None:
    text = text_of(file)
    trees = [tree for tree, *_ in parse_in_parts(text, least)]
    found = [statement for tree in trees if tree is not None for statement in tree.body]
    assert None not in trees
    assert dumped(found) == dumped(ast.parse(text).body)


def test_a_part_ends_only_where_a_statement_can_begin() -> None:
    assert starts("a = 1\nb = 2\nc = 3\n") == [1, 2, 3]
    assert starts('a = """\nimport b\nx = 1\n"""\nc = 3\n') == [1, 5]
    assert starts("a = [\n1,\n2,\n]\nc = 3\n") == [1, 5]
    assert starts("@first\n@second\ndef f():\n    pass\nc = 3\n") == [1, 5] or starts(
        "@a\nclass B: pass\nc = 3\n"
    )
    assert starts("a = 1 + \\\n2\nc = 3\n") == [1, 3]


def test_an_empty_text_has_no_parts() -> None:
    assert list(parse_in_parts("")) == []
    assert starts("# nothing but this\n" * 3) == []


def test_branches_stay_with_their_statement() -> None:
    text = """
        if a:
            pass
        # why
        elif b:
            pass
        else:
            pass
        try:
            pass
        except A:
            pass
        else:
            pass
        finally:
            pass
        for x in y:
            pass
        else:
            pass
        z = 1
        """
    assert starts(text) == [1, 8, 16, 20]


def test_an_error_has_its_line_in_the_whole_text() -> None:
    text = "a = 1\n" * 50 + "b = = 2\n" + "c = 3\n" * 50
    *good, bad = parse_in_parts(text, 60)
    assert all(tree is not None for tree, *_ in good)
    assert bad == parse(text)
    assert bad[3] == 51


def test_facts_do_not_depend_on_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    files = STANDARD_LIBRARY[:60]
    whole = [read_facts(file.name, file.read_bytes()) for file in files]
    monkeypatch.setattr(file_facts, "WHOLE_CHARACTERS", 0)
    monkeypatch.setattr(file_facts, "parse_in_parts", lambda text: parse_in_parts(text, 500))
    assert [read_facts(file.name, file.read_bytes()) for file in files] == whole
    assert any(record.imports for record in whole)
    assert any(record.dynamic_namespace for record in whole)


def test_a_large_file_is_never_one_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0

    def measured(text: str, *arguments: object) -> ast.Module:
        nonlocal longest
        longest = max(longest, len(text.lstrip("\n")))
        return ast.parse(text)

    monkeypatch.setattr("analyzers.python_parser._compile", measured)
    content = b"".join(b"name_%d = call(%d, 1)\n" % (n, n) for n in range(40_000))
    record = read_facts("large.py", content)
    assert [d.line for d in record.definitions] == list(range(1, 40_001))
    assert 250_000 <= longest < 260_000 < len(content)
