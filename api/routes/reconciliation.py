"""Published running totals, set against our own sums."""

from fastapi import APIRouter, Request, Response

from api.answers import answer_meta, whole_response
from api.checkschemas import ReconciliationAnswer
from api.citedas import cite_as
from api.conditional import require_json
from api.deps import ReaderDep
from api.errors import ProblemCode
from api.expensive import IN_TURN
from api.filters import ReconciliationFilters
from api.openapi import describe_queried, with_parameter
from api.reconciling import SCHEMA, read_reconciliation
from api.understanding import understood

router = APIRouter(tags=["reconciliation"])


@router.get(
    "/reconciliation",
    operation_id="get_reconciliation",
    dependencies=[IN_TURN],
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
        link = await cite_as(connection, request.scope["path"], SCHEMA, question)
    answer = ReconciliationAnswer(data=series, meta=answer_meta(question))
    return whole_response(request, question, answer, link)
