"""Write docs/rewriting-cases.md: the cases of import rewriting, what is wanted, and the tests.

    python benchmarks/rewriting_cases.py [--check]

A test belongs to case N when its name begins with `test_case_NN_`. With --check nothing is written; exit code
1 says that the page is not what the tests give.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rewriting-cases.md"

#: The wanted result by case number; M moves the module a.b to x.y, S the symbol a.b:f to x.y:f.
CASES = {
    1: "`from a.b import f` becomes `from x.y import f`",
    2: "S: of several names only the moved one leaves, to a statement beside the old one",
    3: "an alias stays: `from x.y import f as F`",
    4: "`import a.b; a.b.f()` becomes `import x.y; x.y.f()`, wherever the use stands",
    5: "S: `import a.b` stays beside `import x.y` while something else needs it",
    6: "`import a.b as m` becomes `import x.y as m`; uses stay",
    7: "`from a import b` becomes `from x import y as b`: the local name stays",
    8: "of `import a.b, os` only one name changes",
    9: "`import a; a.b.f()` gets the import that it lacked, and a finding",
    10: "a submodule that another file loaded is imported explicitly, with a finding",
    11: "`a.bc` and `a.b_old` are other names",
    12: "the longest entry wins; a name imported from several places is refused when it matters",
    13: "swaps and chains are one simultaneous map",
    14: "an import inside a function stays there",
    15: "an import below TYPE_CHECKING stays there, both pieces",
    16: "fallbacks keep their branches",
    17: "version and platform guards keep their branches",
    18: "an import in a class body stays there",
    19: "star imports: M is renamed; S adds the name where it is used or handed on",
    20: "relative sibling: relative while it stays in its package, else absolute",
    21: "`from . import b` becomes `from x import y as b`",
    22: "`from ..b import f`, `from .. import b`",
    23: "relative imports of the moved file itself",
    24: "module to package, package to module: every dot shifts",
    25: "a facade is rewritten, its importers stay; with `--facade flatten` it lets go of the name",
    26: "`import f as f` stays an explicit re-export",
    27: "`__all__` of a client keeps its names",
    28: "lazy-loader maps (PEP 562)",
    29: "`lazy` statements of Python 3.15",
    30: "side-effect imports stay at their place",
    31: "the order of statements stays",
    32: "comments, pragmas, parentheses go with their names",
    33: "semicolon lines, one-line suites, backslashes",
    34: "encodings, line ends, form feeds, tabs, final newline: bytes outside the edits stay",
    35: "a parameter or inner name that hides the new package: an alias is used",
    36: "a name that is taken already: an alias is used",
    37: "the same name from another origin stays",
    38: "a local redefinition stays",
    39: "an attribute that shadows a submodule is no module",
    40: "assignments through a module follow it; S: all writers move, or it is refused",
    41: "S: overloads, setters, registered variants, conditional definitions move as a group",
    42: "S: what the symbol depends on",
    43: "quoted annotations, `cast`, `TypeVar`, type comments; `Literal` stays",
    44: "`mock.patch` targets: where the name is looked up",
    45: "`import_module`, `resolve_name`, `import_string`, ...",
    46: "computed strings are resolved when constant, else reported",
    47: "dotted paths in configuration, commands and documentation",
    48: "identity derived from names: pinned or reported",
    49: "data files beside a module: moved along or reported",
    50: "stub and test twins move along; compiled ones, `py.typed` and fixtures left behind are reported",
    51: "empty folders go; what stays importable is reported",
    52: "new folders become packages; clashes and names of the standard library are refused",
    53: "shims",
    54: "several import roots, tests outside of them, namespace packages, top-level names",
    55: "duplicates are merged, imports of oneself dropped",
    56: "imports that the move orphaned go; others stay",
    57: "unreadable files are reported",
    58: "a second run, before or after the move, changes nothing; half-migrated trees converge",
}

#: Cases that are another module's: where their tests are, once they exist.
ELSEWHERE = {
    28: "tests/analyzers/test_python_string_references.py",
    44: "tests/analyzers/test_python_string_references.py",
    45: "tests/analyzers/test_python_string_references.py",
    46: "tests/analyzers/test_python_string_references.py",
    47: "tests/analyzers/text_references",
    48: "tests/analyzers/test_identity_findings.py",
    49: "tests/analyzers/test_file_relative_data.py",
    53: "tests/analyzers/test_shims.py",
}

HEAD = """\
# Import rewriting: the cases and their tests

Made by `benchmarks/rewriting_cases.py` from the names of the tests; do not edit. Every test named here moves
things in a tiny tree, runs the client before and after and compares what it observes; the harness
(`tests/codemods/conftest.py`) adds to each one: a second run in place and after the move changes nothing,
files that were moved first become the same, comments stay, moving back gives the original bytes (unless the
test says why not), and the no-op twin, a map of names that only begin alike, changes nothing.

Tests with `symbols` in their name (`tests/hocmig/symbol_moves/conftest.py`) carry the definitions, too, prove
the move and run the clients before and after; their harness has the no-op twin as well. Those of the cases 25
and 49 to 52 (`tests/hocmig/moves/`) run `hocmig mv` itself.

M moves the module `a.b` to `x.y`, S the symbol `a.b:f` to `x.y:f`.

| Case | Wanted | Status | Tests |
|---|---|---|---|
"""


def tests_by_case() -> dict[int, list[str]]:
    """Case number -> the tests of that case, sorted by name."""
    found: dict[int, list[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_case_"):
                found.setdefault(int(node.name.split("_")[2]), []).append(node.name)
    return {number: sorted(names) for number, names in found.items()}


def page() -> str:
    """The whole page."""
    tests = tests_by_case()
    rows = []
    for number, wanted in CASES.items():
        names = [f"`{name}`" for name in tests.get(number, ())]
        elsewhere = ELSEWHERE.get(number, "")
        if elsewhere and (ROOT / elsewhere).exists():
            names.append(f"`{elsewhere}`")
        rows.append(f"| {number} | {wanted} | {'tested' if names else 'open'} | {'<br>'.join(names)} |\n")
    return HEAD + "".join(rows)


def main() -> int:
    if "--check" in sys.argv[1:]:
        return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
