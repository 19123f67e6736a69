"""The guard rules `DOMAIN_CI_GUARDS.yaml`: which operations each locked domain allows.

People may change the two lists of a domain; `hocmig lock` keeps them.

Source of the format: migration plan, phase 3, "CI Guard Rules".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from analyzers.domain_locks import MAX_BYTES, DomainLock, LockError
from analyzers.errors import InputError

if TYPE_CHECKING:
    from analyzers.safe_yaml import YamlDocument

GUARDS_NAME = "DOMAIN_CI_GUARDS.yaml"

OPERATIONS = ("ADD_FILE", "EDIT_FILE", "DELETE_FILE", "MOVE_FILE", "RENAME_FILE")

#: The plan allows new files and blocks the other operations; edits of content are what work in a domain is.
ALLOWED = ("ADD_FILE", "EDIT_FILE")


class DomainGuard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one domain; `locked_at` is a day, an operation in neither list is blocked."""

    locked_at: str
    file_count: int
    allowed_operations: tuple[str, ...] = ()
    blocked_operations: tuple[str, ...] = ()

    def allows(self, operation: str) -> bool:
        """Whether the domain allows an operation without an approval."""
        return operation in self.allowed_operations and operation not in self.blocked_operations


class GuardRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of all domains by their names."""

    domain_guards: dict[str, DomainGuard] = {}


def make_guards(
    locks: Mapping[str, DomainLock], previous: GuardRules, operations: tuple[str, ...] = ALLOWED
) -> GuardRules:
    """The rules for these locks; lists that people changed in `previous` stay."""
    guards = {}
    for domain in sorted(locks):
        lock, known = locks[domain], previous.domain_guards.get(domain)
        allowed = tuple(o for o in OPERATIONS if (known.allows(o) if known else o in operations))
        blocked = tuple(o for o in OPERATIONS if o not in allowed)
        guards[domain] = DomainGuard(lock.locked_at[:10], lock.files, allowed, blocked)
    return GuardRules(guards)


def render_guards(rules: GuardRules) -> str:
    """The YAML text of the rules."""
    lines = [
        "# What `hocmig guard` allows in each locked domain; written by `hocmig lock`, it keeps the lists.",
        "domain_guards:" if rules.domain_guards else "domain_guards: {}",
    ]
    for domain, guard in rules.domain_guards.items():
        lines += [
            f"  {domain}:",
            f'    locked_at: "{guard.locked_at}"',
            f"    file_count: {guard.file_count}",
        ]
        for key in ("allowed_operations", "blocked_operations"):
            listed = getattr(guard, key)
            lines.append(f"    {key}:" if listed else f"    {key}: []")
            lines += [f"      - {operation}" for operation in listed]
    return "\n".join(lines) + "\n"


def parse_guards(content: bytes, name: str) -> GuardRules:
    """The rules that a file holds.

    Raises:
        LockError: conflict markers, no YAML, an unknown key or operation.
    """
    from analyzers.domain_locks import decoded

    decoded(content, name)
    # Late: a guard whose rules are remembered does without the YAML library.
    from analyzers.safe_yaml import convert_yaml, parse_yaml

    if len(content) > MAX_BYTES:
        raise LockError(name, 0, "is too large", "restore it", "LOCK004")
    try:
        document = parse_yaml(content, name)
        rules = convert_yaml(document, GuardRules)
    except InputError as error:
        raise LockError(name, error.line, error.problem, "run `hocmig lock`", "LOCK004") from error
    _check_operations(rules, document, name)
    return rules


def _check_operations(rules: GuardRules, document: YamlDocument, name: str) -> None:
    for domain, guard in rules.domain_guards.items():
        for key in ("allowed_operations", "blocked_operations"):
            for number, operation in enumerate(getattr(guard, key)):
                if operation not in OPERATIONS:
                    line = document.line_of(("domain_guards", domain, key, number))
                    problem = f"names the unknown operation {operation[:40]!r}"
                    raise LockError(name, line, problem, f"use one of {', '.join(OPERATIONS)}", "LOCK004")
