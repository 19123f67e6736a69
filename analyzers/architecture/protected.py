"""Contract `protected`: only some modules may import some others directly."""

from __future__ import annotations

from analyzers.architecture.contract import ArchitectureFacts, ContractOptions, broken, contract_error, expand
from analyzers.architecture.violation import PROTECTED, Violation


class ProtectedContract(ContractOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `protected` modules may be imported by `allowed` ones and by themselves, by no others.

    With `as_packages` a name stands for all below it, too.
    """

    protected: tuple[str, ...]
    allowed: tuple[str, ...] = ()
    as_packages: bool = True


def check_protected(contract: ProtectedContract, facts: ArchitectureFacts) -> tuple[Violation, ...]:
    """The direct imports of protected modules by others than the allowed ones.

    Raises:
        InputError: a module does not exist.
    """
    view = facts.view(contract)
    if not contract.protected:
        raise contract_error(contract, "protects nothing", "name modules in protected")
    allowed = view.members(expand(contract.allowed, view, contract), as_packages=contract.as_packages)
    shown = ", ".join(contract.allowed) or "nobody else"
    found: dict[str, Violation] = {}
    for name in expand(contract.protected, view, contract):
        members = view.members([name], as_packages=contract.as_packages)
        for module in sorted(members):
            for importer in view.importers.get(module, ()):
                if importer in members or importer in allowed:
                    continue
                step = view.step(importer, module)
                message = f"{importer} must not import {module}, which only {shown} may import"
                mend = facts.remedies.of_protected(step, contract.allowed)
                violation = broken(PROTECTED, contract, (step,), message, mend)
                found.setdefault(violation.key, violation)
    return tuple(found.values())
