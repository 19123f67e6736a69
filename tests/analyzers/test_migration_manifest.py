from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.errors import InputError
from analyzers.layout import ProjectLayout
from analyzers.migration_manifest import (
    COLUMNS,
    PLAN_COLUMNS,
    ManifestRow,
    Status,
    parse_manifest,
    read_manifest,
    relocations_of,
    relocations_of_file,
    render_manifest,
)

HASH = "0" * 64
ROOT = "app/cus"


def row(
    number: int = 1, source: str = "logs/L5_engines/x.py", target: str = "", **changes: object
) -> ManifestRow:
    target = target or source.replace("logs/", "controls/", 1)
    parts, target_parts = source.split("/"), target.split("/")
    made = ManifestRow(
        migration_id=f"{number:03d}",
        current_path=f"{ROOT}/{source}",
        current_domain=parts[0],
        current_layer=parts[1] if len(parts) > 2 else "",
        target_domain=target_parts[0],
        target_layer=target_parts[1] if len(target_parts) > 2 else "",
        target_path=f"{ROOT}/{target}",
        reason="because",
        status=Status.PENDING,
        hash_before=HASH,
    )
    return msgspec.structs.replace(made, **changes)


def parse(content: str | bytes, root: Path = Path("/nowhere")) -> tuple[ManifestRow, ...]:
    content = content.encode() if isinstance(content, str) else content
    return parse_manifest(content, "m.csv", ProjectLayout(root, ("app",)), ROOT)


def error_of(*rows: ManifestRow) -> str:
    with pytest.raises(InputError) as caught:
        parse(render_manifest(rows))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_plans_columns_come_first() -> None:
    assert COLUMNS[: len(PLAN_COLUMNS)] == PLAN_COLUMNS


def test_a_manifest_with_the_plans_columns_alone_is_read() -> None:
    text = (
        ",".join(PLAN_COLUMNS)
        + "\n"
        + ",".join(
            ["001", f"{ROOT}/a/x.py", "a", "", "b", "", f"{ROOT}/b/x.py", '"Reads, limits"', "PENDING", HASH]
        )
    )
    (read,) = parse(text)
    assert (read.reason, read.resolution, read.workbook_line) == ("Reads, limits", "", 0)


ROWS = st.builds(
    row,
    number=st.just(1),
    reason=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    findings=st.sampled_from(["", "=cmd()", "a | b", "'-x", "\r"]),
    status=st.sampled_from(list(Status)),
    resolution=st.sampled_from(["", "skip", "rename"]),
    workbook_line=st.integers(0, 99_999),
    target_hash=st.sampled_from(["", HASH]),
)


@given(ROWS)
def test_what_is_written_reads_back(made: ManifestRow) -> None:
    assert parse(render_manifest([made])) == (made,)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"migration_id": "1"}, "migration_id '1' is no number of 3 to 9 digits"),
        ({"current_path": "../../etc/passwd"}, "current_path '../../etc/passwd' holds `..`"),
        ({"target_path": "/etc/passwd"}, "target_path '/etc/passwd' is absolute"),
        ({"target_path": "C:/x.py"}, "target_path 'C:/x.py' is absolute"),
        ({"target_path": "app\\cus\\x.py"}, "target_path 'app\\\\cus\\\\x.py' holds a backslash"),
        (
            {"target_path": "app/other/x.py"},
            "target_path 'app/other/x.py' lies outside the domain root app/cus",
        ),
        ({"target_path": "app/cus/b/x.txt"}, "target_path 'app/cus/b/x.txt' is no Python file"),
        ({"target_path": "app/cus/b-c/x.py"}, "target_path 'app/cus/b-c/x.py' has the part 'b-c'"),
        ({"target_path": "app/cus/class/x.py"}, "target_path 'app/cus/class/x.py' has the part 'class'"),
        ({"target_path": ""}, "target_path '' is empty"),
        ({"target_domain": "logs"}, "target_domain says 'logs', but target_path lies in 'controls'"),
        ({"current_layer": "L6"}, "current_layer says 'L6', but current_path lies in 'L5_engines'"),
        ({"target_path": f"{ROOT}/logs/L5_engines/x.py"}, "current_path and target_path are the same"),
        ({"hash_before": "abc"}, "hash_before 'abc' is no SHA-256"),
        ({"hash_before": ""}, "hash_before is empty, but the row is PENDING"),
        ({"target_hash": "Z" * 64}, "target_hash 'ZZZZ"),
        ({"resolution": "maybe"}, "unknown resolution 'maybe'"),
    ],
)
def test_nonsense_is_refused_with_its_line(changes: dict[str, object], expected: str) -> None:
    good = row(1, "logs/L5_engines/other.py")
    bad = msgspec.structs.replace(row(2), **changes)
    first = 3 if len(bad.migration_id) == 3 else 2
    assert error_of(good, bad).startswith(f"m.csv:{first}: {expected}")


@pytest.mark.parametrize("status", ["DONE", "pending", "", "=PENDING", "MOVED;rm"])
def test_unknown_statuses_are_refused(status: str) -> None:
    text = render_manifest([row()]).replace("PENDING", status)
    with pytest.raises(InputError, match=r"^m.csv:2: unknown status"):
        parse(text)


def test_rows_are_checked_against_each_other() -> None:
    a, b = row(1), row(2, "incidents/L5_engines/x.py", "controls/L5_engines/x.py")
    assert error_of(a, b).startswith(
        "m.csv:3: target_path 'app/cus/controls/L5_engines/x.py' stands in line 2, too"
    )
    assert error_of(a, row(1, "logs/L5_engines/y.py")).startswith(
        "m.csv:3: migration_id 001 stands in line 2, too"
    )
    same = row(2, "logs/L5_engines/x.py", "general/L5_engines/x.py")
    assert error_of(a, same).startswith(
        "m.csv:3: current_path 'app/cus/logs/L5_engines/x.py' stands in line 2"
    )


@pytest.mark.parametrize("target", ["controls/L5_engines/x.py", "controls/L5_engines/x/__init__.py"])
def test_a_source_inside_another_rows_target_package_is_refused(target: str) -> None:
    inside = row(2, "controls/L5_engines/x/y.py", "general/L5_engines/y.py")
    expected = "m.csv:3: current_path 'app/cus/controls/L5_engines/x/y.py' lies inside the target of line 2"
    assert error_of(row(1, target=target), inside).startswith(expected)


def test_duplicates_may_share_a_target_and_open_rows_are_not_compared() -> None:
    rows = (
        row(1, status=Status.DELETE_DUPLICATE),
        row(2, "incidents/L5_engines/x.py", "controls/L5_engines/x.py", status=Status.DELETE_DUPLICATE),
        row(3, "general/L5_engines/x.py", "controls/L5_engines/x.py", status=Status.CONFLICT),
        row(4, "policies/L5_engines/x.py", "controls/L5_engines/x.py"),
    )
    assert parse(render_manifest(rows)) == rows


def test_swaps_and_chains_are_fine() -> None:
    rows = (row(1, "a/x.py", "b/x.py"), row(2, "b/x.py", "a/x.py"), row(3, "c/x.py", "d/x.py"))
    assert parse(render_manifest(rows)) == rows


def test_a_link_that_leads_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "cus").symlink_to(tmp_path.parent)
    with pytest.raises(InputError, match="leads out of the repository root"):
        parse(render_manifest([row()]), tmp_path)


def test_a_missing_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run `hocmig manifest` first"):
        read_manifest(tmp_path / "m.csv", ProjectLayout(tmp_path))


def test_relocations_are_those_of_rows_to_move_and_of_duplicates() -> None:
    rows = tuple(
        row(number, f"logs/L5_engines/m{number}.py", status=status) for number, status in enumerate(Status, 1)
    )
    layout = ProjectLayout(Path("/nowhere"), ("app",))
    moved = {int(r.old_module.rpartition(".m")[2]) for r in relocations_of(rows, layout)}
    assert {list(Status)[n - 1] for n in moved} == {
        Status.PENDING, Status.FAILED, Status.ROLLED_BACK, Status.DELETE_DUPLICATE,
    }  # fmt: skip
    afterwards = relocations_of(rows, layout, include_moved=True)
    assert len(afterwards) == len(moved) + 1
    first = relocations_of(rows[:1], layout)[0]
    assert (first.old_module, first.new_module) == ("cus.logs.L5_engines.m1", "cus.controls.L5_engines.m1")
    assert (first.old_path, first.sha256) == (f"{ROOT}/logs/L5_engines/m1.py", HASH)


def test_relocations_of_a_file_are_those_of_a_manifest_also_afterwards(tmp_path: Path) -> None:
    layout = ProjectLayout(tmp_path, ("app",))
    rows = (
        row(1),
        row(2, "logs/L5_engines/y.py", status=Status.MOVED),
        row(3, "logs/z.py", status=Status.SKIPPED),
    )
    (tmp_path / "m.csv").write_text(render_manifest(rows))
    found = relocations_of_file(tmp_path / "m.csv", layout)
    assert [entry.old_module for entry in found] == ["cus.logs.L5_engines.x", "cus.logs.L5_engines.y"]


def test_relocations_of_a_file_are_those_of_a_table_of_moves(tmp_path: Path) -> None:
    table = "old_path,new_path\napp/a/x.py,app/b/\napp/c,app/d/c\na.m,b.m\na.m:f,b.n\napp/a/y.py,app/b/z.py\n"
    (tmp_path / "moves.csv").write_text(table)
    found = relocations_of_file(tmp_path / "moves.csv", ProjectLayout(tmp_path, ("app",)))
    assert [str(entry) for entry in found] == [
        "a.m -> b.m",
        "a.m:f -> b.n:f",
        "a.x -> b.x",
        "a.y -> b.z",
        "c -> d.c",
    ]
    assert [entry.subtree for entry in found] == [True, False, False, False, True]


@pytest.mark.parametrize("text", ["a.py,../b.py", "a.py,", "/a.py,b.py", "a.py,b.py,c"])
def test_a_bad_table_of_moves_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "moves.csv").write_text(f"old_path,new_path\n{text}\n")
    with pytest.raises(InputError, match=r"moves.csv:2: "):
        relocations_of_file(tmp_path / "moves.csv", ProjectLayout(tmp_path))


CELLS = st.sampled_from(
    [
        *Status.__members__,
        "",
        "001",
        "002",
        HASH,
        "../x",
        "/etc/passwd",
        f"{ROOT}/a/b.py",
        "a",
        "=1",
        "é",
        '"',
        "x" * 5000,
    ]
) | st.text(max_size=5)


@given(st.lists(st.lists(CELLS, min_size=8, max_size=11), max_size=4), st.booleans())
def test_fuzzed_manifests_raise_nothing_but_input_errors(rows: list[list[str]], quoted: bool) -> None:
    lines = [",".join(f'"{cell}"' if quoted else cell for cell in cells) for cells in rows]
    with contextlib.suppress(InputError):
        parse(("\n".join([",".join(PLAN_COLUMNS), *lines])).encode("utf-8", "surrogatepass"))


@given(st.lists(st.tuples(st.sampled_from(COLUMNS), CELLS), max_size=3), st.binary(max_size=20))
def test_edited_cells_raise_nothing_but_input_errors(edits: list[tuple[str, str]], tail: bytes) -> None:
    cells = {name: str(getattr(row(), name)) for name in COLUMNS} | {"status": "PENDING"} | dict(edits)
    text = (
        ",".join(COLUMNS) + "\n" + ",".join('"' + c.replace('"', '""') + '"' for c in cells.values()) + "\n"
    )
    with contextlib.suppress(InputError):
        for made in parse(text.encode("utf-8", "surrogatepass") + tail):
            assert made.current_path.startswith(ROOT)
            assert ".." not in made.target_path.split("/")
