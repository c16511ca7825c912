"""What the guide says of spreading the index tables over machines is what tables and statements are like."""

import re
from collections.abc import Mapping

import httpx
import pytest
from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.base import Base
from tests.applications import Queries
from tests.distribution import joins_of
from tests.snippets import GUIDE

pytestmark = pytest.mark.anyio

KEYS = {
    "exchange_index": "id",
    "claim_index": "exchange_id",
    "mediation_index": "exchange_id",
    "figure_index": "exchange_id",
    "own_value_index": "exchange_id",
    "facet_index": "record_id",
}
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| `([\w, ]+)` \| (yes|no) \|$", re.MULTILINE)
ASTRAY = re.compile(r"^- not by the key: `(\w+)` with `(\w+)`", re.MULTILINE)
LOCAL = re.compile(r"^- in one place: `(\w+)`", re.MULTILINE)

EXCHANGE = "2024-12-30-russia-ukraine"
ASKED = [
    "/v1/exchanges",
    "/v1/exchanges?as_of=1",
    "/v1/exchanges?mediator=UAE",
    "/v1/exchanges?mediator_all=UAE&mediator_not=USA",
    "/v1/exchanges?mediator=none",
    "/v1/exchanges?mediator=UAE&mediator=none",
    "/v1/exchanges?party=russia&publisher=tass",
    "/v1/exchanges?released_by=russia&min_persons=100&disputed=true",
    "/v1/exchanges?claimant=ukraine&category=wounded",
    "/v1/exchanges?q=dubai",
    "/v1/exchanges?sort=persons",
    f"/v1/exchanges/{EXCHANGE}",
    f"/v1/claims/{EXCHANGE}:c1",
    "/v1/claims?claimant=ukraine",
    "/v1/claims?mediator=UAE",
    "/v1/claims?publisher=tass",
    "/v1/mediations?mediator=UAE&claimant=russia",
    "/v1/figures?party=russia&disputed=true",
    "/v1/figures?mediator=UAE",
    "/v1/stats?group_by=year&group_by=mediator",
    "/v1/stats?group_by=year&received_by=ukraine&counted_by=ukraine",
    "/v1/stats?group_by=publisher&mediator=UAE",
    "/v1/reconciliation?claimant=uae&mediator=uae",
    "/v1/disagreements?between=ukraine&between=russia",
    "/v1/exchanges.ndjson?mediator=UAE",
]


@pytest.fixture(scope="module")
def page() -> str:
    return (GUIDE / "growth.md").read_text(encoding="utf-8")


def tables() -> Mapping[str, Table]:
    return {name: Base.metadata.tables[name] for name in KEYS}


def test_the_page_tells_which_keys_hold_the_column_that_rows_are_spread_by(page: str) -> None:
    told = {name: (column, key, fits) for name, column, key, fits in ROW.findall(page)}
    assert told == {
        name: (
            KEYS[name],
            ", ".join(column.name for column in table.primary_key.columns),
            "yes" if KEYS[name] in table.primary_key.columns else "no",
        )
        for name, table in tables().items()
    }


def test_no_other_unique_key_and_no_reference_ties_spread_tables() -> None:
    for table in tables().values():
        unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        assert unique == [each for each in unique if isinstance(each, PrimaryKeyConstraint)]
        assert not any(index.unique for index in table.indexes)
        assert not table.foreign_key_constraints
    into = [
        key.column.table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name in KEYS
    ]
    assert into == []


async def test_no_trigger_is_on_a_spread_table(loaded_engine: AsyncEngine) -> None:
    triggers = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
    async with loaded_engine.connect() as connection:
        found = set((await connection.execute(text(triggers))).scalars())
    assert found & KEYS.keys() == set()
    assert {"claim", "revision", "dataset"} <= found  # which therefore stay where they are


async def test_the_page_tells_how_reads_join_spread_tables(
    client: httpx.AsyncClient, queries: Queries, page: str
) -> None:
    astray: set[frozenset[str]] = set()
    local: set[str] = set()
    for asked in ASKED:
        assert (await client.get(asked)).status_code == 200, asked
    assert any("facet_index" in each for each in queries)
    for statement in set(queries):
        if any(name in statement for name in KEYS):
            found = joins_of(statement, KEYS)
            astray |= found.astray
            local |= found.local
    assert {frozenset(pair) for pair in ASTRAY.findall(page)} == astray
    assert set(LOCAL.findall(page)) == local


def test_joins_are_told_apart() -> None:
    by_key = (
        "SELECT 1 FROM exchange_index e WHERE EXISTS (SELECT 1 FROM claim_index c WHERE c.exchange_id = e.id)"
    )
    assert joins_of(by_key, KEYS).astray == set()
    by_other = by_key.replace("c.exchange_id = e.id", "c.id = e.id")
    assert joins_of(by_other, KEYS).astray == {frozenset({"claim_index", "exchange_index"})}
    through = (
        "SELECT 1 FROM (SELECT c.exchange_id AS x FROM claim_index c) AS s "
        "JOIN exchange_index e ON s.x = e.id "
        "LEFT JOIN revision r ON r.position = e.position"
    )
    found = joins_of(through, KEYS)
    assert (found.astray, found.local) == (set(), {"revision"})
    within = "SELECT 1 FROM claim_index c WHERE c.exchange_id IN (SELECT e.id FROM exchange_index e)"
    assert joins_of(within, KEYS).astray == set()
