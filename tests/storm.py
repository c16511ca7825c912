"""A storm of writes over HTTP: curators who write at once, and remember all that they sent.

Whose answer did not come is sent again if it has an Idempotency-Key, and left as it is if it has none. What
must be there after a storm is for `tests/test_write_storm.py` to say; no test lives here.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import anyio
import httpx

from db.enums import Resource
from tests.curating import PATCH, PLAIN, path_of, without
from tests.synthetic import article, claim, exchange

CURATORS = 16
SHARED = "first"  # an exchange that they all change
PATIENCE = 60.0  # seconds in which a request is answered, also while Postgres comes back

R = Resource


@dataclass
class Sent:
    """A write as it was sent; `answer` is None for as long as nobody knows what became of it."""

    reason: str  # no other has it, so that the change feed tells what became of the write
    kind: str
    method: str
    path: str
    resource: Resource
    record_id: str | None  # None of one that is created without an id
    body: object = None
    etag: str | None = None
    key: str | None = None
    answer: httpx.Response | None = None

    @property
    def done(self) -> httpx.Response | None:
        """The answer, if the write was stored."""
        return self.answer if self.answer is not None and self.answer.is_success else None


@dataclass
class Curator:
    """Somebody with a key, who writes one thing after the other."""

    storm: "Storm"
    place: int
    token: str
    chance: random.Random
    exchanges: list[str] = field(default_factory=list)  # ids of its own ones
    sent: int = 0

    @property
    def page(self) -> str:
        """The article that all its exchanges cite."""
        return f"page-of-{self.place}"

    async def write(self, client: httpx.AsyncClient, *, create: bool = False) -> Sent:
        """Send one write, again and again if it has a key and there is no certain answer."""
        self.sent += 1
        sent = self._creation() if create or not self.exchanges else await self._next(client)
        self.storm.ledger.append(sent)
        await self.storm.deliver(client, self.token, sent)
        if sent.kind == "create" and sent.done is not None:
            self.exchanges.append(sent.done.json()["id"])
        return sent

    async def _next(self, client: httpx.AsyncClient) -> Sent:
        """Choose a write, and read what it is to change."""
        kind = self.chance.choice(["create", "shared", "retitle", "change", "add", "count", "drop", "delete"])
        if kind == "create":
            return self._creation()
        resource, id_ = R.EXCHANGE, self.chance.choice(self.exchanges)
        if kind == "shared":
            id_ = SHARED
        elif kind == "retitle":
            resource, id_ = R.ARTICLE, self.page
        path = path_of(resource, id_)
        read = await self.storm.read(client, path)
        if read.status_code == 410:
            return self._sent("restore", "POST", f"{path}/restore", resource, id_)
        record = read.json()
        if kind in {"count", "drop"} and not record["claims"]:
            kind = "add"
        part = f"{path}/claims/{record['claims'][-1]['id']}" if kind in {"count", "drop"} else ""
        claim_ = without(claim("", count=self.sent, citations=[self.page]), "id")
        method, to, body = {
            "shared": ("PATCH", path, {"summary": f"By {self.place}, {self.sent}."}),
            "retitle": ("PATCH", path, {"title": f"By {self.place}, {self.sent}."}),
            "change": ("PATCH", path, {"summary": f"By {self.place}, {self.sent}."}),
            "add": ("POST", f"{path}/claims", claim_),
            "count": ("PATCH", part, {"count": 1000 + self.sent}),
            "drop": ("DELETE", part, None),
            "delete": ("DELETE", path, None),
        }[kind]
        sent = self._sent(kind, method, to, resource, id_)
        return replace(sent, body=body, etag=f'"{record["revision"]}"')

    def _creation(self) -> Sent:
        """Make an exchange without an id, every other one with an article that nobody knows."""
        cites: list[object] = [self.page]
        if self.chance.random() < 0.5:
            url = f"https://example.org/{self.place}/{self.sent}"
            cites.append(without(article("", url=url), "id"))
        claims = [without(claim("", count=self.sent, citations=cites), "id")]
        day = f"20{self.place:02}-{self.chance.randint(1, 12):02}-{self.chance.randint(1, 28):02}"
        body = without(exchange("", claims=claims, citations=[self.page], date=day), "id")
        return replace(self._sent("create", "POST", "/v1/exchanges", R.EXCHANGE, None), body=body)

    def _sent(self, kind: str, method: str, path: str, resource: Resource, id_: str | None) -> Sent:
        key = str(UUID(int=self.chance.getrandbits(128))) if self.chance.random() < 0.7 else None
        return Sent(f"{self.place}-{self.sent}", kind, method, path, resource, id_, key=key)


class BrokenOffError(Exception):
    """The server is not there any more."""


class Storm:
    """All curators, all that they sent, and what they were answered."""

    def __init__(self, seed: int, tokens: list[str]) -> None:
        self.chance = random.Random(seed)
        self.curators = [
            Curator(self, place, token, random.Random(f"{seed} {place}"))
            for place, token in enumerate(tokens)
        ]
        self.ledger: list[Sent] = []
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.repeated = self.replayed = 0
        self._killed = False
        self._goal = 0
        self._reached = anyio.Event()

    async def rage(self, url: str, kill: Callable[[], None], *, server_survives: bool) -> None:
        """Let all of them write, and kill something at a random moment.

        If the server survives they write on until each is answered again, else until it is not there.
        """
        self._killed, self._reached = False, anyio.Event()
        self._goal = self.chance.randint(CURATORS, 4 * CURATORS)
        async with anyio.create_task_group() as group:
            for curator in self.curators:
                group.start_soon(self._write_on, curator, url, server_survives)
            with anyio.fail_after(PATIENCE):
                await self._reached.wait()
            # The answer that was waited for ends a write: this makes it a moment anywhere in the next ones.
            await anyio.sleep(self.chance.uniform(0, 0.1))
            kill()
            self._killed = True

    async def _write_on(self, curator: Curator, url: str, server_survives: bool) -> None:
        async with connected(url) as client:
            try:
                while True:
                    after = self._killed
                    sent = await curator.write(client)
                    if after and sent.done is not None:
                        return
            except BrokenOffError:
                assert not server_survives

    async def settle(self, url: str) -> None:
        """Send again what has a key and no certain answer; then nothing that was sent is still under way."""
        async with connected(url) as client:
            for curator in self.curators:
                mine = [
                    sent for sent in self.ledger if sent.key and sent.reason.startswith(f"{curator.place}-")
                ]
                for sent in mine:
                    if sent.answer is None:
                        await self.deliver(client, curator.token, sent, again=True)
                for done in [sent for sent in mine if sent.done is not None][-1:]:
                    lost = replace(done, answer=None)  # as if the answer had not arrived
                    await self.deliver(client, curator.token, lost, again=True)
                    assert _told(lost) == (*_told(done)[:2], "true")
            while (await self.curators[0].write(client, create=True)).done is None:
                pass  # whoever held the dataset before it has committed, or never will

    async def deliver(
        self, client: httpx.AsyncClient, token: str, sent: Sent, *, again: bool = False
    ) -> None:
        """Send a write until it is certain what became of it, as far as anybody can know that.

        Raises:
            BrokenOffError: the server was not there, or went away.
        """
        headers = PLAIN | {"Authorization": f"Bearer {token}"}
        headers |= {} if sent.etag is None else {"If-Match": sent.etag}
        headers |= {} if sent.key is None else {"Idempotency-Key": sent.key}
        if sent.body is not None:
            headers["Content-Type"] = PATCH if sent.method == "PATCH" else "application/json"
        query = {"reason": sent.reason} | ({"allow_duplicate": "true"} if sent.kind == "create" else {})
        content = None if sent.body is None else json.dumps(sent.body)
        deadline = time.monotonic() + PATIENCE
        while sent.answer is None:
            assert time.monotonic() < deadline, f"{sent.method} {sent.path} is answered 503 for good"
            self.repeated += again
            answer = await self._ask(
                client, sent.method, sent.path, params=query, headers=headers, content=content
            )
            again = True
            if answer.status_code == 503 or (answer.status_code == 409 and "retry-after" in answer.headers):
                if sent.key is None:
                    return
                await anyio.sleep(0.01)
                continue
            self.replayed += "idempotency-replayed" in answer.headers
            sent.answer = answer
        if sent.done is not None:
            self._goal -= 1
            if self._goal <= 0:
                self._reached.set()

    async def read(self, client: httpx.AsyncClient, path: str, **query: object) -> httpx.Response:
        """Read something, again and again while Postgres is away."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = await self._ask(client, "GET", path, params=query or None, headers=PLAIN)
            if answer.status_code != 503:
                return answer
            assert time.monotonic() < deadline, f"{path} is answered 503 for good"
            await anyio.sleep(0.01)

    async def _ask(self, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
        began = time.monotonic()
        try:
            answer = await client.request(method, path, **more)
        except httpx.TimeoutException as error:
            raise AssertionError(f"{method} {path} hangs") from error
        except httpx.TransportError as error:
            raise BrokenOffError from error
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        assert answer.status_code != 503 or int(answer.headers["retry-after"]) > 0
        return answer


def _told(sent: Sent) -> tuple[int, bytes, str | None]:
    """Give what an answer is, and whether it is said to be one that was kept."""
    assert sent.answer is not None
    return sent.answer.status_code, sent.answer.content, sent.answer.headers.get("idempotency-replayed")


def connected(url: str) -> httpx.AsyncClient:
    """Make a client with connections of its own."""
    return httpx.AsyncClient(base_url=url, timeout=PATIENCE)
