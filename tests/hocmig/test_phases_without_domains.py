"""P6 and P7 in a repository without domains and without a configured folder for artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocmig.cli import run

HELPER = """
def key_of(first, second, third):
    parts = []
    for part in (first, second, third):
        text = str(part).strip().lower()
        if text and text not in parts:
            parts.append(text)
    if not parts:
        raise ValueError("a key needs a part")
    return "/".join(parts)
""".lstrip()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, text in {
        "app/__init__.py": "",
        "app/keys.py": HELPER,
        "app/copied.py": HELPER,
        "app/user.py": "from app.copied import key_of\nKEY = key_of(1, 2, 3)\n",
        "app/other.py": "from app.keys import key_of\nKEY = key_of(1, 2, 3)\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    return tmp_path


def sources(root: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in sorted(root.glob("app/*.py"))}


def test_consolidation_writes_its_log_and_goes_back(root: Path) -> None:
    before = sources(root)
    assert run(["duplicates"]) == 0
    assert run(["consolidate", "--execute", "--all"]) == 0
    after = sources(root)
    assert after["user.py"].replace("copied", "keys") == after["other.py"].replace("copied", "keys")
    assert len({"keys.py", "copied.py"} & after.keys()) == 1
    log = root / ".hocmig/artifacts/PHASE6_CONSOLIDATION_LOG.csv"
    assert "SUCCESS" in log.read_text()
    assert run(["consolidate", "--rollback"]) == 0
    assert sources(root) == before


def test_a_cluster_writes_its_log_and_goes_back(root: Path) -> None:
    before = sources(root)
    definitions = root / ".hocmig/artifacts/CLUSTER_DEFINITIONS.yaml"
    definitions.parent.mkdir(parents=True, exist_ok=True)
    definitions.write_text(
        "clusters:\n  both:\n    current_files: [app/user.py, app/other.py]\n"
        "    target_structure:\n      app/users.py: [user:KEY]\n      app/others.py: [other:KEY]\n"
    )
    assert run(["refactor", "--execute"]) == 0
    assert {"users.py", "others.py"} <= sources(root).keys()
    assert "both" in (root / ".hocmig/artifacts/PHASE7_REFACTOR_LOG.csv").read_text()
    assert run(["refactor", "--rollback"]) == 0
    assert sources(root) == before
