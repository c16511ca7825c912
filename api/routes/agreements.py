"""Agreements that exchanges carry out."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import AGREEMENTS
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import AgreementList
from db.enums import Resource
from db.queries import lists
from db.records import Agreement

router = APIRouter(tags=["agreements"])


@router.get("/agreements", operation_id="list_agreements", **describe_list(AgreementList, AGREEMENTS))
async def list_agreements(request: Request, reader: ReaderDep) -> Response:
    """Find agreements: what the parties promised each other, term by term."""
    return await answer_list(request, reader, AGREEMENTS)


@router.get("/agreements/{record_id}", operation_id="get_agreement", **describe_record(Agreement))
async def get_agreement(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one agreement by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.AGREEMENTS, Resource.AGREEMENT, record_id)
