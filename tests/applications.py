"""The application inside of the test's own process, as a client reaches it.

Real servers are `tests/live.py`'s and `tests/serving.py`'s.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from api.main import create_app, with_cache
from api.settings import HttpSettings
from db.settings import DatabaseSettings
from tests.declaring import check_declared


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application's lifespan and give a client of it; failures come back as answers."""
    transport = httpx.ASGITransport(app=_WithLifespan(with_cache(app)), raise_app_exceptions=False)
    async with app.router.lifespan_context(app) as state:
        transport.app.state = state  # type: ignore[attr-defined]
        hooks = {"response": [check_declared]}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", event_hooks=hooks
        ) as client:
            yield client


class _WithLifespan:
    """Hands the lifespan's state to each request, as a server does; httpx's transport does not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.state: dict[str, object] = {}

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await self.app({**scope, "state": dict(self.state)}, receive, send)


def application(url: str, *, cache_size: int = 0) -> FastAPI:
    """Make the application over a database; without a cache, since tests write past it."""
    return create_app(
        HttpSettings(log_level="error", cache_size=cache_size), DatabaseSettings(database_url=url)
    )


class Queries(list[str]):
    """The statements that were sent to the database; `by_driver`: the driver's own, with their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.by_driver: list[tuple[str, tuple[object, ...]]] = []
