"""How tests propose and decide: everybody who may, over a small dataset. No test lives here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from api.settings import HttpSettings
from db.enums import Resource, Role
from db.proposals import Act
from tests.curating import UNLIMITED, Curator, curating, path_of
from tests.synthetic import exchange

R = Resource

FIRST = path_of(R.EXCHANGE, "first")
VERB = {Act.WITHDRAW: "withdraw", Act.ACCEPT: "accept", Act.REJECT: "reject"}
SECRET = "whispered"  # in every text that must not be seen
SENT: dict[str, Any] = {
    "action": "update",
    "resource": "exchange",
    "record_id": "first",
    "base_revision": 1,
    "content": {"summary": f"A {SECRET} handover."},
    "source_url": "https://example.org/page-7",
    "comment": f"As the page has {SECRET}.",
}
CREATION = SENT | {
    "action": "create",
    "record_id": None,
    "base_revision": None,
    "content": exchange("third", date="2021-05-05"),
}
DELETION = SENT | {"action": "delete", "record_id": "second", "content": None}


@dataclass(frozen=True)
class Cast:
    """Those who play in these tests: two contributors, two curators, an admin, and one without a key."""

    curator: Curator
    other: Curator
    proposer: Curator
    stranger: Curator
    admin: Curator

    @property
    def client(self) -> httpx.AsyncClient:
        """Their client."""
        return self.curator.client

    async def propose(self, sent: dict[str, Any] = SENT, by: Curator | None = None) -> str:
        """Have something proposed, and give its path."""
        answer = await (by or self.proposer).send("POST", "/v1/proposals", sent, reason=None)
        assert answer.status_code == 201, answer.text
        path: str = answer.headers["location"]
        return path

    async def decide(self, act: Act, path: str, by: Curator | None = None, **more: Any) -> httpx.Response:
        """Do something to a proposal, by whoever usually does, in the version that it has."""
        etag = more.pop("etag", None) or f'"{(await self.see(path))["version"]}"'
        if act is Act.EDIT:
            sent = more.pop("sent", SENT)
            return await (by or self.proposer).send("PUT", path, sent, etag=etag, reason=None, **more)
        if act is Act.WITHDRAW:
            return await (by or self.proposer).send("POST", f"{path}/withdraw", reason=None, **more)
        verb = "accept" if act is Act.ACCEPT else "reject"
        return await (by or self.curator).send("POST", f"{path}/{verb}", etag=etag, **more)

    async def see(self, path: str) -> dict[str, Any]:
        """Give a proposal as a curator sees it."""
        answer = await get(self.curator, path)
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen


async def get(whose: Curator, path: str) -> httpx.Response:
    """Read with a key."""
    return await whose.get(path, Authorization=f"Bearer {whose.token}")


@asynccontextmanager
async def proposing(
    engine: AsyncEngine, server_url: str, settings: HttpSettings = UNLIMITED
) -> AsyncIterator[Cast]:
    """Give everybody, over the database of an engine."""
    async with curating(engine, server_url, settings) as curator:
        yield Cast(
            curator,
            await curator.colleague(),
            await curator.colleague(Role.CONTRIBUTOR),
            await curator.colleague(Role.CONTRIBUTOR),
            await curator.colleague(Role.ADMIN),
        )
