"""Citations: which record, or part of one, cites which article; a row for each."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Row, Text, cast, func, inspect, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from db.models.history import Revision
from db.models.index import NONE, ArticleIndex, FacetIndex
from db.normalising import table
from db.queries.bodies import BATCH
from db.queries.conditions import Condition, Snapshot, where

# The row of a citation, under a name of its own: conditions look into the same table for other things.
Cited = aliased(FacetIndex, name="cited")
CITED: Any = inspect(Cited).selectable  # as good as a table
IN_EXCHANGES = ("exchange", "claim", "mediation")
CITING = (*IN_EXCHANGES, "agreement", "total")


async def read_citations(
    connection: AsyncConnection,
    conditions: Sequence[Condition],
    snapshot: Snapshot,
    *,
    of_exchanges: bool,
) -> AsyncIterator[Sequence[Row[tuple[str, str, str | None, str, str, str, str | None, str | None]]]]:
    """Give citations, some hundred at a time: those of the latest records first, then by id.

    A row holds what cites (one of CITING), the id of its record, that of the part or null, and of the article
    its id, URL, publisher, agency and day. `of_exchanges`: conditions speak of exchanges, so that no other
    record meets them. The connection must be in a transaction.
    """
    article, revision = table(ArticleIndex), table(Revision)
    written = (revision.c.dataset_revision == article.c.from_revision) & (
        revision.c.position == article.c.position
    )
    statement = (
        select(
            CITED.c.resource,
            CITED.c.owner_id,
            func.nullif(CITED.c.record_id, CITED.c.owner_id),
            CITED.c.value,
            cast(revision.c.body, JSONB)["url"].astext,
            article.c.publisher,
            func.nullif(article.c.agency, NONE),
            cast(article.c.published_on, Text),
        )
        .select_from(CITED.join(article, article.c.id == CITED.c.value).join(revision, written))
        .where(
            CITED.c.facet == "article",
            CITED.c.resource.in_(IN_EXCHANGES if of_exchanges else CITING),
            snapshot.holds(CITED),
            snapshot.holds(article),
            *where(conditions, CITED, "owner_id", snapshot),
        )
        .order_by(CITED.c.date.desc(), CITED.c.owner_id, CITED.c.resource, CITED.c.record_id, CITED.c.value)
    )
    async with connection.stream(statement.execution_options(yield_per=BATCH)) as result:
        async for rows in result.partitions():
            yield rows
