"""The files of releases: a Data Package of the state that a release names, made anew each time it is wanted.

The same release gives the same bytes, whenever and by whichever process it is made: all that goes in is the
stored state and the release itself, which keeps where the service was found. Nothing is kept on disk. What a
release is, is `db/releases.py`'s business, how it is described, that of the builders of `api/editions.py`.
"""

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from anyio import to_thread
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from api.citationfiles import citation_cff, datacite
from api.codebook import codebook
from api.codebookpage import MARKDOWN, codebook_markdown
from api.columns import columns_of
from api.croissant import croissant
from api.datapackage import data_package
from api.editions import LICENCE_NAME, LICENCE_URL, TITLE, Edition, FileFacts
from api.exports import EXPORTS
from api.finishing import finished
from api.formats import FORMATS, FormatName, Sheet
from api.livedataset import read_edition, read_example
from api.metaschemas import ONLY_AS_JSON, TABLES
from api.understanding import Question
from db.enums import Resource
from db.queries.conditions import Snapshot
from db.queries.releases import Notice, read_notices
from db.releases import File, Released, read_releases, refreeze
from db.rendering import PLURAL
from db.vocabulary import read_vocabulary

FOLDER = "data"
FORMS = (FormatName.CSV, FormatName.PARQUET, FormatName.NDJSON)
BLOCK = 256 * 1024  # bytes that are sent at once
ON_UNIX = 3  # in a zip: that the permissions are those of a file on Unix
PERMISSIONS = 0o644

Tell = Callable[[str], None]


class Published(BaseSettings):
    """Where readers find the service, which the files of releases that are made from now on name."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    public_url: str = Field(
        default="http://localhost:8000", description="where readers find the service, without a path"
    )


class FilesDifferError(Exception):
    """A release does not come out as it was recorded.

    As its state is the same, that can only be another version of the program, or of a library.
    """


@dataclass(frozen=True)
class _Package:
    """A package on its way: into a zip, or only to learn what its files are."""

    release: Released
    archive: ZipFile | None
    tell: Tell
    files: list[File]

    async def add(self, name: str, chunks: AsyncIterator[bytes]) -> File:
        """Add a file, and give what it is."""
        digest, size = sha256(), 0
        entry = None if self.archive is None else self.archive.open(self._info(name), "w", force_zip64=True)
        try:
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                if entry is not None:
                    await finished(to_thread.run_sync(entry.write, chunk))
        finally:
            if entry is not None:
                entry.close()
        file = {"name": name, "bytes": size, "sha256": digest.hexdigest()}
        self.files.append(file)
        self.tell(f"{name}: {size:,} bytes")
        return file

    def _info(self, name: str) -> ZipInfo:
        at = self.release.at
        info = ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
        compressed_already = name.endswith(FormatName.PARQUET)
        info.compress_type = ZIP_STORED if compressed_already else ZIP_DEFLATED
        info.create_system = ON_UNIX
        info.external_attr = PERMISSIONS << 16
        return info


async def make_files(connection: AsyncConnection, release: Released, tell: Tell) -> Released:
    """Give a release with what its files are. The connection must be in a transaction."""
    notices = [each for each in await read_notices(connection) if each.release == release.name]
    return replace(release, files=await _pack(connection, release, notices, None, tell))


async def remake(connection: AsyncConnection, by_revision: int, tell: Tell) -> list[str]:
    """Make the files of all releases again in which a dataset revision has blanked something.

    In the same transaction, so that what is told of the files always fits them. Gives the names of the
    releases.
    """
    notices = await read_notices(connection)
    touched = {notice.release for notice in notices if notice.by_revision == by_revision}
    releases = [each for each in await read_releases(connection) if each.name in touched]
    for release in releases:
        tell(f"Making the files of release {release.name} again …")
        await refreeze(connection, await make_files(connection, release, tell))
    return [release.name for release in releases]


async def zipped(connection: AsyncConnection, release: Released) -> IO[bytes]:
    """Give the package of a release as a zip: a file that vanishes when it is closed.

    The connection must be in a transaction in which nothing changes.

    Raises:
        FilesDifferError: the files are not those that were recorded.
    """
    file: IO[bytes] = await to_thread.run_sync(tempfile.TemporaryFile)
    try:
        with ZipFile(file, "w") as archive:
            notices = [each for each in await read_notices(connection) if each.release == release.name]
            files = await _pack(connection, release, notices, archive, lambda _: None)
        if release.files and files != release.files:
            raise FilesDifferError(f"the files of release {release.name} are not those that were recorded")
    except BaseException:
        file.close()
        raise
    return file


async def blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Give a file from its beginning, and let go of it."""
    try:
        file.seek(0)
        while block := await finished(to_thread.run_sync(file.read, BLOCK)):
            yield block
    finally:
        file.close()


async def _pack(
    connection: AsyncConnection,
    release: Released,
    notices: Sequence[Notice],
    archive: ZipFile | None,
    tell: Tell,
) -> tuple[File, ...]:
    """Make all files in their order: data, what describes them, and at last the package with all of them."""
    package = _Package(release, archive, tell, [])
    snapshot = Snapshot(release.dataset_revision, release.name)
    state, edition = await read_edition(connection, snapshot, release.base_url)
    edition = replace(edition, at=release.at)
    example = await read_example(connection, snapshot)
    vocabulary = await read_vocabulary(connection)
    everything = Question({"sort": ("id",)}, (), snapshot, state, {}, (), vocabulary)
    facts: list[FileFacts] = []
    for name, model in TABLES.items():
        for form in FORMS if name not in ONLY_AS_JSON else ():
            format_ = FORMATS[form]
            sheet = Sheet(name=name, columns=columns_of(model), at=release.at)
            rows = EXPORTS[name].bodies(connection, everything)
            file = await package.add(f"{FOLDER}/{name}.{form}", format_.write(sheet, rows))
            facts.append(_facts(file, format_.media_type, name, sheet))
    data = tuple(facts)
    for path, media_type, text in (
        ("codebook.md", MARKDOWN, codebook_markdown(codebook(edition, example))),
        ("CITATION.cff", "application/yaml", citation_cff(edition)),
        ("datacite.json", "application/json", _json(datacite(edition, data))),
        ("croissant.json", "application/ld+json", _json(croissant(edition, data))),
        ("README.md", MARKDOWN, readme(edition, release, notices)),
    ):
        file = await package.add(path, _whole(text))
        facts.append(_facts(file, media_type, path.partition(".")[0].lower(), None))
    described = _without_broken_keys(data_package(edition, facts), notices)
    await package.add("datapackage.json", _whole(_json(described)))
    return tuple(package.files)


def _facts(file: File, media_type: str, resource: str, sheet: Sheet | None) -> FileFacts:
    columns = None if sheet is None else sheet.columns
    return FileFacts(file["name"], media_type, file["bytes"], file["sha256"], resource, columns)


def _without_broken_keys(package: dict[str, Any], notices: Sequence[Notice]) -> dict[str, Any]:
    """Leave out foreign keys into tables that lack a record which was blanked, since some would lead nowhere.

    An exchange goes together with all of its parts.
    """
    lacking = {PLURAL[notice.resource] for notice in notices if notice.resource is not Resource.EXCHANGE}
    for resource in package["resources"]:
        keys = resource.get("schema", {}).get("foreignKeys", [])
        left = [key for key in keys if key["reference"]["resource"] not in lacking]
        if left:
            resource["schema"]["foreignKeys"] = left
        elif keys:
            del resource["schema"]["foreignKeys"]
    return package


def readme(edition: Edition, release: Released, notices: Sequence[Notice]) -> str:
    """Tell what the package is, and what had to be blanked in it."""
    lines = [
        f"# {TITLE}",
        "",
        f"Release {release.name} ({release.level}) of dataset revision {release.dataset_revision}, made on "
        f"{release.at:%d %B %Y}.",
        "",
        f"Cite it as: {edition.citation}",
        f"The data are licensed {LICENCE_NAME}: {LICENCE_URL}",
        "",
        "## What is new",
        "",
        release.notes,
        "",
        "## What is here",
        "",
        f"`{FOLDER}/` holds each table as CSV, as Parquet with real types, and as NDJSON, one record as the "
        "service gives it on each line. `codebook.md` tells what each variable is and how it is coded. "
        "`datapackage.json` describes the files as a Frictionless Data Package, with the SHA-256 of each, "
        "`croissant.json` as Croissant. `CITATION.cff` and `datacite.json` say how to cite them.",
    ]
    if notices:
        lines += [
            "",
            "## What was blanked",
            "",
            "These records named a private person and were taken out of the files, which were made again:",
            "",
            *(f"- {each.resource} {each.id}: {each.reason}" for each in notices),
        ]
    return "\n".join(lines) + "\n"


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


async def _whole(text: str) -> AsyncIterator[bytes]:
    yield text.encode()
