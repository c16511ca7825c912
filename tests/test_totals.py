"""Totals that a worker remembers are those of a plain count, whatever is written in between, and cheap."""

from collections.abc import AsyncIterator, Mapping
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api import exports
from api.listing import Listing
from api.params import Value
from api.understanding import conditions
from db.amending import merge, remove, restore
from db.enums import Resource
from db.queries.bodies import count_bodies
from db.queries.conditions import Snapshot
from db.queries.pages import ListQuery, Page
from db.queries.totals import MANY
from db.queries.walking import Memory, read_page
from db.reader import Reader
from db.session import read_engine
from tests.applications import Queries
from tests.blanking import blank
from tests.curating import url_of
from tests.synthetic import article, claim, exchange, mediation
from tests.test_amending import run
from tests.writing import changed, made, put, put_small, stored_ids

pytestmark = pytest.mark.anyio
R = Resource
Asked = tuple[Listing, Mapping[str, tuple[Value, ...]]]
CITED = ["page-1", "page-2"]
ASKED: list[Asked] = [
    (exports.EXCHANGES, {}),
    (exports.EXCHANGES, {"mediator": ("east",)}),
    (exports.EXCHANGES, {"mediator": ("none",)}),
    (exports.EXCHANGES, {"mediator": ("east", "none"), "kind": ("release",)}),
    (exports.EXCHANGES, {"mediator_all": ("east", "north")}),
    (exports.EXCHANGES, {"mediator_not": ("east",), "party": ("north",)}),
    (exports.EXCHANGES, {"kind": ("release",)}),
    (exports.EXCHANGES, {"category": ("military",), "min_persons": (6,)}),
    (exports.EXCHANGES, {"article": ("page-2",)}),
    (exports.EXCHANGES, {"released_by": ("north",), "disputed": (False,)}),
    (exports.EXCHANGES, {"year": (2020,), "has_figures": (True,)}),
    (exports.CLAIMS, {}),
    (exports.CLAIMS, {"category": ("military",)}),
    (exports.CLAIMS, {"mediator": ("east",), "publisher": ("gazette",)}),
    (exports.CLAIMS, {"kind": ("release",), "article": ("page-1",)}),
    (exports.MEDIATIONS, {"mediator": ("east",)}),
    (exports.FIGURES, {"measure": ("persons",), "mediator": ("east",)}),
    (exports.ARTICLES, {"publisher": ("gazette",)}),
    (exports.ACTORS, {"kind": ("state",)}),
]


async def random_write(engine: AsyncEngine, choose: Random, number: int) -> None:
    """Write something, of exchanges mostly: what takes records away, brings them back or blanks them too."""
    standing = sorted((await stored_ids(engine))[R.EXCHANGE])
    id_ = choose.choice(standing)
    match choose.randrange(8):
        case 0:
            new = f"new-{number}"
            await put(engine, made(R.EXCHANGE, exchange(new, kind=choose.choice(["release", "transfer"]))))
        case 1:
            brokers = choose.sample(["east", "north"], choose.randrange(3))
            parts = [mediation(f"{id_}:m{n}", actor=actor) for n, actor in enumerate(brokers, 1)]
            await put(engine, await changed(engine, R.EXCHANGE, id_, mediations=parts, citations=CITED))
        case 2:
            parts = [
                claim(f"{id_}:c{n}", category=choose.choice(["total", "military"]), count=choose.randrange(9))
                for n in range(1, choose.randrange(2, 5))
            ]
            await put(engine, await changed(engine, R.EXCHANGE, id_, claims=parts, citations=CITED))
        case 3:
            date = f"20{choose.choice([19, 20])}-01-01"
            await put(engine, await changed(engine, R.EXCHANGE, id_, date=date, kind="release"))
        case 4 if len(standing) > 2:
            await run(engine, lambda write: remove(write, R.EXCHANGE, id_))
            if choose.random() < 0.5:
                await run(engine, lambda write: restore(write, R.EXCHANGE, id_))
            elif choose.random() < 0.5:
                await blank(engine, R.EXCHANGE, id_, 1)
        case 5 if len(standing) > 2:
            into = choose.choice([other for other in standing if other != id_])
            await run(engine, lambda write: merge(write, R.EXCHANGE, id_, into))
        case 6:
            publisher = choose.choice(["gazette", "herald"])
            await put(engine, await changed(engine, R.ARTICLE, "page-1", publisher=publisher))
        case _:
            await put(engine, made(R.ARTICLE, article(f"new-{number}")))


@pytest.fixture
async def reading(engine: AsyncEngine, server_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine that reads the small dataset, which `engine` writes to."""
    await put_small(engine)
    made = read_engine(await url_of(engine, server_url), pool_size=2)
    yield made
    await made.dispose()


async def read(reading: AsyncEngine, memory: Memory, asked: Asked, revision: int | None = None) -> Page:
    """Read the first page, and check its total against a plain count and against what is on it."""
    listing, values = asked
    reader, snapshot = Reader(reading), Snapshot(revision)
    async with reader.driver() as driver, reader.connection() as connection:
        names = await reader.vocabulary(connection)
        wanted = conditions(listing.filters, values, names.merges, names.revision)
        sort = listing.listed.sorts[listing.default_sort]
        page = await read_page(driver, listing.listed, ListQuery(wanted, snapshot, sort, 1000), memory)
        counted = await count_bodies(connection, listing.listed, wanted, snapshot)
    assert page.total == counted == len(page.bodies), (asked, revision)
    return page


@pytest.mark.parametrize("many", [0, MANY])
@pytest.mark.parametrize("seed", range(2))
async def test_what_is_remembered_is_what_a_count_gives(
    engine: AsyncEngine, reading: AsyncEngine, monkeypatch: pytest.MonkeyPatch, seed: int, many: int
) -> None:
    monkeypatch.setattr("db.queries.totals.MANY", many)
    choose, memory, newest = Random(seed), Memory(), 1
    for number in range(12):
        for _ in range(choose.randrange(3)):
            await random_write(engine, choose, number)
        for asked in choose.sample(ASKED, 7):
            past = choose.randint(1, newest) if choose.random() < 0.3 else None
            newest = (await read(reading, memory, asked, past)).state.newest
    for asked in ASKED:
        await read(reading, memory, asked)


async def test_a_count_of_a_revision_to_come_is_not_remembered(
    engine: AsyncEngine, reading: AsyncEngine
) -> None:
    memory, everything = Memory(), ASKED[0]
    ahead = (await read(reading, memory, everything)).state.newest + 1
    await read(reading, memory, everything, ahead)
    await put(engine, made(R.EXCHANGE, exchange("third")))
    assert (await read(reading, memory, everything, ahead)).total == 3


async def test_only_what_was_written_since_is_counted(
    engine: AsyncEngine, reading: AsyncEngine, queries: Queries
) -> None:
    brokered: Asked = (exports.EXCHANGES, {"mediator": ("east",)})
    claims: Asked = (exports.CLAIMS, {"mediator": ("east",)})
    memory = Memory()

    async def statements(asked: Asked) -> list[str]:
        queries.by_driver.clear()
        await read(reading, memory, asked)
        return [statement for statement, _ in queries.by_driver]

    [first] = await statements(brokered)
    [again] = await statements(brokered)
    assert "count(*)" in first
    assert "count(*)" not in again
    await statements(claims)
    await put(engine, await changed(engine, R.EXCHANGE, "first", mediations=[mediation("first:m1")]))
    page, written, change = await statements(brokered)
    assert "count(*)" not in page + written
    assert "ANY" in change
    page, change = await statements(claims)  # what was written is known by now
    assert "ANY" in change
    assert len(await statements(claims)) == 1
