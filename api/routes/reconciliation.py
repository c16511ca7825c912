"""Published running totals, set against our own sums."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.answers import answer_meta, whole_response
from api.asof import STATE
from api.checkschemas import ReconciliationAnswer
from api.conditional import require_json
from api.deps import ReaderDep
from api.errors import ProblemCode
from api.filters import ReconciliationFilters
from api.openapi import describe_queried, with_parameter
from api.params import Schema, not_understood, problem
from api.understanding import Question, understood
from db.checkrecords import ReconciliationSeries
from db.enums import TotalMeasure
from db.queries import reconciliation
from db.queries.conditions import Condition

SCHEMA = Schema.of(*ReconciliationFilters.params.values(), *STATE)

router = APIRouter(tags=["reconciliation"])


@router.get(
    "/reconciliation",
    operation_id="get_reconciliation",
    **with_parameter(
        describe_queried(ReconciliationAnswer, SCHEMA, ProblemCode.BAD_REQUEST), "claimant", required=True
    ),
)
async def get_reconciliation(request: Request, reader: ReaderDep) -> Response:
    """Check our figures against published totals, step by step from one total of a series to the next.

    A series is made of totals that are equal in claimant, measure and whole scope. Each step tells by how
    much the total rose, what our figures sum to meanwhile, exchange by exchange, and which gap is left.
    """
    require_json(request)
    async with understood(request, reader, SCHEMA, ReconciliationFilters) as (connection, question):
        series = await read_reconciliation(connection, question)
    return whole_response(request, question, ReconciliationAnswer(data=series, meta=answer_meta(question)))


async def read_reconciliation(connection: AsyncConnection, question: Question) -> list[ReconciliationSeries]:
    """Give the series that a question asks for; their steps as rows are `db.reconciling.steps_of`.

    Raises:
        ApiError: it names no claimant.
    """
    if "claimant" not in question.values:
        message = "is needed: whose totals are checked; `none` asks for those in the article's own voice"
        raise not_understood([problem("claimant", "missing", message)])
    conditions = [*question.conditions, *_default(question)]
    return await reconciliation.read_reconciliation(connection, conditions, question.snapshot)


def _default(question: Question) -> Sequence[Condition]:
    """Ask for totals of people where the question does not say what is counted."""
    if question.values.keys() & {"measure", "measure_not"}:
        return []
    return ReconciliationFilters.filters()["measure"].conditions({"measure": (TotalMeasure.PERSONS,)})
