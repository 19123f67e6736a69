"""`hocmig move` on the sample: what it carries out, what it leaves, and what it writes besides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hocmig.cli import run
from hocmig.sample.generator import write_sample

MAP = "backend/app/hoc/cus/_domain_map"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repo with ümlaut"
    write_sample(root)
    monkeypatch.chdir(root)
    assert run(["init"]) == 0
    assert run(["manifest"]) == 1
    return root


def test_open_rows_are_named_and_one_file_leaves_its_certificate(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "activity/L6_drivers/threshold_driver.py"
    capsys.readouterr()
    assert run(["--json", "move", "--execute", "--file", source]) == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert [move["old_path"] for move in document["moved"]] == [f"backend/app/hoc/cus/{source}"]
    assert "16 rows wait for a decision" in shown.err
    certificate = json.loads((repository / MAP / "PHASE2_CERTIFICATE.json").read_text())
    assert certificate["relocations"] == [
        "app.hoc.cus.activity.L6_drivers.threshold_driver -> app.hoc.cus.controls.L6_drivers.threshold_driver"
    ]
    assert certificate["differing"] == []
    assert certificate["equal"] + len(certificate["unprovable"]) == certificate["bindings"] > 0


def test_data_moves_along_and_a_rollback_brings_it_back(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "backend/app/hoc/cus/activity/L6_drivers/threshold_driver.py"
    target = "backend/app/hoc/cus/controls/L6_drivers/"
    data = (repository / source).with_name("limits.sql")
    data.write_text("select 1\n")
    text = (repository / source).read_text()
    reading = 'LIMITS = pathlib.Path(__file__).with_name("limits.sql").read_text()\n'
    (repository / source).write_text(f"{text}\nimport pathlib\n\n{reading}")
    assert run(["manifest"]) == 1
    capsys.readouterr()
    options = ["--file", "activity/L6_drivers/threshold_driver.py", "--with-data", "--execute", "--backup"]
    assert run(["--json", "move", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    moved = document["moved"]
    assert [f["message"] for f in document["findings"] if f["code"].startswith("DATA")] == []
    assert {m["new_path"] for m in moved} == {f"{target}threshold_driver.py", f"{target}limits.sql"}
    assert (repository / target / "limits.sql").read_text() == "select 1\n"
    assert not data.exists()
    assert run(["move", "--rollback"]) == 0
    assert data.read_text() == "select 1\n"
    assert not (repository / target / "limits.sql").exists()
