"""Finding exchanges that are very probably in the dataset already, under another id.

Two records are taken for one if they have the same day, kind and parties, and the same best figures. Records
without figures are never taken for each other: on a day on which both sides keep silent there may be two.
"""

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.models.history import Revision
from db.models.index import ExchangeIndex
from db.storing import Change

CHUNK = 100  # days looked at together
MOST_NAMED = 10  # others named for one exchange

Likeness = tuple[object, ...]


async def probable_duplicates(
    connection: AsyncConnection, changes: Iterable[Change]
) -> Mapping[str, Sequence[str]]:
    """Give, for each exchange that changes create, the ids of others that are probably the same.

    Of very many that are all alike, only some are named for each.
    """
    created: dict[dt.date, dict[str, Likeness]] = {}
    for change in changes:
        if change.resource is Resource.EXCHANGE and change.before is None:
            body = json.loads(change.after)
            likeness = _likeness(body)
            if likeness is not None:
                created.setdefault(dt.date.fromisoformat(body["date"]), {})[change.id] = likeness
    found: dict[str, Sequence[str]] = {}
    for days in _chunks(sorted(created)):
        standing = {row.id: likeness async for row, likeness in _on_days(connection, days)}
        of_these = {id_: likeness for day in days for id_, likeness in created[day].items()}
        found |= _alike(of_these, standing)
    return found


async def duplicates_created(connection: AsyncConnection, revision: int) -> Mapping[str, Sequence[str]]:
    """Give the same for the exchanges that a write has stored, however many they are."""
    new = (ExchangeIndex.from_revision == revision, ExchangeIndex.number == 1)
    days = (await connection.execute(select(ExchangeIndex.date).distinct().where(*new))).scalars()
    found: dict[str, Sequence[str]] = {}
    for chunk in _chunks(sorted(days)):
        created, standing = {}, {}
        async for row, likeness in _on_days(connection, chunk):
            standing[row.id] = likeness
            if row.from_revision == revision and row.number == 1:
                created[row.id] = likeness
        found |= _alike(created, standing)
    return found


def _alike(created: Mapping[str, Likeness], standing: Mapping[str, Likeness]) -> dict[str, Sequence[str]]:
    """Give for each new exchange which of all are like it."""
    alike: dict[Likeness, list[str]] = {likeness: [] for likeness in created.values()}
    for id_, likeness in sorted({**standing, **created}.items()):
        if likeness in alike:
            alike[likeness].append(id_)
    others = {
        id_: [other for other in alike[likeness][: MOST_NAMED + 1] if other != id_][:MOST_NAMED]
        for id_, likeness in created.items()
    }
    return {id_: named for id_, named in others.items() if named}


def _chunks(days: Sequence[dt.date]) -> Iterator[Sequence[dt.date]]:
    return (days[start : start + CHUNK] for start in range(0, len(days), CHUNK))


async def _on_days(
    connection: AsyncConnection, days: Sequence[dt.date]
) -> AsyncIterator[tuple[Row[str, int, int, str | None], Likeness]]:
    """Give the exchanges with figures that stand and began on these days."""
    here = (Revision.dataset_revision == ExchangeIndex.from_revision) & (
        Revision.position == ExchangeIndex.position
    )
    columns = (ExchangeIndex.id, ExchangeIndex.from_revision, ExchangeIndex.number, Revision.body)
    on_days = (ExchangeIndex.to_revision.is_(None), ExchangeIndex.date.in_(days))
    statement = select(*columns).select_from(ExchangeIndex).join(Revision, here).where(*on_days)
    async for row in await connection.stream(statement):
        likeness = None if row.body is None else _likeness(json.loads(row.body))
        if likeness is not None:
            yield row, likeness


def _likeness(body: Mapping[str, Any]) -> Likeness | None:
    """Give what two records of one exchange have alike; None where there are no figures."""
    figures = frozenset(
        (figure["released_by"], figure["received_by"], figure["measure"], figure["best"])
        for figure in body["figures"]
    )
    if not figures:
        return None
    return body["date"], body["kind"], frozenset(body["parties"]), figures
