"""Runs the commands that the pages show, and keeps what they answer true.

A page that starts with `<!-- console: START -->` has fenced blocks of the language `console`: lines that
begin with `$ ` are commands (a line that ends with a backslash goes on), what follows is their output. All
commands of a page run in order, in one fresh repository:

- `shop`: the small package of `shop_repository.py`, committed to git;
- `domains`: the same with a `hocmig.yaml` that names its domains;
- `sample`: the sample of `hocmig demo`, as a person finds it;
- `empty`: an empty folder.

Write the pages anew: `python docs/tools/console_blocks.py`; with `--check` nothing is written, and the exit
code is 1 when a page is out of date. Figures that differ from run to run (seconds, sizes) are not compared.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent
PROJECT = DOCS.parent
_START = re.compile(r"\A<!-- console: (\w+) -->\n")
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: 2026-01-27, the day of the migration plan.
_NOW = "1769508000"


def pages() -> list[Path]:
    """The pages that show commands, sorted."""
    return [path for path in sorted(DOCS.rglob("*.md")) if _START.match(path.read_text(encoding="utf-8"))]


def refreshed(page: Path) -> str:
    """The text of a page with the output that its commands give now.

    Raises:
        AssertionError: a block does not begin with a command.
    """
    text = page.read_text(encoding="utf-8")
    start = _START.match(text)
    assert start is not None
    with tempfile.TemporaryDirectory(prefix="hocmig-docs-") as name:
        session = _Session(Path(name).resolve(), start[1])
        return _BLOCK.sub(lambda block: f"```console\n{session.answers(block[1])}```", text)


def settled(text: str) -> str:
    """A text without what is not compared.

    That is what differs from run to run (seconds, and the widths of tables that hold them) and the figures of
    duplicate detection, which is tuned often.
    """
    text = re.sub(
        r"^\$ hocmig (?:duplicates|consolidate)\b.*\n(?:(?!\$ |```).*\n)*",
        lambda found: re.sub(r"\d+", "N", found[0]),
        text,
        flags=re.MULTILINE,
    )
    text = re.sub(r"\b\d+\.\d+ ?s\b", "N s", text)
    # The report's size hangs on the lengths of the temporary paths in it.
    text = re.sub(r"\(\d+ kB\)", "(N kB)", text)
    text = re.sub(r"\d+\.\d *│$", "N │", text, flags=re.MULTILINE)
    return re.sub(r"[ ━─]+", " ", text)


class _Session:
    """One repository in which the commands of a page run."""

    def __init__(self, folder: Path, start: str) -> None:
        self.root = folder / ("sample" if start == "sample" else "shop")
        self.folder = folder
        self.environment = _environment(folder)
        self.root.mkdir()
        sys.path.insert(0, str(DOCS / "tools"))
        try:
            import shop_repository
        finally:
            sys.path.pop(0)
        if start == "sample":
            self.root.rmdir()
            self._run_python("from hocmig.sample.generator import write_sample; from pathlib import Path;"
                             f"write_sample(Path({str(self.root)!r}))")  # fmt: skip
        elif start in ("shop", "domains"):
            shop_repository.write_shop(self.root, with_domains=start == "domains")
        elif start != "empty":
            raise AssertionError(f"unknown start {start!r}")
        if start in ("shop", "domains"):
            for line in ("git init -q", "git add -A", "git commit -q -m 'the shop'"):
                self.answer(line)

    def answers(self, block: str) -> str:
        return "".join(f"$ {command}\n{self.answer(command)}" for command in _commands(block))

    def answer(self, command: str) -> str:
        """What a command prints, with its exit code when it is not 0."""
        done = subprocess.run(
            ["bash", "-c", command.replace("\\\n", " ")],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        shown = done.stdout.decode("utf-8", "replace").replace(str(self.folder), "/home/ana")
        shown = "\n".join(line.rstrip() for line in shown.splitlines())
        code = f"\n[exit code {done.returncode}]" if done.returncode else ""
        return f"{shown}{code}".strip("\n") + "\n" if shown or code else ""

    def _run_python(self, code: str) -> None:
        subprocess.run([sys.executable, "-c", code], env=self.environment, check=True)


def _commands(block: str) -> Iterator[str]:
    lines = iter(block.splitlines())
    first = True
    for line in lines:
        assert line.startswith("$ ") or not first, f"a console block begins with a command, not {line!r}"
        first = False
        if not line.startswith("$ "):
            continue
        command = line.removeprefix("$ ")
        while command.endswith("\\"):
            command += "\n" + next(lines)
        yield command


def _environment(folder: Path) -> Mapping[str, str]:
    programs = folder / "bin"
    programs.mkdir()
    for name, arguments in (("hocmig", "-m hocmig"), ("python", ""), ("pytest", "-m pytest")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n  name = Ana\n  email = ana@example.org\n[init]\n  defaultBranch = main\n"
        "[advice]\n  detachedHead = false\n"
    )
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
        "SOURCE_DATE_EPOCH": _NOW,
        "GIT_AUTHOR_DATE": f"{_NOW} +0000",
        "GIT_COMMITTER_DATE": f"{_NOW} +0000",
        "COLUMNS": "100",
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if argument != "--check"]
    chosen = [page for page in pages() if not names or page.name in names]
    stale = []
    for page in chosen:
        text = refreshed(page)
        if settled(text) == settled(page.read_text(encoding="utf-8")):
            continue
        stale.append(page)
        if "--check" not in arguments:
            page.write_text(text, encoding="utf-8")
        print(page.relative_to(PROJECT).as_posix())
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
