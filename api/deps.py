"""What requests depend on: opened while the service runs, handed to routes by name."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from api.counting import Gauges, counts
from api.limits import WriteLimiter
from api.readlimits import ReadLimits
from api.settings import HttpSettings
from api.streams import Streams
from api.tries import note_asked
from db.newest import Newest
from db.reader import Reader
from db.session import read_engine, write_engine
from db.settings import DatabaseSettings
from db.timing import CountingPool

WRITE_CONNECTIONS = 8  # of each worker; requests beyond them queue, and get 503 after a while
PRIMARY_CONNECTIONS = 4  # to read from the primary, where there are replicas to read from
PRIMARY_PATIENCE = 2.0  # seconds that one of them is waited for


class State(TypedDict):
    """What the lifespan opens, found on `request.state`."""

    reader: Reader
    primary: Reader
    writer: AsyncEngine
    limiter: WriteLimiter
    citation_limiter: WriteLimiter
    read_limits: ReadLimits
    streams: Streams
    newest: Newest


@asynccontextmanager
async def lifespan(settings: HttpSettings, database: DatabaseSettings) -> AsyncIterator[State]:
    """Make both sides for as long as the service runs; they connect when they are first asked."""
    if database.database_url is None:
        raise RuntimeError("DATABASE_URL is not set; `exchanges serve` sets it")
    following = 1 if settings.cache_size else 0  # the connection of `newest`
    url = database.database_read_url or database.database_url
    engine = read_engine(
        url,
        pool_size=database.database_pool_size + following,
        statement_timeout=database.database_statement_timeout,
    )
    writer = write_engine(database.database_url, pool_size=WRITE_CONNECTIONS)
    reader = primary = Reader(engine)
    if database.database_read_url is not None:
        primary = Reader(
            write_engine(database.database_url, pool_size=PRIMARY_CONNECTIONS, pool_timeout=PRIMARY_PATIENCE),
            bounded=True,
        )
    streams = Streams(reader, limit=settings.max_streams, interval=settings.stream_interval)
    newest = Newest()
    follower = asyncio.create_task(newest.follow(reader)) if settings.cache_size else None
    pools = {"read": engine, "write": writer}
    if primary is not reader:
        pools["primary"] = primary.engine
    try:
        with streams.ended_by_signal(), counts.watching(partial(_gauges, pools, streams, newest)):
            yield State(
                reader=reader,
                primary=primary,
                writer=writer,
                limiter=WriteLimiter(per_minute=settings.writes_per_minute, burst=settings.write_burst),
                citation_limiter=WriteLimiter(
                    per_minute=settings.citations_per_minute, burst=settings.citation_burst
                ),
                read_limits=_read_limits(settings),
                streams=streams,
                newest=newest,
            )
    finally:
        if follower is not None:
            follower.cancel()
            await asyncio.wait([follower])
        await engine.dispose()
        await primary.engine.dispose()
        await writer.dispose()


def _gauges(pools: Mapping[str, AsyncEngine], streams: Streams, newest: Newest) -> Gauges:
    """Give what is measured when the metrics are asked for (`api/metrics.py`)."""
    counted = {name: engine.pool for name, engine in pools.items() if isinstance(engine.pool, CountingPool)}
    told: dict[str, dict[str, float]] = {
        "pool_connections": {name: pool.size() for name, pool in counted.items()},
        "pool_in_use": {name: pool.checkedout() for name, pool in counted.items()},
        "pool_waiting": {name: pool.waiting for name, pool in counted.items()},
        "streams_open": {"": streams.open},
    }
    if newest.look is not None:
        look = newest.look
        told["dataset_revision"] = {"": look.revision}
        told["dataset_updated_timestamp_seconds"] = {"": look.updated_at.timestamp()}
        told["dataset_seen_timestamp_seconds"] = {"": look.at.timestamp()}
        if look.lag_seconds is not None:
            told["replica_lag_seconds"] = {"": float(look.lag_seconds)}
        if look.lag_bytes is not None:
            told["replica_lag_bytes"] = {"": float(look.lag_bytes)}
    return told


def _read_limits(settings: HttpSettings) -> ReadLimits:
    return ReadLimits(
        settings.rate_limit_storage.get_secret_value(),
        trusted=settings.trusted_proxies,
        unlimited=settings.unlimited_readers,
        reads=(settings.reads_per_minute, settings.read_burst),
        expensive=(settings.expensive_per_minute, settings.expensive_burst),
    )


async def _reader(request: Request) -> Reader:
    note_asked(request.scope)
    return cast("Reader", request.state.reader)


async def _primary(request: Request) -> Reader:
    if request.state.primary is request.state.reader:
        note_asked(request.scope)
    return cast("Reader", request.state.primary)


async def _writer(request: Request) -> AsyncEngine:
    return cast("AsyncEngine", request.state.writer)


async def _limiter(request: Request) -> WriteLimiter:
    return cast("WriteLimiter", request.state.limiter)


async def _citation_limiter(request: Request) -> WriteLimiter:
    return cast("WriteLimiter", request.state.citation_limiter)


async def _streams(request: Request) -> Streams:
    return cast("Streams", request.state.streams)


ReaderDep = Annotated[Reader, Depends(_reader)]
PrimaryDep = Annotated[Reader, Depends(_primary)]
WriterDep = Annotated[AsyncEngine, Depends(_writer)]
LimiterDep = Annotated[WriteLimiter, Depends(_limiter)]
CitationLimiterDep = Annotated[WriteLimiter, Depends(_citation_limiter)]
StreamsDep = Annotated[Streams, Depends(_streams)]
