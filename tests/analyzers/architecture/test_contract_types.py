"""Each contract type on trees of a few lines: what breaks it, by which chain, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from analyzers.architecture.evaluation import ArchitectureResult
from analyzers.errors import InputError

Judge = Callable[..., ArchitectureResult]

CHAIN = {
    "p/a.py": "from p import between\n",
    "p/between.py": "import p.b.deep\n",
    "p/b/deep.py": "",
    "p/c.py": "",
}


def places(result: ArchitectureResult) -> list[list[str]]:
    return [[f"{s.importer}:{s.line} {s.imported}" for s in v.chain] for v in result.new]


INDEPENDENT = {"type": "independence", "name": "i", "modules": ["p.a", "p.b", "p.c"]}


def test_independence_shows_the_whole_chain(judge: Judge) -> None:
    result = judge(CHAIN, INDEPENDENT)
    assert places(result) == [["p/a.py:1 p/between.py", "p/between.py:1 p/b/deep.py"]]
    assert result.new[0].key == "ARCH-101 i -> p/a.py -> p/between.py"
    assert "p.a must not import p.b" in result.new[0].message
    assert result.new[0].mend


def test_independence_reports_a_middle_member_only_once(judge: Judge) -> None:
    files = {"p/a.py": "import p.b\n", "p/b.py": "import p.c\n", "p/c.py": ""}
    assert places(judge(files, INDEPENDENT)) == [["p/a.py:1 p/b.py"], ["p/b.py:1 p/c.py"]]


def test_an_accepted_import_cuts_every_chain_through_it(judge: Judge) -> None:
    result = judge(CHAIN, INDEPENDENT, accepted=("ARCH-101 i -> p/a.py -> p/between.py",))
    assert result.new == ()
    assert result.outcomes[-1].is_kept
    # The same entry under another contract's name accepts nothing.
    other = judge(CHAIN, INDEPENDENT, accepted=("ARCH-101 other -> p/a.py -> p/between.py",))
    assert len(other.new) == 1
    assert len(other.stale) == 1


LAYERED = {
    "p/high/x.py": "from p.mid import y\n",
    "p/mid/y.py": "from p.low import z\n",
    "p/low/z.py": "",
    "p/low/w.py": "",
}


def test_layers_may_go_down(judge: Judge) -> None:
    contract = {"type": "layers", "name": "l", "containers": ["p"], "layers": ["high", "mid", "low"]}
    assert judge(LAYERED, contract).new == ()


def test_layers_must_not_go_up(judge: Judge) -> None:
    contract = {"type": "layers", "name": "l", "layers": ["p.low", "p.mid", "p.high"]}
    result = judge(LAYERED, contract)
    assert places(result) == [["p/high/x.py:1 p/mid/y.py"], ["p/mid/y.py:1 p/low/z.py"]]
    assert result.new[1].mend == "p/low/z.py needs nothing of p.low: move it to p.mid, or below"


@pytest.mark.parametrize(("mark", "kept"), [("|", False), (":", True)])
def test_parts_of_one_layer(judge: Judge, mark: str, kept: bool) -> None:
    files = {"p/a.py": "import p.b\n", "p/b.py": "", "p/c.py": ""}
    contract = {"type": "layers", "name": "l", "layers": ["p.c", f"p.a {mark} p.b"]}
    assert judge(files, contract).outcomes[-1].is_kept is kept


DOMAIN_LAYERS = {
    "app/one/L5/e.py": "",
    "app/one/L6/d.py": "from app.two.L5 import e\n",
    "app/two/L5/e.py": "from app.two.L6 import d\n",
    "app/two/L6/d.py": "",
}


@pytest.mark.parametrize(("across", "found"), [(False, 0), (True, 1)])
def test_layers_inside_and_across_domains(judge: Judge, across: bool, found: int) -> None:
    contract = {"type": "layers", "name": "l", "across": across}
    config: dict[str, Any] = {
        "domain_root": "app",
        "layers": {"order": ["L4", "L5", "L6"]},
        "architecture": {"rules": []},
    }
    result = judge(DOMAIN_LAYERS, contract, **config)
    assert len(result.new) == found


def test_forbidden_direct_and_indirect(judge: Judge) -> None:
    contract = {"type": "forbidden", "name": "f", "source": ["p.a"], "forbidden": ["p.b"]}
    assert len(judge(CHAIN, contract).new) == 1
    assert judge(CHAIN, {**contract, "allow_indirect": True}).new == ()
    # As a module alone, p.b is the package's file, which nobody imports.
    assert judge(CHAIN, {**contract, "as_packages": False}).new == ()


def test_forbidden_library_is_found_through_another_module(judge: Judge) -> None:
    files = {"p/a.py": "from p import db\n", "p/db.py": "from sqlalchemy.orm import Session\n", "p/c.py": ""}
    contract = {"type": "forbidden", "name": "f", "source": ["p.a", "p.c"], "forbidden": ["sqlalchemy"]}
    result = judge(files, contract)
    assert places(result) == [["p/a.py:1 p/db.py", "p/db.py:1 sqlalchemy"]]
    assert judge(files, {**contract, "forbidden": ["sqlalchemy.engine"]}).new == ()


def test_overlapping_names_are_compared_with_the_others_only(judge: Judge) -> None:
    files = {"p/a.py": "import p.b\n", "p/b.py": "", "p/c.py": "import p.c\n"}
    contract = {"type": "forbidden", "name": "f", "source": ["p.*"], "forbidden": ["p.*"]}
    assert places(judge(files, contract)) == [["p/a.py:1 p/b.py"]]


def test_protected_counts_direct_imports(judge: Judge) -> None:
    contract = {"type": "protected", "name": "p", "protected": ["p.b"], "allowed": ["p.c"]}
    result = judge({**CHAIN, "p/c.py": "import p.b.deep\n"}, contract)
    assert places(result) == [["p/between.py:1 p/b/deep.py"]]
    assert judge(CHAIN, {**contract, "allowed": ["p.between"]}).new == ()


CYCLIC = {
    "p/x/one.py": "import p.y.two\n",
    "p/y/two.py": "",
    "p/y/three.py": "import p.x.four\nimport p.z\n",
    "p/x/four.py": "",
    "p/x/five.py": "import p.y.three\n",
    "p/z.py": "",
}


def test_acyclic_compares_packages_as_wholes(judge: Judge) -> None:
    contract = {"type": "acyclic", "name": "c", "ancestors": ["p"]}
    result = judge(CYCLIC, contract)
    assert places(result) == [["p/y/three.py:1 p/x/four.py"]]
    key = result.new[0].key
    assert judge(CYCLIC, contract, accepted=(key,)).new == ()
    assert judge(CYCLIC, contract, accepted=(key,)).stale == ()
    mended = {**CYCLIC, "p/y/three.py": "import p.z\n"}
    assert judge(mended, contract, accepted=(key,)).stale == (key,)


def test_acyclic_depth(judge: Judge) -> None:
    files = {"p/x/a.py": "import p.x.b\n", "p/x/b.py": "import p.x.a\n", "p/y.py": ""}
    contract = {"type": "acyclic", "name": "c", "ancestors": ["p"]}
    assert judge(files, {**contract, "depth": 0}).new == ()
    assert len(judge(files, {**contract, "depth": 1}).new) == 1
    assert judge(files, {**contract, "skip": ["p.x"]}).new == ()


def test_public_interface_names_the_facade_that_has_it(judge: Judge) -> None:
    files = {
        "p/a.py": "from q.inner.store import Store\nfrom q.api import get\nimport q\n",
        "q/__init__.py": "from q.inner.store import Store\n",
        "q/inner/store.py": "class Store: ...\n",
        "q/api.py": "def get(): ...\n",
    }
    contract = {"type": "public_interface", "name": "pub", "packages": ["q"], "public": ["api"]}
    (violation,) = judge(files, contract).new
    assert (violation.line, violation.imported) == (1, "q/inner/store.py")
    assert violation.mend == "import Store from q"
    assert judge(files, {**contract, "except_by": ["p"]}).new == ()


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        ({"type": "independence", "name": "x", "modules": ["p.a", "p.nope"]}, "there is no module 'p.nope'"),
        ({"type": "independence", "name": "x", "modules": ["p.b", "p.b.deep"]}, "p.b.deep lies in p.b"),
        ({"type": "independence", "name": "x", "modules": ["p.a"]}, "fewer than two modules"),
        ({"type": "layers", "name": "x", "layers": ["p.a", "p.nope"]}, "the layer 'p.nope' is nowhere"),
        ({"type": "layers", "name": "x", "layers": ["p.a", "p.a"]}, "names the layer 'p.a' twice"),
        ({"type": "layers", "name": "x", "layers": ["p.a", "p.b | p.c : p.d"]}, "mixes | and :"),
        ({"type": "acyclic", "name": "x"}, "has no ancestors"),
        ({"type": "forbidden", "name": "x", "source": [], "forbidden": ["p"]}, "has an empty list"),
    ],
)
def test_contracts_that_do_not_fit_the_tree(judge: Judge, contract: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match="contract 'x'") as caught:
        judge(CHAIN, contract)
    assert problem in str(caught.value)
    assert str(caught.value).startswith("hocmig.yaml")
