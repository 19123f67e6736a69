"""Which files look misplaced, and where they seem to belong: facts of the tree in, suggestions out.

The score of a file for another domain is a weighted sum (TERMS) of how much better that domain explains what
the file imports, who imports it, the words of its names and its libraries, of the neighbours of its
neighbours, and of the sizes of both domains. The weights were fitted by logistic regression on planted
misplacements; the least score that is worth a person's time is 0.

Measured with `python benchmarks/suggest_quality.py --cache DIR` on ten packages that the weights were not
fitted on, with misplacements planted: precision 0.61, recall 0.66. Formula and limits: docs/suggest.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from analyzers.misplacement.evidence_ratios import LinkRates, WordRates
from analyzers.misplacement.placement_facts import PlacedFile, PlacementFacts

#: The terms of the score with their weights; see docs/suggest.md for their meaning.
TERMS: dict[str, float] = {
    "imports": 0.43,
    "importers": 0.36,
    "words": 0.21,
    "libraries": 0.46,
    "neighbours": 6.8,
    "links": -0.68,
    "size": 0.5,
    "imported there only": 1.14,
}
#: Added to every sum, so that 0 is the score from which on files are listed.
INTERCEPT = -3.27

#: No single kind of evidence counts for more than this, however much of it there is.
_MOST_RATIO = 6.0
_MOST_LIBRARY_RATIO = 4.0
_MOST_SIZE = 1.5
_MOST_LINKS, _MOST_WORDS, _MOST_LIBRARIES = 6, 8, 3
#: A domain of fewer files says too little about what belongs there.
_LEAST_FILES = 2
#: Few neighbours prove little.
_NEIGHBOURS_PRIOR = 0.3
_WORDS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A file that looks misplaced; `target` is the domain where it seems to belong.

    `score` is at least the threshold; `second` is the next best domain with its score, or empty and 0.
    The paths of importers and imported files are sorted, `_there` those of the target domain, `_here` those
    of the file's own; `importers` and `imports` count all. `words` are the words of its names that mark the
    target, with the number of files that have them there and here, the telling ones first.
    """

    path: str
    domain: str
    inner: str
    layer: str
    target: str
    score: float
    second: tuple[str, float]
    importers_there: tuple[str, ...]
    importers_here: tuple[str, ...]
    imports_there: tuple[str, ...]
    imports_here: tuple[str, ...]
    words: tuple[tuple[str, int, int], ...]
    importers: int
    imports: int

    @property
    def inner_path(self) -> str:
        """The path relative to the domain root, as a workbook records it."""
        return f"{self.domain}/{self.inner}"


@dataclass
class _Rates:
    """What all files of a tree are compared with."""

    facts: PlacementFacts
    sizes: Counter[str] = field(init=False)
    domains: tuple[str, ...] = field(init=False)
    imports: LinkRates = field(init=False)
    importers: LinkRates = field(init=False)
    words: WordRates = field(init=False)
    libraries: WordRates = field(init=False)
    _importing: dict[str, Counter[str]] = field(default_factory=dict)
    _imported: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files = self.facts.files.values()
        self.sizes = Counter(file.domain for file in files)
        self.domains = tuple(domain for domain in self.facts.domains if self.sizes[domain])
        self.imports = LinkRates(((f.domain, self.ends(f.imports)) for f in files), self.domains, _MOST_LINKS)
        self.importers = LinkRates(
            ((f.domain, self.ends(f.importers)) for f in files), self.domains, _MOST_LINKS
        )
        self.words = WordRates(((f.domain, f.words) for f in files), self.domains, _MOST_WORDS)
        self.libraries = WordRates(((f.domain, f.libraries) for f in files), self.domains, _MOST_LIBRARIES)

    def ends(self, paths: tuple[str, ...]) -> Counter[str]:
        """How many of the paths lie in each domain; the empty name stands for files of none."""
        return Counter(self.facts.home[path] for path in paths)

    def importing_domains(self, path: str) -> Counter[str]:
        """The domains of the files that import `path`; empty when it lies in no domain."""
        return self._ends_of(self._importing, path, importers=True)

    def imported_domains(self, path: str) -> Counter[str]:
        """The domains of the files that `path` imports; empty when it lies in no domain."""
        return self._ends_of(self._imported, path, importers=False)

    def _ends_of(self, known: dict[str, Counter[str]], path: str, *, importers: bool) -> Counter[str]:
        if path not in known:
            file = self.facts.files.get(path)
            paths = () if file is None else file.importers if importers else file.imports
            known[path] = Counter(self.facts.files[p].domain for p in paths if p in self.facts.files)
        return known[path]


def find_misplaced(facts: PlacementFacts, *, least: float = 0.0) -> tuple[Suggestion, ...]:
    """The files whose best other domain scores at least `least`, the highest score first.

    A file is suggested once, for its best domain. Empty with fewer than two domains that hold code.
    """
    rates = _Rates(facts)
    found = []
    for file in facts.files.values():
        scores = [
            (sum(TERMS[name] * value for name, value in terms.items()) + INTERCEPT, domain)
            for domain, terms in _terms(file, rates)
        ]
        scores.sort(key=lambda item: (-item[0], item[1]))
        if scores and scores[0][0] >= least:
            found.append(_suggestion(file, scores, rates))
    return tuple(sorted(found, key=lambda s: (-round(s.score, 3), s.path)))


def placement_terms(facts: PlacementFacts) -> Iterator[tuple[PlacedFile, str, dict[str, float]]]:
    """The unweighted terms of every file and other domain: what the weights are fitted on."""
    rates = _Rates(facts)
    for file in facts.files.values():
        for domain, terms in _terms(file, rates):
            yield file, domain, terms


def _terms(file: PlacedFile, rates: _Rates) -> Iterator[tuple[str, dict[str, float]]]:
    here = file.domain
    ends_out, ends_in = rates.ends(file.imports), rates.ends(file.importers)
    imports, importers = rates.imports.ratios(ends_out, here), rates.importers.ratios(ends_in, here)
    words = rates.words.ratios(file.words, here)
    libraries = rates.libraries.ratios(file.libraries, here)
    around = _neighbours(file, rates)
    links = len(file.imports) + len(file.importers)
    apart = not ends_out[here] and not ends_in[here]
    for domain in rates.domains:
        if domain == here or rates.sizes[domain] < _LEAST_FILES:
            continue
        size = math.log(rates.sizes[domain] / rates.sizes[here])
        yield (
            domain,
            {
                "imports": _limited(imports.get(domain, 0.0), _MOST_RATIO),
                "importers": _limited(importers.get(domain, 0.0), _MOST_RATIO),
                "words": _limited(words.get(domain, 0.0), _MOST_RATIO),
                "libraries": _limited(libraries.get(domain, 0.0), _MOST_LIBRARY_RATIO),
                "neighbours": around.get(domain, 0.0),
                "links": math.log(1 + links),
                "size": max(-_MOST_SIZE, min(_MOST_SIZE, size)),
                "imported there only": math.log(1 + ends_in[domain]) if apart else 0.0,
            },
        )


def _limited(value: float, most: float) -> float:
    return most * math.tanh(value / most)


def _neighbours(file: PlacedFile, rates: _Rates) -> dict[str, float]:
    """The shares of the domains among the files that import what this one imports, and the like.

    A file that everybody imports ties nobody together, so its importers share its weight.
    """
    found: dict[str, float] = {}
    for path in file.imports:
        _share(found, rates.importing_domains(path), file.domain)
    for path in file.importers:
        _share(found, rates.imported_domains(path), file.domain)
    total = sum(found.values()) + _NEIGHBOURS_PRIOR
    return {domain: value / total for domain, value in found.items()}


def _share(found: dict[str, float], ends: Counter[str], own: str) -> None:
    count = ends.total()
    if not count:
        return
    weight = 1 / ((1 + math.log(1 + count)) * count)
    for domain, number in ends.items():
        # The file itself is one of them, and no neighbour of its own.
        found[domain] = found.get(domain, 0.0) + weight * (number - (domain == own))


def _suggestion(file: PlacedFile, scores: list[tuple[float, str]], rates: _Rates) -> Suggestion:
    score, target = scores[0]
    home = rates.facts.home

    def of(paths: tuple[str, ...], domain: str) -> tuple[str, ...]:
        return tuple(path for path in paths if home[path] == domain)

    return Suggestion(
        path=file.path,
        domain=file.domain,
        inner=file.inner,
        layer=file.layer,
        target=target,
        score=score,
        second=(scores[1][1], scores[1][0]) if len(scores) > 1 else ("", 0.0),
        importers_there=of(file.importers, target),
        importers_here=of(file.importers, file.domain),
        imports_there=of(file.imports, target),
        imports_here=of(file.imports, file.domain),
        words=_telling(file, target, rates),
        importers=len(file.importers),
        imports=len(file.imports),
    )


def _telling(file: PlacedFile, target: str, rates: _Rates) -> tuple[tuple[str, int, int], ...]:
    """The words that a larger share of the target's files has than of the own domain's other files.

    The telling ones come first: the difference of the shares, times how rare the word is in the whole tree.
    """
    found = []
    everything = rates.sizes.total()
    for word in file.words:
        counts: Mapping[str, int] = rates.words.places[word]
        there, here = counts.get(target, 0), counts.get(file.domain, 1) - 1
        surplus = there / rates.sizes[target] - here / max(1, rates.sizes[file.domain] - 1)
        if surplus > 0:
            rarity = math.log((everything + 1) / sum(counts.values()))
            found.append((-surplus * rarity, word, there, here))
    return tuple((word, there, here) for _, word, there, here in sorted(found)[:_WORDS_SHOWN])
