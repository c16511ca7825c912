"""No password, no key and no text that is not public gets into a log, an error, a help or a process list."""

import asyncio
import io
import traceback
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.accesslog import configure_logging
from api.errors import internal_error
from db.models.access import ApiKey
from db.tokens import new_token
from tests.curating import url_of
from tests.serving import exchanges, serving
from tests.test_roles import as_account

PASSWORD = "hunter2-Zx81"


# The database's password


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/none",
        f"postgresql://somebody:{PASSWORD}@127.0.0.1:none/none",
        f"postgresql://somebody:{PASSWORD}@[::1/none",
        f"postgres:/somebody:{PASSWORD}@127.0.0.1/none",
        f"mysql://somebody:{PASSWORD}@127.0.0.1/none",
        f"postgresql://127.0.0.1:1/none?user=somebody&password={PASSWORD}",
        f"postgresql://somebody:{PASSWORD}@host.invalid/none",
        f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/none?sslmode={PASSWORD}",
        f"host=127.0.0.1 port=1 password={PASSWORD}",
        PASSWORD,
    ],
)
@pytest.mark.parametrize("command", [["migrate"], ["serve", "--port", "0"]], ids=" ".join)
def test_no_command_tells_the_password_of_a_database_that_it_cannot_reach(
    url: str, command: list[str]
) -> None:
    done = exchanges(*command, DATABASE_URL=url)
    assert done.returncode != 0
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [[], ["serve"], ["key", "create"], ["roles"], ["backup"]], ids=" ".join)
def test_no_help_shows_what_the_environment_holds(command: list[str]) -> None:
    secrets = dict.fromkeys(
        ("READER_PASSWORD", "WRITER_PASSWORD", "PGPASSWORD", "RATE_LIMIT_STORAGE"), PASSWORD
    )
    url = f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/none"
    done = exchanges(*command, "--help", DATABASE_URL=url, DATABASE_READ_URL=url, **secrets)
    assert done.returncode == 0
    assert PASSWORD not in done.stdout + done.stderr


def test_a_wrong_setting_is_told_without_the_others(server_url: str) -> None:
    url = as_account(server_url, "postgres", PASSWORD)
    done = exchanges("serve", DATABASE_URL=url, DATABASE_POOL_SIZE="none", PORT="0")
    assert done.returncode != 0
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.anyio
async def test_a_server_at_work_tells_no_secret(
    loaded_engine: AsyncEngine, server_url: str, place: Path
) -> None:
    """Neither in its log nor in its processes' arguments, whatever it is asked and whatever fails."""
    url = await url_of(loaded_engine, server_url)
    async with loaded_engine.begin() as connection:
        role = f"test_secrets_{psutil.Process().pid}"
        await connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    try:
        told = await asyncio.to_thread(_asked, as_account(url, role, PASSWORD), place)
    finally:
        async with loaded_engine.begin() as connection:
            await connection.exec_driver_sql(f"DROP OWNED BY {role}")
            await connection.exec_driver_sql(f"DROP ROLE {role}")
    assert "/v1/exchanges" in told
    assert PASSWORD not in told


def _asked(url: str, place: Path) -> str:
    key = new_token()
    with serving(place / "unused", DATABASE_URL=url, LOG_LEVEL="debug") as server:
        server.answer()
        base = f"http://127.0.0.1:{server.port}"
        with httpx.Client(base_url=base, timeout=30) as client:
            for request in (
                client.build_request("GET", "/v1/me", headers={"Authorization": f"Bearer {key.text}"}),
                client.build_request("GET", "/v1/me", headers={"Authorization": key.text}),
                client.build_request("GET", "/v1/exchanges", headers={"X-Request-ID": key.text}),
                client.build_request("GET", "/v1/exchanges", headers={"If-None-Match": key.text}),
                client.build_request("GET", "/v1/exchanges", params={"mediator": key.text}),
                client.build_request("GET", "/v1/exchanges", params={key.text: "1"}),
                client.build_request("GET", f"/v1/exchanges/{key.text}"),
                client.build_request("GET", f"/{key.text}", headers={"Referer": f"https://x/{key.text}"}),
                client.build_request("POST", "/v1/actors", content=f'{{"id": "{key.text}"'),
                client.build_request("POST", "/v1/citations", json={"url": f"/v1/actors?q={key.text}"}),
            ):
                assert key.secret not in client.send(request).text
        process = psutil.Process(server.process.pid)
        arguments = [each.cmdline() for each in (process, *process.children(recursive=True))]
    told = server.log.read_text() + str(arguments)
    assert key.secret not in told
    return told


# What a driver's error quotes


async def _error_of(engine: AsyncEngine, secret: str) -> DBAPIError:
    token = new_token()
    values = {"id": token.id, "name": secret, "role": "nobody", "secret_sha256": token.digest}
    with pytest.raises(DBAPIError) as caught:
        async with engine.begin() as connection:
            await connection.execute(insert(ApiKey).values(values | {"created_at": None}))
    return caught.value


@pytest.mark.anyio
async def test_a_failed_statement_is_logged_without_its_values(engine: AsyncEngine) -> None:
    error = await _error_of(engine, "whispered\n\nlike this")
    trace = "".join(traceback.format_exception(error))
    assert "whispered\n\nlike this" in trace, "else this tests nothing"
    log = io.StringIO()
    with configure_logging("debug", log):
        internal_error({"type": "http", "method": "POST", "path": "/v1/x"}, error)
    [line] = log.getvalue().splitlines()
    assert "violates not-null constraint" in line
    assert "INSERT INTO api_key" in line
    assert "whispered" not in line
    assert "like this" not in line
