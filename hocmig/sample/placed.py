"""The misplaced modules of the sample: what the workbook says about them and what they hold.

Every misplaced module has a known interface (a function, a class, a revision number, and the total of what it
imports), so that a test can tell from values whether an import reached the right module.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from hocmig.sample.composer import FunctionComposer
from hocmig.sample.domains import LAYER_TITLES

_DATA = Path(__file__).parent / "data" / "misplaced.csv"

#: The argument with which tests call the function of a misplaced module.
PROBE = 10


@dataclass(frozen=True, slots=True)
class Misplaced:
    """One row of `data/misplaced.csv`.

    `kind` is move, identical, conflict (the target has all of it and more), lacks (the target lacks a name
    that a caller uses), drifted (the target's function computes something else), gone or ambiguous. `path` is
    relative to the domain root; `recorded` is what the workbook says instead when it is stale.
    """

    kind: str
    path: str
    decision: str
    function: str
    cls: str
    summary: str
    reason: str
    recorded: str

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def domain(self) -> str:
        return self.path.split("/")[0]

    @property
    def layer(self) -> str:
        return self.path.split("/")[1]

    @property
    def target_path(self) -> str:
        """The path after the move, relative to the domain root."""
        if "/" in self.decision:
            return self.decision + PurePosixPath(self.path).name
        return "/".join([self.decision, *self.path.split("/")[1:]])

    @property
    def is_collision(self) -> bool:
        return self.kind in ("identical", "conflict", "lacks", "drifted")

    @property
    def is_unresolved(self) -> bool:
        return self.kind in ("gone", "ambiguous")


@lru_cache(maxsize=1)
def misplaced() -> tuple[Misplaced, ...]:
    """Returns the 84 records in the order of the data file."""
    with _DATA.open(encoding="utf-8", newline="") as stream:
        return tuple(Misplaced(**row) for row in csv.DictReader(stream))


def _mix(text: str, start: int) -> int:
    for sign in text:
        start = (start * 31 + ord(sign)) % 9973
    return start


def text_mass(text: str) -> int:
    """The same number as `text_mass` of the sample's `general/L5_engines/stable_hash.py`."""
    return sum(ord(sign) for sign in text) % 997


#: The bodies of the functions with what they return; A, B, C and D are constants of the module.
_CORES: tuple[tuple[str, Callable[[int, int, int, int, int], int]], ...] = (
    (
        "    rows = (({A}, {B}), ({A} + 4, {C}), ({A} + 90, {D}))\n"
        "    return sum(value for floor, value in rows if floor <= amount)",
        lambda x, a, b, c, d: sum(v for f, v in ((a, b), (a + 4, c), (a + 90, d)) if f <= x),
    ),
    ("    return {B} + amount * {C} // {A}", lambda x, a, b, c, d: b + x * c // a),
    (
        "    if amount < 0:\n        return {A}\n    return max({A}, min({D} * 100, amount * {B}))",
        lambda x, a, b, c, d: a if x < 0 else max(a, min(d * 100, x * b)),
    ),
    (
        '    mixed = {A}\n    for sign in f"{{amount}}:{B}":\n'
        "        mixed = (mixed * 31 + ord(sign)) % 9973\n    return mixed",
        lambda x, a, b, c, d: _mix(f"{x}:{b}", a),
    ),
    (
        "    bounds = [{A}, {A} + 3, {A} + {B}]\n    return {C} + {D} * bisect_right(bounds, amount)",
        lambda x, a, b, c, d: c + d * sum(1 for bound in (a, a + 3, a + b) if bound <= x),
    ),
    (
        "    steps, rest = 0, amount * {B}\n    while rest > {A}:\n        rest -= rest // 3 + 1\n"
        "        steps += {C}\n    return steps + rest",
        lambda x, a, b, c, d: _decay(x * b, a, c),
    ),
    (
        "    table = {{0: {B}, 1: {C}, 2: {D}}}\n    return table[amount % 3] + {A} * amount",
        lambda x, a, b, c, d: (b, c, d)[x % 3] + a * x,
    ),
    (
        "    mask = {B} | ({A} << 5)\n    return (amount * {C} ^ mask) & 0x3FF",
        lambda x, a, b, c, d: (x * c ^ (b | (a << 5))) & 0x3FF,
    ),
)


def _decay(rest: int, floor: int, step: int) -> int:
    steps = 0
    while rest > floor:
        rest -= rest // 3 + 1
        steps += step
    return steps + rest


@dataclass(frozen=True, slots=True)
class Interface:
    """What tests may expect of a misplaced module: `value` of its function at PROBE, and its revision."""

    value: int
    revision: int
    core: int
    constants: tuple[int, int, int, int]


@lru_cache(maxsize=1)
def interfaces() -> dict[str, Interface]:
    """Returns the interface per module stem; the same for every seed, so that fixtures can name numbers."""
    found: dict[str, Interface] = {}
    for number, record in enumerate(misplaced()):
        if record.is_unresolved:
            continue
        rng = random.Random(f"interface {record.path}")
        a, b, c, d = rng.randint(2, 9), rng.randint(11, 60), rng.randint(61, 140), rng.randint(141, 400)
        core = number % len(_CORES)
        found[record.stem] = Interface(
            _CORES[core][1](PROBE, a, b, c, d), 4001 + 7 * number, core, (a, b, c, d)
        )
    return found


#: What misplaced modules import: statement, expression of its value, and the value in terms of stems.
UPSTREAM: dict[str, tuple[tuple[str, str, str], ...]] = {
    "killswitch_engine": (
        (
            "from ..L6_drivers import killswitch_driver",
            "killswitch_driver.read_killswitch_state(10)",
            "killswitch_driver",
        ),
    ),
    "quota_engine": (("from ..L6_drivers.quota_driver import read_quota", "read_quota(10)", "quota_driver"),),
    "circuit_breaker": (
        (
            "from ..L6_drivers.circuit_breaker_driver import (  # the row class comes along\n"
            "    BreakerRow,\n    read_breaker,  # state per tenant\n)",
            'int(BreakerRow("b").describe()[2:])',
            "circuit_breaker_driver",
        ),
    ),
    "budget_limits": (("from . import quota_engine", "quota_engine.remaining_quota(10)", "quota_engine"),),
    "prediction_engine": (
        (
            "from app.hoc.cus.policies.L6_drivers.prediction_driver import load_predictions",
            "load_predictions(10)",
            "prediction_driver",
        ),
    ),
    "cost_simulation": (
        ("from .prediction_engine import predict_usage as usage", "usage(10)", "prediction_engine"),
    ),
    "worker_pool": (
        ("from .phase_status import phase_rank", "phase_rank(10)", "phase_status"),
        ("from .retry_policy import backoff_seconds", "backoff_seconds(10)", "retry_policy"),
    ),
    "metric_names": (
        ("from ...general.L5_engines import stable_hash", 'stable_hash.text_mass("metric")', "'metric'"),
    ),
    "threshold_engine": (
        (
            "from ..L6_drivers.threshold_driver import load_thresholds",
            "load_thresholds(10)",
            "threshold_driver",
        ),
    ),
    "cost_signal": (
        (
            "import app.hoc.cus.activity.L5_engines.attention_ranking as ranking",
            "ranking.rank_attention(10)",
            "attention_ranking",
        ),
    ),
    "knowledge_lifecycle": (
        (
            "from ..L6_drivers.knowledge_driver import read_knowledge",
            "read_knowledge(10)",
            "knowledge_driver",
        ),
        ("from . import stable_hash", 'stable_hash.text_mass("knowledge")', "'knowledge'"),
    ),
    "trace_digest": (
        ("from .stable_hash import text_mass", 'text_mass("trace")', "'trace'"),
        ("from ..L6_drivers import trace_store as store", "store.trace_position(10)", "trace_store"),
    ),
    "policy_expression": (
        (
            "from . import stable_hash as hashing, text_normal",
            'hashing.text_mass(text_normal.normal_form(" Rule "))',
            "'rule'",
        ),
    ),
    "api_catalog": (
        (
            "from app.hoc.cus.general.L5_engines.stable_hash import text_mass",
            'text_mass("catalog")',
            "'catalog'",
        ),
    ),
    "route_adapter": (
        ("from ..L5_engines import api_catalog", "api_catalog.catalog_size(10)", "api_catalog"),
    ),
    "cost_bridge": (
        (
            "from ..L6_drivers.cost_snapshot_driver import snapshot_cost",
            "snapshot_cost(10)",
            "cost_snapshot_driver",
        ),
    ),
    "key_rotation": (("from ..L6_drivers import key_store as store", "store.key_slot(10)", "key_store"),),
    "panel_summary": (
        (
            "from ..L6_drivers.panel_driver import PanelRow, read_panel",
            'read_panel(PanelRow("p").amount)',
            "panel_driver",
        ),
    ),
    "anomaly_bridge": (
        ("from ..L6_drivers.anomaly_driver import *", "read_anomalies(10)", "anomaly_driver"),
    ),
    "hallucination_check": (
        ("from .semantic_failures import semantic_code", "semantic_code(10)", "semantic_failures"),
    ),
    "pattern_detection": (
        (
            "import app.hoc.cus.analytics.L6_drivers.pattern_driver",
            "app.hoc.cus.analytics.L6_drivers.pattern_driver.read_patterns(10)",
            "pattern_driver",
        ),
    ),
    "budget_alerts": (
        (
            "from app.hoc.cus.policies.L5_engines import budget_limits as limits",
            "limits.budget_ceiling(10)",
            "budget_limits",
        ),
    ),
    "recovery_matcher": (
        (
            "from ..L6_drivers.recovery_write_driver import store_recovery",
            "store_recovery(10)",
            "recovery_write_driver",
        ),
        ("from .failure_classifier import classify_failure", "classify_failure(10)", "failure_classifier"),
    ),
    "graduation": (
        (
            "from ...general.L5_engines.stable_hash import text_mass",
            'text_mass("graduation")',
            "'graduation'",
        ),
    ),
}

#: Misplaced modules with a second, planted trait.
_EXTRAS: dict[str, str] = {
    "worker_pool": (
        "@task\ndef drain_pool(amount: int = 10) -> int:\n"
        '    """Drains the pool; the task\'s name derives from this module\'s name."""\n'
        "    return pool_size(amount)\n"
    ),
    "threshold_driver": (
        "logger = logging.getLogger(__name__)\n\n\ndef announce(amount: int) -> str:\n"
        '    """Logs the limit of `amount` and returns the name of the logger."""\n'
        '    logger.info("limit of %s is %s", amount, load_thresholds(amount))\n    return logger.name\n'
    ),
    "api_catalog": (
        'def main() -> int:\n    """Prints the size of the catalog."""\n    print(catalog_size(10))\n'
        "    return 0\n\n\n"
        'if __name__ == "__main__":\n    raise SystemExit(main())\n'
    ),
    "redaction": (
        "class RedactingHandler(logging.StreamHandler):\n"
        '    """Writes log records with secrets masked."""\n\n'
        "    def format(self, record: logging.LogRecord) -> str:\n"
        '        return super().format(record).replace("secret", "*" * mask_length(0))\n'
    ),
    "webhook_adapter": (
        'REGISTRY.append("webhook")\n\n\ndef build() -> WebhookPayload:\n'
        '    """The factory that config/plugins.json names."""\n'
        '    return WebhookPayload("plugin")\n'
    ),
    "route_adapter": 'REGISTRY.append("route")\n',
}

_EXTRA_IMPORTS: dict[str, tuple[str, ...]] = {
    "worker_pool": ("from app.hoc.cus.general.L5_engines.task_registry import task",),
    "threshold_driver": ("import logging",),
    "redaction": ("import logging",),
    "webhook_adapter": ("from app.hoc.cus.general.L4_runtime.plugin_loader import REGISTRY",),
    "route_adapter": ("from app.hoc.cus.general.L4_runtime.plugin_loader import REGISTRY",),
}


def value_of(term: str) -> int:
    """Returns the probed value of a stem, or the text mass of a 'quoted' word."""
    return text_mass(term[1:-1]) if term.startswith("'") else interfaces()[term].value


def upstream_total(stem: str) -> int:
    """Returns what `UPSTREAM_TOTAL` of the module must be, 0 for modules that import nothing of their own."""
    return sum(value_of(term) for _, _, term in UPSTREAM.get(stem, ()))


def module_text(record: Misplaced, seed: int) -> str:
    """Returns the source of a misplaced module, with line feeds and without any encoding trait."""
    stem = record.stem
    rng = random.Random(f"{seed} placed {record.path}")
    face = interfaces()[stem]
    composer = FunctionComposer(rng, stem.rsplit("_", 1)[0])
    functions = [composer.function(rng.randint(3, 12)) for _ in range(rng.choice((1, 2, 2, 3, 4, 6, 9)))]
    core = _core_function(record, face)
    parts = ["\n".join(lines) for lines in functions]
    parts.insert(rng.randint(0, len(parts)), _record_class(record, composer, rng))
    parts = [core, *parts, *([_EXTRAS[stem].rstrip("\n")] if stem in _EXTRAS else [])]
    body = "\n\n\n".join(parts)
    lines = [
        f'"""{record.summary}.',
        "",
        f"Layer: {LAYER_TITLES[record.layer]}",
        f"Domain: {record.domain}",
        '"""',
        "",
    ]
    lines += ["from __future__ import annotations", ""]
    standard = [line for line in _EXTRA_IMPORTS.get(stem, ()) if line.startswith("import ")]
    if "bisect_right" in core:
        standard.append("from bisect import bisect_right")
    abstract = [name for name in ("Mapping", "Sequence") if f"{name}[" in body]
    if abstract:
        standard.append(f"from collections.abc import {', '.join(abstract)}")
    standard.append("from dataclasses import dataclass")
    if "Any]" in body:
        standard.append("from typing import Any")
    lines += [*standard, ""]
    own = [line for line in _EXTRA_IMPORTS.get(stem, ()) if not line.startswith("import ")]
    own += [statement for statement, _, _ in UPSTREAM.get(stem, ())]
    if own:
        lines += [*own, ""]
    if stem == "anomaly_driver":
        lines += [f'__all__ = ["{record.function}", "{record.cls}"]', ""]
    lines += [f"{stem.upper()}_REVISION = {face.revision}"]
    if stem in UPSTREAM:
        lines += ["UPSTREAM_TOTAL = " + " + ".join(expression for _, expression, _ in UPSTREAM[stem])]
    return "\n".join([*lines, "", "", body]) + "\n"


def _core_function(record: Misplaced, face: Interface) -> str:
    a, b, c, d = face.constants
    words = record.function.replace("_", " ")
    body = _CORES[face.core][0].format(A=a, B=b, C=c, D=d)
    return f'def {record.function}(amount: int) -> int:\n    """The {words} for `amount`."""\n{body}'


#: Ways to write `describe`: all return the name, a colon and the number.
_DESCRIBE = (
    'return f"{{self.name}}:{{{fn}(self.amount)}}"',
    'number = {fn}(self.amount)\n        return ":".join((self.name, str(number)))',
    'return "{{}}:{{}}".format(self.name, {fn}(self.amount))',
    'text = str({fn}(self.amount))\n        return self.name + ":" + text',
    'return "%s:%d" % (self.name, {fn}(self.amount))',
    'parts = [self.name]\n        parts.append(str({fn}(self.amount)))\n        return ":".join(parts)',
)


def _record_class(record: Misplaced, composer: FunctionComposer, rng: random.Random) -> str:
    words = record.function.replace("_", " ")
    lines = [
        "@dataclass(frozen=True)",
        f"class {record.cls}:",
        f'    """{record.summary}: one value of it."""',
        "",
    ]
    lines += ["    name: str", f"    amount: int = {PROBE}"]
    if rng.random() < 0.4:
        lines.append(
            f'    {rng.choice(("unit", "origin", "region"))}: str = "{rng.choice(("all", "eu", "none"))}"'
        )
    describe = ["", "    def describe(self) -> str:", f'        """The name and the {words}, for lists."""']
    describe.append("        " + rng.choice(_DESCRIBE).format(fn=record.function))
    methods = [composer.method(rng.randint(2, 7)) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    methods.insert(rng.randint(0, len(methods)), describe)
    return "\n".join([*lines, *(line for method in methods for line in method)])


def collision_target_text(record: Misplaced, seed: int) -> str:
    """Returns what already stands at the target of a collision."""
    text = module_text(record, seed)
    if record.kind == "identical":
        return text
    rng = random.Random(f"{seed} target {record.path}")
    more = "\n".join(FunctionComposer(rng, record.stem.split("_")[0]).function(6)) + "\n"
    if record.kind == "lacks":
        start = text.index("@dataclass(frozen=True)")
        _, _, rest = text[start:].partition("\n\n\n")
        text = text[:start] + rest
    elif record.kind == "drifted":
        head = f'    """The {record.function.replace("_", " ")} for `amount`."""\n'
        text = text.replace(head, f"{head}    amount = max(amount, {PROBE + 2})\n", 1)
    return text.rstrip("\n") + "\n\n\n" + more
