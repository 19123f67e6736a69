"""The proof sees every kind of change of meaning, and passes what is right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from analyzers.binding_equivalence import certify
from analyzers.certificate import Certificate
from analyzers.import_index import SourceIndex, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap

BASE = {
    "a/__init__.py": "",
    "a/b.py": "def f(): return 1\nV = 2\n",
    "a/k.py": "def f(): return 'another'\nK = 3\n",
    "x/__init__.py": "",
}
MOVE = Relocation("a.b", "x.y", old_path="a/b.py", new_path="x/y.py")


def compare(before: str, after: str, moved: str = BASE["a/b.py"]) -> Certificate:
    """The certificate for one client, with a.b moved to x.y."""
    old = {**BASE, "c.py": before}
    new = {path: text for path, text in old.items() if path != "a/b.py"} | {"x/y.py": moved, "c.py": after}
    return certify_trees(old, new)


def certify_trees(old: Mapping[str, str], new: Mapping[str, str]) -> Certificate:
    layout = ProjectLayout(Path("/nowhere"), (".",))

    def index(files: Mapping[str, str]) -> SourceIndex:
        return SourceIndex.from_records(layout, records_for({p: t.encode() for p, t in files.items()}))

    return certify(
        index(old),
        index(new),
        RelocationMap([MOVE]),
        in_depth=[path for path in ("c.py", "mid.py") if path in old],
        read_before=lambda p: old[p].encode(),
        read_after=lambda p: new[p].encode(),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a.b import f\nf()\n", "from x.y import f\nf()\n"),
        ("import a.b\na.b.f()\n", "import x.y\nx.y.f()\n"),
        ("import a.b\ndef g(x): return a.b.f()\n", "import x.y as y\ndef g(x): return y.f()\n"),
        ("from a import b, k\nb.V + k.K\n", "from a import k\nfrom x import y as b\nb.V + k.K\n"),
        ("import os\nos.path.join('a')\n", "import os\nos.path.join('a')\n"),
        ("def f(): pass\nf()\n", "def f(): pass\nf()\n"),
        ("import a.b  # noqa\n", "import x.y  # noqa\n"),
        ("import a.b, a.k\na.b.f(); a.k.f()\n", "import x.y, a.k\nx.y.f(); a.k.f()\n"),
    ],
)
def test_right_rewritings_are_proven(before: str, after: str) -> None:
    certificate = compare(before, after)
    assert certificate.differing == ()
    assert certificate.bindings == certificate.equal + len(certificate.unprovable)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("from a.b import f\n", "from a.b import f\n", "does not exist afterwards"),
        ("from a.b import f\nf()\n", "from a.k import f\nf()\n", "another thing"),
        ("import a.b\na.b.f()\n", "import x.y\na.b.f()\n", "another name"),
        ("import a.b\na.b.f()\n", "import a.k\na.k.f()\n", "another thing"),
        ("from a import b\nb.f()\n", "from x import y\ny.f()\n", "not bound afterwards"),
        ("import a.b  # noqa\n", "import x  # noqa\n", "not imported afterwards"),
        ("import a.b\ndef g(x): return a.b.f()\n", "import x.y\ndef g(x): return x.y.f()\n", "another name"),
        ("from a.b import f, V\nf()\n", "from x.y import f\nf()\n", "not bound afterwards"),
        ("__all__ = ['f']\nfrom a.b import f\n", "__all__ = []\nfrom x.y import f\n", "__all__"),
        ("from a.b import f\n", "from x.y import\n", "does not parse"),
    ],
)
def test_every_kind_of_damage_is_seen(before: str, after: str, reason: str) -> None:
    certificate = compare(before, after)
    assert any(reason in d.reason for d in certificate.differing), certificate.differing


def test_a_lost_file_is_a_difference() -> None:
    files = {**BASE, "c.py": ""}
    certificate = certify_trees(files, {p: t for p, t in files.items() if p != "a/b.py"})
    assert [d.path for d in certificate.differing] == ["a/b.py"]


def test_what_was_broken_before_is_no_difference() -> None:
    certificate = compare(
        "from a.b import nothing\nfrom a.gone import z\n", "from x.y import nothing\nfrom a.gone import z\n"
    )
    assert certificate.differing == ()
    assert certificate.broken_before >= 2


def test_a_computed_namespace_is_unprovable_not_equal() -> None:
    text = "def __getattr__(name): return 1\n"
    layout_before = {**BASE, "a/b.py": text, "c.py": "from a.b import anything\n"}
    after = {**BASE, "x/y.py": text, "c.py": "from x.y import anything\n"}
    after.pop("a/b.py")
    certificate = certify_trees(layout_before, after)
    assert certificate.differing == ()
    assert [d.reason for d in certificate.unprovable] == ["the namespace is computed"]


def test_unchanged_files_are_compared_by_their_imports() -> None:
    old = {**BASE, "c.py": "", "d.py": "from a.b import f\n"}
    new = {**old, "x/y.py": old["a/b.py"]}
    new.pop("a/b.py")
    certificate = certify_trees(old, new)
    assert [(d.path, d.line) for d in certificate.differing] == [("d.py", 1)]


def test_a_module_that_came_through_a_star_is_followed() -> None:
    """The name may be imported here afterwards: what counts is where its attributes lead."""
    old = {**BASE, "mid.py": "import a.b\n", "c.py": "from mid import *\nR = a.b.f()\n"}
    rest = {path: text for path, text in old.items() if path != "a/b.py"}
    new = {**rest, "x/y.py": BASE["a/b.py"], "mid.py": "import x.y\n"}
    good = certify_trees(old, {**new, "c.py": "import x.y\nfrom mid import *\nR = x.y.f()\n"})
    assert good.differing == ()
    bad = certify_trees(old, {**new, "c.py": "import a.k\nfrom mid import *\nR = a.k.f()\n"})
    assert [d.path for d in bad.differing] == ["c.py"]


def test_a_local_name_is_not_what_a_star_brings_whatever_it_is_called() -> None:
    """A parameter named `builtin`, and what a star import brings by that name."""
    before = "from a.k import *\ndef g(builtin): return builtin\n"
    after = "from a.k import *\ndef g(other): return builtin\n"
    moved = {path: text for path, text in BASE.items() if path != "a/b.py"} | {"x/y.py": BASE["a/b.py"]}
    offered = {"a/k.py": "builtin = 1\n"}
    old, new = {**BASE, **offered, "c.py": before}, {**moved, **offered, "c.py": after}
    (difference,) = certify_trees(old, new).differing
    assert (difference.path, difference.line, difference.name) == ("c.py", 2, "builtin")


def test_a_package_name_may_go_when_all_its_uses_lead_elsewhere() -> None:
    old = {**BASE, "mid.py": "import a.b\n", "c.py": "from mid import a\nR = a.b.f()\n"}
    rest = {path: text for path, text in old.items() if path != "a/b.py"}
    new = {**rest, "x/y.py": BASE["a/b.py"], "mid.py": "import x.y\n"}
    assert certify_trees(old, {**new, "c.py": "import x.y\nR = x.y.f()\n"}).differing == ()
    other = {**old, "c.py": "from mid import a\nR = a.b.f(), a.k.K\n"}
    lost = certify_trees(other, {**new, "c.py": "import x.y\nR = x.y.f(), a.k.K\n"})
    assert [d.name for d in lost.differing if d.path == "c.py"] == ["a.k.K"]
    wanted = {**old, "d.py": "from c import a\n"}
    taken = certify_trees(wanted, {**new, "c.py": "import x.y\nR = x.y.f()\n", "d.py": "from c import a\n"})
    assert "a" in [d.name for d in taken.differing]


@pytest.mark.parametrize(
    ("after", "is_right"),
    [
        ("from ..common import v\nfrom .. import common as helpers\n", True),
        ("from .helpers import v\nfrom .. import common as helpers\n", False),
        ("from ..common import v\nfrom . import helpers\n", False),
    ],
)
def test_relative_imports_outside_of_every_root_follow_the_map(after: str, is_right: bool) -> None:
    layout = ProjectLayout(Path("/nowhere"), ("src",))
    old = {
        "tests/__init__.py": "",
        "tests/unit/__init__.py": "",
        "tests/unit/helpers.py": "v = 1\n",
        "tests/unit/test_a.py": "from .helpers import v\nfrom . import helpers\n",
    }
    new = {**old, "tests/unit/test_a.py": after, "tests/common.py": "v = 1\n"}
    del new["tests/unit/helpers.py"]
    paths = {"old_path": "tests/unit/helpers.py", "new_path": "tests/common.py"}
    certificate = certify(
        *(
            SourceIndex.from_records(layout, records_for({p: t.encode() for p, t in files.items()}))
            for files in (old, new)
        ),
        RelocationMap([Relocation("tests.unit.helpers", "tests.common", **paths)]),
        in_depth=["tests/unit/test_a.py"],
        read_before=lambda p: old[p].encode(),
        read_after=lambda p: new[p].encode(),
    )
    assert (certificate.differing == ()) is is_right
