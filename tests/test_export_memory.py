"""Exports of very many records: the memory of a real server does not grow with them.

The short form writes 20,000 exchanges; EXPORTED_EXCHANGES=200000 is the long one (`make export-memory`).
"""

import asyncio
import http.client
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.test_http_server import Server
from tests.test_http_server import running as serving

pytestmark = pytest.mark.anyio

EXCHANGES = int(os.environ.get("EXPORTED_EXCHANGES", "20000"))
SHIPPED = 235
MOST_GROWTH = 64 * 1024 * 1024
TEMPLATE = "2024-12-30-russia-ukraine"
# Rows as the one door would write them, but for what only writing reads: the hashes of the history.
MANY = (
    """
    INSERT INTO revision (dataset_revision, position, resource, record_id, number, action, body,
                          body_sha256, reason, at, previous_hash, hash)
    SELECT 2, n, 'exchange', 'made-' || n, 1, 'created', replace(body, :template, 'made-' || n),
           body_sha256, 'many', at, hash, hash
    FROM revision, generate_series(1, :many) AS n WHERE record_id = :template
    """,
    """
    INSERT INTO exchange_index (id, from_revision, position, number, updated_at, date, year, kind, status,
                                agreement, persons, disputed, disputed_by_parties, sources, has_figures,
                                has_overlaps, words)
    SELECT 'made-' || n, 2, n, 1, updated_at, date '1990-01-01' + n % 9000,
           extract(year FROM date '1990-01-01' + n % 9000), kind, status, agreement, persons, disputed,
           disputed_by_parties, sources, has_figures, has_overlaps, words
    FROM exchange_index, generate_series(1, :many) AS n WHERE id = :template
    """,
    "ANALYZE",
)


@pytest.fixture
async def many(loaded_engine: AsyncEngine, loaded_url: str) -> str:
    """The URL of a database with very many exchanges."""
    async with loaded_engine.begin() as connection:
        for statement in MANY:
            values = {"template": TEMPLATE, "many": EXCHANGES} if ":many" in statement else {}
            await connection.execute(text(statement), values)
    return loaded_url


def download(server: Server, path: str, file: Path) -> None:
    """Fetch a file piece by piece; an answer that breaks off raises."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)) as connection:
        connection.request("GET", path)
        with connection.getresponse() as answer, file.open("wb") as output:
            assert answer.status == 200
            while piece := answer.read(1 << 20):
                output.write(piece)


def workers(server: Server) -> Iterator[psutil.Process]:
    yield from [
        psutil.Process(server.process.pid),
        *psutil.Process(server.process.pid).children(recursive=True),
    ]


def resident(server: Server) -> int:
    return sum(process.memory_info().rss for process in workers(server))


def forget_peak(server: Server) -> None:
    for process in workers(server):
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def peak(server: Server) -> int:
    """Give the most memory that the server had since its peak was forgotten, in bytes."""
    total = 0
    for process in workers(server):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1]) * 1024
    return total


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc")
async def test_memory_does_not_grow_with_the_rows(many: str, tmp_path: Path) -> None:
    def measure() -> dict[str, int]:
        growth = {}
        with serving("api.main:create_app", {"DATABASE_URL": many}) as server:
            for form in ("csv", "parquet"):
                # what is loaded once, the libraries above all, is no growth
                download(server, f"/v1/exchanges.{form}?year=2024", tmp_path / "few")
                before = resident(server)
                forget_peak(server)
                download(server, f"/v1/exchanges.{form}", tmp_path / f"many.{form}")
                growth[form] = peak(server) - before
        return growth

    growth = await asyncio.to_thread(measure)
    print(f"growth in MB: { {form: size >> 20 for form, size in growth.items()} }")  # noqa: T201  (shown by -s)
    assert pq.read_metadata(tmp_path / "many.parquet").num_rows == EXCHANGES + SHIPPED
    with (tmp_path / "many.csv").open("rb") as lines:
        assert sum(1 for _ in lines) == EXCHANGES + SHIPPED + 1
    assert {form: size for form, size in growth.items() if size >= MOST_GROWTH} == {}
