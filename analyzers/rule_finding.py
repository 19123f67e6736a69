"""Findings of the checks that run in CI: they name their rule and who may approve an exception."""

from __future__ import annotations

from analyzers.model import Finding


class RuleFinding(Finding, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding with the name of its `rule` and the `approvers` (owners of the path; may be empty)."""

    rule: str
    approvers: tuple[str, ...] = ()


#: code -> (rule, what it demands). Codes are stable: baselines, SARIF and CI settings name them.
RULES: dict[str, tuple[str, str]] = {
    "GUARD001": ("LAYER_CONVENTION", "A new file lies in a layer folder that its domain may have."),
    "GUARD002": ("DELETE_FILE", "A locked file is deleted only with an approval."),
    "GUARD003": ("MOVE_FILE", "A locked file moves to another folder only by a migration."),
    "GUARD004": ("RENAME_FILE", "A locked file is renamed only by a migration."),
    "GUARD005": ("BANNED_NAME", "A new file has no name that its layer bans."),
    "GUARD006": ("LAYER_CLAIM", "A new file's head claims the layer that the file lies in."),
    "GUARD007": ("FORBIDDEN_LIBRARY", "A new file imports no library that its layer must not use."),
    "GUARD008": ("DOMAIN_GONE", "A locked domain does not vanish without an approval."),
    "GUARD009": ("NEW_DOMAIN", "A new domain is locked before it is used."),
    "GUARD010": ("SHIM_EXPIRED", "A forwarding module goes on the day that it names."),
    "GUARD011": ("IGNORED_FILE", "A locked file is one that git keeps."),
    "GUARD012": ("ADD_FILE", "New files are allowed in this domain."),
    "GUARD013": ("EDIT_FILE", "Edits of locked files are allowed in this domain."),
    "GUARD014": ("UNREADABLE_FILE", "A file of a domain is a regular file that can be read."),
    "LOCK001": ("LOCK_MISSING", "Every locked domain has its lock file, and there is a registry."),
    "LOCK002": ("LOCK_CONFLICT", "A lock file holds no conflict markers of a merge."),
    "LOCK003": ("LOCK_VERSION", "A lock file is of a version that this tool knows."),
    "LOCK004": ("LOCK_MALFORMED", "A lock file is whole."),
    "LOCK005": ("LOCK_EDITED", "A lock file says what its own hash says."),
    "LOCK006": ("LOCK_DISAGREES", "Registry, lock files and guard rules say the same."),
    "LEDGER001": ("LEDGER_UNREADABLE", "Every line of the ledger can be read."),
    "GIT001": ("GIT_UNAVAILABLE", "What --base compares with can be read from git."),
    "LAYER001": ("LAYER_DIRECTION", "A layer imports itself and the layers it may use, no others."),
    "LAYER002": ("FORBIDDEN_LIBRARY", "A layer imports no library that it must not use."),
    "LAYER003": ("BANNED_NAME", "A layer holds no file whose name it bans."),
    "LAYER004": ("LAYER_CLAIM", "A file's head claims the layer that the file lies in."),
    "ARCH-001": ("SHARED_DOMAIN", "Domains may import from the shared domain."),
    "ARCH-002": ("DOMAIN_IMPORT", "Domains must not import from other domains."),
    "ARCH-003": ("SHARED_IMPORTS_DOMAIN", "The shared domain must not import from any domain."),
    "ARCH-004": ("SHARED_UTILITY", "What several domains use lies in the shared domain."),
    "ARCH-101": ("INDEPENDENCE", "Independent modules do not import each other, not even by detours."),
    "ARCH-102": ("LAYERS", "A layer imports no higher one, not even by detours."),
    "ARCH-103": ("FORBIDDEN", "The sources of a contract do not import what it forbids."),
    "ARCH-104": ("PROTECTED", "A protected module is imported by the allowed modules alone."),
    "ARCH-105": ("ACYCLIC", "The children of a package do not import each other in circles."),
    "ARCH-106": ("PUBLIC_INTERFACE", "A package is imported by its public modules alone."),
    "BASE001": ("STALE_BASELINE", "An accepted violation that is gone leaves the baseline, too."),
}


def rule_finding(
    code: str,
    path: str,
    message: str,
    mend: str,
    *,
    line: int = 0,
    approvers: tuple[str, ...] = (),
    severity: str = "error",
) -> RuleFinding:
    """A finding of the rule with this code."""
    return RuleFinding(
        code=code,
        severity=severity,
        path=path,
        line=line,
        message=message,
        mend=mend,
        rule=RULES[code][0],
        approvers=approvers,
    )
