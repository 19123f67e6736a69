from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analyzers.layout import ProjectLayout
from analyzers.migration_manifest import ManifestRow, Status, read_manifest
from hocmig.cli import run
from hocmig.sample.generator import SampleSummary, write_sample
from hocmig.transaction.ledger import read_ledger

ROOT = "backend/app/hoc/cus"
MAP = f"{ROOT}/_domain_map"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    root = tmp_path_factory.mktemp("sample") / "repository"
    summary = write_sample(root)
    assert run(["--root", str(root), "init"]) == 0
    return root, summary


@pytest.fixture
def repository(sample: tuple[Path, SampleSummary], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample's domains, workbook and configuration, as the current directory."""
    root = tmp_path / "repository"
    shutil.copytree(sample[0] / ROOT, root / ROOT)
    for name in ("hocmig.yaml", ".gitignore"):
        shutil.copy(sample[0] / name, root / name)
    monkeypatch.chdir(root)
    return root


def manifest(root: Path) -> tuple[ManifestRow, ...]:
    return read_manifest(root / MAP / "MIGRATION_MANIFEST.csv", ProjectLayout(root, ("backend",)), ROOT)


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_sample_has_the_rows_that_its_author_planted(
    sample: tuple[Path, SampleSummary], repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, summary = sample
    assert run(["--json", "manifest"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["ready"]) == (84, False)
    assert document["by_status"]["CONFLICT"] + document["by_status"]["IDENTICAL"] == 13
    rows = manifest(repository)
    below = {
        status: {
            (r.current_path[len(ROOT) + 1 :], r.target_path[len(ROOT) + 1 :])
            for r in rows
            if r.status is status
        }
        for status in Status
    }
    assert below[Status.PENDING] == set(summary.movable)
    assert {path for path, _ in below[Status.UNRESOLVED]} == set(summary.unresolved)
    identical = {path for path, kind in summary.collisions if kind == "identical"}
    assert {path for path, _ in below[Status.IDENTICAL]} == identical
    assert {path for path, _ in below[Status.CONFLICT]} == {
        path for path, _ in summary.collisions
    } - identical
    stale = {
        (r.recorded_path[len(ROOT) + 1 :], r.current_path[len(ROOT) + 1 :])
        for r in rows
        if r.recorded_path != r.current_path
    }
    assert stale == set(summary.stale)


def test_two_runs_give_the_same_bytes_and_touch_nothing_else(repository: Path) -> None:
    before = tree(repository)
    assert run(["--quiet", "p0"]) == 1
    first = tree(repository)
    assert run(["--quiet", "manifest"]) == 1
    assert tree(repository) == first
    assert set(first) - set(before) == {f"{MAP}/MIGRATION_MANIFEST.csv", f"{MAP}/MIGRATION_SUMMARY.md"}
    assert {path: first[path] for path in before} == before


def test_the_count_is_a_gate(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = repository / "hocmig.yaml"
    config.write_text(config.read_text() + "expect:\n  misplaced: 83\n")
    assert run(["manifest"]) == 1
    assert "gate COUNT failed: 84 rows, 83 expected" in capsys.readouterr().out


def test_when_all_is_settled_the_gates_pass(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["manifest"])
    unresolved = ",".join(row.migration_id for row in manifest(repository) if row.status is Status.UNRESOLVED)
    assert run(["resolve", unresolved, "skip", "--reason", "gone for good"]) == 0
    assert run(["manifest"]) == 0
    assert sum(row.status is Status.SKIPPED for row in manifest(repository)) == 3
    summary = (repository / MAP / "MIGRATION_SUMMARY.md").read_text()
    assert "READY_FOR_VALIDATION" in summary
    assert "gone for good" in summary


def test_resolutions_are_recorded_in_the_manifest_and_in_the_ledger(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["manifest"])
    number = next(row.migration_id for row in manifest(repository) if row.status is Status.CONFLICT)
    capsys.readouterr()
    assert run(["--json", "resolve", str(int(number)), "keep-source", "--reason", "newer\nand better"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["rows"]
    row = next(row for row in manifest(repository) if row.migration_id == number)
    assert (row.status, row.resolution, row.resolution_reason) == (
        Status.PENDING,
        "keep-source",
        "newer and better",
    )
    assert row.replaces_target
    assert shown["status"] == "PENDING"
    (entry,) = read_ledger(repository).entries
    assert (entry.kind, entry.reason, entry.subject["migration_id"]) == (
        "resolution",
        "newer and better",
        number,
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["999", "skip", "--reason", "x"], "error: ID: the manifest has no row '999'"),
        (["001", "skip", "--reason", " "], "error: --reason: is empty"),
        (["001", "skip"], "error: Missing option '--reason'"),
        (["001", "keep", "--reason", "x"], "error: Invalid value for"),
        (["001", "skip", "a/b.py", "--reason", "x"], "error: NEW_PATH: has no meaning with skip"),
        (
            ["001,002", "rename", "a/b.py", "--reason", "x"],
            "error: ID: a path can be given for one row at a time",
        ),
        (
            ["001", "rename", "../../x.py", "--reason", "x"],
            "error: row 001: NEW_PATH '../../x.py' holds `..`",
        ),
    ],
)
def test_wrong_resolutions_change_nothing(
    repository: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["manifest"])
    before = tree(repository)
    capsys.readouterr()
    assert run(["resolve", *arguments]) == 2
    assert capsys.readouterr().err.startswith(expected)
    assert tree(repository) == before


def test_resolve_without_a_manifest_says_what_to_do(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["resolve", "001", "skip", "--reason", "x"]) == 2
    assert "run `hocmig manifest` first" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"# Audit\n", b"\xff\xfe\x00rubbish", b"x" * 100])
def test_a_bad_workbook_changes_nothing(
    repository: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["--quiet", "manifest"])
    before = tree(repository)
    (repository.parent / "bad.md").write_bytes(content)
    capsys.readouterr()
    assert run(["manifest", "--workbook", "../bad.md"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert tree(repository) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",PENDING,", ",DONE,"),
        (f"{ROOT}/account/L5_engines/notification_rules.py,account", "../../etc/passwd,account"),
        ("001,", "002,"),
    ],
)
def test_a_manifest_edited_into_nonsense_is_never_overwritten(
    repository: Path, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["--quiet", "manifest"])
    file = repository / MAP / "MIGRATION_MANIFEST.csv"
    file.write_text(file.read_text().replace(old, new, 1))
    before = tree(repository)
    capsys.readouterr()
    for arguments in (["manifest"], ["status"], ["resolve", "001", "skip", "--reason", "x"]):
        assert run(arguments) == 2
        assert capsys.readouterr().err.startswith(f"error: {MAP}/MIGRATION_MANIFEST.csv:")
    assert tree(repository) == before


def test_a_missing_workbook_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / MAP / "V3_MANUAL_AUDIT_WORKBOOK.md").unlink()
    assert run(["manifest"]) == 2
    assert f"{MAP}/V3_MANUAL_AUDIT_WORKBOOK.md: cannot be read: No such file" in capsys.readouterr().err


def test_status_follows_the_migration(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def status() -> dict[str, object]:
        capsys.readouterr()
        assert run(["--json", "status"]) == 0
        document: dict[str, object] = json.loads(capsys.readouterr().out)
        return document

    first = status()
    assert first["manifest"] is None
    assert first["next"] == {"command": "hocmig manifest", "reason": "there is no manifest yet"}
    run(["--quiet", "manifest"])
    second = status()
    assert len(second["open"]) == 16  # type: ignore[arg-type]
    assert str(second["next"]).startswith("{'command': 'hocmig resolve 002 keep-target")
    for row in manifest(repository):
        if row.status in (Status.CONFLICT, Status.IDENTICAL, Status.UNRESOLVED):
            assert run(["--quiet", "resolve", row.migration_id, "skip", "--reason", "later"]) == 0
    third = status()
    assert third["next"] == {"command": "hocmig validate", "reason": "the plan is not validated yet"}
    assert len(third["ledger"]["entries"]) == 16  # type: ignore[index]
    for name in ("PHASE1_VALIDATION_REPORT.md", "PHASE1_IMPORT_GRAPH.json", "PHASE1_CALLER_MAP.csv"):
        (repository / MAP / name).touch()
    assert status()["next"]["command"] == "hocmig move"  # type: ignore[index]


def test_status_for_people(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["--quiet", "manifest"])
    capsys.readouterr()
    assert run(["status"]) == 0
    output = capsys.readouterr().out
    assert "UNRESOLVED" in output
    assert "Next: hocmig resolve 002" in output


def test_hostile_text_of_the_workbook_stays_text(repository: Path) -> None:
    workbook = repository / MAP / "V3_MANUAL_AUDIT_WORKBOOK.md"
    workbook.write_text(
        "### [x] `logs/a|b`c<img src=x>.py`\n\n**DECISION:** `controls` ⚠️ (MISPLACED)\n"
        "**Reason:** =cmd|' /C calc'!A0 <script>alert(1)</script> [x](javascript:1)\n"
    )
    assert run(["--quiet", "manifest"]) == 1
    summary = (repository / MAP / "MIGRATION_SUMMARY.md").read_text()
    assert "<script>" not in summary
    assert "<img" not in summary.replace("`logs/a\\|b`", "")
    assert ",'=cmd|" in (repository / MAP / "MIGRATION_MANIFEST.csv").read_text()


def test_help_of_all_commands_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("init", "manifest", "resolve", "status"):
        assert run([name, "--help"]) == 0
        assert "Examples:" in capsys.readouterr().out
