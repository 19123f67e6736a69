"""Lock files: what is written reads back, whatever the names; damage never reads as a sound lock."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configuration import Configuration
from analyzers.content_sketch import sketch
from analyzers.domain_inventory import (
    DomainFiles,
    count_layers,
    domain_of,
    hash_of_domains,
    hash_of_files,
    take_inventory,
)
from analyzers.domain_locks import (
    DomainLock,
    LockedFile,
    LockError,
    make_registry,
    parse_lock,
    parse_registry,
    render_lock,
    render_registry,
)
from analyzers.errors import InputError
from analyzers.guard_rules import GuardRules, make_guards, parse_guards, render_guards
from analyzers.model import FileRecord
from analyzers.safe_path import path_problem

_part = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="/\\|"),
    min_size=1,
    max_size=8,
)
_path = st.lists(_part, min_size=1, max_size=3).map("/".join).map(lambda p: p + ".py")
_paths = _path.filter(lambda p: not path_problem(p) and "  " not in p and p == p.strip())


def _lock(contents: dict[str, bytes]) -> DomainLock:
    ordered = sorted(contents, key=str.encode)
    inventory = {p: LockedFile(hashlib.sha256(contents[p]).hexdigest(), sketch(contents[p])) for p in ordered}
    return DomainLock(
        lock_file="app/logs/DOMAIN_LOCK_FINAL.md",
        locked_at="2026-01-27T10:00:00Z",
        files=len(inventory),
        hash=hash_of_files({p: f.sha256 for p, f in inventory.items()}),
        layers=count_layers(inventory),
        inventory=inventory,
    )


@given(st.dictionaries(_paths, st.binary(max_size=200), min_size=1, max_size=5))
def test_round_trips(contents: dict[str, bytes]) -> None:
    lock = _lock(contents)
    text = parse_lock(render_lock("logs", lock, ("ADD_FILE",)).encode(), "lock")
    assert text.hashes == lock.hashes
    assert text.layers == lock.layers
    assert text.hash == lock.hash
    registry = make_registry({"logs": lock}, domain_root="app", tool_version="1", now="x")
    assert parse_registry(render_registry(registry), "registry") == registry
    rules = make_guards(registry.locks, GuardRules())
    assert parse_guards(render_guards(rules).encode(), "rules") == rules


_SOUND = render_lock("logs", _lock({"L5/a.py": b"x = 1\n", "L6/b.py": b"y = 2\n"}), ("ADD_FILE",)).encode()
_HEAD = _SOUND.index(b"## Modification Rules")


@given(st.integers(0, _HEAD - 1))
def test_a_cut_lock_never_reads(length: int) -> None:
    with pytest.raises(LockError):
        parse_lock(_SOUND[:length], "lock")


@given(st.integers(0, _HEAD - 1), st.integers(0, 255))
def test_a_changed_byte_never_changes_what_a_lock_says(position: int, value: int) -> None:
    changed = _SOUND[:position] + bytes([value]) + _SOUND[position + 1 :]
    try:
        found = parse_lock(changed, "lock")
    except LockError:
        return
    assert found.hashes == parse_lock(_SOUND, "lock").hashes


@given(st.binary(max_size=300))
def test_rubbish_is_refused(content: bytes) -> None:
    for parse in (parse_lock, parse_registry):
        with pytest.raises(LockError):
            parse(content, "name")


def test_the_hashes_are_those_of_sha256sum_output() -> None:
    files = {"b.py": "1" * 64, "a/é.py": "2" * 64, "a.py": "3" * 64}
    text = f"{'3' * 64}  a.py\n{'2' * 64}  a/é.py\n{'1' * 64}  b.py\n"
    assert hash_of_files(files) == hashlib.sha256(text.encode()).hexdigest()
    assert hash_of_domains({"x": "1" * 64}) == hashlib.sha256(f"{'1' * 64}  x\n".encode()).hexdigest()


_CONFIG = Configuration(domain_root="src/app")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/app/logs/L5/a.py", ("logs", "L5/a.py")),
        ("src/app/logs/__init__.py", ("logs", "__init__.py")),
        ("src/app/__init__.py", ("", "")),
        ("src/app/_domain_map/x.py", ("", "")),
        ("src/application/logs/x.py", ("", "")),
        ("other/app/logs/x.py", ("", "")),
    ],
)
def test_domain_of(path: str, expected: tuple[str, str]) -> None:
    assert domain_of(path, _CONFIG) == expected


def _record(path: str, sha256: str = "0" * 64, error: str = "") -> FileRecord:
    return FileRecord(path, sha256, 1, 0, error)


def test_inventory_takes_listed_domains_only() -> None:
    config = Configuration(domain_root="src/app", domains=("logs", "empty"))
    records = {p: _record(p) for p in ("src/app/logs/a.py", "src/app/other/b.py")}
    found = take_inventory(records, config)
    assert found == {
        "empty": DomainFiles("empty", {}),
        "logs": DomainFiles("logs", {"a.py": "0" * 64}),
    }


@pytest.mark.parametrize(
    "record", [_record("src/app/logs/a|b.py"), _record("src/app/logs/a.py", "", "Permission denied")]
)
def test_inventory_refuses_what_a_lock_cannot_hold(record: FileRecord) -> None:
    with pytest.raises(InputError) as caught:
        take_inventory({record.path: record}, _CONFIG)
    assert caught.value.file == record.path
