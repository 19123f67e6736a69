"""How a module is written after `from`: relative while it stays in its package, else absolute."""

from __future__ import annotations

from analyzers.layout import ModuleName


def spell_base(module: str, level: int, client: ModuleName) -> str:
    """The text that names `module` in a `from` statement of `client`.

    A statement that was absolute (`level` 0) stays absolute. A relative one keeps its number of dots when
    `module` lies in the package that they mean in `client`, and becomes absolute otherwise. In a file that
    belongs to no import root nothing absolute could be found, so there the dots are counted anew.
    """
    if not level:
        return module
    anchor = client.package
    for _ in range(level - 1):
        anchor = anchor.rpartition(".")[0]
    if anchor and _is_within(module, anchor):
        return "." * level + module[len(anchor) + 1 :]
    if client.is_importable:
        return module
    anchor, dots = client.package, 1
    while anchor and not _is_within(module, anchor):
        anchor, dots = anchor.rpartition(".")[0], dots + 1
    return "." * dots + module[len(anchor) + 1 :] if anchor else module


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")
