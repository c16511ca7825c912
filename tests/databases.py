"""Databases of the tests' own, cloned from templates on the server that the tests were given.

Which templates there are, and who has a clone for how long, is told in `tests/conftest.py`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

SHIPPED = Path(__file__).parent.parent / "db" / "dataset"
_clones = count(1)


def database_url(server_url: str, name: str) -> str:
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


async def execute_at(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def make_clone(server_url: str, template: str | None) -> str:
    name = f"exchanges_test_{os.getpid()}_{next(_clones)}"
    copied = f" TEMPLATE {template}" if template else ""
    await execute_at(server_url, f"CREATE DATABASE {name}{copied}")
    return name


async def drop_database(server_url: str, name: str) -> None:
    await execute_at(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def own_database(server_url: str, template: str) -> AsyncIterator[str]:
    name = await make_clone(server_url, template)
    try:
        yield database_url(server_url, name)
    finally:
        await drop_database(server_url, name)
