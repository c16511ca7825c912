"""`kill -9` in the middle of a write storm, of the server and of Postgres: what was answered is there, whole.

Two rounds of each; `WRITE_STORM_ROUNDS=20` makes it more. `WRITE_STORM_SEED` repeats what was written, though
never the very moment of a kill.
"""

import json
import logging
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.access import create_key
from db.embedded import EmbeddedPostgres
from db.enums import Resource, Role
from db.session import write_engine
from db.verify import verify
from tests.asking import walk
from tests.embedded_users import eventually, postmaster
from tests.serving import Server, serving
from tests.storm import CURATORS, Sent, Storm, connected
from tests.synthetic import article
from tests.writing import made, put, put_small

ROUNDS = int(os.environ.get("WRITE_STORM_ROUNDS", "2"))
SEED = int(os.environ.get("WRITE_STORM_SEED", random.SystemRandom().randrange(2**32)))
SETTINGS: dict[str, Any] = {"WRITES_PER_MINUTE": "1000000", "WRITE_BURST": "1000000", "LOG_LEVEL": "error"}

pytestmark = pytest.mark.anyio
R = Resource
logger = logging.getLogger(__name__)

Entry = dict[str, Any]
Records = dict[tuple[str, str], str]  # bodies by resource and id


@asynccontextmanager
async def database(data_dir: Path) -> AsyncIterator[AsyncEngine]:
    """Open the embedded database beside the server, which need not be there."""
    with EmbeddedPostgres(data_dir) as postgres:
        engine = write_engine(postgres.url)
        yield engine
        await engine.dispose()


@pytest.fixture
def seed() -> int:
    logger.warning("WRITE_STORM_SEED=%d", SEED)  # pytest shows it with a test that fails
    return SEED


@pytest.fixture
async def storm(data_dir: Path, seed: int) -> Storm:
    async with database(data_dir) as engine:
        await put_small(engine)
        pages = [article(f"page-of-{place}") for place in range(CURATORS)]
        await put(engine, *(made(R.ARTICLE, page) for page in pages))
        keys = [await create_key(engine, f"curator {place}", Role.CURATOR) for place in range(CURATORS)]
    return Storm(seed, [token for _, token in keys])


@contextmanager
def served(data_dir: Path, port: int = 0) -> Iterator[Server]:
    """Run the server, which may lose its database but has no error of its own."""
    with serving(data_dir, "--workers=2", port=port, **SETTINGS) as server:
        try:
            server.answer()
            yield server
        finally:
            assert '"logger": "api.errors"' not in server.said, server.said


def kill_server(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


async def test_kill_9_of_the_server(data_dir: Path, storm: Storm) -> None:
    port, began = 0, Told(storm)
    for number in range(ROUNDS + 1):
        with served(data_dir, port) as server:
            port = server.port
            await began.check(server, data_dir)
            if number < ROUNDS:
                kill = partial(kill_server, server)
                await storm.rage(f"http://127.0.0.1:{port}", kill, server_survives=False)
    began.tell("server")


async def test_kill_9_of_postgres(data_dir: Path, storm: Storm) -> None:
    began = Told(storm)
    with served(data_dir) as server:
        await began.check(server, data_dir)
        for number in range(1, ROUNDS + 1):
            kill = partial(kill_postgres, data_dir)
            await storm.rage(f"http://127.0.0.1:{server.port}", kill, server_survives=True)
            eventually(lambda round_=number: server.said.count("it runs again") == round_)  # type: ignore[misc]
            await began.check(server, data_dir)
    assert storm.statuses[503] >= ROUNDS
    began.tell("Postgres")


def kill_postgres(data_dir: Path) -> None:
    postmaster(data_dir).kill()


class Told:
    """What the service tells of the storm after each round, held against what it had answered."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.began = time.monotonic()
        self.since = 0
        self.first: Records = {}
        self.checked = 0
        self.kept = 0  # writes without an answer that were stored

    async def check(self, server: Server, data_dir: Path) -> None:
        url = f"http://127.0.0.1:{server.port}"
        async with connected(url) as client:
            if not self.since:  # as a mirror begins
                self.since = (await follow(self.storm, client, 0))[-1]["dataset_revision"]
                self.first = await standing(client)
            await self.storm.settle(url)
            entries = await follow(self.storm, client, self.since)
            by_reason: dict[str, list[Entry]] = defaultdict(list)
            for entry in entries:
                by_reason[entry["reason"]].append(entry)
            assert by_reason.keys() <= {sent.reason for sent in self.storm.ledger}
            for sent in self.storm.ledger:
                check_whole(sent, by_reason[sent.reason])
            for sent in self.storm.ledger[self.checked :]:
                await check_answer(self.storm, client, sent)
            check_order(entries, self.since)
            newest = {(entry["resource"], entry["id"]): entry for entry in entries}
            gone = {record for record, entry in newest.items() if entry["action"] in {"deleted", "merged"}}
            told = self.first | {record: entry["body"] for record, entry in newest.items()}
            assert await standing(client) == {record: told[record] for record in told.keys() - gone}
            claims = [
                json.loads(told[record])["claims"] for record in told.keys() - gone if record[0] == R.EXCHANGE
            ]
            shown = await walk(client, "/v1/claims")
            assert {each["id"]: each["count"] for each in shown} == {
                each["id"]: each["count"] for of_one in claims for each in of_one
            }
        async with database(data_dir) as engine:
            assert [fault async for fault in verify(engine)] == []
        self.checked = len(self.storm.ledger)
        unknown = [sent for sent in self.storm.ledger if sent.answer is None]
        assert all(sent.key is None for sent in unknown)
        self.kept = sum(bool(by_reason[sent.reason]) for sent in unknown)
        for curator in self.storm.curators:
            curator.exchanges = [
                id_
                for (resource, id_), entry in newest.items()
                if resource == R.EXCHANGE and curator.page in json.loads(entry["body"])["citations"]
            ]

    def tell(self, victim: str) -> None:
        done = sum(sent.done is not None for sent in self.storm.ledger)
        unknown = sum(sent.answer is None for sent in self.storm.ledger)
        storm = self.storm
        logger.info(
            "%d times kill -9 of %s: %d writes sent, %d stored and answered, all of them there and whole; "
            "%d without an answer, of which %d were stored; %d sent again, %d of them answered from what was "
            "kept; statuses %s; slowest answer %.1f s; no fault in any verification; %.0f s",
            *(ROUNDS, victim, len(storm.ledger), done, unknown, self.kept, storm.repeated, storm.replayed),
            *(dict(sorted(storm.statuses.items())), storm.slowest, time.monotonic() - self.began),
        )


def check_whole(sent: Sent, entries: list[Entry]) -> None:
    """A write is in the feed once and with all its changes if it was stored, else not at all."""
    revisions = {entry["dataset_revision"] for entry in entries}
    if sent.answer is not None:
        stored = {int(sent.answer.headers["x-dataset-revision"])} if sent.done is not None else set()
        assert revisions == stored, (sent, entries)
    if not entries:
        return
    assert len(revisions) == 1, (sent, entries)
    assert [entry["position"] for entry in entries] == list(range(entries[0]["entries"])), (sent, entries)
    expected = {
        "create": {("exchange", "created")},
        "delete": {("exchange", "deleted")},
        "restore": {("exchange", "restored")},
        "retitle": {("article", "updated")},
    }.get(sent.kind, {("exchange", "updated")})
    if sent.kind == "create" and len(sent.body["claims"][0]["citations"]) > 1:  # type: ignore[index]
        expected |= {("article", "created")}
    done = {(entry["resource"], entry["action"]) for entry in entries}
    assert done - {("exchange", "rerendered")} == expected, (sent, entries)
    if sent.done is not None:
        check_content(sent, sent.done, {(entry["resource"], entry["id"]): entry for entry in entries})


def check_content(sent: Sent, answer: httpx.Response, entries: Mapping[tuple[str, str], Entry]) -> None:
    """What is in the feed is what was answered."""
    id_ = sent.record_id or answer.json()["id"]
    entry = entries[sent.resource, id_]
    body = json.loads(entry["body"])
    if "etag" in answer.headers:
        assert answer.headers["etag"] == f'"{entry["number"]}"'
    if sent.kind in {"add", "count"}:
        [part] = [each for each in body["claims"] if each["id"] == answer.json()["id"]]
        assert part == {name: answer.json()[name] for name in part}
    elif sent.kind == "drop":
        assert sent.path.rpartition("/")[2] not in {each["id"] for each in body["claims"]}
    elif sent.kind != "delete":
        assert entry["body"] == answer.text


async def check_answer(storm: Storm, client: httpx.AsyncClient, sent: Sent) -> None:
    """The revision that a write was answered with is read as it was answered."""
    if sent.done is None or sent.kind in {"add", "count", "drop", "delete"}:
        return
    record = sent.done.json()
    path = f"{record['links']['self']}/revisions/{record['revision']}"
    assert (await storm.read(client, path)).content == sent.done.content


def check_order(entries: list[Entry], since: int) -> None:
    """Dataset revisions have no gap and no double."""
    revisions = [entry["dataset_revision"] for entry in entries if entry["position"] == 0]
    assert revisions == list(range(since + 1, since + 1 + len(revisions)))


async def follow(storm: Storm, client: httpx.AsyncClient, since: int) -> list[Entry]:
    """Give all changes after a dataset revision."""
    page = (await storm.read(client, "/v1/changes", since=since, body="true", limit=1000)).json()
    entries: list[Entry] = page["data"]
    while page["meta"]["next"]:
        page = (await storm.read(client, page["meta"]["next"])).json()
        entries += page["data"]
    return entries


async def standing(client: httpx.AsyncClient) -> Records:
    """Give the exchanges and articles that the lists show."""
    return {
        (str(resource), record["id"]): json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        for resource, path in ((R.EXCHANGE, "/v1/exchanges"), (R.ARTICLE, "/v1/articles"))
        for record in await walk(client, path)
    }
