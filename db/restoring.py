"""Restoring a backup: into a new database beside the old one, which takes its name only once all is verified.

So whatever goes wrong before leaves the old database as it is, and after it there is nothing to go wrong. The
account must be allowed to create databases, and to own the old one; nobody else may be connected to it.

A restored dataset is another history: what was written after the backup may come again with the same numbers.
So it has a new epoch, by which cursors and mirrors of before are refused. Answers kept for requests that are
sent again stay: each was stored together with the write that it tells of, so that both are there or neither.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from asyncpg import InsufficientPrivilegeError, InvalidCatalogNameError, ObjectInUseError
from sqlalchemy import Row, literal, select, table, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.backup import major, read_facts, server_version
from db.backupfile import BackupError, Manifest, check, dump_chunks, opened
from db.clients import (
    ClientError,
    Progress,
    Target,
    beside,
    client_program,
    counting,
    faults_told,
    feed,
    running,
)
from db.migrate import head, upgrade_async
from db.models.history import Dataset
from db.session import write_engine
from db.verify import verify

RESTORE_LOCK = 7_245_661_904
LONGEST_NAME = 63  # bytes, of a database
NAMED = 3  # faults that are told
DONE = re.compile(r"^pg_restore: (?:creating|processing data|executing SEQUENCE SET) ")
# what an older server does not know of the settings that a newer pg_restore begins with
UNKNOWN_SETTING = re.compile(r'unrecognized configuration parameter "transaction_timeout"')
UNKNOWN_ROLE = re.compile(r'role "(?P<role>.+)" does not exist')

LOOK = """
SELECT datname AS name, oid::text,
       format('TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L LOCALE_PROVIDER ',
              pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)
       || CASE datlocprovider
              WHEN 'c' THEN 'libc'
              WHEN 'i' THEN format('icu ICU_LOCALE %L', locale)
              ELSE format('builtin BUILTIN_LOCALE %L', locale)
          END AS options,
       datacl IS NOT NULL OR EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = oid) AS special,
       (SELECT count(*) FROM pg_stat_activity AS other
        WHERE other.datid = oid AND other.pid <> pg_backend_pid() AND other.backend_type = 'client backend'
       ) AS visitors
FROM (SELECT *, coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale
      FROM pg_database AS d WHERE datname = current_database()) AS this
"""
TABLES = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
AND (schemaname, tablename) NOT IN (('public', 'alembic_version'), ('public', 'dataset'))
ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Restored:
    """What was restored, and the epoch that begins with it."""

    manifest: Manifest
    epoch: uuid.UUID


async def restore(
    url: str,
    file: Path,
    *,
    replace: bool,
    despite_faults: bool,
    tell: Callable[[str], None],
    progress: Progress,
) -> Restored:
    """Put a backup in the place of a database that holds nothing, or with `replace` of any.

    Raises:
        BackupError: the file is not whole, the database may not be replaced, or what came out of the file is
            not what it tells of. The database is as it was.
        ClientError: there is no `pg_restore` that will do, or it failed. The database is as it was.
    """
    tell(f"Reading {file} …")
    manifest = check(file)
    schema = manifest.facts.schema_revision
    if schema > head():
        raise BackupError(
            f"{file} was made by a newer version of this service: its schema is {schema}, and this version "
            f"knows {head()}"
        )
    place = await _look(url, replace=replace, tell=tell)
    async with _new_database(url, place) as (server, made):
        await _fill(made, file, progress)
        epoch = await _finish(made, manifest, despite_faults=despite_faults, tell=tell)
        await _swap(server, place.name)
    return Restored(manifest, epoch)


async def _look(
    url: str, *, replace: bool, tell: Callable[[str], None]
) -> "Row[tuple[str, str, str, bool, int]]":
    """See what database it is, and whether it may be replaced."""
    engine = write_engine(url)
    try:
        async with engine.connect() as connection:
            place = (await connection.execute(text(LOOK))).one()
            held = await _held(connection)
    finally:
        await engine.dispose()
    if held and not replace:
        raise BackupError(
            f"the database {place.name} is not empty: {held}. To have it replaced by the backup, for good, "
            "say --replace"
        )
    if place.visitors:
        raise BackupError(_in_use(place.name))
    if held:
        tell(f"warning: the database {place.name} is not empty: {held}. All that will be gone for good.")
    if place.special:
        tell(
            f"warning: grants on the database {place.name} itself and settings of it are not carried over: "
            "make them again (`exchanges roles`, ALTER DATABASE … SET)."
        )
    return place


async def _held(connection: AsyncConnection) -> str | None:
    """Say what a database holds; None if that is nothing, or an empty schema of ours."""
    filled = []
    for schema, name in (await connection.execute(text(TABLES))).all():
        rows = select(literal(1)).select_from(table(name, schema=schema)).limit(1)
        if (await connection.execute(rows)).first():
            filled.append(f"{schema}.{name}")
    if "public.revision" in filled:
        revision = (await connection.execute(select(Dataset.revision))).scalar_one()
        return f"it holds a dataset, at revision {revision}"
    return f"it has rows in {', '.join(filled[:NAMED])}" if filled else None


def _in_use(name: str) -> str:
    return f"others are connected to the database {name}: stop the service, and whatever else uses it"


@asynccontextmanager
async def _new_database(
    url: str, place: "Row[tuple[str, str, str, bool, int]]"
) -> AsyncIterator[tuple[AsyncEngine, str]]:
    """Make a database beside another, and drop what is left at the end: it, or the one that it replaced.

    Gives the server, and the URL of the new database.
    """
    old, new = _names(place.name)
    engine = await _server(url, place.name)
    try:
        async with engine.connect() as server:
            await server.execution_options(isolation_level="AUTOCOMMIT")
            lock = text("SELECT pg_try_advisory_lock(:lock, hashtext(:name))")
            taken = await server.execute(lock, {"lock": RESTORE_LOCK % (1 << 31), "name": place.name})
            if not taken.scalar_one():
                raise BackupError(f"a backup is being restored into the database {place.name} already")
            await _drop(server, old, new)  # of a restore that was killed
            try:
                await server.exec_driver_sql(f"CREATE DATABASE {_quoted(server, new)} {place.options}")
            except DBAPIError as error:
                raise _refused(error, place.name) from error
            try:
                yield engine, beside(url, new)
            finally:
                await asyncio.shield(_drop(server, old, new))
    finally:
        await engine.dispose()


def _names(name: str) -> tuple[str, str]:
    """Name the database that was replaced, and the one that replaces it until it has its name."""
    names = f"{name}_replaced", f"{name}_restoring"
    if max(len(each.encode()) for each in names) > LONGEST_NAME:
        raise BackupError(f"the name of the database {name} is too long for another one beside it")
    return names


async def _server(url: str, name: str) -> AsyncEngine:
    """Give an engine for another database of the same server: nobody can rename the one that he is in."""
    for other in ("postgres", "template1"):
        if other == name:
            continue
        engine = write_engine(beside(url, other))
        try:
            async with engine.connect():
                return engine
        except InvalidCatalogNameError:
            await engine.dispose()
    raise BackupError("the server has no database named postgres or template1 to create others from")


async def _drop(server: AsyncConnection, *names: str) -> None:
    for name in names:
        await server.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(server, name)} WITH (FORCE)")


def _quoted(server: AsyncConnection, name: str) -> str:
    return server.dialect.identifier_preparer.quote(name)


def _refused(error: DBAPIError, name: str) -> Exception:
    """Give what is told of an error of the server while databases are made and named."""
    match error.orig.__cause__ if error.orig else None:
        case InsufficientPrivilegeError():
            return BackupError(
                "the account may not do this: to restore, it must be allowed to create databases "
                f"(ALTER ROLE … CREATEDB) and own the database {name}"
            )
        case ObjectInUseError():
            return BackupError(_in_use(name))
    return error


async def _fill(made: str, file: Path, progress: Progress) -> None:
    """Run the dump of a backup into a database."""
    engine = write_engine(made)
    try:
        async with engine.connect() as connection:
            program = client_program("pg_restore", major(await server_version(connection)))
    finally:
        await engine.dispose()
    with opened(file) as archive:
        async with running(program, "--list") as process:
            told = asyncio.create_task(faults_told(process, lambda _: None))
            fed = asyncio.create_task(feed(process, dump_chunks(archive)))
            assert process.stdout is not None  # noqa: S101  (it is piped)
            listed = await process.stdout.read()
            await fed
            _require_none(await told)
        total = sum(not line.startswith(b";") for line in listed.splitlines())
        note = counting(DONE, total, progress)
        target = Target.of(made)
        async with running(program, "--no-owner", "--verbose", target=target) as process:
            told = asyncio.create_task(faults_told(process, note))
            await feed(process, dump_chunks(archive))
            faults = await told
    roles = {match["role"] for fault in faults if (match := UNKNOWN_ROLE.search(fault))}
    if roles:
        # an entry of the dump revokes and grants together: without its roles, what it revokes would be open
        raise BackupError(
            f"the backup grants rights to roles that this server does not have: {', '.join(sorted(roles))}. "
            "Make them first (`exchanges roles` makes those of the service)"
        )
    _require_none([each for each in faults if not UNKNOWN_SETTING.search(each)])


def _require_none(faults: list[str]) -> None:
    if faults:
        raise ClientError(f"pg_restore failed: {faults[0]}")


async def _finish(
    made: str, manifest: Manifest, *, despite_faults: bool, tell: Callable[[str], None]
) -> uuid.UUID:
    """Hold what was restored against its manifest, bring it up to date, verify it, and begin a new epoch."""
    engine = write_engine(made)
    try:
        tell("Checking what was restored …")
        async with engine.connect() as connection:
            facts = await read_facts(connection)
        for name in type(facts).model_fields:
            there, told = getattr(facts, name), getattr(manifest.facts, name)
            if there != told:
                raise BackupError(f"the manifest was changed: {_difference(name, there, told)}")
        await upgrade_async(made)
        faults = [fault async for fault in verify(engine)]
        if faults and not despite_faults:
            raise BackupError(
                f"the file is whole, but the dataset was not when it was backed up: {len(faults):,} faults, "
                f"such as: {'; '.join(faults[:NAMED])}. To restore it all the same, say --despite-faults"
            )
        for fault in faults:
            tell(f"warning: {fault}")
        epoch = uuid.uuid4()
        async with engine.begin() as connection:
            await connection.execute(update(Dataset).values(epoch=epoch))
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM (ANALYZE)"))  # a dump holds no statistics
    finally:
        await engine.dispose()
    return epoch


def _difference(name: str, there: object, told: object) -> str:
    if isinstance(there, dict) and isinstance(told, dict):
        other = next(each for each in sorted({*there, *told}) if there.get(each) != told.get(each))
        return f"it tells of {told.get(other)} rows in {other}, and the dump holds {there.get(other)}"
    return f"it tells of {name} {told}, and the dump holds {there}"


async def _swap(server: AsyncEngine, name: str) -> None:
    """Let the new database take the name of the old one: in one transaction, or not at all."""
    old, new = _names(name)
    try:
        async with server.begin() as connection:
            for before, after in ((name, old), (new, name)):
                rename = (
                    f"ALTER DATABASE {_quoted(connection, before)} RENAME TO {_quoted(connection, after)}"
                )
                await connection.exec_driver_sql(rename)
    except DBAPIError as error:
        raise _refused(error, name) from error
