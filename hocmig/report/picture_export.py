"""Matrix and graph as SVG files for slides, and as PNG where a program that draws them is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hocmig.report.domain_graph import graph_svg
from hocmig.report.heat_map import matrix_svg
from hocmig.report.report_facts import ReportFacts
from hocmig.store import write_text

_SECONDS = 60
_SIZE = re.compile(r'width="(\d+)" height="(\d+)"')
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True)
class ExportedPictures:
    """The files written, sorted, and why there are no PNG files (empty: there are)."""

    written: tuple[Path, ...]
    png_problem: str


def export_pictures(facts: ReportFacts, folder: Path) -> ExportedPictures:
    """Write `matrix-now.svg`, `graph-now.svg`, the same for `before` where it is known, and PNG files.

    Raises:
        OSError: the folder cannot be written.
    """
    sides = (["before"] if facts.has_before else []) + ["now"]
    written = []
    for side in sides:
        for name, picture in (
            (f"matrix-{side}.svg", matrix_svg(facts, side)),
            (f"graph-{side}.svg", graph_svg(facts, side, standalone=True) + "\n"),
        ):
            write_text(folder / name, picture)
            written.append(folder / name)
    drawn, problem = _draw(written)
    return ExportedPictures(tuple(sorted([*written, *drawn])), problem)


def _draw(pictures: Sequence[Path]) -> tuple[list[Path], str]:
    programs = [name for name in ("rsvg-convert", "resvg", "inkscape", *_BROWSERS) if shutil.which(name)]
    if not programs:
        return [], "no PNG: none of rsvg-convert, resvg, inkscape or Chromium is installed"
    drawn: list[Path] = []
    for picture in pictures:
        goal = picture.with_suffix(".png")
        goal.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as profile:
            command = _command(programs[0], picture.resolve(), goal.resolve(), profile)
            try:
                done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                return drawn, f"no PNG: {programs[0]} failed ({type(error).__name__})"
        if done.returncode or not goal.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            return drawn, f"no PNG: {programs[0]} failed: {said[-1][:200] if said else done.returncode}"
        drawn.append(goal)
    return drawn, ""


def _command(program: str, picture: Path, goal: Path, profile: str) -> list[str]:
    if program == "rsvg-convert":
        return [program, "--zoom", "2", "--output", str(goal), str(picture)]
    if program == "resvg":
        return [program, "--zoom", "2", str(picture), str(goal)]
    if program == "inkscape":
        return [program, "--export-type=png", f"--export-filename={goal}", str(picture)]
    size = _SIZE.search(picture.read_text(encoding="utf-8"))
    width, height = size.groups() if size else ("1440", "1120")
    flags = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += [
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium refuses to start its sandbox for root; the picture is our own and runs no script.
        flags.append("--no-sandbox")
    return [program, *flags, f"--window-size={width},{height}", f"--screenshot={goal}", picture.as_uri()]
