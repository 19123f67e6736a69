"""The lock files of a workspace: where they stand, reading them, and the change that updates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from analyzers.configuration import Configuration
from analyzers.content_sketch import sketch
from analyzers.domain_inventory import DomainFiles
from analyzers.domain_locks import (
    MAX_BYTES,
    REGISTRY_NAME,
    DomainLock,
    LockedFile,
    LockError,
    LockRegistry,
    make_registry,
    parse_registry,
    render_lock,
    render_registry,
)
from analyzers.guard_rules import GUARDS_NAME, GuardRules, make_guards, parse_guards, render_guards
from analyzers.lock_agreement import lock_path
from hocmig import __version__
from hocmig.transaction.change import FileChange, sha256


def registry_path(config: Configuration) -> str:
    """Where the registry stands, relative to the repository root."""
    return f"{config.artifact_folder}/{REGISTRY_NAME}"


def guards_path(config: Configuration) -> str:
    """Where the guard rules stand, relative to the repository root."""
    return f"{config.artifact_folder}/{GUARDS_NAME}"


def read_small(root: Path, path: str) -> bytes | None:
    """The bytes of an artifact; None when there is no such file.

    Raises:
        LockError: it cannot be read, or is larger than any artifact of ours.
    """
    try:
        with (root / path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LockError(path, 0, f"cannot be read: {error.strerror}", "mend the file", "LOCK004") from error
    return content


def read_registry(root: Path, config: Configuration) -> LockRegistry | None:
    """The registry, or None when there is none; raises LockError as `parse_registry`."""
    content = read_small(root, registry_path(config))
    return None if content is None else parse_registry(content, registry_path(config))


def read_guards(root: Path, config: Configuration) -> GuardRules | None:
    """The guard rules, or None when there are none; raises LockError as `parse_guards`."""
    content = read_small(root, guards_path(config))
    return None if content is None else parse_guards(content, guards_path(config))


def new_registry(
    inventory: Mapping[str, DomainFiles],
    previous: LockRegistry | None,
    config: Configuration,
    read: Callable[[str], bytes],
    now: str,
) -> LockRegistry:
    """The registry for the domains as they are; domains that did not change keep their lock and its time.

    Args:
        read: gives the bytes of a path relative to the repository root.
        now: the time of new locks, as `timestamp` writes it.
    """
    known = previous.locks if previous is not None and previous.domain_root == config.domain_root else {}
    locks = {}
    for domain, files in inventory.items():
        old = known.get(domain)
        if old is not None and old.hashes == dict(files.files):
            locks[domain] = old
            continue
        before = old.inventory if old is not None else {}
        locks[domain] = DomainLock(
            lock_file=lock_path(config.domain_root, domain),
            locked_at=now,
            files=len(files.files),
            hash=files.hash,
            layers=files.layers,
            inventory={
                path: _locked(before.get(path), digest, f"{config.domain_root}/{domain}/{path}", read)
                for path, digest in files.files.items()
            },
        )
    return make_registry(locks, domain_root=config.domain_root, tool_version=__version__, now=now)


def lock_changes(
    root: Path,
    config: Configuration,
    registry: LockRegistry,
    previous: LockRegistry | None,
    guards: GuardRules | None,
) -> tuple[FileChange, ...]:
    """The file changes that make all lock files say what `registry` says; empty when they do.

    Lock files of domains that `previous` knew and `registry` does not know go. Phases that change a locked
    tree put these into the same transaction.
    """
    rules = make_guards(registry.locks, guards or GuardRules())
    wanted: dict[str, bytes | None] = {
        registry_path(config): render_registry(registry),
        guards_path(config): render_guards(rules).encode(),
    }
    for domain, lock in registry.locks.items():
        allowed = tuple(o for o in rules.domain_guards[domain].allowed_operations)
        wanted[lock.lock_file] = render_lock(domain, lock, allowed).encode()
    for lock in previous.locks.values() if previous is not None else ():
        wanted.setdefault(lock.lock_file, None)
    changes = []
    for path, content in wanted.items():
        before = read_small(root, path)
        if content != before:
            changes.append(
                FileChange(
                    path=path, content=content, before_sha256=None if before is None else sha256(before)
                )
            )
    return tuple(changes)


def _locked(known: LockedFile | None, digest: str, path: str, read: Callable[[str], bytes]) -> LockedFile:
    if known is not None and known.sha256 == digest:
        return known
    return LockedFile(digest, sketch(read(path)))
