"""All changes that a relocation asks for in one Python file: imports, dotted uses, strings.

The one place that answers "what must change here?"; the codemod that edits, the phases that preview and the
checks before a move ask it alike.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property, partial

from analyzers.file_plan import FilePlan
from analyzers.file_relative_data import find_file_relative_data, find_package_data, finds_data_by_place
from analyzers.identity_findings import find_identity
from analyzers.import_changes import ImportPlan, TextEdit
from analyzers.import_index import SourceIndex
from analyzers.import_rewriting import plan_imports
from analyzers.layout import ModuleName
from analyzers.model import FileRecord, Finding, ImportedName, ImportRecord, Relocation
from analyzers.name_pinning import KEPT, is_kept_name, kept_task_names, pin_edits
from analyzers.name_resolution import NameResolver
from analyzers.parsed_files import ParsedFiles
from analyzers.project_facts import IndexFacts
from analyzers.python_parser import parse
from analyzers.python_string_references import find_string_references
from analyzers.relocation_map import RelocationMap
from analyzers.source import Source, decode
from analyzers.string_search import StringReference
from analyzers.text_references.reference import Certainty

_DOTS = re.compile(rb"\bfrom[ \t\f]*\.")


class FileRewriter:
    """Plans the changes of files under one relocation map.

    Args:
        index: the tree, before or after the files were moved, or half-way.
        relocations: what moves.
        level: how sure a string must be to be rewritten: `certain` or `likely`.
        before_hashes: path -> SHA-256 of files whose text is not rewritten yet (see `hashes_before`); needed
            when new names are old names, too (swaps): then only files with these hashes are changed.
        pin_names: give what is known by its module's name the old name, where that is a plain edit.
        parsed: where trees are kept for others who look at the same files.
    """

    def __init__(
        self,
        index: SourceIndex,
        relocations: RelocationMap,
        level: str = "certain",
        before_hashes: Mapping[str, str] | None = None,
        *,
        pin_names: bool = False,
        parsed: ParsedFiles | None = None,
    ) -> None:
        self.pin_names = pin_names
        self.parsed = parsed or ParsedFiles()
        self.layout = index.layout
        self.relocations = relocations
        self.level = level
        self.before = tree_before(index, relocations)
        inverse = None if relocations.allow_merges else relocations.inverse()
        self.resolver = NameResolver(self.before, inverse)
        self.facts = IndexFacts(self.before, self.resolver)
        self.before_hashes = before_hashes
        self._needs_hashes = reuses_names(relocations)
        self._old_paths = {r.new_path: r for r in relocations.relocations if r.new_path and not r.old_symbol}
        self._moved_packages = frozenset(
            r.old_module for r in relocations.relocations if not r.old_symbol and r.old_module != r.new_module
        )

    @cached_property
    def kept_names(self) -> frozenset[str]:
        """The dotted names of tasks in moving modules that do not follow them; reads those files."""
        found: set[str] = set()
        for entry in self.relocations.relocations:
            if entry.old_symbol or not entry.old_path.endswith(".py"):
                continue
            for path in (entry.old_path, entry.new_path):
                try:
                    content = (self.layout.root / path).read_bytes()
                except OSError:
                    # Moved already, or no file of a real tree: then nothing is named in it.
                    continue
                source = decode(content)
                tree = parse(source.text)[0] if b"ask" in content and not source.error else None
                if tree is not None:
                    found |= kept_task_names(source.text, tree, entry.old_module, pins=self.pin_names)
        return frozenset(found)

    def names_of(self, path: str, content: bytes) -> tuple[ModuleName, ModuleName] | None:
        """The module names of a file: the one its text was written for, and the one after the move.

        None when its path is no module's. A file that already lies at its new path counts as not yet
        rewritten while its bytes have the hash that the plan gives for them.
        """
        name = self.layout.module_of(path)
        if name is None:
            return None
        origin = self._old_paths.get(path)
        if origin is not None and origin.sha256 == hashlib.sha256(content).hexdigest():
            before = self.layout.module_of(origin.old_path)
            return None if before is None else (before, name)
        new_path = self.relocations.paths.get(path)
        if new_path is not None:
            after = self.layout.module_of(new_path)
            return None if after is None else (name, after)
        return name, name

    def may_concern(self, path: str, content: bytes) -> bool:
        """Whether the file can need a change at all; a cheap test on its bytes that never says no wrongly."""
        if path in self.relocations.paths or path in self._old_paths:
            return True
        if self.relocations.may_concern(content) or b"import *" in content:
            return True
        # `from . import f` names the package that it stands in by dots alone.
        return _DOTS.search(content) is not None and self._lies_in_moved_package(path)

    def _lies_in_moved_package(self, path: str) -> bool:
        name = self.layout.module_of(path)
        package = name.package if name is not None else ""
        while package:
            if package in self._moved_packages:
                return True
            package = package.rpartition(".")[0]
        return False

    def plan(self, path: str, content: bytes) -> FilePlan:
        """The changes of the file at `path` with these bytes."""
        plan = self._plan(path, content)
        if not self._needs_hashes or not (plan or plan.findings) or self._is_unwritten(path, content):
            return plan
        if self.before_hashes is not None:
            return FilePlan(plan.source)
        finding = Finding(
            code="RELOC020",
            severity="warning",
            path=path,
            message="new names of the relocation map are old names, too, and nothing tells whether this file "
            "has been rewritten already",
            mend="use a plan with the hashes of the files as they were",
        )
        return FilePlan(plan.source, findings=(finding,))

    def _is_unwritten(self, path: str, content: bytes) -> bool:
        """Whether the bytes are known to be those from before the rewriting."""
        digest = hashlib.sha256(content).hexdigest()
        known = self.before_hashes or {}
        origin = self._old_paths.get(path)
        if known.get(path) == digest or (origin is not None and origin.sha256 == digest):
            return True
        moves = [r for r in self.relocations.relocations if r.old_path == path and r.new_path]
        return any(r.sha256 == digest for r in moves)

    def _is_edited(self, path: str, content: bytes) -> bool:
        """Whether the file is to be moved and is no longer what it was when the plan was made."""
        if path not in self.relocations.paths:
            return False
        known = {r.sha256 for r in self.relocations.relocations if r.old_path == path and r.sha256}
        return bool(known) and hashlib.sha256(content).hexdigest() not in known

    def _plan(self, path: str, content: bytes) -> FilePlan:
        parsed = self.parsed.of(content)
        source, tree = parsed.source, parsed.tree
        if tree is None:
            return FilePlan(source, findings=self._unreadable(path, content, parsed.error, parsed.error_line))
        names = self.names_of(path, content)
        if names is None:
            name = ModuleName("", False, "", is_importable=False)
            names = (name, name)
        before, after = names
        imports = plan_imports(
            path,
            parsed,
            before=before,
            after=after,
            resolver=self.resolver,
            relocations=self.relocations,
            is_edited=self._is_edited(path, content),
        )
        try:
            strings = find_string_references(
                parsed,
                before=before,
                after=after,
                relocations=self.relocations,
                facts=self.facts,
            )
        except RecursionError:
            finding = Finding(
                code="RELOC010",
                severity="warning",
                path=path,
                message="expressions are nested too deeply to look for names in strings",
                mend="search the file by hand",
            )
            imports = ImportPlan(imports.import_changes, imports.text_edits, (*imports.findings, finding))
            strings = ()
        plan = self._combine(path, source, imports, strings)
        left = self._left_behind(path, source.text, tree, before, after)
        if strings and finds_data_by_place(content):
            left += find_package_data(path, tree, self.relocations)
        if self.pin_names and left:
            pins, settled = pin_edits(source.text, tree, before=before, after=after)
            left = tuple(f for f in left if (f.code, f.line) not in settled)
            plan = replace(plan, edits=tuple(sorted((*plan.edits, *pins), key=lambda e: (e.start, e.end))))
        return replace(plan, findings=(*plan.findings, *left))

    def _left_behind(
        self, path: str, text: str, tree: ast.Module, before: ModuleName, after: ModuleName
    ) -> tuple[Finding, ...]:
        """Identities made of the old name, and data found by the old place, of a file that moves."""
        leaving = any(module == before.name for module, _ in self.relocations.moved_symbols)
        if before == after and not leaving:
            return ()
        findings = find_identity(
            path,
            tree,
            before=before,
            after=after,
            relocations=self.relocations,
            facts=self.facts,
            text=text,
        )
        new_path = self.relocations.paths.get(path)
        if new_path is None or not finds_data_by_place(text.encode()):
            return findings
        return (*findings, *find_file_relative_data(path, new_path, tree, self.relocations))

    def _combine(
        self, path: str, source: Source, imports: ImportPlan, strings: tuple[StringReference, ...]
    ) -> FilePlan:
        findings = imports.findings
        level = Certainty(self.level)
        if strings and self.kept_names:
            strings = tuple(map(partial(self._keep, source.text), strings))
        # Names in quoted annotations are uses: what the import plan says of them holds.
        taken = {position for e in imports.text_edits for position in range(e.start, e.end)}
        chosen = [
            r
            for r in strings
            if r.new and r.certainty.rank <= level.rank and taken.isdisjoint((r.start, r.end - 1))
        ]
        edits = sorted(
            (*imports.text_edits, *(TextEdit(r.start, r.end, r.new, r.line) for r in chosen)),
            key=lambda e: e.start,
        )
        words = [edit.text for edit in edits]
        for change in imports.import_changes:
            words += [f"{n.base or ''} {n.name} {n.asname or ''}" for n in change.imports]
        try:
            " ".join(words).encode(source.encoding)
        except UnicodeEncodeError as error:
            finding = Finding(
                code="RELOC017",
                severity="error",
                path=path,
                message=f"is {source.encoding}, which cannot express "
                f"{error.object[error.start : error.end]!r} of a new name",
                mend="convert the file to UTF-8 or choose another name",
            )
            findings = (*findings, finding)
        return FilePlan(source, imports.import_changes, tuple(edits), findings, strings)

    def _keep(self, text: str, reference: StringReference) -> StringReference:
        if not is_kept_name(text, reference.start, self.kept_names):
            return reference
        return replace(reference, certainty=Certainty.MENTION, why=KEPT)

    def _unreadable(self, path: str, content: bytes, error: str, line: int) -> tuple[Finding, ...]:
        if not self.may_concern(path, content):
            return ()
        moves = path in self.relocations.paths
        dotted = {m.encode() for m in self.relocations.moved_modules}
        certain = moves or any(name in content for name in dotted)
        finding = Finding(
            code="RELOC001",
            severity="error" if certain else "warning",
            path=path,
            line=line,
            message=f"cannot be parsed ({error}) but "
            + ("is to be moved" if moves else "names what moves" if certain else "may name what moves"),
            mend="mend the file, or exclude it in hocmig.yaml",
        )
        return (finding,)


def reuses_names(relocations: RelocationMap) -> bool:
    """Whether a new name of the map is an old name, too, so that a text does not show if it was rewritten."""
    old_modules = {r.old_module for r in relocations.relocations if not r.old_symbol}
    for entry in relocations.relocations:
        if entry.old_symbol:
            if (entry.new_module, entry.new_symbol) in relocations.moved_symbols:
                return True
        elif entry.new_module != entry.old_module and (
            relocations.module(entry.new_module) is not None or entry.new_module in old_modules
        ):
            return True
    return False


def hashes_before(index: SourceIndex, relocations: RelocationMap) -> dict[str, str]:
    """Path -> SHA-256 of the files of a tree that is not rewritten yet; empty when nobody needs to know."""
    if not reuses_names(relocations):
        return {}
    return {path: record.sha256 for path, record in index.files.items() if record.sha256}


def tree_before(index: SourceIndex, relocations: RelocationMap) -> SourceIndex:
    """The tree as it was before the moves, when some of them have been made already.

    A file that lies at its new path, with nothing at the old one, is put back; if its text has been rewritten
    since, its imports are read as what they meant before.
    """
    back = _moved_already(index, relocations)
    if not back:
        return index
    removed: set[str] = set()
    restored: list[FileRecord] = []
    inverse = relocations.inverse() if not relocations.allow_merges else None
    for entry in back:
        record = index.files[entry.new_path]
        removed.add(entry.new_path)
        imports = record.imports
        if record.sha256 != entry.sha256:
            imports = tuple(_as_before(record, index, inverse))
        restored.append(_moved(record, entry.old_path, imports))
    return index.with_changes(removed, restored)


def _moved_already(index: SourceIndex, relocations: RelocationMap) -> list[Relocation]:
    """The entries whose file lies at its new path: the old one is gone, or taken by another entry's file."""
    entries = [
        r
        for r in relocations.relocations
        if r.old_path != r.new_path and r.old_path and r.new_path in index.files
    ]
    done: dict[str, Relocation] = {}
    for entry in entries:
        known = bool(entry.sha256) and index.files[entry.new_path].sha256 == entry.sha256
        old = index.files.get(entry.old_path)
        if old is None or (known and old.sha256 != entry.sha256):
            done[entry.new_path] = entry
    changed = True
    while changed:
        more = [e for e in entries if e.new_path not in done and e.old_path in done]
        changed = bool(more)
        done.update((e.new_path, e) for e in more)
    return sorted(done.values(), key=lambda e: e.old_path)


def _moved(record: FileRecord, path: str, imports: tuple[ImportRecord, ...]) -> FileRecord:
    return FileRecord(
        path=path,
        sha256=record.sha256,
        size_bytes=record.size_bytes,
        mtime_ns=record.mtime_ns,
        error=record.error,
        error_line=record.error_line,
        imports=imports,
        definitions=record.definitions,
        exports=record.exports,
        exports_dynamic=record.exports_dynamic,
        dynamic_namespace=record.dynamic_namespace,
        dotted_strings=record.dotted_strings,
    )


def _as_before(
    record: FileRecord, index: SourceIndex, inverse: RelocationMap | None
) -> Iterable[ImportRecord]:
    name = index.layout.module_of(record.path)
    resolver = index.resolver

    def old(module: str) -> str:
        return (inverse.module(module) if inverse else None) or module

    for statement in record.imports:
        if not statement.is_from:
            names = tuple(ImportedName(old(n.name), n.asname) for n in statement.names)
            yield _with(statement, statement.module, names)
            continue
        base = resolver.base_of(name, statement.level, statement.module) if name else None
        yield statement if base is None else _with(statement, old(base), statement.names)


def _with(statement: ImportRecord, module: str, names: tuple[ImportedName, ...]) -> ImportRecord:
    return ImportRecord(
        line=statement.line,
        end_line=statement.end_line,
        column=statement.column,
        is_from=statement.is_from,
        level=0,
        module=module,
        names=names,
        scope=statement.scope,
        guard=statement.guard,
    )
