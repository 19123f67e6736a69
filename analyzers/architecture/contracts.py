"""The contracts of `architecture.contracts` in `hocmig.yaml`, decoded and checked one by one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from analyzers.architecture.acyclic import AcyclicContract
from analyzers.architecture.contract import ContractOptions
from analyzers.architecture.domain_rules import DOMAIN_RULES
from analyzers.architecture.forbidden import ForbiddenContract
from analyzers.architecture.independence import IndependenceContract
from analyzers.architecture.layers import LayersContract
from analyzers.architecture.protected import ProtectedContract
from analyzers.architecture.public_interface import PublicInterfaceContract
from analyzers.errors import InputError
from analyzers.safe_yaml import Place, YamlDocument, convert_yaml

TYPES: dict[str, type[ContractOptions]] = {
    "acyclic": AcyclicContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
    "protected": ProtectedContract,
    "public_interface": PublicInterfaceContract,
}

_SECTION: Place = ("architecture", "contracts")


@dataclass(frozen=True)
class DeclaredContract:
    """A contract, and where it is declared: `file` as the user knows it, `line` 1-based (0 unknown)."""

    contract: ContractOptions
    file: str = ""
    line: int = 0


def decode_contracts(document: YamlDocument) -> tuple[DeclaredContract, ...]:
    """The contracts of a configuration in its order.

    Raises:
        InputError: an unknown type or key, a value of a wrong type, or a name that is missing, used twice, or
            unfit for a baseline; with the line of the contract or the key.
    """
    value = document.value if isinstance(document.value, dict) else {}
    section = value.get("architecture") or {}
    entries = (section.get("contracts") or []) if isinstance(section, dict) else []
    found: list[DeclaredContract] = []
    lines: dict[str, int] = {}
    for number, entry in enumerate(entries):
        place = (*_SECTION, number)
        line = document.line_of(place)
        contract = _decode(entry, document, place)
        problem = _problem_of(contract.name)
        if problem:
            raise InputError(document.name, line, f"the contract's name {problem}", "give it another name")
        if contract.name in lines:
            what = f"the contract {contract.name!r} is declared in line {lines[contract.name]}, too"
            raise InputError(document.name, line, what, "give each contract its own name")
        lines[contract.name] = line
        found.append(DeclaredContract(contract, document.name, line))
    return tuple(found)


def check_rules(document: YamlDocument, rules: tuple[str, ...]) -> None:
    """Refuse rules that do not exist.

    Raises:
        InputError: with the line of the unknown rule and the nearest one that exists.
    """
    for number, rule in enumerate(rules):
        if rule not in DOMAIN_RULES:
            near = difflib.get_close_matches(rule, DOMAIN_RULES, n=1)
            mend = f"did you mean {near[0]}?" if near else f"choose among {', '.join(DOMAIN_RULES)}"
            line = document.line_of(("architecture", "rules", number))
            raise InputError(document.name, line, f"there is no rule {rule!r}", mend)


def _decode(entry: Any, document: YamlDocument, place: Place) -> ContractOptions:
    line = document.line_of(place)
    known = ", ".join(sorted(TYPES))
    if not isinstance(entry, dict) or "type" not in entry:
        raise InputError(document.name, line, "is no contract with a type", f"add type: one of {known}")
    kind = TYPES.get(entry["type"]) if isinstance(entry["type"], str) else None
    if kind is None:
        near = difflib.get_close_matches(str(entry["type"])[:80], TYPES, n=1)
        mend = f"did you mean {near[0]}?" if near else f"choose among {known}"
        line = document.line_of((*place, "type"))
        raise InputError(document.name, line, f"there is no contract type {str(entry['type'])[:60]!r}", mend)
    below = {p[len(place) :]: line for p, line in document.lines.items() if p[: len(place)] == place}
    return convert_yaml(YamlDocument(document.name, entry, below), kind)


def _problem_of(name: str) -> str:
    if not name.strip() or name != name.strip():
        return "is empty or has spaces around it"
    if "->" in name or not name.isprintable():
        return "holds `->` or unprintable characters"
    return "is longer than 100 characters" if len(name) > 100 else ""
