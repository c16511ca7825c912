"""The very SQL of the read path: what the service sends to Postgres for each path, as scripts of pgbench.

The service runs in this process and the driver tells what it is given (asyncpg's query logger), so nothing
is rewritten by hand. Each path is asked several times and the last time counts: by then the worker remembers
totals and how rare values are, as it does when it is measured.
"""

import asyncio
import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import event
from sqlalchemy.pool import Pool

from api.main import create_app
from api.settings import HttpSettings
from db.settings import DatabaseSettings
from tests.bench.running import BenchError
from tests.bench.services import UNCACHED

TIMES = 3
Statement = tuple[str, Sequence[Any]]
# Where statements of the request under way are noted; those of anything else the service does are not.
_noted: ContextVar[list[Statement] | None] = ContextVar("noted", default=None)
_PARAMETER = re.compile(r"\$(\d+)")
_LOOKS_LIKE_VARIABLE = re.compile(r"(?<!:):\w")


@dataclass(frozen=True)
class Scripts:
    """What pgbench runs, and the variables that its scripts name."""

    files: Sequence[Path]
    variables: Mapping[str, str]


def capture(url: str, paths: Sequence[str], folder: Path) -> Scripts:
    """Write a script for each path into a folder.

    Raises:
        BenchError: a path needs no SQL or SQL that pgbench cannot run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    captured = asyncio.run(_captured(url, paths))
    files: list[Path] = []
    variables: dict[str, str] = {}
    for number, statements in enumerate(captured):
        if not statements:
            raise BenchError(f"no SQL was seen for {paths[number]}")
        lines = [
            script_line(sql, given, f"s{number}_{place}", variables)
            for place, (sql, given) in enumerate(statements)
        ]
        file = folder / f"{number}.sql"
        file.write_text("\n".join(lines) + "\n")
        files.append(file)
    return Scripts(files, variables)


async def _captured(url: str, paths: Sequence[str]) -> list[list[Statement]]:
    with _uncached():
        settings = HttpSettings(log_level="error")
    app = create_app(settings, DatabaseSettings(database_url=url))
    found = []
    event.listen(Pool, "connect", _listen)
    try:
        async with app.router.lifespan_context(app) as state:
            transport = httpx.ASGITransport(_with_state(app, state or {}))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                for path in paths:
                    for _ in range(TIMES):
                        statements: list[Statement] = []
                        token = _noted.set(statements)
                        answer = await client.get(path)
                        _noted.reset(token)
                        answer.raise_for_status()
                    found.append(statements)
    finally:
        event.remove(Pool, "connect", _listen)
    return found


@contextmanager
def _uncached() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in UNCACHED}
    os.environ.update(UNCACHED)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _with_state(app: Any, state: Mapping[str, Any]) -> Any:
    """Hand the lifespan's state to each request, which httpx does not."""

    async def stateful(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope["state"] = dict(state)
        await app(scope, receive, send)

    return stateful


def _listen(connection: Any, _record: Any) -> None:
    connection.driver_connection.add_query_logger(_note)


def _note(query: Any) -> None:
    noted = _noted.get()
    if noted is not None:
        noted.append((query.query, query.args))


def script_line(sql: str, given: Sequence[Any], prefix: str, variables: dict[str, str]) -> str:
    """Write a statement for pgbench, its parameters as variables, which are noted.

    Raises:
        BenchError: pgbench would read it otherwise than Postgres does.
    """
    if _LOOKS_LIKE_VARIABLE.search(sql):
        raise BenchError(f"pgbench would take a part of this for a variable: {sql}")

    def named(match: re.Match[str]) -> str:
        value = given[int(match[1]) - 1]
        if value is None:
            return "NULL"
        name = f"{prefix}_{match[1]}"
        variables[name] = _text(value)
        return f":{name}"

    return f"{_PARAMETER.sub(named, ' '.join(sql.split()))};"


def _text(value: Any) -> str:
    """Give a value as Postgres reads it."""
    if isinstance(value, list | tuple):
        quoted = (_text(each).replace("\\", "\\\\").replace('"', '\\"') for each in value)
        return "{" + ",".join(f'"{each}"' for each in quoted) + "}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
