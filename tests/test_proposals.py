"""Proposals: what is taken, what each role may do in each state, and what accepting writes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import ProposalState, Resource
from db.proposals import MOVES, Act
from db.rendering import INPUT_OF
from tests.curating import conflicts_of, path_of, refused
from tests.proposing import CREATION, DELETION, FIRST, SENT, VERB, Cast, get, proposing
from tests.synthetic import article, claim, exchange
from tests.test_http_shell import problem_of
from tests.writing import everything

pytestmark = pytest.mark.anyio
R = Resource


@pytest.fixture
async def cast(small: AsyncEngine, server_url: str) -> AsyncIterator[Cast]:
    async with proposing(small, server_url) as made:
        yield made


ANONYMOUS = "anonymous"


# Proposing


async def test_a_proposal_is_kept_and_writes_nothing(cast: Cast) -> None:
    before = await cast.curator.get(FIRST)
    answer = await cast.proposer.send("POST", "/v1/proposals", SENT, reason=None)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/proposals/p-000001"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["x-dataset-revision"] == "1"
    told = answer.json()
    assert {name: told[name] for name in SENT} == SENT
    assert (told["id"], told["state"], told["conflicting"]) == ("p-000001", "open", False)
    assert (told["newest_revision"], told["dataset_revision"], told["decided_by"]) == (1, None, None)
    assert told["proposed_by"].endswith(" (a colleague)")
    assert told["links"] == {
        "self": "/v1/proposals/p-000001",
        "diff": "/v1/proposals/p-000001/diff",
        "record": FIRST,
        "revision": None,
    }
    assert (await get(cast.proposer, "/v1/proposals/p-000001")).content == answer.content
    assert (await cast.curator.get(FIRST)).content == before.content
    assert await cast.curator.revision() == 1


async def test_what_the_service_derives_is_no_part_of_a_proposal(cast: Cast) -> None:
    """A record may be proposed whole, as it was read; until it is decided, figures may come to be others."""
    whole = await cast.curator.body(FIRST)
    path = await cast.propose(SENT | {"content": whole | SENT["content"]})
    for _ in range(2):
        told = (await get(cast.proposer, path)).json()
        own = INPUT_OF[R.EXCHANGE].model_fields
        assert told["content"] == {name: whole[name] for name in whole if name in own} | SENT["content"]
        diff = (await get(cast.proposer, path + "/diff")).json()
        assert [change["path"] for change in diff["patch"]] == ["/summary"]
        sent = {name: told[name] for name in SENT} | {"content": whole | SENT["content"]}
        assert (await cast.decide(Act.EDIT, path, sent=sent)).status_code == 200
    assert (await cast.decide(Act.ACCEPT, path)).status_code == 200
    assert (await cast.curator.body(FIRST))["summary"] == SENT["content"]["summary"]


async def test_a_dry_run_tells_what_accepting_would_change(cast: Cast) -> None:
    before = await everything(cast.curator.engine)
    answer = await cast.proposer.send("POST", "/v1/proposals", SENT, reason=None, query={"dry_run": "true"})
    assert answer.status_code == 202, answer.text
    [change] = answer.json()["changes"]
    assert (change["id"], change["action"], change["number"]) == ("first", "updated", 2)
    after = await everything(cast.curator.engine)
    del before["api_key"], after["api_key"]  # keys note when they are used
    assert after == before


async def test_the_same_request_makes_one_proposal(cast: Cast) -> None:
    answers = [
        await cast.proposer.send("POST", "/v1/proposals", SENT, reason=None, Idempotency_Key="once")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert (await get(cast.curator, "/v1/proposals")).json()["meta"]["total"] == 1


@pytest.mark.parametrize(
    ("sent", "pointers"),
    [
        ({"action": "destroy"}, ["/action"]),
        ({"resource": "claim"}, ["/resource"]),
        ({"source_url": "ftp://example.org/x"}, ["/source_url"]),
        ({"comment": " "}, ["/comment"]),
        ({"comment": "x" * 1001}, ["/comment"]),
        ({"state": "accepted"}, ["/state"]),
        ({"record_id": None, "base_revision": None}, ["/record_id", "/base_revision"]),
        ({"content": None}, ["/content"]),
        ({"action": "create"}, ["/record_id", "/base_revision"]),
        ({"action": "delete"}, ["/content"]),
        ({"record_id": "nowhere"}, ["/record_id"]),
        ({"content": {}}, ["/content"]),
        ({"content": {"summary": "A handover."}}, ["/content"]),
        ({"content": {"status": "over", "colour": 1}}, ["/content/status", "/content/colour"]),
        ({"content": {"id": "second"}}, ["/content/id"]),
        ({"content": {"parties": ["north", "atlantis"]}}, ["/content/parties/1"]),
        ({"content": {"claims": [claim("first:c1", count=-1)]}}, ["/content/claims/0/count"]),
    ],
)
async def test_nonsense_is_refused_at_once(cast: Cast, sent: dict[str, Any], pointers: list[str]) -> None:
    answer = await cast.proposer.send("POST", "/v1/proposals", SENT | sent, reason=None)
    problem = refused(answer, 422, "invalid_body", *pointers)
    assert problem.detail.startswith(f"{pointers[0]}: ")
    assert (await get(cast.curator, "/v1/proposals")).json()["data"] == []


async def test_what_could_not_be_written_now_is_refused_at_once(cast: Cast) -> None:
    for sent, conflicts in (
        (SENT | {"base_revision": 2}, [("exchange", "first")]),
        (CREATION | {"content": exchange("first")}, [("exchange", "first")]),
        (CREATION | {"content": exchange("again")}, [("exchange", "first")]),
        (DELETION | {"resource": "actor", "record_id": "east"}, [("exchange", "second")]),
    ):
        problem = refused(
            await cast.proposer.send("POST", "/v1/proposals", sent, reason=None), 409, "conflict"
        )
        assert set(conflicts) <= set(conflicts_of(problem))
    again = CREATION | {"content": exchange("again")}
    allowed = {"allow_duplicate": "true"}
    answer = await cast.proposer.send("POST", "/v1/proposals", again, reason=None, query=allowed)
    assert answer.status_code == 201
    path = answer.headers["location"]
    refused(await cast.decide(Act.ACCEPT, path), 409, "conflict")
    assert (await cast.decide(Act.ACCEPT, path, query=allowed)).status_code == 200


# States


async def brought_to(cast: Cast, state: ProposalState) -> str:
    stands = (await cast.curator.body(FIRST))["revision"]
    content = {"summary": f"As of revision {stands}."}
    path = await cast.propose(SENT | {"base_revision": stands, "content": content})
    acts = {
        ProposalState.ACCEPTED: Act.ACCEPT,
        ProposalState.REJECTED: Act.REJECT,
        ProposalState.WITHDRAWN: Act.WITHDRAW,
    }
    if state in acts:
        answer = await cast.decide(acts[state], path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == state
    return path


EXPECTED = {
    ("open", "edited"): "open",
    ("open", "withdrawn"): "withdrawn",
    ("open", "accepted"): "accepted",
    ("open", "rejected"): "rejected",
}


def test_the_moves() -> None:
    assert {(str(state), str(act)): str(to) for (state, act), to in MOVES.items()} == EXPECTED


@pytest.mark.parametrize("state", list(ProposalState))
async def test_every_act_in_every_state(cast: Cast, state: ProposalState) -> None:
    for act in Act:
        path = await brought_to(cast, state)
        before = await cast.see(path)
        more = {"sent": {name: before[name] for name in SENT}} if act is Act.EDIT else {}
        answer = await cast.decide(act, path, **more)
        after = await cast.see(path)
        expected = EXPECTED.get((state, act))
        if expected is None:
            detail = f"The proposal {before['id']} is {state}; only an open proposal can be {act}."
            assert refused(answer, 409, "conflict").detail == detail
            assert after == before
        else:
            assert answer.status_code == 200, answer.text
            assert answer.json() == after
            assert answer.headers["etag"] == f'"{before["version"] + 1}"'
            assert (after["state"], after["version"]) == (expected, before["version"] + 1)
            assert (after["decided_at"] is None) is (after["decided_by"] is None) is (expected == "open")


async def test_a_rejection_keeps_its_reason(cast: Cast) -> None:
    path = await cast.propose()
    unsaid = await cast.decide(Act.REJECT, path, reason=None)
    refused(unsaid, 422, "invalid_query")
    told = (await cast.decide(Act.REJECT, path, reason="The page is a parody.")).json()
    assert told["decision_reason"] == "The page is a parody."
    assert told["decided_by"].endswith(" (a curator)")
    assert (await get(cast.proposer, path)).json() == told
    assert await cast.curator.revision() == 1


ACTS = {Act.EDIT: "own", Act.WITHDRAW: "own", Act.REJECT: "curators", Act.ACCEPT: "curators"}
ROLES = (ANONYMOUS, "stranger", "proposer", "curator", "admin")


@pytest.mark.parametrize("who", ROLES)
async def test_who_may_do_what(cast: Cast, who: str) -> None:
    for act, whose in ACTS.items():
        path = await cast.propose()
        if who == ANONYMOUS:
            method, ends = ("PUT", "") if act is Act.EDIT else ("POST", f"/{VERB[act]}")
            answer = await cast.client.request(method, path + ends, content=b"{}")
            assert problem_of(answer).code == "unauthenticated"
            continue
        answer = await cast.decide(act, path, by=getattr(cast, who))
        if whose == "own":
            expected = {"proposer": 200, "stranger": 404}.get(who, 403)
        else:
            expected = 200 if who in {"curator", "admin"} else 403
        assert answer.status_code == expected, (act, answer.text)
        if expected == 404:
            unknown = await cast.decide(act, "/v1/proposals/p-000099", by=cast.stranger, etag='"1"')
            told = answer.json()["detail"].replace(path.rpartition("/")[2], "p-000099")
            assert unknown.json()["detail"] == told


async def test_a_curator_proposes_and_accepts_alone(cast: Cast) -> None:
    path = await cast.propose(by=cast.curator)
    assert (await cast.decide(Act.ACCEPT, path)).status_code == 200


@pytest.mark.parametrize("act", [Act.EDIT, Act.ACCEPT, Act.REJECT])
async def test_only_who_has_seen_it_changes_or_decides_it(cast: Cast, act: Act) -> None:
    path = await cast.propose()
    method, ends = ("PUT", "") if act is Act.EDIT else ("POST", f"/{VERB[act]}")
    by, body = (cast.proposer, SENT) if act is Act.EDIT else (cast.curator, None)
    reason = None if act is Act.EDIT else "a test"
    unseen = await by.send(method, path + ends, body, reason=reason)
    assert refused(unseen, 428, "precondition_required").current_etag == '"1"'
    assert (await cast.decide(Act.EDIT, path, sent=SENT | {"comment": "Better."})).status_code == 200
    stale = await cast.decide(act, path, etag='"1"')
    assert refused(stale, 412, "precondition_failed").current_etag == '"2"'
    assert (await cast.see(path))["comment"] == "Better."
    assert await cast.curator.revision() == 1


# Accepting


async def test_an_accepted_change_is_a_write_that_names_the_proposal(cast: Cast) -> None:
    path = await cast.propose()
    answer = await cast.decide(Act.ACCEPT, path, reason=None)
    told = answer.json()
    assert (told["state"], told["dataset_revision"], told["decision_reason"]) == ("accepted", 2, None)
    assert answer.headers["x-dataset-revision"] == "2"
    assert told["links"]["revision"] == f"{FIRST}/revisions/2"
    now = await cast.curator.body(FIRST)
    assert (now["revision"], now["summary"]) == (2, SENT["content"]["summary"])
    assert (await cast.curator.body(told["links"]["revision"])) == now
    entry = (await cast.curator.body(f"{FIRST}/revisions"))["data"][-1]
    assert entry["reason"] == f"proposal p-000001: {SENT['comment']}"
    assert entry["by"] == told["decided_by"] != told["proposed_by"]
    # later writes of the record change nothing of what is told of the proposal
    await cast.curator.change("PATCH", FIRST, {"summary": "Another."})
    later = await cast.see(path)
    assert later["links"] == told["links"]
    assert (later["conflicting"], later["newest_revision"]) == (False, 3)


async def test_a_curator_may_give_a_reason_of_their_own(cast: Cast) -> None:
    path = await cast.propose()
    told = (await cast.decide(Act.ACCEPT, path, reason="The page says so.")).json()
    assert told["decision_reason"] == "The page says so."
    entry = (await cast.curator.body(f"{FIRST}/revisions"))["data"][-1]
    assert entry["reason"] == "proposal p-000001: The page says so."


async def test_an_accepted_creation_has_its_record(cast: Cast) -> None:
    url = "https://example.org/page-9"
    known = article("x", url=url) | {"title": "News"}
    del known["id"]
    content = exchange("third", date="2021-05-05", citations=[known], claims=[], mediations=[])
    del content["id"]
    path = await cast.propose(CREATION | {"content": content})
    proposed = await cast.see(path)
    assert (proposed["record_id"], proposed["links"]["record"]) == (None, None)
    told = (await cast.decide(Act.ACCEPT, path)).json()
    made = await cast.curator.body(told["links"]["record"])
    assert (made["id"], made["revision"]) == (told["record_id"], 1)
    assert told["links"]["revision"] == f"{told['links']['record']}/revisions/1"
    [cited] = made["citations"]
    assert (await cast.curator.body(path_of(R.ARTICLE, cited)))["url"] == url


async def test_an_accepted_deletion_takes_its_record_out(cast: Cast) -> None:
    path = await cast.propose(DELETION)
    told = (await cast.decide(Act.ACCEPT, path)).json()
    assert told["links"]["revision"] == "/v1/exchanges/second/revisions/2"
    assert (await cast.curator.get("/v1/exchanges/second")).status_code == 410


async def test_claims_are_patched_as_a_list(cast: Cast) -> None:
    served = await cast.curator.body(FIRST)
    first, second = served["claims"]
    new = {name: value for name, value in second.items() if name != "id"} | {"category": "civilian"}
    path = await cast.propose(SENT | {"content": {"claims": [first | {"count": 6}, new]}})
    assert (await cast.decide(Act.ACCEPT, path)).status_code == 200
    claims = (await cast.curator.body(FIRST))["claims"]
    assert [(each["id"], each["count"]) for each in claims] == [("first:c1", 6), ("first:c3", 5)]


async def test_accepting_dry_tells_all_and_writes_nothing(cast: Cast) -> None:
    path = await cast.propose()
    before = await everything(cast.curator.engine)
    answer = await cast.decide(Act.ACCEPT, path, reason=None, query={"dry_run": "true"})
    assert answer.status_code == 202, answer.text
    [change] = answer.json()["changes"]
    assert json.loads(change["body"])["summary"] == SENT["content"]["summary"]
    after = await everything(cast.curator.engine)
    del before["api_key"], after["api_key"]
    assert after == before


async def test_accepting_twice_with_one_key_is_accepting_once(cast: Cast) -> None:
    path = await cast.propose()
    first, second = [
        await cast.decide(Act.ACCEPT, path, etag='"1"', Idempotency_Key="once") for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert await cast.curator.revision() == 2
