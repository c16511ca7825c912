"""Figures derived from claims, on their own. A figure has no path: it belongs to its exchange."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import FIGURES
from api.listing import answer_list
from api.openapi import describe_list
from api.schemas import FigureList

router = APIRouter(tags=["figures"])


@router.get("/figures", operation_id="list_figures", **describe_list(FigureList, FIGURES))
async def list_figures(request: Request, reader: ReaderDep) -> Response:
    """Find figures: low, best and high for each exchange, direction and measure.

    All filters of exchanges apply to the figure's exchange; those about figures, to the figure itself.
    """
    return await answer_list(request, reader, FIGURES)
