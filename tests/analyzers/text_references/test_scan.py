"""What holds for every format: spans, encodings, second runs, swaps, files that are skipped."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.text_references.reference import Certainty, SettledFacts, apply_references
from analyzers.text_references.scan import MOST_BYTES, find_references, skip_reason

NAMES = [
    *("x.toml", "x.cfg", "x.yml", "x.json", "x.md", "x.rst", "x.txt", "x.ipynb", "x.sh", "Makefile"),
    *("Dockerfile", "Procfile", "CODEOWNERS", "MANIFEST.in", "CHANGELOG.md", "mypy-baseline.txt", "x.pyx"),
]
PIECES = [
    *(
        "app.a.b",
        "app.a.b.f",
        "app.a.b:main",
        "app.pkg.m",
        "app.s.f",
        "app.a.*",
        "solo",
        "app",
        "a",
        "b",
        ".",
    ),
    *("src/app/a/b.py", "/", "src/app/pkg/", "*", "app\\.a\\.b", "./", "../", "b.py", "from", "import", "é"),
    *(
        "\n",
        "\r\n",
        " ",
        "  ",
        "\t",
        '"',
        "'",
        "`",
        "```",
        "```python\n",
        "[",
        "]",
        "{",
        "}",
        ":",
        "=",
        ",",
        "#",
    ),
    *(
        "- ",
        "-m ",
        "python ",
        "key: ",
        "run: |\n",
        ".. automodule:: ",
        ":mod:`",
        "::: ",
        '"""',
        "\\",
        "|",
        "(",
        ")",
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_any_text_keeps_every_other_byte_and_settles(scanner: Any, name: str, text: str) -> None:
    content = text.encode("utf-8", "surrogatepass")
    found = find_references(name, content, scanner.relocations, scanner.before)
    previous = 0
    untouched, kept = [], []
    result = apply_references(content, found, Certainty.LIKELY)
    position = 0
    for one in (r for r in found if r.certainty is not Certainty.MENTION):
        assert previous <= one.start < one.end <= len(content)
        assert one.line == content.count(b"\n", 0, one.start) + 1
        untouched.append(content[previous : one.start])
        position += len(untouched[-1])
        kept.append(result[position - len(untouched[-1]) : position])
        position += len(one.new.encode())
        previous = one.end
    assert untouched == kept
    assert content[previous:] == result[position:]
    again = find_references(name, result, scanner.relocations, scanner.after)
    assert apply_references(result, again, Certainty.LIKELY) == result


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read(scanner: Any, name: str, content: bytes) -> None:
    content = b"app.a.b " + content
    found = find_references(name, content, scanner.relocations, scanner.before)
    apply_references(content, found, Certainty.LIKELY)


def test_byte_order_mark_line_endings_and_other_encodings_stay(scanner: Any) -> None:
    content = b'\xef\xbb\xbf[a]\r\n# \xe9\r\nk = "app.a.b"\r\r\n'
    found = find_references("x.toml", content, scanner.relocations, scanner.before)
    assert [(r.line, r.certainty.value) for r in found] == [(3, "certain")]
    assert apply_references(content, found) == content.replace(b"app.a.b", b"app.x.y")


def test_a_byte_order_mark_right_before_the_first_key(scanner: Any) -> None:
    assert scanner.rewritten("x.yml", "\ufeffk: app.a.b\n") == "\ufeffk: app.x.y\n"
    assert scanner.rewritten("x.toml", '\ufeffk = "app.a.b"\n') == '\ufeffk = "app.x.y"\n'


def test_names_outside_ascii(scanner: Any) -> None:
    relocations = RelocationMap([Relocation("app.größe", "app.maß")])
    facts = replace(scanner.before, modules=frozenset(["app", "app.größe"]))
    content = 'k = "ü" # ü\nm = "app.größe"\n'.encode()
    found = find_references("x.toml", content, relocations, facts)
    assert apply_references(content, found) == 'k = "ü" # ü\nm = "app.maß"\n'.encode()


def test_a_name_outside_ascii_is_not_written_into_a_latin_1_file(scanner: Any) -> None:
    relocations = RelocationMap([Relocation("app.a.b", "app.maß")])
    (found,) = find_references("x.toml", b'# \xe9\nm = "app.a.b"\n', relocations, scanner.before)
    assert found.certainty is Certainty.MENTION


def test_a_swap_is_done_once(scanner: Any) -> None:
    swap = RelocationMap([Relocation("app.a.b", "app.a.c"), Relocation("app.a.c", "app.a.b")])
    content = b'k = ["app.a.b", "app.a.c"]\n'
    found = find_references("x.toml", content, swap, scanner.before)
    result = apply_references(content, found)
    assert result == b'k = ["app.a.c", "app.a.b"]\n'
    # Names alone cannot tell that it is done: the caller says so.
    assert find_references("x.toml", result, swap, SettledFacts(scanner.before, swap)) == ()


def test_there_and_back(scanner: Any) -> None:
    content = (
        b'k = ["app.a.b", "app.pkg.m:k", "app.s.f"]\n[run]\nomit = ["src/app/a/b.py", "src/app/pkg/*"]\n'
    )
    there = apply_references(content, find_references("x.toml", content, scanner.relocations, scanner.before))
    back = find_references("x.toml", there, scanner.relocations.inverse(), scanner.after)
    assert there != content
    assert apply_references(there, back) == content


def test_paths_move_where_the_map_has_names_only(scanner: Any) -> None:
    names_only = RelocationMap(
        [Relocation("app.a.b", "app.x.y"), Relocation("app.pkg", "app.q", subtree=True)]
    )
    content = b"src/app/a/b.py @a\nsrc/app/pkg/m.py @b\nsrc/app/pkg/__init__.py @c\nsrc/app/pkg/ @d\n"
    found = find_references("CODEOWNERS", content, names_only, scanner.before)
    after = b"src/app/x/y.py @a\nsrc/app/q/m.py @b\nsrc/app/q/__init__.py @c\nsrc/app/q/ @d\n"
    assert apply_references(content, found) == after


def test_a_file_may_move_without_its_name(scanner: Any) -> None:
    root_change = RelocationMap(
        [Relocation("app.a.b", "app.a.b", old_path="src/app/a/b.py", new_path="lib/app/a/b.py")]
    )
    content = b'[tool.coverage.run]\nomit = ["src/app/a/b.py"]\nk = "app.a.b"\n'
    found = find_references("pyproject.toml", content, root_change, scanner.before)
    assert [(r.old, r.new) for r in found] == [("src/app/a/b.py", "lib/app/a/b.py")]


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("x.py", b"", "Python"),
        ("x.pyi", b"", "Python"),
        ("x.bin", b"a\0b", "binary"),
        ("x.txt", "app".encode("utf-16"), "UTF-16"),
        ("x.json", b" " * (MOST_BYTES + 1), f"larger than {MOST_BYTES} bytes"),
        ("x.json", b" " * MOST_BYTES, ""),
        ("x", b"", ""),
    ],
)
def test_what_is_skipped_and_why(path: str, content: bytes, reason: str) -> None:
    assert skip_reason(path, content) == reason


def test_skipped_files_have_no_references(scanner: Any) -> None:
    assert scanner.find("x.py", "x = 'app.a.b'\n") == ()
    assert scanner.find("x.json", '"app.a.b"' + " " * MOST_BYTES) == ()


def test_a_pickle_that_names_a_moved_module_is_told(scanner: Any) -> None:
    for stored in (pickle.dumps("app.a.b", protocol=4), b"\0capp.a.b\nHandler\n."):
        (found,) = scanner.find("m.pkl", stored)
        assert (found.old, found.new, found.certainty.value) == ("app.a.b", "", "mention")
        assert scanner.find("m.pkl", stored.replace(b"app.a.b", b"app.a.bc")) == ()


def test_an_empty_map_finds_nothing(scanner: Any) -> None:
    assert find_references("x.toml", b'k = "app.a.b"', RelocationMap(), scanner.before) == ()


def test_hostile_texts_end(scanner: Any) -> None:
    for text in (
        '"' + '\\"' * 10_000,
        "app." * 10_000,
        "a/" * 10_000,
        "`" * 10_000,
        "](b" * 5_000,
        "b: " * 5_000,
    ):
        for name in NAMES:
            scanner.find(name, "app.a.b\n" + text)
