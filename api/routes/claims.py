"""Claims of exchanges, on their own."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import CLAIMS
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import ClaimList
from db.queries import lists
from db.records import Claim

router = APIRouter(tags=["claims"])


@router.get("/claims", operation_id="list_claims", **describe_list(ClaimList, CLAIMS))
async def list_claims(request: Request, reader: ReaderDep) -> Response:
    """Find claims: who says how many were handed over, in which direction, and in which articles.

    All filters of exchanges apply to the claim's exchange; those about claims, to the claim itself.
    """
    return await answer_list(request, reader, CLAIMS)


@router.get("/claims/{record_id}", operation_id="get_claim", **describe_record(Claim))
async def get_claim(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one claim by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.CLAIMS, "claim", record_id)
