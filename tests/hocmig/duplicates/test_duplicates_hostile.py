"""`hocmig duplicates` on files that nobody wrote by hand: it ends in bounded memory and says what it cut."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ARTIFACTS = ".hocmig/artifacts"
LIMIT_BYTES = 1 << 30
FIVE_MB = 5_000_000
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


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))


def search(root: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """The JSON document of a search that may use a gigabyte; the repository holds one real copy besides."""
    files = {**files, "hocmig.yaml": b"version: 1\n", "one.py": COPY.encode()}
    files["two.py"] = b"N = 1\n\n\n" + COPY.encode()
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "hocmig", "--root", str(root), "--json", "--jobs", "1", "duplicates"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        preexec_fn=_bounded,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    document: dict[str, Any] = json.loads(done.stdout)
    places = [{p["path"] for p in group["places"]} for group in document["groups"]]
    assert any({"one.py", "two.py"} <= found for found in places), "the real copy got lost"
    return document


def notes(document: dict[str, Any]) -> dict[str, str]:
    return {note["path"]: note["message"] for note in document["facts"]["notes"]}


def minified() -> bytes:
    words, size, number = [], 0, 0
    while size < FIVE_MB:
        words.append(f"v{number}=f{number % 97}(v{number - 1},{number})")
        size += len(words[-1]) + 1
        number += 1
    return ";".join(words).encode()


def one_list() -> bytes:
    return ("X=[" + ",".join(map(str, range(FIVE_MB // 7))) + "]\n").encode()


@pytest.mark.slow
@pytest.mark.parametrize("make", [minified, one_list])
def test_one_statement_of_five_megabytes_is_compared_for_equality_only(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    content = make()
    assert len(content) > 0.9 * FIVE_MB
    document = search(tmp_path, {"wide.py": content, "copy.py": content})
    said = notes(document)
    assert "statement(s) of over 4000 tokens: compared for equality only" in said["wide.py"]
    (whole,) = [g for g in document["groups"] if g["type"] == "EXACT_FILE"]
    assert [p["path"] for p in whole["places"]] == ["copy.py", "wide.py"]
    summary = (tmp_path / ARTIFACTS / "PHASE5_DUPLICATE_SUMMARY.md").read_text()
    assert "- wide.py: 1 statement(s) of over 4000 tokens" in summary


@pytest.mark.slow
def test_files_of_one_repeated_line_are_no_findings(tmp_path: Path) -> None:
    line = b"x = f(x, 1, key=None)\n"
    document = search(tmp_path, {"a.py": line * (FIVE_MB // len(line)), "b.py": line * 50_000})
    assert len(document["groups"]) == 1


@pytest.mark.slow
def test_a_repeated_pattern_is_cut_and_said(tmp_path: Path) -> None:
    lines = b"x = f(x, 1)\ny = g.h(x, 2, k=3)\nif y: z(y)\n"
    document = search(tmp_path, {"a.py": lines * 16_000, "b.py": b"Z = 1\n" + lines * 16_000})
    assert any("very repetitive" in note["message"] for note in document["facts"]["notes"])
    assert len(document["groups"]) < 20


def test_thousands_of_equal_files_are_one_group_with_one_row_each(tmp_path: Path) -> None:
    files = {f"d{n}/m.py": b"A = 1\n" + COPY.replace("key_of", "name_of").encode() for n in range(3_000)}
    document = search(tmp_path, files)
    (whole,) = [g for g in document["groups"] if g["type"] == "EXACT_FILE"]
    assert len(whole["places"]) == 3_000
    with (tmp_path / ARTIFACTS / "PHASE5_DUPLICATE_REPORT.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["group_id"] == whole["group_id"]]
    assert len(rows) == 2_999


def test_hundreds_of_generated_functions_are_one_group_and_the_cut_is_said(tmp_path: Path) -> None:
    function = "def f{0}(a, b):\n    x = a.load({0})\n    for i in range(b):\n        x += i * {0}\n"
    function += "        if x > {0}:\n            x -= b.step\n    return x.close()\n\n\n"
    text = "".join(function.format(number) for number in range(1_500))
    document = search(tmp_path, {"many.py": text.encode()})
    (group,) = [g for g in document["groups"] if len(g["places"]) > 2]
    assert len(group["places"]) == 1_500
    assert "500 of its pairs are kept" in notes(document)["many.py"]


def test_generated_files_are_compared_with_the_others_only(tmp_path: Path) -> None:
    body = COPY.replace("key_of", "made").encode()
    head = b"# Code generated by a program. DO NOT EDIT.\n"
    document = search(tmp_path, {"a.py": head + b"A = 1\n" + body, "b.py": head + b"B = 1\n" + body})
    assert "2 generated files: not compared with each other" in notes(document)[""]
    assert len(document["groups"]) == 1
    paths = {p["path"] for p in document["groups"][0]["places"]}
    assert {"one.py", "two.py"} < paths


def test_files_that_do_not_parse_or_decode_are_compared_all_the_same(tmp_path: Path) -> None:
    broken = "def broken(:\n    x = (\n\n\n" + COPY
    document = search(
        tmp_path,
        {
            "broken.py": broken.encode(),
            "latin.py": b"# caf\xe9\nN = 2\n" + COPY.encode(),
            "zero.py": b"\0" + COPY.encode(),
            "string.py": COPY.encode() + b'TEXT = """never closed\n' * 3,
        },
    )
    (group,) = document["groups"]
    assert {p["path"] for p in group["places"]} == {"one.py", "two.py", "broken.py", "latin.py", "string.py"}
    assert notes(document)["zero.py"] == "holds a NUL byte: compared as a whole only"


def test_a_file_above_the_limit_is_compared_as_a_whole(tmp_path: Path) -> None:
    content = COPY.encode() + b"# " + b"x" * 16 * 1024 * 1024 + b"\n"
    document = search(tmp_path, {"large.py": content, "larger.py": content})
    assert "EXACT_FILE" in {g["type"] for g in document["groups"]}
    assert "larger than 16777216 bytes: compared as a whole only" in notes(document)["large.py"]
