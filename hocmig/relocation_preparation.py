"""Collect, plan, rewrite and prove a relocation; nothing of the repository is written here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analyzers.affected_files import affected_files, importers_of_moved
from analyzers.baseline import relocate_baseline
from analyzers.binding_equivalence import certify
from analyzers.certificate import Certificate
from analyzers.companions_left import companions_left
from analyzers.cycle_moves import moves_on
from analyzers.domain_locks import LOCK_NAME
from analyzers.file_rewriting import FileRewriter, hashes_before
from analyzers.import_cycles import Cycle
from analyzers.import_index import SourceIndex, records_for
from analyzers.leading_part import leading_part
from analyzers.loaded_attributes import missing_attributes
from analyzers.model import Finding
from analyzers.move_preconditions import check_moves, check_new_modules, packages_to_create
from analyzers.name_pinning import without_kept_names
from analyzers.parsed_files import ParsedFiles
from analyzers.project_facts import IndexFacts
from analyzers.relocation_map import RelocationMap
from analyzers.shims import module_shim
from analyzers.text_references.reference import Certainty, Reference, apply_references
from analyzers.text_references.scan import find_references
from codemods._rewrite_plan import Decision, PlanFile
from hocmig.codemod_runner import run_codemod
from hocmig.cycle_cache import CYCLES_NAME, CycleCache
from hocmig.facade_flattening import FlattenedFacades, flatten_facades
from hocmig.prepared_relocation import PreparedRelocation, RelocationOptions
from hocmig.recorded_return import RecordedReturn
from hocmig.repository_reader import RepositoryReader
from hocmig.symbol_moving import SymbolMoving
from hocmig.transaction.change import ChangeSet, FileChange, sha256

if TYPE_CHECKING:
    from hocmig.workspace import Workspace

#: The lock files of domains: a hash covers them, and `hocmig lock` renews them.
_LOCKS = "/" + LOCK_NAME

COMMAND = "rewrite_imports.RewriteImportsCommand"


class Preparation:
    """One relocation on its way to a `PreparedRelocation`; `run` is called once."""

    def __init__(
        self,
        workspace: Workspace,
        relocations: RelocationMap,
        options: RelocationOptions,
        recorded: RecordedReturn | None = None,
    ) -> None:
        self.workspace = workspace
        self.recorded = recorded
        self.unmade: frozenset[str] = frozenset()
        self.relocations = relocations
        self.options = options
        self.index = workspace.index
        self.read = RepositoryReader(workspace.root)
        self.asked = tuple(map(str, relocations.relocations))
        self.symbols = SymbolMoving(workspace, relocations, self.read, options.merging, options.allow)
        self.relocations = relocations = self.symbols.relocations
        self.before_hashes = hashes_before(self.index, relocations) or None
        self.parsed = ParsedFiles()
        self.rewriter = FileRewriter(
            self.index,
            relocations,
            options.references,
            self.before_hashes,
            pin_names=options.pin_names,
            parsed=self.parsed,
        )
        self.findings: list[Finding] = [*options.findings]
        self.hits: list[Reference] = []
        self.decisions: dict[str, Decision] = {}
        #: What the codemod is given of each file that changes: its beginning, up to the last change.
        self.staged: dict[str, bytes] = {}
        self.flattened = FlattenedFacades({})
        self.repointed = self._repointed() if options.allow_merges else frozenset()

    def _repointed(self) -> frozenset[str]:
        """Old paths whose new path is taken by a file that stays: they are deleted, not moved."""
        paths = self.relocations.paths
        return frozenset(
            old
            for old, new in paths.items()
            if new in self.index.files and new not in paths and new not in self.options.replaced
        )

    def run(self) -> PreparedRelocation:
        self._check()
        self.findings += self.symbols.findings
        if self._is_blocked():
            return self._blocked()
        planned = self._plan_python()
        if self._is_blocked():
            return self._blocked()
        with self.workspace.terminal.working("Rewriting"):
            rewritten = self._rewrite(planned)
        self.symbols.carry(rewritten, self.options.shim_until)
        self.findings += self.symbols.findings
        if self._is_blocked():
            return self._blocked()
        created = packages_to_create(self.relocations, self.index)
        shims = self._shims()
        self._flatten(rewritten, created, shims)
        references, texts = self._references()
        self._return(rewritten, texts, created)
        change_set = self._change_set(rewritten, texts, created, shims)
        moved = dict(self._moved_files())
        after = self._tree_after(rewritten, created, shims, moved)
        with self.workspace.terminal.working("Proving"):
            certificate = self._prove(after, planned, rewritten)
        self.findings += missing_attributes(self.index, after, self.relocations, self.read, self._read_after)
        known = CycleCache(self.workspace.state / CYCLES_NAME)
        cycles = known.compare(self.index, after, self.relocations, self._read_after, self.read).new
        for cycle in cycles:
            self._cycle_finding(cycle, after)
        return PreparedRelocation(
            relocations=self.relocations,
            change_set=change_set,
            rewritten=tuple(sorted(rewritten)),
            references=references,
            findings=self._sorted_findings(),
            cycles=cycles,
            certificate=certificate,
            after=after,
            moved=moved,
            callers=self._callers(rewritten),
            symbols=self.symbols.symbols,
            asked=self.asked,
        )

    def _is_blocked(self) -> bool:
        return any(f.severity == "error" and f.code not in self.options.allow for f in self.findings)

    def _blocked(self) -> PreparedRelocation:
        return PreparedRelocation(self.relocations, ChangeSet(()), findings=self._sorted_findings())

    def _sorted_findings(self) -> tuple[Finding, ...]:
        allowed = self.options.allow
        unique = {f for f in self.findings if f.code not in allowed}
        return tuple(sorted(unique, key=lambda f: (f.path, f.line, f.code, f.message)))

    # -- collect and plan ----------------------------------------------------------------------------

    def _check(self) -> None:
        taken = {self.relocations.paths[path] for path in self.repointed}
        self.findings += check_moves(
            self.relocations,
            self.index,
            replaced=taken | self.options.replaced,
            scan=self.workspace.config.scan,
        )
        self.findings += check_new_modules(
            self.symbols.new_modules, self.symbols.with_paths(), self.index, scan=self.workspace.config.scan
        )
        self.findings += companions_left(self.relocations, self.index, self.read)

    def _plan_python(self) -> list[str]:
        """The files whose text must change, by old path; findings of the planner are collected."""
        affected = affected_files(self.index, self.relocations, self.rewriter.resolver, self.read)
        candidates = tuple(sorted({*affected, *self.symbols.strings.files}))
        self.candidates = candidates
        planned = []
        with self.workspace.terminal.progress("Planning the rewriting") as advance:
            for done, path in enumerate(candidates, 1):
                plan = self.symbols.strings.adjusted(path, self.rewriter.plan(path, self.read(path)))
                self.findings += plan.findings
                self.hits += (
                    Reference(path, h.line, h.start, h.end, h.old, h.new, h.certainty, h.why)
                    for h in plan.strings
                )
                if plan:
                    planned.append(path)
                    content = self.read(path)
                    part = self.staged[path] = leading_part(content, self.parsed.of(content), plan)
                    self.decisions[path] = Decision(sha256(part), plan.import_changes, plan.edits)
                advance(done, len(candidates))
        return planned

    def _rewrite(self, planned: list[str]) -> dict[str, bytes]:
        plan = PlanFile(
            version=1,
            root=str(self.workspace.root),
            import_roots=self.workspace.config.import_roots,
            relocations=self.relocations.relocations,
            scan=self.workspace.config.scan,
            exclude=self.workspace.config.exclude,
            index_cache=str(self.workspace.state / "index.msgpack"),
            references=self.options.references,
            allow_merges=self.options.allow_merges,
            before_hashes=self.before_hashes,
            pin_names=self.options.pin_names,
            decisions=self.decisions,
        )
        result = run_codemod(
            COMMAND, self.staged, plan, jobs=self.workspace.jobs, state=self.workspace.state / "tmp"
        )
        missing = sorted(set(planned) - set(result.contents))
        for path in missing:
            said = next((w for w in result.warnings if path in w), "the codemod left it as it was")
            self.findings.append(
                Finding(code="RELOC012", severity="error", path=path, message=f"was not rewritten: {said}")
            )
        return {
            path: part + self.read(path)[len(self.staged[path]) :] for path, part in result.contents.items()
        }

    def _references(self) -> tuple[tuple[Reference, ...], dict[str, bytes]]:
        """Hits in files that are not Python, and the new bytes of those that change."""
        facts = IndexFacts(self.rewriter.before, self.rewriter.resolver)
        level = Certainty(self.options.references)
        found = self.hits
        reference_map = self.symbols.with_paths()
        if self.flattened.names:
            entries = (*reference_map.relocations, *self.flattened.names)
            reference_map = RelocationMap(entries, allow_merges=True)
        texts: dict[str, bytes] = {}
        artifacts = self.workspace.config.artifact_folder + "/"
        baselines = self._baseline_files()
        for path in self.index.other_files:
            if path.startswith((artifacts, "backups/")) or path in baselines or path.endswith(_LOCKS):
                continue
            content = self.read(path)
            hits = find_references(path, content, reference_map, facts)
            hits = without_kept_names(content, hits, self.rewriter.kept_names)
            found += hits
            changed = apply_references(content, hits, level)
            if changed != content:
                texts[path] = changed
        for path in baselines:
            text = self.read(path).decode("utf-8", "surrogateescape")
            moved = relocate_baseline(text, self.relocations)
            if moved != text:
                texts[path] = moved.encode("utf-8", "surrogateescape")
        return tuple(sorted(found, key=lambda r: (r.path, r.line, r.start))), texts

    def _baseline_files(self) -> tuple[str, ...]:
        """The files of accepted violations: their entries move along, so that old debt never looks new."""
        config = self.workspace.config
        named = {config.layer_baseline, config.architecture_baseline}
        return tuple(path for path in sorted(named) if (self.workspace.root / path).is_file())

    def _shims(self) -> dict[str, bytes]:
        """The forwarding modules by path; those of a package serve all that is below it."""
        day = self.options.shim_until
        if day is None:
            return {}
        folders = self.relocations.folders
        found = {}
        for entry in self.relocations.relocations:
            path = entry.old_path
            if entry.old_symbol or not path.endswith(".py") or path == entry.new_path:
                continue
            is_package = path.endswith("/__init__.py")
            above = path.rpartition("/")[0]
            if is_package:
                above = above.rpartition("/")[0]
            if not any(above == f or above.startswith(f + "/") for f in folders):
                found[path] = module_shim(entry.old_module, entry.new_module, day, is_package=is_package)
        return found

    def _flatten(
        self, rewritten: dict[str, bytes], created: tuple[str, ...], shims: dict[str, bytes]
    ) -> None:
        """Let importers take names that façades passed on from their new modules; changes `rewritten`."""
        if self.options.facade != "flatten":
            return
        moved = dict(self._moved_files())
        after = self._tree_after(rewritten, created, shims, moved)
        self.flattened = flatten_facades(
            self.workspace, self.index, after, self.relocations, self._read_after
        )
        self.findings += self.flattened.findings
        back = {new: old for old, new in moved.items()}
        for path, content in self.flattened.contents.items():
            if path in self.symbols.created:
                self.symbols.created[path] = content
            else:
                rewritten[back.get(path, path)] = content
        self.candidates = tuple(sorted({*self.candidates, *(back.get(p, p) for p in self.flattened.files)}))

    def _return(self, rewritten: dict[str, bytes], texts: dict[str, bytes], created: tuple[str, ...]) -> None:
        """Give files the bytes of the recorded transaction; changes `rewritten` and `texts`."""
        if self.recorded is None:
            return
        moved = dict(self._moved_files())
        gone = moved.keys() | self.symbols.gone
        files = {*self.index.files, *self.index.other_files, *self.index.carried_files}
        staying = {*(files - gone), *moved.values(), *created, *self.symbols.created}
        self.unmade = self.recorded.unmade(staying) - gone
        for path, content in self.recorded.contents.items():
            target = rewritten if path in self.index.files else texts
            target.pop(path, None)
            if content != self.read(path):
                target[path] = content
        for path in self.unmade:
            rewritten.pop(path, None)
            texts.pop(path, None)
        returned = self.recorded.contents.keys() & self.index.files.keys()
        self.candidates = tuple(sorted({*self.candidates, *returned}))
        self.findings.append(
            Finding(code="RELOC021", severity="info", message=self.recorded.sentence(len(self.unmade)))
        )

    # -- the change -----------------------------------------------------------------------------------

    def _moved_files(self) -> Iterable[tuple[str, str]]:
        """Every file that moves, Python or not, as (old path, new path)."""
        for path in (*self.index.files, *self.index.carried_files):
            new = self.relocations.path(path)
            if new is not None and new != path and path not in self.repointed:
                yield path, new

    def _change_set(
        self,
        rewritten: dict[str, bytes],
        texts: dict[str, bytes],
        created: tuple[str, ...],
        shims: dict[str, bytes],
    ) -> ChangeSet:
        contents = {**rewritten, **texts}
        changes = [FileChange(path=path, content=b"") for path in created]
        changes += [FileChange(path=path, content=content) for path, content in shims.items()]
        new_files = {p: c for p, c in self.symbols.created.items() if p not in self.symbols.gone}
        changes += [FileChange(path=path, content=content) for path, content in new_files.items()]
        changes += [
            FileChange(path, content=self.symbols.created.get(path), before_sha256=sha256(self.read(path)))
            for path in self.symbols.gone
        ]
        moved = dict(self._moved_files())
        for path, new_path in moved.items():
            content = contents.pop(path, None)
            before = self.read(path)
            if new_path in self.options.replaced:
                contents[new_path] = before if content is None else content
                changes.append(FileChange(path=path, before_sha256=sha256(before)))
                continue
            changes.append(
                FileChange(
                    path=new_path,
                    old_path=path,
                    content=before if content is None else content,
                    before_sha256=sha256(before),
                )
            )
        for path in self.repointed | self.unmade:
            contents.pop(path, None)
            changes.append(FileChange(path=path, before_sha256=sha256(self.read(path))))
        changes += [
            FileChange(path=path, content=content, before_sha256=sha256(self.read(path)))
            for path, content in contents.items()
        ]
        changes += self.options.extra_changes
        return ChangeSet(tuple(changes))

    def _callers(self, rewritten: dict[str, bytes]) -> dict[str, int]:
        found = importers_of_moved(self.index, self.relocations, self.rewriter.resolver, rewritten)
        return {old: len(clients) for old, clients in found.items()}

    # -- proof ---------------------------------------------------------------------------------------------

    def _tree_after(
        self,
        rewritten: dict[str, bytes],
        created: tuple[str, ...],
        shims: dict[str, bytes],
        moved: dict[str, str],
    ) -> SourceIndex:
        contents = {
            moved.get(path, path): content
            for path, content in rewritten.items()
            if path not in self.repointed
        }
        python = {new: old for old, new in moved.items() if old in self.index.files}
        for new, old in python.items():
            contents.setdefault(new, self.read(old))
        contents.update(dict.fromkeys((p for p in created if p.endswith(".py")), b""))
        contents.update(shims)
        contents.update(self.symbols.created)
        self.contents_after = contents
        removed = (set(python.values()) | self.repointed | self.symbols.gone | self.unmade) - set(contents)
        return self.index.with_changes(removed, records_for(contents, self.parsed))

    def _prove(self, after: SourceIndex, planned: list[str], rewritten: dict[str, bytes]) -> Certificate:
        certificate = certify(
            self.index,
            after,
            self.relocations,
            in_depth=self.candidates,
            read_before=self.read,
            read_after=self._read_after,
            gone=self.repointed | self.options.replaced | self.symbols.touched | self.unmade,
            parsed=self.parsed,
            let_go=self.flattened.removed,
            restored=frozenset(self.recorded.contents) if self.recorded is not None else frozenset(),
        )
        proof = self.symbols.prove(after, self._read_after)
        certificate = certificate.extended(proof.equal, proof.unprovable, proof.differing)
        for difference in certificate.differing:
            message = f"{difference.name}: {difference.reason}"
            if difference.before or difference.after:
                message += f" ({difference.before or 'nothing'} became {difference.after or 'nothing'})"
            self.findings.append(
                Finding(
                    code="PROOF001",
                    severity="error",
                    path=difference.path,
                    line=difference.line,
                    message=message,
                )
            )
        return certificate

    def _read_after(self, path: str) -> bytes:
        content = self.contents_after.get(path)
        return self.read(path) if content is None else content

    def _cycle_finding(self, cycle: Cycle, after: SourceIndex) -> None:
        if not cycle.is_blocking:
            return
        blocks = cycle.fails == "likely" or self.options.refuse_new_cycles
        # An import that moved code brings along must not close a circle (case 42).
        blocks = blocks or any(step.importer in self.symbols.gaining for step in cycle.chain)
        # What is restored stood there before, and was imported; only what surely fails says otherwise.
        blocks = cycle.fails == "certain" or (blocks and self.recorded is None)
        place = cycle.cut
        message = f"a new {cycle}" + (f"; importing it {_FAILS[cycle.fails]}" if cycle.fails else "")
        moved = [str(entry) for entry in moves_on(cycle, after, self.relocations)]
        if moved:
            more = f" and {len(moved) - _SHOWN_MOVES} more" if len(moved) > _SHOWN_MOVES else ""
            message += f"; moves that lie on it: {', '.join(moved[:_SHOWN_MOVES])}{more}"
        self.findings.append(
            Finding(
                code="CYCLE001" if cycle.fails else "CYCLE002",
                severity="error" if blocks else "warning",
                path=place.importer,
                line=place.line,
                message=message,
                mend="defer or invert that import, choose another target, or accept it with --allow",
            )
        )


#: How many moves a cycle's message names.
_SHOWN_MOVES = 3

_FAILS = {
    "certain": "fails",
    "likely": "fails when the function with that import is called, as it seems to be",
    "possible": "may fail",
}
