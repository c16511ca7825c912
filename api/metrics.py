"""What Prometheus reads: the figures of all workers, put together and named.

What a worker counts is in `api/counting.py`; how the figures get here, and the port that they are read at, in
`api/metricsport.py`. A name that is told here is a promise to dashboards and alert rules, of which there are
some in `openapi/monitoring/`.
"""

import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from api import __version__
from api.counting import BOUNDS, TOTAL, Figures, Row, What, add_row

Values = Mapping[tuple[str, ...], float]  # by labels

LIMITS = [*map(floatToGoString, BOUNDS), "+Inf"]


@dataclass(frozen=True)
class Gauge:
    """What is measured at the moment of asking, and what the figures of several workers are together."""

    help: str
    together: Callable[[Iterable[float]], float] = sum
    label: str = ""


GAUGES = {
    "pool_connections": Gauge("Connections that the pools of all workers may have open.", label="pool"),
    "pool_in_use": Gauge("Connections of the pools that are lent out.", label="pool"),
    "pool_waiting": Gauge("Requests that wait for a connection of a pool.", label="pool"),
    "cache_bytes": Gauge("Bytes that the kept answers take."),
    "streams_open": Gauge("Streams of changes that are open."),
    "dataset_revision": Gauge("The newest dataset revision that every worker knows.", min),
    "dataset_updated_timestamp_seconds": Gauge("When that revision was written.", min),
    "dataset_seen_timestamp_seconds": Gauge(
        "When that was last asked of the database, by the worker that waits longest.", min
    ),
    "replica_lag_seconds": Gauge("How old what a replica shows is; 0 where it has all there is.", max),
    "replica_lag_bytes": Gauge("What a replica has received and does not show yet.", max),
}


class Workers(Collector):
    """Collects what the workers of a service tell.

    `ask` gives what each of them tells, and the counters of those that have ended: those of a service never
    go back while it runs.
    """

    def __init__(self, ask: Callable[[], tuple[Sequence[bytes], Figures]]) -> None:
        self._ask = ask

    def collect(self) -> Iterator[Metric]:
        """Ask the workers, and give the metrics."""
        asked, figures = self._ask()
        told = [json.loads(each) for each in asked]
        for each in told:
            figures.add(each)
        build: Values = {(__version__, platform.python_version()): 1}
        yield _gauge("build_info", "What runs; the value is always 1.", build, ("version", "python"))
        yield _gauge("workers", "Processes that answer.", {(): len(told)})
        yield from _counters(figures)
        yield from _gauges([gauges for each in told for gauges in each["gauges"]])


def _counters(figures: Figures) -> Iterator[Metric]:
    every: dict[What, Row] = dict(figures.requests)
    for what, row in figures.hits.items():
        add_row(every, what, row)
    requests = CounterMetricFamily(
        "exchanges_http_requests",
        "Requests that were answered; status 0 where the client left before.",
        labels=("method", "route", "status"),
    )
    by_route: dict[What, Row] = {}
    for (method, route, status), row in sorted(every.items()):
        requests.add_metric((method, route, str(status)), sum(row[:TOTAL]))
        add_row(by_route, (method, route, 0), row)
    yield requests
    durations = HistogramMetricFamily(
        "exchanges_http_request_duration_seconds",
        "How long requests took, from their first to their last byte; streams count when they end.",
        labels=("method", "route"),
    )
    for (method, route, _), row in by_route.items():
        buckets = list(zip(LIMITS, accumulate(row[:TOTAL]), strict=True))
        durations.add_metric((method, route), buckets, row[TOTAL])
    yield durations
    hits = sum(sum(row[:TOTAL]) for row in figures.hits.values())
    yield CounterMetricFamily("exchanges_cache_hits", "Requests answered with what was kept.", hits)
    yield CounterMetricFamily(
        "exchanges_cache_misses", "Requests worked out whose answer may be kept.", figures.misses
    )
    problems = CounterMetricFamily(
        "exchanges_problems",
        "Answers that tell a problem: too_many_requests for limits, overloaded for gates and full pools.",
        labels=("code", "route"),
    )
    for labels, count in sorted(figures.problems.items()):
        problems.add_metric(labels, count)
    yield problems


def _gauges(told: Sequence[Mapping[str, Mapping[str, float]]]) -> Iterator[Metric]:
    for name, gauge in GAUGES.items():
        values: dict[tuple[str, ...], list[float]] = {}
        for of_worker in told:
            for label, value in of_worker.get(name, {}).items():
                values.setdefault((label,) if gauge.label else (), []).append(value)
        if values:
            together = {labels: gauge.together(found) for labels, found in sorted(values.items())}
            yield _gauge(name, gauge.help, together, (gauge.label,) if gauge.label else ())


def _gauge(name: str, text: str, values: Values, labels: Sequence[str] = ()) -> Metric:
    made = GaugeMetricFamily(f"exchanges_{name}", text, labels=labels)
    for of_labels, value in values.items():
        made.add_metric(of_labels, value)
    return made
