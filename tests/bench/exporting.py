"""Goals F and G: whole results as files, against psql copying the same bodies out.

Both sides go through the same records, so what is compared is how many MB of records they get through in a
second. The bytes that a format makes of them are only told: CSV has a sixth of those of the bodies.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.loads import pair_of
from tests.bench.running import find_program, run
from tests.bench.services import Served, service

BODIES = """
SELECT body FROM exchange_index JOIN revision
ON dataset_revision = exchange_index.from_revision AND revision.position = exchange_index.position
WHERE to_revision IS NULL
"""
MEGA = 1_000_000
SECONDS_BETWEEN_LOOKS = 0.05
LONGEST = 3600
MOST_ROUNDS = 3  # each takes minutes at a million
WARM_UP = "min_sources=1&date_from=2025-12-01"


@dataclass(frozen=True)
class Transfer:
    """So many bytes in so many seconds."""

    size: int
    seconds: float


class Watch:
    """How much a server's memory has grown at most."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self.before = self.most = server.memory()

    @property
    def growth(self) -> int:
        """The bytes."""
        return self.most - self.before

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look again and again while the block lasts."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(SECONDS_BETWEEN_LOOKS):
                self.most = max(self.most, self._server.memory())

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def measure_ndjson(bench: Bench) -> Iterator[Finding]:
    """Measure goal F."""
    return _measure(bench, "F", "ndjson", 0.5)


def measure_csv(bench: Bench) -> Iterator[Finding]:
    """Measure goal G."""
    return _measure(bench, "G", "csv", 0.2)


def _measure(bench: Bench, goal: str, form: str, bound: float) -> Iterator[Finding]:
    database = bench.many
    statement = f"SELECT sum(octet_length(body)) + count(*) FROM ({BODIES}) AS all_of"
    size = int(database.fetch(statement)[0][0])
    psql = bench.places.program("psql")
    copy = f"\\copy ({' '.join(BODIES.split())}) to stdout"

    def copied() -> Transfer:
        begun = time.perf_counter()
        run([psql, database.url, "--no-psqlrc", "--output=/dev/null", "--command", copy])
        return Transfer(size, time.perf_counter() - begun)

    with service(bench, database.url) as server:
        address = f"{server.base}/v1/exchanges.{form}"
        _download(f"{address}?{WARM_UP}")  # loads what exports need
        watch = Watch(server)
        with watch.looking():
            pairs = [(_download(address), copied()) for _ in range(min(bench.rounds, MOST_ROUNDS))]
    records = size / MEGA
    pair = pair_of(
        [records / ours.seconds for ours, _ in pairs], [records / theirs.seconds for _, theirs in pairs]
    )
    yield Finding(
        goal,
        f"{form.upper()} of {bench.exchanges:,} against psql's copy of the bodies",
        pair.ratio,
        bound,
        f"{pair.first:,.1f} MB/s of records against {pair.second:,.1f} MB/s; of {records:,.0f} MB"
        f" {pairs[0][0].size / MEGA:,.0f} MB are made",
    )
    yield Finding(
        goal,
        f"{form.upper()}: growth of the server's memory",
        watch.growth / MEGA,
        64,
        f"from {watch.before / MEGA:,.0f} MB",
        at_least=False,
        unit="MB",
    )


def _download(address: str) -> Transfer:
    """Fetch a file and throw it away."""
    command = [find_program("curl"), "--silent", "--show-error", "--fail", "--output", "/dev/null"]
    command += ["--max-time", str(LONGEST), "--write-out", "%{size_download} %{time_total}", address]
    size, seconds = run(command).split()
    return Transfer(int(size), float(seconds))
