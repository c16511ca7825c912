"""How a write reaches the tables: normalised rows, revisions with their hash chain, index rows and spans.

Which records change, and why, is decided in `db/writes.py`; what their rows are, in `db/normalising.py` and
`db/indexing.py`; which of them are written, in `db/rows.py`.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, any_, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.batches import MANY, worked_out
from db.enums import Action, Resource
from db.history import chain_hash
from db.indexing import RECORD_TABLE, columns_of, parts_of
from db.models import sources
from db.models.access import Merged
from db.models.history import Dataset, DatasetRevision, Revision
from db.normalising import Row, Rows, rows_of, table
from db.queries.shapes import fetch_among
from db.records import CitedArticle
from db.rendering import Input, Record
from db.rows import Alteration, alter, alteration, read_standing
from db.session import driver_of

VOCABULARY = frozenset({Resource.ACTOR, Resource.PUBLISHER, Resource.AGREEMENT})


@dataclass(frozen=True)
class Change:
    """One record that a write changed, with its bodies before (null if new) and after.

    `after` is empty where the change is only told of. `reason`: its own, if not that of the whole write.
    """

    resource: Resource
    id: str
    action: Action
    number: int
    before: str | None
    after: str
    reason: str | None = None


@dataclass(frozen=True)
class Current:
    """A record as it stands: how many times it was written, and its body."""

    number: int
    body: str


@dataclass
class Ledger:
    """The place of a write in the history: its dataset revision, time, reason, author, the hash so far."""

    connection: AsyncConnection
    revision: int
    at: dt.datetime
    reason: str
    key: str | None
    head: bytes
    dry: bool = False
    entries: int = 0
    vocabulary_touched: bool = False


async def open_ledger(
    connection: AsyncConnection, reason: str, key: str | None, *, dry: bool = False
) -> Ledger:
    """Take the next dataset revision; nobody else writes until the transaction ends.

    A dry ledger takes no lock, and nothing is stored in it.
    """
    dataset = (await connection.execute(_dataset(dry))).one()
    # And it is never earlier than the last write, even if the clock stepped back.
    at = max(dataset.now, dataset.updated_at + dt.timedelta(microseconds=1))
    return Ledger(connection, dataset.revision + 1, at, reason, key, dataset.head, dry)


@cache
def _dataset(dry: bool) -> Select[Any]:
    statement = select(Dataset.revision, Dataset.head, Dataset.updated_at)
    locked = (statement if dry else statement.with_for_update()).subquery()
    # The time is asked outside of what locks: after the lock is held.
    return select(locked, func.clock_timestamp().label("now"))


async def close_ledger(ledger: Ledger) -> None:
    """Bump the dataset revision, if anything was entered, and have every constraint checked."""
    if ledger.dry or not ledger.entries:
        return
    told: Row = {
        "revision": ledger.revision,
        "at": ledger.at,
        "reason": ledger.reason,
        "entries": ledger.entries,
    }
    bump: Row = {"id": 1, "revision": ledger.revision, "updated_at": ledger.at, "head": ledger.head}
    if ledger.vocabulary_touched:
        bump["vocabulary_revision"] = ledger.revision
    rows = Alteration(changed=[(table(Dataset), bump)], new=[(table(DatasetRevision), told)])
    await alter(ledger.connection, rows)
    async with driver_of(ledger.connection) as driver:
        await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")


async def read_current(
    connection: AsyncConnection, resource: Resource, ids: Sequence[str]
) -> dict[str, Current]:
    """Give the current records among these ids; the transaction must have begun."""
    async with driver_of(connection) as driver:
        found = await fetch_among(driver, ("current", resource), partial(_current, resource), ids)
    return {id_: Current(number, body) for id_, number, body in found}


def _current(resource: Resource, ids: ColumnElement[Sequence[str]]) -> Select[Any]:
    index, revision = RECORD_TABLE[resource], table(Revision)
    return (
        select(index.c.id, index.c.number, revision.c.body)
        .join(
            revision,
            (revision.c.dataset_revision == index.c.from_revision)
            & (revision.c.position == index.c.position),
        )
        .where(index.c.id == any_(ids), index.c.to_revision.is_(None))
    )


async def read_cited_articles(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, CitedArticle]:
    """Give the current articles among these ids as the records that cite them show them.

    The transaction must have begun.
    """
    async with driver_of(connection) as driver:
        found = await fetch_among(driver, "cited articles", _cited_articles, ids)
    return {row["id"]: CitedArticle(**row) for row in found}


def _cited_articles(ids: ColumnElement[Sequence[str]]) -> Select[Any]:
    article = table(sources.Article)
    return select(
        article.c.id,
        article.c.url,
        article.c.title,
        article.c.publisher_id.label("publisher"),
        article.c.agency_id.label("agency"),
        article.c.published_on,
        article.c.language,
    ).where(article.c.id == any_(ids))


async def store(
    ledger: Ledger,
    resource: Resource,
    changes: Sequence[Change],
    stored: Sequence[tuple[Input, Record]] = (),
) -> None:
    """Enter changes of records of one resource into the history, and store those that stand then.

    `stored`: the records of the changes, in their order; without them the records are taken out.
    """
    if ledger.dry:
        return
    known = [change.id for change in changes if change.before is not None]
    standing = await read_standing(ledger.connection, resource, known) if known else []
    long = len(changes) > MANY
    rows = await worked_out(_rows, ledger, resource, changes, stored, standing, long=long)
    await alter(ledger.connection, rows)


def _rows(
    ledger: Ledger,
    resource: Resource,
    changes: Sequence[Change],
    stored: Sequence[tuple[Input, Record]],
    standing: Rows,
) -> Alteration:
    """Make the rows of changes, and tell how they differ from those that stand."""
    wanted = [row for item, _ in stored for row in rows_of(item)]
    for position, (_, record) in enumerate(stored, start=ledger.entries):
        wanted.append((RECORD_TABLE[resource], columns_of(record) | {"position": position}))
        wanted.extend(parts_of(record))
    rows = alteration(standing, wanted, ledger.revision)
    rows.new.extend(_revisions(ledger, resource, changes))
    return rows


async def note_merged(ledger: Ledger, resource: Resource, record_id: str, into: str) -> None:
    """Keep which record another one has become part of: names of the old one are then the new one's."""
    if ledger.dry:
        return
    row = {"resource": resource, "id": record_id, "into_id": into, "dataset_revision": ledger.revision}
    await ledger.connection.execute(insert(Merged).values(row))
    ledger.vocabulary_touched = True


def _revisions(ledger: Ledger, resource: Resource, changes: Sequence[Change]) -> Iterator[tuple[Table, Row]]:
    """Make the entries of changes, each chained to the one before it."""
    for position, change in enumerate(changes, start=ledger.entries):
        row: Row = {
            "dataset_revision": ledger.revision,
            "position": position,
            "resource": resource,
            "record_id": change.id,
            "number": change.number,
            "action": change.action,
            "body_sha256": sha256(change.after.encode()).digest(),
            "reason": change.reason or ledger.reason,
            "key": ledger.key,
            "at": ledger.at,
        }
        row["previous_hash"] = ledger.head
        row["hash"] = ledger.head = chain_hash(row)
        row["body"] = change.after or None
        yield table(Revision), row
    ledger.entries += len(changes)
    ledger.vocabulary_touched |= resource in VOCABULARY
