"""Keys as data and as commands: what is kept of them, when they hold, and that no secret shows anywhere."""

import asyncio
import datetime as dt
import logging
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256

import pytest
from sqlalchemy import Text, cast, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.access import (
    AccessError,
    Caller,
    KeyFault,
    KeyRefusedError,
    create_key,
    list_keys,
    read_key,
    revoke_key,
    rotate_key,
    verify_key,
)
from db.enums import Role
from db.migrate import upgrade_async
from db.models.access import ApiKey
from db.reader import Reader
from db.session import read_engine, write_engine
from db.tokens import holds_token, new_token, read_token, redact
from tests.applications import Queries
from tests.databases import database_url, drop_database, make_clone
from tests.embedded_users import REPOSITORY
from tests.serving import environment, exchanges, refusal

pytestmark = pytest.mark.anyio

FORM = re.compile(r"exk_([0-9a-f]{10})_([A-Za-z0-9_-]{43})")
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def url(server_url: str) -> Iterator[str]:
    """The URL of a database in which nothing was ever made: the commands bring its schema up."""
    name = asyncio.run(make_clone(server_url, None))
    yield database_url(server_url, name)
    asyncio.run(drop_database(server_url, name))


async def make(engine: AsyncEngine, role: Role = Role.CURATOR, name: str = "Somebody") -> str:
    _, token = await create_key(engine, name, role)
    return token


async def verify(engine: AsyncEngine, token: str) -> Caller:
    return await verify_key(Reader(engine, bounded=True), token)


def id_of(token: str) -> str:
    found = FORM.fullmatch(token)
    assert found
    return found[1]


async def fault_of(engine: AsyncEngine, token: str) -> KeyFault:
    with pytest.raises(KeyRefusedError) as raised:
        await verify(engine, token)
    return raised.value.fault


async def set_times(engine: AsyncEngine, token: str, **ago: dt.timedelta) -> None:
    values = {name: func.now() - before for name, before in ago.items()}
    async with engine.begin() as connection:
        await connection.execute(update(ApiKey).where(ApiKey.id == id_of(token)).values(values))


async def last_used(engine: AsyncEngine, token: str) -> dt.datetime | None:
    async with engine.connect() as connection:
        return (await read_key(connection, id_of(token))).last_used_at


# The form of a key


def test_roles_are_in_order() -> None:
    assert sorted(Role, key=lambda role: role.rank) == [Role.CONTRIBUTOR, Role.CURATOR, Role.ADMIN]
    assert len({role.rank for role in Role}) == len(Role)


def test_a_key_is_long_and_never_the_same() -> None:
    made = {new_token().text for _ in range(200)}
    assert len({FORM.fullmatch(text)[2] for text in made}) == 200  # type: ignore[index]
    for text in made:
        token = read_token(text)
        assert token is not None
        assert token.text == text
        assert token.secret not in repr(token)
        assert token.digest == sha256(token.secret.encode()).digest()


@pytest.mark.parametrize("change", ["", " ", "x", "\n", "é"])
def test_what_has_not_the_form_is_no_key(change: str) -> None:
    text = new_token().text
    wrong = [text + change, change + text] if change else [text[:-1], text.upper(), text[4:], ""]
    assert [read_token(each) for each in wrong] == [None] * len(wrong)


def test_keys_are_blotted_out_wherever_they_stand() -> None:
    text = new_token().text
    encoded = text.replace("_", "%5F").replace("-", "%2d")
    for each in (text, text[:20], encoded, encoded.lower()):
        assert holds_token(each)
        assert redact(f'/a/{each}?b={each}&c=1 "{each}"') == '/a/exk_…?b=exk_…&c=1 "exk_…"'
    for harmless in ("exk_…", "exk_<id>_<secret>", "exk", "an exchange", ""):
        assert not holds_token(harmless)
        assert redact(harmless) == harmless


# Keys in the database


async def test_a_key_holds_and_tells_whose_it_is(engine: AsyncEngine) -> None:
    record, token = await create_key(engine, "Пошук 1", Role.ADMIN)
    assert await verify(engine, token) == Caller(record.id, "Пошук 1", Role.ADMIN)
    assert (await verify(engine, token)).label == f"{record.id} (Пошук 1)"
    assert [key.id for key in await list_keys(engine)] == [record.id] == [id_of(token)]


async def test_nothing_of_the_secret_is_kept(engine: AsyncEngine) -> None:
    token = await make(engine)
    await verify(engine, token)
    secret = FORM.fullmatch(token)[2]  # type: ignore[index]
    async with engine.connect() as connection:
        [row] = (await connection.execute(select(ApiKey.__table__))).all()
        whole = (
            await connection.execute(select(cast(func.row_to_json(ApiKey.__table__.table_valued()), Text)))
        ).scalar_one()
    assert sha256(secret.encode()).digest() in row
    for kept in (repr(row), whole, repr(await list_keys(engine))):
        assert secret not in kept
        assert secret[:12] not in kept


async def test_only_the_right_secret_opens(engine: AsyncEngine) -> None:
    token, other = await make(engine), await make(engine)
    mixed = token[:15] + other[15:]
    last = "A" if token[-1] != "A" else "E"
    for wrong in (mixed, token[:-1] + last, new_token().text, new_token(id_of(token)).text, "", "exk_"):
        assert await fault_of(engine, wrong) is KeyFault.UNKNOWN


async def test_an_unknown_id_is_compared_too(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr("hmac.compare_digest", lambda *pair: compared.append(pair))
    await fault_of(engine, new_token().text)
    assert [len(each) for pair in compared for each in pair] == [32, 32]


async def test_an_expired_key_does_not_hold(engine: AsyncEngine) -> None:
    token = await make(engine)
    await set_times(engine, token, expires_at=-HOUR)
    await verify(engine, token)
    await set_times(engine, token, expires_at=dt.timedelta(0))
    assert await fault_of(engine, token) is KeyFault.EXPIRED
    assert [key.expired for key in await list_keys(engine)] == [True]


async def test_a_revoked_key_does_not_hold(engine: AsyncEngine) -> None:
    token = await make(engine)
    first = await revoke_key(engine, id_of(token))
    assert first.revoked_at is not None
    assert await revoke_key(engine, id_of(token)) == first, "the time of the first stays"
    assert await fault_of(engine, token) is KeyFault.REVOKED
    await set_times(engine, token, expires_at=HOUR)
    assert await fault_of(engine, token) is KeyFault.REVOKED


async def test_only_the_right_secret_is_told_why(engine: AsyncEngine) -> None:
    token = await make(engine)
    await revoke_key(engine, id_of(token))
    assert await fault_of(engine, new_token(id_of(token)).text) is KeyFault.UNKNOWN


async def test_a_new_secret_ends_the_old_one_at_once(engine: AsyncEngine) -> None:
    before, token = await create_key(engine, "Somebody", Role.CONTRIBUTOR)
    after, new = await rotate_key(engine, before.id)
    assert (after, id_of(new)) == (before, before.id)
    assert new != token
    assert await fault_of(engine, token) is KeyFault.UNKNOWN
    assert (await verify(engine, new)).name == "Somebody"


async def test_a_key_that_does_not_hold_gets_no_new_secret(engine: AsyncEngine) -> None:
    revoked, expired = await make(engine), await make(engine)
    await revoke_key(engine, id_of(revoked))
    await set_times(engine, expired, expires_at=HOUR)
    for token, word in ((revoked, "revoked"), (expired, "expired")):
        with pytest.raises(AccessError, match=word):
            await rotate_key(engine, id_of(token))
        assert await fault_of(engine, token) == word, "its secret is still the old one"


async def test_keys_that_nobody_has(engine: AsyncEngine) -> None:
    token = new_token().text
    for change in (revoke_key, rotate_key):
        with pytest.raises(AccessError, match="there is no key '0123456789'"):
            await change(engine, "0123456789")
        with pytest.raises(AccessError) as raised:
            await change(engine, token)
        assert FORM.search(str(raised.value)) is None


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\tb", "a\x7f", "x" * 101, "exk_0123456789_abc"])
async def test_names_that_will_not_do(engine: AsyncEngine, name: str) -> None:
    with pytest.raises(AccessError, match="the name of a key"):
        await create_key(engine, name, Role.ADMIN)
    assert await list_keys(engine) == []


async def test_a_key_that_would_never_hold_is_not_made(engine: AsyncEngine) -> None:
    with pytest.raises(AccessError, match="expired already"):
        await create_key(engine, "Somebody", Role.ADMIN, dt.datetime.now(dt.UTC) - HOUR)
    assert await list_keys(engine) == []


async def test_its_use_is_noted_once_a_minute(engine: AsyncEngine, queries: Queries) -> None:
    token = await make(engine)
    assert await last_used(engine, token) is None
    queries.clear()
    await verify(engine, token)
    assert [statement.split()[0] for statement in queries] == ["SELECT", "UPDATE"]
    noted = await last_used(engine, token)
    assert noted is not None
    queries.clear()
    await verify(engine, token)
    assert [statement.split()[0] for statement in queries] == ["SELECT"]
    assert await last_used(engine, token) == noted
    await set_times(engine, token, last_used_at=dt.timedelta(seconds=61))
    await verify(engine, token)
    again = await last_used(engine, token)
    assert again is not None
    assert again >= noted


async def test_the_use_of_a_key_that_does_not_hold_is_not_noted(engine: AsyncEngine) -> None:
    token = await make(engine)
    await fault_of(engine, new_token(id_of(token)).text)
    await revoke_key(engine, id_of(token))
    await fault_of(engine, token)
    assert await last_used(engine, token) is None


async def test_nobody_waits_for_another_to_note_it(engine: AsyncEngine) -> None:
    token = await make(engine)
    async with engine.begin() as other:
        await other.execute(select(ApiKey.id).with_for_update())
        async with asyncio.timeout(30):
            await asyncio.gather(*(verify(engine, token) for _ in range(5)))
    assert await last_used(engine, token) is None
    await asyncio.gather(*(verify(engine, token) for _ in range(10)))
    assert await last_used(engine, token) is not None


async def test_a_database_that_only_reads_will_do(url: str, caplog: pytest.LogCaptureFixture) -> None:
    await upgrade_async(url)
    writer = write_engine(url)
    joined = "&" if "?" in url else "?"  # the URL of an embedded Postgres names its socket in the query
    reader = read_engine(f"{url}{joined}options=-cdefault_transaction_read_only%3Don", pool_size=1)
    token = await make(writer)
    with caplog.at_level(logging.WARNING):
        assert (await verify_key(Reader(reader), token)).key_id == id_of(token)
        with pytest.raises(DBAPIError, match="read-only"):
            await make(reader)
    assert f"the use of key {id_of(token)} was not noted" in caplog.text
    assert FORM.search(caplog.text) is None
    await writer.dispose()
    await reader.dispose()


# Commands


def created(url: str, *options: str, role: str = "curator", name: str = "Somebody") -> str:
    """Make a key by the command, and give it."""
    result = exchanges("key", "create", "--role", role, "--name", name, *options, DATABASE_URL=url)
    assert result.returncode == 0, result.stderr
    assert f"({role}) for the database of DATABASE_URL; it" in result.stderr
    assert "shown once" in result.stderr
    assert FORM.search(result.stderr) is None
    [line] = result.stdout.splitlines()
    assert FORM.fullmatch(line)
    return line


def listed(url: str) -> list[list[str]]:
    result = exchanges("key", "list", DATABASE_URL=url)
    assert (result.returncode, result.stderr) == (0, "")
    return [line.split("\t") for line in result.stdout.splitlines()]


def test_the_life_of_a_key(url: str) -> None:
    token = created(url, "--expires", "2127-01-31", name="Käthe [red]K.")
    key_id = id_of(token)
    [(shown, role, name, state, made, expires, used)] = listed(url)
    assert (shown, role, name, state) == (key_id, "curator", "Käthe [red]K.", "active")
    assert (expires, used) == ("2127-01-31T23:59:59Z", "-")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made)
    asyncio.run(_verify(url, token))

    rotated = exchanges("key", "rotate", key_id, DATABASE_URL=url)
    new = rotated.stdout.strip()
    assert (rotated.returncode, id_of(new)) == (0, key_id)
    assert "shown once" in rotated.stderr
    with pytest.raises(KeyRefusedError):
        asyncio.run(_verify(url, token))
    asyncio.run(_verify(url, new))
    assert listed(url)[0][6] != "-"

    for _ in range(2):
        revoked = exchanges("key", "revoke", key_id, DATABASE_URL=url)
        assert (revoked.returncode, revoked.stdout) == (0, "")
        assert f"The key {key_id} of Käthe [red]K. (curator) is revoked since" in revoked.stderr
    assert listed(url)[0][3] == "revoked"
    assert "revoked" in refusal("key", "rotate", key_id, DATABASE_URL=url)


async def _verify(url: str, token: str) -> Caller:
    engine = write_engine(url)
    try:
        return await verify(engine, token)
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--role", "king", "--name", "x"], "there is no role 'king': choose contributor, curator, admin"),
        (["--role", "admin", "--name", " "], "must not be blank"),
        (["--role", "admin", "--name", "x", "--expires", "2020-01-01"], "expired already"),
        (["--role", "admin", "--name", "x", "--expires", "2127-13-01"], "--expires must be a day"),
        (["--role", "admin", "--name", "x", "--expires", "2127-01-31T10:00:00"], "with its offset"),
    ],
)
def test_keys_that_cannot_be_made(url: str, options: list[str], told: str) -> None:
    assert told in refusal("key", "create", *options, DATABASE_URL=url)


def test_keys_that_cannot_be_changed(url: str) -> None:
    for command in ("revoke", "rotate"):
        line = refusal("key", command, "0123456789", DATABASE_URL=url)
        assert line.startswith("error: there is no key '0123456789'")
        line = refusal("key", command, new_token().text, DATABASE_URL=url)
        assert line.startswith("error: give the id of the key")
        assert FORM.search(line) is None


def test_a_list_without_a_key_is_empty(url: str) -> None:
    assert listed(url) == []


def test_a_terminal_is_shown_a_table(url: str) -> None:
    token = created(url, name="Käthe [red]K.")
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli", "key", "list"],
        cwd=REPOSITORY,
        env=environment(DATABASE_URL=url, COLUMNS="150"),
        stdout=child,
    ) as process:
        os.close(child)
        shown = b""
        try:
            while piece := os.read(parent, 4096):
                shown += piece
        except OSError:
            pass  # how a terminal tells that nobody writes to it any more
        os.close(parent)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    heading, line = text.splitlines()
    assert heading.split()[:4] == ["ID", "ROLE", "NAME", "STATE"]
    assert line.split()[:5] == [id_of(token), "curator", "Käthe", "[red]K.", "active"]
    assert FORM.search(text) is None


def test_what_the_commands_are() -> None:
    shown = exchanges("key", "--help").stdout
    for command in ("create", "list", "revoke", "rotate"):
        assert command in shown
        assert "--data-dir" in exchanges("key", command, "--help").stdout
