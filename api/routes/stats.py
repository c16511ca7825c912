"""Statistics: sums of exchanges and figures by groups, in which nobody is counted twice."""

from fastapi import APIRouter, Request, Response

from api.answers import whole_response
from api.citedas import cite_as
from api.conditional import require_json
from api.deps import ReaderDep
from api.errors import ProblemCode
from api.expensive import IN_TURN
from api.openapi import describe_queried, with_parameter
from api.statistics import GROUP_BY, MOST_DIMENSIONS, STATS_SCHEMA, read_stats, understood_stats
from api.statschemas import StatsAnswer

router = APIRouter(tags=["stats"])


@router.get(
    "/stats",
    operation_id="get_stats",
    dependencies=[IN_TURN],
    **with_parameter(
        describe_queried(StatsAnswer, STATS_SCHEMA, ProblemCode.BAD_REQUEST),
        GROUP_BY.name,
        schema={"maxItems": MOST_DIMENSIONS, "uniqueItems": True},
    ),
)
async def get_stats(request: Request, reader: ReaderDep) -> Response:
    """Sum exchanges and figures by groups; nobody is counted twice in the total.

    `released_by` and `received_by` choose which directions are summed, all other filters choose exchanges.
    With an end of a direction, exchanges are those with such a direction; and, between such parties, those of
    which no figure is known, and prisoner exchanges, which go both ways.

    Only completed exchanges are summed, unless `status` or `status_not` is given; the note `not_completed`
    in `meta.notes` tells how many were left out for that.
    """
    require_json(request)
    async with understood_stats(request, reader) as (connection, question):
        answer = await read_stats(connection, question)
        link = await cite_as(connection, request.scope["path"], STATS_SCHEMA, question)
    return whole_response(request, question, answer, link)
