"""Whether the registry, the lock file of each domain and the guard rules say the same."""

from __future__ import annotations

from collections.abc import Callable

from analyzers.domain_locks import LOCK_NAME, LockError, LockRegistry, parse_lock
from analyzers.guard_rules import GuardRules
from analyzers.rule_finding import RuleFinding, rule_finding

_AGAIN = "restore the one that was changed, or run `hocmig lock`"


def check_locks(
    registry: LockRegistry, read: Callable[[str], bytes | None], lock_files: frozenset[str]
) -> tuple[RuleFinding, ...]:
    """What is wrong with the lock files of the registry's domains, sorted by path.

    Args:
        read: gives the bytes of a path, or None when there is no such file.
        lock_files: all lock files below the domain root; one that the registry does not know is a finding.
    """
    found = []
    for domain, lock in registry.locks.items():
        try:
            content = read(lock.lock_file)
            if content is None:
                message = f"is missing, but the registry locks {domain}"
                found.append(rule_finding("LOCK001", lock.lock_file, message, _AGAIN))
                continue
            text = parse_lock(content, lock.lock_file)
        except LockError as error:
            found.append(lock_finding(error))
            continue
        if text.hashes != lock.hashes:
            names = sorted(set(text.hashes.items()) ^ set(lock.hashes.items()))
            message = f"lists other files or hashes than the registry, such as {names[0][0]}"
            found.append(rule_finding("LOCK006", lock.lock_file, message, _AGAIN))
        elif text.day != lock.locked_at[:10]:
            message = f"says it was locked on {text.day[:20]}, the registry says {lock.locked_at[:10]}"
            found.append(rule_finding("LOCK006", lock.lock_file, message, _AGAIN))
    known = {lock.lock_file for lock in registry.locks.values()}
    for path in sorted(lock_files - known):
        message = "is a lock that the registry does not know"
        found.append(rule_finding("LOCK006", path, message, "remove it, or run `hocmig lock`"))
    return tuple(sorted(found, key=lambda f: (f.path, f.code)))


def check_guards(registry: LockRegistry, guards: GuardRules, name: str) -> tuple[RuleFinding, ...]:
    """Where the guard rules disagree with the registry, by domain."""
    found = []
    for domain in sorted({*registry.locks, *guards.domain_guards}):
        lock, guard = registry.locks.get(domain), guards.domain_guards.get(domain)
        if lock is None:
            message = f"has rules for {domain}, which is not locked"
        elif guard is None:
            message = f"has no rules for {domain}, which is locked"
        elif (guard.file_count, guard.locked_at) != (lock.files, lock.locked_at[:10]):
            message = (
                f"says that {domain} has {guard.file_count} files since {guard.locked_at[:20]}, but the "
            )
            message += f"registry {lock.files} since {lock.locked_at[:10]}"
        else:
            continue
        found.append(rule_finding("LOCK006", name, message, "run `hocmig lock`"))
    return tuple(found)


def lock_finding(error: LockError) -> RuleFinding:
    """The finding for a lock file that could not be read."""
    return rule_finding(error.code, error.file, error.problem, error.mend, line=error.line)


def lock_path(domain_root: str, domain: str) -> str:
    """Where the lock file of a domain stands, relative to the repository root."""
    return f"{domain_root}/{domain}/{LOCK_NAME}"
