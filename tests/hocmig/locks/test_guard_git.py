"""`guard --base`: what a branch did since it left another one, by git and by the locks as they were there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hocmig.cli import run

Guard = Callable[..., list[dict[str, Any]]]
CHECKOUT = Path(__file__).resolve().parents[3]
STORE = "src/app/logs/L6_drivers/logs_store.py"


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run([*command, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(locked: Path) -> Path:
    """The locked project in git, on a branch `work` that begins at `main`."""
    _git(locked, "init", "-q")
    _git(locked, "add", "-A")
    _git(locked, "commit", "-qm", "locked")
    _git(locked, "checkout", "-qb", "work")
    return locked


def _commit(root: Path) -> None:
    _git(root, "add", "-A")
    _git(root, "commit", "-qm", "change")


def _codes(findings: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(f["code"], f["path"]) for f in findings]


def test_a_clean_branch_passes(repository: Path, guard: Guard) -> None:
    (repository / "src/app/logs/L6_drivers/logs_new.py").write_text("X = 1\n")
    _commit(repository)
    assert guard(repository, "--base", "main") == []


def test_a_deletion_that_was_locked_by_hand_is_found(repository: Path, guard: Guard) -> None:
    """Deleting the lock and locking anew makes the present state look right; the base knows better."""
    (repository / STORE).unlink()
    for path in (repository / "src/app/_domain_map").iterdir():
        path.unlink()
    assert run(["--root", str(repository), "--quiet", "lock"]) == 0
    _commit(repository)
    assert guard(repository) == []
    assert _codes(guard(repository, "--base", "main")) == [("GUARD002", STORE)]


def test_an_approved_deletion_passes(repository: Path, guard: Guard) -> None:
    (repository / STORE).unlink()
    assert run(["--root", str(repository), "--quiet", "lock", "--approve-by", "ana", "--reason", "gone"]) == 0
    _commit(repository)
    assert guard(repository, "--base", "main") == []


def test_git_finds_a_rename_that_is_too_different_for_the_sketch(repository: Path, guard: Guard) -> None:
    old, new = repository / STORE, repository / "src/app/billing/L6_drivers/place.py"
    long_line = "    return " + " + ".join(f"value{n}" for n in range(60)) + "\n"
    old.write_text("def big():\n" + long_line + "".join(f"A{n} = {n}\n" for n in range(10)))
    assert run(["--root", str(repository), "--quiet", "lock"]) == 0
    _commit(repository)
    _git(repository, "checkout", "-qB", "main")
    _git(repository, "checkout", "-qb", "more")
    new.write_text("def big():\n" + long_line + "".join(f"B{n} = {n}\n" for n in range(10)))
    old.unlink()
    _commit(repository)
    assert _codes(guard(repository)) == [("GUARD002", STORE)]
    found = guard(repository, "--base", "main")
    assert ("GUARD003", STORE) in _codes(found)


def test_what_the_base_branch_did_later_does_not_count(repository: Path, guard: Guard) -> None:
    _git(repository, "checkout", "-q", "main")
    (repository / "src/app/logs/L6_drivers/logs_later.py").write_text("X = 1\n")
    assert run(["--root", str(repository), "--quiet", "lock"]) == 0
    _commit(repository)
    _git(repository, "checkout", "-q", "work")
    assert guard(repository, "--base", "main") == []


def test_moves_by_the_tool_pass(repository: Path, guard: Guard) -> None:
    new = "src/app/general/L6_drivers/logs_store.py"
    assert run(["--root", str(repository), "--quiet", "mv", STORE, new, "--execute"]) == 0
    assert run(["--root", str(repository), "--quiet", "lock"]) == 0
    _commit(repository)
    assert guard(repository, "--base", "main") == []


LAYER = "src/app/general/L5_rating"
CLUSTERS = """\
clusters:
  plans:
    domain: billing
    current_files: [L5_engines/billing_plan.py, L5_engines/billing_price.py]
    target_domain: general
    target_structure:
      L5_rating/rating.py: [billing_plan, billing_price]
"""


def test_a_layer_that_a_cluster_made_after_the_lock_passes(repository: Path, guard: Guard) -> None:
    """The base does not know the folder; the ledger says that the locks followed with the files."""
    (repository / "src/app/_domain_map/CLUSTER_DEFINITIONS.yaml").write_text(CLUSTERS)
    assert run(["--root", str(repository), "--quiet", "refactor", "--execute"]) == 0
    _commit(repository)
    assert guard(repository) == []
    assert guard(repository, "--base", "main") == []
    (repository / LAYER / "tariff.py").write_text("X = 1\n")
    assert guard(repository, "--base", "main") == [], "the domain has that layer now"
    assert run(["--root", str(repository), "--quiet", "refactor", "--rollback"]) == 0
    found = _codes(guard(repository, "--base", "main"))
    assert found == [("GUARD001", f"{LAYER}/tariff.py")], "and now no more"


def test_a_layer_that_a_move_made_needs_an_approval(repository: Path, guard: Guard) -> None:
    goal = f"{LAYER}/logs_store.py"
    assert run(["--root", str(repository), "--quiet", "mv", STORE, goal, "--execute"]) == 0
    found = [("GUARD001", f"{LAYER}/__init__.py"), ("GUARD001", goal)]
    assert _codes(guard(repository)) == found
    assert _codes(guard(repository, "--base", "main")) == found
    assert run(["--root", str(repository), "--quiet", "lock"]) == 1
    assert run(["--root", str(repository), "--quiet", "lock", "--approve-by", "ana", "--reason", "new"]) == 0
    _commit(repository)
    assert guard(repository, "--base", "main") == []


def test_a_layer_that_was_locked_by_hand_is_found(repository: Path, guard: Guard) -> None:
    (repository / LAYER).mkdir()
    (repository / LAYER / "tariff.py").write_text("X = 1\n")
    for path in (repository / "src/app/_domain_map").iterdir():
        path.unlink()
    assert run(["--root", str(repository), "--quiet", "lock"]) == 0
    _commit(repository)
    assert guard(repository) == []
    assert _codes(guard(repository, "--base", "main")) == [("GUARD001", f"{LAYER}/tariff.py")]


def test_the_first_lock_passes(project: Path, guard: Guard) -> None:
    _git(project, "init", "-q")
    _commit(project)
    _git(project, "checkout", "-qb", "work")
    assert run(["--root", str(project), "--quiet", "lock"]) == 0
    _commit(project)
    assert guard(project, "--base", "main") == []


@pytest.mark.parametrize("revision", ["nowhere", "--output=evil", "-h", "main:src", "HEAD^{tree}"])
def test_a_revision_that_is_none_is_a_finding(revision: str, repository: Path, guard: Guard) -> None:
    findings = guard(repository, f"--base={revision}")
    assert [f["code"] for f in findings] == ["GIT001"]
    assert revision in findings[0]["message"]
    assert not (repository / "evil").exists()


def test_without_git_it_is_a_finding(locked: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [f["code"] for f in guard(locked, "--base", "main")] == ["GIT001"]
    monkeypatch.setenv("PATH", "/nowhere")
    findings = guard(locked, "--base", "main")
    assert [f["code"] for f in findings] == ["GIT001"]
    assert "git could not be started" in findings[0]["message"]


def test_a_shallow_clone_is_a_finding_that_says_so(repository: Path, guard: Guard, tmp_path: Path) -> None:
    for number in range(3):
        (repository / "src/app/logs/L6_drivers/logs_new.py").write_text(f"X = {number}\n")
        _commit(repository)
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "work", f"file://{repository}", str(clone))
    _git(clone, "fetch", "-q", "--depth", "1", "origin", "main:main")
    (finding,) = guard(clone, "--base", "main")
    assert finding["code"] == "GIT001"
    assert "fetch-depth: 0" in finding["message"]
    _git(clone, "fetch", "-q", "--unshallow", "origin")
    assert guard(clone, "--base", "main") == []


def test_hooks_and_monitors_of_the_repository_do_not_run(repository: Path, guard: Guard) -> None:
    evil = repository / ".git/evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {repository}/ran\n")
    evil.chmod(0o755)
    _git(repository, "config", "core.fsmonitor", str(evil))
    _git(repository, "config", "diff.external", str(evil))
    (repository / STORE).write_text("X = 1\n")
    guard(repository, "--base", "main")
    assert not (repository / "ran").exists()


def test_the_published_hook_works_in_a_git_hook(repository: Path) -> None:
    """The entry of .pre-commit-hooks.yaml, run as git's own pre-commit hook in a clone."""
    hooks = {hook["id"]: hook for hook in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())}
    hook = hooks["hocmig-guard"]
    assert hook["pass_filenames"] is False
    assert hook["always_run"] is True
    entry = hook["entry"].split()
    assert entry[0] == "hocmig"
    script = repository / ".git/hooks/pre-commit"
    command = " ".join([f"PYTHONPATH={CHECKOUT}", sys.executable, "-m", *entry])
    script.write_text(f"#!/bin/sh\nexec env {command}\n")
    script.chmod(0o755)
    (repository / "src/app/logs/L6_drivers/logs_new.py").write_text("X = 1\n")
    _commit(repository)
    (repository / STORE).unlink()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        _commit(repository)
    assert "GUARD002" in refused.value.stdout + refused.value.stderr


def test_the_ci_snippet_runs(repository: Path) -> None:
    """The commands of the workflow in docs/guard.md, run as they stand there."""
    page = (CHECKOUT / "docs/guard.md").read_text()
    workflow = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    steps = [step["run"] for step in workflow["jobs"]["guard"]["steps"] if "hocmig" in step.get("run", "")]
    commands = [line for step in steps for line in step.splitlines() if line.startswith("hocmig")]
    assert commands
    (repository / STORE).unlink()
    _commit(repository)
    for command in commands:
        words = command.replace("origin/${{ github.base_ref }}", "main").partition(" > ")[0].split()
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=repository,
            env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        if "sarif" in command:
            assert json.loads(done.stdout)["version"] == "2.1.0"
        else:
            assert f"::error file={STORE}" in done.stdout
