"""Divide, join and consolidate modules of real projects: their tests, and what clients can import.

    python benchmarks/refactor_real_projects.py CACHE [--project NAME] [--task split|merge|copies] [--seeds N]

CACHE is described in `prepared_projects.py`. Per project, task and seed, on a fresh copy, by command line:

split   a module is divided into three files by lists of its symbols (P7); the lists follow who uses whom.
merge   three modules of one package are joined into one file (P7).
copies  copies of modules, functions and classes are planted in other packages, whose importers use them;
        `duplicates` and `consolidate` (P5, P6) run until nothing is left to carry out.

Afterwards the same tests pass, every module imports, every name that a client could import before can be
imported, from where the plan says when it moves (the plan lists the imports that end); and a rollback gives
the original bytes. A cluster that
is refused is drawn again, and counted. Exit code 1 when something is wrong.
"""

from __future__ import annotations

import ast
import csv
import json
import random
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from planted_copies import Planted, plant_copies
from prepared_projects import Checkout, differing_files, project_arguments, runs

TASKS = ("split", "merge", "copies")
_DRAWS = 12


@dataclass
class Outcome:
    """What one run gave; `problems` are empty when all is right."""

    project: str
    task: str
    seed: int
    what: str = ""
    refused: list[str] = field(default_factory=list)
    moved: int = 0
    tests: str = ""
    imports_ended: int = 0
    problems: list[str] = field(default_factory=list)

    def row(self) -> str:
        verdict = "right" if not self.problems else f"{len(self.problems)} problems"
        return (
            f"| {self.project} | {self.task} | {self.seed} | {self.what} | {self.moved} | {self.tests} | "
            f"{self.imports_ended} | {len(self.refused)} | {verdict} |"
        )


HEAD = (
    "| project | task | seed | what | symbols moved | tests before, after | imports that ended | "
    "refused draws | verdict |\n|---|---|---|---|---|---|---|---|---|"
)


# -- drawing clusters --------------------------------------------------------------------------------------


def layered_symbols(text: bytes) -> list[str]:
    """The definitions of a module, what uses comes after what it uses, mutual users side by side."""
    tree = ast.parse(text)
    owners: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            owners.setdefault(node.name, []).append(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id != "__all__":
                owners.setdefault(targets[0].id, []).append(node)
    uses = {name: _names(nodes) & owners.keys() - {name} for name, nodes in owners.items()}
    ordered: list[str] = []
    for group in _components(uses):
        ordered += sorted(group, key=lambda name: owners[name][0].lineno)
    return [name for name in ordered if not (name.startswith("__") and name.endswith("__"))]


def _names(nodes: list[ast.stmt]) -> set[str]:
    found = set()
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                found.add(part.id)
            elif isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) < 80:
                found.update(part.value.replace("[", " ").replace("]", " ").replace(",", " ").split())
    return found


def _components(uses: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components, used ones first (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        stack.append(name)
        for used in sorted(uses[name]):
            if used not in number:
                visit(used)
                low[name] = min(low[name], low[used])
            elif used in stack:
                low[name] = min(low[name], number[used])
        if low[name] == number[name]:
            at = stack.index(name)
            found.append(stack[at:])
            del stack[at:]

    for name in uses:
        if name not in number:
            visit(name)
    return found


def split_cluster(copy: Checkout, rng: random.Random) -> tuple[str, str] | None:
    """A random module that is to become three, as (what, text of the definitions)."""
    path = rng.choice(list(copy.movable().values()))
    symbols = layered_symbols((copy.root / path).read_bytes())
    if len(symbols) < 6:
        return None
    first, second = sorted(rng.sample(range(2, len(symbols) - 1), 2))
    stem = Path(path).stem
    parts = [symbols[:first], symbols[first:second], symbols[second:]]
    targets = {f"{stem}_{word}.py": part for word, part in zip(("base", "middle", "top"), parts, strict=True)}
    return f"`{Path(path).name}`", _cluster(copy, [path], targets)


def merge_cluster(copy: Checkout, rng: random.Random) -> tuple[str, str] | None:
    """Three random modules of one package that are to become one."""
    folders: dict[str, list[str]] = {}
    for path in copy.movable().values():
        folders.setdefault(str(Path(path).parent), []).append(path)
    usable = sorted(folder for folder, paths in folders.items() if len(paths) >= 3)
    paths = sorted(rng.sample(folders[rng.choice(usable)], 3))
    stems = [Path(path).stem for path in paths]
    return ", ".join(f"`{s}`" for s in stems), _cluster(copy, paths, {"joined_parts.py": stems})


def _cluster(copy: Checkout, paths: list[str], targets: dict[str, list[str]]) -> str:
    project = copy.project
    above = f"{project.source_root}/{project.package}/".removeprefix("./")
    folder = str(Path(paths[0].removeprefix(above)).parent)
    prefix = "" if folder == "." else f"{folder}/"
    lines = ["clusters:", "  drawn:", f"    domain: {project.package}", "    current_files:"]
    lines += [f"      - {path.removeprefix(above)}" for path in paths]
    lines += ["    target_structure:"]
    lines += [f"      {prefix}{target}: [{', '.join(members)}]" for target, members in targets.items()]
    return "\n".join(lines) + "\n"


# -- running -----------------------------------------------------------------------------------------------


def run_cluster(copy: Checkout, outcome: Outcome, rng: random.Random, tests_before: set[str]) -> None:
    """Draw clusters until one is carried out; judge it."""
    copy.write_configuration(
        domain_root=f"'{copy.project.source_root}'" if copy.project.source_root != "." else "''",
        shared_domain="''",
        artifacts="maps",
    )
    maps = copy.root / "maps"
    maps.mkdir()
    original = copy.files()
    modules = copy.modules()
    names = copy.names(modules)
    draw = split_cluster if outcome.task == "split" else merge_cluster
    for _ in range(_DRAWS):
        drawn = draw(copy, rng)
        if drawn is None:
            continue
        what, text = drawn
        (maps / "CLUSTER_DEFINITIONS.yaml").write_text(text)
        done = copy.hocmig("--json", "refactor", "--execute")
        if done.returncode == 0:
            outcome.what = what
            break
        if done.returncode not in (1, 2, 4) or "Traceback" in done.stderr:
            outcome.problems.append(f"{what}: exit {done.returncode}: {done.stderr[-500:]}")
        outcome.refused.append(
            f"{what}: exit {done.returncode}: {_refusals(done.stdout) or done.stderr[-300:]}"
        )
        if differing_files(original, copy.files()):
            outcome.problems.append(f"{what}: refused, and files changed")
            return
    else:
        outcome.problems.append("nothing drawn could be carried out")
        return
    moves = read_relocations(maps / "PHASE7_RELOCATIONS.csv")
    ended = set(modules) - set(copy.modules())
    outcome.moved = sum(bool(symbol) for _, symbol in moves)
    judge(copy, outcome, names, moves, ended, listed_names(maps / "PHASE7_REFACTOR_PLAN.md"), tests_before)
    again = copy.files()
    if copy.hocmig("refactor", "--execute").returncode or differing_files(again, copy.files()):
        outcome.problems.append("a second run changes something")
    undo(copy, outcome, "refactor", original)


def run_copies(copy: Checkout, outcome: Outcome, rng: random.Random) -> None:
    """Plant copies, find and consolidate them; judge it."""
    package = f"{copy.project.source_root}/{copy.project.package}".removeprefix("./")
    planted = plant_copies(copy, rng)
    copy.write_configuration(domain_root=package, shared_domain="''", artifacts="maps")
    original = copy.files()
    tests_before = copy.passed_tests()
    modules = copy.modules()
    names = copy.names(modules)
    rounds = 0
    listed: set[tuple[str, str]] = set()
    while rounds < 5:
        found = copy.hocmig("--json", "duplicates")
        if found.returncode:
            outcome.problems.append(f"duplicates: exit {found.returncode}: {found.stderr[-400:]}")
            return
        done = copy.hocmig("--json", "consolidate", "--execute", "--all")
        if "Traceback" in done.stderr or done.returncode not in (0, 1):
            outcome.problems.append(f"consolidate: exit {done.returncode}: {done.stderr[-600:]}")
            return
        outcome.refused += [line for line in done.stderr.splitlines() if line.startswith("refused: ")]
        if not json.loads(done.stdout).get("executed"):
            break
        rounds += 1
        listed |= listed_names(copy.root / "maps" / "PHASE6_LOC_SAVINGS.md")
    moves = read_relocations(copy.root / "maps" / "PHASE6_RELOCATIONS.csv")
    ended = set(modules) - set(copy.modules())
    outcome.moved = len(moves)
    left = [p for p in planted if (p.module, p.symbol) not in moves and (p.module, "") not in moves]
    left = [p for p in left if (p.origin, p.symbol) not in moves and (p.origin, "") not in moves]
    outcome.what = f"{len(planted) - len(left)} of {len(planted)} planted copies, {rounds} rounds"
    for copied in left:
        outcome.refused.append(f"left: {copied}")
    judge(copy, outcome, names, moves, ended, listed, tests_before)
    for copied in planted:
        if copied not in left:
            _check_identity(copy, outcome, copied, moves)
    for _ in range(rounds):
        done = copy.hocmig("consolidate", "--rollback")
        if done.returncode:
            outcome.problems.append(f"rollback: {done.stderr[-300:]}")
            return
    if differing := differing_files(original, copy.files()):
        outcome.problems.append(f"after the rollback differ: {differing[:5]}")


def _check_identity(
    copy: Checkout, outcome: Outcome, planted: Planted, moves: dict[tuple[str, str], tuple[str, str]]
) -> None:
    """The user of a planted copy and the importers of the original have one object now."""
    if not planted.use:
        return
    module, symbol = _place(planted.origin, planted.symbol, moves)
    text = (
        f"import importlib as i\na = i.import_module({planted.module!r}).{planted.use}\n"
        f"b = getattr(i.import_module({module!r}), {symbol!r})\nassert a is b, (a, b)"
    )
    done = copy.python("-c", text)
    if done.returncode:
        outcome.problems.append(f"{planted}: {done.stderr.strip().splitlines()[-1]}")


# -- judging -----------------------------------------------------------------------------------------------


def read_relocations(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """(old module, old symbol) -> the new ones; symbols are empty for whole modules."""
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        return {
            (row["old_module"], row["old_symbol"]): (row["new_module"], row["new_symbol"])
            for row in csv.DictReader(file)
        }


def _place(module: str, name: str, moves: dict[tuple[str, str], tuple[str, str]]) -> tuple[str, str]:
    """Where a name is, following all rounds."""
    seen = set()
    while (module, name) not in seen:
        seen.add((module, name))
        if (module, name) in moves:
            module, name = moves[module, name]
        elif (module, "") in moves:
            module = moves[module, ""][0]
    return module, name


def judge(
    copy: Checkout,
    outcome: Outcome,
    names: dict[str, dict[str, list[str]]],
    moves: dict[tuple[str, str], tuple[str, str]],
    ended: set[str],
    listed: set[tuple[str, str]],
    tests_before: set[str],
) -> None:
    """Tests, imports and names after a change."""
    modules = copy.modules()
    touched = {new for new, _ in moves.values()} | {old for old, _ in moves}
    said = copy.imports(modules, alone=touched & modules.keys())
    outcome.problems += [f"{m}: {error}" for m, error in said.items() if error != "ok"]
    after = copy.names(modules)
    for module, bound in names.items():
        for name, (kind, value) in bound.items():
            new_module, new_name = _place(module, name, moves)
            if new_name in after.get(new_module, ()):
                continue
            if kind == "module" and (value in ended or f"{module}.{name}" in ended):
                continue
            if (module, name) in listed:
                outcome.imports_ended += 1
                continue
            outcome.problems.append(f"{module}:{name} cannot be imported any more ({new_module}:{new_name})")
    tests = copy.passed_tests()
    outcome.tests = f"{len(tests_before)}, {len(tests & tests_before)}"
    if lost := sorted(tests_before - tests):
        outcome.problems.append(f"{len(lost)} tests no longer pass, the first is {lost[0]}")


def listed_names(report: Path) -> set[tuple[str, str]]:
    """The (module, name) pairs that a report says can no longer be imported."""
    text = report.read_text() if report.is_file() else ""
    _, _, section = text.partition("## Names that can no longer be imported\n")
    found = set()
    for line in section.partition("\n## ")[0].splitlines():
        if line.startswith("- `"):
            module, *names = re.findall(r"`([^`]+)`", line)
            found.update((module, name) for name in names)
    return found


def undo(copy: Checkout, outcome: Outcome, command: str, original: dict[str, bytes]) -> None:
    done = copy.hocmig(command, "--rollback")
    if done.returncode:
        outcome.problems.append(f"rollback: {done.stderr[-300:]}")
    elif differing := differing_files(original, copy.files()):
        outcome.problems.append(f"after the rollback differ: {differing[:5]}")


def main() -> int:
    arguments = project_arguments(__doc__, "--task", TASKS).parse_args()
    print(HEAD, flush=True)
    failed = False
    for run in runs(arguments, TASKS):
        outcome = Outcome(run.copy.project.name, run.kind, run.seed)
        if run.kind == "copies":
            run_copies(run.copy, outcome, run.rng)
        else:
            run_cluster(run.copy, outcome, run.rng, run.tests_before)
        print(outcome.row(), flush=True)
        for line in (*outcome.refused, *outcome.problems):
            print(f"    {line}", file=sys.stderr, flush=True)
        failed = failed or bool(outcome.problems)
    return int(failed)


def _refusals(stdout: str) -> str:
    try:
        findings = json.loads(stdout).get("findings", ())
    except ValueError:
        return ""
    errors = [
        f"{f['code']} {f['path']}:{f['line']} {f['message']}" for f in findings if f["severity"] == "error"
    ]
    return "; ".join(errors[:2])[:400]


if __name__ == "__main__":
    sys.exit(main())
