"""What can be had as a whole, by the name of its path: every list, and what is computed. The one map of it.

A line makes an export, with its operation and its place in the contract, and a thing that can be cited;
releases hold the rows of those that are tables of the dataset.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from api import filters
from api.asof import STATE
from api.citationrows import Citation, CitationFilters, citations
from api.exporting import Exported
from api.filterkinds import FIGURE
from api.listing import Listing
from api.params import Schema
from api.reconciling import SCHEMA as RECONCILIATION_SCHEMA
from api.reconciling import read_reconciliation
from api.statistics import GROUP_BY, STATS_SCHEMA, read_stats, understood_stats
from api.statschemas import StatsRow
from api.understanding import Question
from db import records
from db.checkrecords import Disagreement, ReconciliationStep
from db.models.index import FigureIndex
from db.queries import lists
from db.queries.conditions import Condition
from db.queries.disagreements import with_values
from db.reconciling import steps_of

EXCHANGES = Listing(lists.EXCHANGES, filters.ExchangeFilters)
FIGURES = Listing(lists.FIGURES, filters.FigureFilters)
CLAIMS = Listing(lists.CLAIMS, filters.ClaimFilters)
MEDIATIONS = Listing(lists.MEDIATIONS, filters.MediationFilters)
ARTICLES = Listing(lists.ARTICLES, filters.ArticleFilters)
PUBLISHERS = Listing(lists.PUBLISHERS, filters.PublisherFilters)
ACTORS = Listing(lists.ACTORS, filters.ActorFilters)
AGREEMENTS = Listing(lists.AGREEMENTS, filters.AgreementFilters)
TOTALS = Listing(lists.TOTALS, filters.TotalFilters)
COVERAGE = Listing(lists.COVERAGE, filters.CoverageFilters)
DISAGREEMENTS = Listing(lists.DISAGREEMENTS, filters.DisagreementFilters, render=with_values)
# What makes a figure a disagreement, besides what a query asks for.
DISAGREEING = Condition("spread", FIGURE, lambda _: FigureIndex.spread > 0, any_of=(True,))


async def sums(connection: AsyncConnection, question: Question) -> AsyncGenerator[Sequence[str], None]:
    """Give the cells of statistics as JSON; the total, where nothing is grouped by."""
    answer = await read_stats(connection, question)
    rows = [StatsRow(**cell.model_dump(), overlap=None) for cell in answer.data]
    if not rows and GROUP_BY.name not in question.values:
        total = answer.total.model_dump()
        rows = [StatsRow(group=None, group2=None, claimant=None, coverage=[], **total)]
    yield [row.model_dump_json() for row in rows]


async def steps(connection: AsyncConnection, question: Question) -> AsyncGenerator[Sequence[str], None]:
    """Give the steps of all series that published totals make, as JSON."""
    found = await read_reconciliation(connection, question)
    yield [step.model_dump_json() for series in found for step in steps_of(series)]


# What is no list has its rows from a function.
EXPORTS: Mapping[str, Exported] = {
    each.name: each
    for each in (
        Exported.of_list("exchanges", records.Exchange, EXCHANGES),
        Exported.of_list("figures", records.Figure, FIGURES),
        Exported.of_list("claims", records.Claim, CLAIMS),
        Exported.of_list("mediations", records.Mediation, MEDIATIONS),
        Exported.of_list("articles", records.Article, ARTICLES),
        Exported.of_list("publishers", records.Publisher, PUBLISHERS),
        Exported.of_list("actors", records.Actor, ACTORS),
        Exported.of_list("agreements", records.Agreement, AGREEMENTS),
        Exported.of_list("totals", records.PublishedTotal, TOTALS),
        Exported.of_list("coverage", records.CoverageNote, COVERAGE),
        Exported.of_list("disagreements", Disagreement, DISAGREEMENTS, [DISAGREEING]),
        Exported("stats", StatsRow, STATS_SCHEMA, filters.StatsFilters, sums, understand=understood_stats),
        Exported(
            "reconciliation",
            ReconciliationStep,
            RECONCILIATION_SCHEMA,
            filters.ReconciliationFilters,
            steps,
        ),
        Exported(
            "citations",
            Citation,
            Schema.of(*CitationFilters.params.values(), *STATE),
            CitationFilters,
            citations,
            only_as_file=True,
        ),
    )
}
