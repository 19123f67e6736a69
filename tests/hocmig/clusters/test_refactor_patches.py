"""Patches in tests of modules that a cluster divides, joins or ends: the tests pass afterwards, or it is
refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import hocmig
from hocmig.cli import run

#: For codemods that are run from any directory.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(hocmig.__file__).parent.parent), "PYTHONSAFEPATH": "1"}
CONFIG = "version: 1\nimport_roots: ['.']\ndomain_root: app\nshared_domain: general\n"
ENTRIES = """
    from app.logs.reading import read


    class Entry:
        def __init__(self, value):
            self.value = value


    class LongEntry(Entry):
        pass


    class ShortEntry(Entry):
        pass


    def make(kind):
        return {"long": LongEntry, "short": ShortEntry}.get(kind, Entry)(read())


    def load():
        return read()
    """
READING = "def read():\n    return 'real'\n"
SPLIT = """
    clusters:
      split:
        domain: logs
        current_files: [entries.py]
        target_structure:
          entry_types.py: [Entry, LongEntry]
          entry_short.py: [ShortEntry]
          entry_maker.py: [make]
          entry_loader.py: [load]
    """
TEST = """
    from unittest.mock import patch

    from app.logs import entries
    from app.logs.entries import load, make


    @patch("app.logs.entries.read", return_value="fake")
    @patch("app.logs.entries.LongEntry")
    @patch("app.logs.entries.Entry")
    def test_make(entry, long, _):
        assert make("long") is long.return_value
        assert make("other") is entry.return_value
        assert entries.make("short").value == "fake"


    def test_load():
        with patch("app.logs.entries.read", return_value="fake"):
            assert load() == "fake"
    """
Maker = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def repository(tmp_path: Path) -> Maker:
    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "repository"
        for path, text in {"hocmig.yaml": CONFIG, **files}.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text).lstrip("\n"))
            for folder in target.relative_to(root).parents:
                if path.endswith(".py") and str(folder) != ".":
                    (root / folder / "__init__.py").touch()
        return root

    return make


def passed(root: Path) -> str:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[-1].partition(" in ")[0]


def split(test: str) -> dict[str, str]:
    return {
        "app/_domain_map/CLUSTER_DEFINITIONS.yaml": SPLIT,
        "app/logs/entries.py": ENTRIES,
        "app/logs/reading.py": READING,
        "tests/test_entries.py": test,
        "conftest.py": "",
    }


def test_patches_follow_what_the_tests_run(repository: Maker) -> None:
    """Found on python-docx: strings named where the classes went, not where the function looks them up."""
    root = repository(split(TEST))
    assert passed(root) == "2 passed"
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    text = (root / "tests/test_entries.py").read_text()
    for place in ("entry_maker.read", "entry_maker.LongEntry", "entry_maker.Entry", "entry_loader.read"):
        assert f'patch("app.logs.{place}"' in text
    assert passed(root) == "2 passed"


def test_a_patch_that_cannot_follow_stops_the_refactoring(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    test = """
        from unittest.mock import patch

        from app.logs.entries import load, make


        def test_both():
            with patch("app.logs.entries.read", return_value="fake"):
                assert [load(), make("long").value] == ["fake", "fake"]
        """
    root = repository(split(test))
    before = {p: p.read_bytes() for p in root.rglob("*.py")}
    assert run(["--root", str(root), "--json", "refactor", "--execute"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    (said,) = [f for f in findings if f["code"] == "SYMBOL008"]
    assert (said["path"], said["line"], said["severity"]) == ("tests/test_entries.py", 7, "error")
    assert "app.logs.entry_loader.read and as app.logs.entry_maker.read" in said["message"]
    assert {p: p.read_bytes() for p in root.rglob("*.py")} == before
    assert run(["--root", str(root), "refactor", "--plan"]) == 1
    assert "SYMBOL008" in (root / "app/_domain_map/PHASE7_REFACTOR_PLAN.md").read_text()
    assert run(["--root", str(root), "refactor", "--execute", "--allow", "SYMBOL008"]) == 0


def test_patches_of_joined_modules_follow_them(repository: Maker) -> None:
    """Two modules look one name up; both become one, in which it is looked up once."""
    test = """
        from unittest.mock import patch

        from app.logs import one, two


        def test_all():
            with patch("app.logs.one.read", return_value="fake"):
                assert one.first() == "fake"
            with patch("app.logs.two.read", return_value="fake"):
                assert two.second() == "fake"
            with patch("app.logs.two._name", return_value="fake"):
                assert two.third() == "fake"
            with patch("app.logs.one._name", return_value="fake"):
                assert one.fourth() == "fake"
        """
    module = (
        "from .reading import read\n\n\ndef {}():\n    return read()\n\n\ndef _name():\n    return {!r}\n"
    )
    module += "\n\ndef {}():\n    return _name()\n"
    root = repository(
        {
            "app/_domain_map/CLUSTER_DEFINITIONS.yaml": "clusters:\n  join:\n    domain: logs\n"
            "    current_files: [one.py, two.py]\n    target_structure:\n      both.py: [one, two]\n",
            "app/logs/one.py": module.format("first", "one", "fourth"),
            "app/logs/two.py": module.format("second", "two", "third"),
            "app/logs/reading.py": READING,
            "tests/test_both.py": test,
            "conftest.py": "",
        }
    )
    assert passed(root) == "1 passed"
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert passed(root) == "1 passed"
    text = (root / "tests/test_both.py").read_text()
    assert 'patch("app.logs.both._two_name"' in text
    assert 'patch("app.logs.both._name"' in text


def test_patches_of_names_that_joined_modules_import_from_each_other(repository: Maker) -> None:
    """Found on python-docx: `styles` looks up a class of `latent`, and both become one module."""
    test = """
        from unittest.mock import patch

        from app.logs.two import second


        def test_second():
            with patch("app.logs.two.first", return_value="fake"):
                assert second() == "fake"
        """
    root = repository(
        {
            "app/_domain_map/CLUSTER_DEFINITIONS.yaml": "clusters:\n  join:\n    domain: logs\n"
            "    current_files: [one.py, two.py]\n    target_structure:\n      both.py: [one, two]\n",
            "app/logs/one.py": "def first():\n    return 1\n",
            "app/logs/two.py": "from app.logs.one import first\n\n\ndef second():\n    return first()\n",
            "tests/test_both.py": test,
            "conftest.py": "",
        }
    )
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert 'patch("app.logs.both.first"' in (root / "tests/test_both.py").read_text()
    assert passed(root) == "1 passed"


def test_a_patched_name_that_two_joined_modules_import_from_two_places_is_refused(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of the imports gets an alias in the joined module, which no string names."""
    test = """
        from unittest.mock import patch

        from app.logs.one import first


        def test_first():
            with patch("app.logs.one.read", return_value="fake"):
                assert first() == "fake"
        """
    root = repository(
        {
            "app/_domain_map/CLUSTER_DEFINITIONS.yaml": "clusters:\n  join:\n    domain: logs\n"
            "    current_files: [one.py, two.py]\n    target_structure:\n      both.py: [one, two]\n",
            "app/logs/reading.py": READING,
            "app/logs/writing.py": READING,
            "app/logs/one.py": "from app.logs.reading import read\n\n\ndef first():\n    return read()\n",
            "app/logs/two.py": "from app.logs.writing import read\n\n\ndef second():\n    return read()\n",
            "tests/test_both.py": test,
        }
    )
    assert run(["--root", str(root), "refactor", "--execute"]) == 1
    assert "SYMBOL008 tests/test_both.py:7" in capsys.readouterr().err


def test_the_codemod_alone_lets_patches_follow_like_the_phase(repository: Maker) -> None:
    root = repository(split(TEST))
    test = root / "tests/test_entries.py"
    before = test.read_bytes()
    command = [
        *(sys.executable, "-m", "libcst.tool", "codemod"),
        *("-x", "codemods.refactor_clusters.RefactorClustersCommand"),
        *("--clusters", str(root / "app/_domain_map/CLUSTER_DEFINITIONS.yaml"), "-j", "1", "--no-format"),
        str(test),
    ]
    found = []
    for _ in range(2):
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found.append(test.read_bytes())
    assert found[0] == found[1], "twice is the same"
    test.write_bytes(before)
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert test.read_bytes() == found[0]
    assert subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False).returncode == 0
    assert test.read_bytes() == found[0], "afterwards it changes nothing"


def test_the_codemod_alone_says_in_one_line_that_there_is_no_file(tmp_path: Path) -> None:
    """And does not read the folder that the file would be in."""
    (tmp_path / "client.py").write_text("X = 1\n")
    for option, name in (("clusters", "refactor_clusters"), ("candidates", "consolidate_duplicates")):
        command = "RefactorClustersCommand" if option == "clusters" else "ConsolidateDuplicatesCommand"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "libcst.tool", "codemod", "-x", f"codemods.{name}.{command}"),
                *(f"--{option}", "/none.file", "-j", "1", "--no-format", str(tmp_path / "client.py")),
            ],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "/none.file: does not exist; check the path" in done.stderr
        assert "Traceback" not in done.stderr
