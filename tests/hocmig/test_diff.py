"""The diff is judged by git: what `git apply` makes of it must be exactly the new tree."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hocmig.diff import diff_text, reader, render_diff
from hocmig.transaction.change import SYMLINK_MODE, ChangeSet, FileChange, sha256

State = dict[str, tuple[bytes, int]]


def write_state(root: Path, state: State) -> None:
    for path, (content, mode) in state.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if mode == SYMLINK_MODE:
            target.symlink_to(os.fsdecode(content))
        else:
            target.write_bytes(content)
            target.chmod(mode)


def read_state(root: Path) -> State:
    state: State = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            file = Path(folder, name)
            path = file.relative_to(root).as_posix()
            if file.is_symlink():
                state[path] = (os.fsencode(file.readlink()), SYMLINK_MODE)
            else:
                state[path] = (file.read_bytes(), 0o755 if file.stat().st_mode & 0o100 else 0o644)
    return state


def git_apply(root: Path, patch: bytes, *options: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", str(root)], check=True, env=environment)
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", *options, "-"],
        cwd=root,
        input=patch,
        capture_output=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace") + patch.decode(errors="replace")


def check(before: State, changes: tuple[FileChange, ...], after: State) -> bytes:
    """Apply the diff of `changes` to `before` with git: it gives `after`, and reversed gives `before`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_state(root, before)
        patch = render_diff(ChangeSet(changes), reader(root))
        if patch:
            git_apply(root, patch)
        assert read_state(root) == after
        if patch:
            git_apply(root, patch, "-R")
        assert read_state(root) == before
    return patch


def edit(path: str, before: bytes, content: bytes, mode: int | None = None) -> FileChange:
    return FileChange(path, content=content, mode=mode, before_sha256=sha256(before))


def move(old: str, new: str, before: bytes, content: bytes, mode: int | None = None) -> FileChange:
    return FileChange(new, old, content, mode, sha256(before))


def test_edit_shows_three_lines_of_context() -> None:
    before = b"".join(b"line %d\n" % n for n in range(1, 21))
    after = before.replace(b"line 10\n", b"line ten\n")
    patch = check({"a.py": (before, 0o644)}, (edit("a.py", before, after),), {"a.py": (after, 0o644)})
    assert patch.splitlines()[4:] == [
        b"@@ -7,7 +7,7 @@",
        b" line 7",
        b" line 8",
        b" line 9",
        b"-line 10",
        b"+line ten",
        b" line 11",
        b" line 12",
        b" line 13",
    ]


def test_distant_edits_make_two_hunks() -> None:
    before = b"".join(b"%d\n" % n for n in range(40))
    after = before.replace(b"\n5\n", b"\nfive\n").replace(b"\n30\n", b"\nthirty\n")
    patch = check({"a.py": (before, 0o644)}, (edit("a.py", before, after),), {"a.py": (after, 0o644)})
    assert patch.count(b"\n@@ ") == 2


def test_hunks_are_those_of_git() -> None:
    before = b"".join(b"%d\n" % n for n in range(60))
    after = (
        before.replace(b"\n7\n", b"\n").replace(b"\n14\n", b"\nx\ny\n").replace(b"\n40\n", b"\nforty\n")
        + b"end"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "a").write_bytes(before)
        (root / "b").write_bytes(after)
        ours = render_diff(ChangeSet((edit("a", before, after),)), reader(root))
        theirs = subprocess.run(
            ["git", "diff", "--no-index", "a", "b"], cwd=root, capture_output=True, check=False
        ).stdout
    # git adds the last unindented line as a heading after the second @@.
    headings = [line.split(b" @@")[0] for line in theirs.splitlines()[4:]]
    assert [line.split(b" @@")[0] for line in ours.splitlines()[4:]] == headings


def test_pure_rename_is_a_hundred_percent_and_has_no_hunk() -> None:
    patch = check(
        {"a.py": (b"x\n", 0o644)}, (move("a.py", "d/b.py", b"x\n", b"x\n"),), {"d/b.py": (b"x\n", 0o644)}
    )
    assert patch == (
        b"diff --git a/a.py b/d/b.py\nsimilarity index 100%\nrename from a.py\nrename to d/b.py\n"
    )


def test_rename_with_edit_and_new_mode() -> None:
    before, after = b"one\ntwo\nthree\n", b"one\n2\nthree\n"
    patch = check(
        {"a.py": (before, 0o644)}, (move("a.py", "b.py", before, after, 0o755),), {"b.py": (after, 0o755)}
    )
    assert b"old mode 100644\nnew mode 100755\nsimilarity index 71%\nrename from a.py\n" in patch


def test_two_files_swap_their_names() -> None:
    one, two = b"one\n", b"two\n"
    check(
        {"a": (one, 0o644), "b": (two, 0o755)},
        (move("a", "b", one, b"ONE\n"), move("b", "a", two, two)),
        {"b": (b"ONE\n", 0o644), "a": (two, 0o755)},
    )


@pytest.mark.parametrize("before_given", [True, False])
def test_shim_left_behind_at_the_old_path(before_given: bool) -> None:
    shim = FileChange("a.py", content=b"shim\n", before_sha256=sha256(b"x\n") if before_given else None)
    check(
        {"a.py": (b"x\n", 0o644)},
        (move("a.py", "b.py", b"x\n", b"x\n"), shim),
        {"a.py": (b"shim\n", 0o644), "b.py": (b"x\n", 0o644)},
    )


def test_crlf_missing_final_newline_and_latin_1_stay_bytes() -> None:
    before = b"caf\xe9\r\ntwo\r\nthree"
    after = b"caf\xe9\r\n2\r\nthree\nfour"
    patch = check({"a": (before, 0o644)}, (edit("a", before, after),), {"a": (after, 0o644)})
    assert patch.count(b"\\ No newline at end of file\n") == 2


def test_binary_files_are_applied_and_reversed() -> None:
    before, after = bytes(range(256)) * 9, bytes(reversed(range(256))) * 11
    patch = check({"a": (before, 0o644)}, (edit("a", before, after),), {"a": (after, 0o644)})
    assert b"GIT binary patch\nliteral 2816\n" in patch


def test_symlinks_move_and_change_into_files() -> None:
    target = b"somewhere/else"
    check(
        {"l": (target, SYMLINK_MODE), "m": (target, SYMLINK_MODE), "f": (b"text\n", 0o644)},
        (
            move("l", "d/l", target, target),
            edit("m", target, b"now a file\n", 0o644),
            edit("f", b"text\n", b"now/a/link", SYMLINK_MODE),
        ),
        {"d/l": (target, SYMLINK_MODE), "m": (b"now a file\n", 0o644), "f": (b"now/a/link", SYMLINK_MODE)},
    )


def test_new_empty_and_deleted_files_and_a_mode_alone() -> None:
    check(
        {"gone": (b"x\n", 0o755), "gone_empty": (b"", 0o644), "mode": (b"y\n", 0o644)},
        (
            FileChange("new", content=b"n", mode=0o755),
            FileChange("empty file", content=b""),
            FileChange("gone", before_sha256=sha256(b"x\n")),
            FileChange("gone_empty", before_sha256=sha256(b"")),
            edit("mode", b"y\n", b"y\n", 0o755),
        ),
        {"new": (b"n", 0o755), "empty file": (b"", 0o644), "mode": (b"y\n", 0o755)},
    )


@pytest.mark.parametrize(
    "name", ["with blank.py", 'quo"te', "tab\there", "new\nline", "grün/ß.py", "a\x7fb", "-x"]
)
def test_unusual_names(name: str) -> None:
    check(
        {name: (b"1\n", 0o644), "plain": (b"2\n", 0o644)},
        (edit(name, b"1\n", b"one\n"), move("plain", name + ".moved", b"2\n", b"two\n")),
        {name: (b"one\n", 0o644), name + ".moved": (b"two\n", 0o644)},
    )


def test_ranges_of_empty_sides_and_names_with_blanks_are_written_as_git_does() -> None:
    patch = check({}, (FileChange("a b", content=b"x\ny\n"),), {"a b": (b"x\ny\n", 0o644)})
    assert patch.splitlines()[3:6] == [b"--- /dev/null", b"+++ b/a b\t", b"@@ -0,0 +1,2 @@"]


def test_nothing_to_change_gives_nothing() -> None:
    assert check({"a": (b"x", 0o644)}, (edit("a", b"x", b"x"),), {"a": (b"x", 0o644)}) == b""


def test_text_form_escapes_what_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xe9\n")
    text = diff_text(ChangeSet((edit("a", b"\xe9\n", b"\xe8\n"),)), tmp_path)
    assert text.encode("utf-8", "surrogateescape").endswith(b"-\xe9\n+\xe8\n")


_LINES = st.sampled_from(
    [b"a\n", b"b\n", b"\n", b"c\r\n", b"\r", b"\xff\n", b"--- a\n", b"+++ b\n", b"\\ x\n", b"x"]
)
_CONTENTS = st.one_of(st.lists(_LINES, max_size=12).map(b"".join), st.binary(max_size=200))
_FILES = st.tuples(_CONTENTS, st.sampled_from([0o644, 0o755]))
_NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "f g", "h/i/j"])


@st.composite
def changes_of_trees(draw: st.DrawFn) -> tuple[State, tuple[FileChange, ...], State]:
    before = draw(st.dictionaries(_NAMES, _FILES, max_size=5))
    names = sorted(before)
    targets = draw(st.permutations(names)) if draw(st.booleans()) else names
    after: State = {}
    changes = []
    for old, new in zip(names, targets, strict=True):
        content, mode = before[old]
        fate = draw(st.sampled_from(["keep", "edit", "move", "delete"]))
        if fate == "delete" and old == new:
            changes.append(FileChange(old, before_sha256=sha256(content)))
            continue
        if fate == "move" and old == new:
            new = "moved/" + old
        text, new_mode = draw(_FILES) if fate == "edit" else (content, mode)
        after[new] = (text, new_mode)
        if new != old:
            changes.append(FileChange(new, old, text, new_mode, sha256(content)))
        elif fate == "edit":
            changes.append(FileChange(old, None, text, new_mode, sha256(content)))
    for name in draw(st.sets(st.sampled_from(["n1", "n 2", "n/3"]))):
        after[name] = draw(_FILES)
        changes.append(FileChange(name, None, *after[name]))
    return before, tuple(changes), after


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(changes_of_trees())
def test_git_apply_gives_exactly_the_new_tree(case: tuple[State, tuple[FileChange, ...], State]) -> None:
    check(*case)
