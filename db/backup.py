"""Making a backup: one file with a dump of the whole database and what must be in it, of the same moment.

The file itself is `db/backupfile.py`'s, the way back `db/restoring.py`'s.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import column, func, select, table, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.backupfile import CHUNK, BackupError, Facts, Manifest, Written, add_manifest, new_archive, new_dump
from db.clients import ClientError, Progress, Target, client_program, counting, faults_told, running
from db.models.history import Dataset
from db.session import write_engine

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
# of the server, which would end a transaction that waits for pg_dump
NO_TIMEOUTS = [
    f"SET LOCAL {setting} = 0" for setting in ("statement_timeout", "idle_in_transaction_session_timeout")
]
DUMPING = re.compile(r"^pg_dump: dumping contents of table ")


async def backup(url: str, file: Path, *, force: bool, progress: Progress) -> Manifest:
    """Write a backup of a database that may be written to meanwhile; the schema may be an older one.

    Raises:
        BackupError: the database holds no dataset, or the file is there already.
        ClientError: there is no `pg_dump` that will do, or it failed.
    """
    engine = write_engine(url)
    try:
        with new_archive(file, force=force) as archive:
            async with engine.connect() as connection:
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                for setting in NO_TIMEOUTS:
                    await connection.execute(text(setting))
                facts, version = await read_facts(connection), await server_version(connection)
                # pg_dump sees what this transaction sees, as long as this transaction lasts
                shared = select(func.pg_export_snapshot(), func.now())
                snapshot, moment = (await connection.execute(shared)).one()
                with new_dump(archive) as dump:
                    note = counting(DUMPING, len(facts.rows), progress)
                    await _dump(url, version, snapshot, dump, note)
            manifest = Manifest(
                made_at=moment,
                server_version=version,
                dump_bytes=dump.size,
                dump_sha256=dump.sha256,
                facts=facts,
            )
            add_manifest(archive, manifest)
    finally:
        await engine.dispose()
    return manifest


async def read_facts(connection: AsyncConnection) -> Facts:
    """Tell what is in a database, of whatever schema.

    Raises:
        BackupError: it holds no dataset.
    """
    try:
        schema = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
        chosen = select(Dataset.revision, Dataset.epoch, Dataset.head)
        dataset = (await connection.execute(chosen)).one()
    except ProgrammingError as error:
        raise BackupError("the database holds no dataset") from error
    rows = {}
    for name in (await connection.execute(text(TABLES))).scalars().all():
        counted = select(func.count()).select_from(table(name, column("id"), schema="public"))
        rows[name] = (await connection.execute(counted)).scalar_one()
    return Facts(
        schema_revision=schema,
        dataset_revision=dataset.revision,
        epoch=dataset.epoch,
        head=dataset.head.hex(),
        rows=rows,
    )


async def server_version(connection: AsyncConnection) -> str:
    """Give the version of the server, such as `18.4`."""
    told: str = (await connection.execute(text("SHOW server_version"))).scalar_one()
    return told.split(maxsplit=1)[0]


def major(version: str) -> int:
    """Give the major version of a server's version."""
    return int(re.split(r"\D", version, maxsplit=1)[0])


async def _dump(url: str, version: str, snapshot: str, dump: Written, note: Callable[[str], None]) -> None:
    program = client_program("pg_dump", major(version))
    arguments = ("--format=custom", "--verbose", f"--snapshot={snapshot}")
    async with running(program, *arguments, target=Target.of(url)) as process:
        told = asyncio.create_task(faults_told(process, note))
        assert process.stdout is not None  # noqa: S101  (it is piped)
        while chunk := await process.stdout.read(CHUNK):
            dump.write(chunk)
        faults = await told
        if await process.wait() != 0:
            raise ClientError(f"pg_dump failed: {faults[-1] if faults else 'it gave no reason'}")
