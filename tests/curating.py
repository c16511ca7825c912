"""How tests write through HTTP: a client with a key, conditional requests, and what refusals say.

No test lives here. Records are made by `tests/synthetic.py`; writing without HTTP is `tests/writing.py`'s.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.errors import Problem
from api.main import create_app
from api.settings import HttpSettings
from db.access import create_key
from db.enums import Resource, Role
from db.models.history import Dataset
from db.rendering import PLURAL
from db.settings import DatabaseSettings
from tests.applications import running
from tests.databases import database_url
from tests.synthetic import Record
from tests.test_http_shell import problem_of

REASON = "a test"
PLAIN = {"Accept-Encoding": "identity"}  # an encoded answer has a tag of its own
PATCH = "application/merge-patch+json"
UNLIMITED = HttpSettings(log_level="error", cache_size=0, writes_per_minute=100_000, write_burst=100_000)
CACHED = UNLIMITED.model_copy(update={"cache_size": 1_000_000})


def path_of(resource: Resource, record_id: str) -> str:
    return f"/v1/{PLURAL[resource]}/{record_id}"


async def url_of(engine: AsyncEngine, server_url: str) -> str:
    """Give the URL of the database of an engine."""
    async with engine.connect() as connection:
        name = (await connection.exec_driver_sql("SELECT current_database()")).scalar_one()
    return database_url(server_url, name)


@dataclass(frozen=True)
class Curator:
    """Somebody with a key, who writes into a database of the test's own."""

    client: httpx.AsyncClient
    engine: AsyncEngine
    token: str

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        etag: str | None = None,
        reason: str | None = REASON,
        query: Mapping[str, object] | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Send a write; `etag` goes into If-Match, and words of `headers` are joined by hyphens."""
        sent = PLAIN | {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            sent["Content-Type"] = PATCH if method == "PATCH" else "application/json"
        if etag is not None:
            sent["If-Match"] = etag
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        asked = ({} if reason is None else {"reason": reason}) | dict(query or {})
        content = None if body is None else json.dumps(body)
        return await self.client.request(method, path, params=asked, content=content, headers=sent)  # type: ignore[arg-type]

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Read a record as it stands, without a key."""
        sent = PLAIN | {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.client.get(path, headers=sent)

    async def body(self, path: str) -> Record:
        """Give a record as it is served."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        record: Record = answer.json()
        return record

    async def etag(self, path: str) -> str:
        """Give the ETag of a record as it is served."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.headers["etag"]

    async def create(self, resource: Resource, record: Record, **query: object) -> httpx.Response:
        """Store a new record."""
        answer = await self.send("POST", f"/v1/{PLURAL[resource]}", record, query=query)
        assert answer.status_code == 201, answer.text
        return answer

    async def change(
        self, method: str, path: str, body: object = None, *, query: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """Write to a record with the ETag that it has; it must succeed."""
        of = "/".join(path.split("/")[:4])
        answer = await self.send(method, path, body, etag=await self.etag(of), query=query)
        assert answer.is_success, answer.text
        return answer

    async def revision(self) -> int:
        """Give the newest dataset revision."""
        async with self.engine.connect() as connection:
            return int((await connection.execute(select(Dataset.revision))).scalar_one())

    async def colleague(self, role: Role = Role.CURATOR) -> "Curator":
        """Give somebody else with a key of their own."""
        _, token = await create_key(self.engine, "a colleague", role)
        return replace(self, token=token)


@asynccontextmanager
async def curating(
    engine: AsyncEngine, server_url: str, settings: HttpSettings = UNLIMITED
) -> AsyncIterator[Curator]:
    """Run the application over the database of an engine, and give a curator of it."""
    _, token = await create_key(engine, "a curator", Role.CURATOR)
    database = DatabaseSettings(database_url=await url_of(engine, server_url))
    async with running(create_app(settings, database)) as client:
        yield Curator(client, engine, token)


def refused(answer: httpx.Response, status: int, code: str, *pointers: str) -> Problem:
    """Give the problem that an answer is; it must point at exactly these places, if at any."""
    assert answer.status_code == status, answer.text
    problem = problem_of(answer)
    assert problem.code == code, answer.text
    if pointers:
        assert [item.pointer for item in problem.errors] == list(pointers), answer.text
    return problem


def conflicts_of(problem: Problem) -> list[tuple[str, str]]:
    return [(each.resource, each.id) for each in problem.conflicts]


def without(record: Mapping[str, Any], *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}
