"""The migration plan's own rules: who may import whom among the domains, and where shared code lies.

ARCH-001 domains may import the shared domain (without this rule the shared domain is like any other);
ARCH-002 domains must not import other domains; ARCH-003 the shared domain must not import any domain;
ARCH-004 what several domains use lies in the shared domain.

A file belongs to the domain whose folder it lies in; files outside all domains may import what they like.
Direct imports count: what a domain reaches through the shared domain is the shared domain's own violation.

Source: migration plan, phase 8, "Architecture Compliance Rules".
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.architecture.contract import ArchitectureFacts
from analyzers.architecture.violation import Violation
from analyzers.import_cycles import ChainStep
from analyzers.import_graph import EdgeKind, ImportEdge

DOMAIN_RULES = {
    "ARCH-001": "Domains may import from the shared domain.",
    "ARCH-002": "Domains must not import from other domains.",
    "ARCH-003": "The shared domain must not import from any domain.",
    "ARCH-004": "What several domains use lies in the shared domain.",
}


def check_domain_rules(facts: ArchitectureFacts, rules: Iterable[str]) -> tuple[Violation, ...]:
    """The violations of the given rules; none without domains. One per file and file that it imports."""
    wanted = set(rules)
    if not facts.config.domain_root:
        return ()
    found: dict[str, Violation] = {}
    for edge, importer, imported in domain_imports(facts):
        code = _broken_rule(importer, imported, facts.config.shared_domain, wanted)
        if code:
            violation = _import(code, edge, importer, imported, facts)
            found.setdefault(violation.key, violation)
    if "ARCH-004" in wanted:
        for violation in _utilities(facts):
            found.setdefault(violation.key, violation)
    return tuple(found.values())


def domain_imports(facts: ArchitectureFacts) -> Iterable[tuple[ImportEdge, str, str]]:
    """(edge, importing domain, imported domain) of every import between two domains that counts."""
    view = facts.view()
    for edge in facts.graph.edges:
        if not edge.imported or not view.counts(edge.kind):
            continue
        importer, imported = facts.domain(edge.importer), facts.domain(edge.imported)
        if importer and imported and importer != imported:
            yield edge, importer, imported


def is_allowed(importer: str, imported: str, shared: str, rules: Iterable[str]) -> bool:
    """Whether one domain may import another under `rules`."""
    return not _broken_rule(importer, imported, shared, set(rules))


def _broken_rule(importer: str, imported: str, shared: str, rules: set[str]) -> str:
    if importer == shared:
        return "ARCH-003" if "ARCH-003" in rules else ""
    if imported == shared and "ARCH-001" in rules:
        return ""
    return "ARCH-002" if "ARCH-002" in rules else ""


def _import(code: str, edge: ImportEdge, importer: str, imported: str, facts: ArchitectureFacts) -> Violation:
    names = f" ({', '.join(edge.names)})" if edge.names else ""
    if code == "ARCH-003":
        message = f"the shared domain {importer} imports {edge.module}{names} of {imported}"
        mend = facts.remedies.of_shared_import(edge)
    else:
        message = f"{importer} imports {edge.module}{names} of {imported}"
        mend = facts.remedies.of_domain_import(edge)
    step = ChainStep(edge.importer, edge.line, edge.imported, edge.kind, edge.names)
    return Violation(
        code=code,
        importer=edge.importer,
        line=edge.line,
        imported=edge.imported,
        message=message,
        chain=(step,),
        mend=mend,
        kind=edge.kind,
    )


def _utilities(facts: ArchitectureFacts) -> Iterable[Violation]:
    shared, threshold = facts.config.shared_domain, facts.config.architecture.shared_utility_domains
    users: dict[str, dict[str, ImportEdge]] = {}
    for edge, importer, imported in domain_imports(facts):
        # A type is used by its name alone: a protocol would do, so it makes no utility.
        if imported != shared and importer != shared and edge.kind is not EdgeKind.TYPING_ONLY:
            users.setdefault(edge.imported, {}).setdefault(importer, edge)
    for path, by_domain in users.items():
        if len(by_domain) < threshold:
            continue
        domains = ", ".join(sorted(by_domain))
        yield Violation(
            code="ARCH-004",
            importer=path,
            message=f"{len(by_domain)} other domains use it ({domains}), so it belongs in {shared}",
            mend=facts.remedies.of_shared_utility(path),
            chain=tuple(
                ChainStep(edge.importer, edge.line, edge.imported, edge.kind, edge.names)
                for _, edge in sorted(by_domain.items())
            ),
        )
