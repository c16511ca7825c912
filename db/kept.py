"""Answers kept for requests that may be sent again: one request with a key of its own is run once.

The answer commits with the write that it tells of, so that a crash leaves neither without the other. What an
answer is made of is the caller's; here it is a status, headers and a text.
"""

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.models.access import KeptAnswer

KEPT_FOR = dt.timedelta(hours=24)


class StillRunningError(Exception):
    """The same request is being worked on at this moment."""


class OtherRequestError(Exception):
    """The key was used before for another request."""


@dataclass(frozen=True)
class RequestName:
    """By what a request is known that is sent again: whose it is, where it went, and its key."""

    key_id: str
    method: str
    path: str
    idempotency_key: str


@dataclass(frozen=True)
class Answer:
    """An answer as it is kept."""

    status: int
    headers: dict[str, str]
    body: str


async def claim(connection: AsyncConnection, name: RequestName, content: bytes) -> Answer | None:
    """Take a request for this transaction, and give the answer that it had before, if any.

    Raises:
        StillRunningError: another transaction has taken it.
        OtherRequestError: it was another request, by its content.
    """
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(json.dumps(_row(name)), 0))
    if not (await connection.execute(select(lock))).scalar_one():
        raise StillRunningError
    statement = select(KeptAnswer.body_sha256, KeptAnswer.status, KeptAnswer.headers, KeptAnswer.body).where(
        *_same(name), KeptAnswer.at > func.now() - KEPT_FOR
    )
    kept = (await connection.execute(statement)).one_or_none()
    if kept is None:
        return None
    if kept.body_sha256 != sha256(content).digest():
        raise OtherRequestError
    return Answer(kept.status, kept.headers, kept.body)


async def keep(connection: AsyncConnection, name: RequestName, content: bytes, answer: Answer) -> None:
    """Keep the answer of a request that was taken, and let go of all that are too old."""
    await connection.execute(delete(KeptAnswer).where(KeptAnswer.at <= func.now() - KEPT_FOR))
    row = _row(name) | {
        "body_sha256": sha256(content).digest(),
        "status": answer.status,
        "headers": answer.headers,
        "body": answer.body,
        "at": func.now(),
    }
    await connection.execute(insert(KeptAnswer).values(row))


async def forget(connection: AsyncConnection, bodies: Collection[str], texts: Collection[str]) -> int:
    """Let go of the answers that are one of these bodies or hold one of these texts; give how many.

    A request that is sent again after that is run again.
    """
    within = [_holds(text) for text in sorted(texts)]
    gone = delete(KeptAnswer).where(or_(KeptAnswer.body.in_(bodies), *within)).returning(KeptAnswer.path)
    return len((await connection.execute(gone)).all())


def _holds(text: str) -> ColumnElement[bool]:
    """Give the clause that an answer holds a text, in whatever text of its own."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return func.strpos(KeptAnswer.body, escaped) > 0


def _row(name: RequestName) -> dict[str, object]:
    return {
        "key_id": name.key_id,
        "method": name.method,
        "path": name.path,
        "idempotency_key": name.idempotency_key,
    }


def _same(name: RequestName) -> list[ColumnElement[bool]]:
    return [KeptAnswer.__table__.c[column] == value for column, value in _row(name).items()]
