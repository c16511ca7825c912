"""Whether the service says that it is ready exactly when it can answer, and why not otherwise."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from api.main import create_app
from api.settings import HttpSettings
from db.migrate import head, is_newer, upgrade
from db.settings import DatabaseSettings
from tests.applications import Queries, application, running
from tests.databases import database_url, drop_database, make_clone
from tests.live import apart
from tests.replicated import primary_and_replica
from tests.serving import exchanges, free_port, serving

pytestmark = pytest.mark.anyio

READS, WRITES = "/readyz", "/readyz?for=writes"
NEWER, OLDER = f"{int(head()) + 1:04}", f"{int(head()) - 1:04}"


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def ready(loaded_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application over `loaded_url`."""
    async with running(application(loaded_url)) as made:
        yield made


@pytest.mark.parametrize("path", [READS, "/readyz?for=reads", WRITES])
async def test_ready(ready: httpx.AsyncClient, path: str) -> None:
    answer = await ready.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "note": None})
    assert answer.headers["cache-control"] == "no-store"


async def test_what_it_is_asked_for_is_one_of_two(ready: httpx.AsyncClient) -> None:
    answer = await ready.get("/readyz?for=lunch")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["parameter"], error["allowed"]) == ("for", ["reads", "writes"])
    assert (await ready.get("/readyz?for=reads&for=writes")).status_code == 422
    assert (await ready.get("/readyz?fr=writes")).json()["errors"][0]["suggestions"] == ["for"]


async def refused(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    return str(answer.json()["detail"])


@pytest.mark.parametrize("path", [READS, WRITES])
async def test_a_newer_schema_is_ready_with_a_note(
    ready: httpx.AsyncClient, loaded_url: str, path: str
) -> None:
    await execute(loaded_url, f"UPDATE alembic_version SET version_num = '{NEWER}'")
    answer = await ready.get(path)
    assert answer.status_code == 200
    assert answer.json()["note"] == (
        f"The database has schema {NEWER}, of a newer version; this one knows {head()}."
    )


@pytest.mark.parametrize("path", [READS, WRITES])
@pytest.mark.parametrize(
    ("statement", "has"),
    [
        (f"UPDATE alembic_version SET version_num = '{OLDER}'", f"schema {OLDER}"),
        ("UPDATE alembic_version SET version_num = 'abc'", "schema abc"),
        ("DELETE FROM alembic_version", "no schema of the service"),
        ("DROP TABLE alembic_version", "no schema of the service"),
        ("ALTER TABLE dataset RENAME TO something_else", "no schema of the service"),
    ],
)
async def test_an_older_schema_is_not_ready(
    ready: httpx.AsyncClient, loaded_url: str, path: str, statement: str, has: str
) -> None:
    await execute(loaded_url, statement)
    said = await refused(ready, path)
    assert said == f"The database has {has}, and this version needs {head()}: `exchanges migrate`."


async def test_no_database_is_not_ready() -> None:
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/nothing"
    async with running(application(url)) as client:
        for path in (READS, WRITES):
            assert await refused(client, path) == "The database cannot be reached at this moment."


async def test_what_takes_no_writes_is_ready_for_reads_only(loaded_url: str) -> None:
    name = urlsplit(loaded_url).path[1:]
    await execute(loaded_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with running(application(loaded_url)) as client:
        assert (await client.get(READS)).status_code == 200
        said = await refused(client, WRITES)
        assert said == "The database takes no writes: its transactions are read-only."


async def test_an_account_that_may_not_write_is_ready_for_reads_only(
    loaded_url: str, server_url: str
) -> None:
    role = f"reading_only_{urlsplit(loaded_url).path[1:]}"
    await execute(
        loaded_url,
        f"CREATE ROLE {role} LOGIN PASSWORD '{role}'",
        f"GRANT SELECT ON dataset, alembic_version TO {role}",
    )
    try:
        parts = urlsplit(loaded_url)
        place = parts.netloc.rpartition("@")[2]
        async with running(application(parts._replace(netloc=f"{role}:{role}@{place}").geturl())) as client:
            assert (await client.get(READS)).status_code == 200
            assert await refused(client, WRITES) == (
                "The account of the service may not write to the database."
            )
    finally:
        await execute(loaded_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


async def test_asking_writes_nothing(ready: httpx.AsyncClient, queries: Queries) -> None:
    assert (await ready.get(WRITES)).status_code == 200
    assert queries
    assert all(query.startswith(("SELECT ", "SET LOCAL ")) for query in queries)


async def test_reads_go_on_without_a_primary() -> None:
    with primary_and_replica() as (primary, replica):
        await asyncio.to_thread(upgrade, primary.url())
        settings = DatabaseSettings(database_url=primary.url(), database_read_url=replica.url())
        app = create_app(HttpSettings(log_level="error", cache_size=0), settings)
        async with running(app) as client:
            for _ in range(3000):
                if (await client.get(READS)).status_code == 200:
                    break
                await asyncio.sleep(0.01)
            assert (await client.get(WRITES)).status_code == 200
            await asyncio.to_thread(primary.kill)
            assert (await client.get(READS)).status_code == 200
            assert await refused(client, WRITES) == "The database cannot be reached at this moment."
        # a standby in the place of the primary takes no writes either
        async with running(application(replica.url())) as client:
            assert (await client.get(READS)).status_code == 200
            assert await refused(client, WRITES) == "The server that writes go to is a standby."


@pytest.mark.parametrize(
    ("schema", "newer"), [(NEWER, True), (head(), False), (OLDER, False), ("abc", False), ("²", False)]
)
def test_newer_is_what_has_a_greater_number(schema: str, newer: bool) -> None:
    assert is_newer(schema) is newer


def test_old_code_goes_on_over_a_newer_schema(server_url: str, loaded_template: str, tmp_path: Path) -> None:
    name = apart(make_clone(server_url, loaded_template))
    url = database_url(server_url, name)
    told = (
        f"A newer version has migrated the database to schema {NEWER}; this one knows {head()}, and goes on."
    )
    try:
        apart(execute(url, f"UPDATE alembic_version SET version_num = '{NEWER}'"))
        with serving(tmp_path / "unused", DATABASE_URL=url) as server:
            assert server.answer("/exchanges?mediator=UAE")["meta"]["total"] == 26
            assert server.ask(WRITES)["note"].startswith(f"The database has schema {NEWER}")
            assert told in server.said.splitlines()
        migrated = exchanges("migrate", DATABASE_URL=url)
        assert (migrated.returncode, migrated.stderr.strip()) == (0, told)
        assert migrated.stdout.startswith("The schema of ")
        assert migrated.stdout.endswith(f"is at {NEWER}.\n")
        listed = exchanges("key", "list", DATABASE_URL=url)
        assert listed.returncode == 0, listed.stderr
    finally:
        apart(drop_database(server_url, name))
