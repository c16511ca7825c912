"""What a worker counts while it answers: plain integers, which cost next to nothing until somebody asks.

One `counts` for the process, as there is one log. How the figures of all workers become what Prometheus
reads is in `api/metrics.py`; nothing of its library is imported here.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

from starlette.types import ASGIApp, Receive, Scope, Send

# Upper bounds of the buckets of the histogram, in seconds; beyond the last one is a bucket of its own.
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TOTAL = -1  # the place in a row of the seconds that all requests in it took
UNMATCHED = "unmatched"  # the route of what no route was found for
OTHER = "OTHER"  # the method of what has none of these: clients can make up as many as they like
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
ROUTED = "exchanges.routed"  # scope key: where the route that was found is noted

Row = list[float]  # how many requests each bucket has, then the seconds of all of them
What = tuple[str, str, int]  # method, route, status
Gauges = Mapping[str, Mapping[str, float]]  # name → value of its label, empty if it has none → value


class Routed:
    """Holds what is known only inside of the layers that make copies of the scope."""

    __slots__ = ("route",)

    def __init__(self) -> None:
        self.route = UNMATCHED


class RouteMiddleware:
    """Prevents that whoever counts outside knows only paths, of which there are as many as there are ids."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, and note which route it took."""
        try:
            await self.app(scope, receive, send)
        finally:
            routed: Routed | None = scope.get(ROUTED)
            if routed is not None:
                routed.route = route_of(scope)


def route_of(scope: Scope) -> str:
    """Give the template of the path that answers a request, from inside its route."""
    template: str | None = getattr(scope.get("route"), "path", None)
    if template is None:
        return UNMATCHED
    # a route that was included with a prefix may be told without it
    versioned = scope["path"].startswith("/v1/") and not template.startswith("/v1/")
    return f"/v1{template}" if versioned else template


class Counts:
    """The counters of one process, and what gives its gauges when they are asked for."""

    def __init__(self) -> None:
        self.requests: dict[What, Row] = {}
        self.hits: dict[What, Row] = {}  # of the requests that were answered with what was kept
        self.misses = 0
        self.kept_bytes = 0
        self.problems: dict[tuple[str, str], int] = {}  # by code and route
        self._gauges: list[Callable[[], Gauges]] = []

    def request(self, method: str, route: str, status: int, took: float) -> None:
        """Count a request that was worked out."""
        row = _row(self.requests, (method if method in METHODS else OTHER, route, status))
        row[bisect_left(BOUNDS, took)] += 1
        row[TOTAL] += took

    def rows_of_hits(self, route: str) -> Mapping[str, tuple[Row, Row]]:
        """Give the rows in which the hits of a route are counted: by method, those with 200 and with 304."""
        return {
            method: (_row(self.hits, (method, route, 200)), _row(self.hits, (method, route, 304)))
            for method in ("GET", "HEAD")
        }

    def problem(self, code: str, scope: Scope) -> None:
        """Count an answer that tells a problem."""
        what = (code, route_of(scope))
        self.problems[what] = self.problems.get(what, 0) + 1

    @contextmanager
    def watching(self, gauges: Callable[[], Gauges]) -> Iterator[None]:
        """Ask for these gauges, too, as long as the context lasts."""
        self._gauges.append(gauges)
        try:
            yield
        finally:
            self._gauges.remove(gauges)

    def told(self) -> bytes:
        """Give all of it as JSON. Another thread may ask: what is copied at one go is whole."""
        return json.dumps(
            {
                "requests": [[*what, list(row)] for what, row in list(self.requests.items())],
                "hits": [[*what, list(row)] for what, row in list(self.hits.items()) if any(row)],
                "misses": self.misses,
                "problems": [[*what, count] for what, count in list(self.problems.items())],
                "gauges": [
                    {"cache_bytes": {"": self.kept_bytes}},
                    *(gauges() for gauges in list(self._gauges)),
                ],
            }
        ).encode()


def _row(rows: dict[What, Row], what: What) -> Row:
    found = rows.get(what)
    if found is None:
        found = rows[what] = [0] * (len(BOUNDS) + 2)
    return found


counts = Counts()


@dataclass
class Figures:
    """The counters of some workers, added up."""

    requests: dict[What, Row] = field(default_factory=dict)
    hits: dict[What, Row] = field(default_factory=dict)
    misses: int = 0
    problems: dict[tuple[str, str], int] = field(default_factory=dict)

    def copy(self) -> Self:
        """Give figures that can be added to while these stay as they are."""
        return replace(self, requests=dict(self.requests), hits=dict(self.hits), problems=dict(self.problems))

    def add(self, told: Mapping[str, Any]) -> None:
        """Add what a worker tells."""
        self.misses += told["misses"]
        for code, route, count in told["problems"]:
            self.problems[code, route] = self.problems.get((code, route), 0) + count
        for mine, rows in ((self.requests, told["requests"]), (self.hits, told["hits"])):
            for method, route, status, row in rows:
                add_row(mine, (method, route, status), row)


def add_row(rows: dict[What, Row], what: What, row: Row) -> None:
    """Add a row to that of the same requests; rows that are there already stay as they are."""
    known = rows.get(what)
    rows[what] = row if known is None else [mine + more for mine, more in zip(known, row, strict=True)]
