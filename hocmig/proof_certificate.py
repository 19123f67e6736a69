"""The certificate of a relocation as a file: what was compared, what is equal, what could not be proven.

Each transaction leaves `.hocmig/certificates/<transaction>.json`; P2 also writes PHASE2_CERTIFICATE.json into
the artifact folder, in the same transaction as the moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hocmig.store import write_bytes

if TYPE_CHECKING:
    from hocmig.prepared_relocation import PreparedRelocation
    from hocmig.workspace import Workspace

FOLDER = "certificates"


def render_certificate(prepared: PreparedRelocation) -> bytes:
    """The certificate as JSON: `relocations` (old name -> new name), then the fields of `Certificate`.

    `asked` are the relocations that the user gave, where more moved (private helpers of definitions).

    The same change of the same tree gives the same bytes. A relocation without a certificate (it is blocked)
    gives the empty object.
    """
    if prepared.certificate is None:
        return b"{}\n"
    moved = sorted(map(str, prepared.relocations.relocations))
    document: dict[str, Any] = {"relocations": moved}
    if sorted(prepared.asked) != moved:
        document["asked"] = sorted(prepared.asked)
    document |= msgspec.to_builtins(prepared.certificate)
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def keep_certificate(workspace: Workspace, prepared: PreparedRelocation, transaction: str) -> str:
    """Write the certificate of a transaction into hocmig's own folder; its repository path.

    Raises:
        OSError: it cannot be written.
    """
    path = workspace.state / FOLDER / f"{transaction}.json"
    write_bytes(path, render_certificate(prepared))
    return path.relative_to(workspace.root).as_posix()
