"""Random moves in real projects: modules, and separately symbols, twenty at once.

    python benchmarks/random_moves.py CACHE [--project NAME] [--kind modules|symbols] [--seeds N] [--moves N]

CACHE is described in `prepared_projects.py`. Per project, kind and seed, on a fresh copy: moves are drawn,
those that `hocmig mv --map` refuses are dropped with the reason, and others are drawn. Then:

imports     every module imports as before (the touched ones alone in a fresh process, too)
tests       the same tests pass
collateral  lines that changed, are no (conditional) import and name nothing that moved; there are none (moved
            code may spell a name of its old module anew that means something else where it goes)
again       the same command a second time changes nothing
back        modules: the inverse map gives the original bytes; symbols: `--rollback` does

Exit code 1 when something is not so.
"""

from __future__ import annotations

import ast
import csv
import difflib
import json
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from prepared_projects import Checkout, differing_files, import_lines, project_arguments, runs

from analyzers.model import Finding
from analyzers.relocation_map import RelocationMap
from analyzers.relocation_table import relocations_of_moves
from analyzers.source import decode
from analyzers.symbol_moves.definition_edits import plan_definitions
from analyzers.symbol_moves.module_items import read_module_items
from analyzers.symbol_moves.move_selection import select_moves
from hocmig.repository_reader import RepositoryReader
from hocmig.workspace import open_workspace

KINDS = ("modules", "symbols")
NEW_PACKAGES = ("relocated", "kernel", "shared_parts")
_ATTEMPTS = 30
#: After so many refusals the messages are no longer asked who is to blame: see `_first_refused`.
_MESSAGES_TRUSTED = 10

HEAD = (
    "| project | kind | seed | moves | refused | modules that import | tests before, after | lines changed | "
    "collateral | again | back | verdict |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Move:
    """One row: as written in the table, the modules it is between, and the words that may change a line."""

    old: str
    new: str
    old_module: str
    new_module: str
    paths: tuple[str, str]
    words: frozenset[str]


@dataclass
class Outcome:
    project: str
    kind: str
    seed: int
    moves: list[Move] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    imports: str = ""
    tests: str = ""
    changed_lines: int = 0
    collateral: list[str] = field(default_factory=list)
    again: str = ""
    back: str = ""
    problems: list[str] = field(default_factory=list)

    def row(self) -> str:
        bad = len(self.problems) + len(self.collateral)
        return (
            f"| {self.project} | {self.kind} | {self.seed} | {len(self.moves)} | {len(self.refused)} | "
            f"{self.imports} | {self.tests} | {self.changed_lines} | {len(self.collateral)} | {self.again} | "
            f"{self.back} | {f'{bad} problems' if bad else 'right'} |"
        )


# -- drawing -----------------------------------------------------------------------------------------------


class Drawing:
    """Draws moves that do not meet each other; the tree decides about everything else."""

    def __init__(self, copy: Checkout, rng: random.Random) -> None:
        self.copy = copy
        self.rng = rng
        self.modules = copy.modules()
        self.movable = copy.movable()
        self.taken: set[str] = set()
        self.refused: list[str] = []
        options = {"root": copy.root, "jobs": 1, "quiet": True, "no_progress": True}
        self.workspace = open_workspace({"config": None, "as_json": False, "verbose": False, **options})

    def refusals(self, moves: list[Move]) -> list[Finding]:
        """What the planner would refuse of these symbol moves: the cheap part of what `mv` asks."""
        index = self.workspace.index
        rows = [(1, move.old, move.new) for move in moves]
        read = RepositoryReader(self.copy.root)
        selection = select_moves(index, RelocationMap(relocations_of_moves(rows, index, "moves")), read)
        findings = [*selection.findings]
        if not any(f.severity == "error" for f in findings):
            findings += plan_definitions(selection, index, lambda path: decode(read(path))).findings
        return [f for f in findings if f.severity == "error"]

    def module(self) -> Move | None:
        """A module to another package, some of which are new; one in five gets a new name, too."""
        project = self.copy.project
        old = self.rng.choice(sorted(self.movable))
        packages = sorted(m for m, p in self.modules.items() if p.endswith("/__init__.py"))
        packages = [m for m in packages if m not in project.excluded]
        packages += [f"{project.package}.{name}" for name in NEW_PACKAGES]
        leaf = old.rpartition(".")[2]
        new_leaf = f"{leaf}_parts" if self.rng.random() < 0.2 else leaf
        new = f"{self.rng.choice(packages)}.{new_leaf}"
        known = {*self.modules, *self.taken}
        below = {name for module in known for name in _above(module)}
        if old in self.taken or new in known or new in below or new.startswith(f"{old}."):
            return None
        if b"__file__" in (self.copy.root / self.movable[old]).read_bytes():
            return None
        self.taken |= {old, new}
        old_path = self.movable[old]
        new_path = f"{project.source_root}/{new.replace('.', '/')}.py".removeprefix("./")
        words = {leaf, *new.split(".")[-2:]}
        return Move(old_path, new_path, old, new, (old_path, new_path), frozenset(words))

    def symbol(self) -> Move | None:
        """A definition to another module, half of the time in the same package."""
        module = self.rng.choice(sorted(self.movable))
        names = _definitions((self.copy.root / self.movable[module]).read_bytes())
        near = [m for m in self.movable if m.rpartition(".")[0] == module.rpartition(".")[0] and m != module]
        far = [m for m in self.movable if m != module]
        goals = near if near and self.rng.random() < 0.5 else far
        if not names:
            return None
        name, goal = self.rng.choice(names), self.rng.choice(sorted(goals))
        place = f"{module}:{name}"
        if place in self.taken:
            return None
        self.taken.add(place)
        words = {name, module.rpartition(".")[2], goal.rpartition(".")[2]}
        paths = (self.movable[module], self.movable[goal])
        move = Move(place, goal, module, goal, paths, frozenset(words))
        if refusals := self.refusals([move]):
            self.refused.append(f"{place} -> {goal}: {refusals[0]}"[:300])
            return None
        return move


def _above(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def _definitions(text: bytes) -> list[str]:
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            found.append(node.targets[0].id)
    return sorted({name for name in found if not name.startswith("__")})


def carry_out(copy: Checkout, outcome: Outcome, rng: random.Random, wanted: int, table: Path) -> bool:
    """Draw and move; those that are blamed for a refusal are dropped. Whether something was moved."""
    drawing = Drawing(copy, rng)
    draw = drawing.module if outcome.kind == "modules" else drawing.symbol
    before = copy.files()
    moves: list[Move] = []
    for attempt in range(_ATTEMPTS):
        for _ in range(400):
            if len(moves) >= wanted or attempt > _ATTEMPTS - 4:
                break
            move = draw()
            if move is not None:
                moves.append(move)
        outcome.refused += drawing.refused
        drawing.refused.clear()
        if outcome.kind == "symbols":
            while refusals := drawing.refusals(moves):
                _drop(moves, [str(refusals[0])], outcome)
        write_table(table, moves)
        done = copy.hocmig("--json", "mv", "--map", str(table), "--execute", "--backup")
        if done.returncode == 0:
            outcome.moves = moves
            return True
        if differing_files(before, copy.files()):
            outcome.problems.append(f"exit {done.returncode}, and files changed: {done.stderr[-300:]}")
            return False
        if done.returncode not in (1, 2, 4):
            outcome.problems.append(f"exit {done.returncode}: {done.stderr[-600:]}")
            return False
        reasons = _reasons(done.stdout) or [done.stderr.strip()]
        if attempt < _MESSAGES_TRUSTED:
            _drop(moves, reasons, outcome)
        else:
            _take_off(moves, _first_refused(copy, moves, table), reasons[0], outcome)
    outcome.problems.append("no set of moves could be carried out")
    return False


def _first_refused(copy: Checkout, moves: list[Move], table: Path) -> Move:
    """The last move of the shortest beginning of the list that is refused, which the whole list is."""
    fine, refused = 0, len(moves)
    while refused - fine > 1:
        middle = (fine + refused) // 2
        write_table(table, moves[:middle])
        if copy.hocmig("--quiet", "mv", "--map", str(table)).returncode:
            refused = middle
        else:
            fine = middle
    return moves[refused - 1]


def _reasons(stdout: str) -> list[str]:
    """The findings that block, as texts."""
    try:
        findings = json.loads(stdout)["findings"]
    except ValueError:
        return []
    return [
        f"{f['code']} {f['path']}:{f['line']}: {f['message']}" for f in findings if f["severity"] == "error"
    ]


def _drop(moves: list[Move], reasons: list[str], outcome: Outcome) -> None:
    """Take the moves that the reasons are about off the list: for each the one that it names most of."""
    blamed = []
    for reason in reasons:
        line = re.search(r"moves\.csv:(\d+)", reason)
        if line:
            blamed.append((moves[int(line[1]) - 2], reason))
            continue
        scores = [_score(move, reason) for move in moves]
        blamed.append((moves[max(range(len(moves)), key=scores.__getitem__)], reason))
    for move, reason in blamed:
        if move in moves:
            _take_off(moves, move, reason, outcome)


def _take_off(moves: list[Move], move: Move, reason: str, outcome: Outcome) -> None:
    moves.remove(move)
    outcome.refused.append(f"{move.old} -> {move.new}: {reason}"[:400])
    print(f"    refused: {outcome.refused[-1]}", file=sys.stderr, flush=True)


def _score(move: Move, reason: str) -> int:
    """How much a message speaks of a move: an importer of a cycle is most likely where something arrived."""
    symbol = move.old.partition(":")[2]
    score = 3 * bool(re.search(rf"{re.escape(move.paths[1])}:\d+ ->", reason))
    score += sum(path in reason for path in move.paths)
    score += sum(f"{module} " in reason for module in (move.old_module, move.new_module))
    return score + 2 * bool(re.search(rf"\b{symbol}\b", reason) if symbol else move.old in reason)


def write_table(path: Path, moves: list[Move]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["old_path", "new_path"])
        writer.writerows([move.old, move.new] for move in moves)


# -- judging -----------------------------------------------------------------------------------------------


def collateral(before: dict[str, bytes], after: dict[str, bytes], moves: list[Move]) -> tuple[int, list[str]]:
    """The number of changed lines, and those that hold no import and nothing that moved."""
    new_paths = {m.old: m.new for m in moves if ":" not in m.old}
    old_paths = {new: old for old, new in new_paths.items()}
    words = re.compile(
        r"(?<!\w)(?:" + "|".join(sorted({re.escape(w) for m in moves for w in m.words})) + r")(?!\w)"
    )
    count = 0
    lost: Counter[str] = Counter()
    gained: Counter[str] = Counter()
    where: dict[str, str] = {}
    for path in sorted({new_paths.get(p, p) for p in before} | set(after)):
        old, new = before.get(old_paths.get(path, path), b""), after.get(path, b"")
        if old == new:
            continue
        sides = [
            (
                old.decode("utf-8", "replace").splitlines(),
                _import_lines(old) if path.endswith(".py") else set(),
            ),
            (
                new.decode("utf-8", "replace").splitlines(),
                _import_lines(new) if path.endswith(".py") else set(),
            ),
        ]
        matcher = difflib.SequenceMatcher(None, sides[0][0], sides[1][0], autojunk=False)
        for what, first, end, new_first, new_end in matcher.get_opcodes():
            if what == "equal":
                continue
            for side, span, found in ((0, range(first, end), lost), (1, range(new_first, new_end), gained)):
                lines, imports = sides[side]
                count += len(span)
                for number in span:
                    line = lines[number].strip()
                    if not line or number + 1 in imports or words.search(line) or _guards_imports(line):
                        continue
                    found[line] += 1
                    where.setdefault(line, f"{path}:{number + 1}")
    # What left one file and arrived in another has moved.
    gone, new = lost - gained, gained - lost
    _take_renamed(gone, new, _taken_names(before, moves))
    return count, [f"{where[line]}: {line}" for line in gone + new]


def _taken_names(before: dict[str, bytes], moves: list[Move]) -> set[str]:
    """Names of a module from which a definition moves that mean something else where it goes.

    They need another name there, whatever tool moves it.
    """
    found: set[str] = set()
    for move in moves:
        if ":" in move.old:
            names, bound = (_module_names(before[path]) for path in move.paths)
            # Two definitions are two things; imports of the same thing are one.
            found |= {n for n, origin in names.items() if n in bound and (not origin or bound[n] != origin)}
    return found


def _module_names(text: bytes) -> dict[str, str]:
    """The names bound by statements of a module -> what they import; empty for definitions."""
    names: dict[str, str] = dict.fromkeys(_definitions(text), "")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            names |= {a.asname or a.name: f"{start}:{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.asname or a.name.partition(".")[0]: a.name for a in node.names}
    return names


def _take_renamed(gone: Counter[str], new: Counter[str], taken: set[str]) -> None:
    """Take out pairs of lines that differ only in the spelling of `taken` names."""
    for line in list(gone):
        words = re.findall(r"\w+|\W", line)
        for other in list(new):
            others = re.findall(r"\w+|\W", other)
            if len(words) == len(others) and all(
                a == b or a in taken for a, b in zip(words, others, strict=True)
            ):
                number = min(gone[line], new[other])
                gone[line] -= number
                new[other] -= number
                gone += Counter()
                new += Counter()
                break


def _import_lines(text: bytes) -> set[int]:
    """The 1-based lines of imports, those of conditional imports (`if` or `try`) included."""
    items = read_module_items(decode(text))
    blocks = [i for i in items.items if i.is_import] if items is not None else []
    return import_lines(text).union(*(range(i.first_line, i.last_line + 1) for i in blocks))


def _guards_imports(line: str) -> bool:
    return re.fullmatch(r"(?:if (?:\w+\.)?TYPE_CHECKING:)|__all__ = .*|[\])]", line) is not None


def judge(copy: Checkout, outcome: Outcome, before: dict[str, bytes], tests_before: set[str]) -> None:
    """Imports, tests and collateral of what was moved."""
    modules = copy.modules()
    touched = {m.new_module for m in outcome.moves} | {m.old_module for m in outcome.moves}
    said = copy.imports(modules, alone=touched & modules.keys())
    bad = [f"{module}: {error}" for module, error in said.items() if error != "ok"]
    outcome.imports = f"{len(said) - len(bad)} of {len(said)}"
    outcome.problems += bad
    tests = copy.passed_tests()
    outcome.tests = f"{len(tests_before)}, {len(tests & tests_before)}"
    if lost := sorted(tests_before - tests):
        outcome.problems.append(f"{len(lost)} tests no longer pass, the first is {lost[0]}")
    outcome.changed_lines, outcome.collateral = collateral(before, copy.files(), outcome.moves)


def check_again(copy: Checkout, outcome: Outcome, table: Path) -> None:
    """The same command a second time."""
    before = copy.files()
    done = copy.hocmig("mv", "--map", str(table), "--execute")
    changed = differing_files(before, copy.files())
    outcome.again = (
        "nothing" if not changed and not done.returncode else f"exit {done.returncode}, {len(changed)}"
    )
    if done.returncode or changed:
        outcome.problems.append(f"second run: exit {done.returncode}, {changed[:5]} {done.stderr[-300:]}")


def check_back(copy: Checkout, outcome: Outcome, before: dict[str, bytes], table: Path) -> None:
    """Modules go back by the inverse map, symbols by a rollback."""
    if outcome.kind == "modules":
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["old_path", "new_path"])
            writer.writerows([move.new, move.old] for move in outcome.moves)
        done = copy.hocmig("mv", "--map", str(table), "--execute")
    else:
        archive = max((copy.root / "backups").glob("*.tar.gz"), key=lambda p: p.stat().st_mtime)
        done = copy.hocmig("move", "--rollback", "--backup", str(archive))
    changed = differing_files(before, copy.files())
    outcome.back = "same bytes" if not changed else f"{len(changed)} differ"
    if done.returncode or changed:
        outcome.problems.append(f"back: exit {done.returncode}, {changed[:5]} {done.stderr[-300:]}")


def main() -> int:
    parser = project_arguments(__doc__, "--kind", KINDS)
    parser.add_argument("--moves", type=int, default=20)
    arguments = parser.parse_args()
    print(HEAD, flush=True)
    failed = False
    for run in runs(arguments, KINDS):
        copy = run.copy
        copy.write_configuration()
        tests_before = run.tests_before
        outcome = Outcome(copy.project.name, run.kind, run.seed)
        table = copy.root.parent / "moves.csv"
        before = copy.files()
        if carry_out(copy, outcome, run.rng, arguments.moves, table):
            judge(copy, outcome, before, tests_before)
            check_again(copy, outcome, table)
            check_back(copy, outcome, before, table)
        print(outcome.row(), flush=True)
        for line in (*outcome.problems, *outcome.collateral[:20]):
            print(f"    PROBLEM: {line}", file=sys.stderr, flush=True)
        failed = failed or bool(outcome.problems or outcome.collateral)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
