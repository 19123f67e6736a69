"""The search for duplicates from files to groups: the one entry point of this package.

Measured with benchmarks/duplicates_quality.py and benchmarks/duplicates_speed.py; the figures are in
docs/duplicates.md.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from analyzers.duplicates.candidates import Outline, outline_definitions
from analyzers.duplicates.corpus import Corpus, build_corpus
from analyzers.duplicates.duplicate_model import (
    CloneGroup,
    CloneKind,
    DetectedClones,
    Note,
    SuppressionMark,
)
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.exact_files import file_groups
from analyzers.duplicates.fragment_pairs import MAX_RUN, Comparer, Limits
from analyzers.duplicates.grouping import MAX_PAIRS, Likeness, Run, group_pairs
from analyzers.duplicates.seeds import MEMBER_RULE, RAW_RULE, SHAPE_RULE, SeedRule, seed_pairs, window_keys
from analyzers.duplicates.stream_reading import Advance, Read, read_hashes, read_streams
from analyzers.duplicates.token_stream import FileStream
from analyzers.duplicates.verification import (
    FilePair,
    FilePairResult,
    VerificationRules,
    VerifiedPair,
    pair_digest,
    verify_file_pairs,
)
from analyzers.duplicates.worker_pool import run_jobs

CACHE_VERSION = 8
_FORMS: tuple[tuple[str, SeedRule], ...] = (
    ("members", MEMBER_RULE),
    ("raws", RAW_RULE),
    ("shapes", SHAPE_RULE),
)
_SEEDS_PER_STATEMENT = 4
_CHUNK_SEEDS = 3_000


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """What to look for.

    `modes`: of `exact`, `function`, `block`. `min_lines`: of a block. `min_function_lines`: of a function,
    class or file. `threshold`: the least similarity, 0 to 1. `scope`: `all`, or by `domains` (path to domain;
    files without one are left out): `across` two domains, `inside` one. `shared_domain`: its copy stands for
    equal files elsewhere.
    """

    modes: frozenset[str] = frozenset({"exact", "function", "block"})
    min_lines: int = 10
    min_function_lines: int = 6
    threshold: float = 0.8
    scope: str = "all"
    domains: Mapping[str, str] = field(default_factory=dict)
    shared_domain: str = ""


class DetectionCache(msgspec.Struct):
    """What a later run can reuse; may be lost at any time.

    `streams` by SHA-256; `verified` by the digest of a pair of files; `key` and `result`: of the last run.
    """

    version: int = CACHE_VERSION
    key: str = ""
    result: DetectedClones | None = None
    streams: dict[str, FileStream] = {}
    verified: dict[bytes, FilePairResult] = {}


def detect_duplicates(
    paths: Sequence[str],
    read: Read,
    settings: DetectionSettings,
    *,
    processes: int = 1,
    cache: Callable[[], DetectionCache | None] = lambda: None,
    last: tuple[str, DetectedClones] | None = None,
    advance: Advance = lambda done, total: None,
) -> tuple[DetectedClones, DetectionCache | None]:
    """Returns the duplicates among the files, and the cache for the next run (None: nothing changed).

    Args:
        paths: of the Python files; repeated ones count once.
        read: returns the bytes of a path; may raise OSError, which becomes a note.
        settings: what to look for.
        processes: at most so many work at a time; the result does not depend on it.
        cache: loads what an earlier run returned; called only when something changed.
        last: key and result of the last run.
        advance: told how many of how many steps are done.
    """
    wanted = [p for p in paths if settings.scope == "all" or settings.domains.get(p)]
    hashes, notes = read_hashes(wanted, read)
    key = _run_key(hashes, notes, settings)
    if last is not None and last[0] == key:
        return last[1], None
    old = cache() or DetectionCache()
    total = len(hashes)

    def reading(done: int, of: int) -> None:
        advance(int(0.4 * total * done / max(1, of)), total)

    by_hash = read_streams(hashes, read, old.streams, processes, reading)
    streams = {path: by_hash[sha] for path, sha in hashes.items() if sha in by_hash}
    for path in hashes:
        if path not in streams:
            notes.append(Note(path, "changed while it was read: left out"))
    notes.extend(Note(path, stream.note) for path, stream in streams.items() if stream.note)
    groups: list[CloneGroup] = []
    generated = sum(stream.is_generated for stream in streams.values())
    if generated > 1:
        notes.append(Note("", f"{generated} generated files: not compared with each other"))
    if "exact" in settings.modes:
        groups.extend(file_groups(streams, settings.min_function_lines))
    verified: dict[bytes, FilePairResult] = {}
    if settings.modes & {"function", "block"}:
        chosen = _representatives(streams, settings)
        search = _Search(chosen, [streams[p] for p in chosen], read, settings, processes)

        def verifying(done: int, of: int) -> None:
            advance(int(total * (0.5 + 0.5 * done / max(1, of))), total)

        found, verified = search.verify(old.verified, notes, verifying)
        groups.extend(group_pairs(search.corpus, chosen, found, search.alike))
    notes.extend(_cut_groups(groups))
    advance(total, total)
    result = DetectedClones(
        groups=tuple(sorted((g for g in groups if _in_scope(g, settings)), key=_largest_first)),
        notes=tuple(sorted(set(notes))),
        marks=tuple(
            SuppressionMark(path, line, text)
            for path in sorted(streams)
            for line, text in streams[path].marks
        ),
        files=len(hashes),
        lines=sum(s.lines for s in streams.values()),
    )
    return result, DetectionCache(CACHE_VERSION, key, result, by_hash, verified)


def _cut_groups(groups: Sequence[CloneGroup]) -> list[Note]:
    return [
        Note(g.places[0].path, f"a group of {len(g.places)} copies: {len(g.pairs)} of its pairs are kept")
        for g in groups
        if len(g.pairs) >= MAX_PAIRS and g.kind not in (CloneKind.EXACT_FILE, CloneKind.EQUIVALENT_FILE)
    ]


def _run_key(hashes: Mapping[str, str], notes: Sequence[Note], settings: DetectionSettings) -> str:
    digest = hashlib.sha256(repr((CACHE_VERSION, sorted(settings.modes))).encode())
    facts = (
        settings.min_lines,
        settings.min_function_lines,
        settings.threshold,
        settings.scope,
        settings.shared_domain,
        [(path, sha, settings.domains.get(path, "")) for path, sha in sorted(hashes.items())],
        [(n.path, n.message) for n in notes],
    )
    digest.update(repr(facts).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _representatives(streams: Mapping[str, FileStream], settings: DetectionSettings) -> list[str]:
    """The files to compare: of equal and of equivalent ones, which are findings themselves, only one.

    That is the one in the shared domain if there is one, else the first. Without the mode `exact` there are
    no such findings, and all files are compared.
    """
    if "exact" not in settings.modes:
        return sorted(streams)
    same: dict[str, list[str]] = {}
    for path in sorted(streams):
        same.setdefault(streams[path].normal_sha256 or streams[path].sha256, []).append(path)
    out = []
    for paths in same.values():
        shared = [
            p for p in paths if settings.shared_domain and settings.domains.get(p) == settings.shared_domain
        ]
        out.append((shared or paths)[0])
    return sorted(out)


def _in_scope(group: CloneGroup, settings: DetectionSettings) -> bool:
    if settings.scope == "all":
        return True
    domains = [settings.domains.get(p.path, "") for p in group.places]
    return len(set(domains)) > 1 if settings.scope == "across" else len(set(domains)) < len(domains)


def _largest_first(group: CloneGroup) -> tuple[int, str, tuple[object, ...]]:
    return (-group.code_lines * (len(group.places) - 1), group.kind.value, group.places)


class _Search:
    """The corpus and everything derived from it, shared with the worker processes."""

    def __init__(
        self,
        paths: Sequence[str],
        streams: Sequence[FileStream],
        read: Read,
        settings: DetectionSettings,
        processes: int,
    ) -> None:
        self.paths = paths
        self.read = read
        self.settings = settings
        self.processes = processes
        self.limits = Limits(settings.threshold)
        self.rules = VerificationRules(
            "function" in settings.modes, "block" in settings.modes, settings.min_lines, self.limits
        )
        self.corpus: Corpus = build_corpus(streams, settings.min_function_lines)
        self.long = [
            (paths[d.file], d.name)
            for d in self.corpus.definitions
            if d.last - d.first >= MAX_RUN and not d.is_class
        ]
        self.outline: Outline = outline_definitions(self.corpus, settings.min_function_lines)

    def store(self) -> EvidenceStore:
        return EvidenceStore(self.corpus, lambda number: self.read(self.paths[number]))

    def verify(
        self,
        known: Mapping[bytes, FilePairResult],
        notes: list[Note],
        advance: Advance,
    ) -> tuple[list[tuple[int, int, tuple[VerifiedPair, ...]]], dict[bytes, FilePairResult]]:
        """Returns what was found between each two files, and the same by digest for the cache."""
        notes.extend(
            Note(path, f"{name} has over {MAX_RUN} statements: compared from the start")
            for path, name in self.long
        )
        pairs = self._file_pairs(notes)
        salt = repr((CACHE_VERSION, self.rules, self.settings.min_function_lines)).encode()
        digests = [
            hashlib.blake2b(pair_digest(self.corpus, p) + salt, digest_size=16).digest() for p in pairs
        ]
        chunks: list[list[int]] = []
        size = _CHUNK_SEEDS
        for number, pair in enumerate(pairs):
            if digests[number] in known:
                continue
            if size >= _CHUNK_SEEDS:
                chunks.append([])
                size = 0
            chunks[-1].append(number)
            size += len(pair.seeds)
        verified = {d: known[d] for d in digests if d in known}
        jobs = [tuple(pairs[n] for n in chunk) for chunk in chunks]
        for done, (chunk, found) in enumerate(
            zip(chunks, run_jobs(_verify, self, jobs, self.processes), strict=True), 1
        ):
            verified.update(zip((digests[n] for n in chunk), found, strict=True))
            advance(done, len(chunks))
        for pair, digest in zip(pairs, digests, strict=True):
            if verified[digest].skipped:
                paths = sorted({self.paths[pair.a], self.paths[pair.b]})
                what = f"very repetitive: {verified[digest].skipped} candidate pairs were not compared"
                notes.append(Note(paths[0], what + (f" with {paths[1]}" if len(paths) > 1 else "")))
        return [(p.a, p.b, verified[d].pairs) for p, d in zip(pairs, digests, strict=True)], verified

    def _file_pairs(self, notes: list[Note]) -> list[FilePair]:
        limit = _SEEDS_PER_STATEMENT * len(self.corpus) + 10_000
        seeds: set[int] = set()
        for found, capped in run_jobs(_seeds, self, [(n, limit) for n in range(len(_FORMS))], self.processes):
            seeds.update(found)
            if capped:
                notes.append(
                    Note("", f"very repetitive code: only the first {limit} seeds of a kind were followed")
                )
        by_files: dict[tuple[int, int], list[tuple[int, int]]] = {}
        corpus = self.corpus
        current = after = -1
        domains = [self.settings.domains.get(p, "") for p in self.paths]
        scope = self.settings.scope
        for seed in sorted(seeds):
            a, b = seed >> 32, seed & 0xFFFFFFFF
            if a >= after:
                current = corpus.file_of(a)
                after = corpus.offsets[current + 1]
            other = corpus.file_of(b)
            if corpus.streams[current].is_generated and corpus.streams[other].is_generated:
                continue
            if scope == "all" or (domains[current] != domains[other]) == (scope == "across"):
                by_files.setdefault((current, other), []).append((a, b))
        return [FilePair(a, b, tuple(found)) for (a, b), found in sorted(by_files.items())]

    def alike(self, kind: CloneKind, runs: Sequence[tuple[Run, Run]]) -> list[Likeness | None]:
        """Compares pairs of whole runs."""
        jobs = [(kind, tuple(runs[n : n + 500])) for n in range(0, len(runs), 500)]
        return [one for part in run_jobs(_alike, self, jobs, self.processes) for one in part]


def _seeds(search: _Search, job: tuple[int, int]) -> tuple[array[int], bool]:
    number, limit = job
    name, rule = _FORMS[number]
    corpus = search.corpus
    out = array("Q")
    for a, b in seed_pairs(corpus, window_keys(corpus, getattr(corpus, name), rule), rule):
        if len(out) >= limit:
            return out, True
        out.append(a << 32 | b)
    return out, False


def _verify(search: _Search, pairs: Sequence[FilePair]) -> list[FilePairResult]:
    return verify_file_pairs(search.corpus, search.outline, search.store(), search.rules, pairs)


def _alike(search: _Search, job: tuple[CloneKind, Sequence[tuple[Run, Run]]]) -> list[Likeness | None]:
    kind, runs = job
    store = search.store()
    comparer = Comparer(search.corpus, store, search.limits)
    aligned = [comparer.align(a, b) for a, b in runs]
    store.load(place for pairs in aligned for pair in pairs for place in pair)
    out: list[Likeness | None] = []
    for (a, b), pairs in zip(runs, aligned, strict=True):
        found = comparer.whole(a, b, pairs, definitions=kind is not CloneKind.BLOCK) if pairs else None
        out.append(
            Likeness(round(found.similarity, 4), found.renamed, found.edited, found.varied) if found else None
        )
    return out
