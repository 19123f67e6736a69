"""The backup archive: every file that a transaction touches, as it was, with hash and mode.

A gzip-compressed tar. The first member, `HOCMIG-BACKUP.json`, is the manifest; then follow the pre-images as
`files/PATH`, in the manifest's order. Symlinks are stored as regular members that hold the target text, so no
member of an archive is ever a link. The same change of the same tree gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from analyzers.errors import InputError
from hocmig import __version__
from hocmig.transaction.change import sha256
from hocmig.transaction.image import Image, Seen
from hocmig.transaction.plan import Folder, SwapPlan
from hocmig.transaction.safe_path import path_problem

FOLDER = "backups"
IGNORE = f"{FOLDER}/.gitignore"
IGNORE_TEXT = b"# Made by hocmig. Backups do not belong into version control.\n*\n"

MANIFEST_NAME = "HOCMIG-BACKUP.json"
SCHEMA_VERSION = 1

#: Limits of an archive, before anything of it is believed. 300 files of a migration need about 3 MiB.
MAX_ARCHIVE_BYTES = 1 << 30
MAX_TOTAL_BYTES = 1 << 30
MAX_MEMBER_BYTES = 256 << 20
MAX_MANIFEST_BYTES = 64 << 20
MAX_FILES = 200_000
_MAX_HEADER_BYTES = 64 << 10


class BackupFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One path: what stood there (in the archive when not None) and what the transaction put there."""

    path: str
    before: Image | None
    after: Image | None


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an archive holds and which transaction it undoes; `files` are sorted by path."""

    transaction_id: str
    phase: str
    command: tuple[str, ...]
    time: str
    files: tuple[BackupFile, ...]
    removed_folders: tuple[Folder, ...] = ()
    made_folders: tuple[str, ...] = ()
    tool_version: str = __version__
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive that was read and found whole; `contents` are the pre-images by path."""

    manifest: BackupManifest
    contents: Mapping[str, bytes]
    sha256: str


def render_backup(
    plan: SwapPlan,
    before: Mapping[str, Seen],
    *,
    transaction_id: str,
    phase: str,
    command: tuple[str, ...],
    time: str,
) -> bytes:
    """The archive for `plan`, read back and compared with the pre-images before it is returned.

    Raises:
        InputError: it would pass the limits of an archive.
    """
    manifest = BackupManifest(
        transaction_id=transaction_id,
        phase=phase,
        command=command,
        time=time,
        files=tuple(BackupFile(path=s.path, before=s.before, after=s.after) for s in plan.steps),
        removed_folders=plan.removed,
        made_folders=tuple(f.path for f in plan.made),
    )
    contents = {s.path: before[s.path].content for s in plan.steps if s.before is not None}
    archive = _pack(manifest, contents)
    again = parse_backup(archive, "the new backup")
    if again.manifest != manifest or again.contents != contents:
        raise InputError("the new backup", 0, "does not read back as it was written", "report this as a bug")
    return archive


def _pack(manifest: BackupManifest, contents: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, MANIFEST_NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n", 0o644)
        for file in manifest.files:
            if file.before is not None:
                _add(tar, f"files/{file.path}", contents[file.path], file.before.mode)
    # mtime 0: the time stands in the manifest; zlib's level 6 packs 3 MiB of source in a tenth of a second.
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = mode
    tar.addfile(member, io.BytesIO(content))


def read_backup(path: Path, *, shown_as: str = "") -> Backup:
    """The archive at `path`, wholly validated; nothing is extracted.

    Raises:
        InputError: it is missing, damaged, hostile (absolute names, `..`, links, devices, more than it
            claims) or larger than the limits above.
    """
    name = shown_as or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_ARCHIVE_BYTES + 1)
    except OSError as error:
        raise InputError(name, 0, f"cannot be read: {error.strerror}", "name a backup archive") from error
    if len(content) > MAX_ARCHIVE_BYTES:
        raise InputError(name, 0, f"is larger than {MAX_ARCHIVE_BYTES} bytes", "name a backup archive")
    return parse_backup(content, name)


def parse_backup(archive: bytes, name: str) -> Backup:
    """Like `read_backup`, for the bytes of an archive; `name` stands in messages."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(archive)) as packed:
            stream = _Limited(packed)
            with tarfile.open(fileobj=stream, mode="r|", bufsize=tarfile.BLOCKSIZE) as tar:
                manifest, contents = _read_members(tar, stream)
            stream.drain()
    except _Rejected as error:
        raise InputError(name, 0, f"is no sound backup: {error}", "take another archive") from error
    except (
        tarfile.TarError,
        EOFError,
        OSError,
        zlib.error,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        text = str(error) or type(error).__name__
        raise InputError(name, 0, f"is damaged: {text[:200]}", "take another archive") from error
    return Backup(manifest, contents, sha256(archive))


class _Rejected(Exception):
    """An archive that can be read but must not be believed."""


class _Limited(io.RawIOBase):
    """A stream that never hands out more than it was allowed; it stops bombs while they unfold."""

    def __init__(self, source: gzip.GzipFile) -> None:
        super().__init__()
        self._source = source
        self._total = 0
        # tarfile reads the first header when it opens the stream.
        self._allowed = _MAX_HEADER_BYTES

    def allow(self, size: int) -> None:
        """Let the next `size` bytes, and the headers around them, pass."""
        self._allowed = size + _MAX_HEADER_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._allowed:
            raise _Rejected("it holds more than its headers say")
        part = self._source.read(size)
        self._allowed -= len(part)
        self._total += len(part)
        if self._total > MAX_TOTAL_BYTES:
            raise _Rejected(f"it unpacks to more than {MAX_TOTAL_BYTES} bytes")
        return part

    def drain(self) -> None:
        """Read to the end, so that the checksum of the gzip stream is checked."""
        self.allow(0)
        while part := self.read(tarfile.BLOCKSIZE):
            if part.strip(b"\0"):
                raise _Rejected("something follows after the last member")


def _read_members(tar: tarfile.TarFile, stream: _Limited) -> tuple[BackupManifest, dict[str, bytes]]:
    manifest = _manifest(_next(tar, stream, MANIFEST_NAME, MAX_MANIFEST_BYTES))
    contents: dict[str, bytes] = {}
    for file in manifest.files:
        if file.before is None:
            continue
        content = _next(tar, stream, f"files/{file.path}", min(MAX_MEMBER_BYTES, file.before.size_bytes))
        if sha256(content) != file.before.sha256 or len(content) != file.before.size_bytes:
            raise _Rejected(f"{file.path} is not what the manifest says")
        contents[file.path] = content
    stream.allow(0)
    if tar.next() is not None:
        raise _Rejected("it holds a member that the manifest does not name")
    return manifest, contents


def _next(tar: tarfile.TarFile, stream: _Limited, name: str, limit: int) -> bytes:
    stream.allow(0)
    member = tar.next()
    if member is None:
        raise _Rejected(f"{name} is missing")
    if member.name != name:
        raise _Rejected(f"the member {member.name[:100]!r} stands where {name} belongs")
    if not member.isreg() or member.sparse is not None:
        raise _Rejected(f"{name} is no regular file")
    if member.size > limit:
        raise _Rejected(f"{name} is larger than it may be")
    stream.allow(member.size)
    source = tar.extractfile(member)
    content = source.read() if source is not None else b""
    if len(content) != member.size:
        raise _Rejected(f"{name} ends too early")
    return content


def _manifest(content: bytes) -> BackupManifest:
    try:
        manifest = msgspec.json.decode(content, type=BackupManifest)
    except msgspec.DecodeError as error:
        raise _Rejected(f"its manifest is no manifest: {error}") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise _Rejected(f"its version is {manifest.schema_version}, this hocmig knows {SCHEMA_VERSION}")
    paths = [file.path for file in manifest.files]
    if len(paths) > MAX_FILES:
        raise _Rejected(f"it holds more than {MAX_FILES} files")
    if paths != sorted(set(paths)):
        raise _Rejected("its manifest is not in order")
    for path in (*paths, *manifest.made_folders, *(f.path for f in manifest.removed_folders)):
        problem = path_problem(path)
        if problem:
            raise _Rejected(f"the path {path[:100]!r} {problem}")
    for file in manifest.files:
        for image in (file.before, file.after):
            if image is not None and not (0 <= image.mode <= 0o7777 and image.size_bytes >= 0):
                raise _Rejected(f"{file.path} has an impossible mode or size")
    if any(f.mode is None or not 0 <= f.mode <= 0o7777 for f in manifest.removed_folders):
        raise _Rejected("a folder has an impossible mode")
    return manifest
