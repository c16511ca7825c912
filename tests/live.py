"""Real servers over databases of the fixtures, for what asks from another process: browsers, SDKs, shells.

Who only reads takes the fixture `live`; who writes takes `own_live`, with a database and keys of its own.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from db.access import create_key
from db.enums import Role
from db.session import write_engine
from tests.databases import database_url, drop_database, make_clone
from tests.serving import serving

Made = TypeVar("Made")
UNLIMITED = {"WRITES_PER_MINUTE": "100000", "WRITE_BURST": "100000"}


def apart(coroutine: Coroutine[Any, Any, Made]) -> Made:
    """Run a coroutine in a thread of its own: a browser may be running its loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@contextmanager
def clone_of(server_url: str, template: str) -> Iterator[str]:
    """Make a database like another one, and drop it."""
    name = apart(make_clone(server_url, template))
    try:
        yield database_url(server_url, name)
    finally:
        apart(drop_database(server_url, name))


@dataclass(frozen=True)
class Live:
    """A server that answers: its base URL without a slash at the end, and the URL of its database."""

    base: str
    database_url: str

    def key(self, role: Role = Role.CURATOR) -> str:
        """Make a key of a role; it is only told here."""

        async def make() -> str:
            engine = write_engine(self.database_url)
            try:
                _, token = await create_key(engine, f"a {role}", role)
            finally:
                await engine.dispose()
            return token

        return apart(make())


@contextmanager
def live_over(database_url: str, folder: Path, **settings: str) -> Iterator[Live]:
    """Serve a database that is there already; `folder` is where the log goes."""
    with serving(folder / "unused", DATABASE_URL=database_url, **UNLIMITED, **settings) as server:
        server.answer()
        yield Live(f"http://127.0.0.1:{server.port}", database_url)
