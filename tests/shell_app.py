"""A small application made of the HTTP shell's own parts, without a database, for the tests of the shell."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api import docs, guide
from api.accesslog import configure_logging
from api.conditional import http_date, is_not_modified, require_json
from api.errors import HANDLERS, ApiError, ProblemCode, ProblemItem
from api.middleware import stack
from api.settings import HttpSettings

BODY = json.dumps({"data": ["a rather repetitive record"] * 100}).encode()
PIECES = [f"line {number} of a stream\n".encode() for number in range(50)]
CHANGED = datetime(2025, 6, 1, 12, 30, 15, 999_000, tzinfo=UTC)
SECRET = "postgresql://user:password@host/db refused"  # what must never be told

CUT_OFF = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")


def translated(error: asyncpg.PostgresError) -> Exception:
    """Give what the pool raises where the database refuses a connection: its own error, and no DBAPIError."""
    return AsyncAdapt_asyncpg_dbapi.OperationalError(str(error), error)


FAILURES: dict[str, Exception] = {
    "bug": RuntimeError(SECRET),
    "refused": ConnectionRefusedError(SECRET),
    "no-socket": FileNotFoundError(SECRET),
    "pool": PoolTimeoutError(SECRET),
    "closed": asyncpg.InterfaceError("connection is closed"),
    "misuse": asyncpg.InterfaceError("cannot use Connection.transaction() in a manually started one"),
    "cut-off": CUT_OFF,
    "shutdown": asyncpg.AdminShutdownError(SECRET),
    "cancelled": asyncpg.QueryCanceledError(SECRET),
    "cancelled-wrapped": DBAPIError("SELECT 1", None, asyncpg.QueryCanceledError(SECRET)),
    "cut-off-wrapped": DBAPIError("SELECT 1", None, EmulatedDBAPIException(str(CUT_OFF), CUT_OFF)),
    "lost-wrapped": DBAPIError("SELECT 1", None, Exception(SECRET), connection_invalidated=True),
    "starting": translated(asyncpg.CannotConnectNowError(SECRET)),
    "bad-sql": DBAPIError("SELECT 1", None, asyncpg.UndefinedColumnError(SECRET)),
}


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    with configure_logging():
        yield


@cache
def make_app() -> FastAPI:
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers=dict(HANDLERS),
        middleware=stack(aliases={"things", "failures", "fixed"}, max_url_length=8192),
    )
    app.state.settings = HttpSettings()
    app.include_router(docs.router)
    app.include_router(guide.router)

    @app.get("/v1/things")
    async def list_things(request: Request) -> Response:
        require_json(request)
        headers = {"ETag": '"7"', "Last-Modified": http_date(CHANGED), "Vary": "Accept"}
        if is_not_modified(request.headers, '"7"', CHANGED):
            return Response(status_code=304, headers=headers)
        return Response(BODY, headers=headers, media_type="application/json")

    @app.get("/v1/things.csv")
    async def export_things() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in PIECES:
                yield piece

        return StreamingResponse(pieces(), media_type="text/csv", headers={"ETag": 'W/"7"'})

    @app.get("/v1/things/{thing_id}")
    async def get_thing(thing_id: str) -> Response:
        if thing_id == "unknown":
            item = ProblemItem(parameter="thing_id", code="unknown_value", message="Nobody knows it.")
            raise ApiError(ProblemCode.NOT_FOUND, "There is no such thing.", [item], {"Link": "</v1>"})
        return Response(json.dumps({"id": thing_id}), headers={"ETag": '"3"'}, media_type="application/json")

    @app.get("/v1/number/{number}")
    async def get_number(number: int) -> Response:
        return Response(str(number))

    @app.get("/v1/encoded")
    async def encoded() -> Response:
        headers = {"Content-Encoding": "gzip", "ETag": '"9"'}
        return Response(gzip.compress(BODY), headers=headers, media_type="application/json")

    @app.get("/v1/picture")
    async def picture() -> Response:
        return Response(BODY, headers={"ETag": '"9"'}, media_type="image/png")

    @app.api_route("/v1/fixed", methods=["GET", "POST"])
    async def fixed() -> Response:
        return Response(BODY, headers={"Cache-Control": "no-transform"}, media_type="text/plain")

    @app.get("/v1/failures/{name}")
    async def fail(name: str) -> Response:
        raise FAILURES[name]

    @app.get("/v1/cut")
    async def cut() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield BODY
            raise RuntimeError(SECRET)

        return StreamingResponse(pieces(), media_type="text/csv")

    return app


def ask(target: str, method: str = "GET", **headers: str) -> httpx.Response:
    """Send one request to a new application; header names take _ for -."""
    plain = {"Accept-Encoding": "identity"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }

    async def send() -> httpx.Response:
        # raise_app_exceptions stays on: nothing may reach the server that has been answered
        transport = httpx.ASGITransport(make_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, target, headers=plain)

    return asyncio.run(send())
