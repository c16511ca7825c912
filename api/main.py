"""The application: routers, errors and middleware put together. Nothing opens at import.

What opens while the service runs is in `api/deps.py`; what a router answers is in `api/routes/`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from api import curatorpage, docs, explorer, guide, tracing
from api.accesslog import configure_logging
from api.auth import key_of_request
from api.caching import CacheMiddleware
from api.deps import lifespan
from api.errors import HANDLERS
from api.middleware import stack
from api.reading import ReadingMiddleware
from api.routes import OPERATIONS, RESOURCE_NAMES, ROUTERS
from api.settings import HttpSettings
from db.settings import DatabaseSettings


def create_app(settings: HttpSettings | None = None, database: DatabaseSettings | None = None) -> FastAPI:
    """Make the application; settings that are not given come from the environment."""
    chosen = settings or HttpSettings()

    @asynccontextmanager
    async def logged_lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        with configure_logging(chosen.log_level):
            async with tracing.sent(), lifespan(chosen, database or DatabaseSettings()) as state:
                yield state

    app = FastAPI(
        title="Prisoner exchanges",
        docs_url=None,  # api/docs.py serves its own, from packaged assets
        redoc_url=None,
        openapi_url=None,  # a route serves the contract
        redirect_slashes=False,
        lifespan=logged_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # api/tracing.py, api/counting.py
        exception_handlers=dict(HANDLERS),
        middleware=stack(
            aliases=RESOURCE_NAMES,
            max_url_length=chosen.max_url_length,
            secure=chosen.public_url is not None and chosen.public_url.scheme == "https",
        ),
    )
    app.state.settings = chosen
    app.include_router(OPERATIONS)
    app.include_router(docs.router)
    app.include_router(explorer.router)
    app.include_router(curatorpage.router)
    app.include_router(guide.router)
    for router in ROUTERS:
        app.include_router(router, prefix="/v1", dependencies=[Depends(key_of_request)])
    return app


def with_cache(app: FastAPI) -> ASGIApp:
    """Put the answers that are kept in front of an application, and before them who may have them.

    Both are outside of FastAPI's own layers too.
    """
    size: int = app.state.settings.cache_size
    cached = CacheMiddleware(app, size=size) if size else app
    reading = ReadingMiddleware(cached, refusing=app, names=RESOURCE_NAMES)
    return tracing.TracingMiddleware(reading) if tracing.is_wanted() else reading
