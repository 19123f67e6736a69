"""The manifest of a workspace: where it stands, and reading it for the phases that need one."""

from __future__ import annotations

from pathlib import Path

from analyzers.migration_manifest import MANIFEST_NAME, ManifestRow, read_manifest, render_manifest
from hocmig.store import write_text
from hocmig.workspace import Workspace

__all__ = ["MANIFEST_NAME", "manifest_path", "read_current_manifest", "require_manifest", "write_manifest"]


def manifest_path(workspace: Workspace) -> Path:
    """Where the manifest of this workspace stands or will stand."""
    return workspace.artifacts / MANIFEST_NAME


def read_current_manifest(workspace: Workspace) -> tuple[ManifestRow, ...] | None:
    """The rows of the manifest, or None when there is none; raises InputError as `read_manifest`."""
    return require_manifest(workspace) if manifest_path(workspace).exists() else None


def require_manifest(workspace: Workspace) -> tuple[ManifestRow, ...]:
    """The rows of the manifest.

    Raises:
        InputError: there is none, or it is not as it should be (with file and line).
    """
    shown = f"{workspace.config.artifact_folder}/{MANIFEST_NAME}"
    return read_manifest(
        manifest_path(workspace), workspace.layout, workspace.config.domain_root, shown_as=shown
    )


def write_manifest(workspace: Workspace, rows: tuple[ManifestRow, ...]) -> None:
    """Replace the manifest by one with these rows."""
    write_text(manifest_path(workspace), render_manifest(rows))
