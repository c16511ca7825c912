"""A page is the same whichever way leads to it: gathered, in order, or in order from the rarest value."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from itertools import combinations

import pytest

from api import exports
from api.listing import Listing
from api.params import Value
from api.understanding import conditions
from db.queries.bodies import read_bodies
from db.queries.conditions import Snapshot
from db.queries.pages import ListQuery, Sort
from db.queries.walking import FEW, Memory, read_page
from db.reader import Reader
from db.session import read_engine

pytestmark = pytest.mark.anyio

ASKED: Mapping[str, tuple[Value, ...]] = {
    "mediator": ("uae",),
    "mediator_role": ("host",),
    "stance": ("denies",),
    "party": ("russia",),
    "received_by": ("ukraine",),
    "released_by": ("russia",),
    "claimant": ("ukraine",),
    "category": ("military",),
    "publisher": ("tass",),
    "agency": ("none",),
    "kind": ("prisoner_exchange",),
    "year": (2024,),
    "min_persons": (100,),
    "date_from": (dt.date(2024, 1, 1),),
    "date_to": (dt.date(2024, 9, 1),),
    "disputed": (True,),
    "mediator_all": ("uae", "turkey"),
    "claimant_all": ("ukraine", "russia"),
    "party_not": ("belarus",),
    "mediator_claimant": ("none",),
}
Values = Mapping[str, tuple[Value, ...]]
LISTS = (exports.EXCHANGES, exports.CLAIMS, exports.MEDIATIONS, exports.FIGURES)


@pytest.fixture
async def reader(read_only_url: str) -> AsyncIterator[Reader]:
    """The read side over the shipped dataset."""
    engine = read_engine(read_only_url, pool_size=1)
    yield Reader(engine)
    await engine.dispose()


async def walked(
    reader: Reader, listing: Listing, values: Values, sort: Sort, snapshot: Snapshot
) -> list[str]:
    """Give all bodies of a list, over some four pages."""
    async with reader.connection() as connection:
        names = await reader.vocabulary(connection)
    wanted = conditions(listing.filters, values, names.merges, names.revision)
    memory, after, bodies = Memory(), None, list[str]()
    async with reader.driver() as driver:
        first = await read_page(driver, listing.listed, ListQuery(wanted, snapshot, sort, 1), memory)
        limit = first.total // 4 + 1
        while True:
            query = ListQuery(wanted, snapshot, sort, limit, after)
            page = await read_page(driver, listing.listed, query, memory)
            bodies += [body.decode() for body in page.bodies]
            after = page.next
            if after is None:
                assert len(bodies) == page.total == first.total
                return bodies


async def plain(
    reader: Reader, listing: Listing, values: Values, sort: Sort, snapshot: Snapshot
) -> list[str]:
    """Give all bodies of a list as an export reads them, in one plain statement."""
    async with reader.unchanging() as connection:
        names = await reader.vocabulary(connection)
        wanted = conditions(listing.filters, values, names.merges, names.revision)
        batches = read_bodies(connection, listing.listed, wanted, snapshot, sort)
        return [body async for batch in batches for body in batch]


@pytest.mark.parametrize("listing", LISTS, ids=lambda listing: listing.listed.table.name)
@pytest.mark.parametrize("revision", [None, 1])
async def test_every_way_gives_the_same(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, listing: Listing, revision: int | None
) -> None:
    known = {name: values for name, values in ASKED.items() if name in listing.filters.by_spelling}
    pairs = [dict(pair) for pair in combinations(known.items(), 2)][:: 5 if revision is None else 11]
    absent: list[Values] = (
        [{"mediator": ("none",), "mediator_role": ("host",)}] if "mediator" in known else []
    )
    every: list[Values] = [{}, *({name: known[name]} for name in known), *pairs, *absent]
    for number, values in enumerate(every):
        sorts = list(listing.listed.sorts.values())
        sort = sorts[number % len(sorts)] if number % 3 == 0 else sorts[number % 2]
        ways = [await plain(reader, listing, values, sort, Snapshot(revision))]
        for few in (FEW, 0):
            monkeypatch.setattr("db.queries.walking.FEW", few)
            ways.append(await walked(reader, listing, values, sort, Snapshot(revision)))
        assert ways[0] == ways[1] == ways[2], values
