"""How a write reaches the tables: normalised rows, revisions with their hash chain, index rows and spans.

Which records change, and why, is decided in `db/writes.py`; what their rows are, in `db/normalising.py` and
`db/indexing.py`.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    RowMapping,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db.base import among
from db.enums import Action, Resource
from db.history import chain_hash
from db.indexing import RECORD_TABLE, columns_of, part_tables, parts_of
from db.models import sources
from db.models.access import Merged
from db.models.history import Dataset, DatasetRevision, Revision
from db.normalising import OWNED, Row, rows_of, table
from db.records import CitedArticle
from db.rendering import Input, Record
from db.session import driver_connection

NOTHING: Mapping[str, object] = MappingProxyType({})
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
    statement = select(Dataset.revision, Dataset.head, Dataset.updated_at)
    statement = statement if dry else statement.with_for_update()
    dataset = (await connection.execute(statement)).one()
    # Asked after the lock is held, and never earlier than the last write even if the clock stepped back.
    now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    at = max(now, dataset.updated_at + dt.timedelta(microseconds=1))
    return Ledger(connection, dataset.revision + 1, at, reason, key, dataset.head, dry)


async def close_ledger(ledger: Ledger) -> None:
    """Bump the dataset revision, if anything was entered, and have every constraint checked."""
    if ledger.dry or not ledger.entries:
        return
    await ledger.connection.execute(
        insert(DatasetRevision).values(
            revision=ledger.revision, at=ledger.at, reason=ledger.reason, entries=ledger.entries
        )
    )
    values: Row = {"revision": ledger.revision, "updated_at": ledger.at, "head": ledger.head}
    if ledger.vocabulary_touched:
        values["vocabulary_revision"] = ledger.revision
    await ledger.connection.execute(update(Dataset).values(values))
    await ledger.connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


async def read_current(
    connection: AsyncConnection, resource: Resource, ids: Sequence[str]
) -> dict[str, Current]:
    """Give the current records among these ids."""
    index, revision = RECORD_TABLE[resource], table(Revision)
    statement = (
        select(index.c.id, index.c.number, revision.c.body)
        .join(
            revision,
            (revision.c.dataset_revision == index.c.from_revision)
            & (revision.c.position == index.c.position),
        )
        .where(among(index.c.id, ids), index.c.to_revision.is_(None))
    )
    return {id_: Current(number, body) for id_, number, body in await connection.execute(statement)}


async def read_cited_articles(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, CitedArticle]:
    """Give the current articles among these ids as the records that cite them show them."""
    article = table(sources.Article)
    statement = select(
        article.c.id,
        article.c.url,
        article.c.title,
        article.c.publisher_id.label("publisher"),
        article.c.agency_id.label("agency"),
        article.c.published_on,
        article.c.language,
    ).where(among(article.c.id, ids))
    return {row["id"]: CitedArticle(**row) for row in (await connection.execute(statement)).mappings()}


async def store(
    ledger: Ledger,
    resource: Resource,
    changes: Sequence[Change],
    stored: Sequence[tuple[Input, Record]],
) -> None:
    """Store records of one resource that changed, each with its rows, its revision and its index rows."""
    if ledger.dry:
        return
    known = [change.id for change in changes if change.before is not None]
    if known:
        await _clear_rows(ledger.connection, resource, known)
    await copy(ledger.connection, (row for item, _ in stored for row in rows_of(item)))
    first = await _append_revisions(ledger, resource, changes)
    await _store_index(ledger, resource, [record for _, record in stored], known, first)


async def remove(ledger: Ledger, change: Change) -> None:
    """Take a record out of the current state: its rows go, its spans end, its last revision says so."""
    if ledger.dry:
        return
    await _clear_rows(ledger.connection, change.resource, [change.id])
    await _append_revisions(ledger, change.resource, [change])
    await _close_records(ledger, change.resource, [change.id])
    await _without_standing(ledger, change.resource, [change.id], ())


async def tell(ledger: Ledger, change: Change) -> None:
    """Enter a change of a record that does not stand into the history, and nowhere else: it has no body."""
    if ledger.dry:
        return
    await _append_revisions(ledger, change.resource, [change])


async def note_merged(ledger: Ledger, resource: Resource, record_id: str, into: str) -> None:
    """Keep which record another one has become part of: names of the old one are then the new one's."""
    if ledger.dry:
        return
    row = {"resource": resource, "id": record_id, "into_id": into, "dataset_revision": ledger.revision}
    await ledger.connection.execute(insert(Merged).values(row))
    ledger.vocabulary_touched = True


async def copy(
    connection: AsyncConnection, rows: Iterable[tuple[Table, Row]], everywhere: Mapping[str, object] = NOTHING
) -> None:
    """Store rows with COPY, table by table; `everywhere`: columns that hold the same in all of them."""
    by_table: dict[Table, list[Row]] = {}
    for into, row in rows:
        by_table.setdefault(into, []).append(row)
    driver = await driver_connection(connection)
    same = tuple(everywhere.values())
    for into, grouped in by_table.items():
        columns = list(grouped[0])
        values = itemgetter(*columns)
        await driver.copy_records_to_table(
            into.name, columns=[*columns, *everywhere], records=[values(row) + same for row in grouped]
        )


async def _clear_rows(connection: AsyncConnection, resource: Resource, ids: list[str]) -> None:
    for owned in OWNED[resource]:
        await connection.execute(delete(owned.table).where(owned.of(ids)))


async def _append_revisions(ledger: Ledger, resource: Resource, changes: Sequence[Change]) -> int:
    """Enter changes into the history and give the position of the first."""
    first = ledger.entries
    rows: list[tuple[Table, Row]] = []
    for position, change in enumerate(changes, start=first):
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
        rows.append((table(Revision), row))
    await copy(ledger.connection, rows)
    ledger.entries += len(changes)
    ledger.vocabulary_touched |= resource in VOCABULARY
    return first


async def _store_index(
    ledger: Ledger, resource: Resource, records: Sequence[Record], known: list[str], first: int
) -> None:
    index = RECORD_TABLE[resource]
    new: list[tuple[Table, Row]] = [
        (index, {**columns_of(record), "position": first + n}) for n, record in enumerate(records)
    ]
    parts: Iterable[tuple[Table, Row]] = (row for record in records for row in parts_of(record))
    if known:
        await _close_records(ledger, resource, known)
        parts = await _without_standing(ledger, resource, known, parts)
    new.extend(parts)
    span: Row = {"from_revision": ledger.revision, "to_revision": None}
    await copy(ledger.connection, new, span)


async def _close_records(ledger: Ledger, resource: Resource, ids: list[str]) -> None:
    index = RECORD_TABLE[resource]
    current = (index.c.id.in_(ids), index.c.to_revision.is_(None))
    await ledger.connection.execute(update(index).where(*current).values(to_revision=ledger.revision))


async def _without_standing(
    ledger: Ledger, resource: Resource, owners: list[str], parts: Iterable[tuple[Table, Row]]
) -> list[tuple[Table, Row]]:
    """Close the spans of parts that are gone or changed; give the rows that do not stand already."""
    wanted = {(into, _identity(into, row)): (into, row) for into, row in parts}
    for into, of_owners in part_tables(resource, owners):
        standing = await ledger.connection.execute(
            select(into).where(of_owners, into.c.to_revision.is_(None))
        )
        gone: list[Row] = []
        for row in standing.mappings():
            identity = (into, _identity(into, row))
            if identity in wanted and all(row[name] == value for name, value in wanted[identity][1].items()):
                del wanted[identity]
            else:
                gone.append({"b_" + name: row[name] for name in _keys(into)})
        if gone:
            await ledger.connection.execute(_close(into, ledger.revision), gone)
    return list(wanted.values())


def _close(into: Table, revision: int) -> Update:
    same = [into.c[name] == bindparam("b_" + name) for name in _keys(into)]
    return update(into).where(*same).values(to_revision=revision)


def _keys(into: Table) -> list[str]:
    return [column.name for column in into.primary_key.columns]


def _identity(into: Table, row: Mapping[str, Any] | RowMapping) -> tuple[object, ...]:
    return tuple(row[name] for name in _keys(into) if name != "from_revision")
