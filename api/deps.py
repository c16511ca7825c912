"""What requests depend on: opened while the service runs, handed to routes by name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from api.limits import WriteLimiter
from api.settings import HttpSettings
from api.streams import Streams
from db.newest import Newest
from db.reader import Reader
from db.session import read_engine, write_engine
from db.settings import DatabaseSettings

WRITE_CONNECTIONS = 8  # of each worker; requests beyond them queue, and get 503 after a while


class State(TypedDict):
    """What the lifespan opens, found on `request.state`."""

    reader: Reader
    writer: AsyncEngine
    limiter: WriteLimiter
    citation_limiter: WriteLimiter
    streams: Streams
    newest: Newest


@asynccontextmanager
async def lifespan(settings: HttpSettings, database: DatabaseSettings) -> AsyncIterator[State]:
    """Make both sides for as long as the service runs; they connect when they are first asked."""
    if database.database_url is None:
        raise RuntimeError("DATABASE_URL is not set; `exchanges serve` sets it")
    following = 1 if settings.cache_size else 0  # the connection of `newest`
    engine = read_engine(database.database_url, pool_size=database.database_pool_size + following)
    writer = write_engine(database.database_url, pool_size=WRITE_CONNECTIONS)
    reader = Reader(engine)
    streams = Streams(reader, limit=settings.max_streams, interval=settings.stream_interval)
    newest = Newest()
    follower = asyncio.create_task(newest.follow(reader)) if settings.cache_size else None
    try:
        with streams.ended_by_signal():
            yield State(
                reader=reader,
                writer=writer,
                limiter=WriteLimiter(per_minute=settings.writes_per_minute, burst=settings.write_burst),
                citation_limiter=WriteLimiter(
                    per_minute=settings.citations_per_minute, burst=settings.citation_burst
                ),
                streams=streams,
                newest=newest,
            )
    finally:
        if follower is not None:
            follower.cancel()
            await asyncio.wait([follower])
        await engine.dispose()
        await writer.dispose()


async def _reader(request: Request) -> Reader:
    return cast("Reader", request.state.reader)


async def _writer(request: Request) -> AsyncEngine:
    return cast("AsyncEngine", request.state.writer)


async def _limiter(request: Request) -> WriteLimiter:
    return cast("WriteLimiter", request.state.limiter)


async def _citation_limiter(request: Request) -> WriteLimiter:
    return cast("WriteLimiter", request.state.citation_limiter)


async def _streams(request: Request) -> Streams:
    return cast("Streams", request.state.streams)


ReaderDep = Annotated[Reader, Depends(_reader)]
WriterDep = Annotated[AsyncEngine, Depends(_writer)]
LimiterDep = Annotated[WriteLimiter, Depends(_limiter)]
CitationLimiterDep = Annotated[WriteLimiter, Depends(_citation_limiter)]
StreamsDep = Annotated[Streams, Depends(_streams)]
