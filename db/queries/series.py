"""What charts need beside the sums of `db/queries/stats.py`: days, other measures, what is not known."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import ExchangeKind, Measure
from db.queries.stats import Overlap
from db.queries.statschoice import (
    EXCHANGE,
    FIGURE,
    StatsDimension,
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


async def read_missing(connection: AsyncConnection, query: StatsQuery) -> Mapping[ExchangeKind, int]:
    """Count the chosen exchanges of which no figure is summed, by their kind."""
    of_kind = replace(query, dimensions=(StatsDimension.KIND,))
    chosen, figure = chosen_exchanges(of_kind).subquery("chosen"), FIGURE.alias("figure")
    summed = exists().where(figure.c.exchange_id == chosen.c.id, *figure_clauses(of_kind, figure))
    kind = chosen.c[StatsDimension.KIND]
    rows = await connection.execute(select(kind, func.count()).where(~summed).group_by(kind))
    return {ExchangeKind(word): number for word, number in rows}
