"""How much likelier what is known of a file would be in one domain than in another: sums of log ratios.

The rates are those of the files that lie in the domains now, the file itself left out of its own, smoothed
towards the rates of the whole tree. Taking rates instead of counts is what keeps a shared domain, which
everybody imports, from claiming every file, and its own files from being claimed by their importers.

Source: naive Bayes with Dirichlet smoothing; Manning, Raghavan, Schütze, "Introduction to Information
Retrieval", chapter 13.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

#: Weight of the smoothing, in links and in files: what is seen less often than this decides little.
_LINKS_PRIOR = 3.0
_FILES_PRIOR = 4.0
#: Half of the prior goes to the own domain: files are linked to files of their own domain first of all.
_OWN_SHARE = 0.5


class LinkRates:
    """To which domains the links of each domain's files lead (or from which they come)."""

    def __init__(self, rows: Iterable[tuple[str, Counter[str]]], domains: Sequence[str], most: int) -> None:
        """Count the links.

        Args:
            rows: the domain of each file and its links by the domain at their other end.
            most: a file with more links counts as if it had this many.
        """
        self._domains = domains
        self._most = most
        self._by_domain: dict[str, Counter[str]] = {domain: Counter() for domain in domains}
        self._all: Counter[str] = Counter()
        for domain, links in rows:
            self._by_domain[domain].update(links)
            self._all.update(links)
        self._sums = {domain: counts.total() for domain, counts in self._by_domain.items()}
        self._sum = self._all.total()

    def ratios(self, links: Counter[str], current: str) -> dict[str, float]:
        """How much better than `current` each other domain explains the links of a file of `current`."""
        count = links.total()
        if not count:
            return {}
        rest = self._sum - count + len(self._domains) + 1
        base = {end: (self._all[end] - links[end] + 1) / rest for end in links}
        here = self._chance(links, current, base, count, links)
        factor = min(1.0, self._most / count)
        nothing: Counter[str] = Counter()
        return {
            domain: factor * (self._chance(links, domain, base, 0, nothing) - here)
            for domain in self._domains
            if domain != current
        }

    def _chance(
        self, links: Counter[str], domain: str, base: Mapping[str, float], left_out: int, own: Counter[str]
    ) -> float:
        counts = self._by_domain[domain]
        total = math.log(self._sums[domain] - left_out + _LINKS_PRIOR)
        found = 0.0
        for end, number in links.items():
            prior = (1 - _OWN_SHARE) * base[end] + (_OWN_SHARE if end == domain else 0.0)
            found += number * (math.log(counts[end] - own[end] + _LINKS_PRIOR * prior) - total)
        return found


class WordRates:
    """In how many files of each domain a word stands."""

    def __init__(self, rows: Iterable[tuple[str, Iterable[str]]], domains: Sequence[str], most: int) -> None:
        """Count the words.

        Args:
            rows: the domain of each file and its distinct words.
            most: a file with more words counts as if it had this many.
        """
        self._domains = domains
        self._most = most
        self._files: Counter[str] = Counter()
        #: word -> domain -> number of files
        self.places: dict[str, Counter[str]] = {}
        for domain, words in rows:
            self._files[domain] += 1
            for word in words:
                self.places.setdefault(word, Counter())[domain] += 1
        self._count = max(1, self._files.total())

    def ratios(self, words: Sequence[str], current: str) -> dict[str, float]:
        """How much better than `current` each other domain explains the words of a file of `current`."""
        if not words:
            return {}
        gains = dict.fromkeys(self._domains, 0.0)
        here = 0.0
        for word in words:
            counts = self.places[word]
            weight = _FILES_PRIOR * (counts.total() - 0.5) / self._count
            for domain, number in counts.items():
                if domain == current:
                    here += math.log(1 + (number - 1) / weight)
                else:
                    gains[domain] += math.log(1 + number / weight)
        count = len(words)
        here -= count * math.log(self._files[current] - 1 + _FILES_PRIOR)
        factor = min(1.0, self._most / count)
        return {
            domain: factor * (gains[domain] - count * math.log(self._files[domain] + _FILES_PRIOR) - here)
            for domain in self._domains
            if domain != current
        }
