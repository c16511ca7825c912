"""What tests of kept answers share: an application that keeps them, and versions that no dataset has.

No test lives here. The application without a cache is `tests/applications.py`'s.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from api.caching import NEWEST
from db.queries.pages import Version
from tests.applications import application, running


@asynccontextmanager
async def keeping(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application that keeps answers, and give a client of it."""
    async with running(application(url, cache_size=1_000_000)) as made:
        for _ in range(3000):  # nothing is kept before somebody has looked
            if made._transport.app.state[NEWEST].version is not None:  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.01)
        yield made


def version(revision: int, *, names: int = 1, epoch: int = 0) -> Version:
    return Version(uuid.UUID(int=epoch), revision, names)
