"""Plans and writes the ordinary modules: the bulk of the sample, with imports across layers and domains."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from hocmig.sample.composer import FunctionComposer
from hocmig.sample.domains import ASPECTS, DOMAIN_PACKAGE, LAYER_SUFFIX, LAYER_TITLES, NOUNS, SHARED_DOMAIN
from hocmig.sample.placed import misplaced

#: Modules of a layer are written in this order, so that imports only point to what was written before.
_LAYER_ORDER = ("L6_drivers", "L5_engines", "L3_adapters")

_PRIMARY = "amounts: Sequence[int], limit: int = {n}"


@dataclass(slots=True)
class Ordinary:
    """An ordinary module; `primary` is its function that other modules import."""

    domain: str
    layer: str
    stem: str
    noun: str
    primary: str
    imports: list[tuple[str, str]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{self.domain}/{self.layer}/{self.stem}.py"

    @property
    def package(self) -> str:
        return f"{DOMAIN_PACKAGE}.{self.domain}.{self.layer}"


def plan_ordinary(
    domain: str, number: int, layers: frozenset[str], taken: Iterable[str], seed: int
) -> list[Ordinary]:
    """Returns `number` modules of a domain in the layers that it has, in writing order."""
    rng = random.Random(f"{seed} plan {domain}")
    names = set(taken)
    weights = {"L6_drivers": 3, "L5_engines": 6, "L3_adapters": 1}
    usable = [layer for layer in _LAYER_ORDER if layer in layers]
    chosen = sorted(
        rng.choices(usable, [weights[layer] for layer in usable], k=number), key=_LAYER_ORDER.index
    )  # fmt: skip
    made: list[Ordinary] = []
    pairs = [(noun, aspect) for aspect in ASPECTS for noun in NOUNS[domain]]
    rng.shuffle(pairs)
    for turn in count():
        for noun, aspect in pairs:
            if len(made) == number:
                return made
            layer = chosen[len(made)]
            stem = f"{noun}_{aspect}_{LAYER_SUFFIX[layer]}" + (f"_{turn + 1}" if turn else "")
            path = f"{domain}/{layer}/{stem}.py"
            if path not in names:
                names.add(path)
                primary = f"{noun}_{aspect}_{rng.choice(('total', 'index', 'share', 'level', 'count'))}"
                made.append(Ordinary(domain, layer, stem, noun, primary))
    return made


def connect(modules: dict[str, list[Ordinary]], seed: int) -> None:
    """Fills `imports` of all modules: lower layers, the shared domain, and misplaced modules."""
    rng = random.Random(f"{seed} connect")
    shared = modules[SHARED_DOMAIN]
    for domain in sorted(modules, key=lambda name: (name != SHARED_DOMAIN, name)):
        own = modules[domain]
        for number, module in enumerate(own):
            lower = [other for other in own[:number] if _may_import(module.layer, other.layer)]
            picked = rng.sample(lower[-40:], min(len(lower), rng.choice((0, 1, 1, 2, 3))))
            if domain != SHARED_DOMAIN:
                common = [other for other in shared if _may_import(module.layer, other.layer)]
                picked += rng.sample(common, min(len(common), rng.choice((0, 0, 1, 1, 2))))
            for other in picked:
                module.imports.append(_import_of(rng, module, other))
    for record in misplaced():
        if record.is_unresolved:
            continue
        home = record.decision.split("/")[0]
        pool = [
            m for m in modules.get(home, ()) if m.layer != "L6_drivers" and _may_import(m.layer, record.layer)
        ]
        if home == SHARED_DOMAIN:
            pool += [
                m for m in modules["policies"] if m.layer == "L5_engines" and record.layer != "L3_adapters"
            ]
        if record.is_collision and record.domain == SHARED_DOMAIN:
            pool = []
        package = f"{DOMAIN_PACKAGE}.{record.path.rsplit('/', 1)[0].replace('/', '.')}"
        for module in rng.sample(pool[:60], min(len(pool[:60]), rng.choice((1, 1, 2, 3)))):
            # In its package, `notification_rules` is an object of that name rather than the module.
            if rng.random() < 0.7 or record.stem == "notification_rules":
                module.imports.append(
                    (f"from {package}.{record.stem} import {record.function}", f"{record.function}(limit)")
                )
            else:
                module.imports.append(
                    (f"from {package} import {record.stem}", f"{record.stem}.{record.function}(limit)")
                )


def _may_import(importer: str, imported: str) -> bool:
    order = ("L6_drivers", "L5_engines", "L4_runtime", "L3_adapters")
    return order.index(imported) <= order.index(importer)


def _import_of(rng: random.Random, module: Ordinary, other: Ordinary) -> tuple[str, str]:
    use = "(amounts, limit)"
    form = rng.random()
    if other.domain == module.domain and form < 0.45:
        start = "." if other.layer == module.layer else f"..{other.layer}"
        if form < 0.3:
            dots = f"{start}{other.stem}" if start == "." else f"{start}.{other.stem}"
            return f"from {dots} import {other.primary}", other.primary + use
        return f"from {start} import {other.stem}", f"{other.stem}.{other.primary}{use}"
    if form < 0.8:
        return f"from {other.package}.{other.stem} import {other.primary}", other.primary + use
    if form < 0.92:
        return f"from {other.package} import {other.stem}", f"{other.stem}.{other.primary}{use}"
    return (
        f"import {other.package}.{other.stem} as {other.noun}_source",
        f"{other.noun}_source.{other.primary}{use}",
    )


def ordinary_text(module: Ordinary, seed: int) -> str:
    """Returns the source of an ordinary module; between about 30 and 400 lines."""
    rng = random.Random(f"{seed} text {module.path}")
    composer = FunctionComposer(rng, module.noun)
    wanted = min(400, max(28, int(rng.lognormvariate(4.35, 0.65))))
    body: list[str] = []
    number = rng.randint(2, 60)
    body += [
        *composer.function(rng.randint(3, 8), name=module.primary, parameters=_PRIMARY.format(n=number)),
        "",
        "",
    ]
    imports = sorted(dict(module.imports).items())
    seen: set[str] = set()
    # Two modules may offer the same name: the first one wins.
    imports = list({_bound(line): (line, use) for line, use in reversed(imports)}.values())[::-1]
    if imports:
        body += _combination(module, imports)
    while len(body) + 16 < wanted:
        if rng.random() < 0.2:
            name = "".join(
                part.capitalize() for part in f"{rng.choice(_RECORD_WORDS)}_{module.noun}".split("_")
            )
            if name not in seen:
                seen.add(name)
                body += [*composer.record_class(name, rng.randint(3, 8)), "", ""]
        else:
            body += [*composer.function(rng.randint(2, 14)), "", ""]
    lines = _heading(module, rng)
    lines += _standard_imports("\n".join(body))
    if imports:
        lines += [*(line for line, _ in imports), ""]
    if rng.random() < 0.5:
        lines += [f"{module.stem.upper()}_LIMIT = {rng.randint(3, 900)}", ""]
    return "\n".join([*lines, "", *body]).rstrip("\n") + "\n"


_RECORD_WORDS = (
    "known",
    "open",
    "stored",
    "priced",
    "sealed",
    "ranked",
    "joined",
    "signed",
    "routed",
    "timed",
)


def _bound(line: str) -> str:
    return line.rsplit(" ", 1)[1]


def _heading(module: Ordinary, rng: random.Random) -> list[str]:
    words = module.stem.replace("_", " ").capitalize()
    lines = [
        f'"""{words}{rng.choice((" of the console", "", " for tenants", ", without side effects"))}.',
        "",
    ]
    if rng.random() < 0.8:
        lines += [f"Layer: {LAYER_TITLES[module.layer]}", f"Domain: {module.domain}"]
    else:
        lines += [
            f"Role: {rng.choice(('reads', 'decides', 'prepares', 'explains'))} for the {module.domain} pages."
        ]
    return [*lines, '"""', "", "from __future__ import annotations", ""]


def _standard_imports(body: str) -> list[str]:
    abstract = [name for name in ("Mapping", "Sequence") if f"{name}[" in body]
    lines = [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
    if "@dataclass" in body:
        lines.append("from dataclasses import dataclass")
    if "Any]" in body:
        lines.append("from typing import Any")
    return [*lines, ""]


def _combination(module: Ordinary, imports: list[tuple[str, str]]) -> list[str]:
    lines = [f"def combine_{module.primary}(amounts: Sequence[int], limit: int = 7) -> int:"]
    lines += [f'    """Adds up what this {module.noun} takes from other modules."""', "    combined = 0"]
    lines += [f"    combined += {use}" for _, use in imports]
    return [*lines, f"    return combined + {module.primary}(amounts)", "", ""]
