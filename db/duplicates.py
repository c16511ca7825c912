"""Finding exchanges that are very probably in the dataset already, under another id.

Two records are taken for one if they have the same day, kind and parties, and the same best figures. Records
without figures are never taken for each other: on a day on which both sides keep silent there may be two.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.models.history import Revision
from db.models.index import ExchangeIndex
from db.storing import Change

CHUNK = 1_000  # days asked at once

Likeness = tuple[object, ...]


async def probable_duplicates(
    connection: AsyncConnection, changes: Sequence[Change]
) -> Mapping[str, Sequence[str]]:
    """Give, for each exchange that a write creates, the ids of current ones that are probably the same."""
    created = [
        json.loads(change.after)
        for change in changes
        if change.resource is Resource.EXCHANGE and change.before is None
    ]
    wanted = {body["id"]: likeness for body in created if (likeness := _likeness(body)) is not None}
    if not wanted:
        return {}
    alike: dict[Likeness, set[str]] = {}
    for body in [*await _on_days(connection, sorted({body["date"] for body in created})), *created]:
        likeness = _likeness(body)
        if likeness is not None:
            alike.setdefault(likeness, set()).add(body["id"])
    found = {id_: sorted(alike[likeness] - {id_}) for id_, likeness in wanted.items()}
    return {id_: others for id_, others in found.items() if others}


async def _on_days(connection: AsyncConnection, days: Sequence[str]) -> list[dict[str, Any]]:
    here = (Revision.dataset_revision == ExchangeIndex.from_revision) & (
        Revision.position == ExchangeIndex.position
    )
    bodies: list[dict[str, Any]] = []
    for start in range(0, len(days), CHUNK):
        dates = [dt.date.fromisoformat(day) for day in days[start : start + CHUNK]]
        current = (ExchangeIndex.to_revision.is_(None), ExchangeIndex.date.in_(dates))
        rows = await connection.execute(
            select(Revision.body).select_from(ExchangeIndex).join(Revision, here).where(*current)
        )
        bodies += [json.loads(body) for body in rows.scalars() if body is not None]
    return bodies


def _likeness(body: Mapping[str, Any]) -> Likeness | None:
    """Give what two records of one exchange have alike; None where there are no figures."""
    figures = frozenset(
        (figure["released_by"], figure["received_by"], figure["measure"], figure["best"])
        for figure in body["figures"]
    )
    if not figures:
        return None
    return body["date"], body["kind"], frozenset(body["parties"]), figures
