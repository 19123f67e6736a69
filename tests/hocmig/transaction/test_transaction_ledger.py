"""The ledger keeps every entry, survives torn writes, and knows which transactions are in force."""

from __future__ import annotations

import fcntl
import multiprocessing
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.errors import InputError
from hocmig.transaction import filesystem
from hocmig.transaction.ledger import LedgerEntry, append, decision, parse_ledger, read_ledger

PATH = ".hocmig/ledger.jsonl"


def entry(entry_id: str, *reverts: str) -> LedgerEntry:
    kind = "rollback" if reverts else "transaction"
    return LedgerEntry(kind=kind, entry_id=entry_id, time="2026-01-27T10:00:00Z", phase="P2", reverts=reverts)


def test_decisions_are_kept_with_reason_and_time(tmp_path: Path) -> None:
    approval = decision(
        "approval",
        phase="P3",
        command=("hocmig", "lock"),
        subject={"logs": "relocked"},
        reason="wanted",
        by="Ada",
    )
    append(tmp_path, approval)
    append(tmp_path, decision("gate", phase="P4", subject={"cycles": "forced"}))
    ledger = read_ledger(tmp_path)
    assert ledger.entries[0] == approval
    assert approval.time == "2026-01-27T10:00:00Z"
    assert [e.kind for e in ledger.entries] == ["approval", "gate"]
    assert ledger.problems == ()
    assert ledger.standing() == ()


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read_ledger(tmp_path).entries == ()


def test_a_torn_last_line_is_reported_and_the_next_entry_starts_anew(tmp_path: Path) -> None:
    append(tmp_path, entry("a"))
    append(tmp_path, entry("b"))
    file = tmp_path / PATH
    file.write_bytes(file.read_bytes()[:-20])
    ledger = read_ledger(tmp_path)
    assert [e.entry_id for e in ledger.entries] == ["a"]
    assert ledger.problems == (f"{PATH}:2: the last line is torn; it is ignored",)
    append(tmp_path, entry("c"))
    ledger = read_ledger(tmp_path)
    assert [e.entry_id for e in ledger.entries] == ["a", "c"]
    assert ledger.problems[0].startswith(f"{PATH}:2: is no ledger entry")


def test_a_failed_append_is_cut_off_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(tmp_path, entry("a"))
    before = (tmp_path / PATH).read_bytes()

    def observe(call: str, path: str) -> None:
        if call == "fsync" and path == PATH:
            raise OSError(5, "broken", path)

    monkeypatch.setattr(filesystem, "observe", observe)
    with pytest.raises(OSError, match="broken"):
        append(tmp_path, entry("b"))
    assert (tmp_path / PATH).read_bytes() == before


def test_what_is_in_force_after_rollbacks_and_rollbacks_of_rollbacks() -> None:
    def standing(*entries: LedgerEntry) -> list[str]:
        import msgspec

        content = b"\n".join(msgspec.json.encode(e) for e in entries)
        return [e.entry_id for e in parse_ledger(content).standing()]

    a, b = entry("a"), entry("b")
    assert standing(a, b) == ["a", "b"]
    assert standing(a, b, entry("r", "b")) == ["a"]
    assert standing(a, b, entry("r", "b", "a")) == []
    assert standing(a, b, entry("r", "b"), entry("s", "r")) == ["a", "b"]
    assert standing(a, b, entry("r", "b"), entry("s", "r"), entry("t", "s")) == ["a"]


@given(st.lists(st.binary(max_size=80), max_size=6).map(b"\n".join))
def test_any_bytes_are_read_without_a_traceback(content: bytes) -> None:
    ledger = parse_ledger(content)
    assert len(ledger.entries) + len(ledger.problems) == sum(
        bool(line.strip()) for line in content.split(b"\n")
    )


@settings(max_examples=30)
@given(st.integers(min_value=1, max_value=400))
def test_a_cut_ledger_loses_only_its_last_entry(size: int) -> None:
    import msgspec

    whole = b"".join(msgspec.json.encode(entry(str(n))) + b"\n" for n in range(4))
    cut = whole[: min(size, len(whole))]
    assert [e.entry_id for e in parse_ledger(cut).entries][: cut.count(b"\n")] == [
        str(n) for n in range(cut.count(b"\n"))
    ]


def _append_many(root: Path, name: str) -> None:
    for number in range(20):
        append(root, entry(f"{name}{number}"))


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append_many, args=(tmp_path, name)) for name in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ledger = read_ledger(tmp_path)
    assert ledger.problems == ()
    assert {e.entry_id for e in ledger.entries} == {f"{n}{i}" for n in "ab" for i in range(20)}


def test_an_append_waits_for_the_one_under_way(tmp_path: Path) -> None:
    append(tmp_path, entry("a"))
    with (tmp_path / ".hocmig/lock-ledger").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        # A thread: a forked process would inherit the lock.
        worker = threading.Thread(target=append, args=(tmp_path, entry("b")), daemon=True)
        worker.start()
        worker.join(0.5)
        assert worker.is_alive()
        assert len(read_ledger(tmp_path).entries) == 1
    worker.join(30)
    assert len(read_ledger(tmp_path).entries) == 2


def test_a_folder_in_place_of_the_ledger_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / PATH).mkdir(parents=True)
    with pytest.raises(InputError, match=r"\.hocmig/ledger\.jsonl: cannot be read"):
        read_ledger(tmp_path)
