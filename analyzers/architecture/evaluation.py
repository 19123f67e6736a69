"""All rules and contracts over one tree, compared with the accepted violations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from analyzers.architecture.acyclic import AcyclicContract, check_acyclic
from analyzers.architecture.contract import ArchitectureFacts, ContractOptions
from analyzers.architecture.contracts import DeclaredContract
from analyzers.architecture.domain_rules import DOMAIN_RULES, check_domain_rules
from analyzers.architecture.forbidden import ForbiddenContract, check_forbidden
from analyzers.architecture.independence import IndependenceContract, check_independence
from analyzers.architecture.layers import LayersContract, check_layer_contract
from analyzers.architecture.protected import ProtectedContract, check_protected
from analyzers.architecture.public_interface import PublicInterfaceContract, check_public_interface
from analyzers.architecture.violation import Violation, in_order
from analyzers.baseline import judge
from analyzers.errors import InputError
from analyzers.rule_finding import RuleFinding


class RuleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One rule or contract: how many violations it has, and how many of them are accepted."""

    code: str
    name: str
    violations: int
    accepted: int

    @property
    def is_kept(self) -> bool:
        """Whether it has no violation that is not accepted."""
        return self.violations == self.accepted


@dataclass(frozen=True)
class ArchitectureResult:
    """The judgement of one tree; `new` and `accepted` violations in the order of `in_order`.

    `stale` are the baseline's entries that nothing breaks any more; `outcomes` one per rule and contract, in
    the order of the configuration.
    """

    new: tuple[Violation, ...]
    accepted: tuple[Violation, ...]
    stale: tuple[str, ...]
    outcomes: tuple[RuleOutcome, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The entries of a baseline that accepts everything, sorted."""
        return tuple(sorted({v.key for v in (*self.new, *self.accepted)}))


def evaluate(
    facts: ArchitectureFacts, declared: Sequence[DeclaredContract], accepted: Iterable[str] = ()
) -> ArchitectureResult:
    """Judge the tree by the configured rules and the declared contracts.

    Args:
        accepted: the entries of the baseline.

    Raises:
        InputError: a contract does not fit the tree (a module that does not exist); with its line.
    """
    known = frozenset(accepted)
    rules = facts.config.architecture.rules
    found = list(check_domain_rules(facts, rules))
    names = [(rule, DOMAIN_RULES.get(rule, ""), "") for rule in rules]
    for entry in declared:
        try:
            violations = check_contract(entry.contract, facts, known)
        except InputError as error:
            raise InputError(entry.file, entry.line, error.problem, error.mend) from error
        found += violations
        names.append((entry.contract.type, entry.contract.name, entry.contract.name))
    verdict = judge({v.key for v in found}, known)
    new_keys = set(verdict.new)
    new = tuple(sorted((v for v in found if v.key in new_keys), key=in_order))
    old = tuple(sorted((v for v in found if v.key not in new_keys), key=in_order))
    outcomes = []
    for code, name, contract in names:
        counts = [
            sum(1 for v in group if (v.contract == contract if contract else v.code == code))
            for group in (new, old)
        ]
        outcomes.append(RuleOutcome(code=code, name=name, violations=sum(counts), accepted=counts[1]))
    return ArchitectureResult(new, old, verdict.stale, tuple(outcomes))


def check_contract(
    contract: ContractOptions, facts: ArchitectureFacts, accepted: frozenset[str] = frozenset()
) -> tuple[Violation, ...]:
    """The violations of one contract, accepted ones included; raises InputError without file and line."""
    if isinstance(contract, IndependenceContract):
        return check_independence(contract, facts)
    if isinstance(contract, LayersContract):
        return check_layer_contract(contract, facts)
    if isinstance(contract, ForbiddenContract):
        return check_forbidden(contract, facts)
    if isinstance(contract, ProtectedContract):
        return check_protected(contract, facts)
    if isinstance(contract, AcyclicContract):
        return check_acyclic(contract, facts, accepted)
    if isinstance(contract, PublicInterfaceContract):
        return check_public_interface(contract, facts)
    raise InputError("", 0, f"there is no contract type {contract.type!r}", "see the documentation")


def finding_of(violation: Violation) -> RuleFinding:
    """A violation as a finding of `hocmig check`; its rule is the contract's name."""
    return RuleFinding(
        code=violation.code,
        severity="error",
        path=violation.importer,
        line=violation.line,
        message=violation.message,
        mend=violation.mend,
        rule=violation.contract or DOMAIN_RULES.get(violation.code, "").rstrip("."),
    )
