"""How many imports lead from each domain to each other one, and whether the rules allow them.

An import is one statement and one file that it names. Both directions of every pair of domains have a row,
those without imports, too, sorted by domain.

Source: migration plan, phase 8, "Dependency Matrix Schema"; the columns of ours stand at the right end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from analyzers.architecture.contract import ArchitectureFacts
from analyzers.architecture.domain_rules import domain_imports, is_allowed
from analyzers.import_graph import ImportEdge

MATRIX_NAME = "PHASE8_DEPENDENCY_MATRIX.csv"
MATRIX_COLUMNS = ("from_domain", "to_domain", "import_count", "compliant", "accepted_count", "file_count")


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """The imports of one domain by another; `accepted` counts those that the baseline accepts.

    `edges` are in the order of the graph; `is_allowed` says whether the rules let them be.
    """

    from_domain: str
    to_domain: str
    edges: tuple[ImportEdge, ...]
    accepted: int
    is_allowed: bool

    @property
    def is_compliant(self) -> bool:
        """Whether there is nothing here that breaks a rule and is not accepted."""
        return self.is_allowed or len(self.edges) == self.accepted

    @property
    def row(self) -> tuple[object, ...]:
        """The cell as a row of MATRIX_COLUMNS."""
        compliant = "YES" if self.is_compliant else "VIOLATION"
        files = len({edge.importer for edge in self.edges})
        return self.from_domain, self.to_domain, len(self.edges), compliant, self.accepted, files


def dependency_matrix(
    facts: ArchitectureFacts, accepted: Collection[tuple[str, str]] = ()
) -> tuple[MatrixCell, ...]:
    """The cells of all pairs of domains, sorted; empty without domains.

    Args:
        accepted: (importing file, imported file) of accepted violations.
    """
    config = facts.config
    edges: dict[tuple[str, str], list[ImportEdge]] = {
        (one, other): [] for one in facts.domains for other in facts.domains if one != other
    }
    for edge, importer, imported in domain_imports(facts):
        edges.setdefault((importer, imported), []).append(edge)
    return tuple(
        MatrixCell(
            importer,
            imported,
            tuple(row),
            sum((edge.importer, edge.imported) in accepted for edge in row),
            is_allowed(importer, imported, config.shared_domain, config.architecture.rules),
        )
        for (importer, imported), row in sorted(edges.items())
    )
