"""How the time for one hostile file grows with its size: reading, planning, editing, proving.

    python benchmarks/hostile_growth.py [--largest N] [--shape NAME]

Each shape is made in four sizes, each twice the one before; the last has N repetitions. The time is CPU time
of this process (the LibCST tool is not started), the least of three runs. Growth is the exponent of the power
of the size that fits best: 1 is linear, 2 is quadratic. Exit code 1 when one is above 1.3.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

from analyzers.binding_equivalence import certify
from analyzers.file_facts import read_facts
from analyzers.file_rewriting import FileRewriter
from analyzers.import_index import SourceIndex, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from codemods._statement_splice import rewritten_bytes

MOST = 1.3
MOVES = RelocationMap(
    [
        Relocation("app.a.m", "app.x.y", old_path="app/a/m.py", new_path="app/x/y.py"),
        Relocation("app.b", "app.c", "g", "h"),
    ]
)
BASE = {
    "app/__init__.py": b"",
    "app/a/__init__.py": b"",
    "app/x/__init__.py": b"",
    "app/a/m.py": b"def f(): ...\n",
    "app/b.py": b"def g(): ...\n",
    "app/c.py": b"h = 1\n",
}


def _lines(line: str) -> Callable[[int], str]:
    return lambda n: "".join(line.replace("@", str(i)) for i in range(n))


SHAPES: dict[str, Callable[[int], str]] = {
    "from imports": _lines("from app.a.m import f as f@\n"),
    "the same import": _lines("from app.a.m import f\n"),
    "plain imports": _lines("import app.a.m, os\napp.a.m.f(@)\n"),
    "imports in functions": _lines("def u@():\n    import app.a.m\n    return app.a.m.f()\n"),
    "imports under conditions": _lines("if x@:\n    from app.b import g\nelse:\n    from app.a.m import f\n"),
    "names of one statement": lambda n: "from app.b import (\n" + _lines("    g as g@,\n")(n) + ")\n",
    "names on one line": lambda n: "from app.b import " + ", ".join(f"g as g{i}" for i in range(n)) + "\n",
    "statements on one line": lambda n: "import app.a.m; " * n + "x = 1\n",
    "dotted uses": lambda n: "import app.a.m\n" + _lines("x@ = app.a.m.f(@)\n")(n),
    "uses on one line": lambda n: "import app.a.m\nx = [" + "app.a.m.f(), " * n + "]\n",
    "names in strings": _lines("patch('app.a.m.f')\n"),
    "one long string": lambda n: 'x = """\n' + "see app.a.m and app/a/m.py\n" * n + '"""\n',
    "comments": lambda n: "import app.a.m\n" + "# app.a.m  noqa\n" * n,
    "data": lambda n: "import app.a.m\nx = [\n" + _lines("    ('name @', @, [@.5, None]),\n")(n) + "]\n",
    "exports": lambda n: "from app.a.m import f\n__all__ = [" + _lines("'n@', ")(n) + "]\n",
    "annotations": lambda n: (
        "import app.a.m\n" + _lines("def u@(x: 'app.a.m.f') -> 'list[app.a.m.f]': ...\n")(n)
    ),
    "nested functions": lambda n: (
        "import app.a.m\n"
        + "".join(f"{' ' * (i % 20)}def u{i}():\n{' ' * (i % 20 + 1)}app.a.m.f()\n" for i in range(n))
    ),
    "names put together": lambda n: "p = 'app.a'\n" + _lines("import_module(f'{p}.m')\n")(n),
    "form feeds and carriage returns": lambda n: "import app.a.m\r" + "\x0cx = app.a.m.f()\r" * n,
    "not Latin": lambda n: "import app.a.m\n" + _lines("имя@ = 'ж𝒳', app.a.m.f()\n")(n),
}


def seconds_of(text: str) -> tuple[float, int]:
    """CPU seconds of all that happens to the file, and the number of its changes."""
    content = text.encode()
    files = {**BASE, "client.py": content}
    layout = ProjectLayout(Path("/nowhere"))
    start = time.process_time()
    index = SourceIndex.from_records(layout, [read_facts(p, c) for p, c in files.items()])
    plan = FileRewriter(index, MOVES).plan("client.py", content)
    new = rewritten_bytes(plan)
    moved = {
        "app/x/y.py": BASE["app/a/m.py"],
        "app/b.py": b"",
        "app/c.py": b"def h(): ...\n",
        "client.py": new,
    }
    after = index.with_changes(["app/a/m.py"], records_for(moved))
    certificate = certify(
        index,
        after,
        MOVES,
        in_depth=["client.py"],
        read_before=files.__getitem__,
        read_after=lambda path: moved.get(path) or files.get(path, b""),
        gone=frozenset(["app/a/m.py", "app/b.py", "app/c.py"]),
    )
    seconds = time.process_time() - start
    assert not certificate.differing, certificate.differing[:3]
    return seconds, len(plan.import_changes) + len(plan.edits)


def growth(sizes: list[int], seconds: list[float]) -> float:
    """The exponent of the power of the size that fits the seconds best."""
    xs, ys = [math.log(n) for n in sizes], [math.log(s) for s in seconds]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    over = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return over / sum((x - mean_x) ** 2 for x in xs)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--largest", type=int, default=8_000)
    parser.add_argument("--shape", action="append", default=[], choices=sorted(SHAPES))
    arguments = parser.parse_args()
    sizes = [arguments.largest // 8, arguments.largest // 4, arguments.largest // 2, arguments.largest]
    print("| shape | bytes | changes | " + " | ".join(f"{n} (s)" for n in sizes) + " | growth |")
    print("|---|---|---|" + "---|" * len(sizes) + "---|")
    worst = 0.0
    for name in arguments.shape or SHAPES:
        texts = [SHAPES[name](n) for n in sizes]
        results = [min(seconds_of(text) for _ in range(3)) for text in texts]
        exponent = growth(sizes, [seconds for seconds, _ in results])
        worst = max(worst, exponent)
        times = " | ".join(f"{seconds:.2f}" for seconds, _ in results)
        size = len(texts[-1].encode())
        print(f"| {name} | {size} | {results[-1][1]} | {times} | {exponent:.2f} |", flush=True)
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
