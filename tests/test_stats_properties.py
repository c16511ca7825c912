"""What holds of statistics whatever the records are: made-up exchanges, written, summed and held together.

The short form makes the same records in every run; `STATS_EXAMPLES=500` makes it more, others in every run.
"""

import asyncio
import datetime as dt
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.session import write_engine
from tests.applications import application, running
from tests.asking import walk
from tests.databases import own_database
from tests.statsmodel import DIMENSIONS, MEASURES, PARTITIONS, Asked
from tests.synthetic import Record, agreement, article, claim, exchange, mediation
from tests.test_stats import check, stats
from tests.writing import made, put, put_small

EXAMPLES = os.environ.get("STATS_EXAMPLES")
R = Resource
ACTORS = ("north", "south", "east")
PAGES = ["page-1", "page-2", "page-4"]  # of two publishers
# An exchange, or a figure of it, has one value of each of these.
SINGLE = {*PARTITIONS, "direction", "released_by", "received_by"}
BOUNDS = ("low", "best", "high")

pairs = st.permutations(ACTORS).map(lambda actors: actors[:2])
claims = st.fixed_dictionaries(
    {
        "ends": pairs,
        "category": st.sampled_from(
            ["total", "total", "military", "civilian", "child", "wounded", "remains"]
        ),
        "count": st.integers(1, 50),
        "claimant": st.sampled_from([None, *ACTORS]),
        "qualifier": st.sampled_from(["exact", "at_least"]),
        "covers": st.sampled_from(["all", "all", "all", "subset", "fragment"]),
        "rank": st.sampled_from(["normal", "normal", "deprecated"]),
        "citations": st.lists(st.sampled_from(PAGES), min_size=1, unique=True),
    }
)
mediations = st.fixed_dictionaries(
    {
        "actor": st.sampled_from(ACTORS),
        "role": st.sampled_from(["mediator", "facilitator", "host", "transit"]),
        "stance": st.sampled_from(["asserts", "asserts", "denies"]),
        "claimant": st.sampled_from([None, *ACTORS]),
    }
)
overlaps = st.fixed_dictionaries(
    {
        "ends": pairs,
        "measure": st.sampled_from(["persons", "persons", "remains"]),
        "count": st.integers(1, 3),
    }
)
exchanges = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["prisoner_exchange", "release", "remains"]),
        "date": st.dates(min_value=dt.date(2020, 1, 1), max_value=dt.date(2021, 12, 31)).map(str),
        "status": st.sampled_from(["completed", "completed", "cancelled", "announced"]),
        "parties": st.permutations(ACTORS).map(lambda actors: actors[:2]),
        "agreement": st.sampled_from([None, "talks", "pact"]),
        "claims": st.lists(claims, max_size=5),
        "mediations": st.lists(mediations, max_size=3),
        "overlaps": st.lists(overlaps, max_size=1),
        "citations": st.lists(st.sampled_from(PAGES), min_size=1, unique=True),
    }
)
ends = st.lists(st.sampled_from(ACTORS), max_size=2, unique=True).map(tuple)
questions = st.builds(
    Asked,
    group_by=st.lists(st.sampled_from(DIMENSIONS), max_size=2, unique=True).map(tuple),
    measure=st.sampled_from(MEASURES) | st.just("persons"),
    released_by=ends,
    received_by=ends,
    status=st.sampled_from([(), (), ("cancelled",), ("completed", "announced")]),
)


def record(number: int, drawn: Record) -> Record:
    """Make a drawn exchange whole; it can have been counted already in those before it."""
    id_ = f"e{number}"

    def between(part: Record) -> Record:
        released_by, received_by = part["ends"]
        rest = {name: value for name, value in part.items() if name != "ends"}
        return rest | {"released_by": released_by, "received_by": received_by}

    parts: dict[str, list[Record]] = {
        "claims": [claim(f"{id_}:c{n}", **between(part)) for n, part in enumerate(drawn["claims"], 1)],
        "mediations": [
            mediation(f"{id_}:m{n}", **part, citations=drawn["citations"][:1])
            for n, part in enumerate(drawn["mediations"], 1)
        ],
        "overlaps": [
            {"exchange": f"e{number - 1}", "note": None} | between(part)
            for part in drawn["overlaps"]
            if number
        ],
    }
    cited = {page for part in parts["claims"] for page in part["citations"]} | {*drawn["citations"]}
    return exchange(id_, **drawn | parts | {"citations": sorted(cited)})


class Place:
    """A database and its application, which live on a loop of their own from example to example."""

    def __init__(self, runner: asyncio.Runner, engine: AsyncEngine, client: httpx.AsyncClient) -> None:
        self.runner, self.engine, self.client = runner, engine, client
        self.before: tuple[int, dict[str, Any], Any] | None = None


@pytest.fixture(scope="module")
def place(server_url: str, empty_template: str) -> Iterator[Place]:
    async def opened(stack: AsyncExitStack) -> tuple[AsyncEngine, httpx.AsyncClient]:
        url = await stack.enter_async_context(own_database(server_url, empty_template))
        engine = write_engine(url)
        stack.push_async_callback(engine.dispose)
        await put_small(engine)
        await put(engine, made(R.AGREEMENT, agreement("pact")))
        await put(engine, made(R.ARTICLE, article("page-4", publisher="herald")))
        return engine, await stack.enter_async_context(running(application(url)))

    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        yield Place(runner, *runner.run(opened(stack)))
        runner.run(stack.aclose())


@settings(
    max_examples=int(EXAMPLES or 60),
    deadline=None,
    derandomize=EXAMPLES is None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(drawn=st.lists(exchanges, min_size=3, max_size=3), asked=questions)
def test_sums(place: Place, drawn: list[Record], asked: Asked) -> None:
    place.runner.run(hold(place, drawn, asked))


async def hold(place: Place, drawn: list[Record], asked: Asked) -> None:
    inputs = [made(R.EXCHANGE, record(number, each)) for number, each in enumerate(drawn)]
    await put(place.engine, *inputs)
    await check(place.client, await walk(place.client, "/v1/exchanges"), {}, asked)
    query = {name: list(values) for name, values in vars(asked).items() if values and name != "mediation"}
    query["measure"] = [asked.measure]
    answer = await stats(place.client, query)
    cells, total = answer["data"], answer["total"]
    for each in (*cells, total):
        assert [each[bound] is None for bound in BOUNDS] in ([True] * 3, [False] * 3)
        assert (each["low"] or 0) <= (each["best"] or 0) <= (each["high"] or 0)
        assert 0 <= each["without_figure"] <= each["exchanges"]
    if asked.group_by:
        for bound in BOUNDS:
            summed = sum(cell[bound] or 0 for cell in cells)
            whole = (total[bound] or 0) + total["overlap"]
            partition = PARTITIONS if asked.measure == "exchanges" else SINGLE
            assert (
                summed == whole
                if set(asked.group_by) <= set(partition)
                else summed >= whole or no_direction(asked)
            )
    if place.before is not None:  # what was is as it was, whatever was written since
        revision, question, then = place.before
        again = await stats(place.client, question | {"as_of": revision})
        assert (again["data"], again["total"]) == then
    place.before = (answer["meta"]["dataset"]["revision"], query, (cells, total))


def no_direction(asked: Asked) -> bool:
    """Tell whether exchanges may be in no group at all, which have no figure and so no direction."""
    return asked.measure == "exchanges" and not set(asked.group_by).isdisjoint(SINGLE - {*PARTITIONS})
