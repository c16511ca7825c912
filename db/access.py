"""Who may write: making keys, ending them, and telling whose key it is that somebody shows.

Of a secret only the hash is ever sent to the database, and it does not come back either: the function
`api_key_of` gives the hash of that, so that whoever reads for the service need not read the table
(`db/roles.py`). All comparisons of time are the database's own.
"""

import datetime as dt
import hmac
import logging
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Self

import asyncpg
from sqlalchemy import (
    ColumnElement,
    Executable,
    LargeBinary,
    RowMapping,
    Select,
    Text,
    column,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.base import Moment
from db.enums import Role
from db.models.access import ApiKey
from db.queries.shapes import Slot, fetch
from db.reader import Reader
from db.tokens import holds_token, new_token, read_token

LONGEST_NAME = 100
TOUCHED_EVERY = dt.timedelta(minutes=1)
NO_PROOF = bytes(32)  # what the secret of an unknown key is compared with; no secret has this hash

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeyRecord:
    """What is known of a key; nothing in it is secret."""

    id: str
    name: str
    role: Role
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None
    expired: bool

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Make it of a row of `RECORD`."""
        return cls(**{**row, "role": Role(row["role"])})


@dataclass(frozen=True)
class Caller:
    """Whose key a request carries."""

    key_id: str
    name: str
    role: Role

    @property
    def label(self) -> str:
        """What the history keeps of whoever wrote: the public id and the name of the key."""
        return f"{self.key_id} ({self.name})"


class KeyFault(StrEnum):
    """Why a key does not hold."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyRefusedError(Exception):
    """A key does not hold. Only who has the right secret is told that it did once."""

    def __init__(self, fault: KeyFault) -> None:
        super().__init__(f"the key is {fault}")
        self.fault = fault


class AccessError(Exception):
    """A key cannot be made or changed as asked; the message is one line and holds no secret."""


_NOW: ColumnElement[dt.datetime] = func.statement_timestamp()


def _expired(expires_at: Any) -> ColumnElement[bool]:
    return func.coalesce(expires_at <= _NOW, False).label("expired")


RECORD = (
    ApiKey.id,
    ApiKey.name,
    ApiKey.role,
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.last_used_at,
    _expired(ApiKey.expires_at),
)
# What the function `api_key_of` gives.
_KNOWN = (
    column("name", Text),
    column("role", Text),
    column("expires_at", Moment),
    column("revoked_at", Moment),
    column("last_used_at", Moment),
    column("proof", LargeBinary),
)


async def create_key(
    engine: AsyncEngine, name: str, role: Role, expires_at: dt.datetime | None = None
) -> tuple[KeyRecord, str]:
    """Make a key; give what is known of it, and the key itself, which nobody can tell again.

    Raises:
        AccessError: the name will not do, or it would have expired before it was made.
    """
    _check_name(name)
    token = new_token()
    values = {"id": token.id, "name": name, "role": role, "secret_sha256": token.digest}
    statement = insert(ApiKey).values(**values, created_at=_NOW, expires_at=expires_at).returning(*RECORD)
    async with engine.begin() as connection:
        record = KeyRecord.of((await connection.execute(statement)).mappings().one())
        if record.expired:
            raise AccessError(f"the key would have expired already, at {expires_at:%Y-%m-%dT%H:%M:%SZ}")
    return record, token.text


async def list_keys(engine: AsyncEngine) -> list[KeyRecord]:
    """Give all keys that ever were, the oldest first."""
    statement = select(*RECORD).order_by(ApiKey.created_at, ApiKey.id)
    async with engine.connect() as connection:
        return [KeyRecord.of(row) for row in (await connection.execute(statement)).mappings()]


async def read_key(connection: AsyncConnection, key_id: str) -> KeyRecord:
    """Give what is known of a key.

    Raises:
        AccessError: there is no such key.
    """
    return await _one(connection, select(*RECORD).where(ApiKey.id == key_id), key_id)


async def revoke_key(engine: AsyncEngine, key_id: str) -> KeyRecord:
    """End a key for good; one that was ended before keeps its time.

    Raises:
        AccessError: there is no such key.
    """
    values = {"revoked_at": func.coalesce(ApiKey.revoked_at, _NOW)}
    async with engine.begin() as connection:
        return await _update(connection, key_id, values)


async def rotate_key(engine: AsyncEngine, key_id: str) -> tuple[KeyRecord, str]:
    """Give a key another secret; with the old one it is dead at once, all else stays.

    Raises:
        AccessError: there is no such key, or it holds no longer, which a new secret would not change.
    """
    token = new_token(key_id)
    async with engine.begin() as connection:
        record = await _update(connection, key_id, {"secret_sha256": token.digest})
        if record.revoked_at is not None or record.expired:
            fault = KeyFault.EXPIRED if record.revoked_at is None else KeyFault.REVOKED
            raise AccessError(f"the key {key_id} is {fault}; create a new one")
    return record, token.text


async def verify_key(reader: Reader, text: str, *, writer: AsyncEngine | None = None) -> Caller:
    """Tell whose key it is, and note that it was used, through `writer` where that is another engine.

    Raises:
        KeyRefusedError: it does not hold.
    """
    token = read_token(text)
    if token is None:
        raise KeyRefusedError(KeyFault.UNKNOWN)
    async with reader.driver() as driver:
        rows = await fetch(driver, ("key",), _known_key, [token.id])
    row = rows[0] if rows else None
    kept = NO_PROOF if row is None else row["proof"]
    if not hmac.compare_digest(sha256(token.digest).digest(), kept) or row is None:
        raise KeyRefusedError(KeyFault.UNKNOWN)
    if row["revoked_at"] is not None:
        raise KeyRefusedError(KeyFault.REVOKED)
    if row["expired"]:
        raise KeyRefusedError(KeyFault.EXPIRED)
    if row["unnoted"]:
        await _touch(writer or reader.engine, token.id)
    return Caller(token.id, row["name"], Role(row["role"]))


def _known_key() -> Select[Any]:
    known = func.api_key_of(literal(Slot(0), Text)).table_valued(*_KNOWN, name="known")
    unnoted = _unnoted(known.c.last_used_at).label("unnoted")
    return select(*known.c, _expired(known.c.expires_at), unnoted)


def _unnoted(last_used_at: Any) -> ColumnElement[bool]:
    return or_(last_used_at.is_(None), last_used_at < _NOW - TOUCHED_EVERY)


async def _touch(engine: AsyncEngine, key_id: str) -> None:
    """Note that a key was used; whoever finds it being noted by another leaves it at that."""
    due = (
        select(ApiKey.id)
        .where(ApiKey.id == key_id, _unnoted(ApiKey.last_used_at))
        .with_for_update(skip_locked=True)
    )
    statement = update(ApiKey).where(ApiKey.id == due.scalar_subquery()).values(last_used_at=_NOW)
    try:
        async with engine.begin() as connection:
            await connection.execute(statement)
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        # what the request is about does not depend on it: a database that only reads is enough
        logger.warning("the use of key %s was not noted: %s", key_id, type(error).__name__)


async def _update(connection: AsyncConnection, key_id: str, values: dict[str, Any]) -> KeyRecord:
    statement = update(ApiKey).where(ApiKey.id == key_id).values(values).returning(*RECORD)
    return await _one(connection, statement, key_id)


async def _one(connection: AsyncConnection, statement: Executable, key_id: str) -> KeyRecord:
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise _unknown(key_id)
    return KeyRecord.of(row)


def _unknown(key_id: str) -> AccessError:
    if holds_token(key_id):
        return AccessError("give the id of the key, the ten characters after exk_, and not the key itself")
    return AccessError(f"there is no key {key_id!r}; `exchanges key list` shows the ids of all")


def _check_name(name: str) -> None:
    if not name.strip():
        raise AccessError("the name of a key must not be blank: say who holds it")
    if len(name) > LONGEST_NAME:
        raise AccessError(
            f"the name of a key must be at most {LONGEST_NAME} characters long, not {len(name)}"
        )
    if not name.isprintable():
        raise AccessError("the name of a key must be printable, without line breaks, tabs or the like")
    if holds_token(name):
        raise AccessError("the name of a key must not look like a key: it is shown to everybody")
