"""Queries that take the database too long: cancelled there, and answered as a problem that says what to do.

What takes long here is a lock that somebody else holds: the statement waits for it until its time is over.
"""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from pydantic import ValidationError

from api.main import create_app
from api.settings import HttpSettings
from db.settings import DatabaseSettings
from tests.applications import running

pytestmark = pytest.mark.anyio

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
async def impatient(loaded_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application whose statements may take a fifth of a second."""
    database = DatabaseSettings(database_url=loaded_url, database_statement_timeout=0.2)
    async with running(create_app(HttpSettings(log_level="error", cache_size=0), database)) as made:
        assert (await made.get("/v1/exchanges")).status_code == 200
        yield made


@pytest.fixture
async def locked(loaded_url: str, impatient: httpx.AsyncClient) -> AsyncIterator[asyncpg.Connection]:
    """What all reads of exchanges need, held by somebody else."""
    connection = await asyncpg.connect(loaded_url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE exchange_index, figure_index IN ACCESS EXCLUSIVE MODE")
        yield connection
    await connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/exchanges?mediator=UAE",
        "/v1/exchanges/2024-12-30-russia-ukraine",
        "/v1/stats?group_by=year",
        "/v1/exchanges.csv",
        "/v1/exchanges.atom",
        "/v1/charts/timeline.svg",
    ],
)
async def test_a_statement_that_takes_too_long_is_a_problem(
    impatient: httpx.AsyncClient, locked: asyncpg.Connection, path: str
) -> None:
    answer = await impatient.get(path)
    assert answer.status_code == 503
    problem = answer.json()
    assert problem["code"] == "timeout"
    assert "Narrow it" in problem["detail"]
    assert answer.headers["retry-after"] == "30"
    assert answer.headers["cache-control"] == "no-store"
    assert await locked.fetchval(WAITING) == 0, "the statement was cancelled at the server"


async def test_the_connections_are_as_good_as_before(impatient: httpx.AsyncClient, loaded_url: str) -> None:
    connection = await asyncpg.connect(loaded_url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE exchange_index IN ACCESS EXCLUSIVE MODE")
        for _ in range(12):  # more than there are connections
            assert (await impatient.get("/v1/exchanges?limit=1")).status_code == 503
    await connection.close()
    assert (await impatient.get("/v1/exchanges?limit=1")).status_code == 200


def test_the_time_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DatabaseSettings(_env_file=None).database_statement_timeout == 30
    monkeypatch.setenv("DATABASE_STATEMENT_TIMEOUT", "0.5")
    assert DatabaseSettings().database_statement_timeout == 0.5
    monkeypatch.setenv("DATABASE_STATEMENT_TIMEOUT", "0")
    with pytest.raises(ValidationError):
        DatabaseSettings()
