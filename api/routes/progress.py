"""How far agreements have been carried out, computed from the figures of their exchanges."""

from fastapi import APIRouter, Request, Response

from api.answers import answer_meta, whole_response
from api.checkschemas import ProgressAnswer
from api.conditional import require_json
from api.deps import ReaderDep
from api.errors import ProblemCode
from api.listing import RECORD_SCHEMA
from api.missing import absent
from api.openapi import RecordId, describe_queried
from api.understanding import understood
from db.enums import Resource
from db.queries.progress import read_progress

router = APIRouter(tags=["agreements"])


@router.get(
    "/agreements/{record_id}/progress",
    operation_id="get_agreement_progress",
    **describe_queried(
        ProgressAnswer,
        RECORD_SCHEMA,
        ProblemCode.NOT_FOUND,
        ProblemCode.BAD_REQUEST,
        ProblemCode.GONE,
        ProblemCode.MERGED,
    ),
)
async def get_agreement_progress(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Tell how far an agreement has been carried out, term by term.

    Each promise is set against the low, best and high figures of the exchanges under the agreement, stage by
    stage, with each claimant's own sum and the published totals that count them.
    """
    require_json(request)
    async with understood(request, reader, RECORD_SCHEMA) as (connection, question):
        progress = await read_progress(connection, record_id, question.snapshot)
        if progress is None:
            query = request.scope["query_string"].decode("latin-1")
            snapshot = question.snapshot
            raise await absent(connection, Resource.AGREEMENT, record_id, snapshot, query, below="/progress")
    return whole_response(request, question, ProgressAnswer(data=progress, meta=answer_meta(question)))
