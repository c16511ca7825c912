"""Reading the history itself: the revisions of one record, and the changes of the whole dataset in order."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from db.enums import Resource
from db.models.history import Blanked, DatasetRevision, Revision

# Fields that every write of a record changes, whatever else it does.
STAMPED = frozenset({"revision", "updated_at"})


@dataclass(frozen=True)
class Entry:
    """One write of one record; bodies are null where they were blanked, `before` where there was none.

    `blanked_by` is the dataset revision of the redaction that blanked the body. That of a record which no
    longer stands has no body itself.
    """

    dataset_revision: int
    position: int
    entries: int
    resource: Resource
    id: str
    number: int
    action: str
    reason: str
    by: str | None
    at: dt.datetime
    body: str | None
    before: str | None
    blanked_by: int | None

    def changed(self) -> list[str]:
        """Give the fields that the write changed, in order; none where it cannot be told."""
        if self.body is None or self.before is None:
            return []
        new, old = _fields(self.body), _fields(self.before)
        return sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))


async def read_revisions(connection: AsyncConnection, resource: Resource, record_id: str) -> Sequence[Entry]:
    """Give all revisions of a record, the first one first."""
    of_record = and_(Revision.resource == resource, Revision.record_id == record_id)
    rows = await connection.execute(_entries(of_record).order_by(Revision.number))
    return [_entry(row) for row in rows]


async def read_changes(
    connection: AsyncConnection, after: tuple[int, int], up_to: int, limit: int
) -> Sequence[Entry]:
    """Give the changes after a place (dataset revision, position), up to a dataset revision, in order."""
    place = tuple_(Revision.dataset_revision, Revision.position)
    wanted = and_(place > tuple_(*after), Revision.dataset_revision <= up_to)
    statement = _entries(wanted).order_by(Revision.dataset_revision, Revision.position).limit(limit)
    return [_entry(row) for row in await connection.execute(statement)]


async def read_newest(connection: AsyncConnection, before: tuple[int, int], limit: int) -> Sequence[Entry]:
    """Give the changes before a place (dataset revision, position), the newest first."""
    place = tuple_(Revision.dataset_revision, Revision.position)
    statement = _entries(place < tuple_(*before)).limit(limit)
    order = (Revision.dataset_revision.desc(), Revision.position.desc())
    return [_entry(row) for row in await connection.execute(statement.order_by(*order))]


def _entries(wanted: ColumnElement[bool]) -> Select[Any]:
    before = aliased(Revision)
    previous = and_(
        before.resource == Revision.resource,
        before.record_id == Revision.record_id,
        before.number == Revision.number - 1,
    )
    made = DatasetRevision.revision == Revision.dataset_revision
    blanked = and_(
        Blanked.dataset_revision == Revision.dataset_revision, Blanked.position == Revision.position
    )
    columns = (
        Revision.__table__,
        DatasetRevision.entries,
        before.body.label("before"),
        Blanked.by_revision.label("blanked_by"),
    )
    joined = select(*columns).join(DatasetRevision, made).outerjoin(before, previous)
    return joined.outerjoin(Blanked, blanked).where(wanted)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        dataset_revision=row.dataset_revision,
        position=row.position,
        entries=row.entries,
        resource=Resource(row.resource),
        id=row.record_id,
        number=row.number,
        action=row.action,
        reason=row.reason,
        by=row.key,
        at=row.at,
        body=row.body,
        before=row.before,
        blanked_by=row.blanked_by,
    )


def _fields(body: str) -> Mapping[str, object]:
    return {name: value for name, value in json.loads(body).items() if name not in STAMPED}
