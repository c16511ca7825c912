"""A primary and its replica, of Debian's programs, for tests: made, held back, killed and started again.

Nothing here tests; servers listen on loopback and keep their files in a folder that goes with the block.
"""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from tests.embedded_users import open_place
from tests.serving import free_port

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
MISSING = "Postgres' server programs are missing: apt-get install postgresql"
ACCOUNT = "postgres"  # runs them where the tests are root's
# Nothing here has to outlive a power failure.
SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "100ms",
    "max_connections": "100",
    "shared_buffers": "32MB",
}


def run(*command: object) -> None:
    """Run a program of Postgres to its end, as its account."""
    user = ACCOUNT if os.geteuid() == 0 else None
    result = subprocess.run(
        [str(PROGRAMS[-1] / str(command[0])), *map(str, command[1:])],
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


@dataclass(frozen=True)
class Node:
    """A Postgres of its own."""

    data: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        settings = [f"-c {name}={value}" for name, value in SETTINGS.items()] + [f"-p {self.port}"]
        log = self.data.with_suffix(".log")
        run("pg_ctl", "start", "-w", "-t", 60, "-D", self.data, "-l", log, "-o", " ".join(settings))

    def processes(self) -> list[psutil.Process]:
        try:
            number = int((self.data / "postmaster.pid").read_text().split()[0])
            postmaster = psutil.Process(number)
            return [postmaster, *postmaster.children(recursive=True)]
        except (FileNotFoundError, psutil.NoSuchProcess):
            return []

    def kill(self) -> None:
        """End it as by a power failure: kill -9 of all its processes."""
        processes = self.processes()
        for process in processes:
            process.suspend()  # so that none tells a client of another's death
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=30)

    async def ask(self, statement: str, *arguments: object, database: str = "postgres") -> Any:
        connection = await asyncpg.connect(self.url(database))
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()


@contextmanager
def primary_and_replica() -> Iterator[tuple[Node, Node]]:
    """Start both; the replica follows as fast as it can."""
    if not PROGRAMS:
        pytest.skip(MISSING)
    with open_place() as place:
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(place, account.pw_uid, account.pw_gid)
        primary, replica = (Node(place / name, free_port()) for name in ("primary", "replica"))
        run("initdb", "-D", primary.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        try:
            primary.start()
            run("pg_basebackup", "-D", replica.data, "-d", primary.url(), "-R", "-X", "stream", "-c", "fast")
            replica.start()
            yield primary, replica
        finally:
            replica.kill()
            primary.kill()
