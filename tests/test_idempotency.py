"""Requests that are sent again: run once, answered alike, and kept apart from others for a day."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from api import editing
from api.settings import HttpSettings
from db.enums import Resource, Role
from db.kept import KEPT_FOR
from db.models.access import KeptAnswer
from db.models.history import Dataset
from tests.curating import Curator, conflicts_of, curating, refused
from tests.synthetic import coverage, publisher

pytestmark = pytest.mark.anyio
R = Resource
NOTES = "/v1/coverage"
WINTER = "/v1/coverage/winter"


async def kept(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(select(func.count()).select_from(KeptAnswer))).scalar_one())


async def send(curator: Curator, method: str, path: str, body: Any = None, **more: Any) -> Any:
    return await curator.send(method, path, body, **{"Idempotency_Key": "again"} | more)


async def test_the_same_request_has_the_same_answer(curator: Curator) -> None:
    patch = {"statement": "So."}
    writes: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("POST", NOTES, coverage("summer"), {}),
        ("PATCH", WINTER, patch, {"etag": '"1"'}),
        ("POST", f"{WINTER}/revert", None, {"etag": '"2"', "query": {"to": 1}}),
        ("DELETE", WINTER, None, {"etag": '"3"'}),
        ("POST", f"{WINTER}/restore", None, {}),
    ]
    for method, path, body, more in writes:
        first = await send(curator, method, path, body, **more)
        revision = await curator.revision()
        again = await send(curator, method, path, body, **more)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        for name in ("etag", "location", "x-dataset-revision", "content-type", "cache-control"):
            assert again.headers.get(name) == first.headers.get(name), name
        assert await curator.revision() == revision
    assert await kept(curator.engine) == len(writes)


async def test_another_request_with_the_same_key_is_refused(curator: Curator) -> None:
    await send(curator, "PATCH", WINTER, {"statement": "So."}, etag='"1"')
    for body, more in (
        ({"statement": "Not so."}, {"etag": '"1"'}),
        ({"statement": "So."}, {"etag": '"2"'}),
        ({"statement": "So."}, {"etag": '"1"', "reason": "another reason"}),
    ):
        problem = refused(await send(curator, "PATCH", WINTER, body, **more), 422, "idempotency_mismatch")
        assert "used before" in problem.detail
    assert await curator.revision() == 2


async def test_keys_belong_to_a_key_a_method_and_a_path(curator: Curator) -> None:
    colleague = await curator.colleague()
    await send(curator, "POST", NOTES, coverage("summer"))
    problem = refused(await send(colleague, "POST", NOTES, coverage("summer")), 409, "conflict")
    assert conflicts_of(problem) == [("coverage", "summer")]
    assert (await send(curator, "POST", "/v1/publishers", publisher("courier"))).status_code == 201
    assert (await send(curator, "PATCH", WINTER, {"statement": "So."}, etag='"1"')).status_code == 200
    assert (await send(curator, "DELETE", WINTER, etag='"2"')).status_code == 204
    other = await send(curator, "POST", NOTES, coverage("autumn"), Idempotency_Key="another")
    assert other.status_code == 201


async def test_a_refusal_is_kept_too(curator: Curator) -> None:
    first = await send(curator, "DELETE", WINTER)
    refused(first, 428, "precondition_required")
    again = await send(curator, "DELETE", WINTER)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (428, "true")
    assert again.content == first.content
    assert again.headers["content-type"] == "application/problem+json"

    stale = await send(curator, "PATCH", WINTER, {"statement": "So."}, etag='"9"')
    refused(stale, 412, "precondition_failed")
    assert (await send(curator, "PATCH", WINTER, {"statement": "So."}, etag='"9"')).content == stale.content
    bad = await send(curator, "POST", NOTES, coverage("summer") | {"date_to": "2019-01-01"})
    refused(bad, 422, "invalid_body")
    assert await curator.revision() == 1
    assert await kept(curator.engine) == 3


async def test_what_says_nothing_of_the_request_is_not_kept(
    curator: Curator, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = coverage("summer")
    told = await send(curator, "POST", NOTES, note, query={"dry_run": "true"}, reason=None)
    assert told.status_code == 202
    refused(await send(await curator.colleague(Role.CONTRIBUTOR), "POST", NOTES, note), 403, "forbidden")
    refused(await send(curator, "POST", NOTES, note, Authorization="Bearer exk_no"), 401, "unauthenticated")

    def broken(*_: object) -> object:
        async def work(*_: object) -> object:
            raise OperationalError("", None, Exception("no such luck"))

        return work

    with monkeypatch.context() as patched:
        patched.setattr(editing, "creation", broken)
        assert (await send(curator, "POST", NOTES, note)).status_code == 500
    assert await kept(curator.engine) == 0
    few = HttpSettings(log_level="error", writes_per_minute=1, write_burst=1)
    async with curating(curator.engine, server_url, few) as hasty:
        await hasty.create(R.PUBLISHER, publisher("courier"))
        refused(await send(hasty, "POST", NOTES, note), 429, "too_many_requests")
    assert await kept(curator.engine) == 0
    assert (await send(curator, "POST", NOTES, note)).status_code == 201


async def test_a_request_that_is_still_being_worked_on(curator: Curator) -> None:
    async with curator.engine.connect() as connection:
        await connection.execute(select(Dataset.revision).with_for_update())
        first = asyncio.create_task(send(curator, "POST", NOTES, coverage("summer")))
        locks = text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        while not (await connection.execute(locks)).scalar_one():  # until the first has taken the key
            assert not first.done()
        again = await send(curator, "POST", NOTES, coverage("summer"))
        problem = refused(again, 409, "conflict")
        assert "being worked on" in problem.detail
        assert again.headers["retry-after"] == "1"
        await connection.rollback()
    answer = await first
    assert answer.status_code == 201
    replayed = await send(curator, "POST", NOTES, coverage("summer"))
    assert (replayed.status_code, replayed.content) == (201, answer.content)


async def test_after_a_day_it_is_forgotten(curator: Curator) -> None:
    await send(curator, "PATCH", WINTER, {"statement": "So."}, etag='"1"')
    await send(curator, "POST", NOTES, coverage("summer"))
    async with curator.engine.begin() as connection:
        await connection.execute(update(KeptAnswer).values(at=KeptAnswer.at - KEPT_FOR))
    answer = await send(curator, "PATCH", WINTER, {"statement": "Else."}, etag='"2"')
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == (200, False)
    assert await kept(curator.engine) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
async def test_keys_that_will_not_do(curator: Curator, key: str) -> None:
    refused(await send(curator, "POST", NOTES, coverage("summer"), Idempotency_Key=key), 400, "bad_request")
    assert await curator.revision() == 1
