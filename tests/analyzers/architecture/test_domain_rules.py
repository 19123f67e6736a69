"""ARCH-001 to ARCH-004, and what is proposed to mend them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzers.architecture.evaluation import ArchitectureResult

Judge = Callable[..., ArchitectureResult]

DOMAINS = {"domain_root": "app", "shared_domain": "general"}
FILES = {
    "app/general/money.py": "def cents(): ...\n",
    "app/logs/store.py": "from app.general.money import cents\n",
    "app/logs/extra.py": "from app.logs.store import cents\n",
    "app/stock/shelf.py": "from app.general import money\n",
    "scripts/run.py": "from app.logs import store\nfrom app.stock import shelf\n",
}


def keys(result: ArchitectureResult) -> list[str]:
    return [violation.key for violation in result.new]


def test_imports_of_the_shared_domain_and_from_outside_are_fine(judge: Judge) -> None:
    result = judge(FILES, **DOMAINS)
    assert keys(result) == []
    assert [o.is_kept for o in result.outcomes] == [True] * 4


def test_an_import_of_another_domain_is_a_violation_with_file_and_line(judge: Judge) -> None:
    files = {**FILES, "app/stock/shelf.py": "import os\n\nfrom ..logs.store import cents\n"}
    (violation,) = judge(files, **DOMAINS).new
    assert violation.key == "ARCH-002 app/stock/shelf.py -> app/logs/store.py"
    assert (violation.importer, violation.line, violation.kind.value) == (
        "app/stock/shelf.py",
        3,
        "import-time",
    )
    assert "stock imports app.logs.store (cents) of logs" in violation.message


def test_what_comes_from_the_shared_domain_is_to_be_imported_from_there(judge: Judge) -> None:
    files = {**FILES, "app/stock/shelf.py": "from app.logs.store import cents\n"}
    (violation,) = judge(files, **DOMAINS).new
    assert "import cents from app.general.money" in violation.mend


def test_the_shared_domain_must_not_import_a_domain(judge: Judge) -> None:
    files = {**FILES, "app/general/bad.py": "from app.stock import shelf\n"}
    result = judge(files, **DOMAINS)
    assert keys(result) == ["ARCH-003 app/general/bad.py -> app/stock/shelf.py"]
    assert "hocmig mv app/stock/shelf.py app/general/shelf.py" in result.new[0].mend


def test_without_arch_001_the_shared_domain_is_like_any_other(judge: Judge) -> None:
    result = judge(FILES, **DOMAINS, architecture={"rules": ["ARCH-002"]})
    assert keys(result) == [
        "ARCH-002 app/logs/store.py -> app/general/money.py",
        "ARCH-002 app/stock/shelf.py -> app/general/money.py",
    ]


@pytest.mark.parametrize(("threshold", "found"), [(2, True), (3, False)])
def test_what_several_domains_use_belongs_in_the_shared_one(
    judge: Judge, threshold: int, found: bool
) -> None:
    files = {
        "app/general/__init__.py": "",
        "app/logs/clock.py": "def now(): ...\n",
        "app/stock/a.py": "from app.logs.clock import now\n",
        "app/people/b.py": "from app.logs import clock\n",
    }
    section = {"shared_utility_domains": threshold, "rules": ["ARCH-004"]}
    result = judge(files, **DOMAINS, architecture=section)
    assert keys(result) == (["ARCH-004 app/logs/clock.py"] if found else [])
    if found:
        assert "hocmig mv app/logs/clock.py app/general/clock.py" in result.new[0].mend


@pytest.mark.parametrize(
    ("text", "switch", "mend"),
    [
        (
            "import typing\nif typing.TYPE_CHECKING:\n    from app.logs.own import T\n",
            "include_typing_only",
            "protocol",
        ),
        ("def f():\n    from app.logs.own import T\n", "include_deferred", "protocol"),
    ],
)
def test_typing_only_and_deferred_imports_can_be_left_out(
    judge: Judge, text: str, switch: str, mend: str
) -> None:
    files = {
        **FILES,
        "app/logs/own.py": "from app.people.x import y\nclass T: ...\n",
        "app/people/x.py": "y = 1\n",
        "app/stock/shelf.py": text,
        "app/logs/user.py": "from app.logs import own\n",
        "app/stock/user.py": "from app.stock import shelf\n",
    }
    found = judge(files, **DOMAINS, architecture={"rules": ["ARCH-001", "ARCH-002"]}).new
    assert [v.importer for v in found] == ["app/logs/own.py", "app/stock/shelf.py"]
    assert mend in found[1].mend
    section = {"rules": ["ARCH-001", "ARCH-002"], switch: False}
    assert [v.importer for v in judge(files, **DOMAINS, architecture=section).new] == ["app/logs/own.py"]


def test_accepted_violations_do_not_count_and_stale_ones_are_named(judge: Judge) -> None:
    files = {**FILES, "app/stock/shelf.py": "from app.logs.store import cents\n"}
    accepted = (
        "ARCH-002 app/stock/shelf.py -> app/logs/store.py",
        "ARCH-003 app/general/x.py -> app/logs/y.py",
    )
    result = judge(files, accepted=accepted, **DOMAINS)
    assert result.new == ()
    assert [v.key for v in result.accepted] == [accepted[0]]
    assert result.stale == (accepted[1],)
    assert result.outcomes[1].violations == result.outcomes[1].accepted == 1


def test_a_file_without_ties_to_its_domain_is_proposed_to_move(judge: Judge) -> None:
    files = {
        **FILES,
        "app/logs/deep.py": "from app.logs.base import base\nfrom app.people.x import y\n",
        "app/logs/base.py": "base = 1\n",
        "app/people/x.py": "y = 1\n",
        "app/stock/lonely.py": "from app.logs.deep import base\n",
    }
    section = {"rules": ["ARCH-001", "ARCH-002"]}
    found = {v.importer: v.mend for v in judge(files, **DOMAINS, architecture=section).new}
    assert "hocmig mv app/stock/lonely.py app/logs/lonely.py" in found["app/stock/lonely.py"]
