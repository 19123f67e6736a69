"""`hocmig guard`: compares the tree with its locks, and with the locks of an earlier revision."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from analyzers.code_owners import CodeOwners, read_owners
from analyzers.domain_locks import LOCK_NAME, LockError, LockRegistry, parse_registry
from analyzers.drift import TreeNow, find_drift
from analyzers.errors import InputError
from analyzers.guard_rules import GuardRules, make_guards, render_guards
from analyzers.lock_agreement import check_guards, check_locks, lock_finding
from analyzers.model import FileRecord
from analyzers.rule_finding import RuleFinding, rule_finding
from analyzers.shims import find_shims
from hocmig.ledger_history import changes_since_lock
from hocmig.lock_files import guards_path, read_guards, read_small, registry_path
from hocmig.transaction.change import sha256
from hocmig.transaction.clock import timestamp
from hocmig.transaction.ledger import Ledger, read_ledger
from hocmig.workspace import Workspace


@dataclass(frozen=True, slots=True)
class GuardResult:
    """`findings` sorted by path; `domains` and `files` that are locked; `base` the commit compared with."""

    findings: tuple[RuleFinding, ...]
    domains: int
    files: int
    base: str

    @property
    def passed(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)


def run_guard(workspace: Workspace, base: str = "") -> GuardResult:
    """Check the tree against its locks; with `base` also against the locks as they were there.

    Raises:
        InputError: there is no domain root, or the ledger cannot be read at all.
    """
    return DomainGuard(workspace).run(base)


class DomainGuard:
    """One look at a workspace; files are read at most once."""

    def __init__(self, workspace: Workspace) -> None:
        if not workspace.config.domain_root:
            raise InputError("hocmig.yaml", 0, "has no domain_root", "name the folder that holds the domains")
        self.workspace = workspace
        self.root = workspace.root
        self.config = workspace.config
        self.findings: set[RuleFinding] = set()
        self._owners: CodeOwners | None = None

    def run(self, base: str) -> GuardResult:
        registry, content = self._registry()
        guards = self._guards(registry)
        ledger = read_ledger(self.root)
        for problem in ledger.problems:
            self._add("LEDGER001", ".hocmig/ledger.jsonl", problem, "mend the line", severity="warning")
        if registry is not None:
            self.findings.update(check_locks(registry, self._read_small, self._lock_files()))
            self.findings.update(self._drift(registry, content, guards, ledger, {}, ""))
        commit = self._compare_with(base, guards, ledger, content) if base else ""
        self._expired_shims()
        ordered = sorted(self.findings, key=lambda f: (f.path, f.line, f.code, f.message))
        files = registry.files if registry is not None else 0
        return GuardResult(tuple(ordered), len(registry.locks) if registry is not None else 0, files, commit)

    def drift_from(self, registry: LockRegistry, content: bytes) -> tuple[RuleFinding, ...]:
        """The drift of the tree from a registry with these bytes, by the present guard rules and ledger."""
        return self._drift(registry, content, self._guards(None), read_ledger(self.root), {}, "")

    # -- reading -----------------------------------------------------------------------------------------

    def _registry(self) -> tuple[LockRegistry | None, bytes]:
        path = registry_path(self.config)
        try:
            content = read_small(self.root, path)
            if content is not None:
                return parse_registry(content, path), content
        except LockError as error:
            self.findings.add(lock_finding(error))
            return None, b""
        self._add("LOCK001", path, "is missing: nothing is locked", "run `hocmig lock`, or restore it")
        return None, b""

    def _guards(self, registry: LockRegistry | None) -> GuardRules:
        path = guards_path(self.config)
        try:
            if registry is not None:
                usual = make_guards(registry.locks, GuardRules())
                if read_small(self.root, path) == render_guards(usual).encode():
                    # What `lock` wrote and nobody changed: no need to load the YAML library.
                    return usual
            guards = read_guards(self.root, self.config)
        except LockError as error:
            self.findings.add(lock_finding(error))
            return GuardRules()
        if registry is None:
            return guards or GuardRules()
        if guards is None:
            self._add("LOCK001", path, "is missing: the guard rules", "run `hocmig lock`, or restore it")
            return GuardRules()
        self.findings.update(check_guards(registry, guards, path))
        return guards

    def _read_small(self, path: str) -> bytes | None:
        return read_small(self.root, path)

    def _lock_files(self) -> frozenset[str]:
        above = self.config.domain_root + "/"
        end = "/" + LOCK_NAME
        return frozenset(
            p for p in self.workspace.index.other_files if p.endswith(end) and p.startswith(above)
        )

    def read(self, path: str) -> bytes:
        """The bytes of a file; raises InputError when it cannot be read."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error

    @property
    def owners(self) -> CodeOwners:
        if self._owners is None:
            self._owners = read_owners(self._read_small)
        return self._owners

    # -- comparing ---------------------------------------------------------------------------------------

    def _drift(
        self,
        registry: LockRegistry,
        content: bytes,
        guards: GuardRules,
        ledger: Ledger,
        renames: dict[str, str],
        since: str,
    ) -> tuple[RuleFinding, ...]:
        recorded = changes_since_lock(ledger, registry_path(self.config), sha256(content), registry.locked_at)
        now = TreeNow(
            self.workspace.index.files,
            self.read,
            lambda path: (self.root / path).exists(),
            renames,
        )
        return find_drift(registry, guards, now, self.config, recorded, self.owners, compared_with=since)

    def _compare_with(self, base: str, guards: GuardRules, ledger: Ledger, content: bytes) -> str:
        from hocmig.git_reading import GitError, file_at, merge_base, renames_since

        path = registry_path(self.config)
        try:
            commit = merge_base(self.root, base)
            before = file_at(self.root, commit, path)
            if before is None:
                # The first lock: there is nothing older to keep.
                return commit
            renames = renames_since(self.root, commit)
            registry = parse_registry(before, f"{path} of {commit[:12]}")
        except GitError as error:
            self._add("GIT001", "", f"--base {base}: {error}", "")
            return ""
        except LockError as error:
            self.findings.add(lock_finding(error))
            return ""
        known = {(f.code, f.path) for f in self.findings}
        found = self._drift(registry, before, guards, ledger, renames, commit[:12])
        # What the present locks say already is not said twice.
        self.findings.update(f for f in found if (f.code, f.path) not in known)
        return commit

    def _expired_shims(self) -> None:
        candidates = [path for path, record in self.workspace.index.files.items() if _may_be_shim(record)]
        today = timestamp()[:10]
        for shim in find_shims(candidates, self.read):
            try:
                datetime.date.fromisoformat(shim.expires)
            except ValueError:
                message = f"forwards {shim.old} until {shim.expires}, which is no day"
            else:
                if shim.expires >= today:
                    continue
                message = f"forwards {shim.old} to {shim.new} until {shim.expires}, and that day is over"
            mend = (
                f"import {shim.new} everywhere and delete it" if ":" not in shim.old else "remove the names"
            )
            self._add("GUARD010", shim.path, message, mend, line=shim.line)

    def _add(
        self, code: str, path: str, message: str, mend: str, *, line: int = 0, severity: str = "error"
    ) -> None:
        approvers = self.owners.owners_of(path) if path else ()
        self.findings.add(
            rule_finding(code, path, message, mend, line=line, approvers=approvers, severity=severity)
        )


def _may_be_shim(record: FileRecord) -> bool:
    """What `analyzers.shims` writes has one of these marks, so that other files need not be read."""
    return record.dynamic_namespace or any(
        alias.asname == "_moved" for statement in record.imports for alias in statement.names
    )
