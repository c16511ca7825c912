"""Keys of every kind, in a database of their own with the shipped dataset. No test lives here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.access import create_key, revoke_key, rotate_key
from db.enums import Role
from db.models.access import ApiKey
from db.session import write_engine
from db.tokens import new_token, read_token
from tests.databases import own_database

ROLES = list(Role)
BAD = ("unknown", "expired", "revoked", "rotated", "cut")


@dataclass(frozen=True)
class Keys:
    """Keys as their holders keep them, and the URL of their database."""

    url: str
    good: dict[Role, str]
    bad: dict[str, str]


@asynccontextmanager
async def keyring(server_url: str, template: str) -> AsyncIterator[Keys]:
    """Make keys that hold and keys that do not; whoever shares them writes nothing else."""
    async with own_database(server_url, template) as url:
        engine = write_engine(url)
        yield await _made(engine, url)
        await engine.dispose()


async def _made(engine: AsyncEngine, url: str) -> Keys:
    good = {role: (await create_key(engine, f"A {role}", role))[1] for role in ROLES}
    bad = {name: (await create_key(engine, name, Role.ADMIN))[1] for name in BAD}
    await revoke_key(engine, id_of(bad["revoked"]))
    await rotate_key(engine, id_of(bad["rotated"]))
    bad |= {"unknown": new_token().text, "cut": bad["cut"][:-1]}
    async with engine.begin() as connection:
        expired = update(ApiKey).where(ApiKey.id == id_of(bad["expired"]))
        await connection.execute(expired.values(expires_at=func.now()))
    return Keys(url, good, bad)


def id_of(token: str) -> str:
    found = read_token(token)
    assert found
    return found.id
