"""hocmig's own folder as a symlink out of the repository: nothing is written through it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocmig.cli import COMMANDS, run

#: Commands with the arguments that they need; the others need none.
ARGUMENTS = {"mv": ["app/a.py", "app/b.py", "--execute"], "resolve": ["001", "skip", "--reason", "x"]}
#: `demo` makes a repository of its own; `recover` follows no links, and finds nothing to do.
OTHERS = {"demo", "recover"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "app").mkdir(parents=True)
    outside.mkdir()
    (root / "app" / "__init__.py").write_text("")
    (root / "app" / "a.py").write_text("A = 1\n")
    (root / "app" / "c.py").write_text("from app.a import A\n")
    (root / "hocmig.yaml").write_text("version: 1\n")
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - OTHERS))
def test_no_command_writes_through_a_linked_state_folder(
    repository: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = repository.parent / "outside"
    (repository / ".hocmig").symlink_to(outside)
    assert run([command, *ARGUMENTS.get(command, [])]) == 2
    assert list(outside.iterdir()) == []
    assert capsys.readouterr().err.startswith("error: ")
    assert (repository / "app" / "a.py").exists()


def test_recover_finds_nothing_behind_a_link(repository: Path) -> None:
    outside = repository.parent / "outside"
    (repository / ".hocmig").symlink_to(outside)
    assert run(["recover", "--rollback"]) == 0
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["tmp", "certificates", "run.json", "index.msgpack", "lock", "ledger.jsonl"])
def test_no_entry_of_the_state_folder_may_be_a_link(
    repository: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = repository.parent / "outside"
    (repository / ".hocmig").mkdir()
    (repository / ".hocmig" / name).symlink_to(outside / name)
    assert run(["mv", "app/a.py", "app/b.py", "--execute"]) == 2
    err = capsys.readouterr().err
    assert err == (
        f"error: .hocmig/{name}: is a symbolic link, where only hocmig's own files stand; remove the link\n"
    )
    assert list(outside.iterdir()) == []


def test_an_ordinary_state_folder_is_no_obstacle(repository: Path) -> None:
    assert run(["--quiet", "mv", "app/a.py", "app/b.py", "--execute"]) == 0
    assert (repository / ".hocmig" / "ledger.jsonl").is_file()
    assert run(["--quiet", "check"]) == 0
