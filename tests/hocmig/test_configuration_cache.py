from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analyzers.errors import InputError
from hocmig.configuration_cache import CACHE_NAME, load_configuration


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / ".hocmig").mkdir()
    (tmp_path / "hocmig.yaml").write_text("version: 1\nimport_roots: [src]\n")
    return tmp_path


def load(root: Path) -> tuple[str, ...]:
    return load_configuration(root / "hocmig.yaml", root, root / ".hocmig").import_roots


def test_the_second_reading_does_without_the_yaml_library(root: Path) -> None:
    program = (
        "import sys, pathlib; from hocmig.configuration_cache import load_configuration as load\n"
        "r = pathlib.Path(sys.argv[1])\n"
        "print(load(r / 'hocmig.yaml', r, r / '.hocmig').import_roots, 'yaml' in sys.modules)"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert outputs == ["('src',) True\n", "('src',) False\n"]


def test_an_edit_counts_at_once(root: Path) -> None:
    assert load(root) == ("src",)
    (root / "hocmig.yaml").write_text("version: 1\nimport_roots: [.]\n")
    assert load(root) == (".",)


def test_what_is_no_longer_true_is_said_with_its_line(root: Path) -> None:
    load(root)
    (root / "src").rmdir()
    with pytest.raises(InputError, match=r"^hocmig.yaml:2: import_roots 'src' is no folder"):
        load(root)


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x93\x01\x02\x03", b"\x91" * 100_000])
def test_a_damaged_cache_is_made_again(root: Path, content: bytes) -> None:
    cache = root / ".hocmig" / CACHE_NAME
    load(root)
    good = cache.read_bytes()
    cache.write_bytes(content)
    assert load(root) == ("src",)
    assert cache.read_bytes() == good


def test_without_a_state_folder_nothing_is_written(root: Path) -> None:
    (root / ".hocmig").rmdir()
    assert load(root) == ("src",)
    assert not (root / ".hocmig").exists()
