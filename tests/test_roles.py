"""The accounts of a running service: the reader's reads, the writer's writes, and neither does more."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import db.models  # noqa: F401  (registers the tables)
from api.main import create_app
from db.access import create_key, verify_key
from db.base import Base
from db.embedded import EmbeddedPostgres
from db.enums import Resource, Role
from db.migrate import upgrade_async
from db.reader import Reader
from db.roles import RIGHTS, Passwords, RoleError, grant_roles
from db.session import read_engine, write_engine
from db.settings import DatabaseSettings
from db.verify import verify
from tests.applications import running
from tests.contract import EVERY, Operation
from tests.curating import UNLIMITED, Curator, path_of, url_of
from tests.databases import execute_at, own_database
from tests.proposing import SENT
from tests.serving import exchanges, refusal
from tests.synthetic import actor, exchange
from tests.test_import import NDJSON, line, stream
from tests.writing import put_small

pytestmark = pytest.mark.anyio
R = Resource
DENIED = asyncpg.InsufficientPrivilegeError
PASSWORDS = Passwords.model_validate({"reader_password": "lesen", "writer_password": "schreiben"})
FIRST = path_of(R.EXCHANGE, "first")
_prefixes = count(1)


def as_account(url: str, account: str, password: str) -> str:
    """Give the URL with another account in it."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return urlsplit(url)._replace(netloc=f"{account}:{password}@{host}").geturl()


@dataclass(frozen=True)
class Accounts:
    """A database with its roles, whose names no other test has: they belong to the whole server."""

    prefix: str
    owner: str

    @property
    def reader(self) -> str:
        return as_account(self.owner, f"{self.prefix}_reader", "lesen")

    @property
    def writer(self) -> str:
        return as_account(self.owner, f"{self.prefix}_writer", "schreiben")


@pytest.fixture(scope="module")
def prefix(server_url: str) -> Iterator[str]:
    """What the names of roles begin with; they go when no database has them any more."""
    made = f"test_{os.getpid()}_{next(_prefixes)}"
    yield made
    asyncio.run(execute_at(server_url, f"DROP ROLE IF EXISTS {made}_reader, {made}_writer"))


async def grant(url: str, prefix: str, passwords: Passwords = PASSWORDS) -> None:
    engine = write_engine(url)
    try:
        assert await grant_roles(engine, prefix, passwords) == (f"{prefix}_reader", f"{prefix}_writer")
    finally:
        await engine.dispose()


@asynccontextmanager
async def accounts_over(server_url: str, template: str, prefix: str) -> AsyncIterator[Accounts]:
    async with own_database(server_url, template) as url:
        await grant(url, prefix)
        yield Accounts(prefix, url)


@pytest.fixture(scope="module")
async def accounts(server_url: str, loaded_template: str, prefix: str) -> AsyncIterator[Accounts]:
    async with accounts_over(server_url, loaded_template, prefix) as made:
        yield made


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


# What a new table needs


def test_every_table_has_its_rights() -> None:
    """A new table needs a line in `db/roles.py`: who of the service reads it, who writes it?"""
    assert set(RIGHTS) == {*Base.metadata.tables, "alembic_version"}


async def test_so_has_every_table_of_the_migrations(accounts: Accounts) -> None:
    async with connected(accounts.owner) as owner:
        found = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    assert {row["tablename"] for row in found} == set(RIGHTS)


# A service over the roles


async def test_the_service_reads_as_the_reader(accounts: Accounts) -> None:
    """Every operation that answers, and no other account at work; the writer's has nothing to do."""
    owner = write_engine(accounts.owner)
    _, token = await create_key(owner, "a reader", Role.ADMIN)
    await owner.dispose()
    database = DatabaseSettings.model_validate(
        {"database_url": accounts.writer, "database_read_url": accounts.reader}
    )
    async with running(create_app(UNLIMITED, database)) as client:
        for operation in EVERY:
            if operation.method != "GET":
                continue
            answer = await client.get(operation.path, headers=_key(operation, token))
            named = {"{proposal_id}", "{citation_id}"} & {*operation.template.split("/")}
            assert answer.status_code == (404 if named else 200), (operation.template, answer.text)
        async with connected(accounts.owner) as connection:
            users = await connection.fetch(
                "SELECT DISTINCT usename, application_name = 'exchanges-read' AS reads FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    assert {(row["usename"], row["reads"]) for row in users} == {
        (f"{accounts.prefix}_reader", True),
        (f"{accounts.prefix}_writer", False),
    }


def _key(operation: Operation, token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if operation.spec["security"] else {}


@pytest.fixture
async def curator(engine: AsyncEngine, server_url: str, prefix: str) -> AsyncIterator[Curator]:
    """A curator of a small dataset, which is served over the roles and sound after the test."""
    await put_small(engine)
    accounts = Accounts(prefix, await url_of(engine, server_url))
    await grant(accounts.owner, prefix)
    _, token = await create_key(engine, "a curator", Role.CURATOR)
    database = DatabaseSettings.model_validate(
        {"database_url": accounts.writer, "database_read_url": accounts.reader}
    )
    async with running(create_app(UNLIMITED, database)) as client:
        yield Curator(client, engine, token)
    assert [fault async for fault in verify(engine)] == []


async def test_the_service_writes_as_the_writer(curator: Curator) -> None:
    """Every kind of write that it has routes for."""
    await curator.create(R.EXCHANGE, exchange("third", date="2021-05-05"))
    third = path_of(R.EXCHANGE, "third")
    await curator.change("PATCH", FIRST, {"summary": "A handover."})
    whole = await curator.body(FIRST)
    await curator.change("PUT", FIRST, whole | {"summary": "Another handover."})
    await curator.change("POST", f"{FIRST}/revert", query={"to": 1})
    part = {"released_by": "north", "received_by": "south", "category": "total", "count": 3}
    part |= {"qualifier": "exact", "claimant": None, "covers": "all", "rank": "normal", "note": None}
    await curator.change("POST", f"{FIRST}/claims", part | {"citations": ["page-1"]})
    await curator.change("DELETE", third)
    restored = await curator.send("POST", f"{third}/restore")
    assert restored.is_success, restored.text
    for id_ in ("west", "occident"):
        await curator.create(R.ACTOR, actor(id_))
    await curator.change("POST", f"{path_of(R.ACTOR, 'west')}/merge", query={"into": "occident"})
    imported = await curator.client.post(
        "/v1/import?reason=a+test",
        content=stream([line(R.ACTOR, actor("far"))]),
        headers={"Authorization": f"Bearer {curator.token}", "Content-Type": NDJSON},
    )
    assert imported.status_code == 200, imported.text


async def test_the_service_keeps_answers_proposals_citations_and_the_use_of_keys(curator: Curator) -> None:
    again = {"Idempotency-Key": "again"}
    first, second = [
        await curator.send("PATCH", FIRST, {"summary": "So."}, etag='"1"', **again) for _ in range(2)
    ]
    assert (first.status_code, second.content) == (200, first.content)
    proposed = await curator.send("POST", "/v1/proposals", SENT | {"base_revision": 2}, reason=None)
    assert proposed.status_code == 201, proposed.text
    accepted = await curator.send(
        "POST", f"{proposed.headers['location']}/accept", etag=proposed.headers["etag"], reason="It is so."
    )
    assert accepted.is_success, accepted.text
    cited = await curator.client.post("/v1/citations", json={"url": "/v1/exchanges"})
    assert cited.status_code == 201, cited.text
    assert (await curator.client.get(cited.headers["location"])).status_code == 200
    me = await curator.send("GET", "/v1/me", reason=None)
    assert me.json()["last_used_at"] is not None, me.text


# What the accounts cannot do


@pytest.mark.parametrize("table", RIGHTS)
async def test_the_reader_writes_nothing(accounts: Accounts, table: str) -> None:
    async with connected(accounts.reader) as reader:
        [column] = await reader.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = $2",
            table,
            2 if table == "proposal" else 1,
        )
        for statement in (
            f"INSERT INTO {table} DEFAULT VALUES",
            f"UPDATE {table} SET {column['attname']} = NULL",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"DROP TABLE {table}",
            f"DO 'BEGIN LOCK TABLE {table} IN ROW EXCLUSIVE MODE; END'",
        ):
            with pytest.raises(DENIED):
                await reader.execute(statement)


async def test_the_reader_knows_no_secrets(accounts: Accounts) -> None:
    owner = write_engine(accounts.owner)
    record, token = await create_key(owner, "somebody", Role.ADMIN)
    await owner.dispose()
    async with connected(accounts.reader) as reader:
        for hidden in ("SELECT * FROM api_key", "SELECT id FROM api_key", "SELECT at FROM kept_answer"):
            with pytest.raises(DENIED):
                await reader.fetch(hidden)
        for change in ("CREATE TABLE own (x int)", "CREATE TEMP TABLE own (x int)", "SET ROLE postgres"):
            with pytest.raises((DENIED, asyncpg.InvalidParameterValueError)):
                await reader.execute(change)
        known = await reader.fetchrow("SELECT * FROM api_key_of($1)", record.id)
    async with connected(accounts.owner) as connection:
        kept = await connection.fetchval("SELECT secret_sha256 FROM api_key WHERE id = $1", record.id)
    assert known is not None
    assert kept not in known.values()
    engine = read_engine(accounts.reader, pool_size=1)
    writer = write_engine(accounts.writer)
    assert (await verify_key(Reader(engine), token, writer=writer)).key_id == record.id
    await engine.dispose()
    await writer.dispose()


async def test_the_writer_takes_nothing_back_and_makes_no_keys(accounts: Accounts) -> None:
    async with connected(accounts.writer) as writer:
        for statement in (
            "DELETE FROM revision",
            "UPDATE revision SET body = NULL",
            "UPDATE dataset_revision SET reason = ''",
            "DELETE FROM exchange_index",
            "UPDATE exchange_index SET date = date",
            "DELETE FROM dataset",
            "DELETE FROM release",
            "INSERT INTO blanked DEFAULT VALUES",
            "INSERT INTO api_key DEFAULT VALUES",
            "UPDATE api_key SET role = 'admin'",
            "UPDATE api_key SET revoked_at = NULL",
            "SELECT secret_sha256 FROM api_key",
            "DELETE FROM api_key",
            "UPDATE alembic_version SET version_num = '0001'",
            "ALTER TABLE revision DISABLE TRIGGER ALL",
            "SET session_replication_role = replica",
            "DROP FUNCTION redact_only() CASCADE",
            "TRUNCATE claim",
            "CREATE TABLE own (x int)",
            "CREATE TEMP TABLE own (x int)",
        ):
            with pytest.raises(DENIED):
                await writer.execute(statement)


async def test_nobody_else_recognises_keys(accounts: Accounts, prefix: str) -> None:
    """A neighbour in the same server has no more of it than of the tables."""
    neighbour = f"{prefix}_neighbour"
    async with connected(accounts.owner) as owner:
        await owner.execute(f"CREATE ROLE {neighbour} LOGIN PASSWORD 'nebenan'")
        try:
            async with connected(as_account(accounts.owner, neighbour, "nebenan")) as other:
                for statement in ("SELECT api_key_of('0123456789')", "SELECT 1 FROM exchange"):
                    with pytest.raises(DENIED):
                        await other.fetch(statement)
        finally:
            await owner.execute(f"DROP ROLE {neighbour}")


# Making them


async def test_roles_are_made_again_and_at_once(server_url: str, empty_template: str) -> None:
    """By several at once, in one database and in two of a server; what was given besides is taken back."""
    prefix = f"test_{os.getpid()}_{next(_prefixes)}"
    unable = Passwords.model_validate({})
    try:
        async with (
            own_database(server_url, empty_template) as one,
            own_database(server_url, empty_template) as two,
        ):
            await asyncio.gather(*(grant(url, prefix, unable) for url in (one, two, one, two)))
            async with connected(one) as owner:
                query = "SELECT bool_or(rolcanlogin OR rolsuper) FROM pg_roles WHERE rolname LIKE $1"
                assert await owner.fetchval(query, f"{prefix}\\_%") is False
                await owner.execute(f"GRANT SELECT ON api_key TO {prefix}_reader")
                await grant(one, prefix, unable)
                may = "SELECT has_any_column_privilege($1, 'api_key', 'SELECT')"
                assert await owner.fetchval(may, f"{prefix}_reader") is False
                assert await owner.fetchval(may, f"{prefix}_writer") is True
    finally:
        await execute_at(server_url, f"DROP ROLE {prefix}_reader, {prefix}_writer")


async def test_passwords_are_kept_as_postgres_keeps_them(place: Path) -> None:
    """The embedded Postgres asks for passwords, as a real server does."""
    with EmbeddedPostgres(place / "data") as postgres:
        await upgrade_async(postgres.url)
        await grant(postgres.url, "own")
        accounts = Accounts("own", postgres.url)
        for url in (accounts.reader, accounts.writer):
            async with connected(url) as connection:
                assert await connection.fetchval("SELECT revision FROM dataset") == 0
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(as_account(url, urlsplit(url).username or "", "wrong"))


@pytest.mark.parametrize(
    ("name", "passwords"),
    [
        ("Exchanges", {}),
        ("a; DROP ROLE b", {}),
        ("", {}),
        ("test_refused", {"reader_password": "пароль"}),
        ("test_refused", {"writer_password": "a\nb"}),
    ],
)
async def test_what_cannot_be_made_is_refused(
    engine: AsyncEngine, name: str, passwords: dict[str, str]
) -> None:
    with pytest.raises(RoleError) as caught:
        await grant_roles(engine, name, Passwords.model_validate(passwords))
    assert all(password not in str(caught.value) for password in passwords.values())
    async with engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname LIKE 'test_refused%%'")
        assert found.first() is None


def test_the_command(server_url: str, accounts: Accounts, prefix: str) -> None:
    done = exchanges("roles", "--prefix", prefix, DATABASE_URL=accounts.owner, READER_PASSWORD="neu")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{prefix}_reader may read, and {prefix}_writer may read and write, the database of DATABASE_URL.\n"
    )
    assert "cannot begin with" in refusal("roles", "--prefix", "No", DATABASE_URL=accounts.owner)
    denied = refusal("roles", "--prefix", prefix, DATABASE_URL=accounts.writer)
    assert denied.startswith("error: the database says: ")
    migrated = exchanges("migrate", DATABASE_URL=accounts.writer)
    assert migrated.returncode == 0, "there is nothing to migrate, which the writer may find out"
