"""Damaged and hostile variants of valid input files: structure first (cells, keys, members), then bytes.

The same seed and the same input give the same variant.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import yaml

#: Values that have broken programs that read paths, names, numbers, tables or markup.
HOSTILE = (
    "", " ", ".", "..", "../../outside/x.py", "../outside/secret.txt", "/etc/passwd", "/tmp/x.py", "~/x.py",
    "~root", "C:\\x.py", "..\\..\\outside\\x.py", "out/x.py", "app/hoc/out/x.py",
    "logs/../../../../outside/x.py", "app/hoc/billing/L5_engines/limits.py/x.py", "app/hoc/billing",
    "app/hoc/billing/L5_engines/use.py", "app/hoc/BILLING/L5_engines/use.py", ".git/hooks/pre-commit",
    ".hocmig/ledger.jsonl", "hocmig.yaml", "a" * 300, "a/" * 3000+"x.py", "x" * 70_000, "\x00", "a\x00b.py",
    "a\nb.py", "a\r\nb.py", "\x1b[31mred", "\u202egnp.py", "\ud7ff\ue000", "\ufeff", "é.py", "e\u0301.py",
    "名前.py", "a b.py", "a`b.py", "a|b.py", "a,b\".py", "=cmd|' /C calc'!A0", "+1", "-1", "@x", "os.path",
    "sys", "os", "import", "class", "None", "true", "null", "1e999", "-0", "1" * 400, "0x10", "nan",
    "${HOME}", "$(touch executed)", "`touch executed`", "; touch executed", "<script>", "%s%n", "{0}", "[",
    "]", "{", "(", "*", "**", "***/**", "[!", "(?P<", "(a+)+$", "(((((((((", "&a", "*a",
    "!!python/object:os.system", "general", "billing", "logs", "app.hoc.billing.L5_engines.limits",
    "app.hoc.billing.L5_engines.limits:check", "MOVED", "PENDING", "CONFLICT", "L5_engines", "L9_none",
    "001", "DELETE", "_archive/", "MISPLACED",
)  # fmt: skip

_BYTES = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\r", b"\r\n", b"\n\n\n",
    b"\x0c", b"\x85", b"\"", b"'", b"`", b"```\n", b"---\n", b"...\n", b"%YAML 9.9\n", b"<<: *a\n",
    b"a: &a [*a, *a]\n", b"? [\n", b"!!python/object/apply:os.system ['touch executed']\n", b"{" * 2000,
    b"[" * 5000, b"- " * 3000, b"#" * 10_000, b"|" * 10_000, b"\t", b"### [x] `", b"**DECISION:** `",
    b",,,,,,,,",
)  # fmt: skip

_SCALARS: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**30,
    0.5,
    float("inf"),
    [],
    {},
    [[]],
    "",
    [None],
    {"": None},
)


class _PlainDumper(yaml.SafeDumper):
    """Writes equal values out instead of referring to them: hocmig refuses aliases at the first one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class Mutator:
    """One source of variants; every call draws from the same stream."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def variant(self, kind: str, content: bytes) -> bytes:
        """A variant of a file of this kind; of kinds that `by_kind` does not know, the bytes are changed."""
        by_kind: dict[str, Callable[[bytes], bytes]] = {
            "csv": self.table,
            "yaml": self.yaml,
            "json": self.json,
            "lines": self.json_lines,
            "journal": self.journal,
            "markdown": self.markdown,
            "archive": self.archive,
        }
        structured = by_kind.get(kind)
        if structured is None or self.rng.random() < 0.2:
            return self.bytes(content)
        changed = structured(content)
        return self.bytes(changed) if self.rng.random() < 0.15 else changed

    def bytes(self, content: bytes) -> bytes:
        """One to four changes that know no structure: cut, doubled, overwritten, inserted, recoded."""
        found = bytearray(content)
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            at, end = sorted(self.rng.randrange(len(found) + 1) for _ in range(2))
            choice = self.rng.randrange(9)
            if choice == 0:
                del found[at:]
            elif choice == 1:
                del found[at : min(end, at + 40)]
            elif choice == 2:
                found[at:at] = found[at : min(end, at + 200)]
            elif choice == 3 and found:
                found[at % len(found)] = self.rng.randrange(256)
            elif choice == 4:
                found[at:at] = self.rng.choice(_BYTES)
            elif choice == 5:
                found[at:at] = self.hostile().encode("utf-8", "surrogatepass")
            elif choice == 6:
                lines = bytes(found).split(b"\n")
                self.rng.shuffle(lines)
                found = bytearray(b"\n".join(lines))
            elif choice == 7 and self.rng.random() < 0.3:
                text = bytes(found).decode("utf-8", "replace")
                found = bytearray(
                    text.encode(self.rng.choice(("utf-16", "utf-32", "utf-7", "cp037")), "replace")
                )
            elif self.rng.random() < 0.1:
                found = bytearray(self.rng.choice((b"", b"\n", b"\x00" * 4096, bytes(found) * 200)))
        return bytes(found)

    def hostile(self) -> str:
        return self.rng.choice(HOSTILE)

    def table(self, content: bytes) -> bytes:
        """A CSV table with one to six changed cells, rows or columns."""
        rows = list(csv.reader(io.StringIO(content.decode())))
        for _ in range(self.rng.choice((1, 1, 2, 3, 6))):
            row = self.rng.randrange(len(rows))
            cells = rows[row]
            choice = self.rng.randrange(10)
            if choice < 5 and cells:
                row = self.rng.randrange(1, len(rows)) if len(rows) > 1 and self.rng.random() < 0.9 else row
                cells = rows[row]
                if cells:
                    cells[self.rng.randrange(len(cells))] = self.hostile()
            elif choice == 5:
                rows.insert(row, list(cells))
            elif choice == 6 and len(rows) > 1:
                del rows[row]
            elif choice == 7 and cells:
                del cells[self.rng.randrange(len(cells))]
            elif choice == 8:
                cells.append(self.hostile())
            elif len(rows) > 2 and cells:
                other = rows[self.rng.randrange(1, len(rows))]
                at = self.rng.randrange(len(cells))
                if at < len(other):
                    cells[at], other[at] = other[at], cells[at]
        text = io.StringIO()
        csv.writer(text, lineterminator=self.rng.choice(("\n", "\n", "\r\n"))).writerows(rows)
        return text.getvalue().encode("utf-8", "surrogatepass")

    def yaml(self, content: bytes) -> bytes:
        """A YAML document with changed values and keys; now and then with what plain data does not need."""
        value = self.value(yaml.safe_load(content))
        try:
            text = yaml.dump(
                value, Dumper=_PlainDumper, allow_unicode=self.rng.random() < 0.5, sort_keys=False
            )
        except (yaml.YAMLError, UnicodeError):
            return self.bytes(content)
        choice = self.rng.randrange(20)
        if choice == 0:
            levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
            text = f"a0: &a0 [x]\n{levels}\n{text}"
        elif choice == 1:
            text = "k: " + "[" * self.rng.choice((50, 3000)) + f"\n{text}"
        elif choice == 2:
            lines = text.splitlines()
            text = "\n".join([*lines, self.rng.choice(lines or [""])]) + "\n"
        elif choice == 3:
            text = text.replace(": ", ": !!python/name:os.system ", 1)
        return text.encode("utf-8", "surrogatepass")

    def json(self, content: bytes) -> bytes:
        """A JSON document with changed values and keys."""
        return json.dumps(self.value(json.loads(content))).encode()

    def json_lines(self, content: bytes) -> bytes:
        """Lines of JSON, one of them changed."""
        lines = content.splitlines()
        at = self.rng.randrange(len(lines))
        lines[at] = self.json(lines[at])
        return b"\n".join(lines) + b"\n"

    def journal(self, content: bytes) -> bytes:
        """A journal with a changed record whose checksum fits."""
        lines = content.splitlines()
        at = self.rng.randrange(len(lines))
        record = self.json(lines[at].partition(b" ")[2])
        lines[at] = hashlib.sha256(record).hexdigest()[:16].encode() + b" " + record
        return b"\n".join(lines) + b"\n"

    def value(self, value: Any) -> Any:
        """The plain value with one to four changes at random places, most of them deep inside."""
        value = json.loads(json.dumps(value, default=str))
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            places = list(_places(value, ()))
            place = self.rng.choice(places)
            if not place:
                value = self.rng.choice(_SCALARS) if self.rng.random() < 0.2 else value
                continue
            around = value
            for step in place[:-1]:
                around = around[step]
            self._change(around, place[-1], value)
        return value

    def _change(self, around: Any, key: Any, whole: Any) -> None:
        old = around[key]
        choice = self.rng.randrange(12)
        if choice == 0:
            del around[key]
        elif choice == 1 and isinstance(around, dict):
            around[self.hostile()] = around.pop(key)
        elif choice == 2 and isinstance(around, dict):
            around[self.hostile()] = old
        elif choice == 2:
            # Not over and over: four such changes in a row would make millions.
            around.extend(around[:] * (self.rng.choice((1, 50)) if len(around) < 50 else 1))
        elif choice == 3:
            around[key] = self.rng.choice(_SCALARS)
        elif choice in (4, 5):
            # Another value of the same type from elsewhere in the document: well-formed, and wrong.
            others = [v for v in _values(whole) if type(v) is type(old)]
            around[key] = json.loads(json.dumps(self.rng.choice(others or [old])))
        elif isinstance(old, str) and choice == 6:
            at = self.rng.randrange(len(old) + 1)
            around[key] = old[:at] + self.hostile()[:100] + old[at:]
        elif isinstance(old, (int, float)) and not isinstance(old, bool):
            around[key] = self.rng.choice((0, -1, 1, old + 1, 10**9, 10**30, 0o7777, 0.5))
        else:
            around[key] = self.hostile()

    def markdown(self, content: bytes) -> bytes:
        """A workbook whose records, paths and decisions were changed, doubled or mixed."""
        parts = content.decode().split("### ")
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            at = self.rng.randrange(len(parts))
            choice = self.rng.randrange(8)
            part = parts[at]
            if choice == 0:
                parts.insert(at, part)
            elif choice == 1:
                parts[at] = part.replace(
                    "\n", self.rng.choice(("\r\n", "\n\n", " ", "\n    ", "\r", "\u2028"))
                )
            elif choice in (2, 3, 4):
                pieces = part.split("`")
                if len(pieces) > 2:
                    pieces[self.rng.randrange(1, len(pieces), 2)] = self.hostile()
                    parts[at] = "`".join(pieces)
            elif choice == 5:
                words = part.split(" ")
                words.insert(self.rng.randrange(len(words) + 1), self.hostile())
                parts[at] = " ".join(words)
            elif choice == 6:
                parts[at] = (
                    self.rng.choice(("[x] ", "[X] ", "[~] ", "[ ] ", "[✓] ", "[[x]] "))
                    + part.partition("] ")[2]
                )
            else:
                lines = part.splitlines()
                self.rng.shuffle(lines)
                parts[at] = "\n".join(lines) + "\n"
        text = "### ".join(parts)
        if self.rng.random() < 0.02:
            text *= 500
        return text.encode("utf-8", "surrogatepass")

    def archive(self, content: bytes) -> bytes:
        """A backup archive whose members or manifest were changed, packed again."""
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            parts = [(member, tar.extractfile(member).read()) for member in tar.getmembers()]  # type: ignore[union-attr]
        for _ in range(self.rng.choice((1, 1, 2))):
            at = self.rng.randrange(len(parts))
            member, data = parts[at]
            choice = self.rng.randrange(9)
            if choice == 0:
                member.name = self.hostile()[:200].replace("\x00", "") or "x"
            elif choice == 1:
                member.type = self.rng.choice(
                    (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
                )
                member.linkname = self.hostile()[:90].replace("\x00", "")
            elif choice == 2:
                parts.insert(at, (member, data))
            elif choice == 3:
                del parts[at]
                if not parts:
                    break
            elif choice == 4:
                parts[at] = (member, self.bytes(data))
            elif choice == 5 and self.rng.random() < 0.1:
                parts[at] = (member, b"\x00" * (64 << 20))
            elif choice == 6:
                member.mode = self.rng.choice((0, 0o777, 0o4755, 0o7777))
            elif choice == 7:
                self._rename_everywhere(parts)
            else:
                manifest, text = parts[0]
                try:
                    parts[0] = (manifest, self.json(text))
                except ValueError:
                    parts[0] = (manifest, self.bytes(text))
        return self._packed(parts)

    def _rename_everywhere(self, parts: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        """Give a file a hostile path in the manifest and in its member's name alike."""
        names = [member.name for member, _ in parts[1:] if member.name.startswith("files/")]
        if not names:
            return
        old = self.rng.choice(names).removeprefix("files/")
        new = self.hostile()[:200].replace("\x00", "") or "x"
        manifest, text = parts[0]
        inner = json.dumps(new)[1:-1].encode()
        parts[0] = manifest, text.replace(json.dumps(old)[1:-1].encode(), inner)
        for member, _ in parts[1:]:
            if member.name == f"files/{old}":
                member.name = f"files/{new}"

    def _packed(self, parts: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for member, data in parts:
                member.size = len(data) if member.isreg() else 0
                tar.addfile(member, io.BytesIO(data))
        found = gzip.compress(packed.getvalue(), mtime=0)
        return self.bytes(found) if self.rng.random() < 0.1 else found


def _places(value: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The keys and positions that lead to each value inside; the empty place is the value itself."""
    yield above
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from _places(inner, (*above, key))


def _values(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _values(inner)
