"""import-linter judges real packages as hocmig does: generated contracts of every type."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from analyzers.architecture.contract import ArchitectureFacts
from analyzers.architecture.contracts import DeclaredContract
from analyzers.architecture.evaluation import evaluate
from hocmig.import_linter_export import export_contracts, render_importlinter

#: Packages that hocmig depends on, so they are installed wherever its tests run.
PACKAGES = ("click", "libcst", "networkx", "rich", "rope")

Linter = Callable[[str, Path], dict[str, bool]]
Facts = Callable[..., ArchitectureFacts]
Declare = Callable[..., tuple[DeclaredContract, ...]]


def generated(package: str, facts: ArchitectureFacts, chance: random.Random) -> list[Mapping[str, Any]]:
    """Contracts of all types over random modules of a package, some kept and some broken."""
    view = facts.view()
    pool: list[str] = []
    for child in view.children(package):
        # Parts of the package that do not lie in each other, small enough that contracts can be kept.
        below = [name for name in view.children(child) if name in view.graph.index.modules]
        pool += below or [child]

    contracts: list[Mapping[str, Any]] = []

    def some(count: int, names: list[str] = pool) -> list[str]:
        return chance.sample(names, min(count, len(names)))

    for number in range(8):
        contracts.append({"type": "independence", "name": f"independence {number}", "modules": some(2)})
        contracts.append({"type": "independence", "name": f"wide independence {number}", "modules": some(4)})
        one, *others = some(5)
        contracts.append(
            {
                "type": "forbidden",
                "name": f"forbidden {number}",
                "source": [one],
                "forbidden": others[: 1 + number % 3],
                "allow_indirect": number % 2 == 0,
                "as_packages": number % 3 != 0,
            }
        )
        contracts.append({"type": "layers", "name": f"layers {number}", "layers": some(3)})
        a, b, c, d = some(4)
        mark = "|" if number % 2 else ":"
        contracts.append(
            {"type": "layers", "name": f"wide layers {number}", "layers": [a, f"{b} {mark} {c}", d]}
        )
        contracts.append(
            {
                "type": "protected",
                "name": f"protected {number}",
                "protected": some(2),
                "allowed": some(number),
                "as_packages": number % 2 == 0,
            }
        )
    packages = [name for name in view.names if name.startswith(package) and len(view.children(name)) > 1]
    packages = sorted(name for name in packages if name in view.graph.index.modules)
    for number, ancestor in enumerate(some(6, packages)):
        contracts.append(
            {"type": "acyclic", "name": f"acyclic {number}", "ancestors": [ancestor], "depth": number % 3}
        )
        contracts.append(
            {
                "type": "public_interface",
                "name": f"interface {number}",
                "packages": [ancestor],
                "public": ["*"],
            }
        )
        seen = view.graph.index.modules
        inner = [child.rpartition(".")[2] for child in view.children(ancestor) if child in seen]
        if len(inner) < 2:
            continue
        low, high = chance.sample(inner, 2)
        contracts.append(
            {
                "type": "layers",
                "name": f"inner layers {number}",
                "containers": [ancestor],
                "layers": [f"({low})", f"({high})"],
            }
        )
    return contracts


@pytest.mark.parametrize("package", PACKAGES)
def test_generated_contracts_get_the_same_verdicts(
    package: str, run_import_linter: Linter, facts_of: Facts, declare: Declare
) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    site = Path(spec.origin).parent.parent
    facts = facts_of(site, scan=(package,))
    declared = declare(*generated(package, facts, random.Random(package)))
    result = evaluate(facts, declared)
    ours = {outcome.name: outcome.is_kept for outcome in result.outcomes}
    export = export_contracts(facts, declared)
    verdicts = run_import_linter(render_importlinter(export), site)
    theirs: dict[str, bool] = {}
    for contract in export.contracts:
        theirs[contract.origin] = theirs.get(contract.origin, True) and verdicts[contract.name]
    assert {name: ours[name] for name in theirs} == theirs
    compared = [entry.contract for entry in declared if entry.contract.name in theirs]
    kinds = {contract.type for contract in compared}
    assert kinds >= {"independence", "forbidden", "layers", "protected"}
    # Verdicts of one kind only would prove little.
    assert set(theirs.values()) == {True, False}


def test_accepted_violations_are_accepted_there_too(
    run_import_linter: Linter, facts_of: Facts, declare: Declare
) -> None:
    spec = importlib.util.find_spec("click")
    assert spec is not None
    assert spec.origin is not None
    site = Path(spec.origin).parent.parent
    facts = facts_of(site, scan=("click",))
    declared = declare(*generated("click", facts, random.Random(7)))
    everything = evaluate(facts, declared).keys
    result = evaluate(facts, declared, everything)
    assert not result.new
    assert result.accepted
    export = export_contracts(facts, declared, result.accepted)
    verdicts = run_import_linter(render_importlinter(export), site)
    assert verdicts == dict.fromkeys(verdicts, True)


SHOP = {
    "shop/orders/api.py": "from shop.shared.money import cents\nfrom shop.stock.store import take\n",
    "shop/orders/late.py": "def f():\n    from shop.stock.store import take\n",
    "shop/orders/typed.py": "import typing\nif typing.TYPE_CHECKING:\n    import shop.people.user\n",
    "shop/people/user.py": "from shop.shared.money import cents\nclass User: ...\n",
    "shop/stock/store.py": "import json\ndef take(): ...\n",
    "shop/shared/money.py": "def cents(): ...\n",
}


@pytest.mark.parametrize("typing_only", [True, False])
@pytest.mark.parametrize("deferred", [True, False])
def test_domain_rules_and_options_get_the_same_verdicts(
    typing_only: bool,
    deferred: bool,
    write: Callable[[Mapping[str, str]], Path],
    run_import_linter: Linter,
    facts_of: Facts,
    declare: Declare,
) -> None:
    files = {path.replace("shop/", "mono/"): text.replace("shop.", "mono.") for path, text in SHOP.items()}
    root = write(files)
    facts = facts_of(
        root,
        domain_root="mono",
        shared_domain="shared",
        architecture={"include_typing_only": typing_only, "include_deferred": deferred},
    )
    declared = declare(
        {
            "type": "forbidden",
            "name": "no typing",
            "source": ["mono.orders.typed"],
            "forbidden": ["mono.people"],
        },
        {"type": "forbidden", "name": "no late", "source": ["mono.orders.late"], "forbidden": ["mono.stock"]},
        {"type": "forbidden", "name": "no json", "source": ["mono.orders"], "forbidden": ["json"]},
        {
            "type": "forbidden",
            "name": "always late",
            "source": ["mono.orders.late"],
            "forbidden": ["mono.stock"],
            "include_deferred": True,
        },
    )
    result = evaluate(facts, declared)
    ours = {o.name: o.is_kept for o in result.outcomes}
    assert ours["no typing"] is not typing_only
    assert ours["no late"] is not deferred
    assert ours["no json"] is False
    assert ours["always late"] is False
    export = export_contracts(facts, declared)
    verdicts = run_import_linter(render_importlinter(export), root)
    theirs: dict[str, bool] = {}
    for contract in export.contracts:
        theirs[contract.origin] = theirs.get(contract.origin, True) and verdicts[contract.name]
    ours |= {o.code: o.is_kept for o in result.outcomes}
    assert {name: ours[name] for name in theirs} == theirs
    assert theirs["ARCH-002"] is False
    assert theirs["ARCH-003"] is True
    assert any("ARCH-004" in note for note in export.notes)


@pytest.mark.parametrize("breaks", [True, False])
def test_layers_across_domains_and_public_interfaces(
    breaks: bool,
    write: Callable[[Mapping[str, str]], Path],
    run_import_linter: Linter,
    facts_of: Facts,
    declare: Declare,
) -> None:
    name = "across1" if breaks else "across2"
    files = {
        f"{name}/one/L5/e.py": f"import {name}.two.api\n",
        f"{name}/one/L6/d.py": f"import {name}.two.L5.e\n" if breaks else "",
        f"{name}/one/api.py": "",
        f"{name}/two/L5/e.py": "",
        f"{name}/two/L6/d.py": "",
        f"{name}/two/api.py": "",
    }
    root = write(files)
    config = {"domain_root": name, "layers": {"order": ["L5", "L6"]}, "architecture": {"rules": []}}
    facts = facts_of(root, **config)
    declared = declare(
        {"type": "layers", "name": "across", "across": True},
        {"type": "layers", "name": "inside"},
        {"type": "public_interface", "name": "public", "public": ["api"]},
    )
    ours = {o.name: o.is_kept for o in evaluate(facts, declared).outcomes}
    assert ours == {"across": not breaks, "inside": True, "public": not breaks}
    export = export_contracts(facts, declared)
    verdicts = run_import_linter(render_importlinter(export), root)
    theirs: dict[str, bool] = {}
    for contract in export.contracts:
        theirs[contract.origin] = theirs.get(contract.origin, True) and verdicts[contract.name]
    assert theirs == ours
