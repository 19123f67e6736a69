"""The relocation map: simultaneous, longest entry first, by segments, and refusing contradictions."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.errors import InputError
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap


def modules(*pairs: tuple[str, str], subtree: bool = False) -> RelocationMap:
    return RelocationMap(Relocation(old, new, subtree=subtree) for old, new in pairs)


def symbols(*pairs: tuple[str, str]) -> RelocationMap:
    return RelocationMap(
        Relocation(*(p.split(":")[0] for p in pair), *(p.split(":")[1] for p in pair)) for pair in pairs
    )


def test_an_empty_map_moves_nothing() -> None:
    empty = RelocationMap()
    assert not empty
    assert empty.module("a.b") is None
    assert empty.symbol("a.b", "f") is None
    assert empty.dotted("a.b.f") is None
    assert empty.path("a/b.py") is None
    assert empty.leaf_words() == frozenset()
    assert not empty.may_concern(b"a.b")
    assert empty.inverse() == empty


def test_a_module_that_moves_alone_takes_no_submodule_along() -> None:
    found = modules(("a.b", "x.y"))
    assert found.module("a.b") == "x.y"
    assert found.module("a.b.c") is None
    assert found.module("a") is None


def test_a_subtree_takes_all_below_along() -> None:
    found = modules(("a.b", "x.y"), subtree=True)
    assert found.module("a.b.c.d") == "x.y.c.d"


@pytest.mark.parametrize("name", ["a.bc", "a.b_old", "aa.b", "a_b", "a"])
def test_a_prefix_of_characters_is_no_prefix_of_segments(name: str) -> None:
    found = modules(("a.b", "x.y"), subtree=True)
    assert found.module(name) is None
    assert found.dotted(name + ".f") is None


def test_the_longest_entry_wins() -> None:
    found = modules(("a", "x"), ("a.b", "z.w"), subtree=True)
    assert found.module("a.b.c") == "z.w.c"
    assert found.module("a.c") == "x.c"
    assert found.dotted("a.b.c.f") == "z.w.c.f"


def test_a_swap_is_one_simultaneous_step() -> None:
    found = modules(("a.p", "a.q"), ("a.q", "a.p"))
    assert (found.module("a.p"), found.module("a.q")) == ("a.q", "a.p")
    assert found.dotted("a.p.f") == "a.q.f"


def test_a_chain_is_not_followed() -> None:
    assert modules(("a.p", "a.q"), ("a.q", "a.r")).module("a.p") == "a.q"


def test_a_symbol_goes_by_its_own_entry_before_its_module() -> None:
    found = RelocationMap([Relocation("a.b", "x.y"), Relocation("a.b", "z", "f", "g")])
    assert found.symbol("a.b", "f") == ("z", "g")
    assert found.symbol("a.b", "h") == ("x.y", "h")
    assert found.symbol("a.c", "f") is None
    assert found.dotted("a.b.f.attribute") == "z.g.attribute"
    assert found.dotted("a.b:f.attribute") == "z:g.attribute"
    assert found.dotted("a.b:h") == "x.y:h"
    assert found.dotted("a.b") == "x.y"


def test_a_symbol_entry_beats_a_subtree() -> None:
    found = RelocationMap([Relocation("a", "x", subtree=True), Relocation("a.b", "z", "f", "f")])
    assert found.dotted("a.b.f") == "z.f"
    assert found.dotted("a.b.g") == "x.b.g"


def test_the_symbol_test_decides_what_follows_a_module_that_moves_alone() -> None:
    found = modules(("a.b", "x.y"))
    assert found.dotted("a.b.f") == "x.y.f"
    assert found.dotted("a.b.f", lambda module, name: (module, name) == ("a.b", "f")) == "x.y.f"
    assert found.dotted("a.b.sub.f", lambda module, name: name == "f") is None


def test_below_a_package_file_that_moves_alone_nothing_is_guessed() -> None:
    found = RelocationMap([Relocation("a.b", "x.y", old_path="a/b/__init__.py", new_path="x/y/__init__.py")])
    assert found.dotted("a.b") == "x.y"
    assert found.dotted("a.b.c") is None
    assert found.dotted("a.b.f", lambda module, name: name == "f") == "x.y.f"


@pytest.mark.parametrize("text", ["", ".", "a..b", ".a.b", "a.b.", "x", ":f"])
def test_what_is_no_dotted_text_stays(text: str) -> None:
    assert modules(("a.b", "x.y"), subtree=True).dotted(text) is None


def test_files_and_folders() -> None:
    found = RelocationMap(
        [
            Relocation("a.b", "x.y", old_path="src/a/b.py", new_path="src/x/y.py"),
            Relocation("a.b", "x.y", old_path="src/a/b.pyi", new_path="src/x/y.pyi"),
            Relocation(
                "p", "q.p", old_path="src/p/__init__.py", new_path="src/q/p/__init__.py", subtree=True
            ),
            Relocation("r", "s", old_path="src/r", new_path="src/s", subtree=True),
        ]
    )
    assert found.path("src/a/b.py") == "src/x/y.py"
    assert found.path("src/a/b.pyi") == "src/x/y.pyi"
    assert found.path("src/a") is None
    assert found.path("src/a/b.pyx") is None
    assert found.path("src/p") == "src/q/p"
    assert found.path("src/p/") == "src/q/p/"
    assert found.path("src/p/data/t.sql") == "src/q/p/data/t.sql"
    assert found.path("src/pp/t.sql") is None
    assert found.path("src/r/t.py") == "src/s/t.py"
    assert found.path("a/b.py") is None


def test_a_file_that_changes_its_import_root_keeps_its_name() -> None:
    found = RelocationMap(
        [
            Relocation("a", "x", subtree=True),
            Relocation("a.b", "a.b", old_path="one/a/b.py", new_path="two/a/b.py"),
        ]
    )
    assert found.module("a.b") is None
    assert found.dotted("a.b.f") is None
    assert found.path("one/a/b.py") == "two/a/b.py"
    assert found.moved_modules == {"a": "x"}


def test_whole_is_none_where_parts_go_elsewhere() -> None:
    found = RelocationMap([Relocation("a", "x", subtree=True), Relocation("a.b.c", "z")])
    assert found.whole("a") is None
    assert found.whole("a.b") is None
    assert found.whole("a.d") == "x.d"
    assert found.whole("n") is None
    assert modules(("a", "x")).whole("a") is None
    assert symbols(("a:f", "b:f")).whole("a") is None
    with_symbol = RelocationMap([Relocation("a", "x", subtree=True), Relocation("a.b", "z", "f", "f")])
    assert with_symbol.whole("a") is None
    assert with_symbol.whole("a.c") == "x.c"


def test_entries_below_are_strictly_below() -> None:
    found = modules(("a.b", "x"), ("a.b.c", "y"), ("a.bc", "z"), ("a.b.c.d", "w"))
    assert found.entries_below("a.b") == ("a.b.c", "a.b.c.d")
    assert found.entries_below("a") == ("a.b", "a.b.c", "a.b.c.d", "a.bc")
    assert found.entries_below("q") == ()


@pytest.mark.parametrize(
    "entries",
    [
        [Relocation("a.b", "a.b")],
        [Relocation("a.b", "a.b", "f", "f")],
        [Relocation("a.b", "x"), Relocation("a.b", "y")],
        [Relocation("a.b", "x"), Relocation("c.d", "x")],
        [Relocation("a", "x", "f", "f"), Relocation("a", "y", "f", "f")],
        [Relocation("a", "x", "f", "g"), Relocation("b", "x", "h", "g")],
        [Relocation("a", "x", "f", "")],
        [Relocation("a", "x", "", "f")],
        [Relocation("a..b", "x")],
        [Relocation("", "x")],
        [Relocation("a b", "x")],
        [Relocation("a/b", "x")],
        [Relocation("a", "x", "f.g", "f")],
        [
            Relocation("a", "x", old_path="a.py", new_path="x.py"),
            Relocation("b", "y", old_path="b.py", new_path="x.py"),
        ],
    ],
)
def test_contradictions_are_one_clear_line(entries: list[Relocation]) -> None:
    with pytest.raises(InputError) as caught:
        RelocationMap(entries)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("relocation map: ")


def test_declared_merges_are_fine_but_have_no_inverse() -> None:
    found = RelocationMap([Relocation("a", "x", "f", "f"), Relocation("b", "x", "f", "f")], allow_merges=True)
    assert found.symbol("b", "f") == ("x", "f")
    with pytest.raises(InputError):
        found.inverse()


def test_equal_entries_count_once() -> None:
    assert len(RelocationMap([Relocation("a", "x"), Relocation("a", "x")])) == 1


def test_it_is_immutable_hashable_and_crosses_processes() -> None:
    found = RelocationMap([Relocation("a", "x", subtree=True), Relocation("b", "c", "f", "g")])
    with pytest.raises(AttributeError):
        found._modules = {}
    with pytest.raises(TypeError):
        found.moved_modules["a"] = "y"  # type: ignore[index]
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert hash(again) == hash(found)
    assert again.module("a.b") == "x.b"


def test_lookups_from_new_to_old() -> None:
    found = RelocationMap([Relocation("a", "x", subtree=True), Relocation("b", "c", "f", "g")])
    assert found.new_to_old_module("x.k") == "a.k"
    assert found.new_to_old_module("a") is None
    assert found.new_to_old_symbol("c", "g") == ("b", "f")
    assert found.new_to_old_symbol("x.k", "h") == ("a.k", "h")


def test_leaf_words_are_whole_words_in_any_encoding() -> None:
    found = RelocationMap(
        [
            Relocation("a.größe", "x.y", old_path="a/größe.py", new_path="x/y.py"),
            Relocation("p.q", "p.r", "f", "f"),
        ]
    )
    assert found.leaf_words() >= {b"f", "größe".encode(), "größe".encode("latin-1")}
    assert found.may_concern("import a.größe".encode("latin-1"))
    assert found.may_concern(b"x = a.f()")
    assert not found.may_concern(b"a.ff p.q a.b f_ _f")


SEGMENT = st.sampled_from(["a", "b", "c", "ab", "b_old"])
MODULE = st.lists(SEGMENT, min_size=1, max_size=4).map(".".join)


@st.composite
def permutations(draw: st.DrawFn) -> RelocationMap:
    """A map whose new names are its old names in another order, or fresh ones: swaps, cycles and chains."""
    olds = draw(st.lists(MODULE, min_size=1, max_size=6, unique=True))
    news = draw(st.permutations([*olds, *(f"new{i}.m" for i in range(len(olds)))]))[: len(olds)]
    return RelocationMap(Relocation(o, n) for o, n in zip(olds, news, strict=True) if o != n)


@given(permutations(), MODULE)
def test_there_and_back_for_modules_that_move_alone(found: RelocationMap, name: str) -> None:
    back = found.inverse()
    assert back.inverse() == found
    moved = found.module(name)
    if moved is not None:
        assert back.module(moved) == name
        assert back.dotted(moved + ".f") == name + ".f"


@given(st.lists(MODULE, min_size=1, max_size=5, unique=True), MODULE)
def test_there_and_back_for_subtrees_with_fresh_names(olds: list[str], name: str) -> None:
    found = modules(*((old, f"new{i}") for i, old in enumerate(olds)), subtree=True)
    moved = found.module(name)
    longest = max((o for o in olds if (name + ".").startswith(o + ".")), key=len, default=None)
    assert (moved is None) == (longest is None)
    if moved is not None and longest is not None:
        assert moved == f"new{olds.index(longest)}" + name[len(longest) :]
        assert found.inverse().module(moved) == name


@given(permutations(), MODULE)
def test_a_file_without_leaf_words_is_not_concerned(found: RelocationMap, name: str) -> None:
    if found.dotted(name) is not None:
        assert found.may_concern(f"x = {name}(1)\n".encode())
