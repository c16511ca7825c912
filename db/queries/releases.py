"""What of a past state was blanked since: it was there, and is told of, but can be read no more.

Blanking itself is `db/redacting.py`, releases are made in `db/releases.py`.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from db.enums import Action, Resource
from db.models.history import Blanked, Revision
from db.models.releases import Release
from db.normalising import table

TOMBSTONES = (Action.DELETED, Action.MERGED)


@dataclass(frozen=True)
class Notice:
    """A revision of a record that a release held, and that the dataset revision `by_revision` blanked."""

    release: str
    resource: Resource
    id: str
    number: int
    reason: str
    at: dt.datetime
    by_revision: int


async def read_notices(connection: AsyncConnection) -> list[Notice]:
    """Give what was blanked in each release, in the order in which that was done.

    It follows from the history: a release held the revision that was the newest of its record then.
    """
    redaction, release = aliased(Revision), table(Release)
    of_record = and_(
        redaction.resource == Revision.resource,
        redaction.record_id == Revision.record_id,
        redaction.dataset_revision == Blanked.by_revision,
    )
    statement = (
        select(
            release.c.name,
            Revision.resource,
            Revision.record_id,
            Revision.number,
            redaction.reason,
            redaction.at,
            Blanked.by_revision,
        )
        .select_from(Blanked)
        .join(Revision, _here())
        .join(redaction, of_record)
        .join(release, _stood(release.c.dataset_revision))
        .order_by(Blanked.by_revision, Revision.resource, Revision.record_id, Revision.number, release.c.at)
    )
    rows = await connection.execute(statement)
    return [
        Notice(name, Resource(resource), id_, number, reason, at, by)
        for name, resource, id_, number, reason, at, by in rows
    ]


async def read_blanked(connection: AsyncConnection, resource: Resource, at: int) -> Mapping[str, int]:
    """Give the records that stood at a dataset revision as what was blanked since: ids, revision numbers."""
    statement = (
        select(Revision.record_id, Revision.number)
        .join(Blanked, _here())
        .where(Revision.resource == resource, _stood(at))
    )
    return {row.record_id: row.number for row in await connection.execute(statement)}


def count_blanked(at: int) -> ColumnElement[int]:
    """Count the records that stood at a dataset revision as what was blanked since.

    A look-up for each that was ever blanked: a join would read the whole history, as nobody has told the
    planner how few they are.
    """
    stood = select(_stood(at)).select_from(Revision).where(_here()).correlate(Blanked).scalar_subquery()
    return select(func.count()).select_from(Blanked).where(stood).scalar_subquery()


def _here() -> ColumnElement[bool]:
    return and_(Blanked.dataset_revision == Revision.dataset_revision, Blanked.position == Revision.position)


def _stood(at: ColumnElement[int] | int) -> ColumnElement[bool]:
    """Give the clause that a revision is what stood of its record at a dataset revision."""
    later = aliased(Revision)
    replaced = select(later.number).where(
        later.resource == Revision.resource,
        later.record_id == Revision.record_id,
        later.number == Revision.number + 1,
        later.dataset_revision <= at,
    )
    return and_(Revision.dataset_revision <= at, Revision.action.not_in(TOMBSTONES), ~replaced.exists())
