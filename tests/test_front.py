"""What stands before the API, run here: Debian's Caddy and Varnish, with the texts of the compose file.

Only ports differ, and addresses of loopback take the place of containers. Clients come from 127.0.0.2.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deployment import compose, configuration, program, running
from tests.embedded_users import eventually, open_place
from tests.live import Live, live_over
from tests.serving import free_port

CLIENT = "127.0.0.2"
PROXY = "127.0.0.3"  # what stands before Caddy: its word is taken for who asks
BEYOND = "203.0.113.9"  # whom that proxy names
limits = count(3)  # for questions that nobody has asked before


@dataclass(frozen=True)
class Answer:
    """What came, as curl had it."""

    version: str
    status: int
    headers: httpx.Headers
    body: bytes


@dataclass(frozen=True)
class Front:
    """A Caddy that answers on a port of loopback."""

    folder: Path
    port: int
    plain_port: int

    @property
    def certificate(self) -> Path:
        """Give the certificate of the authority that Caddy is for itself."""
        return self.folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def ask(self, path: str, *options: str, source: str = CLIENT, **headers: str) -> Answer:
        """Ask over TLS, with curl: it speaks HTTP/2."""
        told, body = self.folder / "headers", self.folder / "body"
        body.unlink(missing_ok=True)
        settings = {
            "cacert": str(self.certificate),
            "interface": source,
            "resolve": f"localhost:{self.port}:127.0.0.1",
            "dump-header": str(told),
            "output": str(body),
            "write-out": "%{http_version} %{http_code}",
        }
        pairs = [(f"--{name}", value) for name, value in settings.items()]
        pairs += [("--header", f"{name.replace('_', '-')}: {value}") for name, value in headers.items()]
        address = f"https://localhost:{self.port}{path}"
        result = subprocess.run(
            ["curl", "--silent", "--show-error", *chain.from_iterable(pairs), *options, address],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        version, status = result.stdout.split()
        lines = [line.split(": ", 1) for line in told.read_text().splitlines() if ": " in line]
        found = httpx.Headers([(name, value) for name, value in lines])
        return Answer(version, int(status), found, body.read_bytes() if body.exists() else b"")


@contextmanager
def front(folder: Path, apis: str) -> Iterator[tuple[Front, subprocess.Popen[bytes]]]:
    """Run Caddy and its cache; gives the cache's process too."""
    ports = {name: free_port() for name in ("https", "http", "cache", "inside")}
    inside, cached = f"127.0.0.1:{ports['inside']}", f"127.0.0.1:{ports['cache']}"
    caddyfile, vcl = folder / "Caddyfile", folder / "default.vcl"
    here = f"admin off\n\thttp_port {ports['http']}\n\thttps_port {ports['https']}\n\tdefault_bind 127.0.0.1"
    ours = {"127.0.0.1:8081": inside, ":8081": f":{ports['inside']}", "127.0.0.1:6081": cached}
    caddyfile.write_text(configuration("caddyfile", {"admin off": here} | ours))
    vcl.write_text(configuration("vcl", {'"8081"': f'"{ports["inside"]}"'}))
    replaced = {
        "varnishd": program("varnishd"),
        "-n/tmp/varnish": f"-n{folder / 'varnish'}",
        "-f/etc/varnish/default.vcl": f"-f{vcl}",
        "-alocalhost=127.0.0.1:6081": f"-alocalhost={cached}",
        "-smalloc,${CACHE_MEMORY:-256m}": "-smalloc,64m",
    }
    command = compose()["services"]["cache"]["command"]
    assert set(replaced) <= set(command)
    caddy = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(caddyfile)]
    settings = {"DOMAIN": "localhost", "APIS": apis, "PROXIES": PROXY}
    settings |= dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"), str(folder))
    made = Front(folder, ports["https"], ports["http"])
    with (
        running([replaced.get(each, each) for each in command], folder / "varnish.log") as cache,
        running(caddy, folder / "caddy.log", os.environ | settings) as proxy,
    ):

        def listening() -> bool:
            assert proxy.poll() is None, (folder / "caddy.log").read_text()
            assert cache.poll() is None, (folder / "varnish.log").read_text()
            try:
                # a request that the cache answers, whose backend is Caddy, whose backend is the API or nobody
                httpx.get(f"http://{cached}/healthz", timeout=30)
                return made.certificate.exists()
            except httpx.TransportError:
                return False

        eventually(listening)
        yield made, cache


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that Varnish can enter, which is not root where we are."""
    program("caddy"), program("varnishd")
    with open_place() as place:
        yield place


@pytest.fixture(scope="module")
def api(live: Live, folder: Path) -> Iterator[Live]:
    """A server that believes Caddy."""
    with live_over(live.database_url, folder, TRUSTED_PROXIES=f"127.0.0.1 {PROXY}") as server:
        yield server


@pytest.fixture(scope="module")
def before(api: Live, folder: Path) -> Iterator[Front]:
    """Caddy and cache before that server."""
    with front(folder, api.base.removeprefix("http://")) as (made, _):
        yield made


def log_of(folder: Path, path: str, at_least: int = 1) -> list[dict[str, Any]]:
    """Give what the API has logged of a path, once that is so many requests."""
    [log] = folder.glob("unused.*.log")

    def logged() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        asked = [line for line in lines if path in f"{line.get('path')}?{line.get('query')}"]
        return asked if len(asked) >= at_least else []

    found: list[dict[str, Any]] = eventually(logged)
    return found


def past() -> str:
    """Give a question about a past state that nobody has asked before."""
    return f"/v1/exchanges?as_of=1&limit={next(limits)}"


def test_answers_come_over_tls_as_the_api_gives_them(before: Front, api: Live) -> None:
    path = "/v1/exchanges?mediator=UAE&limit=2"
    answer = before.ask(path, "--http2", Accept_Encoding="br")
    direct = httpx.get(api.base + path, headers={"Accept-Encoding": "br"})
    assert (answer.version, answer.status) == ("2", 200)
    assert json.loads(direct.content)["meta"]["total"] == 26
    for name in ("etag", "vary", "cache-control", "content-type", "content-encoding", "x-dataset-revision"):
        assert answer.headers[name] == direct.headers[name]
    assert answer.headers["x-request-id"]
    # the API knows that it is asked over TLS
    assert "strict-transport-security" in answer.headers
    assert "strict-transport-security" not in direct.headers
    # who takes no encoding gets none, and the ETag of none
    plain = before.ask(path, "--http1.1")
    assert (plain.version, plain.headers.get("content-encoding")) == ("1.1", None)
    assert (
        plain.headers["etag"] == httpx.get(api.base + path, headers={"Accept-Encoding": ""}).headers["etag"]
    )


def test_who_asks_without_tls_is_led_to_it(before: Front) -> None:
    answer = httpx.get(
        f"http://127.0.0.1:{before.plain_port}/v1/actors?limit=1", headers={"Host": "localhost"}
    )
    assert answer.status_code == 308
    assert answer.headers["location"].startswith("https://localhost")


def test_a_past_state_is_kept_for_as_long_as_it_says(before: Front) -> None:
    path = past()
    first, second = before.ask(path), before.ask(path)
    assert first.headers["cache-control"] == "public, max-age=86400"
    assert first.status == second.status == 200
    assert int(second.headers["age"]) >= 0
    assert second.body == first.body
    assert second.headers["etag"] == first.headers["etag"]
    # the API would have given it an id of its own
    assert second.headers["x-request-id"] == first.headers["x-request-id"]


def test_what_is_kept_is_kept_by_encoding(before: Front) -> None:
    path = past()
    plain = before.ask(path)
    packed = {encoding: before.ask(path, Accept_Encoding=encoding) for encoding in ("br", "gzip", "zstd")}
    for encoding, answer in packed.items():
        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["etag"] == f'{plain.headers["etag"][:-1]}-{encoding}"'
        assert before.ask(path, Accept_Encoding=encoding).body == answer.body
    assert before.ask(path).body == plain.body


def test_who_has_it_already_is_told_so_by_the_cache(before: Front) -> None:
    path = past()
    first = before.ask(path)
    again = before.ask(path, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["x-request-id"] == first.headers["x-request-id"]


def test_live_answers_are_asked_for_each_time(before: Front) -> None:
    path = f"/v1/exchanges?limit={next(limits)}"
    first, second = before.ask(path), before.ask(path)
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert "age" not in second.headers
    assert before.ask(path, If_None_Match=first.headers["etag"]).status == 304


def test_who_shows_a_key_is_answered_by_the_api(before: Front) -> None:
    path = past()
    assert before.ask(path).status == 200
    assert before.ask(path, Authorization="Bearer exk_wrong").status == 401
    assert before.ask(path).status == 200


def test_an_answer_of_the_moment_is_not_kept_though_it_asks_for_a_state(before: Front) -> None:
    path = f"/v1/exchanges?as_of=nonsense{next(limits)}"
    first, second = before.ask(path), before.ask(path)
    assert first.status == second.status == 422
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_too_long_a_url_is_refused_by_the_api(before: Front) -> None:
    for path in (f"/v1/exchanges?q={'a' * 9000}", f"{past()}&q={'a' * 9000}"):
        answer = before.ask(path)
        assert (answer.status, json.loads(answer.body)["code"]) == (414, "uri_too_long")


@pytest.mark.parametrize("question", [lambda: f"/v1/actors?limit={next(limits)}", past], ids=["live", "past"])
def test_nobody_but_a_known_proxy_can_say_who_asks(before: Front, folder: Path, question: Any) -> None:
    asked = question()
    before.ask(asked, source=CLIENT, X_Forwarded_For=BEYOND)
    [line] = log_of(folder, asked)
    assert line["client"] == CLIENT
    asked = question()
    before.ask(asked, source=PROXY, X_Forwarded_For=BEYOND)
    [line] = log_of(folder, asked)
    assert line["client"] == BEYOND


def test_what_is_gone_is_passed_by(api: Live) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        place = stack.enter_context(open_place())
        apis = f"{nobody} {api.base.removeprefix('http://')}"
        made, cache = stack.enter_context(front(place, apis))
        assert [made.ask(f"/v1/actors?limit={each}").status for each in range(1, 9)] == [200] * 8
        cache.terminate()
        cache.wait(timeout=30)
        assert [made.ask(past()).status for _ in range(4)] == [200] * 4


def test_where_nobody_answers_that_is_told_as_a_problem() -> None:
    program("caddy"), program("varnishd")
    with open_place() as place, front(place, f"127.0.0.1:{free_port()}") as (made, _):
        for path in ("/v1/actors", past()):
            answer = made.ask(path)
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            assert answer.headers["content-type"] == "application/problem+json"
            problem = json.loads(answer.body)
            assert (problem["code"], problem["status"]) == ("overloaded", 503)
