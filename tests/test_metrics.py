"""What Prometheus reads: the sum over workers, on a port of its own; what dashboard and rules ask of it."""

import json
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import __version__
from api.counting import BOUNDS, UNMATCHED, Counts, Figures
from api.metrics import Workers
from db.load import load
from db.migrate import upgrade
from db.session import write_engine
from tests.databases import SHIPPED, database_url, drop_database, make_clone
from tests.embedded_users import REPOSITORY, eventually
from tests.live import apart
from tests.replicated import primary_and_replica
from tests.serving import Server, free_port, refusal, serving

MONITORING = REPOSITORY / "openapi" / "monitoring"
NAME = re.compile(r"\bexchanges_[a-z_]+")
LIST = "/v1/exchanges?mediator=UAE&limit=1"

Labels = frozenset[tuple[str, str]]
Told = dict[tuple[str, Labels], float]


@dataclass
class Watched:
    """A server whose metrics can be read."""

    server: Server
    metrics: int

    def text(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    def figures(self) -> Told:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def sum(self, name: str, **labels: str) -> float:
        """Add up the figures of a name that have these labels."""
        return sum(
            value
            for (of, told), value in self.figures().items()
            if of == f"exchanges_{name}" and labels.items() <= dict(told).items()
        )

    def ask(
        self, target: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Ask over a connection of its own, and give the status and who answered."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        request = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            connection.sendall(request.encode())
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        [made] = re.findall(rb"\r\nx-request-id: ([0-9a-f]{12})", received)
        return int(received.split()[1]), made.decode()

    def ask_both(self, target: str, least: int) -> int:
        """Ask at least so many times, until each of two workers has answered; tell how many times it was."""
        seen: set[str] = set()
        asked = 0
        while asked < least or len(seen) < 2:
            status, worker = self.ask(target)
            assert status == 200
            seen.add(worker)
            asked += 1
            assert asked < 10_000, "one worker answers all"
        return asked

    def workers(self) -> list[psutil.Process]:
        return [each for each in self.server.tree() if self.listens(each) and each != self.server.process]

    def listens(self, process: psutil.Process) -> bool:
        return self.server.port in listening(process)


def listening(process: psutil.Process) -> set[int]:
    return {each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN}


@contextmanager
def watching(url: str, folder: Path, *options: str, **settings: str) -> Iterator[Watched]:
    port = free_port()
    with serving(folder / "unused", *options, DATABASE_URL=url, METRICS_PORT=str(port), **settings) as server:
        server.answer()
        made = Watched(server, port)
        yield made


@contextmanager
def two_workers(server_url: str, template: str, folder: Path) -> Iterator[Watched]:
    name = apart(make_clone(server_url, template))
    try:
        with watching(database_url(server_url, name), folder, "--workers=2") as made:
            eventually(lambda: made.sum("workers") == 2)
            yield made
    finally:
        apart(drop_database(server_url, name))


@pytest.fixture(scope="module")
def watched(
    server_url: str, loaded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    with two_workers(server_url, loaded_template, tmp_path_factory.mktemp("watched")) as made:
        yield made


# --- the sum over workers ---


def test_requests_of_all_workers_are_counted(watched: Watched) -> None:
    labels = {"method": "GET", "route": "/v1/exchanges", "status": "200"}
    before = watched.figures()
    asked = watched.ask_both(LIST, 20)
    after = watched.figures()

    def more(name: str, **labels: str) -> float:
        key = (f"exchanges_{name}", frozenset(labels.items()))
        return after[key] - before.get(key, 0)

    of_route = {"method": "GET", "route": "/v1/exchanges"}
    assert more("http_requests_total", **labels) == asked
    assert more("http_request_duration_seconds_count", **of_route) == asked
    assert more("http_request_duration_seconds_bucket", **of_route, le="+Inf") == asked
    assert more("http_request_duration_seconds_sum", **of_route) > 0
    assert more("cache_hits_total") + more("cache_misses_total") == asked
    assert more("cache_hits_total") > 0
    misses = watched.sum("cache_misses_total")
    watched.ask("/healthz")  # whose answer is never kept
    watched.ask("/v1/exchanges/nothing")
    assert watched.sum("cache_misses_total") == misses
    assert after["exchanges_cache_bytes", frozenset()] > 0


def test_counters_do_not_go_back_when_a_worker_ends(
    server_url: str, loaded_template: str, tmp_path: Path
) -> None:
    with two_workers(server_url, loaded_template, tmp_path) as watched:
        asked = watched.ask_both(LIST, 10)
        assert watched.sum("http_requests_total", route="/v1/exchanges") == asked
        killed, *_ = watched.workers()
        killed.kill()
        killed.wait()
        eventually(lambda: len(watched.workers()) == 2 and watched.sum("workers") == 2)
        assert watched.sum("http_requests_total", route="/v1/exchanges") == asked
        # one that is told to end tells what nobody has asked for yet
        asked += watched.ask_both(LIST, 10)
        stopped, *_ = watched.workers()
        stopped.terminate()
        stopped.wait()
        eventually(lambda: len(watched.workers()) == 2 and watched.sum("workers") == 2)
        assert watched.sum("http_requests_total", route="/v1/exchanges") == asked


# --- what is counted ---


@pytest.mark.parametrize(
    ("method", "target", "route", "status"),
    [
        ("GET", "/exchanges?limit=1", "/v1/exchanges", 200),
        ("HEAD", "/v1/exchanges?limit=1", "/v1/exchanges", 200),
        ("GET", "/v1/exchanges/2024-12-30-russia-ukraine", "/v1/exchanges/{record_id}", 200),
        ("GET", "/v1/exchanges/nothing", "/v1/exchanges/{record_id}", 404),
        ("GET", "/v1/exchanges?mediatr=UAE", "/v1/exchanges", 422),
        ("DELETE", "/v1/stats", "/v1/stats", 405),
        ("GET", "/healthz", "/healthz", 200),
        ("GET", "/nowhere/at/all", UNMATCHED, 404),
        ("GET", "/v1/things/%zz", UNMATCHED, 400),
    ],
)
def test_a_request_is_counted_by_route_method_and_status(
    watched: Watched, method: str, target: str, route: str, status: int
) -> None:
    labels = {"method": method, "route": route, "status": str(status)}
    before = watched.sum("http_requests_total", **labels)
    assert watched.ask(target, method)[0] == status
    eventually(lambda: watched.sum("http_requests_total", **labels) == before + 1)


def test_methods_that_clients_make_up_are_one(watched: Watched) -> None:
    before = watched.sum("http_requests_total", method="OTHER")
    for method in ("BREW", "WHEN"):
        watched.ask("/v1/stats", method)
    eventually(lambda: watched.sum("http_requests_total", method="OTHER") == before + 2)


def test_what_is_kept_counts_by_its_status(watched: Watched) -> None:
    target = "/v1/exchanges?mediator=UAE&limit=2"
    with urllib.request.urlopen(f"http://127.0.0.1:{watched.server.port}{target}") as answer:
        etag = answer.headers["etag"]
    watched.ask_both(target, 10)
    before = watched.figures()
    for _ in range(5):
        assert watched.ask(target, headers={"If-None-Match": etag, "Accept-Encoding": "identity"})[0] == 304
    labels = frozenset({"method": "GET", "route": "/v1/exchanges", "status": "304"}.items())
    name = "exchanges_http_requests_total"
    eventually(lambda: watched.figures()[name, labels] == before.get((name, labels), 0) + 5)


def test_problems_are_counted_by_code_and_route(watched: Watched) -> None:
    labels = {"code": "invalid_query", "route": "/v1/claims"}
    before = watched.sum("problems_total", **labels)
    watched.ask("/v1/claims?x=1")
    eventually(lambda: watched.sum("problems_total", **labels) == before + 1)


def test_limits_and_gates_are_counted(server_url: str, loaded_template: str, tmp_path: Path) -> None:
    name = apart(make_clone(server_url, loaded_template))
    limits = {"READS_PER_MINUTE": "1", "UNLIMITED_READERS": "none", "MAX_STREAMS": "0"}
    try:
        with watching(database_url(server_url, name), tmp_path, **limits) as watched:
            refused = watched.ask("/v1/changes", headers={"Accept": "text/event-stream"})
            assert refused[0] == 503
            assert watched.sum("problems_total", code="overloaded", route="/v1/changes") == 1
            assert watched.ask(LIST)[0] == 429
            assert watched.sum("problems_total", code="too_many_requests") == 1
            assert watched.sum("http_requests_total", status="429") == 1
    finally:
        apart(drop_database(server_url, name))


def test_the_state_of_a_worker_is_told(watched: Watched) -> None:
    figures = watched.figures()
    assert figures["exchanges_dataset_revision", frozenset()] == 1
    seen = figures["exchanges_dataset_seen_timestamp_seconds", frozenset()]
    assert figures["exchanges_dataset_updated_timestamp_seconds", frozenset()] < seen
    eventually(lambda: watched.sum("dataset_seen_timestamp_seconds") > seen)
    assert watched.sum("build_info", version=__version__) == 1
    assert watched.sum("pool_connections", pool="read") == 2 * 11
    assert watched.sum("pool_in_use", pool="read") >= 2  # those that look for what is new
    assert watched.sum("pool_waiting") == 0
    assert not any(name.startswith("exchanges_replica") for name, _ in figures)
    request = b"GET /v1/changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", watched.server.port))) as stream:
        stream.sendall(request)
        eventually(lambda: watched.sum("streams_open") == 1)
    eventually(lambda: watched.sum("streams_open") == 0)


def test_buckets_are_cumulative_and_bounds_belong_to_them() -> None:
    counts = Counts()
    for took in (BOUNDS[0], BOUNDS[0] * 1.01, BOUNDS[-1] * 2):
        counts.request("GET", "/x", 200, took)
    [family] = [
        each for each in Workers(lambda: ([counts.told()], Figures())).collect() if each.type == "histogram"
    ]
    buckets = {each.labels["le"]: each.value for each in family.samples if each.name.endswith("_bucket")}
    assert [buckets["0.0005"], buckets["0.001"], buckets["30.0"], buckets["+Inf"]] == [1, 2, 2, 3]


# --- the port ---


def test_the_port_of_the_service_has_no_metrics(watched: Watched) -> None:
    assert watched.ask("/metrics")[0] == 404
    for process in watched.workers():
        assert watched.server.port in listening(process)


def test_metrics_are_for_this_machine_unless_said_otherwise(watched: Watched) -> None:
    found = [
        each.laddr.ip
        for each in watched.server.process.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == watched.metrics
    ]
    assert found == ["127.0.0.1"]


def test_there_are_none_unless_asked_for(server_url: str, loaded_template: str, tmp_path: Path) -> None:
    name = apart(make_clone(server_url, loaded_template))
    try:
        with serving(tmp_path / "unused", DATABASE_URL=database_url(server_url, name)) as server:
            server.answer()
            assert set().union(*map(listening, server.tree())) == {server.port}
    finally:
        apart(drop_database(server_url, name))


def test_a_port_in_use_is_told_in_one_line(server_url: str, loaded_template: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        name = apart(make_clone(server_url, loaded_template))
        try:
            url = database_url(server_url, name)
            said = refusal("serve", f"--port={free_port()}", DATABASE_URL=url, METRICS_PORT=str(port))
        finally:
            apart(drop_database(server_url, name))
    assert said == (
        f"error: cannot tell metrics on port {port} of 127.0.0.1: Address already in use "
        "(METRICS_PORT, METRICS_HOST)"
    )


# --- what is made of them ---


@cache
def expressions(file: str) -> tuple[str, ...]:
    if file == "alerts.yml":
        return tuple((MONITORING / file).read_text().split("expr:")[1:])
    panels = json.loads((MONITORING / file).read_text())["panels"]
    return tuple(target["expr"] for panel in panels for target in panel["targets"])


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The text of the metrics of a service that reads from a replica."""
    with primary_and_replica() as (primary, replica):
        upgrade(primary.url())

        async def fill() -> None:
            engine = write_engine(primary.url())
            await load(engine, [SHIPPED], reason="the shipped dataset")
            await engine.dispose()

        apart(fill())
        folder = tmp_path_factory.mktemp("replicated")
        with watching(primary.url(), folder, DATABASE_READ_URL=replica.url()) as watched:
            eventually(lambda: watched.ask(LIST)[0] == 200)
            watched.ask("/v1/exchanges/nothing")
            eventually(lambda: "exchanges_replica_lag_seconds 0.0" in watched.text())
            assert watched.sum("pool_connections", pool="primary") > 0
            text = watched.text()
            replica.kill()
            eventually(lambda: watched.sum("dataset_seen_timestamp_seconds") > 0)
            yield text


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yml"])
def test_every_name_is_one_that_is_told(replicated: str, file: str) -> None:
    told = {s.name for family in text_string_to_metric_families(replicated) for s in family.samples}
    named = set(NAME.findall(" ".join(expressions(file))))
    assert named
    assert not named - told


def test_the_lag_of_a_replica_is_told(replicated: str) -> None:
    told = {s.name: s.value for f in text_string_to_metric_families(replicated) for s in f.samples}
    assert told["exchanges_replica_lag_seconds"] == 0
    assert told["exchanges_replica_lag_bytes"] == 0


def test_every_panel_shows_something_somewhere() -> None:
    board = json.loads((MONITORING / "dashboard.json").read_text())
    places = [panel["gridPos"] for panel in board["panels"]]
    taken = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert all(x < 24 for x, _ in taken)
    assert all(panel["targets"] and panel["title"] for panel in board["panels"])


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: apt-get install prometheus"
)
class TestPromtool:
    """What Prometheus' own tool says."""

    def said(self, *arguments: str, given: str = "") -> str:
        result = subprocess.run(
            ["promtool", *arguments], input=given, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def test_the_rules_are_rules(self) -> None:
        assert "7 rules found" in self.said("check", "rules", str(MONITORING / "alerts.yml"))

    def test_the_metrics_are_as_they_should_be(self, replicated: str) -> None:
        assert self.said("check", "metrics", given=replicated) == ""

    @pytest.mark.parametrize("number", range(len(expressions("dashboard.json"))))
    def test_what_the_dashboard_asks_can_be_read(self, number: int, tmp_path: Path) -> None:
        asked = (
            expressions("dashboard.json")[number].replace("$__rate_interval", "5m").replace("$instance", "x")
        )
        rules = {"groups": [{"name": "asked", "rules": [{"record": "asked", "expr": asked}]}]}
        (tmp_path / "rules.yml").write_text(json.dumps(rules))
        self.said("check", "rules", str(tmp_path / "rules.yml"))
