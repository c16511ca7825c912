"""That a write touches the rows that differ and no others, and asks the database little."""

from collections import Counter

import asyncpg
import pytest
from sqlalchemy import Text, literal, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from db.base import Base
from db.enums import Resource
from db.rows import FEW
from db.session import driver_of
from db.verify import verify
from tests.applications import Queries
from tests.curating import Curator, path_of, refused
from tests.synthetic import Record, article, claim
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
# What every write of one record adds or changes, besides the record's own rows.
HISTORY = {"revision": 1, "dataset": 1, "dataset_revision": 1}
NOTED = frozenset({"api_key"})  # when it was last used


async def versions(engine: AsyncEngine) -> set[tuple[str, str, str]]:
    """Give every row of every table by what tells it from what it was before: who wrote it, and where."""
    written = [
        select(
            literal(name), literal_column("xmin::text", Text), literal_column("ctid::text", Text)
        ).select_from(each)
        for name, each in Base.metadata.tables.items()
        if name not in NOTED
    ]
    async with engine.connect() as connection:
        rows = await connection.execute(union_all(*written))
        return {(name, xmin, ctid) for name, xmin, ctid in rows}


async def touched(curator: Curator, resource: Resource, record_id: str, patch: Record) -> Counter[str]:
    """Patch a record, and count by table the rows that are new or changed."""
    before = await versions(curator.engine)
    answer = await curator.change("PATCH", path_of(resource, record_id), patch)
    assert answer.status_code == 200
    return Counter(name for name, *_ in await versions(curator.engine) - before)


@pytest.mark.parametrize(
    ("resource", "record_id", "patch", "own"),
    [
        (R.EXCHANGE, "first", {"summary": "Said otherwise."}, {"exchange": 1, "exchange_index": 2}),
        (R.AGREEMENT, "talks", {"title": "Other talks"}, {"agreement": 1, "agreement_index": 2}),
        (R.TOTAL, "total-1", {"value": 51}, {"published_total": 1, "total_index": 2}),
        (R.COVERAGE, "winter", {"statement": "Said otherwise."}, {"coverage_note": 1, "coverage_index": 2}),
        (R.ARTICLE, "page-3", {"link_status": "alive"}, {"article": 1, "article_index": 2}),
        (
            R.ACTOR,
            "north",
            {"aliases": ["The North"]},
            {"actor": 1, "actor_name": 1, "actor_index": 2},
        ),
    ],
)
async def test_what_does_not_change_is_not_written(
    curator: Curator, resource: Resource, record_id: str, patch: Record, own: dict[str, int]
) -> None:
    assert await touched(curator, resource, record_id, patch) == HISTORY | own


async def test_a_patch_asks_little_of_the_database(curator: Curator, queries: Queries) -> None:
    """Whose key, the lock, the record, what it refers to, its articles, its rows, the write, its end."""
    await touched(curator, R.EXCHANGE, "first", {"summary": "Said once."})
    etag = (await curator.get("/v1/exchanges/first")).headers["etag"]
    queries.clear()
    answer = await curator.send("PATCH", "/v1/exchanges/first", {"summary": "Said otherwise."}, etag=etag)
    assert answer.status_code == 200
    assert len(queries) == 8, queries


async def test_what_goes_makes_room_for_what_comes(engine: AsyncEngine) -> None:
    """Two articles change their addresses, which are unique, in one write."""
    await put_small(engine)
    one, other = article("page-1"), article("page-2")
    one["url"], other["url"] = other["url"], one["url"]
    await put(engine, made(R.ARTICLE, one), made(R.ARTICLE, other))
    assert [fault async for fault in verify(engine)] == []


@pytest.mark.parametrize("most", [3, FEW])
async def test_a_record_may_grow_and_shrink(engine: AsyncEngine, most: int) -> None:
    """By few rows, which go into one statement, and by many."""
    await put_small(engine)
    claims = [claim(f"first:c{n}", count=n, category="military") for n in range(1, most + 1)]
    for part in (claims, claims[1:], claims[:1], list(reversed(claims[:2])), claims):
        await put(engine, await changed(engine, R.EXCHANGE, "first", claims=part))
        assert [fault async for fault in verify(engine)] == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2026-11-01T10:00:00+17:00", "2026-10-31T17:00:00Z"),
        ("2026-11-01T10:00:00.250-23:59", "2026-11-02T09:59:00.250000Z"),
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
    ],
)
async def test_a_moment_is_kept_whatever_its_offset(curator: Curator, said: str, kept: str) -> None:
    [path] = [each["links"]["self"] for each in (await curator.get("/v1/articles?limit=1")).json()["data"]]
    answer = await curator.change("PATCH", path, {"link_checked_at": said})
    assert (answer.status_code, answer.json()["link_checked_at"]) == (200, kept)
    assert (await curator.change("PATCH", path, {"language": "de"})).json()["link_checked_at"] == kept


@pytest.mark.parametrize("said", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00"])
async def test_a_moment_that_is_none_in_utc_is_refused(curator: Curator, said: str) -> None:
    [path] = [each["links"]["self"] for each in (await curator.get("/v1/articles?limit=1")).json()["data"]]
    answer = await curator.send("PATCH", path, {"link_checked_at": said}, etag=await curator.etag(path))
    refused(answer, 422, "invalid_body", "/link_checked_at")


async def test_a_statement_that_was_cut_off_is_the_last_of_its_connection(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(TimeoutError):
            async with driver_of(connection) as driver:
                await driver.execute("SELECT pg_sleep(60)", timeout=0.01)
        assert connection.invalidated
        await connection.rollback()
        with pytest.raises(asyncpg.UndefinedTableError):
            async with driver_of(connection) as driver:
                await driver.execute("SELECT FROM nothing")
        assert not connection.invalidated
