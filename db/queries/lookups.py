"""Which ids exist, did or were blanked, and which are spelt most like one that does not."""

from collections.abc import Collection
from difflib import get_close_matches
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from db.enums import Action, Resource
from db.indexing import RECORD_TABLE
from db.models.history import Blanked, Revision
from db.queries.conditions import Snapshot

CANDIDATES = 500
PREFIX = 4


async def unknown_ids(connection: AsyncConnection, resource: Resource, ids: Collection[str]) -> set[str]:
    """Give those of the ids that no record, current or past, has ever had."""
    column = RECORD_TABLE[resource].c.id
    known = await connection.execute(select(column).distinct().where(column.in_(ids)))
    return set(ids).difference(known.scalars())


async def near_ids(connection: AsyncConnection, resource: Resource, wanted: str) -> tuple[str, ...]:
    """Give the ids of current records that begin alike and are spelt most like this one."""
    index = RECORD_TABLE[resource]
    alike = (
        select(index.c.id)
        .where(index.c.to_revision.is_(None), func.starts_with(index.c.id, wanted[:PREFIX]))
        .order_by(index.c.id)
        .limit(CANDIDATES)
    )
    candidates = list((await connection.execute(alike)).scalars())
    return tuple(get_close_matches(wanted, candidates, n=3))


async def last_action(
    connection: AsyncConnection, resource: Resource, record_id: str, snapshot: Snapshot
) -> str | None:
    """Give what was last done to a record up to a state; None if it was never there.

    A redaction is left out: it neither ends a record nor brings it back.
    """
    statement = _last_action(pinned=snapshot.revision is not None)
    values = {"resource": resource, "record_id": record_id, "until": snapshot.revision}
    return (await connection.execute(statement, values)).scalar_one_or_none()


@cache
def _last_action(*, pinned: bool) -> Select[str]:
    """Give the statement of whoever asks for what is not there; to make it takes as long as to run it."""
    of_record = [Revision.resource == bindparam("resource"), Revision.record_id == bindparam("record_id")]
    reached = [Revision.dataset_revision <= bindparam("until")] if pinned else []
    return (
        select(Revision.action)
        .where(*of_record, *reached, Revision.action != Action.REDACTED)
        .order_by(Revision.number.desc())
        .limit(1)
    )


async def last_number(connection: AsyncConnection, resource: Resource, record_id: str) -> int | None:
    """Give how many revisions a record has had, whether it stands or not; None if it was never there."""
    of_record = _reached(resource, record_id, Snapshot())
    return (await connection.execute(select(func.max(Revision.number)).where(of_record))).scalar_one()


async def blanking(
    connection: AsyncConnection, resource: Resource, record_id: str, snapshot: Snapshot
) -> tuple[int, str] | None:
    """Give the number of the revision that a record had in a state, and why it was blanked; None if not."""
    redaction = aliased(Revision)
    place = and_(Blanked.dataset_revision == Revision.dataset_revision, Blanked.position == Revision.position)
    told = and_(
        redaction.dataset_revision == Blanked.by_revision,
        redaction.resource == Revision.resource,
        redaction.record_id == Revision.record_id,
    )
    statement = (
        select(Revision.number, redaction.reason)
        .outerjoin(Blanked, place)
        .outerjoin(redaction, told)
        .where(_reached(resource, record_id, snapshot))
        .order_by(Revision.number.desc())
        .limit(1)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None or row.reason is None else (row.number, row.reason)


def _reached(resource: Resource, record_id: str, snapshot: Snapshot) -> ColumnElement[bool]:
    reached = true() if snapshot.revision is None else Revision.dataset_revision <= snapshot.revision
    return and_(Revision.resource == resource, Revision.record_id == record_id, reached)
