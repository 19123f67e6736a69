"""Names that derive from the module."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import pytest

from analyzers.identity_findings import find_identity
from analyzers.layout import ModuleName
from analyzers.model import Finding, Relocation
from analyzers.relocation_map import RelocationMap

OLD, NEW = ModuleName("app.a.models", False, "."), ModuleName("app.x.models", False, ".")
MOVE = RelocationMap([Relocation("app.a.models", "app.x.models"), Relocation("app.s", "app.t", "f", "f")])


@dataclass(frozen=True)
class Facts:
    import_roots: tuple[str, ...] = (".",)

    def module_exists(self, name: str) -> bool:
        return name in ("app.a.models", "app.s")

    def symbol_exists(self, module: str, name: str) -> bool:
        return (module, name) == ("app.a.models", "Book")

    def path_exists(self, path: str) -> bool:
        return False


def find(
    text: str, before: ModuleName = OLD, after: ModuleName = NEW, path: str = "app/a/models.py"
) -> list[Finding]:
    return list(
        find_identity(path, ast.parse(text), before=before, after=after, relocations=MOVE, facts=Facts())
    )


@pytest.mark.parametrize(
    ("text", "code", "mend"),
    [
        ("@app.task\ndef f(): pass", "IDENT001", '@app.task(name="app.a.models.f")'),
        ("@shared_task(bind=True)\ndef f(self): pass", "IDENT001", '@shared_task(name="app.a.models.f")'),
        ("class T(celery.Task): pass", "IDENT001", 'name = "app.a.models.T"'),
        ("class P:\n def __reduce__(self): ...", "IDENT002", "__module__ = 'app.a.models'"),
        ("pickle.dumps(x)", "IDENT002", "shim"),
        ("@registry.register\nclass C: pass", "IDENT003", "registry"),
        ("x = type(o).__module__", "IDENT003", "name"),
        ("log = logging.getLogger(__name__)", "IDENT004", "levels"),
        ("app = Celery(__name__)", "IDENT004", "stored"),
        ("class Book(models.Model): pass", "IDENT005", 'app_label = "a"'),
        ("class C(AppConfig):\n name = 'app.a'", "IDENT005", 'label = "a"'),
        ("x = ForeignKey('a.Book')", "IDENT006", '"x.Book"'),
        ("x = ManyToManyField(to='a.Book')", "IDENT006", 'app_label = "a"'),
    ],
)
def test_findings_say_what_keeps_the_name(text: str, code: str, mend: str) -> None:
    (found,) = find(text)
    assert found.code == code
    assert mend in found.mend


@pytest.mark.parametrize(
    "text",
    [
        "@app.task(name='x')\ndef f(): pass",
        "@shared_task('x')\ndef f(): pass",
        "class T(Task):\n name = 'x'",
        "class Book(models.Model):\n class Meta:\n  app_label = 'a'",
        "class Base(models.Model):\n class Meta:\n  abstract = True",
        "class C(AppConfig):\n label = 'a'",
        "if __name__ == '__main__': pass",
        "sys.modules[__name__] = x",
        "import_module('.b', __name__)",
        "x = ForeignKey('c.Book'); y = ForeignKey('a.Other'); z = ForeignKey(Book)",
        "@property\ndef f(): pass",
        "",
    ],
)
def test_names_that_do_not_depend_on_the_module(text: str) -> None:
    assert find(text) == []


def test_a_module_that_stays_only_tells_of_what_leaves_it() -> None:
    stays = ModuleName("app.s", False, ".")
    text = "log = getLogger(__name__)\n@task\ndef f(): pass\n@task\ndef g(): pass\n"
    found = find(text, stays, stays, "app/s.py")
    assert [(f.code, f.line) for f in found] == [("IDENT001", 3)]


def test_migrations_are_told() -> None:
    before, after = (
        ModuleName("app.a.migrations.m1", False, "."),
        ModuleName("app.x.migrations.m1", False, "."),
    )
    assert [f.code for f in find("", before, after, "app/a/migrations/m1.py")] == ["IDENT005"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_the_text_saves_walks_and_changes_nothing(ending: str) -> None:
    """Only statements with a telling word are walked: decorators, heads and long statements count to them."""
    text = ending.join(
        [
            "import logging, pickle",
            "log = logging.getLogger(",
            "    __name__,",
            ")",
            "@keep(",
            "    __name__",
            ")",
            "class C:",
            "    owner = models.ForeignKey('a.Book')",
            "    def f(self, name=__name__):",
            "        if name == __name__: return self",
            "        with open(name) as file:",
            "            pickle.dump(self, file)",
            "        try: ...",
            "        except E: use(self.__module__)",
            "        return f'''",
            "            {log} {use(__name__)}'''",
            "def plain(): return 1",
        ]
    )
    tree = ast.parse(text)
    options = {"before": OLD, "after": NEW, "relocations": MOVE, "facts": Facts()}
    found = find_identity("app/a/models.py", tree, text=text, **options)
    assert found == find_identity("app/a/models.py", tree, **options)
    assert {f.code for f in found} == {"IDENT002", "IDENT003", "IDENT004", "IDENT006"}
    assert len(found) >= 7
