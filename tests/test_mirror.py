"""A mirror that does as the guide says: it begins with the lists, and follows the feed while others write."""

import json
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.amending import AmendError, merge, remove, restore, revert
from db.enums import Resource
from db.rendering import PLURAL
from db.verify import verify
from tests.applications import application, running
from tests.asking import ask, walk
from tests.blanking import blank
from tests.curating import url_of
from tests.synthetic import claim, exchange
from tests.test_amending import run
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio
R = Resource

WRITES = 1_000
SEED = 7
KINDS = {
    "create": 3,
    "update": 8,
    "delete": 2,
    "restore": 2,
    "revert": 1,
    "merge": 1,
    "blank": 1,
    "page": 1,
}


class Mirror:
    """Bodies by kind and id, as the guide says to keep them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.epoch, self.applied = "", 0
        self.bodies: dict[tuple[str, str], str] = {}

    async def begin(self) -> None:
        meta = (await ask(self.client, "/v1/changes", {"limit": 1})).json()["meta"]
        self.epoch, self.applied = meta["epoch"], meta["head"]
        for resource, plural in PLURAL.items():
            whole = await ask(self.client, f"/v1/{plural}.ndjson", {"as_of": self.applied})
            assert whole.headers["x-dataset-revision"] == str(self.applied)
            for body in whole.text.split("\n")[:-1]:
                self.bodies[resource, json.loads(body)["id"]] = body

    async def follow(self) -> int:
        """Apply what was written since, revision by revision; give how many entries there were."""
        query = {"since": self.applied, "epoch": self.epoch, "body": "true", "limit": 50}
        page = (await ask(self.client, "/v1/changes", query)).json()
        entries, whole = 0, []
        while True:
            for entry in page["data"]:
                entries += 1
                assert entry["position"] == len(whole)
                whole.append(entry)
                if len(whole) == entry["entries"]:
                    for each in whole:
                        await self._apply(each)
                    assert entry["dataset_revision"] == self.applied + 1
                    self.applied, whole = entry["dataset_revision"], []
            if page["meta"]["next"] is None:
                return entries
            page = (await ask(self.client, page["meta"]["next"])).json()

    async def _apply(self, entry: Mapping[str, Any]) -> None:
        key = entry["resource"], entry["id"]
        if entry["action"] in {"deleted", "merged"}:
            self.bodies.pop(key, None)
        elif entry["body"] is None or entry["action"] == "redacted":
            answer = await ask(self.client, entry["links"]["record"])
            self.bodies.pop(key, None)
            if answer.status_code == 200:
                self.bodies[key] = answer.text
        else:
            self.bodies[key] = entry["body"]


class Writers:
    """Writes at random into a small dataset, and knows which exchanges stand."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.chance, self.made = engine, random.Random(SEED), 0
        self.standing, self.deleted = ["first", "second"], list[str]()
        self.done = dict.fromkeys(KINDS, 0)

    async def write(self) -> None:
        kind = self.chance.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "restore" and self.deleted:
            id_ = self.deleted.pop(self.chance.randrange(len(self.deleted)))
            await run(self.engine, lambda write: restore(write, R.EXCHANGE, id_))
            self.standing.append(id_)
        elif kind == "delete" and len(self.standing) > 3:
            id_ = self._taken()
            await run(self.engine, lambda write: remove(write, R.EXCHANGE, id_))
            self.deleted.append(id_)
        elif kind == "merge" and len(self.standing) > 3:
            id_, into = self._taken(), self.chance.choice(self.standing)
            await run(self.engine, lambda write: merge(write, R.EXCHANGE, id_, into))
        elif kind == "revert":
            id_ = self.chance.choice(self.standing)
            try:
                await run(self.engine, lambda write: revert(write, R.EXCHANGE, id_, 1))
            except AmendError:  # it was blanked
                return
        elif kind == "blank":
            try:
                await blank(self.engine, R.EXCHANGE, self.chance.choice(self.standing), 1)
            except AmendError:  # it says what still stands, or was blanked before
                return
        elif kind == "page":
            await put(self.engine, await changed(self.engine, R.ARTICLE, "page-1", title=self._words()))
        elif kind == "update":
            id_ = self.chance.choice(self.standing)
            claims = [claim(f"{id_}:c1", count=self.chance.randrange(1_000))]
            await put(
                self.engine,
                await changed(
                    self.engine,
                    R.EXCHANGE,
                    id_,
                    claims=claims,
                    summary=self._words(),
                    citations=["page-1", "page-2"],
                    mediations=[],
                ),
            )
        else:
            kind, self.made = "create", self.made + 1
            id_ = f"new-{self.made}"
            await put(self.engine, made(R.EXCHANGE, exchange(id_, summary=self._words())))
            self.standing.append(id_)
        self.done[kind] += 1

    def _taken(self) -> str:
        return self.standing.pop(self.chance.randrange(len(self.standing)))

    def _words(self) -> str:
        return f"Handover {self.chance.randrange(1_000_000)}."


@pytest.fixture
async def source(engine: AsyncEngine, server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    await put_small(engine)
    async with running(application(await url_of(engine, server_url))) as client:
        yield client


async def test_a_mirror_follows_a_thousand_writes(engine: AsyncEngine, source: httpx.AsyncClient) -> None:
    mirror, writers = Mirror(source), Writers(engine)
    await mirror.begin()
    written = anyio.Event()
    finished = False

    async def follow() -> None:
        nonlocal written
        while not finished:
            await written.wait()
            written = anyio.Event()
            await mirror.follow()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        while sum(writers.done.values()) < WRITES:
            await writers.write()
            written.set()
        finished = True
        written.set()
    await mirror.follow()
    assert min(writers.done.values()) > 0, writers.done
    assert mirror.bodies == {
        (str(resource), record["id"]): (await ask(source, f"/v1/{plural}/{record['id']}")).text
        for resource, plural in PLURAL.items()
        for record in await walk(source, f"/v1/{plural}")
    }
    assert [fault async for fault in verify(engine)] == []
