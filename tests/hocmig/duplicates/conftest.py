"""The copies that all tests of `hocmig duplicates` plant, and how its results are read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hocmig.cli import run

CONFIG = "version: 1\nimport_roots: [src]\ndomain_root: src/app\nshared_domain: general\n"
MAP = "src/app/_domain_map"
COPY = """\
def key_of(record, prefix="k"):
    parts = [prefix]
    for field in record.fields:
        if field.value is None:
            continue
        parts.append(field.name.lower())
        parts.append(str(field.value).strip())
    text = ":".join(parts)
    record.cache(text, len(parts))
    return text
"""
DRIFTED = COPY.replace("            continue\n", "            record.skip(field)\n            continue\n")


@dataclass(frozen=True)
class Planted:
    """A repository to plant copies in: `copy` is a function, `drifted` the same with one line more."""

    root: Path
    capsys: pytest.CaptureFixture[str]
    config: str = CONFIG
    copy: str = COPY
    drifted: str = DRIFTED

    @property
    def map(self) -> Path:
        return self.root / MAP

    def write(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def remove(self, *paths: str) -> None:
        for path in paths:
            (self.root / path).unlink()

    def rows(self, name: str = "PHASE5_DUPLICATE_REPORT.csv", folder: str = MAP) -> list[dict[str, str]]:
        with (self.root / folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def summary(self) -> str:
        return (self.map / "PHASE5_DUPLICATE_SUMMARY.md").read_text(encoding="utf-8")

    def document(self, *arguments: str) -> dict[str, Any]:
        """What `hocmig --json duplicates` prints."""
        self.capsys.readouterr()
        run(["--json", "duplicates", *arguments])
        found: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return found

    def printed(self) -> str:
        return self.capsys.readouterr().out

    def warned(self) -> str:
        return self.capsys.readouterr().err


@pytest.fixture
def copied() -> str:
    """A function of ten lines that occurs in more than one place."""
    return COPY


@pytest.fixture
def planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[dict[str, str]], Planted]:
    """Plants files beside a configuration with domains, and goes there."""

    def plant(files: dict[str, str]) -> Planted:
        found = Planted(tmp_path, capsys)
        found.write({"hocmig.yaml": CONFIG, **files})
        monkeypatch.chdir(tmp_path)
        return found

    return plant
