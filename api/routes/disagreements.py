"""Figures for which claimants state different values."""

from fastapi import APIRouter, Request, Response

from api.checkschemas import DisagreementList
from api.deps import ReaderDep
from api.filterkinds import FIGURE
from api.filters import DisagreementFilters
from api.listing import Listing, answer_list
from api.openapi import describe_list, with_parameter
from db.models.index import FigureIndex
from db.queries import lists
from db.queries.conditions import Condition
from db.queries.disagreements import with_values

DISAGREEMENTS = Listing(lists.DISAGREEMENTS, DisagreementFilters, render=with_values)
# What makes a figure a disagreement, besides what a query asks for.
DISAGREEING = Condition("spread", FIGURE, lambda _: FigureIndex.spread > 0, any_of=(True,))

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
