"""Releases: dataset revisions with a name, frozen for good.

Which files a release is downloaded as is told where they are made, not here.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.enums import ReleaseLevel
from db.models.history import Dataset
from db.models.releases import Release
from db.normalising import table

LATEST = "latest"  # no release is called so: names begin with a year


@dataclass(frozen=True)
class Released:
    """A release: `files` holds name, bytes and sha256 of each file of its download."""

    name: str
    dataset_revision: int
    level: ReleaseLevel
    notes: str
    at: dt.datetime
    files: Sequence[Mapping[str, Any]]
    remade_at: dt.datetime | None


async def read_releases(connection: AsyncConnection) -> list[Released]:
    """Give all releases, the oldest first."""
    rows = await connection.execute(select(table(Release)).order_by(Release.at))
    return [Released(**{**row, "level": ReleaseLevel(row["level"])}) for row in rows.mappings()]


async def freeze(engine: AsyncEngine, name: str, notes: str, level: ReleaseLevel) -> None:
    """Give the newest dataset revision a name for good."""
    newest = select(Dataset.revision).scalar_subquery()
    row = {"name": name, "dataset_revision": newest, "level": level, "notes": notes, "files": []}
    async with engine.begin() as connection:
        await connection.execute(insert(Release).values(**row, at=func.clock_timestamp()))
