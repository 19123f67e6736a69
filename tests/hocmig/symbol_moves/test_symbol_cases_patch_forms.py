"""Patches in other words than one dotted string, and what a test runs without calling it by name."""

from __future__ import annotations

import pytest

HEAD = """
import functools, importlib, sys
import pytest
from unittest.mock import DEFAULT, Mock, patch
from app import a
from app.a import *
from app.a import f

MODULE = "app.a"
target = a
loaded = importlib.import_module("app.a")


def test(monkeypatch, n="g"):
    """
ONE_USER = {
    "app/a.py": "def g():\n    return 'real'\n\n\ndef f():\n    return g()\n\n\ndef other():\n    return 1\n",
    "app/b.py": "",
    "app/d.py": "def imported():\n    return 'real'\n",
}
FORMS = [
    "patch.multiple('app.a', g=DEFAULT)",
    "patch.multiple(a, g=DEFAULT)",
    "patch.multiple(a, **{n: DEFAULT})",
    "patch.object(target=a, attribute='g')",
    "patch.object(a, attribute='g')",
    "monkeypatch.setattr(target=a, name='g', value=f)",
    "setattr(a, 'g', f)",
    "patch(f'{MODULE}.g')",
    "patch(MODULE + '.g')",
    "patch('%s.g' % MODULE)",
    "patch('%s.%s' % (MODULE, n))",
    "patch('{}.g'.format(MODULE))",
    "patch('.'.join([MODULE, 'g']))",
    "patch(f'{a.__name__}.g')",
    "patch(f'app.a.{n}')",
    "patch.object(a, n)",
    "patch.object(sys.modules['app.a'], 'g')",
    "patch.object(importlib.import_module('app.a'), 'g')",
    "patch.object(loaded, 'g')",
    "patch.object(target, 'g')",
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_patch_that_cannot_follow_is_refused(form: str, make_tree, refuse) -> None:
    text = f"{HEAD}{form}\n    f()\n"
    line = next(n for n, code in enumerate(text.lstrip().splitlines(), 1) if form in code)
    said = refuse(make_tree({**ONE_USER, "client.py": text}), {"app.a:f": "app.b"}, "SYMBOL008")
    assert f"client.py:{line}: " in said


@pytest.mark.parametrize(
    "form", [form.replace("g", "other") for form in ("patch.multiple(a, g=1)", *FORMS[7:10])]
)
def test_such_patches_of_other_names_are_not_concerned(form: str, make_tree, move) -> None:
    prepared = move(make_tree({**ONE_USER, "client.py": f"{HEAD}{form}\n"}), {"app.a:f": "app.b"})
    assert not [f for f in prepared.findings if f.code == "SYMBOL008"]


def test_setting_attributes_needs_no_word_of_mocks(make_tree, refuse) -> None:
    text = "from app import a\n\n\ndef test():\n    setattr(a, 'g', len)\n    assert getattr(a, 'g') is len\n"
    said = refuse(make_tree({**ONE_USER, "client.py": text}), {"app.a:f": "app.b"}, "SYMBOL008")
    assert said.count("client.py:") == 1
    assert "client.py:5: " in said


TWO_USERS = {
    "app/a.py": "LIMITS = {'x': 1}\n\n\ndef g():\n    return LIMITS\n\n\n"
    "def f():\n    return g()\n\n\ndef stays():\n    return g()\n",
    "app/b.py": "",
    "app/d.py": "def imported():\n    return 1\n",
}
IMPORTS = (
    "import pytest\nfrom unittest.mock import Mock, patch\nfrom app import a\nfrom app.a import f, stays\n"
)
WITH = "    with patch('app.a.g'):\n        stays()\n"
FIXTURE = "\n@pytest.fixture\ndef run():\n    return lambda: f()\n"
HIDDEN = {
    "an inherited test": "\nclass Base:\n    def test_f(self):\n        f()\n\n\n@patch('app.a.g')\n"
    "class TestX(Base):\n    def test_stays(self, _):\n        stays()\n",
    "what a helper is given": f"\ndef check(call):\n{WITH}        call()\n\n\ndef test():\n    check(f)\n",
    "a decorator of the class": "\n@pytest.mark.parametrize('call', [f])\nclass TestX:\n"
    "    def test(self, call):\n        with patch('app.a.g'):\n            stays()\n            call()\n",
    "a base of elsewhere": "from others import Base\n\n\nclass TestX(Base):\n    def test(self):\n"
    "        with patch('app.a.g'):\n            stays()\n            self.run()\n",
    "an imported fixture": f"from others import run\n\n\ndef test(run):\n{WITH}        run()\n",
    "a fixture of a plugin": f"\ndef test(plugged):\n{WITH}        plugged()\n",
    "a fixture of another name": f"\ndef test(renamed):\n{WITH}        renamed()\n",
    "a fixture for the file": "\npytestmark = pytest.mark.usefixtures('fake')\n\n\ndef test():\n    f()\n\n\n"
    "@pytest.fixture\ndef fake():\n    with patch('app.a.g'):\n        yield stays()\n",
    "a fixture for the class": "\n@pytest.mark.usefixtures('fake')\nclass TestX:\n    def test(self):\n"
    "        f()\n\n\n@pytest.fixture\ndef fake():\n    with patch('app.a.g'):\n        yield stays()\n",
    "a side effect": f"\ndef test():\n    mock = Mock(side_effect=f)\n{WITH}        mock()\n",
    "the value of another patch": "\ndef test(monkeypatch):\n    monkeypatch.setattr('app.d.imported', f)\n"
    f"{WITH}",
    "a star import": f"from app.a import *\ndel f\n\n\ndef test():\n{WITH}        f()\n",
    "a text": f"import pkgutil\n\n\ndef test():\n{WITH}        pkgutil.resolve_name('app.a.f')()\n",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_what_a_test_runs_without_a_call_by_name_is_seen(text: str, make_tree, refuse) -> None:
    if "import *" in text:
        text = f"{IMPORTS.replace('f, stays', 'stays')}{text.replace('del f', '')}"
    else:
        text = f"{IMPORTS.replace('f, stays', 'stays') if 'pkgutil' in text else IMPORTS}{text}"
    files = {
        **TWO_USERS,
        "test_client.py": text,
        "others.py": f"import pytest\nfrom app.a import f\n{FIXTURE}\n\nclass Base:\n"
        "    def run(self):\n        return f()\n",
        "plugin/own.py": f"import pytest\nfrom app.a import f\n{FIXTURE.replace('run', 'plugged')}",
        "conftest.py": "import pytest\nfrom app.a import f\n\npytest_plugins = ['plugin.own']\n"
        + FIXTURE.replace("fixture", "fixture(name='renamed')"),
    }
    line = next(n for n, code in enumerate(text.splitlines(), 1) if "patch('app.a.g'" in code)
    said = refuse(make_tree(files), {"app.a:f": "app.b"}, "SYMBOL008")
    assert f"test_client.py:{line}: " in said


SEEN = {
    "a base of elsewhere": "from others import Plain\n\n\nclass TestX(Plain):\n    def test(self):\n"
    "        with patch('app.a.g'):\n            stays()\n",
    "a star import": "from app.a import *\n\n\ndef test():\n    with patch('app.a.g'):\n        stays()\n",
    "what comes before the patch": "\ndef test():\n    real = a.g()\n    with patch('app.a.g'):\n"
    "        assert stays() != real\n",
    "an object": "\ndef test():\n    with patch.object(a, 'g'):\n        stays()\n",
}


@pytest.mark.parametrize("text", SEEN.values(), ids=SEEN)
def test_what_leads_nowhere_else_is_no_reason_to_refuse(text: str, make_tree, move) -> None:
    files = {**TWO_USERS, "test_client.py": IMPORTS.replace("f, stays", "stays") + text}
    files["others.py"] = "class Plain:\n    pass\n"
    move(make_tree(files), {"app.a:f": "app.b"})


def test_a_patched_dictionary_is_the_same_everywhere(make_tree, move) -> None:
    text = f"{IMPORTS}\n@patch.dict('app.a.LIMITS', {{'x': 2}})\ndef run():\n    return f(), stays()\n"
    files = {**TWO_USERS, "app/a.py": TWO_USERS["app/a.py"].replace("return g()", "return LIMITS['x']")}
    tree = make_tree({**files, "client.py": f"{text}\n\nRESULT = run()\n"})
    move(tree, {"app.a:f": "app.b"}, clients=["client"])


REGISTERS = {
    "through a function": "ALL = []\n\n\ndef g():\n    return 1\n\n\ndef register(call):\n"
    "    ALL.append(call)\n    return call\n\n\n@register\ndef f():\n    return g()\n\n\n"
    "def run():\n    return [g(), *(call() for call in ALL)]\n",
    "with an object": "class Group:\n    def __init__(self):\n        self.calls = []\n\n"
    "    def command(self, call):\n        self.calls.append(call)\n        return call\n\n"
    "    def __call__(self):\n        return [g(), *(call() for call in self.calls)]\n\n\n"
    "run = Group()\n\n\ndef g():\n    return 1\n\n\n@run.command\ndef f():\n    return g()\n",
    "with an object of elsewhere": "from app.d import group\n\n\ndef g():\n    return 1\n\n\n"
    "def run():\n    return g()\n\n\n@group.command\ndef f():\n    return g()\n",
}


@pytest.mark.parametrize("source", REGISTERS.values(), ids=REGISTERS)
def test_what_is_registered_runs_without_being_named(source: str, make_tree, refuse) -> None:
    files = {
        "app/a.py": source,
        "app/b.py": "",
        "app/d.py": "class Group:\n    def command(self, call):\n        self.call = call\n"
        "        return call\n\n\n"
        "group = Group()\n",
        "client.py": "from unittest.mock import patch\nimport app.b\nfrom app.a import run\n"
        "from app.d import group\n\n\ndef test():\n    with patch('app.a.g'):\n        run()\n"
        "        group.call()\n",
    }
    assert "client.py:8: " in refuse(make_tree(files), {"app.a:f": "app.b"}, "SYMBOL008")


READERS = {
    "through the module": "from app import a\n\n\ndef h():\n    return a.g()\n",
    "by an import in a function": "def h():\n    from app.a import g\n\n    return g()\n",
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("moved", ["g", "f"])
def test_what_reads_the_name_through_the_module_counts(reader: str, moved: str, make_tree, refuse) -> None:
    """What moved is read from its new home there, and what stays from its old one."""
    source = ONE_USER["app/a.py"]
    files = {**ONE_USER, "app/a.py": source, "app/e.py": reader}
    files["client.py"] = (
        "from unittest.mock import patch\nfrom app.e import h\n\n\ndef test():\n"
        "    with patch('app.a.g', return_value='fake'):\n        assert h() == 'fake'\n"
    )
    assert "client.py:6: " in refuse(make_tree(files), {f"app.a:{moved}": "app.b"}, "SYMBOL008")
