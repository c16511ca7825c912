"""Proposals whose base has moved on, and requests about one proposal at once."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.proposals import Act
from tests.curating import conflicts_of, path_of, refused
from tests.proposing import CREATION, DELETION, FIRST, SENT, Cast, get, proposing
from tests.synthetic import actor, exchange
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio
R = Resource


@pytest.fixture
async def cast(small: AsyncEngine, server_url: str) -> AsyncIterator[Cast]:
    async with proposing(small, server_url) as made:
        yield made


# Conflicts


async def test_what_has_moved_on_conflicts_until_it_is_rebased(cast: Cast) -> None:
    path = await cast.propose()
    await cast.curator.change("PATCH", FIRST, {"status": "announced"})
    told = await cast.see(path)
    assert (told["conflicting"], told["base_revision"], told["newest_revision"]) == (True, 1, 2)
    problem = refused(await cast.decide(Act.ACCEPT, path), 409, "conflict")
    assert problem.detail == (
        "The proposal p-000001 is made on revision 1, and exchange 'first' has revision 2 now: its proposer "
        "must rebase it."
    )
    assert conflicts_of(problem) == [("exchange", "first")]
    stale = await cast.decide(Act.EDIT, path)
    assert conflicts_of(refused(stale, 409, "conflict")) == [("exchange", "first")]
    rebased = await cast.decide(Act.EDIT, path, sent=SENT | {"base_revision": 2})
    assert (rebased.json()["conflicting"], rebased.json()["base_revision"]) == (False, 2)
    assert (await cast.decide(Act.ACCEPT, path)).status_code == 200
    now = await cast.curator.body(FIRST)
    assert (now["status"], now["summary"]) == ("announced", SENT["content"]["summary"])


async def test_the_end_of_the_record_is_a_conflict(cast: Cast) -> None:
    changes = await cast.propose(SENT | {"record_id": "second"})
    deletes = await cast.propose(DELETION)
    await cast.curator.change("DELETE", "/v1/exchanges/second")
    for path in (changes, deletes):
        assert (await cast.see(path))["conflicting"] is True
        refused(await cast.decide(Act.ACCEPT, path), 409, "conflict")
        assert (await get(cast.curator, f"{path}/diff")).status_code == 200
        assert (await cast.decide(Act.REJECT, path)).status_code == 200
        assert (await cast.see(path))["conflicting"] is False


async def test_a_record_made_meanwhile_is_a_conflict(cast: Cast) -> None:
    path = await cast.propose(CREATION)
    await cast.curator.create(R.EXCHANGE, exchange("third", date="2022-06-06"))
    assert (await cast.see(path))["conflicting"] is True
    problem = refused(await cast.decide(Act.ACCEPT, path), 409, "conflict")
    assert conflicts_of(problem) == [("exchange", "third")]
    content = exchange("fourth", date="2021-05-05")
    renamed = await cast.decide(Act.EDIT, path, sent=CREATION | {"content": content})
    assert (renamed.status_code, renamed.json()["conflicting"]) == (200, False)
    assert (await cast.decide(Act.ACCEPT, path)).status_code == 200


async def test_what_it_needs_may_have_gone(cast: Cast) -> None:
    """Nothing of the record has changed, so that the proposal does not conflict; yet it cannot be written."""
    await cast.curator.create(R.ACTOR, actor("west"))
    path = await cast.propose(SENT | {"content": {"parties": ["north", "west"]}})
    await cast.curator.change("DELETE", path_of(R.ACTOR, "west"))
    assert (await cast.see(path))["conflicting"] is False
    problem = refused(await cast.decide(Act.ACCEPT, path), 409, "conflict", "/content/parties/1")
    assert problem.detail.startswith(
        "As things stand now, the proposal cannot be written: /content/parties/1"
    )
    assert (await cast.see(path))["state"] == "open"


async def test_an_edition_keeps_to_its_record(cast: Cast) -> None:
    path = await cast.propose()
    for changed, pointer in (({"record_id": "second"}, "/record_id"), ({"resource": "actor"}, "/resource")):
        refused(await cast.decide(Act.EDIT, path, sent=SENT | changed), 422, "invalid_body", pointer)
    refused(
        await cast.decide(Act.EDIT, path, sent=SENT | {"content": {"status": "over"}}),
        422,
        "invalid_body",
        "/content/status",
    )
    assert (await cast.see(path))["version"] == 1


# At once


async def at_once(*requests: Any) -> list[httpx.Response]:
    """Send requests that all have begun before any has ended."""
    answers: list[httpx.Response] = []

    async def run(request: Any) -> None:
        answers.append(await request)

    async with anyio.create_task_group() as group:
        for request in requests:
            group.start_soon(run, request)
    return answers


async def test_two_curators_accept_once(cast: Cast) -> None:
    for number in range(1, 4):
        change = {"content": {"summary": f"Handover {number}."}, "base_revision": number}
        path = await cast.propose(SENT | change)
        answers = await at_once(
            *(cast.decide(Act.ACCEPT, path, by=by, etag='"1"') for by in (cast.curator, cast.other))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert await cast.curator.revision() == number + 1
        assert len((await cast.curator.body(f"{FIRST}/revisions"))["data"]) == number + 1


@pytest.mark.parametrize("against", [Act.WITHDRAW, Act.REJECT, Act.EDIT])
async def test_accepting_races_with_every_other_act(cast: Cast, against: Act) -> None:
    for number in range(1, 4):
        base = await cast.curator.body(FIRST)
        sent = SENT | {"content": {"summary": f"Handover {number}."}, "base_revision": base["revision"]}
        path = await cast.propose(sent)
        more = {"sent": sent | {"comment": "Swapped."}} if against is Act.EDIT else {}
        answers = await at_once(
            cast.decide(Act.ACCEPT, path, etag='"1"'), cast.decide(against, path, etag='"1"', **more)
        )
        [done] = [answer for answer in answers if answer.status_code == 200]
        [other] = [answer for answer in answers if answer is not done]
        assert problem_of(other).code in {"conflict", "precondition_failed"}
        told = await cast.see(path)
        assert told == done.json()
        written = (await cast.curator.body(FIRST))["revision"] - base["revision"]
        assert written == (1 if told["state"] == "accepted" else 0)
