"""Layers of moved files: folder, name, head, bans, and the order of imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.configuration import Layers
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex, records_for
from analyzers.layer_compliance import LayerRules, check_layers, head_of
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation

ORDER = ("L3_adapters", "L5_engines", "L6_drivers")


def _check(
    files: dict[str, str], old: str, new: str, *, heads: dict[str, str] | None = None, **layers: object
) -> list[tuple[str, str]]:
    layout = ProjectLayout(Path("/nowhere"), (".",))
    index = SourceIndex.from_records(layout, records_for({f"d/{p}": t.encode() for p, t in files.items()}))
    names = layout.module_of(f"d/{old}"), layout.module_of(f"d/{new}")
    assert names[0] is not None
    assert names[1] is not None
    entry = Relocation(names[0].name, names[1].name, old_path=f"d/{old}", new_path=f"d/{new}")
    rules = LayerRules(Layers(**{"order": ORDER, **layers}), "d")  # type: ignore[arg-type]
    heads = {f"d/{p}": text for p, text in (heads or {}).items()}
    return [(f.code, f.severity) for f in check_layers([entry], ImportGraph(index), rules, heads)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a/L5_engines/x_engine.py", "b/L5_engines/x_engine.py", []),
        ("a/L5_engines/x.py", "b/L6_drivers/x.py", []),
        ("a/L5_engines/x.py", "b/x.py", [("LAYER001", "error")]),
        ("a/L5_engines/x.py", "b/misc/x.py", [("LAYER001", "error")]),
        ("a/L5_engines/x.py", "b/L9_new/x.py", [("LAYER001", "warning")]),
        ("a/L5_engines/x_engine.py", "b/L6_drivers/x_engine.py", [("LAYER002", "error")]),
        ("a/L6_drivers/x_engine.py", "b/L6_drivers/x_engine.py", [("LAYER002", "warning")]),
    ],
)
def test_folder_and_name(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    assert _check({old: ""}, old, new) == expected


@pytest.mark.parametrize(
    ("old", "expected"), [("a/x.py", []), ("a/text/x.py", []), ("a/L5_engines/x.py", [("LAYER001", "error")])]
)
def test_domains_without_layers_have_no_convention(old: str, expected: list[tuple[str, str]]) -> None:
    assert _check({old: ""}, old, "b/x.py", order=()) == expected


def test_target_outside_the_domains_is_not_judged() -> None:
    layout = ProjectLayout(Path("/nowhere"), (".",))
    index = SourceIndex.from_records(layout, records_for({"d/a/L5_engines/x.py": b""}))
    entry = Relocation("d.a.L5_engines.x", "lib.x", old_path="d/a/L5_engines/x.py", new_path="lib/x.py")
    for domain_root in ("d", ""):
        assert check_layers([entry], ImportGraph(index), LayerRules(Layers(order=ORDER), domain_root)) == ()


@pytest.mark.parametrize(
    ("claim", "expected"), [("L6", []), ("L6_drivers", []), ("L5", [("LAYER003", "error")])]
)
def test_claim_in_the_head(claim: str, expected: list[tuple[str, str]]) -> None:
    old = "a/L5_engines/x.py"
    heads = {old: f"# Layer: {claim}\n"}
    assert _check({old: ""}, old, "b/L6_drivers/x.py", heads=heads, header=r"^# Layer: (\w+)") == expected


def test_claim_counts_only_in_the_head() -> None:
    assert head_of("\n" * 39 + "last\nfirst after\n").endswith("last")


def test_bans_of_the_layer() -> None:
    old, new = "a/L5_engines/x_sql.py", "b/L5_engines/x_sql.py"
    text = "import sqlalchemy.orm\nimport json\n"
    bans = {
        "banned_names": {"L5_engines": ("*_sql.py",)},
        "forbidden_libraries": {"L5_engines": ("sqlalchemy",)},
    }
    assert sorted(_check({old: text}, old, new, **bans)) == [("LAYER004", "error"), ("LAYER005", "error")]


def test_move_that_breaks_the_order_of_layers() -> None:
    files = {"a/L5_engines/x.py": "import d.a.L5_engines.y\n", "a/L5_engines/y.py": ""}
    found = _check(files, "a/L5_engines/x.py", "b/L6_drivers/x.py")
    assert found == [("LAYER006", "warning")]
    assert _check(files, "a/L5_engines/y.py", "b/L6_drivers/y.py") == []


def test_order_that_was_broken_before_is_old_debt() -> None:
    files = {"a/L6_drivers/x.py": "import d.a.L5_engines.y\n", "a/L5_engines/y.py": ""}
    assert _check(files, "a/L6_drivers/x.py", "b/L6_drivers/x.py") == []
