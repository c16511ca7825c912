"""The one door through which records are written: load, and whatever else changes the dataset.

One write is one transaction: lock the dataset row, change the normalised tables, render the records that
changed (and those that show a changed article), append their revisions and index rows, bump the dataset
revision. What a write may hold is checked in `db/checks.py`; what is rendered is `db/rendering.py`'s.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, Table, Update, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.checks import WriteError, WriteItem, check
from db.enums import Action, Resource
from db.history import chain_hash
from db.indexing import RECORD_TABLE, columns_of, part_tables, parts_of
from db.models import exchanges, reference, sources
from db.models.history import Dataset, DatasetRevision, Revision
from db.normalising import OWNED, Row, rows_of, table
from db.records import CitedArticle
from db.rendering import INPUT_OF, RESOURCE_OF, Input, Record, Stamp, citations_of, render
from db.session import driver_connection

BATCH = 1_000  # records rendered and stored at once: bounds memory, not the transaction
ORDER = {resource: place for place, resource in enumerate(INPUT_OF)}
VOCABULARY = frozenset({Resource.ACTOR, Resource.PUBLISHER, Resource.AGREEMENT})
CITING = (
    (Resource.AGREEMENT, exchanges.AgreementCitation.agreement_id, exchanges.AgreementCitation.article_id),
    (Resource.EXCHANGE, exchanges.ExchangeCitation.exchange_id, exchanges.ExchangeCitation.article_id),
    (
        Resource.TOTAL,
        reference.PublishedTotalCitation.total_id,
        reference.PublishedTotalCitation.article_id,
    ),
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Change:
    """One record that a write changed, with its bodies before (null if new) and after."""

    resource: Resource
    id: str
    action: Action
    number: int
    before: str | None
    after: str


@dataclass(frozen=True)
class Outcome:
    """What a write did; `revision` is the dataset revision that it made, or the newest if nothing changed."""

    revision: int
    at: dt.datetime
    changes: tuple[Change, ...]
    unchanged: int


@dataclass
class _Write:
    """A write under way, between the lock and the bump."""

    connection: AsyncConnection
    revision: int
    at: dt.datetime
    reason: str
    key: str | None
    head: bytes
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0


async def write(
    engine: AsyncEngine,
    inputs: Sequence[Input],
    *,
    reason: str,
    key: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Store records, all or none; a record that would not change gets no revision.

    `progress` is called with the number of records done and the number of all. A dry run does all of it,
    the checks at commit included, and then rolls back.

    Raises:
        WriteError: with every offence that was found.
    """
    async with engine.connect() as connection:
        try:
            write_ = await _begin(connection, reason, key)
            await check(connection, inputs)
            await _apply(write_, sorted(inputs, key=lambda item: ORDER[RESOURCE_OF[type(item)]]), progress)
            await _finish(write_)
        except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
            raise WriteError([_refused_by_database(error)]) from error
        if write_.changes and not dry_run:
            await connection.commit()
        else:
            await connection.rollback()
    made = write_.revision if write_.changes else write_.revision - 1
    return Outcome(made, write_.at, tuple(write_.changes), write_.unchanged)


async def stored_ids(engine: AsyncEngine) -> Mapping[Resource, frozenset[str]]:
    """Give the ids of all current records."""
    found = {}
    async with engine.connect() as connection:
        for resource, index in RECORD_TABLE.items():
            rows = await connection.execute(select(index.c.id).where(index.c.to_revision.is_(None)))
            found[resource] = frozenset(rows.scalars())
    return found


async def _begin(connection: AsyncConnection, reason: str, key: str | None) -> _Write:
    dataset = (
        await connection.execute(select(Dataset.revision, Dataset.head, Dataset.updated_at).with_for_update())
    ).one()
    # Asked after the lock is held, and never earlier than the last write even if the clock stepped back.
    now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    at = max(now, dataset.updated_at + dt.timedelta(microseconds=1))
    return _Write(connection, dataset.revision + 1, at, reason, key, dataset.head)


async def _apply(write_: _Write, inputs: Sequence[Input], progress: Progress | None) -> None:
    done = 0
    touched: set[str] = set()
    for resource, group in groupby(inputs, key=lambda item: RESOURCE_OF[type(item)]):
        for batch in _batches(group):
            changed = await _store(write_, resource, batch)
            if resource is Resource.ARTICLE:
                touched.update(change.id for change in changed if change.before is not None)
            done += len(batch)
            if progress is not None:
                progress(done, len(inputs))
    await _store_citing(write_, touched)


async def _store_citing(write_: _Write, articles: set[str]) -> None:
    """Render again whatever shows one of these articles; what this write has stored is up to date."""
    for resource, owner, article in CITING:
        statement = select(owner).distinct().where(article.in_(sorted(articles))).order_by(owner)
        ids = (await write_.connection.execute(statement)).scalars() if articles else ()
        done = {change.id for change in write_.changes if change.resource is resource}
        for batch in _batches(id_ for id_ in ids if id_ not in done):
            current = await _current(write_.connection, resource, batch)
            await _store(write_, resource, [stored_input(resource, body) for _, body in current.values()])


def stored_input(resource: Resource, body: str) -> Input:
    """Give what the curator wrote out of a record's body."""
    model = INPUT_OF[resource]
    own = {name: value for name, value in json.loads(body).items() if name in model.model_fields}
    return model.model_validate_json(json.dumps(own))


async def _store(write_: _Write, resource: Resource, batch: Sequence[Input]) -> list[Change]:
    """Store a batch of records of one resource and give what changed."""
    current = await _current(write_.connection, resource, [item.id for item in batch])
    articles = await _cited_articles(write_.connection, batch)
    changes: list[Change] = []
    changed: list[tuple[Input, Record]] = []
    for item in batch:
        number, before = current.get(item.id, (0, None))
        record = _rendered(item, articles, number, before, write_.at)
        if record is None:
            write_.unchanged += 1
            continue
        after = record.model_dump_json()
        action = _action(item, before, after)
        changes.append(Change(resource, item.id, action, record.revision, before, after))
        changed.append((item, record))
    if changed:
        await _store_rows(write_, resource, [item for item, _ in changed], current)
        await _append_revisions(write_, changes)
        await _store_index(write_, resource, [record for _, record in changed], current)
        write_.changes += changes
    return changes


def _rendered(
    item: Input, articles: Mapping[str, CitedArticle], number: int, before: str | None, at: dt.datetime
) -> Record | None:
    """Render a record as it will stand, or give None if it stands so already."""
    if before is None:
        return render(item, articles, Stamp(1, at, at))
    old = json.loads(before)
    created = dt.datetime.fromisoformat(old["created_at"])
    same = render(item, articles, Stamp(number, created, dt.datetime.fromisoformat(old["updated_at"])))
    if same.model_dump_json() == before:
        return None
    return same.model_copy(update={"revision": number + 1, "updated_at": at})


def _action(item: Input, before: str | None, after: str) -> Action:
    if before is None:
        return Action.CREATED
    old, new = json.loads(before), json.loads(after)
    own = type(item).model_fields
    return Action.UPDATED if any(old.get(name) != new[name] for name in own) else Action.RERENDERED


async def _current(
    connection: AsyncConnection, resource: Resource, ids: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """Give revision number and body of the current records among these ids."""
    index, revision = RECORD_TABLE[resource], table(Revision)
    statement = (
        select(index.c.id, index.c.number, revision.c.body)
        .join(
            revision,
            (revision.c.dataset_revision == index.c.from_revision)
            & (revision.c.position == index.c.position),
        )
        .where(index.c.id.in_(ids), index.c.to_revision.is_(None))
    )
    return {id_: (number, body) for id_, number, body in (await connection.execute(statement))}


async def _cited_articles(connection: AsyncConnection, batch: Sequence[Input]) -> dict[str, CitedArticle]:
    ids = sorted({article for item in batch for article in citations_of(item)})
    if not ids:
        return {}
    article = table(sources.Article)
    statement = select(
        article.c.id,
        article.c.url,
        article.c.title,
        article.c.publisher_id.label("publisher"),
        article.c.agency_id.label("agency"),
        article.c.published_on,
        article.c.language,
    ).where(article.c.id.in_(ids))
    return {row["id"]: CitedArticle(**row) for row in (await connection.execute(statement)).mappings()}


async def _store_rows(
    write_: _Write, resource: Resource, items: Sequence[Input], current: Mapping[str, object]
) -> None:
    known = [item.id for item in items if item.id in current]
    if known:
        for owned, of in OWNED[resource]:
            await write_.connection.execute(delete(owned).where(of(known)))
    await _copy(write_.connection, (row for item in items for row in rows_of(item)))


async def _append_revisions(write_: _Write, changes: Sequence[Change]) -> None:
    rows: list[tuple[Table, Row]] = []
    for position, change in enumerate(changes, start=len(write_.changes)):
        row: Row = {
            "dataset_revision": write_.revision,
            "position": position,
            "resource": change.resource,
            "record_id": change.id,
            "number": change.number,
            "action": change.action,
            "body_sha256": sha256(change.after.encode()).digest(),
            "reason": write_.reason,
            "key": write_.key,
            "at": write_.at,
        }
        row["previous_hash"] = write_.head
        row["hash"] = write_.head = chain_hash(row)
        rows.append((table(Revision), row | {"body": change.after}))
    await _copy(write_.connection, rows)


async def _store_index(
    write_: _Write, resource: Resource, batch: Sequence[Record], current: Mapping[str, object]
) -> None:
    index = RECORD_TABLE[resource]
    first = len(write_.changes)
    new: list[tuple[Table, Row]] = [
        (index, {**columns_of(record), "position": first + n}) for n, record in enumerate(batch)
    ]
    known = [record.id for record in batch if record.id in current]
    parts: Iterable[tuple[Table, Row]] = (row for record in batch for row in parts_of(record))
    if known:
        await write_.connection.execute(
            update(index)
            .where(index.c.id.in_(known), index.c.to_revision.is_(None))
            .values(to_revision=write_.revision)
        )
        parts = await _without_standing(write_, resource, known, parts)
    new.extend(parts)
    span: Row = {"from_revision": write_.revision, "to_revision": None}
    await _copy(write_.connection, ((into, row | span) for into, row in new))


async def _without_standing(
    write_: _Write, resource: Resource, owners: list[str], parts: Iterable[tuple[Table, Row]]
) -> list[tuple[Table, Row]]:
    """Close the spans of parts that are gone or changed; give the rows that do not stand already."""
    wanted = {(into, _identity(into, row)): (into, row) for into, row in parts}
    for into, of_owners in part_tables(resource, owners):
        standing = await write_.connection.execute(
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
            await write_.connection.execute(_close(into, write_.revision), gone)
    return list(wanted.values())


def _close(into: Table, revision: int) -> Update:
    same = [into.c[name] == bindparam("b_" + name) for name in _keys(into)]
    return update(into).where(*same).values(to_revision=revision)


def _keys(into: Table) -> list[str]:
    return [column.name for column in into.primary_key.columns]


def _identity(into: Table, row: Mapping[str, Any] | RowMapping) -> tuple[object, ...]:
    return tuple(row[name] for name in _keys(into) if name != "from_revision")


async def _finish(write_: _Write) -> None:
    if not write_.changes:
        return
    entries = len(write_.changes)
    await write_.connection.execute(
        insert(DatasetRevision).values(
            revision=write_.revision, at=write_.at, reason=write_.reason, entries=entries
        )
    )
    values: Row = {"revision": write_.revision, "updated_at": write_.at, "head": write_.head}
    if any(change.resource in VOCABULARY for change in write_.changes):
        values["vocabulary_revision"] = write_.revision
    await write_.connection.execute(update(Dataset).values(values))
    await write_.connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


async def _copy(connection: AsyncConnection, rows: Iterable[tuple[Table, Row]]) -> None:
    by_table: dict[Table, list[Row]] = {}
    for into, row in rows:
        by_table.setdefault(into, []).append(row)
    driver = await driver_connection(connection)
    for into, grouped in by_table.items():
        columns = list(grouped[0])
        records = [tuple(row[name] for name in columns) for row in grouped]
        await driver.copy_records_to_table(into.name, columns=columns, records=records)


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _refused_by_database(error: Exception) -> WriteItem:
    """Name the constraint that refused; the driver's own text stays in the log."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, asyncpg.PostgresError):
        cause = cause.__cause__
    constraint = getattr(cause, "constraint_name", None) or "constraint"
    where = getattr(cause, "table_name", None) or "the database"
    return WriteItem(
        resource=next((resource for resource in Resource if resource == where), Resource.EXCHANGE),
        id="",
        field="",
        code=constraint,
        message=f"the database refuses it: {constraint} on {where}",
    )
