"""Exports: whole results as files, an operation of its own for each resource."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.asof import STATE
from api.citationrows import Citation, CitationFilters, citations
from api.deps import ReaderDep
from api.exporting import Exported, answer_export, format_named
from api.filters import ReconciliationFilters, StatsFilters
from api.formats import FormatName
from api.openapi import describe_export, with_parameter
from api.params import Schema
from api.routes.actors import ACTORS
from api.routes.agreements import AGREEMENTS
from api.routes.articles import ARTICLES
from api.routes.claims import CLAIMS
from api.routes.coverage import COVERAGE
from api.routes.disagreements import DISAGREEING, DISAGREEMENTS
from api.routes.exchanges import EXCHANGES
from api.routes.figures import FIGURES
from api.routes.mediations import MEDIATIONS
from api.routes.publishers import PUBLISHERS
from api.routes.reconciliation import SCHEMA as CHECKED
from api.routes.reconciliation import read_reconciliation
from api.routes.totals import TOTALS
from api.statistics import GROUP_BY, MOST_DIMENSIONS, STATS_SCHEMA, read_stats, understood_stats
from api.statschemas import StatsRow
from api.understanding import Question
from db import records
from db.checkrecords import Disagreement, ReconciliationStep
from db.reconciling import steps_of


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


# A line makes an export: its path, its operation, its place in the contract. What is no list has its rows
# from a function.
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
        Exported("stats", StatsRow, STATS_SCHEMA, StatsFilters, sums, understand=understood_stats),
        Exported("reconciliation", ReconciliationStep, CHECKED, ReconciliationFilters, steps),
        Exported(
            "citations",
            Citation,
            Schema.of(*CitationFilters.params.values(), *STATE),
            CitationFilters,
            citations,
        ),
    )
}
FormatOfPath = Annotated[
    str, Path(description="The format.", json_schema_extra={"enum": [str(name) for name in FormatName]})
]
# What the contract says of a parameter of the export as of that of the JSON.
SAID: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "stats": (GROUP_BY.name, {"schema": {"maxItems": MOST_DIMENSIONS, "uniqueItems": True}}),
    "reconciliation": ("claimant", {"required": True}),
    "disagreements": (
        "between",
        {
            "example": ["ukraine", "russia"],
            "schema": {"minItems": 2, "maxItems": 2, "uniqueItems": True},
        },
    ),
}
router = APIRouter(tags=["exports"])


def _add_route(exported: Exported) -> None:
    described = describe_export(exported.schema)
    if exported.name in SAID:
        parameter, more = SAID[exported.name]
        described = with_parameter(described, parameter, **more)

    @router.get(
        f"/{exported.name}.{{format}}",
        operation_id=f"export_{exported.name}",
        description=f"Export {exported.name}: the whole result of a query, as a file.\n\n"
        "CSV, Parquet and XLSX have columns, which `fields` names; NDJSON has the records as JSON, JSON-LD "
        "in words of schema.org and PROV-O. The file is made of one state, which `X-Dataset-Revision` names; "
        "an answer that breaks off was not whole.",
        **described,
    )
    async def export(request: Request, reader: ReaderDep, format: FormatOfPath) -> Response:  # noqa: A002  (the path's word)
        return await answer_export(request, reader, exported, format_named(format))


for _exported in EXPORTS.values():
    _add_route(_exported)
