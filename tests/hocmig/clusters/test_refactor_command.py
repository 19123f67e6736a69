"""`hocmig refactor` on the sample's two clusters and on small trees, through the real command line."""

from __future__ import annotations

import csv
import io
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
from hocmig.sample.generator import write_sample

ROOT = "backend/app/hoc/cus"
MAP = f"{ROOT}/_domain_map"
CONFIG = "version: 1\nimport_roots: ['.']\ndomain_root: app\nshared_domain: general\n"
Maker = Callable[..., Path]

#: For codemods that are run from any directory.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(hocmig.__file__).parent.parent), "PYTHONSAFEPATH": "1"}


def tree(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not {".hocmig", "__pycache__", "backups", ".pytest_cache"} & set(p.parts)
    }


def suite(root: Path, *paths: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", *paths]
    done = subprocess.run(command, cwd=root / "backend", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refactor") / "repository"
    write_sample(root)
    assert run(["--root", str(root), "init"]) == 0
    return root


@pytest.mark.slow
def test_both_clusters_of_the_plan(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(sample)
    suite(sample, "tests/hoc", "tests/test_import_forms.py")
    capsys.readouterr()
    assert run(["--root", str(sample), "refactor"]) == 0
    assert tree(sample) == before, "a dry run writes nothing"
    assert run(["--root", str(sample), "--json", "refactor", "--execute"]) == 0
    document = json.loads(capsys.readouterr().out.partition("\n{")[2].join(("{", "")))
    assert document["certificate"]["differing"] == []
    suite(sample, "tests/hoc", "tests/test_import_forms.py", "tests/test_every_module.py")
    after = tree(sample)
    for stem in ("evidence_facade", "certificate", "pdf_renderer"):
        assert f"{ROOT}/logs/L5_engines/{stem}.py" not in after
    for path in (
        "logs/L5_engines/export_engine.py",
        "general/L5_dsl/parser.py",
        "general/L5_dsl/__init__.py",
    ):
        assert f"{ROOT}/{path}" in after
    parser = after[f"{ROOT}/general/L5_dsl/parser.py"].decode()
    assert "grammar." not in parser
    assert "def _tokenizer_position(" in parser
    assert "def _position(" in parser
    assert "#: Precedence of the operators" in parser
    rows = list(csv.DictReader(io.StringIO(after[f"{MAP}/PHASE7_REFACTOR_LOG.csv"].decode())))
    assert [(r["cluster_id"], r["original_files"], r["new_files"], r["status"]) for r in rows] == [
        ("logs_export_evidence", "9", "3", "SUCCESS"),
        ("policies_dsl_infrastructure", "7", "3", "SUCCESS"),
    ]
    assert all(int(r["loc_after"]) < int(r["loc_before"]) for r in rows)
    assert "| PDFRenderer |" in after[f"{MAP}/PHASE7_REFACTOR_PLAN.md"].decode()
    assert run(["--root", str(sample), "refactor", "--execute"]) == 0
    assert tree(sample) == after, "a second run changes nothing"
    assert run(["--root", str(sample), "refactor", "--rollback"]) == 0
    left = tree(sample)
    artifacts = {f"{MAP}/PHASE7_REFACTOR_LOG.csv", f"{MAP}/PHASE7_REFACTOR_PLAN.md"}
    assert {p: c for p, c in left.items() if p not in artifacts} == before
    assert "ROLLED_BACK" in left[f"{MAP}/PHASE7_REFACTOR_LOG.csv"].decode()


@pytest.mark.slow
def test_the_codemod_alone_gives_the_same_callers(sample: Path) -> None:
    """RefactorClustersCommand on callers only; files of the clusters stay as they are and are reported."""
    before = tree(sample)
    callers = [
        f"{ROOT}/logs/L5_engines/yearly_audit.py",
        f"{ROOT}/policies/L5_engines/policy_simulation.py",
        "backend/tests/hoc/policies/test_policy_language.py",
    ]
    inside = f"{ROOT}/policies/L5_engines/ast.py"
    command = [
        *(sys.executable, "-m", "libcst.tool", "codemod"),
        *("-x", "codemods.refactor_clusters.RefactorClustersCommand"),
        *("--clusters", str(sample / MAP / "CLUSTER_DEFINITIONS.yaml"), "-j", "1", "--no-format"),
        *(str(sample / path) for path in (*callers, inside)),
    ]
    done = subprocess.run(
        command, cwd=sample.parent, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"CLUSTER001 {inside}" in done.stderr
    alone = tree(sample)
    assert alone[inside] == before[inside]
    assert all(alone[path] != before[path] for path in callers)
    for path in callers:
        (sample / path).write_bytes(before[path])
    assert run(["--root", str(sample), "refactor", "--execute"]) == 0
    whole = tree(sample)
    assert {p: alone[p] for p in callers} == {p: whole[p] for p in callers}
    done = subprocess.run(
        command[:-1], cwd=sample.parent, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert tree(sample) == whole, "twice is the same"
    assert run(["--root", str(sample), "refactor", "--rollback"]) == 0


@pytest.mark.slow
def test_the_draft_names_the_planted_clusters(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["--root", str(sample), "refactor", "--suggest", "--domain", "policies"]) == 0
    text = capsys.readouterr().out
    (sample / MAP / "draft.yaml").write_text(text)
    from analyzers.cluster_definitions import read_clusters

    clusters = read_clusters(sample / MAP / "draft.yaml", ROOT)
    (sample / MAP / "draft.yaml").unlink()
    files = {path.rpartition("/")[2] for path, _ in clusters[0].files}
    assert {"ast.py", "ir_builder.py", "ir_nodes.py", "compiler_parser.py"} <= files


# -- small trees -------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Maker:
    def make(files: Mapping[str, str], clusters: str) -> Path:
        root = tmp_path / "repository"
        texts = {"hocmig.yaml": CONFIG, "app/_domain_map/CLUSTER_DEFINITIONS.yaml": clusters, **files}
        for path, text in texts.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text).lstrip("\n"))
            for folder in target.relative_to(root).parents:
                if path.endswith(".py") and str(folder) != ".":
                    (root / folder / "__init__.py").touch()
        return root

    return make


SMALL = {
    "app/logs/one.py": '''
        # Licence: none
        """One."""

        import os
        import sys  # noqa: F401

        __all__ = ["first", "SEP"]

        # -- separators ----

        SEP = os.sep
        logger = print


        def _help():
            return 1


        def first():
            return _help()


        logger  # keep
        ''',
    "app/logs/two.py": '''
        """Two."""

        from . import one
        from .one import SEP as separator

        logger = print


        def _help():
            return 2


        def second():
            return _help() + one.first()


        def both():
            return separator
        ''',
    "client.py": """
        from app.logs import one, two
        from app.logs.two import second

        RESULT = [second(), one.first(), two.both(), one.SEP, two.logger is one.logger]
        """,
}
JOIN = """
    clusters:
      join:
        domain: logs
        current_files: [one.py, two.py]
        target_structure:
          both.py: [one, two]
    """


def value(root: Path) -> str:
    code = "import client; print(client.RESULT)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_whole_modules_become_one(repository: Maker) -> None:
    root = repository(SMALL, JOIN)
    before = value(root)
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert value(root) == before
    assert (root / "app/logs/both.py").read_text() == textwrap.dedent(
        '''
        """One.

        Two.
        """

        import os
        import sys  # noqa: F401

        __all__ = [
            "first",
            "SEP",
            "logger",
            "second",
            "both",
        ]

        # -- separators ----

        SEP = os.sep
        logger = print


        def _help():
            return 1


        def first():
            return _help()


        logger  # keep


        def _two_help():
            return 2


        def second():
            return _two_help() + first()


        def both():
            return SEP
        '''
    ).lstrip("\n")
    assert not (root / "app/logs/one.py").exists()
    assert "from app.logs import both as one, both as two" in (root / "client.py").read_text()


@pytest.mark.parametrize(
    ("clusters", "line", "problem"),
    [
        ("clusters: {}", 1, "lists no cluster"),
        ("clusters: [a]", 1, "needs one key"),
        ("clusters:\n  a:\n    domain: logs\n    files: []\n", 4, "'files' is no key"),
        (JOIN.replace("two.py]", "absent.py]"), 4, "app/logs/absent.py does not exist"),
        (JOIN.replace("[one, two]", "[one, Nothing]"), 6, "no current file defines Nothing"),
        (JOIN.replace("[one, two]", "[one, first]"), 6, "first is listed twice"),
        (JOIN.replace("[one, two]", "[one, two, one]"), 6, "one is listed twice"),
        (JOIN.replace("[one, two]", "[logger]"), 6, "logger is defined in"),
        (JOIN.replace("both.py:", "../both.py:"), 6, "'../both.py'"),
        (JOIN.replace("both.py:", "other.py:"), 6, "app/logs/other.py exists already"),
        (JOIN.replace("[one, two]", "first"), 6, "has no list of members"),
        (JOIN.replace("domain: logs", "domain: ../x"), 3, "is no domain"),
        ("clusters:\n  a: &x\n    domain: logs\n", 2, ""),
        (
            JOIN.replace("domain: logs", "domain: logs\n        target_domain: lgos"),
            4,
            "there is no folder app/lgos",
        ),
        (JOIN.replace("      join:", '      "jo\\nin":'), 2, "is no name for a cluster"),
        (JOIN.replace("[one, two]", "[one]\n          BOTH.py: [two]"), 5, "differ by case only"),
    ],
)
def test_wrong_definitions_are_one_line_with_a_place(
    repository: Maker, capsys: pytest.CaptureFixture[str], clusters: str, line: int, problem: str
) -> None:
    root = repository({**SMALL, "app/logs/other.py": "X = 1\n"}, clusters)
    before = tree(root)
    assert run(["--root", str(root), "refactor", "--execute"]) == 2
    said = capsys.readouterr().err
    assert f"CLUSTER_DEFINITIONS.yaml:{line}:" in said
    assert problem in said
    assert len(said.strip().splitlines()) == 1
    assert tree(root) == before


def test_public_names_that_clash_are_refused(repository: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**SMALL, "app/logs/two.py": "def first():\n    return 'other'\n"}
    files["client.py"] = "RESULT = 1\n"
    root = repository(files, JOIN)
    assert run(["--root", str(root), "refactor"]) == 2
    assert "define different firsts" in capsys.readouterr().err


def test_targets_that_would_import_each_other_are_refused(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "app/logs/one.py": "def a():\n    return b()\n\n\ndef b():\n    return 1\n\n\n"
        "def c():\n    return a()\n",
        "client.py": "from app.logs.one import c\nRESULT = c()\n",
    }
    clusters = """
        clusters:
          split:
            domain: logs
            current_files: [one.py]
            target_structure:
              x.py: [a]
              y.py: [b, c]
        """
    root = repository(files, clusters)
    before = tree(root)
    assert run(["--root", str(root), "refactor", "--execute"]) == 1
    said = capsys.readouterr().err
    assert "CLUSTER_DEFINITIONS.yaml:6: app/logs/x.py and app/logs/y.py would import each other" in said
    assert {p: c for p, c in tree(root).items() if "PLAN" not in p} == before


def test_a_module_is_split_by_symbols(repository: Maker) -> None:
    files = {
        "app/logs/one.py": '''
            """Everything."""

            import math
            import os


            def area(r):
                return PI * r * r


            PI = math.pi


            class Box:
                """A box."""

                sep = os.sep


            def boxes(n):
                return [Box() for _ in range(n)]
            ''',
        "client.py": """
            import app.logs.one
            from app.logs.one import Box, area

            RESULT = [area(1), Box.sep, len(app.logs.one.boxes(2))]
            """,
    }
    clusters = """
        clusters:
          split:
            domain: logs
            current_files: [one.py]
            target_structure:
              circles.py: [area]
              boxes.py: [Box]
        """
    root = repository(files, clusters)
    before = value(root)
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert value(root) == before
    assert "PI = math.pi" in (root / "app/logs/circles.py").read_text()
    assert "def boxes(n):" in (root / "app/logs/boxes.py").read_text()
    assert not (root / "app/logs/one.py").exists()


def test_a_text_that_names_a_divided_module_is_reported(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found on marshmallow: `automodule` can only name one of the new modules."""
    files = {
        "app/logs/one.py": "class Low:\n    pass\n\n\ndef low():\n    return 1\n\n\n"
        "def high():\n    return 2\n",
        "docs/api.rst": "API\n===\n\n.. automodule:: app.logs.one\n   :members:\n\n"
        ".. autofunction:: app.logs.one.high\n",
    }
    root = repository(files, SPLIT)
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "CLUSTER011" in line]
    assert len(said) == 1
    assert (
        "docs/api.rst:4: names app.logs.one, which is divided into app.logs.lower, app.logs.upper" in said[0]
    )
    text = (root / "docs/api.rst").read_text()
    assert "automodule:: app.logs.lower" in text
    assert "autofunction:: app.logs.upper.high" in text


SPLIT = """
    clusters:
      split:
        domain: logs
        current_files: [one.py]
        target_structure:
          lower.py: [Low, low]
          upper.py: [high]
    """


def test_a_module_name_that_only_led_to_what_left_may_go(repository: Maker) -> None:
    """`from app.logs import one` is replaced when the files that `one` became are imported instead."""
    files = {
        "app/logs/one.py": """
            class Low:
                level = 1


            def low():
                return Low().level


            def high():
                return low() + 1
            """,
        "app/logs/user.py": """
            from app.logs import one


            def use():
                return one.high()
            """,
        "client.py": "from app.logs import user\nRESULT = user.use()\n",
    }
    root = repository(files, SPLIT)
    before = value(root)
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert value(root) == before
    text = (root / "app/logs/user.py").read_text()
    assert "upper" in text
    assert "lower" not in text


VERSIONS = (
    "if sys.version_info > (3,):\n    from math import floor as cut\n"
    "else:\n    from math import ceil as cut\n"
)
FALLBACK = "try:\n    from math import floor as cut\nexcept ImportError:\n    from math import trunc as cut\n"


@pytest.mark.parametrize("block", [VERSIONS, FALLBACK], ids=["versions", "fallback"])
def test_a_choice_of_imports_goes_into_every_file_that_needs_it(repository: Maker, block: str) -> None:
    text = (
        f"import sys\n\n{block}\n\nclass Low:\n    level = cut(1.5)\n\n\ndef low():\n    return Low().level\n"
        "\n\ndef high():\n    return cut(low() + sys.maxsize % 2)\n"
    )
    client = "from app.logs.one import Low, high, low\nRESULT = [Low.level, low(), high()]\n"
    root = repository({"app/logs/one.py": text, "client.py": client}, SPLIT)
    before = value(root)
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert value(root) == before
    for name in ("lower", "upper"):
        assert block in (root / f"app/logs/{name}.py").read_text()


def test_a_cycle_through_others_that_was_there_before_is_no_reason_to_refuse(repository: Maker) -> None:
    """`one` and `friend` import each other at the end; `lower` and `upper` only through `friend`."""
    files = {
        "app/logs/one.py": """
            class Low:
                level = 1


            def low():
                return Low().level + friend.bonus()


            def high():
                return low() + 1


            from app.logs import friend  # noqa: E402
            """,
        "app/logs/friend.py": """
            def bonus():
                return 10


            def highest():
                return one.high()


            from app.logs import one  # noqa: E402
            """,
        "client.py": "from app.logs import one, friend\nRESULT = [one.high(), friend.highest()]\n",
    }
    root = repository(files, SPLIT)
    before = value(root)
    assert run(["--root", str(root), "refactor", "--execute"]) == 0
    assert value(root) == before
