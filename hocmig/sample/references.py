"""Writes the sample's generated tests: one per misplaced module, on values, through varied imports."""

from __future__ import annotations

from hocmig.sample.domains import DOMAIN_PACKAGE
from hocmig.sample.placed import PROBE, UPSTREAM, Interface, Misplaced, interfaces, misplaced, upstream_total


def generated_tests() -> dict[str, str]:
    """Returns `backend/tests/hoc/<domain>/test_<domain>_placement.py` of each domain with misplaced files."""
    files: dict[str, str] = {}
    domains = sorted({record.domain for record in misplaced()})
    for domain in domains:
        records = [r for r in misplaced() if r.domain == domain and not r.is_unresolved]
        heads: list[str] = []
        tests: list[str] = []
        for number, record in enumerate(records):
            head, test = _test(record, interfaces()[record.stem], number % 5)
            heads += head
            tests += test
        lines = [f'"""What the files first filed under {domain} compute, wherever they stand."""', ""]
        lines += ["from __future__ import annotations", "", *sorted(heads), *tests]
        files[f"backend/tests/hoc/{domain}/test_{domain}_placement.py"] = "\n".join(lines) + "\n"
    return files


def _test(record: Misplaced, face: Interface, form: int) -> tuple[list[str], list[str]]:
    package = f"{DOMAIN_PACKAGE}.{record.path.rsplit('/', 1)[0].replace('/', '.')}"
    stem = record.stem
    revision = f"{stem.upper()}_REVISION"
    inner: list[str] = []
    heads: list[str] = []
    prefix = f"{stem}."
    if form == 0:
        names = [revision, record.function, record.cls] + (["UPSTREAM_TOTAL"] if stem in UPSTREAM else [])
        renamed = [f"{name} as {stem}_upstream" if name == "UPSTREAM_TOTAL" else name for name in names]
        heads = [f"from {package}.{stem} import {', '.join(renamed)}"]
        prefix = ""
    elif form == 1:
        heads = [f"from {package} import {stem}"]
    elif form == 2:
        heads = [f"import {package}.{stem} as {stem}_module"]
        prefix = f"{stem}_module."
    elif form == 3:
        heads = [f"import {package}.{stem}"]
        prefix = f"{package}.{stem}."
    else:
        inner = [f"    from {package} import {stem}", ""]
    lines = ["", "", f"def test_{stem}() -> None:", *inner]
    if record.kind != "drifted":
        lines.append(f"    assert {prefix}{record.function}({PROBE}) == {face.value}")
        lines.append(f'    assert {prefix}{record.cls}("x").describe() == "x:{face.value}"')
    else:
        lines.append(f'    assert {prefix}{record.cls}("x").name == "x"')
        if form == 0:
            lines.append(f"    assert callable({record.function})")
    lines.append(f"    assert {prefix}{revision} == {face.revision}")
    if stem in UPSTREAM:
        name = f"{stem}_upstream" if form == 0 else f"{prefix}UPSTREAM_TOTAL"
        lines.append(f"    assert {name} == {upstream_total(stem)}")
    return heads, lines
