"""The configuration file `hocmig.yaml`: its shape, its defaults, and how it is read.

Source: the product contract, "Configuration".
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

CONFIG_NAME = "hocmig.yaml"

Count = Annotated[int, Meta(ge=0)]


class Execution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How per-file jobs are run: `jobs` processes (0: one per core), `executor` `local` or `dask://HOST:PORT`."""

    jobs: Count = 0
    executor: Annotated[str, Meta(pattern=r"^(local|dask://[A-Za-z0-9_.\-]+:[0-9]{1,5})$")] = "local"


class Commands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shell commands of the repository, run from its root; empty: none."""

    tests: str = ""
    layers: str = ""


class References(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which files besides Python may be rewritten (gitignore-style globs), and how sure a hit must be.

    `level`: `certain` or `likely`.
    """

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    level: Annotated[str, Meta(pattern="^(certain|likely)$")] = "certain"


class Moves(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How modules move.

    `facade`: a package that passes on a name of a module which leaves it goes on doing so (`keep`), or lets
    go of it, and its importers take the name from the new place (`flatten`).
    """

    facade: Annotated[str, Meta(pattern="^(keep|flatten)$")] = "keep"


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exact counts as gates; None: not checked. `misplaced` counts the manifest's rows."""

    misplaced: Count | None = None
    domains: Count | None = None
    files: Count | None = None


class Duplicates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`min_lines` of a block, `threshold` 0 to 1, `scope` `across`, `inside` or `all`, `baseline` file."""

    min_lines: Annotated[int, Meta(ge=1)] = 10
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.8
    scope: Annotated[str, Meta(pattern="^(across|inside|all)$")] = "across"
    baseline: str = ""


class Architecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules of P8 and `hocmig check`; `contracts` are decoded by the architecture analyzer.

    `baseline` is the file of accepted violations (empty: ARCHITECTURE_BASELINE.txt among the artifacts).
    `shared_utility_domains`: used by so many other domains, a module belongs in the shared one (ARCH-004).
    `canonical`: where P8 lets everybody import shared names from, their `defining` module or the `facade`.
    """

    rules: tuple[str, ...] = ("ARCH-001", "ARCH-002", "ARCH-003", "ARCH-004")
    baseline: str = ""
    include_typing_only: bool = True
    include_deferred: bool = True
    shared_utility_domains: Annotated[int, Meta(ge=2)] = 2
    canonical: Annotated[str, Meta(pattern="^(defining|facade)$")] = "defining"
    contracts: tuple[dict[str, object], ...] = ()


class Layers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Layer folders of a domain from the highest to the lowest, e.g. `L3_adapters` ... `L6_drivers`.

    A layer may import itself and lower ones. `forbidden_libraries` and `banned_names` map a layer to
    top-level modules it must not import and to file-name globs it must not hold; `header` is a regular
    expression whose group 1 is the layer that a file's head claims (empty: not checked).
    `baseline` is the file of accepted violations and cycles (empty: LAYER_BASELINE.txt among the artifacts).
    """

    order: tuple[str, ...] = ()
    allowed: dict[str, tuple[str, ...]] = {}
    forbidden_libraries: dict[str, tuple[str, ...]] = {}
    banned_names: dict[str, tuple[str, ...]] = {}
    header: str = ""
    baseline: str = ""


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of `hocmig.yaml`; paths are POSIX and relative to the repository root, modules dotted.

    `domain_root` is the path of the package that holds the domains (empty: no domains); `domains` empty means
    every package folder directly below it. `artifacts` empty means `<domain_root>/_domain_map`, or
    `.hocmig/artifacts` without a domain root. `scan` are the folders to index (empty: the whole root).
    """

    version: Annotated[int, Meta(ge=1, le=1)] = 1
    import_roots: Annotated[tuple[str, ...], Meta(min_length=1)] = (".",)
    domain_root: str = ""
    domains: tuple[str, ...] = ()
    shared_domain: str = "general"
    layers: Layers = Layers()
    scan: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    workbook: str = ""
    artifacts: str = ""
    expect: Expect = Expect()
    architecture: Architecture = Architecture()
    references: References = References()
    moves: Moves = Moves()
    commands: Commands = Commands()
    duplicates: Duplicates = Duplicates()
    clusters: str = ""
    execution: Execution = Execution()

    @property
    def artifact_folder(self) -> str:
        """Where phases write their artifacts, relative to the repository root."""
        if self.artifacts:
            return self.artifacts.rstrip("/")
        return f"{self.domain_root}/_domain_map" if self.domain_root else ".hocmig/artifacts"

    @property
    def architecture_baseline(self) -> str:
        """The file of accepted architecture violations, relative to the repository root."""
        return self.architecture.baseline or f"{self.artifact_folder}/ARCHITECTURE_BASELINE.txt"

    @property
    def layer_baseline(self) -> str:
        """The file of accepted layer violations and import cycles, relative to the repository root."""
        return self.layers.baseline or f"{self.artifact_folder}/LAYER_BASELINE.txt"
