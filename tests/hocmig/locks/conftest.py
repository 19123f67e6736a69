"""A small locked repository, and the sample repository after its migration."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzers.csv_table import read_csv
from hocmig.cli import run
from hocmig.sample.generator import write_sample

CONFIG = """\
version: 1
import_roots: [src]
domain_root: src/app
shared_domain: general
layers:
  order: [L5_engines, L6_drivers]
  banned_names:
    L6_drivers: ["*_engine.py"]
  forbidden_libraries:
    L5_engines: [sqlite3]
  header: '^Layer: (L[0-9])'
"""

MODULE = '''\
"""Module {name}.

Layer: {layer}
"""


def {name}_first(value):
    """The first rule of {name}."""
    return value * {number}


def {name}_second(values):
    total = {number}
    for value in values:
        total += {name}_first(value)
    return total


{upper}_LIMIT = {number}00
{upper}_TEXT = "the {name} of layer {layer} counts {number}"
'''


def module_text(name: str, layer: str, number: int) -> str:
    return MODULE.format(name=name, layer=layer, number=number, upper=name.upper())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three domains with two layers each; not locked yet."""
    root = tmp_path / "repo"
    (root / "src/app").mkdir(parents=True)
    (root / "src/app/__init__.py").write_text("")
    number = 2
    for domain in ("billing", "general", "logs"):
        folder = root / "src/app" / domain
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for layer, names in (("L5_engines", ("plan", "price")), ("L6_drivers", ("store", "reader"))):
            (folder / layer).mkdir()
            (folder / layer / "__init__.py").write_text("")
            for name in names:
                number += 1
                text = module_text(f"{domain}_{name}", layer[:2], number)
                (folder / layer / f"{domain}_{name}.py").write_text(text)
    (root / "hocmig.yaml").write_text(CONFIG)
    (root / "CODEOWNERS").write_text("* @everyone\n/src/app/billing/ @team/billing @ana\n")
    return root


@pytest.fixture
def locked(project: Path) -> Path:
    """The small repository, locked."""
    assert call(project, "lock") == 0
    return project


def call(root: Path, *arguments: str) -> int:
    """The exit code of a hocmig command."""
    return run(["--root", str(root), "--no-progress", "--quiet", *arguments])


@pytest.fixture
def guard(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """Runs `hocmig guard --format json` and gives its findings; checks that the exit code fits them."""

    def look(root: Path, *arguments: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        code = call(root, "guard", "--format", "json", *arguments)
        document = json.loads(capsys.readouterr().out)
        findings: list[dict[str, Any]] = document["findings"]
        assert code == (1 if any(f["severity"] == "error" for f in findings) else 0)
        assert document["passed"] == (code == 0)
        return findings

    return look


def git(root: Path, *arguments: str) -> str:
    """What a git command prints; with an identity, without the user's configuration."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run([*command, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def migrated_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample repository after P0 to P3, its one old layer violation accepted; never changed."""
    root = tmp_path_factory.mktemp("sample") / "repo"
    write_sample(root)
    assert call(root, "init") == 0
    call(root, "manifest")
    assert call(root, "verify", "--write-baseline") == 0
    manifest = next(root.rglob("MIGRATION_MANIFEST.csv"))
    for _, row in read_csv(manifest, ("status",)):
        action = {"CONFLICT": "skip", "UNRESOLVED": "skip", "IDENTICAL": "keep-target"}.get(row["status"])
        if action is not None:
            assert call(root, "resolve", row["migration_id"], action, "--reason", "a test") == 0
    assert call(root, "move", "--execute", "--backup") == 0
    assert call(root, "lock") == 0
    return root


@pytest.fixture
def sample(migrated_sample: Path, tmp_path: Path) -> Path:
    """A copy of the migrated sample."""
    copy = tmp_path / "repo"
    shutil.copytree(migrated_sample, copy, symlinks=True)
    return copy
