"""From rows of the normalised tables back to what a curator wrote: the inverse of `db/normalising.py`.

For checking that both agree (`db/verify.py`); reads serve the bodies in the history instead.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.models import exchanges, reference, sources
from db.normalising import table
from db.rendering import INPUT_OF, Input

Row = dict[str, Any]
Grouped = Mapping[str, list[Row]]


async def read_stored(connection: AsyncConnection, resource: Resource, ids: Sequence[str]) -> list[Input]:
    """Give the records of these ids as their rows tell them, in no order."""
    rows = await _READERS[resource](connection, ids)
    return [INPUT_OF[resource].model_validate(row) for row in rows]


async def _rows(connection: AsyncConnection, of: Table, column: str, ids: Sequence[str]) -> list[Row]:
    statement = select(of).where(of.c[column].in_(ids))
    if "position" in of.c:
        statement = statement.order_by(of.c.position)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def _grouped(connection: AsyncConnection, model: type[Any], column: str, ids: Sequence[str]) -> Grouped:
    grouped: dict[str, list[Row]] = {}
    for row in await _rows(connection, table(model), column, ids):
        grouped.setdefault(row[column], []).append(row)
    return grouped


async def _lists(
    connection: AsyncConnection, model: type[Any], column: str, listed: str, ids: Sequence[str]
) -> Mapping[str, list[str]]:
    grouped = await _grouped(connection, model, column, ids)
    return {owner: [row[listed] for row in rows] for owner, rows in grouped.items()}


async def _parts(
    connection: AsyncConnection,
    model: type[Any],
    pointer: str,
    cited: tuple[type[Any], str],
    ids: Sequence[str],
) -> Grouped:
    """Give claims, mediations or terms by the record that they are parts of, with their citations."""
    grouped = await _grouped(connection, model, pointer, ids)
    part_ids = [row["id"] for rows in grouped.values() for row in rows]
    citations = await _lists(connection, *cited, "article_id", part_ids)
    for rows in grouped.values():
        for row in rows:
            row["citations"] = citations.get(row["id"], [])
            for name in ("exchange_id", "agreement_id", "position"):
                row.pop(name, None)
            if "actor_id" in row:
                row["actor"] = row.pop("actor_id")
    return grouped


async def _exchanges(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    claims = await _parts(
        connection, exchanges.Claim, "exchange_id", (exchanges.ClaimCitation, "claim_id"), ids
    )
    mediations = await _mediations(connection, "exchange_id", ids)
    parties = await _lists(connection, exchanges.ExchangeParty, "exchange_id", "actor_id", ids)
    citations = await _lists(connection, exchanges.ExchangeCitation, "exchange_id", "article_id", ids)
    places = await _lists(connection, exchanges.LocationCitation, "exchange_id", "article_id", ids)
    overlaps = await _grouped(connection, exchanges.ExchangeOverlap, "exchange_id", ids)
    rows = await _rows(connection, table(exchanges.Exchange), "id", ids)
    for row in rows:
        id_, place = row["id"], row.pop("location_name")
        row["agreement"] = row.pop("agreement_id")
        row["location"] = None if place is None else {"name": place, "citations": places.get(id_, [])}
        row["parties"], row["citations"] = parties.get(id_, []), citations.get(id_, [])
        row["claims"], row["mediations"] = claims.get(id_, []), mediations.get(id_, [])
        row["overlaps"] = [
            {name: each[name] for name in ("released_by", "received_by", "measure", "count", "note")}
            | {"exchange": each["other_exchange_id"]}
            for each in overlaps.get(id_, [])
        ]
    return rows


async def _mediations(connection: AsyncConnection, pointer: str, ids: Sequence[str]) -> Grouped:
    cited = (exchanges.MediationCitation, "mediation_id")
    return await _parts(connection, exchanges.Mediation, pointer, cited, ids)


async def _agreements(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    terms = await _parts(connection, exchanges.Term, "agreement_id", (exchanges.TermCitation, "term_id"), ids)
    mediations = await _mediations(connection, "agreement_id", ids)
    parties = await _lists(connection, exchanges.AgreementParty, "agreement_id", "actor_id", ids)
    citations = await _lists(connection, exchanges.AgreementCitation, "agreement_id", "article_id", ids)
    rows = await _rows(connection, table(exchanges.Agreement), "id", ids)
    for row in rows:
        id_ = row["id"]
        row["parties"], row["citations"] = parties.get(id_, []), citations.get(id_, [])
        row["terms"], row["mediations"] = terms.get(id_, []), mediations.get(id_, [])
    return rows


async def _totals(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    parties = await _lists(connection, reference.PublishedTotalParty, "total_id", "actor_id", ids)
    citations = await _lists(connection, reference.PublishedTotalCitation, "total_id", "article_id", ids)
    rows = await _rows(connection, table(reference.PublishedTotal), "id", ids)
    for row in rows:
        row["agreement"] = row.pop("agreement_id")
        row["parties"], row["citations"] = parties.get(row["id"], []), citations.get(row["id"], [])
    return rows


async def _articles(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    rows = await _rows(connection, table(sources.Article), "id", ids)
    for row in rows:
        row["publisher"], row["agency"] = row.pop("publisher_id"), row.pop("agency_id")
        del row["url_key"]
    return rows


async def _publishers(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    return await _rows(connection, table(reference.Publisher), "id", ids)


async def _actors(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    members = await _lists(connection, reference.ActorMember, "actor_id", "member_id", ids)
    rows = await _rows(connection, table(reference.Actor), "id", ids)
    for row in rows:
        row["members"] = members.get(row["id"], [])
    return rows


async def _coverage(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    return await _rows(connection, table(reference.CoverageNote), "id", ids)


_READERS: Mapping[Resource, Callable[[AsyncConnection, Sequence[str]], Awaitable[list[Row]]]] = {
    Resource.EXCHANGE: _exchanges,
    Resource.ARTICLE: _articles,
    Resource.PUBLISHER: _publishers,
    Resource.ACTOR: _actors,
    Resource.AGREEMENT: _agreements,
    Resource.TOTAL: _totals,
    Resource.COVERAGE: _coverage,
}
