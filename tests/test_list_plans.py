"""No list query reads a table from end to end: plans at 100,000 exchanges, with statistics of that size.

The index tables are filled with copies of the shipped dataset, spread over the days of some years; bodies do
not matter, and are not copied.
"""

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import asyncpg
import pytest

from api import exports
from api.listing import Listing
from api.params import Value
from api.understanding import conditions
from db.queries.conditions import Snapshot
from db.queries.pages import After, ListQuery
from db.queries.walking import read_page
from db.reader import Reader
from db.session import read_engine
from tests.applications import Queries
from tests.databases import own_database

pytestmark = pytest.mark.anyio
Values = Mapping[str, tuple[Value, ...]]

COPIES = 425  # of 235 exchanges: 100,000
# Copies have ids of their own, and days that are spread evenly.
DAY = "date '2014-01-01' + abs(hashtext({} || copy) % 4500)"
OF_EXCHANGE = {"exchange_id": "exchange_id || '-' || copy", "date": DAY.format("exchange_id"), "body": "''"}
PART = OF_EXCHANGE | {"id": "exchange_id || '-' || copy || substr(id, length(exchange_id) + 1)"}
COPIED: Mapping[str, tuple[Mapping[str, str], str]] = {
    "exchange_index": ({"id": "id || '-' || copy", "date": DAY.format("id")}, "true"),
    "claim_index": (PART, "id LIKE '%:c1' OR id LIKE '%:c2'"),
    "mediation_index": (PART, "id LIKE '%:m1'"),
    "figure_index": (PART, "measure = 'persons'"),
    "facet_index": (
        {
            "owner_id": "owner_id || '-' || copy",
            "record_id": "owner_id || '-' || copy || substr(record_id, length(owner_id) + 1)",
            "date": DAY.format("owner_id"),
        },
        "resource = 'exchange' AND facet IN ('party', 'publisher')",
    ),
}

# A filter is asked for a value that many have, and for one that few have or none.
EXCHANGES: list[Values] = [
    {},
    {"mediator": ("uae",)},
    {"mediator": ("belarus",)},
    {"mediator_role": ("host",)},
    {"mediator_claimant": ("ukraine",)},
    {"stance": ("denies",)},
    {"party": ("russia",)},
    {"party": ("belarus",)},
    {"released_by": ("russia",)},
    {"received_by": ("ukraine",)},
    {"claimant": ("ukraine",)},
    {"category": ("wounded",)},
    {"rank": ("normal",)},
    {"rank": ("preferred",)},
    {"covers": ("fragment",)},
    {"kind": ("prisoner_exchange",)},
    {"kind": ("release",)},
    {"status": ("completed",)},
    {"status": ("cancelled",)},
    {"agreement": ("none",)},
    {"agreement": ("istanbul-2025-05-16",)},
    {"publisher": ("tass",)},
    {"date_from": (dt.date(2020, 1, 1),)},
    {"date_to": (dt.date(2015, 1, 1),)},
    {"year": (2024,)},
    {"min_persons": (100,)},
    {"min_persons": (100_000,)},
    {"max_persons": (5,)},
    {"disputed": (True,)},
    {"disputed_by_parties": (True,)},
    {"attestation": ("receiver_only",)},
    {"has_figures": (True,)},
    {"min_sources": (3,)},
    {"has_overlaps": (True,)},
    {"mediator": ("uae",), "kind": ("prisoner_exchange",)},
    {"mediator": ("uae",), "date_to": (dt.date(2015, 1, 1),)},
    {"mediator": ("uae",), "min_persons": (200,)},
    {"mediator": ("uae",), "received_by": ("ukraine",)},
    {"released_by": ("russia",), "received_by": ("ukraine",)},
    {"party": ("russia",), "year": (2024,)},
    {"publisher": ("tass",), "mediator": ("uae",)},
]
ASKED: Mapping[str, tuple[Listing, list[Values]]] = {
    "exchanges": (exports.EXCHANGES, EXCHANGES),
    "claims": (
        exports.CLAIMS,
        [{}, {"claimant": ("ukraine",)}, {"direction": ("russia.ukraine",)}, {"qualifier": ("at_least",)}],
    ),
    "mediations": (exports.MEDIATIONS, [{}, {"mediator": ("uae",)}, {"stance": ("denies",)}]),
    "figures": (exports.FIGURES, [{}, {"received_by": ("ukraine",)}, {"attestation": ("both_parties",)}]),
}
CASES = [
    pytest.param(listing, values, sort, id=f"{name}-{'-'.join(values) or 'all'}-{sort}")
    for name, (listing, every) in ASKED.items()
    for values in every
    for sort in (listing.listed.sorts if not values else ["-date", "date"])
]
# A key in the middle of each order; of the dates, every case asks for it.
MIDDLE: Mapping[str, Any] = {
    "date": dt.date(2020, 1, 1),
    "persons": 100,
    "count": 100,
    "best": 100,
    "spread": 1,
}


@pytest.fixture(scope="module")
async def reader(server_url: str, loaded_template: str) -> AsyncIterator[Reader]:
    """The read side over 100,000 exchanges."""
    async with own_database(server_url, loaded_template) as url:
        connection = await asyncpg.connect(url)
        for table, (columns, which) in COPIED.items():
            await connection.execute(await _copying(connection, table, columns, which))
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        engine = read_engine(url, pool_size=1)
        yield Reader(engine)
        await engine.dispose()


async def _copying(
    connection: asyncpg.Connection, table: str, replaced: Mapping[str, str], which: str
) -> str:
    found = await connection.fetch(
        "SELECT column_name AS name FROM information_schema.columns"
        " WHERE table_name = $1 AND is_generated = 'NEVER'",
        table,
    )
    names = [row["name"] for row in found]
    values = [replaced.get(name, name) for name in names]
    copies = f"generate_series(1, {COPIES}) AS copy"
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
        f" FROM {table}, {copies} WHERE {which}"
    )


def scanned(plan: Mapping[str, Any]) -> Iterator[str]:
    """Give the large tables that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in COPIED:
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from scanned(part)


@pytest.mark.parametrize(("listing", "values", "sort"), CASES)
async def test_no_table_is_read_from_end_to_end(
    reader: Reader, queries: Queries, listing: Listing, values: Values, sort: str
) -> None:
    order, by = listing.listed.sorts[sort], sort.removeprefix("-")
    async with reader.connection() as connection:
        names = await reader.vocabulary(connection)
    wanted = conditions(listing.filters, values, names.merges, names.revision)
    async with reader.driver() as driver:
        for snapshot in (Snapshot(), Snapshot(1)):
            query = ListQuery(wanted, snapshot, order, 50)
            page = await read_page(driver, listing.listed, query, reader.memory)  # counts, once for all
            deep = After(MIDDLE.get(by, page.next.key if page.next else "m"), "m", page.total)
            for after in (None, deep):
                queries.by_driver.clear()
                again = ListQuery(wanted, snapshot, order, 50, after)
                await read_page(driver, listing.listed, again, reader.memory)
                *_, (statement, arguments) = queries.by_driver
                plan = await driver.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments)
                assert list(scanned(plan[0]["Plan"])) == [], plan
