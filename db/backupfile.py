"""The file of a backup: a dump of the database, and a manifest that says what must be in it.

It is a ZIP archive whose members are not compressed (the dump is by itself): `dump`, in the custom format of
`pg_dump`, and `manifest.json`. What is done with it is in `db/backup.py` and `db/restoring.py`.
"""

import datetime as dt
import os
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

DUMP, MANIFEST = "dump", "manifest.json"
CHUNK = 1 << 20
SIGNATURE = b"PK\x03\x04"  # of a ZIP archive that holds something
LONGEST_MANIFEST = 1 << 20
# what reading an archive raises whose bytes are not those that were written
DAMAGE = (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError)


class BackupError(Exception):
    """A backup cannot be made, or cannot be restored; the message is one line and holds no secret."""


class Facts(BaseModel):
    """What is told of a database, to be found again in one that was restored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_revision: str
    dataset_revision: int
    epoch: uuid.UUID
    head: str
    rows: dict[str, int]


class Manifest(BaseModel):
    """What a backup says of itself. `head` is that of the hash chain, `rows` are counted by table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["exchanges-backup-1"] = "exchanges-backup-1"
    made_at: dt.datetime
    server_version: str
    dump_bytes: int
    dump_sha256: str
    facts: Facts


@dataclass
class Written:
    """A dump that is being written: how long it is so far, and its hash."""

    out: IO[bytes]
    size: int = 0

    def __post_init__(self) -> None:
        self._hash = sha256()

    def write(self, chunk: bytes) -> None:
        """Add to it."""
        self.out.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """Its hash so far."""
        return self._hash.hexdigest()


@contextmanager
def new_archive(file: Path, *, force: bool) -> Iterator[zipfile.ZipFile]:
    """Make a file for its owner alone, which has its name only once it is whole.

    Raises:
        BackupError: there is a file of that name, which only `force` replaces.
    """
    _refuse_existing(file, force=force)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".partial", dir=file.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w+b") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
                yield archive
            out.flush()
            os.fsync(out.fileno())
        _refuse_existing(file, force=force)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_existing(file: Path, *, force: bool) -> None:
    if file.is_dir():
        raise BackupError(f"{file} is a directory: name the file to write")
    if file.exists() and not force:
        raise BackupError(f"{file} is there already, and stays as it is; --force replaces it")


@contextmanager
def new_dump(archive: zipfile.ZipFile) -> Iterator[Written]:
    """Begin the dump of an archive."""
    with archive.open(zipfile.ZipInfo(DUMP, _now()), "w", force_zip64=True) as out:
        yield Written(out)


def add_manifest(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """End an archive with its manifest."""
    archive.writestr(zipfile.ZipInfo(MANIFEST, _now()), manifest.model_dump_json(indent=1) + "\n")


def _now() -> tuple[int, int, int, int, int, int]:
    now = dt.datetime.now(dt.UTC)
    return now.year, now.month, now.day, now.hour, now.minute, now.second


@contextmanager
def opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """Open the file of a backup.

    Raises:
        BackupError: it is none, it is cut short, or what is read of it in the block is damaged.
    """
    with file.open("rb") as source:
        begins_well = source.read(len(SIGNATURE)) == SIGNATURE
        source.seek(0)
        if not begins_well:
            raise BackupError(f"{file} is no backup made by `exchanges backup`")
        if not zipfile.is_zipfile(source):
            raise BackupError(f"{file} is cut short: its end is missing")
        try:
            with zipfile.ZipFile(source) as archive:
                if sorted(archive.namelist()) != [DUMP, MANIFEST]:
                    raise BackupError(f"{file} is no backup made by `exchanges backup`")
                yield archive
        except DAMAGE as error:
            raise BackupError(f"{file} is damaged: {error}") from error


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """Give the manifest of an archive.

    Raises:
        BackupError: it is none that is understood.
    """
    if archive.getinfo(MANIFEST).file_size > LONGEST_MANIFEST:
        raise BackupError(f"{archive.filename} is no backup made by `exchanges backup`")
    try:
        return Manifest.model_validate_json(archive.read(MANIFEST))
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or MANIFEST
        raise BackupError(
            f"{archive.filename}: {MANIFEST} was changed, or is of another version: {place}: {fault['msg']}"
        ) from error


def dump_chunks(archive: zipfile.ZipFile) -> Iterator[bytes]:
    """Read the dump of an archive."""
    with archive.open(DUMP) as dump:
        while chunk := dump.read(CHUNK):
            yield chunk


def check(file: Path) -> Manifest:
    """Read a backup from end to end, and give its manifest; no database is needed.

    Raises:
        BackupError: it is not what was written.
    """
    with opened(file) as archive:
        manifest = read_manifest(archive)
        digest, size = sha256(), 0
        for chunk in dump_chunks(archive):
            digest.update(chunk)
            size += len(chunk)
    if (digest.hexdigest(), size) != (manifest.dump_sha256, manifest.dump_bytes):
        raise BackupError(
            f"{file}: the dump is not the one that {MANIFEST} tells of, by its length or SHA-256"
        )
    return manifest
