"""Layers by name: the last word of a file's name (`quota_driver`) mostly tells in which layer it lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from analyzers.misplacement.placement_facts import PlacementFacts

#: A word seen in fewer files, or less clearly, says nothing.
_LEAST_FILES = 5
_LEAST_SHARE = 0.8


def unusual_layers(facts: PlacementFacts) -> Mapping[str, str]:
    """For files whose name ends like those of another layer: a sentence that says so, by path."""
    places: dict[str, Counter[str]] = {}
    for file in facts.files.values():
        if file.layer:
            places.setdefault(_last_word(file.path), Counter())[file.layer] += 1
    found = {}
    for path, file in facts.files.items():
        word = _last_word(path)
        counts = places.get(word)
        if not file.layer or counts is None or counts.total() < _LEAST_FILES:
            continue
        layer, number = max(counts.items(), key=lambda item: (item[1], item[0]))
        if layer != file.layer and number >= _LEAST_SHARE * counts.total():
            found[path] = (
                f"{number} of {counts.total()} files named *_{word} lie in {layer}, not in {file.layer}."
            )
    return found


def _last_word(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0].rpartition("_")[2]
