"""The history over HTTP: revisions, differences, and the change feed as a mirror follows it."""

import json
import uuid
from collections.abc import Mapping

import httpx
import jsonpatch
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.inputs import ExchangeInput
from db.models.history import Dataset
from db.rendering import PLURAL
from db.storing import read_current
from db.writes import stored_input, write
from tests.asking import ask, walk
from tests.contract import NEW_YEAR
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio

PATH = f"/v1/exchanges/{NEW_YEAR}"


async def exchange_of(engine: AsyncEngine, record_id: str = NEW_YEAR) -> ExchangeInput:
    async with engine.connect() as connection:
        current = await read_current(connection, Resource.EXCHANGE, [record_id])
    found = stored_input(Resource.EXCHANGE, current[record_id].body)
    assert isinstance(found, ExchangeInput)
    return found


async def summarise(
    engine: AsyncEngine, summary: str, record_id: str = NEW_YEAR, reason: str = "a test"
) -> None:
    exchange = await exchange_of(engine, record_id)
    await write(engine, [exchange.model_copy(update={"summary": summary})], reason=reason, key="k (Test)")


async def follow(client: httpx.AsyncClient, query: Mapping[str, object]) -> list[dict[str, object]]:
    page = (await ask(client, "/v1/changes", query)).json()
    entries = page["data"]
    while page["meta"]["next"]:
        page = (await ask(client, page["meta"]["next"])).json()
        entries += page["data"]
    return entries


async def test_revisions_tell_when_why_and_by_whom(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    first = (await ask(own_client, PATH)).content
    await summarise(loaded_engine, "Synthetic.", reason="the first reason")
    page = (await ask(own_client, f"{PATH}/revisions")).json()
    told = [(each["number"], each["dataset_revision"], each["action"], each["by"]) for each in page["data"]]
    assert told == [(1, 1, "created", None), (2, 2, "updated", "k (Test)")]
    assert [each["reason"] for each in page["data"]] == ["the shipped dataset", "the first reason"]
    assert page["data"][0]["figures"] == json.loads(first)["figures"]
    assert page["meta"]["total"] == 2
    before = (await ask(own_client, f"{PATH}/revisions", {"as_of": "1"})).json()
    assert before["meta"]["total"] == 1
    for each in page["data"]:
        assert (await ask(own_client, each["links"]["self"])).status_code == 200
    old = await ask(own_client, f"{PATH}/revisions/1")
    assert (old.content, old.headers["etag"], old.headers["x-dataset-revision"]) == (first, '"1"', "1")
    assert 'rel="successor-version"' in old.headers["link"]
    assert old.headers["memento-datetime"] == old.headers["last-modified"]


async def test_a_diff_is_a_patch_that_applies(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    await summarise(loaded_engine, "Synthetic.")
    await summarise(loaded_engine, "Synthetic again.")
    bodies = [(await ask(own_client, f"{PATH}/revisions/{number}")).json() for number in (1, 2, 3)]
    diff = (await ask(own_client, f"{PATH}/diff", {"from_revision": 1, "to_revision": 3})).json()
    stamped = {"revision": 3, "updated_at": bodies[2]["updated_at"]}
    assert jsonpatch.apply_patch(bodies[0], diff["patch"]) | stamped == bodies[2]
    assert diff["sentences"] == [f'summary was "{bodies[0]["summary"][:80]}…" and is now "Synthetic again."']
    newest = (await ask(own_client, f"{PATH}/diff")).json()
    assert (newest["from_revision"], newest["to_revision"]) == (2, 3)
    assert newest["sentences"] == ['summary was "Synthetic." and is now "Synthetic again."']


async def test_a_mirror_that_begins_with_the_lists_ends_equal(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    """As the guide says: the lists of one revision, then the feed from there; writes go on all the while."""
    meta = (await ask(own_client, "/v1/changes", {"limit": 1})).json()["meta"]
    head = meta["head"]
    await summarise(loaded_engine, "Synthetic, while it walks.")
    lists = {
        resource: await walk(own_client, f"/v1/{plural}", {"as_of": head})
        for resource, plural in PLURAL.items()
    }
    mirror = {(str(resource), each["id"]): each for resource, found in lists.items() for each in found}
    assert len(mirror) == 2112
    await summarise(loaded_engine, "Synthetic, after that.")
    for entry in await follow(own_client, {"since": head, "epoch": meta["epoch"], "body": "true"}):
        mirror[str(entry["resource"]), str(entry["id"])] = json.loads(str(entry["body"]))
    source = {
        (str(resource), each["id"]): each
        for resource, plural in PLURAL.items()
        for each in await walk(own_client, f"/v1/{plural}")
    }
    assert mirror == source
    assert mirror["exchange", NEW_YEAR]["summary"] == "Synthetic, after that."


async def test_the_feed_names_what_changed(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    await summarise(loaded_engine, "Synthetic.", reason="why not")
    (entry,) = await follow(own_client, {"since": 1})
    assert (entry["action"], entry["id"], entry["number"], entry["changed"]) == (
        "updated",
        NEW_YEAR,
        2,
        ["summary"],
    )
    assert (entry["reason"], entry["by"], entry["body"], entry["entries"]) == ("why not", "k (Test)", None, 1)
    assert await follow(own_client, {"since": 2}) == []


@pytest.mark.parametrize(
    ("path", "query", "status", "parameter"),
    [
        ("/v1/changes", {"since": 99}, 422, "since"),
        ("/v1/changes", {"since": -1}, 422, "since"),
        ("/v1/changes", {"body": "yes"}, 422, "body"),
        ("/v1/changes", {"epoch": "x"}, 422, "epoch"),
        ("/v1/changes", {"epoch": "0" * 32, "since": 99}, 409, None),
        ("/v1/changes", {"cursor": "abc"}, 400, "cursor"),
        ("/v1/changes", {"as_of": 1}, 422, "as_of"),
        (f"{PATH}/diff", {"to_revision": 2}, 422, "to_revision"),
        (f"{PATH}/diff", {"from_revision": 0}, 422, "from_revision"),
        (f"{PATH}/revisions/2", {}, 404, None),
        (f"{PATH}/revisions/01", {}, 404, None),
        (f"{PATH}/revisions/one", {}, 404, None),
        ("/v1/exchanges/none/revisions", {}, 404, None),
        ("/v1/exchanges/none/diff", {}, 404, None),
    ],
)
async def test_what_is_not_understood_is_refused(
    client: httpx.AsyncClient, path: str, query: dict[str, object], status: int, parameter: str | None
) -> None:
    response = await ask(client, path, query)
    assert response.status_code == status
    problem = problem_of(response)
    assert parameter is None or [each.parameter for each in problem.errors] == [parameter]


async def test_after_a_restore_a_mirror_is_told_to_begin_anew(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    first = (await ask(own_client, "/v1/changes", {"limit": 1})).json()["meta"]
    known = {"epoch": first["epoch"]}
    assert (await ask(own_client, "/v1/changes", known)).status_code == 200
    assert (await ask(own_client, first["next"])).status_code == 200
    assert (await ask(own_client, f"{first['next']}&epoch={first['epoch']}")).status_code == 200
    async with loaded_engine.begin() as connection:
        await connection.execute(update(Dataset).values(epoch=uuid.uuid4()))
    for response in (
        await ask(own_client, "/v1/changes", known),
        await ask(own_client, "/v1/changes", known | {"since": 99}),
        await ask(own_client, first["next"]),
    ):
        problem = problem_of(response)
        assert (response.status_code, problem.code) == (409, "conflict")
        assert "restored from a backup" in problem.detail
        assert "anew" in problem.detail
    again = (await ask(own_client, "/v1/changes", {"limit": 1})).json()["meta"]
    assert again["epoch"] != first["epoch"]
    assert (await ask(own_client, "/v1/changes", {"epoch": again["epoch"]})).status_code == 200


async def test_a_cursor_of_another_list_is_refused(client: httpx.AsyncClient) -> None:
    cursor = (await ask(client, "/v1/exchanges", {"limit": 1})).json()["meta"]["next_cursor"]
    assert (await ask(client, "/v1/changes", {"cursor": cursor})).status_code == 400
