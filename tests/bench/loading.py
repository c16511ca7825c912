"""Goal H: the load of synthetic exchanges through the normal door, against a bare COPY of the same rows.

What is compared. One side: `db.load.load` of a folder of JSON Lines into an empty, migrated database, in a
process of its own: files read and validated, references checked, records rendered, all rows stored with
revisions, hash chain and index rows, every constraint checked, committed. Other side: every row that this
has put into any table, copied out in binary form beforehand, is copied with `COPY … FROM STDIN` into another
empty, migrated database, table after table in one transaction, and committed: the same columns, indexes,
foreign keys, checks and triggers, but nothing read, validated or rendered. Both write to the same server one
after the other, so that only their ratio means anything.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from db.base import Base
from db.load import load
from db.migrate import upgrade_async
from db.session import write_engine
from db.synthetic import PARTS, Synthesis, write_files

NOT_LOADED = frozenset({"dataset"})  # whose one row a migrated database holds already
COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


@dataclass(frozen=True)
class Loading:
    """The figures of one run; `growth` is by how many bytes the memory of the loading process grew."""

    exchanges: int
    rows: int
    load_seconds: float
    load_user_seconds: float
    copy_seconds: float
    growth: int

    @property
    def load_rate(self) -> float:
        """Rows a second through the normal door."""
        return self.rows / self.load_seconds

    @property
    def copy_rate(self) -> float:
        """Rows a second with bare COPY."""
        return self.rows / self.copy_seconds

    @property
    def ratio(self) -> float:
        """How much of the speed of bare COPY the normal door has."""
        return self.load_rate / self.copy_rate


async def load_against_copy(server_url: str, exchanges: int, seed: int = 1) -> Loading:
    """Measure both sides in databases of their own on the server of this URL, dropped at the end."""
    with tempfile.TemporaryDirectory(prefix="loading-") as scratch:
        folder = Path(scratch)
        write_files(Synthesis(exchanges, seed), folder, lambda _done, _total: None)
        async with _database(server_url, "loaded") as loaded, _database(server_url, "copied") as copied:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.bench.loading", loaded, folder / PARTS[0]),
                stdout=asyncio.subprocess.PIPE,
            )
            told, _ = await process.communicate()
            if process.returncode:
                raise RuntimeError(f"the load failed with exit code {process.returncode}")
            side = json.loads(told)
            rows, tables = await _copy_out(loaded, folder)
            copy_seconds = await _copy_in(copied, folder, tables)
    return Loading(
        exchanges=exchanges,
        rows=rows,
        load_seconds=side["seconds"],
        load_user_seconds=side["user_seconds"],
        copy_seconds=copy_seconds,
        growth=side["growth"],
    )


@asynccontextmanager
async def _database(server_url: str, name: str) -> AsyncIterator[str]:
    own = f"bench_loading_{name}"
    url = urlsplit(server_url)._replace(path=f"/{own}").geturl()
    server = await asyncpg.connect(server_url)
    try:
        await server.execute(f"DROP DATABASE IF EXISTS {own} WITH (FORCE)")
        await server.execute(f"CREATE DATABASE {own}")
        await upgrade_async(url)
        # What one side has left to be written must not be written in the time of the other.
        await server.execute("CHECKPOINT")
        yield url
    finally:
        await server.execute(f"DROP DATABASE IF EXISTS {own} WITH (FORCE)")
        await server.close()


async def _copy_out(url: str, folder: Path) -> tuple[int, dict[str, list[str]]]:
    """Write each table with rows to a file, and give the number of all rows and the columns of each table."""
    connection = await asyncpg.connect(url)
    rows, tables = 0, {}
    for name in Base.metadata.tables.keys() - NOT_LOADED:
        columns = [row["attname"] for row in await connection.fetch(COLUMNS, name)]
        with (folder / f"{name}.copy").open("wb") as file:
            status = await connection.copy_from_table(name, output=file, columns=columns, format="binary")
        if count := int(status.split()[-1]):
            rows += count
            tables[name] = columns
    await connection.execute("CHECKPOINT")
    await connection.close()
    return rows, tables


async def _copy_in(url: str, folder: Path, tables: dict[str, list[str]]) -> float:
    connection = await asyncpg.connect(url)
    begun = time.perf_counter()
    async with connection.transaction():
        for name, columns in tables.items():
            with (folder / f"{name}.copy").open("rb") as file:
                await connection.copy_to_table(name, source=file, columns=columns, format="binary")
    seconds = time.perf_counter() - begun
    await connection.close()
    return seconds


async def _load_here(url: str, folder: Path) -> dict[str, float]:
    """Load a folder and give the seconds that it took, and by how many bytes this process grew."""
    engine = write_engine(url)
    async with engine.connect():
        before = resource.getrusage(resource.RUSAGE_SELF)
    begun = time.perf_counter()
    await load(engine, [folder], reason="a measurement")
    seconds = time.perf_counter() - begun
    await engine.dispose()
    after = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1_024
    return {
        "seconds": seconds,
        "user_seconds": after.ru_utime - before.ru_utime,
        "growth": (after.ru_maxrss - before.ru_maxrss) * unit,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_load_here(sys.argv[1], Path(sys.argv[2])))))
