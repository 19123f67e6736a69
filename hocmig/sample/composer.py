"""Composes believable, working Python functions from a stock of statement patterns.

Each pattern reads variables that exist and makes new ones, so any order of patterns runs. The stock is large
and its patterns vary in operators and shape: two composed functions are not copies of each other, so that the
duplicates which the sample plants on purpose stay the only ones that matter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hocmig.sample.domains import ADJECTIVES

_VERBS = (
    "collect", "measure", "select", "derive", "estimate", "arrange", "condense", "balance", "resolve", "trim",
    "outline", "compare", "project", "gather", "grade", "split", "align", "screen", "settle", "spread",
)  # fmt: skip

_LOCAL_NAMES: dict[str, tuple[str, ...]] = {
    "num": ("total", "margin", "ceiling", "weight", "span", "budget", "offset", "balance", "reach", "depth",
            "credit", "height", "quota", "drift", "score", "points", "surplus", "stride"),
    "nums": ("amounts", "levels", "weights", "gaps", "steps", "marks", "costs", "counts", "sizes", "ages",
             "deltas", "samples", "ranks", "readings"),
    "txt": ("label", "caption", "head", "tail", "mark", "title", "code", "stem", "note", "phrase", "key"),
    "txts": ("names", "labels", "owners", "words", "codes", "parts", "keys", "lines", "titles", "regions"),
    "cnt": ("tally", "groups", "buckets", "shares", "per_owner", "per_state", "histogram", "index", "slots"),
    "recs": ("rows", "entries", "chosen", "kept", "window", "batch", "queue", "matches", "subset"),
    "flag": ("is_late", "is_full", "has_gap", "is_steady", "needs_review", "is_known", "settled"),
}  # fmt: skip

# Slots of a pattern: «+a:num» makes a variable («+a~:num» one for the loop only), «a» repeats it; «x:nums»
# takes an existing one; «=p|q» chooses, and the choices may hold slots; «#2-40» is a number.
_PATTERNS: tuple[str, ...] = tuple(
    (Path(__file__).parent / "data" / "statement_patterns.txt")
    .read_text(encoding="utf-8")
    .rstrip("\n")
    .split("\n\n")
)

_METHODS = ("caption", "standing", "share", "outline", "pressure", "reading", "digest", "rank")

#: Parameter lists with the annotated types and the variables they give.
_PARAMETERS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("rows: Sequence[Mapping[str, Any]]", (("recs", "rows"),)),
    ("entries: Sequence[Mapping[str, Any]], limit: int = {n}", (("recs", "entries"), ("num", "limit"))),
    ("values: Sequence[int]", (("nums", "values"),)),
    ("values: Sequence[int], factor: int = {n}", (("nums", "values"), ("num", "factor"))),
    ("levels: Sequence[int], label: str", (("nums", "levels"), ("txt", "label"))),
    ("words: Sequence[str]", (("txts", "words"),)),
    ("words: Sequence[str], width: int = {n}", (("txts", "words"), ("num", "width"))),
    ("text: str", (("txt", "text"),)),
    ("text: str, base: int = {n}", (("txt", "text"), ("num", "base"))),
    ("amount: int, floor: int = {n}", (("num", "amount"), ("num", "floor"))),
)

_RETURNS = {
    "num": "int",
    "nums": "list[int]",
    "txt": "str",
    "txts": "list[str]",
    "cnt": "dict[str, int]",
    "flag": "bool",
}


@dataclass(frozen=True, slots=True)
class _Slot:
    """One slot of a pattern; `role` is make, take, repeat, number, choose or loop (made for the loop)."""

    role: str
    name: str = ""
    kind: str = ""
    low: int = 0
    high: int = 0
    options: tuple[tuple[str | _Slot, ...], ...] = ()


def _parse(pattern: str) -> tuple[str | _Slot, ...]:
    tokens: list[str | _Slot] = []
    position = 0
    while (start := pattern.find("«", position)) >= 0:
        if start > position:
            tokens.append(pattern[position:start])
        depth, end, bars = 1, start, []
        while depth:
            end += 1
            if pattern[end] == "«":
                depth += 1
            elif pattern[end] == "»":
                depth -= 1
            elif pattern[end] == "|" and depth == 1:
                bars.append(end)
        tokens.append(_slot(pattern, start + 1, end, bars))
        position = end + 1
    if position < len(pattern):
        tokens.append(pattern[position:])
    return tuple(tokens)


def _slot(pattern: str, start: int, end: int, bars: list[int]) -> _Slot:
    body = pattern[start:end]
    if body[0] == "=":
        edges = [start, *bars, end]
        return _Slot("choose", options=tuple(_parse(pattern[a + 1 : b]) for a, b in pairwise(edges)))
    if body[0] == "#":
        low, _, high = body[1:].partition("-")
        return _Slot("number", low=int(low), high=int(high))
    name, _, kind = body.partition(":")
    if not kind:
        return _Slot("repeat", name)
    if name[0] == "+":
        return _Slot("loop" if name[-1] == "~" else "make", name[1:].rstrip("~"), kind)
    return _Slot("take", name, kind)


def _needed(tokens: tuple[str | _Slot, ...]) -> frozenset[str]:
    found: set[str] = set()
    for token in tokens:
        if isinstance(token, _Slot):
            if token.role == "take":
                found.add(token.kind)
            for option in token.options:
                found |= _needed(option)
    return frozenset(found)


_READY: tuple[tuple[tuple[str | _Slot, ...], frozenset[str]], ...] = tuple(
    (tokens, _needed(tokens)) for tokens in map(_parse, _PATTERNS)
)


class FunctionComposer:
    """Writes the functions of one module; `noun` colours names and docstrings."""

    def __init__(self, rng: random.Random, noun: str) -> None:
        self._rng = rng
        self._noun = noun
        self._taken: set[str] = set()

    def _fresh_function_name(self) -> str:
        rng = self._rng
        while True:
            ending = rng.choice(("s", "_rows", "", "_set"))
            name = f"{rng.choice(_VERBS)}_{rng.choice(ADJECTIVES)}_{self._noun}{ending}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def body(self, variables: list[tuple[str, str]], statements: int) -> tuple[list[str], str, str]:
        """Returns the lines (not indented), the returned variable and its type's annotation."""
        rng = self._rng
        environment: dict[str, list[str]] = {}
        for kind, name in variables:
            environment.setdefault(kind, []).append(name)
        taken = {name for _, name in variables}
        lines: list[str] = []
        last: tuple[str, str] | None = None
        recent: list[int] = []
        for _ in range(statements):
            for _attempt in range(12):
                number = int(rng.random() * len(_READY))
                tokens, needed = _READY[number]
                if number not in recent and needed <= environment.keys():
                    break
            else:
                continue
            recent.append(number)
            text, made = self._fill(tokens, environment, taken)
            lines.extend(text.split("\n"))
            for name, kind in made:
                environment.setdefault(kind, []).append(name)
                if kind != "recs":
                    last = (name, kind)
        if last is None:
            kind, name = variables[0]
            return lines, f"len({name})" if kind in ("recs", "nums", "txts") else name, {
                "txt": "str"
            }.get(kind, "int")  # fmt: skip
        return lines, last[0], _RETURNS[last[1]]

    def _fill(
        self, tokens: tuple[str | _Slot, ...], environment: dict[str, list[str]], taken: set[str]
    ) -> tuple[str, list[tuple[str, str]]]:
        local: dict[str, str] = {}
        made: list[tuple[str, str]] = []
        out: list[str] = []
        self._render(tokens, environment, taken, local, made, out)
        return "".join(out), made

    def _render(
        self,
        tokens: tuple[str | _Slot, ...],
        environment: dict[str, list[str]],
        taken: set[str],
        local: dict[str, str],
        made: list[tuple[str, str]],
        out: list[str],
    ) -> None:
        chance = self._rng.random
        for token in tokens:
            if isinstance(token, str):
                out.append(token)
            elif token.role == "repeat":
                out.append(local[token.name])
            elif token.role == "choose":
                option = token.options[int(chance() * len(token.options))]
                self._render(option, environment, taken, local, made, out)
            elif token.role == "number":
                out.append(str(token.low + int(chance() * (token.high - token.low + 1))))
            elif token.role == "take":
                known = environment[token.kind]
                # The newest variables are the likeliest: values flow on, few stay unused.
                chosen = known[-1] if chance() < 0.7 else known[int(chance() * len(known))]
                local[token.name] = chosen
                out.append(chosen)
            else:
                names = _LOCAL_NAMES[token.kind]
                chosen = names[int(chance() * len(names))]
                while chosen in taken:
                    chosen = f"{ADJECTIVES[int(chance() * len(ADJECTIVES))]}_{chosen}"
                taken.add(chosen)
                local[token.name] = chosen
                if token.role == "make":
                    made.append((chosen, token.kind))
                out.append(chosen)

    def function(
        self, statements: int, *, name: str = "", parameters: str = "", indent: str = ""
    ) -> list[str]:
        """Returns the lines of one function with about `statements` statements."""
        rng = self._rng
        if parameters:
            head, variables = parameters, [("nums", "amounts"), ("num", "limit")]
        else:
            template, given = rng.choice(_PARAMETERS)
            head, variables = template.format(n=rng.randint(2, 60)), list(given)
        lines, result, annotation = self.body(variables, statements)
        if parameters:
            result, annotation = self._as_number(result, annotation), "int"
        title = name or self._fresh_function_name()
        words = title.split("_")
        sentence = f"The {' '.join(words)}" if name else f"{words[0].capitalize()}s the {' '.join(words[1:])}"
        ending = rng.choice(
            (".", " in a stable order.", " for one tenant.", "; never raises.", " of the period.")
        )
        out = [f"{indent}def {title}({head}) -> {annotation}:", f'{indent}    """{sentence}{ending}"""']
        out += [f"{indent}    {line}" for line in lines]
        out.append(f"{indent}    return {result}")
        return out

    @staticmethod
    def _as_number(result: str, annotation: str) -> str:
        return result if annotation in ("int", "bool") else f"len({result})"

    def record_class(self, name: str, statements: int) -> list[str]:
        """Returns the lines of a frozen dataclass with two fields and one or two methods."""
        rng = self._rng
        lines = ["@dataclass(frozen=True)", f"class {name}:"]
        lines += [
            f'    """One {rng.choice(ADJECTIVES)} {self._noun.replace("_", " ")} as the console shows it."""',
            "",
        ]
        text_field = rng.choice(("name", "owner", "region", "source", "title"))
        number_field = rng.choice(("amount", "units", "age", "weight", "rank"))
        lines += [f"    {text_field}: str", f"    {number_field}: int = {rng.randint(1, 90)}"]
        for _ in range(rng.randint(1, 2)):
            lines += self.method(max(2, statements // 2), text_field, number_field)
        return lines

    def method(self, statements: int, text_field: str = "name", number_field: str = "amount") -> list[str]:
        """Returns an empty line and the lines of a method of a class with these two fields."""
        rng = self._rng
        title = f"{rng.choice(ADJECTIVES)}_{rng.choice(_METHODS)}"
        while title in self._taken:
            title = f"{rng.choice(ADJECTIVES)}_{rng.choice(_METHODS)}"
        self._taken.add(title)
        names = rng.choice((("text", "number"), ("own_text", "own_number"), ("word", "size")))
        body, result, annotation = self.body([("txt", names[0]), ("num", names[1])], statements)
        lines = ["", f"    def {title}(self) -> {annotation}:"]
        lines += [f'        """The {title.replace("_", " ")} of this {self._noun.replace("_", " ")}."""']
        lines += [f"        {names[0]}, {names[1]} = self.{text_field}, self.{number_field}"]
        lines += [f"        {line}" for line in body]
        return [*lines, f"        return {result}"]
