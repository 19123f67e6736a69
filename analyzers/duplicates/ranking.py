"""Judges groups: which copy stays and why, what to do with the others, what that saves, how sure it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from analyzers.duplicates.duplicate_model import CloneGroup, CloneKind, ClonePair, Place

_FILES = (CloneKind.EXACT_FILE, CloneKind.EQUIVALENT_FILE)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the files.

    `domains`: path to domain. `importers`: path to the paths that import it. `names`: path to the names it
    defines at module level. `edited`: when a path was last edited, in Unix seconds (asked only to break
    ties).
    """

    domains: Mapping[str, str] = field(default_factory=dict)
    shared_domain: str = "general"
    importers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    edited: Callable[[str], int] = lambda path: 0

    def domain_of(self, path: str) -> str:
        return self.domains.get(path, "")


class RankedGroup(msgspec.Struct, frozen=True):
    """A group with its judgement.

    `canonical`: index of the place that stays. `reason`: why that one. `recommendation`: for the group as a
    whole. `saved_lines`: lines with code that consolidating removes (estimated). `confidence` 0 to 1: how
    sure it is that the copies mean the same. `relations`: which places import which other's file.
    """

    group: CloneGroup
    canonical: int
    reason: str
    recommendation: str
    saved_lines: int
    confidence: float
    relations: tuple[str, ...]

    @property
    def score(self) -> float:
        """Lines saved times confidence: the order of the report."""
        return self.saved_lines * self.confidence


def rank_groups(groups: Sequence[CloneGroup], around: Surroundings) -> list[RankedGroup]:
    """Returns the judged groups, the one with the highest score first; ties by kind and place."""
    ranked = [rank_group(group, around) for group in groups]
    return sorted(ranked, key=lambda r: (-r.score, r.group.kind.value, r.group.places))


def rank_group(group: CloneGroup, around: Surroundings) -> RankedGroup:
    """Returns the judgement of one group."""
    canonical, reason = choose_canonical(group, around)
    place = group.places[canonical]
    others = [p for n, p in enumerate(group.places) if n != canonical]
    relations = tuple(
        sorted(
            {
                f"{a.path} imports {b.path}"
                for a in group.places
                for b in group.places
                if a.path != b.path and a.path in around.importers.get(b.path, frozenset())
            }
        )
    )
    return RankedGroup(
        group=group,
        canonical=canonical,
        reason=reason,
        recommendation=recommend(group.kind, group.edited, group.varied, place, others[0], around),
        saved_lines=round(group.similarity * group.code_lines * len(others)),
        confidence=confidence(group),
        relations=relations,
    )


def choose_canonical(group: CloneGroup, around: Surroundings) -> tuple[int, str]:
    """Returns the index of the place that should stay, and why.

    In order: in the shared domain; defines all that the others define; most importers; newest edit; first
    path.
    Source: the migration plan, Phase 6, "Identify Canonical Version", and issue 6.
    """
    left = list(range(len(group.places)))
    paths = [place.path for place in group.places]

    def keep(best: list[int], why: str) -> str:
        nonlocal left
        if 0 < len(best) < len(left):
            left = best
            return why if len(best) == 1 else ""
        return ""

    shared = [n for n in left if around.shared_domain and around.domain_of(paths[n]) == around.shared_domain]
    reason = keep(shared, "in the shared domain")
    if not reason and len(left) > 1 and group.kind in _FILES:
        everything = frozenset().union(*(around.names.get(paths[n], frozenset()) for n in left))
        whole = [n for n in left if around.names.get(paths[n], frozenset()) >= everything]
        reason = keep(whole, "defines all that the other copies define")
    if not reason and len(left) > 1:
        counts = {n: len(around.importers.get(paths[n], frozenset())) for n in left}
        most = max(counts.values())
        reason = keep([n for n in left if counts[n] == most], f"has the most importers ({most})")
    if not reason and len(left) > 1 and len({paths[n] for n in left}) > 1:
        times = {n: around.edited(paths[n]) for n in left}
        newest = max(times.values())
        reason = keep([n for n in left if times[n] == newest], "was edited last")
    if not reason:
        reason = (
            "in the shared domain" if left[0] in shared else "first by path, nothing else tells them apart"
        )
    return left[0], reason


def recommend(
    kind: CloneKind, edited: bool, varied: bool, canonical: Place, other: Place, around: Surroundings
) -> str:
    """Returns what to do with `other`: one of DELETE_FROM_X, EXTRACT_TO_X, REVIEW_MERGE,
    REVIEW_FOR_SHARED_UTIL.

    Equal files: delete the copy. Blocks, and definitions in which literals or called names vary: think about
    a shared function. Definitions that drifted apart: merge by hand. The same but for names of variables:
    keep the copy in the shared domain, or extract one there; a method cannot just be deleted.
    """
    if kind is CloneKind.BLOCK:
        return "REVIEW_FOR_SHARED_UTIL"
    if edited:
        return "REVIEW_MERGE"
    if varied:
        return "REVIEW_FOR_SHARED_UTIL"
    domains = around.domain_of(canonical.path), around.domain_of(other.path)
    if kind in _FILES:
        return f"DELETE_FROM_{_label(other, around)}"
    is_method = kind is CloneKind.FUNCTION and "." in other.name
    if not is_method and (domains[0] == domains[1] or domains[0] == around.shared_domain):
        return f"DELETE_FROM_{_label(other, around)}"
    return f"EXTRACT_TO_{_token(around.shared_domain)}"


def drifted_pairs(ranked: RankedGroup) -> tuple[tuple[int, int], ...]:
    """Returns (place to compare with, place that drifted): the names are the same, statements differ.

    Each place occurs once as drifted; it is compared with the canonical one where those two have drifted
    apart, else with the first place from which it did.
    """
    out: dict[int, int] = {}
    for pair in sorted(ranked.group.pairs, key=lambda p: (ranked.canonical not in (p.a, p.b), p.a, p.b)):
        if pair.edited and not pair.renamed:
            base, other = (pair.b, pair.a) if pair.b == ranked.canonical else (pair.a, pair.b)
            if out.get(base) != other:
                out.setdefault(other, base)
    return tuple(sorted((base, other) for other, base in out.items()))


def recommend_pair(ranked: RankedGroup, pair: ClonePair, around: Surroundings) -> str:
    """Returns what to do about one pair of a group: the copy that is not canonical goes."""
    places = ranked.group.places
    other = pair.a if pair.b == ranked.canonical else pair.b
    return recommend(
        ranked.group.kind, pair.edited, pair.varied, places[ranked.canonical], places[other], around
    )


def confidence(group: CloneGroup) -> float:
    """Returns how sure it is (0 to 1) that the copies mean the same.

    With other names inside it is less sure, unless name, parameters and return type are the same.
    """
    if group.kind is CloneKind.EXACT_FILE:
        return 1.0
    renamed = 0.9 if group.has_one_signature else 0.8
    base = 0.5 if group.varied else renamed if group.renamed else 0.95
    return round(base * (group.similarity if group.edited else 1.0), 4)


def _label(place: Place, around: Surroundings) -> str:
    domain = around.domain_of(place.path)
    folders = place.path.split("/")[:-1]
    return _token(domain or (folders[-1] if folders else "root"))


def _token(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").upper() or "ROOT"
