"""What requests depend on: opened while the service runs, handed to routes by name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request

from db.reader import Reader
from db.session import read_engine
from db.settings import DatabaseSettings


class State(TypedDict):
    """What the lifespan opens, found on `request.state`."""

    reader: Reader


@asynccontextmanager
async def lifespan(database: DatabaseSettings) -> AsyncIterator[State]:
    """Make the read side for as long as the service runs; it connects when it is first asked."""
    if database.database_url is None:
        raise RuntimeError("DATABASE_URL is not set; `exchanges serve` sets it")
    engine = read_engine(database.database_url, pool_size=database.database_pool_size)
    try:
        yield State(reader=Reader(engine))
    finally:
        await engine.dispose()


async def _reader(request: Request) -> Reader:
    return cast("Reader", request.state.reader)


ReaderDep = Annotated[Reader, Depends(_reader)]
