"""What charts need beside the sums of `db/queries/stats.py`: days, other measures, names of actors."""

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Measure
from db.queries.stats import Overlap
from db.queries.statschoice import (
    EXCHANGE,
    FIGURE,
    StatsQuery,
    chosen_exchanges,
    direction_clauses,
    figure_clauses,
)


async def read_days(
    connection: AsyncConnection, query: StatsQuery, overlaps: Collection[Overlap]
) -> Sequence[tuple[dt.date, int]]:
    """Sum the best figures by day, in the order of days.

    People whom another exchange has already counted are subtracted on the day of the one that says so.
    """
    chosen, figure = chosen_exchanges(query).subquery("chosen"), FIGURE.alias("figure")
    days = (
        select(figure.c.date, func.sum(figure.c.best))
        .join(chosen, chosen.c.id == figure.c.exchange_id)
        .where(*figure_clauses(query, figure))
        .group_by(figure.c.date)
    )
    sums = {day: int(best) for day, best in await connection.execute(days)}
    repeated = select(EXCHANGE.c.id, EXCHANGE.c.date).where(
        query.snapshot.holds(EXCHANGE), EXCHANGE.c.id.in_({each.exchange for each in overlaps})
    )
    dates = dict((await connection.execute(repeated)).all())
    for each in overlaps:
        sums[dates[each.exchange]] -= each.people
    return sorted(sums.items())


async def read_measures(connection: AsyncConnection, query: StatsQuery) -> Sequence[Measure]:
    """Tell of which measures the chosen exchanges have figures in the chosen directions."""
    chosen = chosen_exchanges(query).subquery("chosen")
    clauses = (query.snapshot.holds(FIGURE), *direction_clauses(query))
    statement = select(FIGURE.c.measure).distinct().join(chosen, chosen.c.id == FIGURE.c.exchange_id)
    words = set((await connection.execute(statement.where(*clauses))).scalars())
    return [measure for measure in Measure if measure in words]
