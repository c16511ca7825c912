"""Where the data are: one Postgres, with a database for each size that is loaded once and kept.

The Postgres is that of BENCH_DATABASE_URL, or else the embedded one with its files under BENCH_DIR. What a
database of it holds, and what loading it took, stands in its comment; one without a comment was not loaded
to the end, and is made again.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from db.embedded import EmbeddedPostgres
from db.synthetic import PARTS
from tests.bench.running import REPOSITORY, BenchError, find_program, run, timed

SEED = 1
BYTES_EACH = 65_000  # of an exchange: in Postgres, in its files and in the copy of a peer, about
SHIPPED = REPOSITORY / "db" / "dataset"
EXCHANGES = (sys.executable, "-m", "api.cli")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Database:
    """A database with a dataset; `loaded`: what loading it took (seconds, bytes of memory), once."""

    url: str
    loaded: Mapping[str, float]

    def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement on a connection of its own."""
        return fetch(self.url, statement, *arguments)


@dataclass(frozen=True)
class Places:
    """The Postgres of the measurements; `embedded` where it is ours."""

    url: str
    folder: Path
    embedded: EmbeddedPostgres | None
    say: Say

    def program(self, name: str) -> str:
        """Find a client program, that of the embedded Postgres if that is used."""
        return str(self.embedded.client(name)) if self.embedded else find_program(name)

    @property
    def version(self) -> str:
        """The version that the server says it has."""
        return str(fetch(self.url, "SHOW server_version")[0][0])

    def database(self, exchanges: int) -> Database:
        """Give the database with so many synthetic exchanges, loaded now if it was not yet."""

        def load(url: str) -> tuple[float, int]:
            self._check_room(exchanges * BYTES_EACH)
            folder = self.folder / f"synthetic-{exchanges}"
            shutil.rmtree(folder, ignore_errors=True)
            self.say(f"making {exchanges:,} exchanges")
            options = (f"--output={folder}", f"--exchanges={exchanges}", f"--seed={SEED}")
            run([*EXCHANGES, "synth", *options])
            took, most = 0.0, 0
            for part in PARTS:
                self.say(f"loading {exchanges:,} exchanges, {part}")
                seconds, memory = timed(
                    [*EXCHANGES, "load", folder / part, f"--reason=synthetic, {part}"], DATABASE_URL=url
                )
                took, most = took + seconds, max(most, memory)
            shutil.rmtree(folder)
            return took, most

        return self._kept(f"bench_{exchanges}_{SEED}", load)

    def shipped(self) -> Database:
        """Give the database with the dataset as it is shipped."""

        def load(url: str) -> tuple[float, int]:
            return timed([*EXCHANGES, "load", SHIPPED, "--reason=as shipped"], DATABASE_URL=url)

        return self._kept("bench_shipped", load)

    @contextmanager
    def copied(self, database: Database, name: str) -> Iterator[Database]:
        """Lend a copy of a small database, to write into."""
        source = urlsplit(database.url).path.strip("/")
        fetch(self.url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        fetch(self.url, f"CREATE DATABASE {name} TEMPLATE {source}")
        try:
            yield Database(self._url_of(name), {})
        finally:
            fetch(self.url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _kept(self, name: str, load: Callable[[str], tuple[float, int]]) -> Database:
        url = self._url_of(name)
        statement = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1"
        found = fetch(self.url, statement, name)
        if not found or found[0][0] is None:
            fetch(self.url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            fetch(self.url, f"CREATE DATABASE {name}")
            seconds, memory = load(url)
            self.say(f"vacuuming {name}")
            fetch(url, "VACUUM (ANALYZE)")
            told = json.dumps({"seconds": seconds, "memory": memory})
            fetch(self.url, f"COMMENT ON DATABASE {name} IS '{told}'")
            fetch(self.url, "CHECKPOINT")
            return Database(url, json.loads(told))
        run([*EXCHANGES, "migrate"], settings={"DATABASE_URL": url})
        return Database(url, json.loads(found[0][0]))

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if self.embedded and free < needed:
            raise BenchError(
                f"{self.folder} has {free / 1e9:,.0f} GB of room, and about {needed / 1e9:,.0f} GB are"
                " needed: name another folder with BENCH_DIR, or fewer exchanges with BENCH_EXCHANGES"
            )

    def _url_of(self, name: str) -> str:
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()


@contextmanager
def open_places(url: str | None, folder: Path, say: Say) -> Iterator[Places]:
    """Reach the Postgres of a URL, or run the embedded one with its files in the folder."""
    if url:
        try:
            fetch(url, "SELECT 1")
        except (OSError, asyncpg.PostgresError) as error:
            raise BenchError(f"cannot reach the Postgres of BENCH_DATABASE_URL: {error}") from error
        yield Places(url, folder, None, say)
        return
    with EmbeddedPostgres(folder / "postgres") as embedded:
        yield Places(embedded.url, folder, embedded, say)


def fetch(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """Run a statement on a connection of its own."""

    async def run_it() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return found
        finally:
            await connection.close()

    return asyncio.run(run_it())
