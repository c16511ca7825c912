"""Who sees which proposals, how they are listed and told, and what the database and the limits refuse."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.accesslog import configure_logging
from api.settings import HttpSettings
from db.access import create_key
from db.enums import Resource, Role
from db.models.proposals import Proposal
from db.proposals import BLANKED, Act, forget, id_of, number_of
from tests.blanking import blank
from tests.contract import document
from tests.curating import Curator, refused
from tests.proposing import CREATION, DELETION, FIRST, SECRET, SENT, Cast, get, proposing
from tests.synthetic import publisher
from tests.writing import everything

pytestmark = pytest.mark.anyio
R = Resource


@pytest.fixture
async def cast(small: AsyncEngine, server_url: str) -> AsyncIterator[Cast]:
    async with proposing(small, server_url) as made:
        yield made


# Who sees what


async def test_texts_are_seen_by_their_proposer_and_curators_alone(cast: Cast) -> None:
    path = await cast.propose()
    for whose in (cast.proposer, cast.curator, cast.other, cast.admin):
        for seen in ("/v1/proposals", path, f"{path}/diff"):
            answer = await get(whose, seen)
            assert SECRET in answer.text, seen
            assert answer.headers["cache-control"] == "private, no-store"
    for seen in (path, f"{path}/diff", "/v1/proposals/p-000009", "/v1/proposals/p-000009/diff"):
        for answer in (await get(cast.stranger, seen), await cast.curator.get(seen)):
            problem = refused(answer, 404, "not_found")
            name = seen.split("/")[3]
            assert problem.detail == (
                f"There is no proposal '{name}', or only its proposer and curators may see it."
            )
            assert answer.headers["cache-control"] == "no-store"
    assert (await get(cast.stranger, "/v1/proposals")).json()["meta"]["total"] == 0
    nobody = await cast.curator.get("/v1/proposals")
    assert "Authorization: Bearer exk_" in refused(nobody, 401, "unauthenticated").detail
    for public in ("/v1/changes?body=true", "/v1/changes.atom", "/v1/proposal-counts", f"{FIRST}/revisions"):
        answer = await cast.curator.get(public)
        assert answer.status_code == 200
        assert SECRET not in answer.text


async def test_an_accepted_proposal_is_public_and_no_other(cast: Cast) -> None:
    path = await cast.propose()
    rejected, withdrawn = await cast.propose(DELETION), await cast.propose(DELETION)
    await cast.decide(Act.REJECT, rejected)
    await cast.decide(Act.WITHDRAW, withdrawn)
    await cast.decide(Act.ACCEPT, path)
    seen = await cast.curator.get(path)
    assert seen.json() == await cast.see(path)
    assert seen.headers["cache-control"] == "private, no-store"
    diff = await cast.curator.get(f"{path}/diff")
    assert [each["path"] for each in diff.json()["patch"]] == ["/summary"]
    for hidden in (rejected, withdrawn):
        refused(await cast.curator.get(hidden), 404, "not_found")
        refused(await get(cast.stranger, hidden), 404, "not_found")


async def test_the_public_sees_counts(cast: Cast) -> None:
    await cast.propose()
    await cast.decide(Act.REJECT, await cast.propose(DELETION))
    await cast.propose(
        CREATION | {"resource": "publisher", "content": publisher("courier")}, by=cast.stranger
    )
    answer = await cast.curator.get("/v1/proposal-counts")
    assert answer.headers["cache-control"] == "private, no-store"
    told = answer.json()
    assert told["counts"] == {"open": 2, "accepted": 0, "rejected": 1, "withdrawn": 0}
    by_resource = {each["resource"]: each["counts"] for each in told["resources"]}
    assert list(by_resource) == [str(resource) for resource in Resource]
    assert by_resource["exchange"] == {"open": 1, "accepted": 0, "rejected": 1, "withdrawn": 0}
    assert by_resource["publisher"]["open"] == 1
    assert by_resource["actor"] == dict.fromkeys(told["counts"], 0)


async def test_no_text_gets_into_the_log(cast: Cast) -> None:
    stream = io.StringIO()
    with configure_logging("info", stream):
        path = await cast.propose()
        await cast.decide(Act.EDIT, path)
        await cast.proposer.send("POST", "/v1/proposals", SENT | {"comment": SECRET * 500}, reason=None)
        await cast.decide(Act.ACCEPT, path)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["status"] for line in lines if line["logger"] == "api.access"] == [
        *(201, 200, 200),  # two of them read the version that the next one names
        *(422, 200, 200),
    ]
    assert SECRET not in stream.getvalue()


async def test_answers_keep_to_the_contract(cast: Cast) -> None:
    schemas = document()["components"]["schemas"]
    opened, accepted = await cast.propose(CREATION), await cast.propose()
    await cast.decide(Act.ACCEPT, accepted)
    for path, name in (
        ("/v1/proposals", "ProposalList"),
        ("/v1/proposal-counts", "ProposalCounts"),
        *((path, "Proposal") for path in (opened, accepted)),
        *((f"{path}/diff", "ProposalDiff") for path in (opened, accepted)),
    ):
        told = schemas[name] | {"components": {"schemas": schemas}}
        answer = await get(cast.curator, path)
        jsonschema_rs.Draft202012Validator(told, validate_formats=True).validate(answer.json())
    told = schemas["ProposalInput"] | {"components": {"schemas": schemas}}
    check = jsonschema_rs.Draft202012Validator(told, validate_formats=True)
    for sent in (SENT, CREATION, DELETION):
        check.validate(sent)
    assert not check.is_valid(SENT | {"action": "destroy"})
    assert sorted(schemas["ProposalInput"]["required"]) == ["action", "comment", "resource", "source_url"]


# Lists and differences


async def ids(whose: Curator, query: str = "") -> list[str]:
    answer = await get(whose, f"/v1/proposals{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


async def test_the_list_is_filtered(cast: Cast) -> None:
    one = await cast.propose()
    two = await cast.propose(DELETION, by=cast.stranger)
    three = await cast.propose(
        CREATION | {"resource": "publisher", "content": publisher("courier")}, by=cast.curator
    )
    names = [path.rpartition("/")[2] for path in (one, two, three)]
    await cast.decide(Act.REJECT, two)
    await cast.curator.change("PATCH", FIRST, {"summary": "Another."})
    assert await ids(cast.curator) == names[::-1]
    assert await ids(cast.proposer) == [names[0]]
    assert await ids(cast.stranger, "?state=rejected&state=open") == [names[1]]
    assert await ids(cast.curator, "?state=open") == [names[2], names[0]]
    assert await ids(cast.curator, "?resource=publisher") == [names[2]]
    assert await ids(cast.curator, "?mine=true") == [names[2]]
    assert await ids(cast.curator, "?mine=false") == [names[1], names[0]]
    assert await ids(cast.proposer, "?mine=false") == []
    assert await ids(cast.curator, "?conflicting=true") == [names[0]]
    assert await ids(cast.curator, "?conflicting=false") == [names[2], names[1]]
    answer = await get(cast.curator, "/v1/proposals?state=open&conflicting=true")
    assert answer.json()["meta"]["query"] == {"state": ["open"], "conflicting": ["true"]}
    for wrong in ("?state=shut", "?mine=yes", "?stat=open", "?limit=0"):
        refused(await get(cast.curator, f"/v1/proposals{wrong}"), 422, "invalid_query")


async def test_a_walk_sees_each_proposal_once(cast: Cast) -> None:
    made = [(await cast.propose()).rpartition("/")[2] for _ in range(5)]
    seen, path = [], "/v1/proposals?limit=2&state=open"
    while path:
        answer = await get(cast.curator, path)
        seen += [each["id"] for each in answer.json()["data"]]
        assert answer.json()["meta"]["total"] == 5 + (len(seen) > 2)
        path = answer.json()["meta"]["next"]
        assert ("link" in answer.headers) is (path is not None)
        if len(seen) == 2:
            await cast.propose()  # a newer one does not shift the pages
    assert seen == made[::-1]
    cursor = (await get(cast.curator, "/v1/proposals?limit=2")).json()["meta"]["next_cursor"]
    assert await ids(cast.stranger, f"?cursor={cursor}") == []
    for wrong in (f"/v1/proposals?cursor={cursor}&state=open", "/v1/proposals?cursor=x"):
        refused(await get(cast.curator, wrong), 400, "invalid_cursor")
    refused(await cast.curator.get(f"/v1/articles?cursor={cursor}"), 400, "invalid_cursor")


async def test_the_difference_is_against_today(cast: Cast) -> None:
    path = await cast.propose()
    summary = SENT["content"]["summary"]
    diff = (await get(cast.curator, f"{path}/diff")).json()
    assert diff["patch"] == [{"op": "replace", "path": "/summary", "value": summary}]
    assert diff["sentences"] == [f'summary was "A handover." and is now "{summary}"']
    await cast.curator.change("PATCH", FIRST, {"summary": "Today.", "status": "announced"})
    diff = (await get(cast.curator, f"{path}/diff")).json()
    assert diff["sentences"] == [f'summary was "Today." and is now "{summary}"']
    assert (diff["base_revision"], diff["newest_revision"], diff["conflicting"]) == (1, 2, True)


async def test_the_difference_of_a_creation_and_of_a_deletion(cast: Cast) -> None:
    creates, deletes = await cast.propose(CREATION), await cast.propose(DELETION)
    for accepted in (False, True):
        made = (await get(cast.curator, f"{creates}/diff")).json()
        assert {"op": "add", "path": "/date", "value": "2021-05-05"} in made["patch"]
        assert 'date is new: "2021-05-05".' in made["sentences"]
        gone = (await get(cast.curator, f"{deletes}/diff")).json()
        assert {"op": "remove", "path": "/date"} in gone["patch"]
        assert 'date is gone, which was "2020-03-01".' in gone["sentences"]
        if not accepted:
            for path in (creates, deletes):
                assert (await cast.decide(Act.ACCEPT, path)).status_code == 200


async def test_a_blanked_difference_is_gone(cast: Cast) -> None:
    path = await cast.propose()
    await cast.decide(Act.ACCEPT, path)
    await cast.curator.change("PATCH", FIRST, {"summary": "Nobody is named."})
    await blank(cast.curator.engine, R.EXCHANGE, "first", 2)
    refused(await cast.curator.get(f"{path}/diff"), 410, "gone")


async def test_what_must_be_forgotten_is_blanked_in_proposals(cast: Cast) -> None:
    opened, other = await cast.propose(), await cast.propose(SENT | {"comment": "Another page."})
    commented = await cast.propose(DELETION)
    untouched = await cast.propose(CREATION | {"comment": "New."})
    before = await cast.see(untouched)
    texts = {SENT["content"]["summary"], DELETION["comment"]}
    async with cast.curator.engine.begin() as connection:
        assert await forget(connection, ()) == 0
        assert await forget(connection, texts) == 3
    for path, content in ((opened, {}), (other, {}), (commented, None)):
        told = await cast.see(path)
        assert (told["content"], told["comment"], told["version"]) == (content, BLANKED, 2)
    assert await cast.see(untouched) == before
    assert SECRET not in str((await everything(cast.curator.engine))["proposal"])
    problem = refused(await cast.decide(Act.ACCEPT, opened), 409, "conflict", "/content")
    assert problem.detail.endswith("cannot be written: /content: changes nothing of what stands.")
    assert (await cast.decide(Act.EDIT, opened)).status_code == 200


# Limits and constraints


async def test_proposals_count_as_writes(small: AsyncEngine, server_url: str) -> None:
    settings = HttpSettings(log_level="error", writes_per_minute=3, write_burst=3)
    async with proposing(small, server_url, settings) as cast:
        proposer = cast.proposer
        path = (await proposer.send("POST", "/v1/proposals", SENT, reason=None)).headers["location"]
        for n in (1, 2):
            answer = await proposer.send("PUT", path, SENT, etag=f'"{n}"', reason=None)
            assert answer.status_code == 200
        assert "r=0" in answer.headers["ratelimit"]
        for method, to in (("POST", "/v1/proposals"), ("PUT", path), ("POST", f"{path}/withdraw")):
            body = None if to.endswith("withdraw") else SENT
            answer = await proposer.send(method, to, body, etag='"3"', reason=None)
            assert refused(answer, 429, "too_many_requests")
            assert "retry-after" in answer.headers
        dry = await proposer.send("POST", "/v1/proposals", SENT, reason=None, query={"dry_run": "true"})
        assert dry.status_code == 202
        assert (await get(proposer, "/v1/proposals")).json()["meta"]["total"] == 1


ROW: dict[str, Any] = {
    "action": "update",
    "resource": "exchange",
    "record_id": "first",
    "base_revision": 1,
    "content": {"summary": "A"},
    "source_url": "https://example.org/",
    "comment": "c",
    "state": "open",
    "version": 1,
    "proposed_by": "somebody",
}


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"action": "destroy"}, "action_word"),
    ({"resource": "claim"}, "resource_word"),
    ({"state": "lost", "decided": True}, "state_word"),
    ({"record_id": None}, "record_known"),
    ({"action": "create", "base_revision": None}, "record_known"),
    ({"base_revision": None}, "base_of_what_stands"),
    ({"content": None}, "content_unless_deleted"),
    ({"action": "delete"}, "content_unless_deleted"),
    ({"source_url": "javascript:alert(1)"}, "source_url_form"),
    ({"version": 0}, "version_from_one"),
    ({"state": "withdrawn"}, "decided_unless_open"),
    ({"decided_by": "somebody"}, "decided_unless_open"),
    ({"decision_reason": "because"}, "reason_of_decision"),
    ({"state": "rejected", "decided": True}, "reason_of_decision"),
    ({"state": "accepted", "decided": True}, "written_if_accepted"),
    ({"dataset_revision": 1}, "written_if_accepted"),
    ({"key_id": "0000000000"}, "fk_proposal_key_id"),
]


async def test_the_database_refuses_nonsense(engine: AsyncEngine) -> None:
    key, _ = await create_key(engine, "somebody", Role.CONTRIBUTOR)
    for changed, constraint in NONSENSE:
        row = {**ROW, "key_id": key.id, "created_at": key.created_at, **changed}
        if row.pop("decided", False):
            row |= {"decided_at": key.created_at, "decided_by": "somebody"}
        with pytest.raises(IntegrityError, match=constraint):
            async with engine.begin() as connection:
                await connection.execute(insert(Proposal).values(row))


def test_ids() -> None:
    assert (id_of(1), id_of(1_234_567)) == ("p-000001", "p-1234567")
    for number in (1, 999_999, 1_000_000, 10**17):
        assert number_of(id_of(number)) == number
    for wrong in ("p-1", "p-0000001", "p-", "P-000001", "p-00000a", "p-" + "9" * 30, "p-٠٠٠٠٠١", "counts"):
        assert number_of(wrong) is None
