"""Suggestions from hand-built trees: who is listed, for which domain, with which evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.configuration import Configuration
from analyzers.domain_inventory import domain_of
from analyzers.file_facts import read_facts
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex
from analyzers.layout import ProjectLayout
from analyzers.misplacement.evidence_ratios import LinkRates, WordRates
from analyzers.misplacement.layer_names import unusual_layers
from analyzers.misplacement.placement_facts import (
    PlacementFacts,
    is_test,
    placement_facts,
    relabelled,
    words_of,
)
from analyzers.misplacement.suggestions import INTERCEPT, TERMS, find_misplaced, placement_terms


def facts_of(files: dict[str, str]) -> PlacementFacts:
    layout = ProjectLayout(Path("/nowhere"), (".",))
    index = SourceIndex.from_records(layout, [read_facts(p, t.encode()) for p, t in files.items()])
    config = Configuration(domain_root="app")
    return placement_facts(ImportGraph(index), lambda path: domain_of(path, config))


def cohesive(domain: str, noun: str, count: int) -> dict[str, str]:
    """A domain of `count` modules, each of which imports the one before."""
    files = {f"app/{domain}/__init__.py": ""}
    for number in range(count):
        text = f"def {noun}_step_{number}(): ...\n"
        if number:
            text += f"from app.{domain}.{noun}_{number - 1} import {noun}_step_{number - 1}\n"
        files[f"app/{domain}/{noun}_{number}.py"] = text
    return files


def tree() -> dict[str, str]:
    files = {"app/__init__.py": "", **cohesive("billing", "invoice", 12), **cohesive("logs", "trace", 12)}
    files["app/logs/invoice_tax.py"] = (
        "from app.billing.invoice_1 import invoice_step_1\ndef invoice_tax(): ...\n"
    )
    for number in (3, 4, 5):
        files[f"app/billing/invoice_{number}.py"] += "from app.logs.invoice_tax import invoice_tax\n"
    return files


def test_a_module_that_only_another_domain_uses_is_suggested_with_its_evidence() -> None:
    (one,) = find_misplaced(facts_of(tree()))
    assert (one.path, one.domain, one.target) == ("app/logs/invoice_tax.py", "logs", "billing")
    assert one.importers_there == tuple(f"app/billing/invoice_{n}.py" for n in (3, 4, 5))
    assert one.imports_there == ("app/billing/invoice_1.py",)
    assert one.importers_here == one.imports_here == ()
    assert ("invoice", 12, 0) in one.words
    assert one.inner_path == "logs/invoice_tax.py"
    assert one.score >= 0


def test_a_tree_in_order_gives_none() -> None:
    files = tree()
    del files["app/logs/invoice_tax.py"]
    assert find_misplaced(facts_of(files)) == ()


def test_a_shared_domain_that_everybody_imports_keeps_its_files() -> None:
    files = {"app/__init__.py": ""}
    for domain in ("a", "b", "c", "d"):
        files |= cohesive(domain, f"{domain}{domain}{domain}", 8)
    for number in range(8):
        files[f"app/general/tool_{number}.py"] = f"def tool_{number}(): ...\n"
        for domain in ("a", "b", "c", "d"):
            path = f"app/{domain}/{domain * 3}_{number}.py"
            files[path] += f"from app.general.tool_{number} import tool_{number}\n"
    assert find_misplaced(facts_of(files)) == ()


def test_links_lead_to_the_defining_file_through_a_facade() -> None:
    files = tree()
    files["app/logs/__init__.py"] = "from app.logs.invoice_tax import invoice_tax\n"
    for number in (3, 4, 5):
        path = f"app/billing/invoice_{number}.py"
        files[path] = files[path].replace("app.logs.invoice_tax import", "app.logs import")
    (one,) = find_misplaced(facts_of(files))
    assert len(one.importers_there) == 3
    # The façade itself is no evidence for the place of what it re-exports.
    assert one.importers_here == ()


def test_tests_are_neither_placed_nor_evidence() -> None:
    files = tree()
    for number in range(9):
        files[f"app/logs/tests/test_tax_{number}.py"] = "from app.logs.invoice_tax import invoice_tax\n"
    facts = facts_of(files)
    assert not any("/tests/" in path for path in facts.files)
    (one,) = find_misplaced(facts)
    assert one.importers == 3


def test_an_unparsable_file_is_named_and_does_not_disturb() -> None:
    files = tree()
    files["app/logs/broken.py"] = "def (:\n"
    facts = facts_of(files)
    assert [record.path for record in facts.unread] == ["app/logs/broken.py"]
    assert [one.path for one in find_misplaced(facts)] == ["app/logs/invoice_tax.py"]


@pytest.mark.parametrize("domains", [(), ("billing",)])
def test_fewer_than_two_domains_give_none(domains: tuple[str, ...]) -> None:
    files = {"app/__init__.py": ""}
    for domain in domains:
        files |= cohesive(domain, "invoice", 5)
    assert find_misplaced(facts_of(files)) == ()


def test_the_result_does_not_depend_on_the_order_of_files() -> None:
    files = tree()
    assert find_misplaced(facts_of(files)) == find_misplaced(facts_of(dict(reversed(files.items()))))


def test_scores_are_the_weighted_terms() -> None:
    facts = facts_of(tree())
    (one,) = find_misplaced(facts)
    terms = {(file.path, domain): t for file, domain, t in placement_terms(facts)}[one.path, one.target]
    assert set(terms) == set(TERMS)
    assert one.score == pytest.approx(sum(TERMS[k] * v for k, v in terms.items()) + INTERCEPT)


def test_a_relabelled_file_is_found_as_a_moved_one_is() -> None:
    """The experiment's short cut gives what a real move (by a correct engine) gives."""
    files = tree()
    moved = dict(files)
    moved["app/billing/invoice_tax.py"] = moved.pop("app/logs/invoice_tax.py")
    for number in (3, 4, 5):
        path = f"app/billing/invoice_{number}.py"
        moved[path] = moved[path].replace("app.logs.invoice_tax", "app.billing.invoice_tax")
    back = relabelled(facts_of(moved), {"app/billing/invoice_tax.py": "logs"})
    (one,), (other,) = find_misplaced(back), find_misplaced(facts_of(files))
    assert (one.domain, one.target, one.words) == (other.domain, other.target, other.words)
    assert one.score == pytest.approx(other.score)


def test_rates_prefer_the_domain_that_has_such_links() -> None:
    from collections import Counter

    rows = [
        ("a", Counter({"a": 3})),
        ("a", Counter({"a": 2})),
        ("b", Counter({"b": 4})),
        ("a", Counter({"b": 2})),
    ]
    rates = LinkRates(rows, ("a", "b"), most=6)
    assert rates.ratios(Counter({"b": 2}), "a")["b"] > 0 > rates.ratios(Counter({"a": 2}), "a")["b"]
    assert rates.ratios(Counter(), "a") == {}


def test_words_that_everybody_uses_say_nothing() -> None:
    rows = [(domain, ("common",)) for domain in "aabb"] + [("b", ("rare", "common")), ("a", ("rare",))]
    rates = WordRates(rows, ("a", "b"), most=8)
    assert rates.ratios(("rare",), "a")["b"] > rates.ratios(("common",), "a")["b"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("HTTPServer", "read_entries"), ("entry", "http", "read", "server")),
        (("id", "to_do"), ()),
        (("statuses", "address", "bus"), ("address", "bus", "statuse")),
    ],
)
def test_words_of_identifiers(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert words_of(names) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/tests/x.py", True), ("a/test_x.py", True), ("a/x_test.py", True), ("a/conftest.py", True),
     ("a/testimony.py", False), ("a/contest/x.py", False)],
)  # fmt: skip
def test_what_looks_like_a_test(path: str, expected: bool) -> None:
    assert is_test(path) is expected


def test_a_name_of_another_layer_is_noted() -> None:
    files = {f"app/a/L6_drivers/n{n}_driver.py": "" for n in range(6)}
    files["app/b/L5_engines/odd_driver.py"] = ""
    assert unusual_layers(facts_of(files)) == {
        "app/b/L5_engines/odd_driver.py": "6 of 7 files named *_driver lie in L6_drivers, not in L5_engines."
    }
