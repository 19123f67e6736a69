"""P5: find duplicates, judge them, write the report, the summary and the candidates for consolidation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analyzers.duplicates.detection import DetectionSettings, detect_duplicates
from analyzers.duplicates.detection_cache import StoredDetection
from analyzers.duplicates.duplicate_model import Note
from analyzers.duplicates.ranking import Surroundings, rank_groups
from analyzers.duplicates.suppression import Baseline, baseline_of, suppress
from analyzers.errors import InputError
from hocmig import duplicate_artifacts as artifacts
from hocmig.duplicate_inputs import domains_of, read_baseline, surroundings_of
from hocmig.gates import require_healthy_when_migrating
from hocmig.store import write_csv, write_json, write_text
from hocmig.workspace import Workspace


@dataclass(frozen=True, slots=True)
class DuplicatesOptions:
    """What the command line asks for; None: as configured. `modes` empty: all."""

    modes: tuple[str, ...] = ()
    min_lines: int | None = None
    threshold: float | None = None
    scope: str | None = None
    baseline: Path | None = None
    write_baseline: bool = False
    force_gate: str = ""


@dataclass(frozen=True, slots=True)
class DuplicatesResult:
    """What P5 found, the best first; `new`: a baseline is set and a finding is not in it, or it is stale."""

    groups: tuple[artifacts.NumberedGroup, ...]
    facts: artifacts.SummaryFacts
    around: Surroundings
    candidates: int
    new: bool
    written: tuple[str, ...]


def run(workspace: Workspace, options: DuplicatesOptions) -> DuplicatesResult:
    """Find and judge duplicates, write the artifacts (and the baseline when asked).

    Raises:
        GateError: the repository is being migrated and P4 is not HEALTHY; nothing is written.
        InputError: the scope needs domains and none are configured, or the baseline is wrong; nothing is
        written.
    """
    config = workspace.config
    domains = domains_of(workspace)
    scope = options.scope or (config.duplicates.scope if domains else "all")
    if scope != "all" and not domains:
        raise InputError("--scope", 0, f"{scope} needs domains", "configure domain_root, or use --scope all")
    name = str(options.baseline or config.duplicates.baseline)
    if options.write_baseline and not name:
        raise InputError("--write-baseline", 0, "no baseline is named", "use --baseline, or configure one")
    if name and not options.write_baseline and not (workspace.root / name).exists():
        raise InputError(name, 0, "there is no such baseline", "write it with --write-baseline")
    old = read_baseline(workspace.root / name, name) if name else Baseline()
    require_healthy_when_migrating(workspace, phase="P5", force_reason=options.force_gate)
    modes = options.modes or ("exact", "function", "block")
    settings = DetectionSettings(
        modes=frozenset(modes),
        min_lines=options.min_lines or config.duplicates.min_lines,
        threshold=config.duplicates.threshold if options.threshold is None else options.threshold,
        scope=scope,
        domains=domains,
        shared_domain=config.shared_domain,
    )
    stored = StoredDetection(workspace.state / "duplicates.msgpack")
    with workspace.terminal.progress("Comparing") as advance:
        found, cache = detect_duplicates(
            list(workspace.index.files),
            lambda path: (workspace.root / path).read_bytes(),
            settings,
            processes=workspace.jobs,
            cache=stored.load,
            last=stored.last(),
            advance=advance,
        )
    if cache is not None:
        stored.keep(cache)
    as_configured = not options.modes and (options.min_lines, options.threshold, options.scope) == (None,) * 3
    accepted = Baseline() if options.write_baseline else old
    search = search_of(settings)
    same_search = accepted.search == search if accepted.search else as_configured
    left = suppress(found.groups, found.marks, accepted, complete=same_search, complete_marks=as_configured)
    notes = found.notes
    if accepted.accepted and not same_search:
        told = f"written by another search ({accepted.search or 'as configured'}): not asked what is stale"
        notes = (*notes, Note(name, told))
    around = surroundings_of(workspace, domains)
    groups = artifacts.number_groups(rank_groups(left.groups, around))
    facts = artifacts.SummaryFacts(
        found.files, found.lines, scope, tuple(sorted(modes)), left.accepted, left.marked, notes,
        left.stale_entries, left.stale_marks, left.unexplained,
    )  # fmt: skip
    folder = workspace.artifacts
    candidates = artifacts.candidate_rows(groups)
    write_csv(folder / artifacts.REPORT_NAME, artifacts.REPORT_COLUMNS, artifacts.report_rows(groups, around))
    write_csv(folder / artifacts.CANDIDATES_NAME, artifacts.CANDIDATE_COLUMNS, candidates)
    write_text(folder / artifacts.SUMMARY_NAME, artifacts.render_summary(groups, facts, around))
    names = (artifacts.REPORT_NAME, artifacts.SUMMARY_NAME, artifacts.CANDIDATES_NAME)
    written = [f"{config.artifact_folder}/{one}" for one in names]
    if options.write_baseline:
        write_json(workspace.root / name, baseline_of(left.groups, old, search))
        written.append(name)
    new = bool(name) and not options.write_baseline and bool(groups or left.stale_entries)
    return DuplicatesResult(tuple(groups), facts, around, len(candidates), new, tuple(written))


def search_of(settings: DetectionSettings) -> str:
    """Returns in words what a search looks for: two searches with the same words find the same things."""
    modes = ", ".join(sorted(settings.modes))
    limits = f"{settings.min_lines} lines, {100 * settings.threshold:g} % alike"
    return f"{modes}; scope {settings.scope}; {limits}"
