"""Figures for which claimants state different values."""

from fastapi import APIRouter, Request, Response

from api.checkschemas import DisagreementList
from api.deps import ReaderDep
from api.exports import DISAGREEING, DISAGREEMENTS
from api.listing import answer_list
from api.openapi import describe_list, with_parameter

router = APIRouter(tags=["disagreements"])


@router.get(
    "/disagreements",
    operation_id="list_disagreements",
    **with_parameter(
        describe_list(DisagreementList, DISAGREEMENTS),
        "between",
        example=["ukraine", "russia"],
        schema={"minItems": 2, "maxItems": 2, "uniqueItems": True},
    ),
)
async def list_disagreements(request: Request, reader: ReaderDep) -> Response:
    """Find figures for which claimants state different values, the widest apart first.

    Each is the figure as `/v1/figures` gives it, with its spread and the articles behind each value. All
    filters of figures apply.
    """
    return await answer_list(request, reader, DISAGREEMENTS, [DISAGREEING])
