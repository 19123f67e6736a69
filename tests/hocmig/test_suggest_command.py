"""`hocmig suggest` on the command line: the table, JSON, the draft, its way into the manifest, bad input."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.audit_decision import DecisionKind
from analyzers.audit_workbook import parse_workbook
from analyzers.misplacement.suggestions import Suggestion
from hocmig.cli import run
from hocmig.suggestion_draft import can_be_recorded, render_draft, target_of

CONFIG = "version: 1\nimport_roots: ['.']\ndomain_root: app\n"


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def domain(name: str, noun: str, count: int = 12) -> dict[str, str]:
    files = {f"app/{name}/__init__.py": ""}
    for number in range(count):
        before = f"from app.{name}.{noun}_{number - 1} import {noun}_{number - 1}\n" if number else ""
        files[f"app/{name}/{noun}_{number}.py"] = f"{before}def {noun}_{number}(): ...\n"
    return files


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two domains; `logs/invoice_tax.py` is imported by three modules of billing and by nobody else."""
    files = {"app/__init__.py": "", **domain("billing", "invoice"), **domain("logs", "trace")}
    files["app/logs/invoice_tax.py"] = "from app.billing.invoice_1 import invoice_1\ndef invoice_tax(): ...\n"
    for number in (3, 4, 5):
        files[f"app/billing/invoice_{number}.py"] += "from app.logs.invoice_tax import invoice_tax\n"
    write(tmp_path, {**files, "hocmig.yaml": CONFIG})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_table_says_what_and_why(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["suggest"]) == 0
    out = capsys.readouterr().out
    assert "1 of 25 files look misplaced" in out
    assert "logs/invoice_tax.py" in out
    assert "invoice" in out
    assert sorted(p.name for p in repository.iterdir() if p.name != ".hocmig") == ["app", "hocmig.yaml"]


def test_json_carries_the_evidence(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "suggest"]) == 0
    document = json.loads(capsys.readouterr().out)
    (one,) = document["suggestions"]
    assert one["target_path"] == "app/billing/invoice_tax.py"
    assert one["importers_there"] == [f"app/billing/invoice_{n}.py" for n in (3, 4, 5)]
    assert document["domains"] == ["billing", "logs"]


def test_the_manifest_takes_the_draft_once_a_person_decided(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["suggest", "--output", "DRAFT.md"]) == 0
    draft = Path("DRAFT.md").read_text(encoding="utf-8")
    assert "### [ ] `logs/invoice_tax.py`" in draft
    assert run(["--json", "manifest", "--workbook", "DRAFT.md"]) == 0
    document = json.loads(capsys.readouterr().out.partition("wrote DRAFT.md\n")[2])
    assert document["rows"] == 0
    Path("DRAFT.md").write_text(draft.replace("### [ ]", "### [x]"), encoding="utf-8")
    assert run(["manifest", "--workbook", "DRAFT.md"]) == 0
    manifest = Path("app/_domain_map/MIGRATION_MANIFEST.csv").read_text(encoding="utf-8")
    assert "app/logs/invoice_tax.py" in manifest
    assert "app/billing/invoice_tax.py" in manifest


def test_a_draft_is_never_overwritten(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("DRAFT.md").write_text("mine", encoding="utf-8")
    assert run(["suggest", "--output", "DRAFT.md"]) == 2
    assert capsys.readouterr().err == "error: DRAFT.md: exists already; remove it, or name another file\n"
    assert Path("DRAFT.md").read_text(encoding="utf-8") == "mine"


def test_what_the_workbook_decides_is_left_out(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        repository,
        {
            "hocmig.yaml": CONFIG + "workbook: AUDIT.md\n",
            "AUDIT.md": "### [x] `logs/invoice_tax.py`\n\n**DECISION:** `logs` ✓ (CONFIRMED)\n",
        },
    )
    assert run(["suggest"]) == 0
    printed = capsys.readouterr()
    assert "none of 25 files looks misplaced" in printed.out
    assert "1 files that AUDIT.md decides already are left out" in printed.err


def test_it_works_without_a_configuration(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("hocmig.yaml").unlink()
    assert run(["--json", "suggest"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["domain_root"] == "app"
    assert "no domain_root is configured: taken app; --domain-root DIR names another folder" in printed.err


def test_the_domain_root_can_be_given(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("hocmig.yaml").write_text("version: 1\nimport_roots: ['.']\n", encoding="utf-8")
    assert run(["--json", "suggest", "--domain-root", "app/"]) == 0
    assert len(json.loads(capsys.readouterr().out)["suggestions"]) == 1


def test_an_unparsable_file_is_a_warning(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repository, {"app/logs/broken.py": "x = (\n"})
    assert run(["suggest"]) == 0
    printed = capsys.readouterr()
    assert "warning: app/logs/broken.py:1: not looked at: syntax error" in printed.err
    assert "logs/invoice_tax.py" in printed.out


def test_files_of_one_domain_only(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "suggest", "--domain", "billing"]) == 0
    assert json.loads(capsys.readouterr().out)["suggestions"] == []


@pytest.mark.parametrize(
    ("arguments", "files", "message"),
    [
        (["--domain", "no"], {}, "--domain: there is no domain no; known: billing, logs"),
        (
            ["--domain-root", "none"],
            {},
            "--domain-root: none is no folder; name the folder above the domains",
        ),
        (["--domain-root", "../x"], {}, "--domain-root: the folder '../x' holds `..`; "),
        (
            ["--domain-root", "app/logs"],
            {},
            "--domain-root: app/logs holds no domain with code; suggestions need",
        ),
        (
            [],
            {"hocmig.yaml": CONFIG + "domains: [logs]\n"},
            "hocmig.yaml: app holds only one domain with code (logs)",
        ),
    ],
)
def test_what_cannot_be_judged_gets_one_line(
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    files: dict[str, str],
    message: str,
) -> None:
    write(repository, files)
    assert run(["suggest", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1


def test_a_tree_without_packages_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {"a.py": "import b\n", "b.py": ""})
    monkeypatch.chdir(tmp_path)
    assert run(["suggest"]) == 2
    err = capsys.readouterr().err
    assert "no package has two sub-packages with code; name the folder above the domains" in err


def suggestion(domain: str, inner: str, target: str, words: tuple[str, ...] = ()) -> Suggestion:
    return Suggestion(
        f"root/{domain}/{inner}", domain, inner, "", target, 1.0, ("", 0.0), (), (), (), (),
        tuple((word, 1, 0) for word in words), 0, 0,
    )  # fmt: skip


names = st.text(min_size=1, max_size=12).filter(
    lambda t: "/" not in t and t not in (".", "..") and t.isprintable()
)


@given(
    st.lists(st.tuples(names, names, st.sampled_from(["a", "b_c"])), max_size=5), st.lists(names, max_size=3)
)
def test_every_draft_is_read_back_as_it_was_meant(
    files: list[tuple[str, str, str]], words: list[str]
) -> None:
    """Whatever the names: one record per file, not reviewed, asking for the move that was suggested."""
    chosen = {}
    for number, (domain, name, target) in enumerate(files):
        one = suggestion(
            unicodedata.normalize("NFC", domain).strip() or "d",
            f"{number}{unicodedata.normalize('NFC', name).strip()}.py",
            target,
            tuple(words),
        )
        if can_be_recorded(one.inner_path) and one.domain not in (".", ".."):
            chosen[one.inner_path] = one
    text = render_draft(chosen.values(), {p: (f"Remark {p}",) for p in chosen})
    if not chosen:
        # A workbook without records is refused; the draft says so in words.
        assert "Nothing looks misplaced." in text
        return
    records = parse_workbook(text.encode("utf-8"), "DRAFT.md").records
    assert {r.path: r.decision.target for r in records} == {p: one.target for p, one in chosen.items()}
    assert all(r.mark == " " and not r.is_misplaced for r in records)
    assert all(r.decision.kind is DecisionKind.MOVE for r in records)
    assert all(target_of(one).startswith(one.target + "/") for one in chosen.values())


def test_a_module_that_the_engine_misplaced_is_wanted_back(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real move, with all its rewritten imports, and the suggestion that undoes it."""
    old, new = "app/logs/trace_5.py", "app/billing/trace_5.py"
    for number in (7, 8, 9):
        path = repository / f"app/logs/trace_{number}.py"
        path.write_text(path.read_text() + "from app.logs.trace_5 import trace_5\n", encoding="utf-8")
    assert run(["--quiet", "mv", old, new, "--execute"]) == 0
    assert "app.billing.trace_5" in Path("app/logs/trace_6.py").read_text(encoding="utf-8")
    capsys.readouterr()
    assert run(["--json", "suggest"]) == 0
    found = {s["path"]: s["target_path"] for s in json.loads(capsys.readouterr().out)["suggestions"]}
    assert found[new] == old
