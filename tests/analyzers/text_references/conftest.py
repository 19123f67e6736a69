"""A small project before a move, and a scanner bound to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.text_references.reference import Certainty, Reference, apply_references
from analyzers.text_references.scan import find_references

RELOCATIONS = RelocationMap(
    [
        # A module that moves alone, a package that moves whole, a symbol, a top-level module.
        Relocation("app.a.b", "app.x.y", old_path="src/app/a/b.py", new_path="src/app/x/y.py"),
        Relocation(
            "app.pkg",
            "app.q.pkg",
            old_path="src/app/pkg/__init__.py",
            new_path="src/app/q/pkg/__init__.py",
            subtree=True,
        ),
        Relocation("app.s", "app.t", "f", "g"),
        Relocation("solo", "app.solo", old_path="src/solo.py", new_path="src/app/solo.py"),
    ]
)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True)
class Project:
    """Facts from literal sets."""

    modules: frozenset[str]
    symbols: frozenset[tuple[str, str]]
    paths: frozenset[str]
    import_roots: tuple[str, ...] = ("src",)

    def module_exists(self, name: str) -> bool:
        return name in self.modules

    def symbol_exists(self, module: str, name: str) -> bool:
        return (module, name) in self.symbols

    def path_exists(self, path: str) -> bool:
        return path in self.paths


BEFORE = Project(
    frozenset(["app", "app.a", "app.a.b", "app.a.c", "app.bc", "app.pkg", "app.pkg.m", "app.s", "solo"]),
    frozenset(
        [
            *(("app.a.b", name) for name in ("f", "Handler", "main", "app")),
            ("app.pkg.m", "k"),
            ("app.s", "f"),
            ("app.s", "h"),
            ("solo", "run"),
        ]
    ),
    words("""src src/app src/app/a src/app/a/b.py src/app/a/c.py src/app/pkg src/solo.py src/app/s.py
        src/app/pkg/__init__.py src/app/pkg/m.py src/app/pkg/t.sql"""),
)
AFTER = Project(
    frozenset(["app", "app.a", "app.a.c", "app.bc", "app.x", "app.x.y", "app.q", "app.q.pkg", "app.q.pkg.m"])
    | frozenset(["app.s", "app.t", "app.solo"]),
    frozenset(
        [
            *(("app.x.y", name) for name in ("f", "Handler", "main", "app")),
            ("app.q.pkg.m", "k"),
            ("app.t", "g"),
            ("app.s", "h"),
            ("app.solo", "run"),
        ]
    ),
    words("""src src/app src/app/a src/app/x src/app/x/y.py src/app/a/c.py src/app/q src/app/q/pkg
        src/app/s.py src/app/q/pkg/__init__.py src/app/q/pkg/m.py src/app/q/pkg/t.sql src/app/solo.py"""),
)


@dataclass(frozen=True)
class Scanner:
    """`find_references` for the project above."""

    relocations: RelocationMap = RELOCATIONS
    before: Project = BEFORE
    after: Project = AFTER

    def find(self, path: str, text: str | bytes) -> tuple[Reference, ...]:
        content = text if isinstance(text, bytes) else text.encode()
        found = find_references(path, content, self.relocations, self.before)
        for earlier, later in pairwise(found):
            assert earlier.end <= later.start
        for one in found:
            assert content[one.start : one.end].decode() == one.old
            assert one.line == content.count(b"\n", 0, one.start) + 1
            assert one.new or one.certainty is Certainty.MENTION
        return found

    def classes(self, path: str, text: str | bytes) -> list[tuple[str, str]]:
        """(old, class) of each reference, in order."""
        return [(r.old, r.certainty.value) for r in self.find(path, text)]

    def rewritten(self, path: str, text: str, level: Certainty = Certainty.CERTAIN) -> str:
        """The text after applying; asserts that a second run, on the moved tree, changes nothing."""
        content = text.encode()
        result = apply_references(content, self.find(path, content), level)
        again = find_references(path, result, self.relocations, self.after)
        assert apply_references(result, again, level) == result
        return result.decode()


@pytest.fixture
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture
def likely(scanner: Scanner) -> Callable[[str, str], str]:
    return lambda path, text: scanner.rewritten(path, text, Certainty.LIKELY)
