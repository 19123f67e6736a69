"""Our moves beside those of rope, LibCST's RenameCommand and language servers, on the same hard clients.

    python benchmarks/peer_tools.py [--server NAME=COMMAND] [--only TOOL] [--write]

The clients are those of our own tests, see `peer_cases.py`. Each tool moves the module or the symbol in a
fresh copy; the client is run before and after. With --write, the tables go into `docs/peer-comparison.md`;
--results FILE keeps what was found, so that tools can be run one at a time.

A tool is given what it cannot do by itself, so that only its rewriting is judged: rope gets the target
package (and for symbols the empty target module) and a rename after the move; RenameCommand gets the files at
their new places and the definitions already moved; a language server gets the files moved after it gave its
edits.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import tokenize
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from language_server import LanguageServer
from peer_cases import ROOT, Case, all_cases

PAGE = ROOT / "docs" / "peer-comparison.md"

_RUN = """
import importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
sys.dont_write_bytecode = True
print(json.dumps({c: repr(importlib.import_module(c).RESULT) for c in json.loads(sys.argv[2])}))
"""

#: What a reader has to know of a tool to read its column rightly.
_NOTES = {
    "basedpyright": "\nbasedpyright answers the move of a file to another folder as if it were renamed in\n"
    "its own: the old package, the new last name. It is right where only the last name changes.",
}

RIGHT, WRONG, REFUSED, CRASHED, NOT_OFFERED = "right", "wrong", "refused", "crashed", "not offered"


class NotOfferedError(Exception):
    """The tool has no such operation."""


class RefusedError(Exception):
    """The tool said no, and changed nothing."""


# -- tools -------------------------------------------------------------------------------------------------


def with_hocmig(case: Case, root: Path) -> None:
    """`hocmig mv --map --execute`."""
    roots = ", ".join(repr(r) for r in case.roots)
    (root / "hocmig.yaml").write_text(f"version: 1\nimport_roots: [{roots}]\n")
    table = root.parent / "moves.csv"
    table.write_text("old_path,new_path\n" + "".join(f"{old},{new}\n" for old, new in case.moves.items()))
    command = [sys.executable, "-m", "hocmig", "--root", str(root), "mv", "--map", str(table), "--execute"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode in (1, 2, 4):
        raise RefusedError((done.stderr.strip().splitlines() or [""])[0])
    if done.returncode:
        raise RuntimeError(done.stderr[-300:])


def with_rope(case: Case, root: Path) -> None:
    """MoveModule with Rename, MoveGlobal; moves one after the other."""
    from rope.base.fscommands import FileSystemCommands
    from rope.base.project import Project
    from rope.refactor.move import create_move
    from rope.refactor.rename import Rename

    warnings.simplefilter("ignore")
    options = {"source_folders": [r for r in case.roots if r != "."]} if case.roots != (".",) else {}
    project = Project(str(root), FileSystemCommands(), ropefolder=None, **options)
    try:
        for (old_path, new_path), (old, new) in zip(
            case.path_moves().items(), case.moves.items(), strict=True
        ):
            _make_packages(root, new_path if new_path.endswith(".py") else f"{new_path}/x.py")
            if case.is_symbol:
                symbol = old.partition(":")[2]
                if not (root / new_path).exists():
                    (root / new_path).write_text("")
                project.validate()
                source = project.get_resource(old_path)
                text = source.read()
                offset = next(
                    text.index(start) + start.index(symbol)
                    for start in (f"def {symbol}(", f"class {symbol}", f"{symbol} =", symbol)
                    if start in text
                )
                mover = create_move(project, source, offset)
                project.do(mover.get_changes(project.get_resource(new_path)))
                if new.partition(":")[2] not in ("", symbol):
                    moved = project.get_resource(new_path)
                    renamer = Rename(project, moved, moved.read().index(symbol))
                    project.do(renamer.get_changes(new.partition(":")[2]))
                continue
            project.validate()
            folder, _, leaf = new_path.rpartition("/")
            old_folder, _, old_leaf = old_path.rpartition("/")
            if folder != old_folder:
                mover = create_move(project, project.get_resource(old_path))
                project.do(mover.get_changes(project.get_resource(folder) if folder else project.root))
            if leaf != old_leaf:
                place = f"{folder}/{old_leaf}" if folder else old_leaf
                renamer = Rename(project, project.get_resource(place))
                project.do(renamer.get_changes(leaf.removesuffix(".py")))
    finally:
        project.close()


def with_rename_command(case: Case, root: Path) -> None:
    """`rename.RenameCommand` over all files, which are at their new places already.

    In this process, with the names that LibCST's command line would work out.
    """
    from libcst import parse_module
    from libcst.codemod import CodemodContext
    from libcst.codemod.commands.rename import RenameCommand
    from libcst.helpers import calculate_module_and_package

    _place_files(case, root)
    for old, new in case.moves.items():
        names = []
        for place in (old, new):
            module, _, symbol = place.partition(":")
            names.append((case.module(module), symbol))
        (old_module, old_symbol), (new_module, new_symbol) = names
        old_name = f"{old_module}.{old_symbol}" if old_symbol else old_module
        new_name = f"{new_module}.{new_symbol or old_symbol}" if old_symbol else new_module
        for path in sorted(root.rglob("*.py")):
            names = calculate_module_and_package(root, path)
            context = CodemodContext(
                filename=str(path), full_module_name=names.name, full_package_name=names.package
            )
            try:
                module = parse_module(path.read_bytes())
                changed = RenameCommand(context, old_name, new_name).transform_module(module)
            except Exception:  # As on its command line: such a file is left as it is.
                continue
            path.write_bytes(changed.bytes)


def server_tool(command: Sequence[str]) -> Callable[[Case, Path], None]:
    """A language server: `workspace/willRenameFiles`, or a code action that moves a symbol."""

    def run(case: Case, root: Path) -> None:
        if case.roots != (".",):
            (root / "pyrightconfig.json").write_text(json.dumps({"extraPaths": list(case.roots)}))
        if case.is_symbol:
            for new_path in case.path_moves().values():
                _make_packages(root, new_path)
                if not (root / new_path).exists():
                    (root / new_path).write_text("")
        with LanguageServer(command, root) as server:
            if case.is_symbol:
                edited: dict[Path, str] = {}
                for old, new in case.moves.items():
                    module, _, symbol = old.partition(":")
                    found = server.move_symbol(case.path(module), symbol, case.module(new.partition(":")[0]))
                    if found is None:
                        raise NotOfferedError
                    edited |= found
            else:
                edited = server.rename_files(case.path_moves())
        for path, text in edited.items():
            path.write_bytes(text.encode())
        if not case.is_symbol:
            _place_files(case, root)

    return run


def _place_files(case: Case, root: Path) -> None:
    """Move the files as a person would, with new packages; write definitions that have moved."""
    if not case.is_symbol:
        staged = Path(tempfile.mkdtemp(dir=root.parent))
        moves = sorted(case.path_moves().items(), key=lambda pair: -len(pair[0]))
        for number, (old, _) in enumerate(moves):
            (root / old).rename(staged / str(number))
        for number, (_, new) in reversed(list(enumerate(moves))):
            (root / new).parent.mkdir(parents=True, exist_ok=True)
            (staged / str(number)).rename(root / new)
            if case.packages:
                _make_packages(root, new if new.endswith(".py") else f"{new}/x.py", below=case.roots)
    for path, content in case.definitions.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        if path not in case.files:
            _make_packages(root, path)


def _make_packages(root: Path, path: str, below: Sequence[str] = (".", "src")) -> None:
    for folder in Path(path).parents:
        if str(folder) not in (".", *below):
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / "__init__.py").touch()


# -- judging -----------------------------------------------------------------------------------------------


def run_case(case: Case, tool: Callable[[Case, Path], None]) -> tuple[str, str]:
    """(verdict, reason or empty). Right: the clients give the same, and what moved is at its new place."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        for path, content in case.files.items():
            (before / path).parent.mkdir(parents=True, exist_ok=True)
            (before / path).write_bytes(content)
        shutil.copytree(before, after)
        wanted, error = results(case, before, case.clients)
        if wanted is None:
            return "no case", error
        try:
            tool(case, after)
        except NotOfferedError:
            return NOT_OFFERED, ""
        except RefusedError as error_:
            return REFUSED, str(error_)
        except Exception as error_:  # Whatever a tool under test raises is its result.
            return CRASHED, f"{type(error_).__name__}: {error_}"[:200]
        clients = tuple(_moved_client(case, client) for client in case.clients)
        found, error = results(case, after, clients)
        if found is None:
            return WRONG, error
        if list(found.values()) != list(wanted.values()):
            return WRONG, f"{list(wanted.values())} became {list(found.values())}"[:200]
        if problem := _not_moved(case, after):
            return WRONG, problem
        lost = _comments(before) - _comments(after)
        return RIGHT, f"comments lost: {', '.join(lost)}" if lost else ""


def results(case: Case, root: Path, clients: Sequence[str]) -> tuple[dict[str, str] | None, str]:
    """`RESULT` of each client from a fresh interpreter, or None and the last line of the error."""
    roots = [str(root / r) for r in case.roots]
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", _RUN, json.dumps(roots), json.dumps(clients)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["died"])[-1][:200]
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found, ""


def _moved_client(case: Case, client: str) -> str:
    best = ""
    for old, path in zip(case.moves, case.path_moves(), strict=True):
        module, is_whole = case.module(old), not path.endswith(".py")
        if ":" not in old and (client == module or (is_whole and client.startswith(f"{module}."))):
            best = max(best, old, key=len)
    return case.module(case.moves[best]) + client[len(case.module(best)) :] if best else client


def _not_moved(case: Case, root: Path) -> str:
    for old, new in case.path_moves().items():
        if not (root / new).exists():
            return f"{new} is not there"
        if not case.is_symbol and (root / old).is_file() and old not in case.path_moves().values():
            return f"{old} is still there"
    return ""


def _comments(root: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in sorted(root.rglob("*.py")):
        try:
            tokens = list(tokenize.tokenize(io.BytesIO(path.read_bytes()).readline))
        except (tokenize.TokenError, SyntaxError):
            continue
        found.update(t.string for t in tokens if t.type == tokenize.COMMENT)
    return found


# -- the page ----------------------------------------------------------------------------------------------


def page(
    table: Mapping[str, Mapping[str, tuple[str, str]]], cases: Sequence[Case], versions: Sequence[str]
) -> str:
    """The whole page: totals, and every case that some tool does not get right."""
    tools = list(table)
    lines = [
        "# Our moves beside those of other tools",
        "",
        "Made by `benchmarks/peer_tools.py`; do not edit. The clients are the trees of our own tests",
        "(`tests/codemods`), and some more for strings and groups of definitions. They were chosen to be",
        "hard, and are not weighted by how often a form occurs. *Right*: the client, run before and after,",
        "gives the same, and what moved is at its new place. Style is not judged; lost comments are counted.",
        "How each tool is driven, and what it is given, stands in the script.",
        "",
        f"Versions: {', '.join(versions)}.",
        *(note for tool, note in _NOTES.items() if tool in table),
        "",
    ]
    for title, symbols in (("Modules", False), ("Symbols", True)):
        chosen = [c for c in cases if c.is_symbol is symbols]
        lines += [f"## {title}: {len(chosen)} clients", ""]
        lines += ["| tool | right | of them comments lost | wrong | refused | crashed | not offered |"]
        lines += ["|---|---|---|---|---|---|---|"]
        for tool in tools:
            said = [table[tool].get(c.name, ("not run", "")) for c in chosen]
            count = Counter(verdict for verdict, _ in said)
            lost = sum(verdict == RIGHT and bool(reason) for verdict, reason in said)
            row = [count[RIGHT], lost, count[WRONG], count[REFUSED], count[CRASHED], count[NOT_OFFERED]]
            lines.append(f"| {tool} | " + " | ".join(map(str, row)) + " |")
        lines += ["", "| client | " + " | ".join(tools) + " |", "|---" * (len(tools) + 1) + "|"]
        for case in chosen:
            verdicts = [table[tool].get(case.name, ("not run", ""))[0] for tool in tools]
            if set(verdicts) != {RIGHT}:
                lines.append(f"| {case.name} | " + " | ".join(verdicts) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--server", action="append", default=[], metavar="NAME=COMMAND", help="a language server"
    )
    parser.add_argument("--only", action="append", default=[], help="only this tool (repeatable)")
    parser.add_argument("--case", default="", help="only cases whose name holds this")
    parser.add_argument("--version", action="append", default=[], help="a version to name on the page")
    parser.add_argument("--results", type=Path, help="a JSON file that keeps the results of all tools")
    parser.add_argument("--write", action="store_true", help="write docs/peer-comparison.md")
    arguments = parser.parse_args()
    tools: dict[str, Callable[[Case, Path], None]] = {
        "hocmig": with_hocmig,
        "rope": with_rope,
        "RenameCommand": with_rename_command,
    }
    for server in arguments.server:
        name, _, command = server.partition("=")
        tools[name] = server_tool(command.split())
    every = all_cases()
    cases = [case for case in every if arguments.case in case.name]
    results_file: Path | None = arguments.results
    table: dict[str, dict[str, tuple[str, str]]] = {}
    if results_file is not None and results_file.is_file():
        known = json.loads(results_file.read_text())
        table = {tool: {n: (v[0], v[1]) for n, v in rows.items()} for tool, rows in known.items()}
    for name, tool in tools.items():
        if arguments.only and name not in arguments.only:
            continue
        table.setdefault(name, {})
        for case in cases:
            verdict, reason = run_case(case, tool)
            table[name][case.name] = verdict, reason
            if verdict != RIGHT or reason:
                print(f"{name}: {case.name}: {verdict}: {reason}", flush=True)
            if results_file is not None:
                results_file.write_text(json.dumps(table, indent=1))
    kept = [
        case for case in every if all(rows.get(case.name, ("",))[0] != "no case" for rows in table.values())
    ]
    text = page(table, kept, arguments.version)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
