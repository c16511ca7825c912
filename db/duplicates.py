"""Finding exchanges that are very probably in the dataset already, under another id.

Two records are taken for one if they have the same day, kind and parties, and the same best figures. Records
without figures are never taken for each other: on a day on which both sides keep silent there may be two.
"""

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.models.history import Revision
from db.models.index import ExchangeIndex
from db.storing import Change

CHUNK = 1_000  # days asked at once
MOST_NAMED = 10  # others named for one exchange

Likeness = tuple[object, ...]


async def probable_duplicates(
    connection: AsyncConnection, changes: Iterable[Change]
) -> Mapping[str, Sequence[str]]:
    """Give, for each exchange that a write creates, the ids of others that are probably the same.

    Of very many that are all alike, only some are named for each.
    """
    wanted: dict[str, Likeness] = {}
    days: set[dt.date] = set()
    for change in changes:
        if change.resource is Resource.EXCHANGE and change.before is None:
            body = json.loads(change.after)
            likeness = _likeness(body)
            if likeness is not None:
                wanted[change.id] = likeness
                days.add(dt.date.fromisoformat(body["date"]))
    alike: dict[Likeness, set[str]] = {likeness: set() for likeness in wanted.values()}
    for id_, likeness in wanted.items():
        alike[likeness].add(id_)
    async for body in _on_days(connection, sorted(days)):
        likeness = _likeness(body)
        if likeness in alike:
            alike[likeness].add(body["id"])
    ordered = {likeness: sorted(ids)[: MOST_NAMED + 1] for likeness, ids in alike.items()}
    found = {
        id_: [other for other in ordered[likeness] if other != id_][:MOST_NAMED]
        for id_, likeness in wanted.items()
    }
    return {id_: others for id_, others in found.items() if others}


async def _on_days(connection: AsyncConnection, days: Sequence[dt.date]) -> AsyncIterator[dict[str, Any]]:
    """Give the exchanges that stand and began on these days."""
    here = (Revision.dataset_revision == ExchangeIndex.from_revision) & (
        Revision.position == ExchangeIndex.position
    )
    for start in range(0, len(days), CHUNK):
        on_days = (ExchangeIndex.to_revision.is_(None), ExchangeIndex.date.in_(days[start : start + CHUNK]))
        bodies = select(Revision.body).select_from(ExchangeIndex).join(Revision, here).where(*on_days)
        async for (body,) in await connection.stream(bodies):
            if body is not None:
                yield json.loads(body)


def _likeness(body: Mapping[str, Any]) -> Likeness | None:
    """Give what two records of one exchange have alike; None where there are no figures."""
    figures = frozenset(
        (figure["released_by"], figure["received_by"], figure["measure"], figure["best"])
        for figure in body["figures"]
    )
    if not figures:
        return None
    return body["date"], body["kind"], frozenset(body["parties"]), figures
