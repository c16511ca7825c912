"""What requests depend on: opened while the service runs, handed to routes by name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from db.reader import Reader
from db.session import read_engine, write_engine
from db.settings import DatabaseSettings


class State(TypedDict):
    """What the lifespan opens, found on `request.state`."""

    reader: Reader
    writer: AsyncEngine


@asynccontextmanager
async def lifespan(database: DatabaseSettings) -> AsyncIterator[State]:
    """Make both sides for as long as the service runs; they connect when they are first asked."""
    if database.database_url is None:
        raise RuntimeError("DATABASE_URL is not set; `exchanges serve` sets it")
    engine = read_engine(database.database_url, pool_size=database.database_pool_size)
    try:
        yield State(reader=Reader(engine), writer=write_engine(database.database_url))
    finally:
        await engine.dispose()


async def _reader(request: Request) -> Reader:
    return cast("Reader", request.state.reader)


async def _writer(request: Request) -> AsyncEngine:
    return cast("AsyncEngine", request.state.writer)


ReaderDep = Annotated[Reader, Depends(_reader)]
WriterDep = Annotated[AsyncEngine, Depends(_writer)]
