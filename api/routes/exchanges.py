"""Exchanges: the list and the single record."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import EXCHANGES
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import ExchangeList
from db.enums import Resource
from db.queries import lists
from db.records import Exchange

router = APIRouter(tags=["exchanges"])


@router.get("/exchanges", operation_id="list_exchanges", **describe_list(ExchangeList, EXCHANGES))
async def list_exchanges(request: Request, reader: ReaderDep) -> Response:
    """Find exchanges by who brokered them, who took part, who says how many came home, and more.

    Every record holds its claims, the figures derived from them, and the articles that all of it rests on.
    Filters about one thing hold for the same thing: `received_by=ukraine&category=wounded` asks for one
    counted claim about wounded people received by Ukraine. Repeating a parameter means any of its values.
    """
    return await answer_list(request, reader, EXCHANGES)


@router.get("/exchanges/{record_id}", operation_id="get_exchange", **describe_record(Exchange))
async def get_exchange(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one exchange by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.EXCHANGES, Resource.EXCHANGE, record_id)
