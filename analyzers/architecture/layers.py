"""Contract `layers`: higher layers may import lower ones, never the other way round, not even by detours.

Inside each container (a domain, by default), or across all of them: with `across`, a layer is made of the
folders of that name in all containers, so that L6 of one domain must not import L5 of another, either.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzers.architecture.contract import ArchitectureFacts, ContractOptions, broken, contract_error, expand
from analyzers.architecture.violation import LAYERS, Violation, shown_chain


class LayersContract(ContractOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`layers` from the highest to the lowest (empty: those of the `layers` section), in `containers`.

    A layer is a name below the container, or several: `a | b` must not import each other, `a : b` may. A name
    in parentheses may be missing everywhere. `containers` empty: every domain when `layers` is empty, too,
    else the layers are whole dotted names.
    """

    layers: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    across: bool = False


@dataclass(frozen=True)
class Level:
    """One layer: the names of its parts, and whether they must not import each other."""

    parts: tuple[str, ...]
    independent: bool
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Stack:
    """Layers from the highest to the lowest, as whole dotted names, that are judged together."""

    container: str
    levels: tuple[Level, ...]


def check_layer_contract(contract: LayersContract, facts: ArchitectureFacts) -> tuple[Violation, ...]:
    """The imports by which a layer gets to a higher one, or to an independent part of its own.

    Raises:
        InputError: a layer or a container does not exist, or a layer is listed twice.
    """
    found: dict[str, Violation] = {}
    for stack in layer_stacks(contract, facts):
        for violation in _check_stack(stack, contract, facts):
            found.setdefault(violation.key, violation)
    return tuple(found.values())


def layer_stacks(contract: LayersContract, facts: ArchitectureFacts) -> tuple[Stack, ...]:
    """What is judged together: one stack per container, or one for all with `across`."""
    view = facts.view(contract)
    levels = [_level(text, contract) for text in contract.layers or facts.config.layers.order]
    if not contract.layers:
        # Layers of the configuration need not be in every domain.
        levels = [Level(level.parts, level.independent, frozenset(level.parts)) for level in levels]
    listed = [part for level in levels for part in level.parts]
    if len(listed) < 2:
        raise contract_error(contract, "names fewer than two layers", "list them, the highest first")
    twice = next((part for part in listed if listed.count(part) > 1), "")
    if twice:
        raise contract_error(contract, f"names the layer {twice!r} twice", "keep one")
    containers = _containers(contract, facts)
    for level in levels:
        for part in level.parts:
            if part not in level.optional and not any(_join(c, part) in view.names for c in containers):
                raise contract_error(
                    contract,
                    f"the layer {part!r} is nowhere",
                    "correct it, or put it into ( ) if it may be missing",
                )
    if contract.across:
        merged = tuple(
            Level(
                tuple(sorted(_join(c, part) for c in containers for part in level.parts)),
                False,
            )
            for level in levels
        )
        return (Stack("", merged),)
    return tuple(
        Stack(c, tuple(Level(tuple(_join(c, p) for p in level.parts), level.independent) for level in levels))
        for c in containers
    )


def _containers(contract: LayersContract, facts: ArchitectureFacts) -> tuple[str, ...]:
    if contract.containers:
        return expand(contract.containers, facts.view(contract), contract)
    if contract.layers and not contract.across:
        return ("",)
    if not facts.domains:
        raise contract_error(contract, "has no containers, and there are no domains", "list the containers")
    return tuple(facts.domains.values())


def _check_stack(stack: Stack, contract: LayersContract, facts: ArchitectureFacts) -> list[Violation]:
    view = facts.view(contract)
    members = {part: view.package(part) for level in stack.levels for part in level.parts}
    owner = {module: part for part, modules in members.items() for module in modules}
    found = []
    above: list[str] = []
    for level in stack.levels:
        for part in level.parts:
            rivals = [p for p in level.parts if p != part] if level.independent else []
            goals = view.members([*above, *rivals])
            around = owner.keys() - members[part] - goals
            for chain in view.leaving(members[part], goals, around=around):
                goal = owner[facts.graph.module_of(chain[-1].imported)]
                how = "independent of" if goal in rivals else "below"
                message = f"{part} is {how} {goal} and must not import it: {shown_chain(chain)}"
                mend = facts.remedies.of_layers(chain, part, goal)
                found.append(broken(LAYERS, contract, chain, message, mend))
        above += level.parts
    return found


def _level(text: str, contract: LayersContract) -> Level:
    if "|" in text and ":" in text:
        raise contract_error(contract, f"the layer {text!r} mixes | and :", "use one of them")
    parts = [part.strip() for part in text.replace(":", "|").split("|")]
    optional = {part[1:-1].strip() for part in parts if part.startswith("(") and part.endswith(")")}
    names = tuple(p[1:-1].strip() if p.startswith("(") and p.endswith(")") else p for p in parts)
    if not all(names):
        raise contract_error(contract, f"the layer {text!r} has an empty name", "write one name")
    return Level(names, ":" not in text, frozenset(optional))


def _join(container: str, part: str) -> str:
    return f"{container}.{part}" if container else part
