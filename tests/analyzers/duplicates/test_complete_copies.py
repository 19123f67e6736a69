"""When two runs without a single edit are a copy, and when they are one form filled with other words."""

from __future__ import annotations

import pytest

from analyzers.duplicates.complete_copies import RULES, CompleteRule, complete_copy
from analyzers.duplicates.detection import DetectionSettings, detect_duplicates
from analyzers.duplicates.renaming import Proof


def proof(rule: CompleteRule, **other: float) -> Proof:
    """What just suffices for a rule."""
    facts = {"shared": rule.shared, "recurring": rule.recurring, "single": 0, **other}
    return Proof((), (), facts["shared"], True, True, int(facts["recurring"]), int(facts["single"]))


def shapes(statements: int, kinds: int) -> list[str]:
    return [f"shape {n % kinds}" for n in range(max(statements, kinds))]


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_accepts_what_just_suffices(rule: CompleteRule) -> None:
    run = shapes(rule.statements, rule.shapes)
    assert complete_copy(proof(rule), rule.proven, run, rule.tokens)
    assert complete_copy(proof(rule, shared=0.2), rule.proven, run, rule.tokens) == ""
    assert complete_copy(proof(rule), 0.29, run, rule.tokens) == ""


def test_without_a_name_that_recurs_most_words_must_be_equal() -> None:
    rule = next(r for r in RULES if r.name == "equal names")
    run = shapes(8, 4)
    assert complete_copy(proof(rule), 0.6, run, 60) == "equal names"
    assert complete_copy(proof(rule, shared=0.65), 0.6, run, 60) == ""
    assert complete_copy(proof(rule), 0.6, shapes(8, 3), 60) == ""
    assert complete_copy(proof(rule), 0.6, shapes(7, 4), 60) == ""


def test_a_list_in_which_many_names_are_renamed_once_is_no_copy() -> None:
    rule = next(r for r in RULES if r.name == "list" and r.recurring == 4)
    run = shapes(9, 1)
    assert complete_copy(proof(rule, single=4), 0.9, run, 60) == "list"
    assert complete_copy(proof(rule, single=5), 0.9, run, 60) == ""
    assert complete_copy(proof(rule, recurring=3), 0.9, run, 60) == ""


def test_names_that_recur_prove_few_statements_and_constructors() -> None:
    few = next(r for r in RULES if r.name == "few statements" and r.shapes == 3)
    assert complete_copy(proof(few, shared=0.35, single=9), 0.5, shapes(3, 3), 70) == "few statements"
    assert complete_copy(proof(few), 0.5, shapes(3, 3), 69) == ""
    assert complete_copy(proof(few, recurring=1), 0.5, shapes(3, 3), 70) == ""
    constructor = next(r for r in RULES if r.name == "constructor")
    assert complete_copy(proof(constructor, shared=0.3, single=14), 0.3, shapes(10, 5), 60) == "constructor"
    assert complete_copy(proof(constructor, recurring=2), 0.3, shapes(10, 5), 60) == ""
    assert complete_copy(proof(constructor), 0.3, shapes(9, 5), 60) == ""


def found(one: str, other: str) -> bool:
    contents = {"a.py": one.encode(), "b.py": f"X = 1\n{other}".encode()}
    return bool(detect_duplicates(list(contents), contents.__getitem__, DetectionSettings())[0].groups)


QUERY = """\
def names(self, {0}, kind):
    {1} = choose(
        {2}.all.c.owner, {2}.all.c.{3}, {2}.all.c.{4}, {2}.all.c.{5}
    ).where({2}.all.c.owner.among({0}))
    {6} = self.fetch(kind, {1}, {7}=False).{8}()
    return {6}
"""


def test_few_long_statements_with_names_that_recur_are_a_copy() -> None:
    one = QUERY.format("owners", "query", "synonyms", "table", "link", "schema", "result", "many", "rows")
    other = QUERY.format("folk", "wish", "orders", "form", "chain", "plan", "answer", "wide", "lines")
    assert found(one, other)
    # The same form, in which no two words belong together.
    mixed = "def pages(self, limit, mode):\n    text = choose(\n"
    mixed += "        a.all.c.b, d.all.c.e, f.all.c.g, h.all.c.i\n    ).where(j.all.c.k.among(m))\n"
    mixed += "    book = self.fetch(n, o, p=False).q()\n    return r\n"
    assert not found(one, mixed)


TABLE = """\
def rules({0}, {1}):
    return [
{2}
    ]
"""


def table(words: str, number: int, rows: int = 7) -> str:
    """A function of two statements: its two parameters, the four words of its rows, and other numbers."""
    first, second, kind, power, angle, place = words.split()
    lines = [
        f"        ({kind}({power}({first}, {number + n}), {angle}),"
        f" {place}({second}, {angle}, {number + 50 + min(n, 4)})),"
        for n in range(rows)
    ]
    return TABLE.format(first, second, "\n".join(lines))


def test_two_long_statements_are_a_copy_when_four_names_are_renamed_throughout() -> None:
    one, other = "left right Rule power angle place", "upper lower Form stretch bend spot"
    assert found(table(one, 100), table(other, 300))
    assert not found(table(one, 100, rows=6), table(other, 300, rows=6))
    three = "upper lower Rule power bend place"
    assert not found(table(one, 100), table(three, 300))


INIT = """\
class {0}:
    def __init__(self, {1}=None, {2}=None, {3}=None, {4}=None):
        self.{1} = {1}
        self._{5} = {3}
        self._{4} = {4} or {{}}
        self._{2} = {2} or {6}.{7}(self.{1})
        self._{8} = None
        self._{9} = False
        self._for_{3} = False
        self._{10} = ()
        self._{11} = False
        self._{12} = {{}}
        self._{13} = {14}
"""


def test_a_constructor_is_a_copy_when_its_parameters_are_renamed_throughout() -> None:
    one = "Rows model query using hints db sql Query cache sticky lookups done known kind Iterable"
    other = "Cards face wish using clues db sql Query shelf firm searches over seen kind Iterable"
    assert found(INIT.format(*one.split()), INIT.format(*other.split()))
    # Attributes that are set to nothing have no word in common but the keywords.
    words = "abcdefghijkl"
    plain = "class {}:\n    def __init__(self):\n" + "        self.{} = None\n        self.{} = False\n" * 5
    assert not found(plain.format("Left", *words[:10]), plain.format("Right", *words[::-1][:10].upper()))
