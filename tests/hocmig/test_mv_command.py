"""`hocmig mv` through the command line, on small repositories."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hocmig import relocation_preparation
from hocmig.cli import run
from hocmig.codemod_runner import CodemodResult

FILES = {
    "hocmig.yaml": "version: 1\nimport_roots: [.]\n",
    "app/__init__.py": "",
    "app/a/__init__.py": "",
    "app/a/one.py": "VALUE = 1\n",
    "app/a/two.py": "from app.a.one import VALUE\n\nDOUBLE = 2 * VALUE\n",
    "app/client.py": "from app.a import one, two\n\nSUM = one.VALUE + two.DOUBLE\n",
}


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def tree(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and ".hocmig" not in p.parts
    }


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    write(root, FILES)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    "rows",
    [
        ["app/a/one.py,app/b/one.py", "app/a/two.py,app/b/sub/two.py"],
        ["app.a.one,app.b.one", "app.a.two,app.b.sub.two"],
        ["app/a,app/b"],
        ["app.a,app.b"],
    ],
)
def test_a_second_run_of_the_same_table_changes_nothing(
    repository: Path, tmp_path: Path, rows: list[str]
) -> None:
    table = tmp_path / "moves.csv"
    table.write_text("\n".join(["old_path,new_path", *rows, ""]))
    assert run(["mv", "--map", str(table), "--execute"]) == 0
    once = tree(repository)
    assert "app/b/one.py" in once
    assert run(["mv", "--map", str(table), "--execute"]) == 0
    assert tree(repository) == once


def test_a_half_carried_out_table_converges(repository: Path, tmp_path: Path) -> None:
    table = tmp_path / "moves.csv"
    table.write_text("old_path,new_path\napp/a/one.py,app/b/one.py\napp/a/two.py,app/b/two.py\n")
    (repository / "app/b").mkdir()
    (repository / "app/b/__init__.py").write_text("")
    (repository / "app/a/one.py").rename(repository / "app/b/one.py")
    assert run(["mv", "--map", str(table), "--execute"]) == 0
    after = tree(repository)
    assert "app/a/two.py" not in after
    assert after["app/client.py"] == b"from app.b import one, two\n\nSUM = one.VALUE + two.DOUBLE\n"
    assert after["app/b/two.py"] == b"from app.b.one import VALUE\n\nDOUBLE = 2 * VALUE\n"


def test_what_is_at_neither_place_is_still_an_error(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["mv", "app/a/none.py", "app/b/none.py", "--execute"]) == 2
    assert "there is no such Python file" in capsys.readouterr().err


def test_json_is_one_document_with_the_findings(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "mv", "app.a.one", "app.b.one", "--execute"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["moved"] == [{"old_path": "app/a/one.py", "new_path": "app/b/one.py"}]
    assert document["certificate"]["differing"] == []


def test_the_certificate_of_a_transaction_is_kept(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--json", "mv", "app.a.one", "app.b.one", "--execute"]) == 0
    document = json.loads(capsys.readouterr().out)
    kept = json.loads((repository / f".hocmig/certificates/{document['transaction']}.json").read_text())
    assert kept["relocations"] == ["app.a.one -> app.b.one"]
    assert kept["bindings"] == kept["equal"] > 0
    assert {k: kept[k] for k in document["certificate"]} == document["certificate"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"from app.b.one import VALUE", b"from app.b.one import VALUES"),
        (b"from app.b.one import VALUE", b"from app.b.one import OTHER as VALUE"),
        (b"from app.b.one import VALUE", b"VALUE = 1"),
        (b"from app.b import one", b"from app.b import two as one"),
    ],
)
def test_a_damaged_rewriting_is_found_and_refused(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: bytes,
    new: bytes,
) -> None:
    write(repository, {"app/a/one.py": "VALUE = 1\nOTHER = 2\n", "app/b/__init__.py": "", "app/b/two.py": ""})
    before = tree(repository)
    honest = relocation_preparation.run_codemod
    damaged = []

    def damage(*args: Any, **options: Any) -> CodemodResult:
        result = honest(*args, **options)
        contents = {path: content.replace(old, new) for path, content in result.contents.items()}
        damaged.append(contents != result.contents)
        return replace(result, contents=contents)

    monkeypatch.setattr(relocation_preparation, "run_codemod", damage)
    code = run(["mv", "app.a.one", "app.b.one", "--execute"])
    assert damaged == [True]
    assert code == 4
    assert tree(repository) == before
    shown = capsys.readouterr()
    assert "PROOF001" in shown.out + shown.err


QUEUE = """\
TASKS = {}


def task(function=None, *, name=None, **options):
    if function is None:
        return lambda f: task(f, name=name, **options)
    TASKS[name or f"{function.__module__}.{function.__name__}"] = options
    return function


shared_task = task


class Task:
    name = None

    def __init_subclass__(cls):
        TASKS[cls.name or f"{cls.__module__}.{cls.__name__}"] = {}
"""

TASKS = """\
import queueing
from queueing import Task, shared_task, task


@task
def bare(): ...


@queueing.task()
def called(): ...


@shared_task(bind=True, retries=(3))
def with_options(): ...


@shared_task(
    bind=True,  # the task itself
    retries=(3),  # (three)
)
def on_lines(): ...


@task(name="mine")
def named(): ...


class Report(Task):
    \"\"\"A report.\"\"\"

    retries = 3


class Plain(Task):
    @property
    def retries(self): ...
"""


def names_of(root: Path, module: str) -> list[str]:
    code = f"import sys; sys.path.insert(0, '.'); import {module}, queueing; print(*sorted(queueing.TASKS))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_pinned_tasks_keep_their_names(
    repository: Path, newline: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, {"queueing.py": QUEUE})
    (repository / "app/a/jobs.py").write_bytes(TASKS.replace("\n", newline).encode())
    before = names_of(repository, "app.a.jobs")
    assert run(["--json", "mv", "app.a.jobs", "app.b.jobs", "--execute", "--pin-names"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [f for f in document["findings"] if f["code"] == "IDENT001"] == []
    assert names_of(repository, "app.b.jobs") == before
    moved = (repository / "app/b/jobs.py").read_bytes()
    assert moved.count(newline.encode()) == moved.count(b"\n")
    assert run(["mv", "app.a.jobs", "app.b.jobs", "--execute", "--pin-names"]) == 0
    assert (repository / "app/b/jobs.py").read_bytes() == moved


@pytest.mark.parametrize(
    "code",
    [
        "from rq import job\n@job\ndef f(): ...\n",
        "from q import task, OPTIONS\n@task(**OPTIONS)\ndef f(): ...\n",
        "from q import Task\nclass T(Task): pass\n",
    ],
)
def test_what_cannot_be_pinned_is_still_reported(
    repository: Path, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, {"app/a/jobs.py": code})
    assert run(["--json", "mv", "app.a.jobs", "app.b.jobs", "--execute", "--pin-names"]) == 0
    assert "IDENT001" in [f["code"] for f in json.loads(capsys.readouterr().out)["findings"]]
    assert (repository / "app/b/jobs.py").read_text() == code


def test_pinned_application_keeps_its_label(repository: Path) -> None:
    text = "from django.apps import AppConfig\n\n\nclass Billing(AppConfig):\n    verbose_name = 'Bills'\n"
    write(repository, {"app/a/apps.py": text})
    assert run(["mv", "app.a.apps", "app.b.apps", "--execute", "--pin-names"]) == 0
    wanted = text.replace("    verbose", '    label = "a"\n    verbose')
    assert (repository / "app/b/apps.py").read_text() == wanted


@pytest.mark.parametrize("decorator", ["@task", '@task(name="app.a.jobs.clean")'])
def test_settings_go_on_naming_a_pinned_task(repository: Path, decorator: str) -> None:
    schedule = "beat:\n  clean:\n    task: app.a.jobs.clean\n  module: app.a.jobs\n"
    settings = (
        'TASKS = ["app.a.jobs"]\nROUTES = {"app.a.jobs.clean": {}}\nJOB = {"task": "app.a.jobs.clean"}\n'
    )
    write(
        repository,
        {
            "queueing.py": QUEUE,
            "app/a/jobs.py": f"from queueing import task\n\n\n{decorator}\ndef clean(): ...\n",
            "beat.yaml": schedule,
            "settings.py": settings,
        },
    )
    for _ in range(2):
        command = ["mv", "app.a.jobs", "app.b.jobs", "--execute", "--pin-names", "--references", "likely"]
        assert run(command) == 0
        wanted = schedule.replace("module: app.a.jobs", "module: app.b.jobs")
        assert (repository / "beat.yaml").read_text() == wanted
        assert (repository / "settings.py").read_text() == settings.replace('"app.a.jobs"', '"app.b.jobs"')
        assert names_of(repository, "app.b.jobs") == ["app.a.jobs.clean"]


def test_rollback_takes_the_last_moves_back_one_by_one(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = tree(repository)
    assert run(["mv", "app.a.one", "app.b.one", "--execute", "--backup"]) == 0
    once = without_backups(repository)
    assert run(["mv", "app.a.two:DOUBLE", "app.b.two:TWICE", "--execute", "--backup"]) == 0
    (repository / "app/client.py").write_text((repository / "app/client.py").read_text() + "MINE = 1\n")
    assert run(["mv", "--rollback"]) == 2
    assert run(["mv", "--rollback", "--force"]) == 0
    assert without_backups(repository) == once
    assert run(["mv", "--rollback"]) == 0
    assert without_backups(repository) == start
    assert run(["mv", "--rollback"]) == 2
    assert "knows no transaction of mv" in capsys.readouterr().err


def test_an_archive_of_mv_can_be_named(repository: Path) -> None:
    start = tree(repository)
    assert run(["mv", "app.a.one", "app.b.one", "--execute", "--backup"]) == 0
    (archive,) = (repository / "backups").glob("*.tar.gz")
    assert run(["move", "--rollback", "--backup", str(archive)]) == 0
    assert without_backups(repository) == start


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rollback", "app.a.one", "app.b.one"], "give it alone"),
        (["--force", "app.a.one", "app.b.one"], "belongs to --rollback"),
        (["--rollback"], "knows no transaction of mv"),
    ],
)
def test_options_that_do_not_go_together(
    repository: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["mv", *arguments]) == 2
    assert said in capsys.readouterr().err


def without_backups(root: Path) -> dict[str, bytes]:
    return {path: content for path, content in tree(root).items() if not path.startswith("backups/")}
