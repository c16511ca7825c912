"""Checking a dataset against itself: the hash chain of its history, and its records against their rows."""

import datetime as dt
import json
from collections.abc import AsyncIterator
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.checks import ID_TABLES
from db.enums import Action, Resource
from db.history import chain_hash
from db.indexing import RECORD_TABLE
from db.models.history import Blanked, Dataset, DatasetRevision, Revision
from db.normalising import table
from db.rendering import Stamp, citations_of, render
from db.stored import read_stored
from db.storing import read_cited_articles, read_current

BATCH = 1_000
GENESIS = bytes(32)


async def verify(engine: AsyncEngine) -> AsyncIterator[str]:
    """Give everything that is wrong with the dataset, a line each; nothing if it is sound."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        async for fault in _chain(connection):
            yield fault
        for resource in RECORD_TABLE:
            async for fault in _records(connection, resource):
                yield fault


async def _chain(connection: AsyncConnection) -> AsyncIterator[str]:
    """Walk the chain from the first revision to the head."""
    revision = table(Revision)
    entries = {row.revision: row.entries for row in await connection.execute(select(DatasetRevision))}
    blanked = {(row.dataset_revision, row.position) for row in await connection.execute(select(Blanked))}
    previous, seen = GENESIS, dict.fromkeys(entries, 0)
    statement = select(revision).order_by(revision.c.dataset_revision, revision.c.position)
    async for row in await connection.stream(statement):
        name = f"{row.resource} {row.record_id} revision {row.number}"
        place = f"dataset revision {row.dataset_revision}, position {row.position}"
        if row.previous_hash != previous or row.hash != chain_hash(row._asdict()):
            yield f"{name}: the hash chain is broken at {place}"
        if row.body is not None and sha256(row.body.encode()).digest() != row.body_sha256:
            yield f"{name}: the body is not the one that was written"
        told = row.action == Action.REDACTED or (row.dataset_revision, row.position) in blanked
        if row.body is None and not told:
            yield f"{name}: the body is missing, and no redaction tells of it"
        if row.dataset_revision not in seen or row.position != seen[row.dataset_revision]:
            yield f"{name}: something is missing before {place}"
        seen[row.dataset_revision] = row.position + 1
        previous = row.hash
    head = (await connection.execute(select(Dataset.head, Dataset.revision))).one()
    if head.head != previous:
        yield "the head of the hash chain is not the hash of the last revision"
    if sorted(entries) != list(range(1, head.revision + 1)):
        yield f"dataset revisions are not numbered from 1 to {head.revision} without a gap"
    for number, count in entries.items():
        if seen.get(number) != count:
            yield f"dataset revision {number} has {seen.get(number)} changes where {count} were written"


async def _records(connection: AsyncConnection, resource: Resource) -> AsyncIterator[str]:
    """Render every current record from its rows, and compare it with what is served."""
    index = RECORD_TABLE[resource]
    current = select(index.c.id).where(index.c.to_revision.is_(None)).order_by(index.c.id)
    ids = list((await connection.execute(current)).scalars())
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        served = await read_current(connection, resource, batch)
        stored = {item.id: item for item in await read_stored(connection, resource, batch)}
        cited = sorted({article for item in stored.values() for article in citations_of(item)})
        articles = await read_cited_articles(connection, cited)
        for id_ in batch:
            if id_ not in stored:
                yield f"{resource} {id_}: is served, but has no rows"
                continue
            if id_ not in served:
                yield f"{resource} {id_}: its last revision is missing"
                continue
            told = json.loads(served[id_].body)
            created, updated = (
                dt.datetime.fromisoformat(told[name]) for name in ("created_at", "updated_at")
            )
            stamp = Stamp(served[id_].number, created, updated)
            if json.loads(render(stored[id_], articles, stamp).model_dump_json()) != told:
                yield f"{resource} {id_}: what is served differs from its rows"
    rows = set((await connection.execute(select(ID_TABLES[resource].c.id))).scalars())
    for id_ in sorted(rows.difference(ids)):
        yield f"{resource} {id_}: has rows, but is not served"
