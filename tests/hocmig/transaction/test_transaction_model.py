"""A model of the whole: any sequence of transactions, kills, recoveries, rollbacks and people's edits.

The model is the tree as a dictionary. After each step the tree on the disk must be exactly the model.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from analyzers.errors import InterruptedTransactionError
from hocmig.transaction.backup import read_backup
from hocmig.transaction.change import ChangeSet, FileChange, sha256
from hocmig.transaction.ledger import read_ledger
from hocmig.transaction.recovery import pending, recover
from hocmig.transaction.rollback import EditsAtRiskError, archives_back_to, rollback
from hocmig.transaction.transaction import run_transaction

Model = dict[str, tuple[bytes, int]]

NAMES = ["a.py", "b.py", "p/c.py", "p/d.py", "q/r/e.py", "q/f.py"]
CONTENTS = st.sampled_from([b"", b"one\n", b"two\r\n", bytes(range(256))])
MODES = st.sampled_from([0o644, 0o755, 0o600])
COMMAND = ("hocmig", "test")


@st.composite
def plans(draw: st.DrawFn, model: Model) -> tuple[ChangeSet, Model]:
    """A change set that fits `model`, and the model after it: moves in cycles and chains, edits, ..."""
    after = dict(model)
    changes: list[FileChange] = []
    movers = draw(st.lists(st.sampled_from(sorted(model)), unique=True, max_size=4)) if model else []
    free = [name for name in NAMES if name not in model]
    targets = draw(st.permutations([*movers, *free]))[: len(movers)]
    for old in movers:
        del after[old]
    for old, new in zip(movers, targets, strict=True):
        content, mode = model[old]
        if draw(st.booleans()):
            content = draw(CONTENTS)
        after[new] = (content, mode)
        if new != old:
            changes.append(FileChange(new, old, content, None, sha256(model[old][0])))
        else:
            changes.append(FileChange(old, None, content, None, sha256(model[old][0])))
    for name in NAMES:
        if name in movers or name in targets or not draw(st.booleans()):
            continue
        if name not in model:
            after[name] = (draw(CONTENTS), draw(MODES))
            changes.append(FileChange(name, None, *after[name]))
        elif draw(st.booleans()):
            del after[name]
            changes.append(FileChange(name, before_sha256=sha256(model[name][0])))
        else:
            after[name] = (draw(CONTENTS), draw(MODES))
            changes.append(FileChange(name, None, *after[name], sha256(model[name][0])))
    return ChangeSet(tuple(changes)), after


class Migrations(RuleBasedStateMachine):
    """One repository; `history` holds the model before each transaction in force."""

    scenario: ModuleType

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.root = Path(self._folder.name) / "repository"
        self.root.mkdir()
        self.model: Model = {}
        self.history: list[tuple[str, Model]] = []
        self.interrupted: tuple[Model, Model] | None = None
        self.edited = False

    def teardown(self) -> None:
        self._folder.cleanup()

    @initialize(files=st.dictionaries(st.sampled_from(NAMES), st.tuples(CONTENTS, MODES), max_size=5))
    def start(self, files: Model) -> None:
        for path, (content, mode) in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(mode)
        self.model = dict(files)

    def _run(self, changes: ChangeSet) -> None:
        run_transaction(self.root, changes, phase="P2", command=COMMAND, backup=True)

    def _note(self, before: Model, after: Model) -> None:
        """Remember a transaction that the ledger now knows."""
        self.model = after
        standing = read_ledger(self.root).standing()
        if len(standing) > len(self.history):
            self.history.append((standing[-1].entry_id, before))

    @precondition(lambda self: self.interrupted is None)
    @rule(data=st.data())
    def transaction(self, data: st.DataObject) -> None:
        changes, after = data.draw(plans(self.model))
        before = self.model
        self._run(changes)
        self._note(before, after)

    @precondition(lambda self: self.interrupted is None)
    @rule(data=st.data(), number=st.integers(1, 250))
    def killed_transaction(self, data: st.DataObject, number: int) -> None:
        changes, after = data.draw(plans(self.model))
        before = self.model
        code = self.scenario.in_child(lambda root: self._run(changes), self.root, f"kill:{number}")
        assert code in (0, -9)
        if pending(self.root) is not None:
            self.interrupted = (before, after)
        elif code == 0 or self.disk() == after != before:
            self._note(before, after)

    @precondition(lambda self: self.interrupted is None)
    @rule(data=st.data(), number=st.integers(1, 250), code=st.sampled_from(["ENOSPC", "EACCES", "EIO"]))
    def failing_transaction(self, data: st.DataObject, number: int, code: str) -> None:
        changes, after = data.draw(plans(self.model))
        before = self.model
        result = self.scenario.in_child(lambda root: self._run(changes), self.root, f"error:{number}:{code}")
        assert result in (0, 2, 4)
        if pending(self.root) is not None:
            self.interrupted = (before, after)
        elif result == 0:
            self._note(before, after)

    @precondition(lambda self: self.interrupted is not None)
    @rule(resume=st.booleans())
    def recovery(self, resume: bool) -> None:
        assert self.interrupted is not None
        before, after = self.interrupted
        with pytest.raises(InterruptedTransactionError):
            self._run(ChangeSet((FileChange("other", content=b""),)))
        assert recover(self.root, resume=resume) is not None
        self.interrupted = None
        if resume:
            self._note(before, after)
        else:
            self.model = before

    @precondition(lambda self: self.interrupted is not None)
    @rule(resume=st.booleans(), number=st.integers(1, 150))
    def killed_recovery(self, resume: bool, number: int) -> None:
        assert self.interrupted is not None
        before, after = self.interrupted

        def action(root: Path) -> None:
            recover(root, resume=resume)

        assert self.scenario.in_child(action, self.root, f"kill:{number}") in (0, -9)
        if pending(self.root) is None:
            self.interrupted = None
            if resume:
                self._note(before, after)
            else:
                self.model = before

    @precondition(lambda self: self.interrupted is None and self.history and not self.edited)
    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        position = data.draw(st.integers(0, len(self.history) - 1))
        entry_id, before = self.history[position]
        rollback(self.root, archives_back_to(self.root, entry_id), phase="P2", command=COMMAND)
        del self.history[position:]
        self.model = before

    @precondition(lambda self: self.interrupted is None and self.history and self.model and not self.edited)
    @rule(data=st.data())
    def edit_and_refused_rollback(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.model)))
        (self.root / path).write_bytes(b"somebody's work")
        self.model = {**self.model, path: (b"somebody's work", self.model[path][1])}
        entry_id, before = self.history[0]
        archives = archives_back_to(self.root, entry_id)
        # Not the ledger's paths: a file that moves to where an equal one was changes nothing there.
        touched = {file.path for a in archives for file in read_backup(a).manifest.files}
        if path in touched:
            with pytest.raises(EditsAtRiskError) as caught:
                rollback(self.root, archives, phase="P2", command=COMMAND)
            assert path in caught.value.files
            rollback(self.root, archives, phase="P2", command=COMMAND, force=True)
            self.history = []
            # What no transaction touched keeps what people made of it.
            now = self.disk()
            assert all(now.get(p) == before.get(p) for p in touched)
            self.model = now
        else:
            self.edited = True

    def disk(self) -> Model:
        return {
            path: (content, mode)
            for path, (kind, mode, content) in self.scenario.snapshot(self.root).items()
            if kind == "file" and not path.startswith("backups/")
        }

    @invariant()
    def tree_is_the_model(self) -> None:
        if self.interrupted is None:
            assert self.disk() == self.model
            assert pending(self.root) is None
            assert [e.entry_id for e in read_ledger(self.root).standing()] == [i for i, _ in self.history]
        folders = {p for p, entry in self.scenario.snapshot(self.root).items() if entry[0] == "folder"}
        if self.interrupted is None:
            assert folders - {"backups"} == {str(f) for p in self.model for f in list(Path(p).parents)[:-1]}


def test_any_sequence_leaves_the_tree_that_the_model_has(scenario: ModuleType) -> None:
    Migrations.scenario = scenario
    full = os.environ.get("HOCMIG_FAULTS") == "full"
    run_state_machine_as_test(
        Migrations,
        settings=settings(
            max_examples=400 if full else 25,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
