"""Writes that come at once, against a real server with two workers: none is lost, none is made twice."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import replace
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.access import create_key
from db.enums import Resource, Role
from db.rendering import PLURAL
from db.session import CONNECT_TIMEOUT
from db.verify import verify
from tests.asking import walk
from tests.curating import Curator, url_of, without
from tests.synthetic import Record, claim, coverage, exchange, publisher
from tests.test_http_server import running
from tests.writing import put_small

pytestmark = pytest.mark.anyio
R = Resource
AT_ONCE = 64
WRITES = 500
CLIENTS = 16


@pytest.fixture
async def curator(engine: AsyncEngine, server_url: str) -> AsyncIterator[Curator]:
    """A curator of a small dataset that a real server with two workers serves."""
    await put_small(engine)
    settings = {
        "DATABASE_URL": await url_of(engine, server_url),
        "GRANIAN_WORKERS": "2",
        "WRITES_PER_MINUTE": "100000",
        "WRITE_BURST": "100000",
        "LOG_LEVEL": "warning",
    }
    _, token = await create_key(engine, "a curator", Role.CURATOR)
    limits = httpx.Limits(max_connections=AT_ONCE)
    with running("api.main:create_app", settings) as server:
        base = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as client:
            yield Curator(client, engine, token)
    assert [fault async for fault in verify(engine)] == []


async def together(sent: Iterable[Awaitable[httpx.Response]]) -> list[httpx.Response]:
    return list(await asyncio.gather(*sent))


async def test_of_those_who_saw_the_same_revision_one_writes(curator: Curator) -> None:
    path = "/v1/exchanges/first"
    answers = await together(
        curator.send("PATCH", path, {"summary": f"Number {n}."}, etag='"1"') for n in range(AT_ONCE)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: AT_ONCE - 1}
    assert {answer.json()["current_etag"] for answer in answers if answer.status_code == 412} == {'"2"'}
    [winner] = [answer for answer in answers if answer.status_code == 200]
    assert (await curator.get(path)).content == winner.content
    assert await curator.revision() == 2


async def test_a_request_that_is_sent_many_times_is_run_once(curator: Curator) -> None:
    async def create() -> list[httpx.Response]:
        answers = []
        while not answers or answers[-1].status_code == 409:
            record = without(coverage(""), "id")
            answers.append(await curator.send("POST", "/v1/coverage", record, Idempotency_Key="once"))
        return answers

    told = await asyncio.gather(*(create() for _ in range(AT_ONCE)))
    last = [answers[-1] for answers in told]
    assert Counter(answer.status_code for answer in last) == {201: AT_ONCE}
    assert len({answer.content for answer in last}) == 1
    assert Counter(answer.headers.get("idempotency-replayed") for answer in last) == {
        None: 1,
        "true": AT_ONCE - 1,
    }
    notes = {record["id"] for record in await walk(curator.client, "/v1/coverage")}
    assert notes == {"winter", last[0].json()["id"]}
    assert await curator.revision() == 2


async def test_more_writes_at_once_than_the_database_has_connections_queue(curator: Curator) -> None:
    """Whose turn does not come in time is told so, and sends again: on a slow machine that is many."""
    async with curator.engine.connect() as connection:
        most = int((await connection.exec_driver_sql("SHOW max_connections")).scalar_one())
    limits = httpx.Limits(max_connections=most + 10)
    async with httpx.AsyncClient(base_url=curator.client.base_url, limits=limits, timeout=600) as client:
        many = replace(curator, client=client)

        async def change(number: int) -> httpx.Response:
            path, body = "/v1/exchanges/first", {"summary": f"Number {number}."}
            while True:
                began = time.monotonic()
                answer = await many.send("PATCH", path, body, etag='"1"')
                if answer.status_code != 503:
                    return answer
                assert answer.json()["code"] == "overloaded", "no connection is refused"
                assert time.monotonic() - began >= CONNECT_TIMEOUT, "it queues before it is refused"

        answers = await together(change(number) for number in range(most + 10))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: most + 9}


class Storm:
    """Random writes of clients that remember what they have seen, and meet each other's writes."""

    def __init__(self, curator: Curator, seed: int) -> None:
        self.curator = curator
        self.random = Random(seed)
        self.left = WRITES
        self.answers: Counter[tuple[str, int]] = Counter()
        self.revisions: list[int] = []

    async def client(self, number: int) -> None:
        """Write until the writes of all clients are used up."""
        made = 0
        while self.left:
            self.left -= 1
            made += 1
            method, path, body, query = self._next(number, made)
            etag = None
            if method != "POST" or path.endswith("/claims"):
                of = "/".join(path.split("/")[:4])
                etag = (await self.curator.get(of)).headers.get("etag", '"1"')
            answer = await self.curator.send(method, path, body, etag=etag, query=query)
            self.answers[method, answer.status_code] += 1
            if answer.is_success:
                self.revisions.append(int(answer.headers["x-dataset-revision"]))

    def _next(self, number: int, made: int) -> tuple[str, str, Any, Record]:
        """Choose a write; records are few, so that clients meet."""
        pick = self.random
        own = f"c{number}-{made}"
        note, event = f"note-{pick.randrange(4)}", f"event-{pick.randrange(4)}"
        part = f"{event}:c{pick.randrange(1, 4)}"
        day = f"2021-01-{pick.randrange(1, 29):02}"
        choices: list[tuple[str, str, Any, Record]] = [
            ("POST", "/v1/publishers", publisher(own), {}),
            ("POST", "/v1/coverage", coverage(note), {}),
            ("POST", "/v1/exchanges", exchange(event, date=day), {"allow_duplicate": "true"}),
            ("PATCH", f"/v1/coverage/{note}", {"statement": own}, {}),
            ("PATCH", f"/v1/exchanges/{event}", {"summary": own, "date": day}, {}),
            ("PATCH", "/v1/articles/page-1", {"title": own}, {}),  # shown by all that cite it
            ("PATCH", "/v1/actors/east", {"aliases": [own]}, {}),
            ("DELETE", f"/v1/coverage/{note}", None, {}),
            ("DELETE", f"/v1/exchanges/{event}", None, {}),
            ("DELETE", "/v1/actors/east", None, {}),
            ("POST", f"/v1/coverage/{note}/restore", None, {}),
            ("POST", f"/v1/exchanges/{event}/restore", None, {}),
            ("POST", f"/v1/exchanges/{event}/claims", without(claim("", count=made), "id"), {}),
            ("PATCH", f"/v1/exchanges/{event}/claims/{part}", {"count": made}, {}),
            ("DELETE", f"/v1/exchanges/{event}/claims/{part}", None, {}),
        ]
        return pick.choice(choices)


async def feed(client: httpx.AsyncClient) -> list[Record]:
    """Give all changes that ever were, with the records as they then stood."""
    path, entries = "/v1/changes?since=0&body=true&limit=1000", []
    while path is not None:
        page = (await client.get(path)).json()
        entries += page["data"]
        path = page["meta"]["next"]
    return entries


async def test_a_storm_of_writes_leaves_one_history(curator: Curator) -> None:
    storm = Storm(curator, seed=1)
    await asyncio.gather(*(storm.client(number) for number in range(CLIENTS)))
    assert {status for _, status in storm.answers} <= {200, 201, 204, 404, 409, 410, 412, 422}
    newest = await curator.revision()
    made = sorted(set(storm.revisions))
    assert set(made) | {1} == set(range(1, newest + 1))
    entries = await feed(curator.client)
    assert sorted({entry["dataset_revision"] for entry in entries}) == list(range(1, newest + 1))

    state: dict[Resource, dict[str, str]] = {resource: {} for resource in Resource}
    for revision in range(1, newest + 1):
        changed = set()
        for entry in (each for each in entries if each["dataset_revision"] == revision):
            resource = Resource(entry["resource"])
            changed.add(resource)
            if entry["action"] == "deleted":
                del state[resource][entry["id"]]
            else:
                state[resource][entry["id"]] = entry["body"]
        for resource in changed if revision < newest else Resource:
            records = await walk(curator.client, f"/v1/{PLURAL[resource]}", {"as_of": revision})
            replayed = {id_: json.loads(body) for id_, body in state[resource].items()}
            assert {record["id"]: record for record in records} == replayed, revision
