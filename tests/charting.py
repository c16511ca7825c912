"""How tests see charts: the spec of a picture in place of the picture, and what is written in it.

The fixture `specs`, which collects them, is in `tests/conftest.py`. No test lives here.
"""

from typing import Any

import httpx

from api.charts import Chart
from tests.asking import Query, ask

CHARTS = [str(chart) for chart in Chart]
Spec = dict[str, Any]


async def spec_of(client: httpx.AsyncClient, specs: list[Spec], chart: str, query: Query) -> Spec:
    """Ask for a chart, and give what would have been drawn."""
    response = await ask(client, f"/v1/charts/{chart}.svg", query)
    assert (response.status_code, response.content) == (200, b"drawn"), response.text
    return specs[-1]


def texts(spec: Spec) -> list[str]:
    """Give what is written around a plot, line by line."""
    return [
        layer["mark"]["text"].replace("\u00a0", " ")
        for layer in spec["layer"]
        if isinstance(layer["mark"].get("text"), str)
    ]
