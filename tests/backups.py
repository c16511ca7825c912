"""What the tests of backups share: databases to restore into, what is in one, and files that are damaged."""

import asyncio
import json
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import psutil

from tests.databases import database_url
from tests.embedded_users import ask
from tests.live import Live
from tests.serving import environment, exchanges

LISTS = ["exchanges", "figures", "claims", "mediations", "articles", "publishers", "actors", "agreements"]
LISTS += ["totals", "coverage"]
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
# The schema as the server describes it, with what is granted.
SCHEMA = """
SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '') FROM (
    SELECT conrelid::regclass || ' ' || conname || pg_get_constraintdef(oid) AS line FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT proname || prosrc || coalesce(proacl::text, '') FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT relname || coalesce(relacl::text, '') FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
) AS described
"""
PROGRAM = [sys.executable, "-m", "api.cli"]
_made = count(1)


@contextmanager
def empty_database(server_url: str, how: str = "") -> Iterator[str]:
    """Make a database in which nothing was ever made, and drop it with whatever a restore left beside it."""
    name = f"exchanges_backup_{threading.get_native_id()}_{next(_made)}"
    ask(server_url, f"CREATE DATABASE {name} {how}")
    try:
        yield database_url(server_url, name)
    finally:
        for each in (name, *beside(server_url, name)):
            ask(server_url, f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)')


def beside(server_url: str, name: str) -> list[str]:
    """Name the databases that a restore made and did not drop."""
    made = (
        f"SELECT array_agg(datname) FROM pg_database WHERE datname IN ('{name}_restoring', '{name}_replaced')"
    )
    return ask(server_url, made) or []


def name_of(url: str) -> str:
    return urlsplit(url).path[1:]


def done(*arguments: object, **settings: str) -> str:
    """Give what a command says that succeeds."""
    result = exchanges(*arguments, **settings)
    assert result.returncode == 0, result.stderr
    return result.stdout


def last_line(*arguments: object, **settings: str) -> str:
    """Give what a refused command says at its end; before it may be told what it does."""
    result = exchanges(*arguments, **settings)
    assert (result.returncode, result.stdout) == (1, ""), result.stderr
    *before, line = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Traceback" not in result.stderr
    assert all(
        each.startswith(("Reading ", "Checking ", "warning: ")) or "parts of" in each for each in before
    )
    return line


def started(*arguments: object, **settings: str) -> psutil.Popen:
    """Start a command, and go on beside it."""
    command = [*PROGRAM, *map(str, arguments)]
    return psutil.Popen(command, env=environment(**settings), stdout=-1, stderr=-1, text=True)


@contextmanager
def held(url: str, statements: str) -> Iterator[None]:
    """Be somebody who is connected to a database, and whose transaction lasts as long as the block."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))
        runner.run(connection.execute(f"BEGIN; {statements}"))
        try:
            yield
        finally:
            runner.run(connection.execute("COMMIT"))
            runner.run(connection.close())


def somebody_waits(url: str) -> bool:
    """Tell whether somebody waits for somebody else's lock in a database."""
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(ask(url, f"SELECT EXISTS ({waiting})"))


@contextmanager
def account(url: str) -> Iterator[tuple[str, str]]:
    """Make an account that may do nothing; give its name, and the URL by which it reaches a database."""
    role = f"exchanges_backup_{os.getpid()}"
    ask(url, f"CREATE ROLE {role} LOGIN PASSWORD 'synthetic'")
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        yield role, parts._replace(netloc=f"{role}:synthetic@{host}").geturl()
    finally:
        ask(url, f"DROP OWNED BY {role}")
        ask(url, f"DROP ROLE {role}")


def rows(url: str, query: str) -> list[dict[str, Any]]:
    async def fetch() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(url)
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def contents(url: str) -> dict[str, Any]:
    """Give everything that is in a database: schema, and all rows of all tables."""
    names = [row["tablename"] for row in rows(url, TABLES)]
    held = {name: sorted(map(repr, rows(url, f"SELECT * FROM {name}"))) for name in names}
    return {"": ask(url, SCHEMA), **held}


def served(base: str, revision: int) -> dict[str, bytes]:
    """Give every record of a state, as files of all lists, and the history up to it, as it is served."""
    answers = {}
    with httpx.Client(base_url=base, timeout=60) as client:
        for name in LISTS:
            answers[name] = (
                client.get(f"/v1/{name}.ndjson", params={"as_of": revision}).raise_for_status().content
            )
        asked: str | None = "/v1/changes?since=0&body=true&limit=500"
        entries = []
        while asked:
            page = client.get(asked).raise_for_status().json()
            entries += [each for each in page["data"] if each["dataset_revision"] <= revision]
            asked = page["meta"]["next"]
        answers["changes"] = json.dumps(entries).encode()
    return answers


class Writer:
    """Somebody who writes over HTTP, one write after the other, until told to stop."""

    def __init__(self, live: Live, token: str) -> None:
        self._client = httpx.Client(
            base_url=live.base, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.fault: BaseException | None = None
        self.written = 0

    def write(self) -> httpx.Response:
        path = "/v1/actors/uae"
        etag = self._client.get(path).headers["etag"]
        body = {"aliases": ["UAE", f"synthetic {self.written}"]}
        answer = self._client.patch(
            path, params={"reason": "A test."}, headers={"If-Match": etag}, json=body
        ).raise_for_status()
        self.written += 1
        return answer

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self.write()
        except BaseException as error:  # noqa: BLE001  (told by the thread that waits)
            self.fault = error

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()
        assert self.fault is None, self.fault


def rewritten(backup: Path, file: Path, **changed: object) -> Path:
    """Write a backup whose manifest tells something else; `facts__head` is `head` in `facts`."""
    with zipfile.ZipFile(backup) as source, zipfile.ZipFile(file, "w") as target:
        manifest = json.loads(source.read("manifest.json"))
        for name, value in changed.items():
            *outer, last = name.split("__")
            inner = manifest
            for each in outer:
                inner = inner[each]
            inner[last] = value
        target.writestr("dump", source.read("dump"))
        target.writestr("manifest.json", json.dumps(manifest))
    return file


def flipped(backup: Path, file: Path, place: int) -> Path:
    """Write a backup in which one bit is another one."""
    content = bytearray(backup.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    return file
