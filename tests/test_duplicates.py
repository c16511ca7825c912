"""Exchanges that are very probably there already: refused on POST, unless they are allowed."""

import json
from pathlib import Path

import pytest

from db.enums import Resource
from db.load import load, summary_lines
from tests.curating import Curator, conflicts_of, refused
from tests.synthetic import Record, claim, exchange, write_lines

pytestmark = pytest.mark.anyio
R = Resource
SAME = exchange("third", parties=["south", "north"], summary="In other words.")  # as `first`


async def test_what_is_probably_there_already_is_refused(curator: Curator) -> None:
    for query in ({}, {"dry_run": "true"}, {"allow_duplicate": "false"}):
        problem = refused(await curator.send("POST", "/v1/exchanges", SAME, query=query), 409, "conflict")
        assert conflicts_of(problem) == [("exchange", "first")]
        assert "allow_duplicate=true" in problem.detail
    answer = await curator.send("PUT", "/v1/exchanges/third", SAME, If_None_Match="*")
    assert conflicts_of(refused(answer, 409, "conflict")) == [("exchange", "first")]
    assert await curator.revision() == 1


async def test_it_may_be_another_one_all_the_same(curator: Curator) -> None:
    await curator.create(R.EXCHANGE, SAME, allow_duplicate="true")
    problem = refused(await curator.send("POST", "/v1/exchanges", SAME | exchange("fourth")), 409, "conflict")
    assert conflicts_of(problem) == [("exchange", "first"), ("exchange", "third")]


@pytest.mark.parametrize(
    "otherwise",
    [
        {"date": "2020-01-02"},
        {"kind": "release"},
        {"parties": ["south", "north", "east"]},
        {"claims": [claim("third:c1", count=6), claim("third:c2", category="military")]},
        {"claims": [claim("third:c1")]},
        {"claims": []},
    ],
    ids=str,
)
async def test_what_differs_is_another(curator: Curator, otherwise: Record) -> None:
    await curator.create(R.EXCHANGE, SAME | otherwise)


async def test_without_figures_nothing_is_taken_for_another(curator: Curator) -> None:
    for id_ in ("third", "fourth"):
        await curator.create(R.EXCHANGE, exchange(id_, claims=[]))


async def test_a_deleted_exchange_is_none_that_stands(curator: Curator) -> None:
    await curator.change("DELETE", "/v1/exchanges/first")
    await curator.create(R.EXCHANGE, SAME)


async def test_load_and_import_warn(curator: Curator, tmp_path: Path) -> None:
    fourth = SAME | {"id": "fourth", "claims": [claim("fourth:c1"), claim("fourth:c2", category="military")]}
    for dry_run in (True, False):
        report = await load(
            curator.engine,
            [write_lines(tmp_path / "exchanges.jsonl", SAME, fourth)],
            reason="a test",
            dry_run=dry_run,
        )
        assert report.duplicates == {"third": ["first", "fourth"], "fourth": ["first", "third"]}
        told = "exchange third has the day, kind, parties and best figures of first, fourth"
        assert any(line.startswith(f"warning: {told}") for line in summary_lines(report))
    fifth = SAME | {"id": "fifth", "claims": [claim("fifth:c1"), claim("fifth:c2", category="military")]}
    answer = await curator.client.post(
        "/v1/import",
        params={"reason": "a test"},
        content=json.dumps({"resource": "exchange"} | fifth),
        headers={"Authorization": f"Bearer {curator.token}", "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 200, answer.text
    (warning,) = answer.json()["warnings"]
    assert warning["code"] == "probable_duplicate"
    assert warning["text"].startswith("exchange fifth has the day")
