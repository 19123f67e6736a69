"""The peers of the benchmark of duplicates are read as they answer: stand-ins print what real tools print."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "duplicates_quality.py"
CPD = """<?xml version="1.0" encoding="UTF-8"?>
<pmd-cpd xmlns="https://pmd-code.org/schema/cpd-report" pmdVersion="7.7.0">
   <file path="TREE/a.py" totalNumberOfTokens="90"/>
   <duplication lines="6" tokens="61">
      <file begintoken="1" column="1" endcolumn="9" endline="9" endtoken="61" line="4" path="TREE/a.py"/>
      <file begintoken="5" column="1" endcolumn="9" endline="16" endtoken="65" line="11" path="TREE/b.py"/>
      <file begintoken="7" column="1" endcolumn="9" endline="7" endtoken="67" line="2" path="TREE/c.py"/>
      <codefragment><![CDATA[x = 1]]></codefragment>
   </duplication>
</pmd-cpd>
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("duplicates_quality", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stand_in(folder: Path, body: str) -> str:
    """A command that runs `body`, with its arguments in `sys.argv`."""
    command = folder / "peer"
    command.write_text(f"#!{sys.executable}\nimport json, pathlib, sys\n{body}")
    command.chmod(0o755)
    return str(command)


def test_pmd_is_asked_for_xml_and_each_pair_of_a_group_is_read(script: ModuleType, tmp_path: Path) -> None:
    tree = tmp_path / "src"
    body = (
        "args = sys.argv[1:]\n"
        f"pathlib.Path({str(tmp_path / 'asked.json')!r}).write_text(json.dumps(args))\n"
        f"print({CPD!r}.replace('TREE', args[args.index('--dir') + 1]))\n"
        "sys.exit(4)  # what PMD says when it found duplicates\n"
    )
    read, settings = script.PEERS["pmd"]
    found = list(read(stand_in(tmp_path, body), tree, tmp_path, settings[0][1]))
    places = [(f"{tree}/a.py", 4, 9), (f"{tree}/b.py", 11, 16), (f"{tree}/c.py", 2, 7)]
    assert found == [(*places[0], *places[1]), (*places[0], *places[2]), (*places[1], *places[2])]
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert asked[:3] == ["cpd", "--language", "python"]
    assert asked[-2:] == ["--minimum-tokens", "60"]


def test_symilar_groups_are_read_as_pairs(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    body = "print('8 similar lines in 2 files\\n==a:[3:11]\\n==b:[20:28]\\n   x = 1\\nTOTAL lines=9')\n"
    read, settings = script.PEERS["symilar"]
    found = list(read(stand_in(tmp_path, body), tmp_path / "src", tmp_path, settings[0][1]))
    assert found == [("a", 4, 11, "b", 21, 28)]


def test_a_peer_that_prints_no_report_is_an_error_and_not_an_empty_row(
    script: ModuleType, tmp_path: Path
) -> None:
    read, settings = script.PEERS["pmd"]
    with pytest.raises(script.ElementTree.ParseError):
        list(read(stand_in(tmp_path, "print('out of memory')\n"), tmp_path, tmp_path, settings[0][1]))
