"""Reading an audit workbook: which file was reviewed, and where a person decided that it belongs.

A workbook is Markdown with one section per file, in one of two record formats (a table and two paragraphs,
or a fenced block of `Attribute:` and `Value:` lines), mixed as its authors liked. Only sections that begin
with a review mark and a path are records; summary tables, legends and prose with the same words are not.

Source: the description of the workbook's formats ("Audit workbook: what the parser meets").
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analyzers.audit_decision import FINAL, Decision, DecisionKind, clean_path, moved_path, parse_decision
from analyzers.errors import InputError
from analyzers.model import Finding
from analyzers.safe_path import path_problem

#: A real workbook of 182 records has 5,800 lines; the limits make rubbish cheap to refuse.
MAX_BYTES = 8 << 20
MAX_RECORDS = 50_000
MAX_FINDINGS = 10_000
MAX_RECORD_LINES = 5_000


@dataclass(frozen=True, slots=True)
class WorkbookRecord:
    """One reviewed file. `path` is as recorded: POSIX, normalised to NFC, mostly relative to the domain root.

    `mark` is `x` (reviewed), `~` (needs discussion) or a blank (not reviewed: never migrated). `domain` and
    `layer` are the attributes as written, which may disagree with the path. Lines are 1-based.
    """

    line: int
    mark: str
    path: str
    domain: str
    layer: str
    decision: Decision
    reason: str
    form: str

    @property
    def is_misplaced(self) -> bool:
        """Whether the record asks for a move that its review mark allows."""
        return self.decision.kind is DecisionKind.MOVE and self.mark != " "


@dataclass(frozen=True, slots=True)
class Workbook:
    """The records in the order of their lines, each path once, and what a person should look at."""

    name: str
    records: tuple[WorkbookRecord, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def misplaced(self) -> tuple[WorkbookRecord, ...]:
        """The records that ask for a move, in the order of their lines."""
        return tuple(record for record in self.records if record.is_misplaced)


def read_workbook(path: Path, name: str = "") -> Workbook:
    """The workbook in the file `path`; `name` is what messages call it.

    Raises:
        InputError: missing, unreadable, too large, not UTF-8, without any record, a record's path or target
            that leaves the domain root, or two records that contradict each other.
    """
    name = name or path.name
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            problem = f"is {size >> 20} MiB large, a workbook has at most {MAX_BYTES >> 20}"
            raise InputError(name, 0, problem, "name the right file")
        content = path.read_bytes()
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise InputError(name, 0, problem, "name the workbook with --workbook") from error
    return parse_workbook(content, name)


def parse_workbook(content: bytes, name: str) -> Workbook:
    """The workbook that `content` holds; raises InputError as `read_workbook`. Time grows with its length."""
    if not content.strip():
        raise InputError(name, 0, "is empty", "name the workbook with --workbook")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(name, line, "is not UTF-8", "save the workbook as UTF-8") from error
    findings = _Findings(name)
    records: list[WorkbookRecord] = []
    for section in _sections(_lines(text), findings):
        if len(records) == MAX_RECORDS:
            raise InputError(name, section.line, f"more than {MAX_RECORDS} records", "name the right file")
        records.append(_record(section, name, findings))
    if not records:
        mend = "a record begins with a line such as ### [x] `domain/layer/file.py`"
        raise InputError(name, 0, "holds no record", mend)
    kept = _unique(records, name, findings)
    for record in kept:
        _remark(record, findings)
    return Workbook(name, tuple(kept), findings.sorted())


class _Findings:
    """What was noticed so far, bounded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Finding] = []

    def add(self, code: str, line: int, message: str, severity: str = "warning") -> None:
        if len(self.found) == MAX_FINDINGS:
            raise InputError(
                self.name, line, f"more than {MAX_FINDINGS} doubtful places", "name the right file"
            )
        self.found.append(Finding(code=code, severity=severity, path=self.name, line=line, message=message))

    def sorted(self) -> tuple[Finding, ...]:
        return tuple(sorted(self.found, key=lambda finding: (finding.line, finding.code, finding.message)))


_HEADING = re.compile(r" {0,3}#{1,3}(?:[ \t]|$)")
_MARKED = re.compile(r" {0,3}(#{1,6})\s+\[([^\]]{0,3})\](.*)", re.DOTALL)
_MARKS = ("x", "~", " ")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)", re.DOTALL)
_PLAIN_PATH = re.compile(r"[^\s`|*]+\.pyi?(?=\s|$)")


@dataclass(slots=True)
class _Section:
    line: int
    mark: str
    path: str
    #: (line number, text, whether it stands in a fence)
    body: list[tuple[int, str, bool]] = field(default_factory=list)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    if "\n" not in text:
        text = text.replace("\r", "\n")
    for number, line in enumerate(io.StringIO(text, newline="\n"), 1):
        yield number, line.rstrip()


def _sections(lines: Iterable[tuple[int, str]], findings: _Findings) -> Iterator[_Section]:
    """The records' lines. A heading inside a code fence is none, unless the fence belongs to a record."""
    section: _Section | None = None
    fence = ""
    fence_line = 0
    for number, line in lines:
        path, mark = _record_heading(line)
        if fence and path and section:
            # A fence that its author forgot to close would swallow every record below it.
            findings.add(
                "WB012", fence_line, f"the code fence is not closed before the record in line {number}"
            )
            fence = ""
        if fence:
            if _closes(line, fence):
                fence = ""
            elif path:
                message = f"`{_short(path)}` is no record: it stands in the code fence of line {fence_line}"
                findings.add("WB011", number, message)
            elif section:
                _keep(section, number, line, True, findings)
            continue
        opened = _FENCE.match(line)
        if opened and not (opened[1][0] == "`" and "`" in opened[2]):
            fence, fence_line = opened[1], number
        elif _HEADING.match(line):
            if section:
                yield section
            section = _Section(number, mark, path) if path else None
            if not path:
                _doubt_heading(number, line, findings)
        elif section:
            _keep(section, number, line, False, findings)
        else:
            _doubt_heading(number, line, findings)
    if section:
        yield section


def _record_heading(line: str) -> tuple[str, str]:
    """The path and the review mark of a heading that begins a record; empty otherwise."""
    if "[" not in line:
        return "", ""
    marked = _MARKED.match(line)
    if not marked or marked[1] != "###" or marked[2].lower() not in _MARKS:
        return "", ""
    return _heading_path(marked[3]), marked[2].lower()


def _doubt_heading(number: int, line: str, findings: _Findings) -> None:
    marked = _MARKED.match(line)
    if not marked:
        return
    if not _heading_path(marked[3]):
        if marked[2].lower() in _MARKS:
            findings.add("WB010", number, "a review mark without a path in backticks is no record")
    elif marked[1] != "###":
        findings.add("WB013", number, f"a heading of level {len(marked[1])} is no record (level 3 is)")
    else:
        findings.add("WB014", number, f"[{marked[2]}] is no review mark ([x], [~] and [ ] are): no record")


def _keep(section: _Section, number: int, line: str, fenced: bool, findings: _Findings) -> None:
    if len(section.body) < MAX_RECORD_LINES:
        section.body.append((number, line, fenced))
    elif len(section.body) == MAX_RECORD_LINES:
        section.body.append((number, "", fenced))
        message = (
            f"the record of line {section.line} is longer than {MAX_RECORD_LINES} lines: the rest is not read"
        )
        findings.add("WB015", number, message)


def _heading_path(rest: str) -> str:
    quoted = re.match(r"[^`]*`([^`]+)`", rest)
    if quoted:
        return clean_path(quoted[1])
    plain = _PLAIN_PATH.match(rest.strip())
    return clean_path(plain[0]) if plain else ""


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and bare == fence[0] * len(bare)


_DECISION = re.compile(r"[ \t]*\*\*\s*DECISION\s*(?::\s*)?\*\*(.*)", re.IGNORECASE | re.DOTALL)
_REASON = re.compile(r"[ \t]*\*\*\s*Reason\s*(?::\s*)?\*\*(.*)", re.IGNORECASE | re.DOTALL)
_PLAIN_DECISION = re.compile(r"(?:ASSIGN TO|DECISION)\s*:(.*)", re.DOTALL)
_PLAIN_REASON = re.compile(r"Reason\s*:(.*)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(r"Attribute\s*:(.*)", re.IGNORECASE | re.DOTALL)
_VALUE = re.compile(r"Value\s*:(.*)", re.IGNORECASE | re.DOTALL)
_RULE = re.compile(r"[ \t]*[─━═—\-_=*]{3,}[ \t]*")
_SPEAKS_OF_MOVE = re.compile(r"\(\s*MISPLACED\b")


@dataclass(slots=True)
class _Reading:
    #: attribute in lower case -> the lines of its value
    attributes: dict[str, list[str]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    form: str = "table"

    def attribute(self, name: str) -> str:
        return _joined(self.attributes.get(name, []))


def _record(section: _Section, name: str, findings: _Findings) -> WorkbookRecord:
    _refuse_hostile(section.path, "the path", section.line, name)
    reading = _Reading()
    _read_table_form(section, reading)
    _read_block_form(section, reading)
    decision = _one_decision(reading.decisions, name)
    if decision.kind is DecisionKind.MOVE:
        _refuse_hostile(decision.target, "the decision", decision.line, name)
    if decision.kind is DecisionKind.NONE and section.mark != " ":
        _doubt_undecided(section, findings)
    return WorkbookRecord(
        line=section.line,
        mark=section.mark,
        path=section.path,
        domain=reading.attribute("current domain"),
        layer=reading.attribute("layer"),
        decision=decision,
        reason=_joined(reading.reason),
        form=reading.form,
    )


def _read_table_form(section: _Section, reading: _Reading) -> None:
    """Format A: rows `| **Attribute** | value |`, `**DECISION:**` and `**Reason:**` paragraphs."""
    in_reason = False
    for number, line, fenced in section.body:
        if fenced or not line.strip() or _RULE.fullmatch(line):
            in_reason = False
            continue
        decision, reason = _DECISION.match(line), _REASON.match(line)
        if decision:
            in_reason = False
            reading.decisions.append(parse_decision(decision[1].lstrip(" :"), number))
        elif reason:
            in_reason = not reading.reason
            if in_reason:
                reading.reason.append(reason[1].lstrip(" :"))
        elif line.lstrip().startswith("|"):
            in_reason = False
            # An escaped bar belongs to its cell; NUL stands for it while the row is split.
            cells = line.replace("\\|", "\0").split("|", 3)
            if len(cells) > 2:
                key = cells[1].replace("*", " ").strip().casefold()
                reading.attributes.setdefault(key, [cells[2].replace("\0", "|")])
        elif in_reason:
            reading.reason.append(line)


def _read_block_form(section: _Section, reading: _Reading) -> None:
    """Format B: `Attribute:` and `Value:` lines, `ASSIGN TO:` and `Reason:`, all inside a code fence.

    A line that is indented continues the value or the reason above it, whatever words it begins with.
    """
    key = ""
    value: list[str] | None = None
    for number, line, fenced in section.body:
        if not fenced or not line or _RULE.fullmatch(line):
            value = None
            continue
        if line[0] in " \t" and value is not None:
            value.append(line)
            continue
        attribute, given = _ATTRIBUTE.match(line), _VALUE.match(line)
        decision, reason = _PLAIN_DECISION.match(line), _PLAIN_REASON.match(line)
        if attribute:
            reading.form = "block"
            key, value = attribute[1].replace("*", " ").strip().casefold(), None
        elif given and key:
            # A repeated attribute is read and dropped: the first counts.
            value = [given[1]]
            reading.attributes.setdefault(key, value)
        elif decision:
            reading.form, value = "block", None
            reading.decisions.append(parse_decision(decision[1], number))
        elif reason:
            value = [reason[1]] if reading.reason else reading.reason
            if value is reading.reason:
                value.append(reason[1])
        elif value is not None:
            value.append(line)


def _doubt_undecided(section: _Section, findings: _Findings) -> None:
    for number, line, _ in section.body:
        if _SPEAKS_OF_MOVE.search(line):
            message = (
                f"`{_short(section.path)}`: this line says MISPLACED, but is no decision line: not migrated"
            )
            findings.add("WB036", number, message)
            return
    message = f"`{_short(section.path)}` is reviewed, but nothing is decided: not migrated"
    findings.add("WB034", section.line, message, "info")


def _one_decision(decisions: list[Decision], name: str) -> Decision:
    """The decision that counts: a final one before a proposal; two different final ones are an error."""
    final = [decision for decision in decisions if decision.kind in FINAL]
    for other in final[1:]:
        if (other.kind, other.target.rstrip("/")) != (final[0].kind, final[0].target.rstrip("/")):
            texts = f"`{_short(other.text)}` against `{_short(final[0].text)}`"
            raise InputError(
                name, other.line, f"contradicts line {final[0].line}: {texts}", "keep one of the decisions"
            )
    if final:
        return final[0]
    return decisions[0] if decisions else Decision(DecisionKind.NONE)


def _unique(records: list[WorkbookRecord], name: str, findings: _Findings) -> list[WorkbookRecord]:
    """One record per path: the first that decides. Raises InputError for two that decide differently."""
    kept: dict[str, WorkbookRecord] = {}
    for record in records:
        earlier = kept.get(record.path)
        shown = f"`{_short(record.path)}`"
        if earlier is None:
            kept[record.path] = record
        elif not (_is_decided(earlier) and _is_decided(record)):
            message = f"{shown} stands in line {earlier.line}, too; the record with a decision counts"
            findings.add("WB021", record.line, message)
            if _is_decided(record):
                kept[record.path] = record
        elif _outcome(earlier) == _outcome(record):
            message = f"{shown} is decided the same way in line {earlier.line}"
            findings.add("WB020", record.line, message, "info")
        else:
            texts = f"`{_short(record.decision.text)}` against `{_short(earlier.decision.text)}`"
            problem = f"contradicts line {earlier.line} about {shown}: {texts}"
            raise InputError(name, record.line, problem, "keep one of the two records")
    return sorted(kept.values(), key=lambda record: record.line)


def _is_decided(record: WorkbookRecord) -> bool:
    return record.mark != " " and record.decision.kind in FINAL


def _outcome(record: WorkbookRecord) -> tuple[DecisionKind, str]:
    decision = record.decision
    moved = moved_path(record.path, decision.target) if decision.kind is DecisionKind.MOVE else ""
    return decision.kind, moved


def _remark(record: WorkbookRecord, findings: _Findings) -> None:
    decision = record.decision
    shown = f"`{_short(record.path)}`"
    if decision.kind is DecisionKind.MOVE and not record.is_misplaced:
        findings.add("WB030", record.line, f"{shown} is decided but not reviewed ([ ]): not migrated")
    elif decision.kind is DecisionKind.DELETE:
        findings.add("WB031", decision.line, f"{shown} is to be deleted: reported, never carried out")
    elif decision.kind is DecisionKind.PROPOSAL:
        is_doubtful = "⚠" in decision.text or "misplaced" in decision.text.casefold()
        message = f"{shown}: `{_short(decision.text)}` has no mark, so it is a proposal: not migrated"
        findings.add("WB032", decision.line, message, "warning" if is_doubtful else "info")
    elif decision.kind is DecisionKind.STAY and "/" in record.path:
        stays = decision.target.split("/", 1)[0]
        folder = record.path.split("/", 1)[0]
        if stays != folder:
            message = f"{shown} is confirmed for `{_short(stays)}`, but lies in `{folder}`: not migrated"
            findings.add("WB035", decision.line, message)


def _joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _refuse_hostile(path: str, what: str, line: int, name: str) -> None:
    problem = path_problem(path)
    if problem:
        mend = "write a path relative to the domain root"
        raise InputError(name, line, f"{what} `{_short(path)}` {problem}", mend)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "…"
