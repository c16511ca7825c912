"""Trial 8: what a worker holds after a million requests of every kind, beside what it held before."""

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.goals import Finding
from tests.bench.loads import wrk
from tests.bench.running import BenchError, find_program
from tests.bench.starting import MEGA, own_memory
from tests.serving import Server
from tests.torture.torture import SkippedTrialError, Torture, at_least, at_most, quiet

TRIAL = "memory"
SEED = 8
SECONDS = 5  # of a round
CONNECTIONS = 16
# Little, so that it is full when the worker is warm, and goes on letting go of what it holds.
CACHE = "8000000"
HOT = (
    *("/v1/exchanges?mediator=UAE", "/v1/exchanges", "/v1/mediators", "/v1/stats?group_by=year", "/healthz"),
    *(
        "/exchanges?kind=release",
        "/v1/figures?limit=20",
        "/v1/exchanges/2024-12-30-russia-ukraine",
        "/v1/totals",
    ),
)
COLD = (  # small answers, or they would drive the hot ones out of what is kept
    *(
        "/v1/exchanges?limit=5&min_persons={}",
        "/v1/figures?limit=5&max_persons={}",
        "/v1/claims?limit=5&q={}",
    ),
    *("/v1/exchanges?limit=5&sort=id&max_persons={}", "/v1/exchanges.csv?min_persons={}00"),
)
REFUSED = ("/v1/exchanges?mediatr={}", "/v1/exchanges?limit=0{}", "/v1/exchanges/no-{}", "/nothing/{}")
LINES = 20_000  # all of them are asked before the worker counts as warm
SHARES = (0.95, 0.02, 0.03)  # of hot, cold and refused ones


def grow(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    try:
        find_program("wrk")
    except BenchError as error:
        raise SkippedTrialError(str(error)) from error
    wanted = torture.form(30_000, 1_000_000)
    file = torture.folder("paths")
    file.write_text("\n".join(_lines(random.Random(SEED))))
    with torture.served(torture.shipped.url, CACHE_SIZE=CACHE) as server:
        [worker] = server.process.children()
        _ask(server, file, max(LINES, wanted // 10))
        warm, began = own_memory(worker), time.monotonic()
        sent = _ask(server, file, wanted)
        took = time.monotonic() - began
        grown = own_memory(worker) - warm
        told = f"{sent / took:,.0f}/s; {SHARES[1]:.0%} of them cold, {SHARES[2]:.0%} refused"
        yield at_least(TRIAL, "requests", sent, wanted, told)
        yield at_most(
            TRIAL, "growth of the worker", grown / MEGA, 20, f"from {warm / MEGA:.0f} MB", unit="MB"
        )
        yield quiet(TRIAL, server)


def _ask(server: Server, file: Path, wanted: int) -> int:
    """Send so many requests, or a few more."""
    sent = 0
    while sent < wanted:
        url = f"http://127.0.0.1:{server.port}"
        load = wrk(url, SECONDS, "paths", file, connections=CONNECTIONS, refusals=True)
        sent += round(load.rate * SECONDS)
    return sent


def _lines(chance: random.Random) -> Iterator[str]:
    """Give paths in the order in which they are asked."""
    kinds: Sequence[Sequence[str]] = (HOT, COLD, REFUSED)
    for of in chance.choices(kinds, SHARES, k=LINES):
        yield chance.choice(of).format(chance.randint(1, 1_000))
