"""Goals A, B and L: answers that the service has given before, against what its server can do at all."""

import os
from collections.abc import Iterator, Mapping

from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.loads import Pair, paired, wrk
from tests.bench.places import Database
from tests.bench.services import bare, service

PATH = "/v1/exchanges?mediator=UAE"
CORES = os.cpu_count() or 1
CORES_OF_TWO_WORKERS = 4  # theirs, that of the load, and one for everything else


def warm_pair(
    bench: Bench, database: Database, path: str, headers: Mapping[str, str], *, tagged: bool = False
) -> tuple[Pair, int]:
    """Measure a warm answer against the bare callable; give both, and the bytes of its body.

    `tagged`: the client says that it has the answer already.
    """
    with service(bench, database.url) as ours:
        sent = dict(headers)
        if tagged:
            sent["If-None-Match"] = ours.ask(path, sent).header("etag")
        ours.ask(path, sent)
        answer = ours.ask(path, sent)
        with bare(bench, answer) as theirs:
            pair = paired(
                bench.rounds,
                lambda: wrk(ours.base + path, bench.seconds, headers=sent).rate,
                lambda: wrk(theirs.base + path, bench.seconds, headers=sent).rate,
            )
    return pair, len(answer.body)


def shown(pair: Pair, size: int) -> str:
    """Tell a pair of rates in words."""
    return f"{pair.first:,.0f}/s against {pair.second:,.0f}/s bare, {size:,} bytes"


def measure_warm(bench: Bench) -> Iterator[Finding]:
    """Measure goal A."""
    pair, size = warm_pair(bench, bench.shipped, PATH, {})
    yield Finding("A", "warm read against a bare callable", pair.ratio, 0.80, shown(pair, size))


def measure_unchanged(bench: Bench) -> Iterator[Finding]:
    """Measure goal B."""
    pair, size = warm_pair(bench, bench.shipped, PATH, {}, tagged=True)
    yield Finding("B", "304 against a bare callable", pair.ratio, 0.80, shown(pair, size))


def measure_workers(bench: Bench) -> Iterator[Finding]:
    """Measure goal L."""
    url = bench.shipped.url
    with service(bench, url, workers=2) as two, service(bench, url) as one:
        for server in (two, one):
            for _ in range(20):  # so that either worker has the answer
                server.ask(PATH)
        pair = paired(
            bench.rounds,
            lambda: wrk(two.base + PATH, bench.seconds).rate,
            lambda: wrk(one.base + PATH, bench.seconds).rate,
        )
    yield Finding(
        "L",
        "two workers against one, warm",
        pair.ratio,
        1.7,
        f"{pair.first:,.0f}/s against {pair.second:,.0f}/s, {CORES} cores",
        applies=CORES >= CORES_OF_TWO_WORKERS,
    )
