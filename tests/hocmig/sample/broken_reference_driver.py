"""Runs the sample's tests once per broken reference: `python broken_reference_driver.py SAMPLE FORMS.json`.

One process per run, forked from one that has pytest loaded. Prints a JSON list, pytest's exit code per form.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest


def exit_code(root: Path, test: str) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os._exit(int(pytest.main(["-x", "-q", "--rootdir", str(root), str(root / test)])))


def main() -> None:
    root = Path(sys.argv[1])
    os.chdir(root)
    # The first run leaves bytecode for the others, which leave none: two equally long versions of a file,
    # written within one second, would share it.
    sys.dont_write_bytecode = False
    assert exit_code(root, "backend/tests") == 0
    sys.dont_write_bytecode = True
    codes: list[int] = []
    for form in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")):
        file = root / form["path"]
        before = file.read_bytes()
        encoding = form["encoding"]
        file.write_bytes(before.replace(form["text"].encode(encoding), form["broken"].encode(encoding), 1))
        codes.append(exit_code(root, form["test"]))
        file.write_bytes(before)
    print(json.dumps(codes))


if __name__ == "__main__":
    main()
