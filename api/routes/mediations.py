"""Mediations of exchanges, on their own."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import MEDIATIONS
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import MediationList
from db.queries import lists
from db.records import Mediation

router = APIRouter(tags=["mediations"])


@router.get("/mediations", operation_id="list_mediations", **describe_list(MediationList, MEDIATIONS))
async def list_mediations(request: Request, reader: ReaderDep) -> Response:
    """Find mediations: who is said, or denied, to have brokered an exchange, and by whom.

    All filters of exchanges apply to the mediation's exchange; those about mediations, to the mediation
    itself. Mediations of agreements are in the agreements.
    """
    return await answer_list(request, reader, MEDIATIONS)


@router.get("/mediations/{record_id}", operation_id="get_mediation", **describe_record(Mediation))
async def get_mediation(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one mediation by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.MEDIATIONS, "mediation", record_id)
