"""Archives read back exactly, and nothing that is damaged, hostile or foreign is believed."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.errors import InputError
from hocmig.transaction import backup
from hocmig.transaction.backup import MANIFEST_NAME, parse_backup, read_backup
from hocmig.transaction.rollback import rollback

COMMAND = ("hocmig", "move", "--rollback")


@pytest.fixture(scope="module")
def archive(scenario: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The backup of the scenario's migration."""
    root = tmp_path_factory.mktemp("archive")
    scenario.build(root, scenario.old_files())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1769508000")
        scenario.migrate(root)
    (found,) = (root / "backups").glob("*.tar.gz")
    content: bytes = found.read_bytes()
    return content


def members(archive: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return [(m, tar.extractfile(m).read()) for m in tar.getmembers()]  # type: ignore[union-attr]


def pack(parts: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, content in parts:
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def with_manifest(archive: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The archive with a manifest that `change` has edited, otherwise consistent."""
    parts = members(archive)
    manifest = msgspec.json.decode(parts[0][1])
    change(manifest)
    content = msgspec.json.encode(manifest)
    parts[0][0].size = len(content)
    return pack([(parts[0][0], content), *parts[1:]])


def test_manifest_and_contents_are_those_of_the_old_tree(archive: bytes, scenario: ModuleType) -> None:
    read = parse_backup(archive, "archive")
    old = scenario.old_files()
    assert read.manifest.phase == "P2"
    assert read.manifest.time == "2026-01-27T10:00:00Z"
    kept = {f.path: f.before for f in read.manifest.files if f.before is not None}
    assert set(kept) == set(read.contents) == set(old) - {"stays/here.py"}
    for path, image in kept.items():
        assert read.contents[path] == old[path][0]
        assert image.git_mode == old[path][1]
    assert {f.path: f.mode for f in read.manifest.removed_folders}["pkg/a"] == 0o750
    assert "pkg/b/moved" in read.manifest.made_folders
    assert {f.path for f in read.manifest.files if f.before is None} >= {"new/tool", "pkg/b/moved/mod_00.py"}


def test_no_member_is_a_link_and_plain_tar_can_unpack_it(archive: bytes) -> None:
    assert all(m.isreg() and m.mtime == 0 and m.uid == 0 for m, _ in members(archive))
    names = [m.name for m, _ in members(archive)]
    assert names[0] == MANIFEST_NAME
    assert "files/old/deep/gone.py" in names


def first_kept(manifest: Any) -> Any:
    """The first file of a manifest that the archive holds."""
    return next(f for f in manifest["files"] if f["before"] is not None)


def hostile_link(member: tarfile.TarInfo) -> None:
    member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0


def hostile_hard_link(member: tarfile.TarInfo) -> None:
    member.type, member.linkname, member.size = tarfile.LNKTYPE, "../../x", 0


def hostile_device(member: tarfile.TarInfo) -> None:
    member.type, member.size = tarfile.CHRTYPE, 0


def hostile_folder(member: tarfile.TarInfo) -> None:
    member.type, member.size = tarfile.DIRTYPE, 0


def absolute_name(member: tarfile.TarInfo) -> None:
    member.name = "/etc/cron.d/x"


def upward_name(member: tarfile.TarInfo) -> None:
    member.name = "files/../../x"


@pytest.mark.parametrize(
    "spoil", [hostile_link, hostile_hard_link, hostile_device, hostile_folder, absolute_name, upward_name]
)
def test_hostile_members_are_refused(archive: bytes, spoil: Callable[[tarfile.TarInfo], None]) -> None:
    parts = members(archive)
    spoil(parts[1][0])
    with pytest.raises(InputError, match="is no sound backup"):
        parse_backup(pack(parts), "archive")


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", ".git/hooks/pre-commit", ".hocmig/ledger.jsonl", "a\\..\\b", "a\0b"],
)
def test_hostile_paths_in_the_manifest_are_refused(archive: bytes, path: str) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["files"].insert(0, {"path": path, "before": None, "after": None})
        manifest["files"].sort(key=lambda f: f["path"])

    with pytest.raises(InputError, match="is no sound backup: the path"):
        parse_backup(with_manifest(archive, change), "archive")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.update(schema_version=2), "its version is 2"),
        (lambda m: m["files"].reverse(), "not in order"),
        (lambda m: m["files"].append(m["files"][-1]), "not in order"),
        (lambda m: m.pop("files"), "no manifest"),
        (lambda m: m.update(more=1), "no manifest"),
        (lambda m: first_kept(m)["before"].update(sha256="0" * 64), "not what the manifest says"),
        (lambda m: first_kept(m)["before"].update(mode=0o10000), "impossible mode"),
        (lambda m: first_kept(m)["before"].update(size_bytes=1 << 50), "not what the manifest says"),
        (lambda m: m["removed_folders"][0].update(mode=None), "impossible mode"),
        (lambda m: m["files"].remove(first_kept(m)), "stands where"),
    ],
)
def test_manifests_that_lie_are_refused(archive: bytes, change: Callable[[Any], None], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_backup(with_manifest(archive, change), "archive")


def test_missing_more_and_doubled_members_are_refused(archive: bytes) -> None:
    parts = members(archive)
    for spoiled in (parts[:-1], [*parts, parts[-1]], parts[1:], [parts[0], *reversed(parts[1:])], []):
        with pytest.raises(InputError):
            parse_backup(pack(spoiled), "archive")
    with pytest.raises(InputError, match="something follows"):
        parse_backup(gzip.compress(gzip.decompress(archive) + b"more" * 200), "archive")


def test_bombs_are_stopped_while_they_unfold(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError):
        parse_backup(gzip.compress(bytes(32 << 20)), "archive")
    with pytest.raises(InputError, match="holds more than its headers say"):
        parse_backup(gzip.compress(gzip.decompress(archive) + bytes(32 << 20)), "archive")
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 1 << 40
    with pytest.raises(InputError):
        parse_backup(gzip.compress(header.tobuf() + bytes(32 << 20)), "archive")
    monkeypatch.setattr(backup, "MAX_TOTAL_BYTES", 4096)
    with pytest.raises(InputError, match="unpacks to more than 4096 bytes"):
        parse_backup(archive, "archive")


def test_a_large_claim_does_not_allocate(archive: bytes) -> None:
    member = tarfile.TarInfo(MANIFEST_NAME)
    member.size = 1 << 35
    with pytest.raises(InputError, match="larger than it may be"):
        parse_backup(gzip.compress(member.tobuf() + bytes(4096)), "archive")


def test_a_missing_archive_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no_such: cannot be read: No such file"):
        read_backup(tmp_path / "no_such")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_never_pass_and_never_crash(archive: bytes, data: st.DataObject) -> None:
    """Flips, cuts and insertions, in the packed bytes and in the plain tar."""
    plain = data.draw(st.booleans())
    source = gzip.decompress(archive) if plain else archive
    content = bytearray(source)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "copy"])):
            case "flip":
                content[place] ^= data.draw(st.integers(1, 255))
            case "cut":
                del content[place : place + data.draw(st.integers(1, 2000))]
            case "insert":
                content[place:place] = data.draw(st.binary(min_size=1, max_size=600))
            case _:
                content[place:place] = content[: data.draw(st.integers(1, 1024))]
        if not content:
            return
    spoiled = gzip.compress(bytes(content)) if plain else bytes(content)
    try:
        read = parse_backup(spoiled, "archive")
    except InputError as error:
        problem = str(error)
    else:
        problem = ""
        # A change in padding or in a field that means nothing; what is believed is the truth all the same.
        whole = parse_backup(archive, "archive")
        assert read.contents == whole.contents or read.sha256 != whole.sha256
    assert len(problem.splitlines()) <= 1


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000), st.booleans())
def test_any_bytes_are_refused_without_a_traceback(content: bytes, packed: bool) -> None:
    with pytest.raises(InputError):
        parse_backup(gzip.compress(content) if packed else content, "archive")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_rollback_with_a_changed_archive_writes_nothing(
    scenario: ModuleType, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("fuzzed")
    scenario.build(root, scenario.old_files())
    scenario.migrate(root)
    (found,) = (root / "backups").glob("*.tar.gz")
    content = bytearray(found.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    found.write_bytes(bytes(content))
    before = scenario.snapshot(root)
    with pytest.raises(InputError):
        rollback(root, [found], phase="P2", command=COMMAND)
    assert scenario.snapshot(root) == before
