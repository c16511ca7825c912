"""Charts of exchanges, as pictures that any page can show."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.charts import PNG, PNG_SCHEMA, SVG, SVG_SCHEMA, Chart, answer_chart
from api.deps import ReaderDep
from api.openapi import describe_other
from api.problems import ProblemCode

ChartName = Annotated[
    str, Path(description="Which chart to draw.", json_schema_extra={"enum": [str(chart) for chart in Chart]})
]
CODES = (ProblemCode.NOT_FOUND, ProblemCode.BAD_REQUEST)

router = APIRouter(tags=["charts"])


@router.get(
    "/charts/{chart}.svg",
    operation_id="get_chart_svg",
    **describe_other(SVG, "The picture.", SVG_SCHEMA, *CODES),
)
async def get_chart_svg(request: Request, reader: ReaderDep, chart: ChartName) -> Response:
    """Draw a chart as SVG: a picture of what a query finds, for any page or paper.

    `timeline`: by month, quarter or year and direction. `by-mediator`: by who is asserted to have brokered
    the exchanges. `cumulative`: added up, with the published totals that count the same. `balance`: what the
    two sides that received most did receive.

    `released_by` and `received_by` choose directions, all other filters exchanges: completed ones, unless
    `status` or `status_not` is given. The numbers are sums of best figures; title, query in words, what is
    left out, source and dataset revision are in the picture.
    """
    return await answer_chart(request, reader, chart, SVG)


@router.get(
    "/charts/{chart}.png",
    operation_id="get_chart_png",
    **describe_other(PNG, "The picture.", PNG_SCHEMA, *CODES, binary=True),
)
async def get_chart_png(request: Request, reader: ReaderDep, chart: ChartName) -> Response:
    """Draw a chart as PNG: the same pictures as those in SVG, with as many pixels as are needed."""
    return await answer_chart(request, reader, chart, PNG)
