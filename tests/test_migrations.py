"""Migrations: up, down and up again on real data, several deployers at once, in step with the models."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from db.base import Base
from db.enums import Resource
from db.migrate import MIGRATION_LOCK, MIGRATIONS, downgrade, head, migration_config, upgrade, upgrade_async
from db.session import write_engine
from tests.databases import database_url, drop_database, make_clone
from tests.writing import changed, put

pytestmark = pytest.mark.anyio

VERSIONS = sorted((MIGRATIONS / "versions").glob("*.py"))
LOCK_TIMEOUT = "op.execute(\"SET LOCAL lock_timeout = '5s'\")"
UPGRADE = "import sys; from db.migrate import upgrade; upgrade(sys.argv[1])"

# What the migrations make besides tables and columns, as the server itself describes it.
DESCRIBED = {
    "constraints": (
        "SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND contype <> 't'"
    ),
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "columns": (
        "SELECT table_name || '.' || column_name, concat_ws(' ', data_type, udt_name, is_nullable, "
        "column_default, collation_name, generation_expression) "
        "FROM information_schema.columns WHERE table_schema = 'public'"
    ),
    "triggers": "SELECT tgrelid::regclass || ' ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE NOT tgisinternal",
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
}


@pytest.fixture
async def blank_url(server_url: str) -> AsyncIterator[str]:
    """The URL of a database in which nothing was ever made."""
    name = await make_clone(server_url, None)
    try:
        yield database_url(server_url, name)
    finally:
        await drop_database(server_url, name)


async def described(url: str, *what: str) -> dict[str, dict[str, str]]:
    connection = await asyncpg.connect(url)
    try:
        return {
            name: {
                row[0]: row[1] for row in await connection.fetch(DESCRIBED[name]) if "alembic" not in row[0]
            }
            for name in what or DESCRIBED
        }
    finally:
        await connection.close()


async def contents(url: str) -> dict[str, tuple[int, str]]:
    """Give the number of rows of every table that is there, and a digest over all of them."""
    connection = await asyncpg.connect(url)
    try:
        found = {}
        for name in Base.metadata.tables:
            if await connection.fetchval("SELECT to_regclass($1) IS NULL", name):
                continue
            digest = "md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\"))"
            row = await connection.fetchrow(f"SELECT count(*), {digest} FROM {name} AS t")
            assert row is not None
            found[name] = (row[0], row[1])
        return found
    finally:
        await connection.close()


async def schema_revision(url: str) -> str | None:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT version_num FROM alembic_version")  # type: ignore[no-any-return]
    finally:
        await connection.close()


def test_revisions_are_numbered_in_one_line() -> None:
    scripts = ScriptDirectory.from_config(migration_config(""))
    assert len(scripts.get_heads()) == 1
    line = list(scripts.walk_revisions())[::-1]
    assert [script.revision for script in line] == [f"{n:04d}" for n in range(1, len(line) + 1)]
    assert [script.down_revision for script in line] == [None, *(script.revision for script in line[:-1])]
    assert [Path(script.path) for script in line] == VERSIONS
    assert head() == line[-1].revision


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.name)
def test_a_file_is_named_after_its_revision(path: Path) -> None:
    number, words = re.fullmatch(r"(\d{4})_([a-z0-9]+(?:_[a-z0-9]+)*)\.py", path.name).groups()  # type: ignore[union-attr]
    assert f'revision = "{number}"' in path.read_text(encoding="utf-8")
    assert words


@pytest.mark.parametrize("path", [*VERSIONS, MIGRATIONS / "script.py.mako"], ids=lambda path: path.name)
def test_every_migration_bounds_its_waits_for_locks_first(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for function in ("upgrade", "downgrade"):
        assert f"def {function}() -> None:\n    {LOCK_TIMEOUT}\n" in source


def test_the_folder_never_shadows_the_library() -> None:
    assert not (MIGRATIONS / "__init__.py").exists()


async def test_a_migrated_database_is_what_the_models_say(blank_url: str) -> None:
    await upgrade_async(blank_url)
    await asyncio.to_thread(command.check, migration_config(blank_url))


async def test_a_drift_is_found(blank_url: str) -> None:
    await upgrade_async(blank_url)
    connection = await asyncpg.connect(blank_url)
    await connection.execute("ALTER TABLE actor ADD COLUMN extra text")
    await connection.close()
    with pytest.raises(command.util.AutogenerateDiffsDetected):
        await asyncio.to_thread(command.check, migration_config(blank_url))


async def test_constraints_and_indexes_are_word_for_word_those_of_the_models(
    server_url: str, blank_url: str
) -> None:
    """Autogenerate looks at no check constraint and at no word of an index's condition."""
    await upgrade_async(blank_url)
    name = await make_clone(server_url, None)
    try:
        url = database_url(server_url, name)
        engine = write_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()
        kinds = ("constraints", "indexes", "columns")
        assert await described(blank_url, *kinds) == await described(url, *kinds)
    finally:
        await drop_database(server_url, name)


async def test_migrating_again_changes_nothing(loaded_url: str) -> None:
    before = await contents(loaded_url), await described(loaded_url)
    await upgrade_async(loaded_url)
    assert (await contents(loaded_url), await described(loaded_url)) == before


async def test_every_step_down_and_up_keeps_data_and_guards(loaded_url: str) -> None:
    connection = await asyncpg.connect(loaded_url)
    await connection.execute("DELETE FROM release")  # a step down drops it, and nothing could make it again
    await connection.close()
    data, schema = await contents(loaded_url), await described(loaded_url)
    assert data["exchange"][0] == 235
    assert set(data) == set(Base.metadata.tables)
    downwards = range(int(head()) - 1, 0, -1)
    steps = [(downgrade, number) for number in downwards]
    steps += [(upgrade, number) for number in (*reversed(downwards[:-1]), int(head()))]
    seen = [schema]
    for step, number in steps:
        await asyncio.to_thread(step, loaded_url, f"{number:04d}")
        assert await schema_revision(loaded_url) == f"{number:04d}"
        kept = await contents(loaded_url)
        assert {name: rows for name, (rows, _) in kept.items()} == {name: data[name][0] for name in kept}
        seen.append(await described(loaded_url))
    assert seen == seen[::-1], "each step up makes what the step down took"
    assert all(one != other for one, other in pairwise(seen))
    assert await contents(loaded_url) == data
    connection = await asyncpg.connect(loaded_url)
    try:
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("DELETE FROM revision")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("DELETE FROM claim_citation")
    finally:
        await connection.close()


async def test_every_step_down_to_nothing_and_up_again(loaded_url: str) -> None:
    schema = await described(loaded_url)
    steps = [schema]
    for number in range(int(head()) - 1, 0, -1):
        await asyncio.to_thread(downgrade, loaded_url, f"{number:04d}")
        steps.append(await described(loaded_url))
    await asyncio.to_thread(downgrade, loaded_url, "base")
    assert await schema_revision(loaded_url) is None
    assert set(map(len, (await described(loaded_url)).values())) == {0}
    for number, expected in enumerate(reversed(steps), start=1):
        await asyncio.to_thread(upgrade, loaded_url, f"{number:04d}")
        assert await described(loaded_url) == expected
    assert await schema_revision(loaded_url) == head()
    made = await contents(loaded_url)
    assert {name for name, (rows, _) in made.items() if rows} == {"dataset"}


async def test_a_failing_migration_leaves_no_trace_and_no_lock(blank_url: str) -> None:
    connection = await asyncpg.connect(blank_url)
    try:
        await connection.execute("CREATE FUNCTION must_cite() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        with pytest.raises(Exception, match="must_cite"):
            await upgrade_async(blank_url)
        assert await schema_revision(blank_url) == "0001"
        await connection.execute("DROP FUNCTION must_cite")
        await upgrade_async(blank_url)
        assert await schema_revision(blank_url) == head()
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
        mine = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        assert await connection.fetchval(held + mine) == 0
    finally:
        await connection.close()


async def deploy(url: str) -> Process:
    arguments = (sys.executable, "-W", "error", "-c", UPGRADE, url)
    return await asyncio.create_subprocess_exec(*arguments, cwd=MIGRATIONS.parent, stdout=PIPE, stderr=PIPE)


async def waiting(connection: asyncpg.Connection, deployers: list[Process], wanted: int) -> None:
    """Return once so many sessions wait for the lock of migrations in this database."""
    count = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while await connection.fetchval(count) < wanted:
        assert all(deployer.returncode is None for deployer in deployers), "one did not wait"
        await asyncio.sleep(0.01)


async def test_deployers_at_once_take_turns(blank_url: str) -> None:
    connection = await asyncpg.connect(blank_url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        deployers = [await deploy(blank_url) for _ in range(2)]
        await waiting(connection, deployers, 2)
        await connection.execute("SELECT pg_advisory_unlock($1)", MIGRATION_LOCK)
        for deployer in deployers:
            _, errors = await deployer.communicate()
            assert (deployer.returncode, errors.decode()) == (0, "")
    finally:
        await connection.close()
    assert await schema_revision(blank_url) == head()
    assert (await contents(blank_url))["dataset"][0] == 1


async def test_one_dataset_row_with_its_own_secret_and_epoch(server_url: str, blank_url: str) -> None:
    await upgrade_async(blank_url)
    other = await make_clone(server_url, None)
    try:
        await upgrade_async(database_url(server_url, other))
        rows = []
        for url in (blank_url, database_url(server_url, other)):
            connection = await asyncpg.connect(url)
            rows.append(await connection.fetchrow("SELECT * FROM dataset"))
            await connection.close()
    finally:
        await drop_database(server_url, other)
    for row in rows:
        assert (row["id"], row["revision"], row["vocabulary_revision"]) == (1, 0, 0)
        assert len(row["cursor_secret"]) >= 16
    assert rows[0]["epoch"] != rows[1]["epoch"]
    assert rows[0]["cursor_secret"] != rows[1]["cursor_secret"]


async def test_what_is_filled_in_is_what_would_be_written(loaded_url: str) -> None:
    """The rows that a migration makes of stored bodies are those that a load makes of records."""

    async def rows() -> list[dict[str, object]]:
        connection = await asyncpg.connect(loaded_url)
        try:
            tables = ("figure_index", "own_value_index", "exchange_index")
            statements = [f"SELECT * FROM {name} ORDER BY id, from_revision" for name in tables]
            return [dict(row) for each in statements for row in await connection.fetch(each)]
        finally:
            await connection.close()

    engine, id_ = write_engine(loaded_url), "2024-12-30-russia-ukraine"
    changes: list[dict[str, Any]] = [{"summary": "Both sides handed people over."}, {"claims": []}]
    for fields in changes:  # figures stay, and go
        await put(engine, await changed(engine, Resource.EXCHANGE, id_, **fields))
    await engine.dispose()
    written = await rows()
    await asyncio.to_thread(downgrade, loaded_url, "0005")
    await asyncio.to_thread(upgrade, loaded_url)
    assert len(written) > 1000
    assert await rows() == written
