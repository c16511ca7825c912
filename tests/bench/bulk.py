"""Goal H: the load through the normal door; `loading.py` measures it, and this says what it found."""

import asyncio
from collections.abc import Iterator

from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.loading import load_against_copy

EXCHANGES = 100_000
GIGA, MEGA = 1_000_000_000, 1_000_000


def measure_loading(bench: Bench) -> Iterator[Finding]:
    """Measure goal H; the memory is that of the load which made the big database, whenever that was."""
    number = min(EXCHANGES, bench.exchanges)
    loading = asyncio.run(load_against_copy(bench.places.url, number))
    yield Finding(
        "H",
        f"load of {number:,} against a bare COPY of its rows",
        loading.ratio,
        0.25,
        f"{loading.load_rate:,.0f} rows/s ({loading.load_seconds:,.1f} s) against {loading.copy_rate:,.0f}"
        f" rows/s; memory grew by {loading.growth / MEGA:,.0f} MB",
    )
    loaded = bench.many.loaded
    yield Finding(
        "H",
        f"all memory of the load of {bench.exchanges:,}",
        loaded["memory"] / MEGA,
        GIGA / MEGA,
        f"{loaded['seconds']:,.0f} s",
        at_least=False,
        unit="MB",
    )
