"""Proposals: who may move them from which state to which, and the statements that store and find them.

What a proposal would write is written through `db/writes.py` like anything else. Whether it conflicts is told
whenever it is read: its record has another revision than the one that it speaks of.
"""

import datetime as dt
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.access import Caller
from db.enums import ProposalAction, ProposalState, Resource
from db.models.history import Revision
from db.models.proposals import Proposal as Stored
from db.normalising import table
from db.storing import Current, read_current

Content = dict[str, Any]
BLANKED = "It was blanked with a revision of a record."  # stands for the comment


class Act(StrEnum):
    """What can be done to a proposal, as what it then has been."""

    EDIT = "edited"
    WITHDRAW = "withdrawn"
    ACCEPT = "accepted"
    REJECT = "rejected"


MOVES: Mapping[tuple[ProposalState, Act], ProposalState] = {
    (ProposalState.OPEN, Act.EDIT): ProposalState.OPEN,
    (ProposalState.OPEN, Act.WITHDRAW): ProposalState.WITHDRAWN,
    (ProposalState.OPEN, Act.ACCEPT): ProposalState.ACCEPTED,
    (ProposalState.OPEN, Act.REJECT): ProposalState.REJECTED,
}


class MoveError(Exception):
    """A proposal is in no state in which that can be done to it; the message is a sentence."""


@dataclass(frozen=True)
class Proposed:
    """What somebody proposes; `content` is the whole record to create, or a merge patch."""

    action: ProposalAction
    resource: Resource
    record_id: str | None
    base_revision: int | None
    content: Content | None
    source_url: str
    comment: str


@dataclass(frozen=True)
class Proposal(Proposed):
    """A proposal as it stands.

    `newest`: the newest revision of its record, if there ever was one. `made`: the revision of its record
    that accepting it made.
    """

    number: int
    state: ProposalState
    version: int
    key_id: str
    proposed_by: str
    created_at: dt.datetime
    decided_at: dt.datetime | None
    decided_by: str | None
    decision_reason: str | None
    dataset_revision: int | None
    newest: int | None
    made: int | None
    conflicting: bool

    @property
    def id(self) -> str:
        """The id, by which clients know it."""
        return id_of(self.number)


@dataclass(frozen=True)
class Wanted:
    """Which proposals to list; what is empty or None narrows nothing.

    `by`: those made with this key; `not_by`: those made with any other.
    """

    states: Sequence[ProposalState] = ()
    resources: Sequence[Resource] = ()
    conflicting: bool | None = None
    by: str | None = None
    not_by: str | None = None


_ID = re.compile(r"p-([0-9]{6,18})", re.ASCII)
_OF_RECORD = and_(
    Revision.resource == Stored.resource,
    Revision.record_id == func.coalesce(Stored.record_id, Stored.content["id"].astext),
)
_NEWEST = select(func.max(Revision.number)).where(_OF_RECORD).scalar_subquery()
_MADE = (
    select(func.max(Revision.number))
    .where(_OF_RECORD, Revision.dataset_revision == Stored.dataset_revision)
    .scalar_subquery()
)
# One that creates has no base, and its record should have no revision: then neither is distinct.
_CONFLICTING = and_(Stored.state == ProposalState.OPEN, _NEWEST.is_distinct_from(Stored.base_revision))


def id_of(number: int) -> str:
    """Give the id of a proposal."""
    return f"p-{number:06d}"


def number_of(proposal_id: str) -> int | None:
    """Give the number in an id; None if no proposal can have it."""
    found = _ID.fullmatch(proposal_id)
    number = int(found[1]) if found else None
    return number if number is not None and id_of(number) == proposal_id else None


def moved(proposal: Proposal, act: Act) -> ProposalState:
    """Give the state that a proposal comes into.

    Raises:
        MoveError: that cannot be done to it any more.
    """
    state = MOVES.get((proposal.state, act))
    if state is None:
        raise MoveError(
            f"The proposal {proposal.id} is {proposal.state}; only an open proposal can be {act}."
        )
    return state


async def add(connection: AsyncConnection, proposed: Proposed, by: Caller, at: dt.datetime) -> int:
    """Store a new proposal, and give its number."""
    values = asdict(proposed) | {
        "state": ProposalState.OPEN,
        "version": 1,
        "key_id": by.key_id,
        "proposed_by": by.label,
        "created_at": at,
    }
    number: int = (
        await connection.execute(insert(Stored).values(values).returning(Stored.number))
    ).scalar_one()
    return number


async def edit(connection: AsyncConnection, number: int, proposed: Proposed) -> None:
    """Store what is now proposed instead."""
    await _change(connection, number, asdict(proposed))


async def decide(
    connection: AsyncConnection,
    number: int,
    state: ProposalState,
    *,
    by: str,
    at: dt.datetime,
    **told: str | int | None,
) -> None:
    """Store the state that a proposal has come into for good; `told`: what else is known of that."""
    await _change(connection, number, {"state": state, "decided_by": by, "decided_at": at, **told})


async def read(connection: AsyncConnection, number: int, *, lock: bool = False) -> Proposal | None:
    """Give a proposal, if there is one; `lock`: nobody else moves it until the transaction ends."""
    statement = _proposals().where(Stored.number == number)
    if lock:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else _proposal(row)


async def read_page(
    connection: AsyncConnection, wanted: Wanted, before: int | None, limit: int
) -> tuple[int, list[Proposal]]:
    """Give how many proposals there are, and those before a number, the newest first."""
    conditions = _conditions(wanted)
    counted = select(func.count()).select_from(Stored).where(*conditions)
    total: int = (await connection.execute(counted)).scalar_one()
    statement = _proposals().where(*conditions).order_by(Stored.number.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Stored.number < before)
    rows = (await connection.execute(statement)).mappings()
    return total, [_proposal(row) for row in rows]


async def count(connection: AsyncConnection) -> Mapping[tuple[Resource, ProposalState], int]:
    """Give how many proposals there are of each kind of record in each state, where there are any."""
    statement = select(Stored.resource, Stored.state, func.count()).group_by(Stored.resource, Stored.state)
    rows = await connection.execute(statement)
    return {(Resource(resource), ProposalState(state)): number for resource, state, number in rows}


async def forget(connection: AsyncConnection, texts: Collection[str]) -> int:
    """Blank content and comment of the proposals that hold one of these texts; give how many.

    An open one of them changes nothing any more, and cannot be accepted until it is written anew.
    """
    if not texts:
        return 0
    content = cast(Stored.content, Text)
    values = [json.dumps(text, ensure_ascii=False) for text in sorted(texts)]
    within = [func.strpos(content, value) > 0 for value in values]
    within += [func.strpos(Stored.comment, text) > 0 for text in sorted(texts)]
    blank = case((Stored.content.is_(None), None), else_=cast({}, JSONB))
    blanked = update(Stored).where(or_(*within)).returning(Stored.number)
    blanked = blanked.values(content=blank, comment=BLANKED, version=Stored.version + 1)
    return len((await connection.execute(blanked)).all())


async def read_base(connection: AsyncConnection, proposed: Proposed) -> Current | None:
    """Give the record that a proposal speaks of as it stands, if it stands."""
    if proposed.record_id is None:
        return None
    return (await read_current(connection, proposed.resource, [proposed.record_id])).get(proposed.record_id)


async def _change(connection: AsyncConnection, number: int, values: Mapping[str, object]) -> None:
    changed = update(Stored).where(Stored.number == number)
    await connection.execute(changed.values({**values, "version": Stored.version + 1}))


def _proposals() -> Select[Any]:
    return select(
        table(Stored),
        _NEWEST.label("newest"),
        _MADE.label("made"),
        _CONFLICTING.label("conflicting"),
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(Stored.state.in_(wanted.states))
    if wanted.resources:
        conditions.append(Stored.resource.in_(wanted.resources))
    if wanted.conflicting is not None:
        conditions.append(_CONFLICTING if wanted.conflicting else ~_CONFLICTING)
    if wanted.by is not None:
        conditions.append(Stored.key_id == wanted.by)
    if wanted.not_by is not None:
        conditions.append(Stored.key_id != wanted.not_by)
    return conditions


def _proposal(row: RowMapping) -> Proposal:
    words = {
        "action": ProposalAction(row["action"]),
        "resource": Resource(row["resource"]),
        "state": ProposalState(row["state"]),
    }
    return Proposal(**{**row, **words})
