"""How tests make releases of what an engine's database holds. No test lives here."""

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncEngine

from api.releasing import make_files
from db.enums import Resource
from db.releases import Released, freeze, lock_releases, planned, read_releases
from tests.writing import changed, put

TODAY = dt.date(2026, 11, 25)
BASE_URL = "https://data.example.org"


def told_to_nobody(_: str) -> None:
    """Where a test does not look at the progress."""


async def release(
    engine: AsyncEngine,
    name: str,
    notes: str = "What is new.",
    *,
    today: dt.date = TODAY,
    files: bool = False,
) -> Released:
    """Make a release as the command does; files only where they are looked at, as they take a while."""
    async with engine.begin() as connection:
        await lock_releases(connection)
        made = await planned(connection, name, notes, today, BASE_URL)
        if files:
            made = await make_files(connection, made, told_to_nobody)
        await freeze(connection, made)
    return made


async def touch(engine: AsyncEngine, value: int) -> None:
    """Write something: a total of the small dataset gets another value."""
    await put(engine, await changed(engine, Resource.TOTAL, "total-1", value=value))


async def released(engine: AsyncEngine, name: str) -> Released:
    """Give a release as it is stored."""
    async with engine.connect() as connection:
        return next(each for each in await read_releases(connection) if each.name == name)
