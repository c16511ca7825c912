"""Fixtures: a real Postgres, databases cloned from migrated templates, and the application over them.

Strategy: tests that only read share one database with the whole shipped dataset; tests that commit get a
clone of their own (empty or loaded), which costs some 30 ms; statements that need no commit run inside one
transaction that is rolled back.
"""

import asyncio
import datetime as dt
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from playwright.sync_api import Browser
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.charts import RenderGate
from db.embedded import EmbeddedPostgres
from db.enums import ReleaseLevel
from db.load import load
from db.migrate import upgrade
from db.releases import Released, freeze
from db.session import write_engine
from db.verify import verify
from tests.applications import Queries, application, running
from tests.backups import done, empty_database
from tests.browsing import NO_CHROMIUM, Visit, chromium, visiting
from tests.curating import Curator, curating
from tests.databases import SHIPPED, database_url, drop_database, make_clone, own_database
from tests.embedded_users import open_place
from tests.keeping import keeping
from tests.live import Live, clone_of, live_over
from tests.writing import put_small

# Without files, which take seconds to be made; `tests/test_release_package.py` makes some.
FIRST_RELEASE = Released(
    name="2026.11",
    dataset_revision=1,
    level=ReleaseLevel.MAJOR,
    notes="The dataset as shipped.",
    at=dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC),
    files=(),
    remade_at=None,
    base_url="http://localhost:8000",
)

# Files of few tests that take minutes. `make test` gives whole files to workers, in the order of the tests:
# begun last, one of these would keep its worker busy when the others are done.
LONG = ("test_schemathesis.py", "test_mirror.py", "test_sdk.py", "test_write_storm.py", "test_cli.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; the rest stays in its order."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a server where databases may be created: TEST_DATABASE_URL, or an embedded one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with open_place() as folder, EmbeddedPostgres(folder / "data") as postgres:
        yield postgres.url


@pytest.fixture(scope="session")
def empty_template(server_url: str) -> Iterator[str]:
    """A migrated database without a record."""
    name = asyncio.run(make_clone(server_url, None))
    upgrade(database_url(server_url, name))
    yield name
    asyncio.run(drop_database(server_url, name))


@pytest.fixture(scope="session")
def loaded_template(server_url: str, empty_template: str) -> Iterator[str]:
    """A migrated database with the shipped dataset, and its first revision released as 2026.11."""

    async def fill(engine: AsyncEngine) -> None:
        await load(engine, [SHIPPED], reason="the shipped dataset")
        async with engine.begin() as connection:
            await freeze(connection, FIRST_RELEASE)

    with _filled(server_url, empty_template, fill) as name:
        yield name


@pytest.fixture(scope="session")
def small_template(server_url: str, empty_template: str) -> Iterator[str]:
    """A migrated database with the small dataset of `tests/writing.py`, written as its first revision."""
    with _filled(server_url, empty_template, put_small) as name:
        yield name


@contextmanager
def _filled(
    server_url: str, template: str, fill: Callable[[AsyncEngine], Awaitable[object]]
) -> Iterator[str]:
    """Make a template of another, with more in it."""

    async def make() -> str:
        name = await make_clone(server_url, template)
        engine = write_engine(database_url(server_url, name))
        await fill(engine)
        await engine.dispose()
        return name

    name = asyncio.run(make())
    yield name
    asyncio.run(drop_database(server_url, name))


@pytest.fixture
async def engine(server_url: str, empty_template: str) -> AsyncIterator[AsyncEngine]:
    """An engine that writes to a database of the test's own, migrated and empty."""
    async with own_database(server_url, empty_template) as url:
        made = write_engine(url)
        yield made
        await made.dispose()


@pytest.fixture
async def small(server_url: str, small_template: str) -> AsyncIterator[AsyncEngine]:
    """The same with the small dataset, which is sound after the test, whatever the test did to it."""
    async with own_database(server_url, small_template) as url:
        made = write_engine(url)
        yield made
        assert [fault async for fault in verify(made)] == []
        await made.dispose()


@pytest.fixture
def loaded_url(server_url: str, loaded_template: str) -> Iterator[str]:
    """The URL of a database of the test's own, with the shipped dataset."""
    with clone_of(server_url, loaded_template) as url:
        yield url


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """The URL of a database in which nothing was ever made."""
    with empty_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def shipped_backup(server_url: str, loaded_template: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the shipped dataset; nobody changes it."""
    file = tmp_path_factory.mktemp("backups") / "shipped.backup"
    with clone_of(server_url, loaded_template) as url:
        done("backup", file, DATABASE_URL=url)
    return file


@pytest.fixture
async def loaded_engine(loaded_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine that writes to a database of the test's own, with the shipped dataset."""
    made = write_engine(loaded_url)
    yield made
    await made.dispose()


@pytest.fixture(scope="session")
async def read_only_url(server_url: str, loaded_template: str) -> AsyncIterator[str]:
    """The URL of the one database that tests only read: a clone, since a template must have no visitors."""
    async with own_database(server_url, loaded_template) as url:
        yield url


@pytest.fixture(scope="session")
def live(server_url: str, loaded_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A real server over the shipped dataset; for tests that only read."""
    with _live(server_url, loaded_template, tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture
def own_live(server_url: str, loaded_template: str, tmp_path: Path) -> Iterator[Live]:
    """A real server over a database of the test's own, with the shipped dataset, to write to."""
    with _live(server_url, loaded_template, tmp_path) as server:
        yield server


@contextmanager
def _live(server_url: str, template: str, folder: Path) -> Iterator[Live]:
    with clone_of(server_url, template) as url, live_over(url, folder) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; whoever asks for it is skipped where there is none."""
    with chromium() as made:
        yield made


@pytest.fixture
def visit(live: Live, browser: Browser) -> Iterator[Visit]:
    """Opens pages of `live` in the browser, and fails the test if something went wrong in one."""
    with visiting(browser, live.base) as visit:
        yield visit


@pytest.fixture
def own_visit(own_live: Live, browser: Browser) -> Iterator[Visit]:
    """The same over `own_live`."""
    with visiting(browser, own_live.base) as visit:
        yield visit


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line that the tests with a browser were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    many = sum(NO_CHROMIUM in str(report.longrepr) for report in skipped)
    if many:
        terminalreporter.write_line(f"{many} skipped: {NO_CHROMIUM}")


@pytest.fixture(scope="session")
async def client(read_only_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over the shipped dataset; for tests that only read."""
    async with running(application(read_only_url)) as made:
        yield made


@pytest.fixture
async def cached(read_only_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that keeps answers, over the shipped dataset."""
    async with keeping(read_only_url) as made:
        yield made


@pytest.fixture
async def own_client(loaded_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over `loaded_url`, to see what the test writes there."""
    async with running(application(loaded_url)) as made:
        yield made


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queries]:
    """Collects the statements of every engine and of the driver while the test runs; clear() begins anew."""
    from sqlalchemy.engine import Engine

    seen = Queries()
    fetch = asyncpg.Connection.fetch

    async def noted(connection: asyncpg.Connection, query: str, *args: object) -> object:
        seen.append(query)
        seen.by_driver.append((query, args))
        return await fetch(connection, query, *args)

    monkeypatch.setattr(asyncpg.Connection, "fetch", noted)

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
async def connection(loaded_engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection inside a transaction that is rolled back; deferred constraints fire only when told to."""
    async with loaded_engine.connect() as made:
        transaction = await made.begin()
        yield made
        await transaction.rollback()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the account of the embedded Postgres can reach."""
    with open_place() as folder:
        yield folder


@pytest.fixture(scope="session")
def pristine() -> Iterator[Path]:
    """A data directory that has served the dataset and was stopped; nobody changes it."""
    from tests.serving import QUESTION, serving

    with open_place() as folder:
        with serving(folder / "data") as server:
            server.answer(QUESTION)
        yield folder / "data"


@pytest.fixture
def data_dir(place: Path, pristine: Path) -> Path:
    """A data directory of the test's own that has served the dataset."""
    subprocess.run(["cp", "-a", pristine, place / "data"], check=True)
    return place / "data"


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collects the charts that would be drawn, in place of drawing them."""
    seen: list[dict[str, Any]] = []

    async def note(_gate: RenderGate, spec: dict[str, Any], *_: object) -> bytes:
        seen.append(spec)
        return b"drawn"

    monkeypatch.setattr(RenderGate, "render", note)
    return seen


@pytest.fixture
async def curator(small: AsyncEngine, server_url: str) -> AsyncIterator[Curator]:
    """A curator of the small dataset."""
    async with curating(small, server_url) as made:
        yield made
