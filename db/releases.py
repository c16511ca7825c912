"""Releases: dataset revisions with a name, frozen for good.

Which files a release is downloaded as is told where they are made, not here; what had to be blanked in it
since, by `db/queries/releases.py`.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.comparing import compare
from db.enums import ReleaseLevel
from db.models.history import Dataset
from db.models.releases import Release
from db.normalising import table

LATEST = "latest"  # no release is called so: names begin with a year
FORM = "a release is called year.month, such as 2026.11, or year.month.n for one more in that month"
_NAME = re.compile(r"([0-9]{4})\.(0[1-9]|1[0-2])(?:\.([1-9][0-9]{0,8}))?")

File = Mapping[str, Any]  # name, bytes and sha256


class ReleaseError(Exception):
    """A release cannot be made so; the message is one line."""


@dataclass(frozen=True)
class Released:
    """A release: `files` holds name, bytes and sha256 of each file of its download.

    `base_url` is where these files say that the service is found, without a slash at its end.
    """

    name: str
    dataset_revision: int
    level: ReleaseLevel
    notes: str
    at: dt.datetime
    files: Sequence[File]
    remade_at: dt.datetime | None
    base_url: str


async def read_releases(connection: AsyncConnection) -> list[Released]:
    """Give all releases, the oldest first."""
    rows = await connection.execute(select(table(Release)).order_by(Release.at))
    return [
        Released(**{**row, "level": ReleaseLevel(row["level"]), "files": tuple(row["files"])})
        for row in rows.mappings()
    ]


async def lock_releases(connection: AsyncConnection) -> None:
    """Keep all others from making and remaking releases until the transaction ends.

    Who blanks something takes it before anything else, so that no release is made of what is being blanked.
    """
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("release"))))


async def planned(
    connection: AsyncConnection, name: str, notes: str, today: dt.date, base_url: str
) -> Released:
    """Give the release that can be made of the newest dataset revision, without files.

    Nobody else may be making one meanwhile: `lock_releases`.

    Raises:
        ReleaseError: the name does not fit or is taken, the notes are blank, or nothing is new.
    """
    releases = await read_releases(connection)
    _check_name(name, releases, today)
    if not notes.strip() or "\x00" in notes:
        raise ReleaseError("the notes hold no text: they tell readers what is new in the release")
    dataset = (await connection.execute(select(Dataset.revision))).scalar_one()
    if dataset == 0:
        raise ReleaseError("there is nothing to release: nothing was ever written")
    level = ReleaseLevel.MAJOR
    at: dt.datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    if releases:
        last = releases[-1]
        found = (await compare(connection, last.dataset_revision, dataset)).level
        if found is None:
            raise ReleaseError(f"nothing is new since the last release, {last.name}")
        level = found
        at = max(at, last.at + dt.timedelta(microseconds=1))
    return Released(name, dataset, level, notes.strip(), at, (), None, base_url)


def _check_name(name: str, releases: Sequence[Released], today: dt.date) -> None:
    """Refuse a name that is misspelt, taken, of a month to come, or would come before the last release's.

    So names tell in which order releases were made. An earlier month than today's is allowed, since what was
    gathered in a month is often released in the next.
    """
    if not _NAME.fullmatch(name):
        raise ReleaseError(f"{FORM}, not {name!r}")
    same = next((each for each in releases if each.name == name), None)
    if same is not None:
        raise ReleaseError(
            f"there is a release {name} already, made on {same.at:%d %B %Y}; it stays as it is"
        )
    if _order(name)[:2] > (today.year, today.month):
        raise ReleaseError(f"{name} names a month to come; today is {today:%d %B %Y}")
    if releases and _order(name) < _order(releases[-1].name):
        raise ReleaseError(f"{name} would come before the last release, {releases[-1].name}")


def _order(name: str) -> tuple[int, int, int]:
    year, month, number = [*name.split("."), "0"][:3]
    return int(year), int(month), int(number)


async def freeze(connection: AsyncConnection, release: Released) -> None:
    """Store a release that was planned, with the files that it is downloaded as."""
    row = {
        "name": release.name,
        "dataset_revision": release.dataset_revision,
        "level": release.level,
        "notes": release.notes,
        "at": release.at,
        "files": list(release.files),
        "base_url": release.base_url,
    }
    await connection.execute(insert(Release).values(row))


async def refreeze(connection: AsyncConnection, release: Released) -> None:
    """Store the files that were made again of a release, because something in it was blanked."""
    values = {"files": list(release.files), "remade_at": func.clock_timestamp()}
    await connection.execute(update(Release).where(Release.name == release.name).values(values))
