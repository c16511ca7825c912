"""Reading the history: which dataset revision a time means, and how the hash chain is made.

Appending to it is `db/writes.py`.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.models.history import Dataset, DatasetRevision

CHAINED = ("dataset_revision", "position", "resource", "record_id", "number", "action", "reason", "key")


def chain_hash(row: Mapping[str, Any]) -> bytes:
    """Give the hash of a revision: over the hash before it, its body's digest and all its other columns.

    The body itself is left out, so that one that must be blanked does not break the chain.
    """
    facts = [row[name] for name in CHAINED] + [row["at"].astimezone(dt.UTC).isoformat()]
    digest = sha256(row["previous_hash"])
    digest.update(row["body_sha256"])
    digest.update(json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode())
    return digest.digest()


@dataclass(frozen=True)
class Bounds:
    """The first and the newest dataset revision, and the revision that a time fell into."""

    first_at: dt.datetime | None
    newest: int
    newest_at: dt.datetime
    at: int | None


async def bounds(connection: AsyncConnection, moment: dt.datetime | None = None) -> Bounds:
    """Give the bounds of the history, and the newest revision that was made at or before a moment."""
    until = literal(moment, DatasetRevision.at.type)  # without a moment, no revision is at or before it
    at = select(func.max(DatasetRevision.revision)).where(DatasetRevision.at <= until).scalar_subquery()
    first = select(func.min(DatasetRevision.at)).scalar_subquery()
    row = (await connection.execute(select(first, Dataset.revision, Dataset.updated_at, at))).one()
    return Bounds(row[0], row[1], row[2], row[3])
