"""The data as a peer without Postgres has them: the normalised tables in a SQLite file, with indexes."""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from tests.bench.places import Database

TABLES = {
    "article": ("id", "url", "title", "publisher_id", "agency_id", "published_on", "language"),
    "exchange": (
        *("id", "kind", "date", "date_end", "date_precision", "status", "summary"),
        *("location_name", "agreement_id"),
    ),
    "exchange_party": ("exchange_id", "actor_id"),
    "exchange_citation": ("exchange_id", "article_id"),
    "claim": (
        *("id", "exchange_id", "released_by", "received_by", "category", "count", "qualifier", "claimant"),
        *("covers", "rank", "note"),
    ),
    "claim_citation": ("claim_id", "article_id"),
    "mediation": ("id", "exchange_id", "actor_id", "role", "stance", "claimant"),
    "mediation_citation": ("mediation_id", "article_id"),
}
INDEXES = (
    "exchange (date DESC, id DESC)",
    "claim (exchange_id)",
    "mediation (exchange_id, actor_id, stance, role)",
)
BATCH = 10_000


def copy_to_sqlite(database: Database, file: Path) -> None:
    """Copy the tables into a new file; an unfinished one has another name."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as copy:
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        for name, columns in TABLES.items():
            first = columns[: 1 if columns[0] == "id" else 2]
            listed = ", ".join(columns)
            copy.execute(f"CREATE TABLE {name} ({listed}, PRIMARY KEY ({', '.join(first)})) WITHOUT ROWID")
        asyncio.run(_copy(database.url, copy))
        for place, index in enumerate(INDEXES):
            copy.execute(f"CREATE INDEX index_{place} ON {index}")
        copy.execute("ANALYZE")
        copy.commit()
    unfinished.rename(file)


async def _copy(url: str, copy: sqlite3.Connection) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(readonly=True):
            for name, columns in TABLES.items():
                listed, places = ", ".join(columns), ", ".join("?" * len(columns))
                keys = columns[: 1 if columns[0] == "id" else 2]
                cursor = await connection.cursor(
                    f"SELECT {listed} FROM {name} ORDER BY {', '.join(keys)}", timeout=600
                )
                while rows := await cursor.fetch(BATCH):
                    copy.executemany(f"INSERT INTO {name} VALUES ({places})", map(_plain, rows))
                copy.commit()
    finally:
        await connection.close()


def _plain(row: Iterable[Any]) -> list[Any]:
    """Give the values as SQLite keeps them: days as texts."""
    return [value.isoformat() if hasattr(value, "isoformat") else value for value in row]
