"""The guide page on reconciliation tells what the service answers: every gap, and the worked example."""

import re
from pathlib import Path

import httpx
import pytest

from tests.test_reconciliation import CLAIMANTS, series, the_one

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parent.parent / "openapi" / "guide" / "reconciliation.md"


async def test_the_guide_explains_every_gap(client: httpx.AsyncClient) -> None:
    row = re.compile(r"^\| (total-\d{4}) \| (\d{4}-\d\d-\d\d) \| (-?\d+) \| \S", re.MULTILINE)
    found = [
        (step["total"], step["until"], str(step["gap"]))
        for claimant in CLAIMANTS
        for each in await series(client, claimant=claimant, measure=["persons", "exchanges"])
        for step in each["steps"]
        if step["gap"]
    ]
    assert sorted(row.findall(GUIDE.read_text(encoding="utf-8"))) == sorted(found)


async def test_the_worked_example_of_the_guide(client: httpx.AsyncClient) -> None:
    uae = await the_one(client, claimant="uae", mediator="uae")
    columns = ("published_difference", "own", "own_else_best", "gap", "best")
    for step in uae["steps"]:
        numbers = " | ".join(str(step[name]) for name in columns)
        assert f"| {step['until']} | {step['value']:,} | {numbers} |" in GUIDE.read_text(encoding="utf-8")
