"""Plants copies of modules, functions and classes of a project in other packages of it, with users."""

from __future__ import annotations

import ast
import builtins
import random
import re
from dataclasses import dataclass
from pathlib import Path

from prepared_projects import Checkout

#: Copies per project: whole modules, and functions and classes.
MODULES = 3
SYMBOLS = 5

#: Fewer lines than this are no duplicate that anybody would look for.
_LEAST_LINES = 8


@dataclass(frozen=True)
class Planted:
    """A copy: `module` (with `symbol`) is the copy, `origin` what it was copied from.

    `use` is a name in the copy's module that refers to it; empty for whole modules.
    """

    module: str
    symbol: str
    origin: str
    use: str = ""


def plant_copies(copy: Checkout, rng: random.Random) -> list[Planted]:
    """Change the copy of the project; returns what was planted."""
    planter = _Planter(copy, rng)
    planter.make_packages()
    planter.plant_modules()
    planter.plant_symbols()
    return planter.planted


class _Planter:
    def __init__(self, copy: Checkout, rng: random.Random) -> None:
        self.copy = copy
        self.rng = rng
        self.package = copy.project.package
        self.planted: list[Planted] = []

    def make_packages(self) -> None:
        """Two packages more, for projects with few: something to copy into."""
        above = self.copy.root / self.copy.project.source_root / self.package
        for name in ("extras", "compatibility"):
            (above / name).mkdir()
            (above / name / "__init__.py").write_text("")
            (above / name / "options.py").write_text('"""Options."""\n\nDEFAULT = True\n')

    def domains(self) -> dict[str, list[str]]:
        """Domain -> its modules, packages themselves left out."""
        found: dict[str, list[str]] = {}
        for module in self.copy.movable():
            parts = module.split(".")
            if len(parts) >= 3:
                found.setdefault(parts[1], []).append(module)
        return found

    def text(self, module: str) -> str:
        return (self.copy.root / self.copy.modules()[module]).read_text(encoding="utf-8")

    # -- modules -------------------------------------------------------------------------------------------

    def plant_modules(self) -> None:
        domains = self.domains()
        for _ in range(40):
            if sum(not p.symbol for p in self.planted) == MODULES:
                return
            source = self.rng.choice(sorted(domains))
            target = self.rng.choice(sorted(d for d in domains if d != source))
            module = self.rng.choice(domains[source])
            new = f"{self.package}.{target}.{module.rpartition('.')[2]}"
            text = self.text(module)
            taken = new in self.copy.modules() or any(p.origin == module for p in self.planted)
            if taken or text.count("\n") < _LEAST_LINES or "__file__" in text or module.endswith("options"):
                continue
            # Both in one form: relative imports would make the copy another text.
            for name in (new, module):
                self._write(name, absolute_imports(text, module))
            users = self._repoint(module, new, f"{self.package}.{target}.")
            if not users:
                self._write(
                    f"{self.package}.{target}.uses_{new.rpartition('.')[2]}",
                    f'"""Uses a copy."""\n\nimport {new}\n\nCOPY = {new}\n',
                )
            self.planted.append(Planted(new, "", module))

    def _repoint(self, module: str, new: str, below: str) -> int:
        """Let the importers in one package use the copy; returns their number."""
        count = 0
        for user, path in self.copy.modules().items():
            if not user.startswith(below) or user == new:
                continue
            text = (self.copy.root / path).read_text(encoding="utf-8")
            changed = _with_replaced_imports(text, user, path.endswith("/__init__.py"), {module: new})
            if changed != text:
                (self.copy.root / path).write_text(changed, encoding="utf-8")
                count += 1
        return count

    def _write(self, module: str, text: str) -> None:
        path = self.copy.root / self.copy.project.source_root / Path(*module.split(".")).with_suffix(".py")
        path.write_text(text, encoding="utf-8")

    # -- functions and classes -----------------------------------------------------------------------------

    def plant_symbols(self) -> None:
        domains = self.domains()
        for _ in range(200):
            if sum(bool(p.symbol) for p in self.planted) == SYMBOLS:
                return
            source = self.rng.choice(sorted(domains))
            target = self.rng.choice(sorted(d for d in domains if d != source))
            origin, goal = self.rng.choice(domains[source]), self.rng.choice(domains[target])
            known = {p.module for p in self.planted} | {p.origin for p in self.planted}
            if origin in known or goal in known:
                continue
            self._plant_symbol(origin, goal)

    def _plant_symbol(self, origin: str, goal: str) -> None:
        text, goal_text = self.text(origin), self.text(goal)
        tree = ast.parse(text)
        chosen = [
            node
            for node in tree.body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            and not node.decorator_list
            and (node.end_lineno or 0) - node.lineno >= _LEAST_LINES
        ]
        if not chosen:
            return
        node = self.rng.choice(chosen)
        free = _free_names(node, text)
        goal_names = _bound(ast.parse(goal_text))
        if node.name in goal_names or free is None or free & goal_names:
            return
        if re.search(rf"\b{node.name}\b", goal_text) or (
            "super()" in text and isinstance(node, ast.ClassDef)
        ):
            return
        needed = _imports_for(free, tree, origin)
        if needed is None or any(goal in line for line in needed):
            return
        body = "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])
        if self.rng.random() < 0.5:
            body = body.replace("\n", "\n    # A comment of the copy.\n", 1) if ":\n" in body[:200] else body
        use = f"USED_{node.name}"
        addition = "\n\n" + "".join(f"{line}\n" for line in needed) + f"\n\n{body}\n\n\n{use} = {node.name}\n"
        before = (self.copy.root / self.copy.modules()[goal]).read_text(encoding="utf-8")
        self._write(goal, before + addition)
        said = self.copy.imports([goal], alone=[goal, origin])
        try:
            ast.parse(before + addition)
        except SyntaxError:
            said[goal] = "no Python"
        if any(error != "ok" for error in said.values()):
            self._write(goal, before)
            return
        self.planted.append(Planted(goal, node.name, origin, use))


# -- parts -------------------------------------------------------------------------------------------------


def absolute_imports(text: str, module: str) -> str:
    """The text of a module (no package) with its relative imports made absolute."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(module.split(".")[: -node.level])
            full = f"{base}.{node.module}" if node.module else base
            spelled = re.escape("." * node.level + (node.module or ""))
            at = node.lineno - 1
            lines[at] = re.sub(rf"from\s+{spelled}\s+import", f"from {full} import", lines[at], count=1)
    return "".join(lines)


def _with_replaced_imports(text: str, user: str, is_package: bool, moved: dict[str, str]) -> str:
    """The text with `from OLD import ...` turned to the copies, absolute or relative."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        above = user.split(".") if is_package else user.split(".")[:-1]
        base = ".".join(above[: len(above) - node.level + 1]) if node.level else ""
        full = f"{base}.{node.module}" if base else node.module
        if full in moved:
            spelled = re.escape("." * node.level + node.module)
            at = node.lineno - 1
            lines[at] = re.sub(
                rf"from\s+{spelled}\s+import", f"from {moved[full]} import", lines[at], count=1
            )
    return "".join(lines)


def _bound(tree: ast.Module) -> set[str]:
    """All names that occur or are bound anywhere in a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(a.asname or a.name.partition(".")[0] for a in node.names)
    return found


def _free_names(node: ast.stmt, text: str) -> set[str] | None:
    """The global names that a definition uses; None when it does what a copy cannot."""
    loaded, stored = set(), set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            (loaded if isinstance(part.ctx, ast.Load) else stored).add(part.id)
        elif isinstance(part, ast.arg):
            stored.add(part.arg)
        elif isinstance(part, (ast.Global, ast.Import, ast.ImportFrom)):
            return None
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)) and part.name:
            stored.add(part.name)
        elif isinstance(part, ast.Constant) and _may_be_annotation(part.value, text):
            return None
    return loaded - stored - set(dir(builtins))


def _may_be_annotation(value: object, text: str) -> bool:
    if not isinstance(value, str) or not value.isidentifier() or not value[0].isupper():
        return False
    return re.search(rf"\b{value}\b\s*(?:=|\(|:|\bimport)", text) is not None


def _imports_for(free: set[str], tree: ast.Module, origin: str) -> list[str] | None:
    """Import lines for the free names: as the origin imports them, or from the origin."""
    found = []
    own = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            own.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            own.update(t.id for t in targets if isinstance(t, ast.Name))
    for name in sorted(free):
        line = _import_line(name, tree, origin)
        if line is None and name in own:
            line = f"from {origin} import {name}"
        if line is None:
            return None
        found.append(line)
    return found


def _import_line(name: str, tree: ast.Module, origin: str) -> str | None:
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            base = ".".join(origin.split(".")[: -node.level]) if node.level else ""
            full = ".".join(part for part in (base, node.module or "") if part)
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return f"from {full} import {alias.name}" + (
                        f" as {alias.asname}" if alias.asname else ""
                    )
    return None
