"""The architecture of a workspace: its contracts and baseline read, its tree judged; for `check` and P8."""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.architecture.contract import ArchitectureFacts
from analyzers.architecture.contracts import DeclaredContract, check_rules, decode_contracts
from analyzers.architecture.evaluation import ArchitectureResult, evaluate, finding_of
from analyzers.baseline import parse_baseline, render_baseline
from analyzers.errors import InputError
from analyzers.import_graph import ImportGraph
from analyzers.model import Finding
from analyzers.rule_finding import rule_finding
from analyzers.safe_yaml import YamlDocument, read_yaml
from hocmig.workspace import Workspace

#: A baseline of this size was not written by this tool.
_MAX_BYTES = 16 << 20


def read_contracts(workspace: Workspace) -> tuple[DeclaredContract, ...]:
    """The contracts of the configuration, with their lines.

    Raises:
        InputError: a rule that does not exist, or a malformed contract.
    """
    document = YamlDocument("hocmig.yaml", {})
    if workspace.config_path is not None:
        # Read again for the lines: the configuration itself may come from a cache.
        document = read_yaml(workspace.config_path)
    check_rules(document, workspace.config.architecture.rules)
    return decode_contracts(document)


def read_accepted(workspace: Workspace) -> dict[str, int]:
    """The entries of the baseline with their lines; empty when there is no file and none is configured.

    Raises:
        InputError: the configured file is missing, or the file is no baseline.
    """
    name = workspace.config.architecture_baseline
    try:
        with (workspace.root / name).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(name, 0, f"cannot be read: {error.strerror}", "mend the file") from error
    if len(content) > _MAX_BYTES:
        raise InputError(name, 0, f"is larger than {_MAX_BYTES >> 20} MiB", "is it the right file?")
    return parse_baseline(content, name)


def architecture_facts(workspace: Workspace) -> ArchitectureFacts:
    """The facts of the tree as it is now."""
    return ArchitectureFacts(ImportGraph(workspace.index), workspace.config)


def judge_architecture(
    facts: ArchitectureFacts, declared: Iterable[DeclaredContract], accepted: Iterable[str]
) -> ArchitectureResult:
    """Judge a tree; see `evaluate`."""
    return evaluate(facts, tuple(declared), accepted)


def architecture_findings(
    workspace: Workspace, result: ArchitectureResult, entries: dict[str, int], *, strict: bool
) -> tuple[Finding, ...]:
    """New violations, then stale entries (errors with `strict`, else warnings)."""
    name = workspace.config.architecture_baseline
    stale = [
        rule_finding(
            "BASE001",
            name,
            f"nothing breaks {entry!r} any more",
            "remove the line, or write the baseline again",
            line=entries.get(entry, 0),
            severity="error" if strict else "warning",
        )
        for entry in result.stale
    ]
    stale.sort(key=lambda finding: (finding.line, finding.message))
    return (*map(finding_of, result.new), *stale)


def baseline_text(result: ArchitectureResult) -> str:
    """The text of a baseline that accepts all violations of a result."""
    return render_baseline(result.keys)
