"""The file of a backup: a tar archive of the database, the root key, and a manifest with their digests.

The manifest is the last member, so that an archive that was cut off has none. An archive can be written to a pipe.
"""

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from workspace_operator.errors import InvalidInput
from workspace_operator.store.engine.private_files import new_private_file

DATABASE: Final = "workspaces.db"
ROOT_KEY: Final = "root-key"
MANIFEST: Final = "backup.json"
FORMAT: Final = 1

_CHUNK: Final = 1 << 20
_MAX_SMALL_FILE: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """What a backup has: its time, and the identity and schema revision of the database."""

    created_at: datetime
    store_id: str
    revision: str
    program_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupContents:
    """A backup that was read: the database as a file, the root key's text (None without), and the manifest."""

    database: Path
    root_key: bytes | None
    manifest: BackupManifest


class _HashingReader:
    """A stream that hashes what is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._hash = stream, sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


def write_archive(target: BinaryIO, database: Path, root_key: bytes | None, manifest: BackupManifest) -> None:
    """Write a backup to a stream, which may be a pipe."""
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        with database.open("rb") as stream:
            reader = _HashingReader(stream)
            _add(archive, DATABASE, database.stat().st_size, reader, manifest.created_at)
        digests = {DATABASE: reader.digest()}
        if root_key is not None:
            _add(archive, ROOT_KEY, len(root_key), BytesIO(root_key), manifest.created_at)
            digests[ROOT_KEY] = sha256(root_key).hexdigest()
        text = json.dumps({"format": FORMAT, **_document(manifest), "sha256": digests}, indent=2).encode()
        _add(archive, MANIFEST, len(text), BytesIO(text), manifest.created_at)


def read_archive(source: BinaryIO, folder: Path, *, name: str) -> BackupContents:
    """Read a backup from a stream; its database becomes a private file in a folder.

    Raises:
        InvalidInput: the stream is no backup, or is damaged or incomplete; ``name`` is what the message calls it.
    """
    database, small, digests = folder / DATABASE, dict[str, bytes](), dict[str, str]()
    with _refuse_damage(name), tarfile.open(fileobj=source, mode="r|") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is None or member.name not in {DATABASE, ROOT_KEY, MANIFEST} or member.name in digests:
                raise InvalidInput(f"{name} is not a backup of workspacectl: it has {member.name!r}", field="FILE")
            if member.name == DATABASE:
                digests[DATABASE] = _extract(stream, database)
            else:
                small[member.name] = stream.read(_MAX_SMALL_FILE)
                digests[member.name] = sha256(small[member.name]).hexdigest()
    with _refuse_damage(name):
        document = json.loads(small[MANIFEST])
        expected = document["sha256"]
        if {key: digest for key, digest in digests.items() if key != MANIFEST} != expected or DATABASE not in expected:
            raise ValueError("a digest differs")
        manifest = _manifest(document, name)
    return BackupContents(database=database, root_key=small.get(ROOT_KEY), manifest=manifest)


@contextmanager
def _refuse_damage(name: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, KeyError, ValueError, TypeError) as error:
        message = f"{name} is not a whole backup of workspacectl: it is damaged, or was cut off ({error})"
        raise InvalidInput(message, field="FILE") from error


def _add(archive: tarfile.TarFile, name: str, size: int, stream: object, moment: datetime) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(moment.timestamp())
    archive.addfile(member, stream)  # type: ignore[arg-type] # it needs `read` only


def _extract(stream: IO[bytes], file: Path) -> str:
    """Write a stream to a new private file; its digest."""
    digest = sha256()
    with new_private_file(file) as target:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _document(manifest: BackupManifest) -> Mapping[str, Any]:
    return {
        "createTime": manifest.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "storeID": manifest.store_id,
        "revision": manifest.revision,
        "programVersion": manifest.program_version,
    }


def _manifest(document: Mapping[str, Any], name: str) -> BackupManifest:
    if document["format"] != FORMAT:
        raise InvalidInput(f"{name} was written by a newer version of workspacectl: restore it with that", field="FILE")
    return BackupManifest(
        created_at=datetime.fromisoformat(document["createTime"]),
        store_id=document["storeID"],
        revision=document["revision"],
        program_version=document["programVersion"],
    )
