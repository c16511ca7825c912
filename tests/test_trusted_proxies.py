"""Who asks, where proxies stand in between: what is believed and of whom, in the log, links and limits."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.types import Scope

from api.proxies import LOOPBACK, UNKNOWN, Proxies, subscriber_of
from api.readlimits import IN_MEMORY, ReadLimits
from api.settings import HttpSettings
from tests.live import Live
from tests.serving import free_port, refusal, serving

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))
CLIENT = "203.0.113.7"


def sent(*headers: tuple[str, str], peer: str = "10.0.0.1") -> Scope:
    """Give what a trusted proxy's request becomes."""
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope = {
        "type": "http",
        "client": (peer, 4711),
        "scheme": "http",
        "headers": [(b"host", b"inside"), *raw],
    }
    return Proxies(TRUSTED).as_sent(scope)


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ([CLIENT], CLIENT),
        ([f"{CLIENT}, 10.0.0.2"], CLIENT),
        ([CLIENT, "10.0.0.2"], CLIENT),
        ([f"198.51.100.1, {CLIENT}"], CLIENT),  # whoever wrote what stands left of it
        ([f"198.51.100.1, {CLIENT}, 10.0.0.2, 10.9.9.9"], CLIENT),
        ([f" {CLIENT}:51234 "], CLIENT),
        (["2001:db8:2::7"], "2001:db8:2::7"),
        (["[2001:db8:2::7]:443, 2001:db8:1::1"], "2001:db8:2::7"),
        ([f"::ffff:{CLIENT}"], CLIENT),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # nobody but proxies
        (["garbage"], UNKNOWN),
        ([f"{CLIENT}, unknown, 10.0.0.2"], UNKNOWN),
        ([f"garbage, {CLIENT}"], CLIENT),
        ([""], UNKNOWN),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(hops: list[str], client: str) -> None:
    assert sent(*(("X-Forwarded-For", hop) for hop in hops))["client"] == (client, 0)


def test_a_proxy_that_asks_for_itself_is_itself() -> None:
    assert sent()["client"] == ("10.0.0.1", 4711)


def test_forwarded_is_not_read() -> None:
    scope = sent(("Forwarded", "for=198.51.100.1;proto=https;host=evil.example"))
    assert (scope["client"][0], scope["scheme"], dict(scope["headers"])[b"host"]) == (
        "10.0.0.1",
        "http",
        b"inside",
    )


@pytest.mark.parametrize(("told", "scheme"), [("https", "https"), ("http", "http"), ("javascript", "http")])
def test_the_scheme_is_what_the_proxy_says(told: str, scheme: str) -> None:
    assert sent(("X-Forwarded-Proto", told))["scheme"] == scheme


@pytest.mark.parametrize(
    ("told", "host"),
    [("data.example.org", b"data.example.org"), ("[::1]:8", b"[::1]:8"), ("a b", b"inside"), ("", b"inside")],
)
def test_the_host_is_what_the_proxy_says(told: str, host: bytes) -> None:
    assert [pair for pair in sent(("X-Forwarded-Host", told))["headers"] if pair[0] == b"host"] == [
        (b"host", host)
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:2:3::1", "2001:db8:2:3:ffff::2", True),
        ("2001:db8:2:3::1", "2001:db8:2:4::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        (UNKNOWN, UNKNOWN, True),
    ],
)
def test_an_ipv6_subscriber_has_64_bits(one: str, other: str, same: bool) -> None:
    assert (subscriber_of(one) == subscriber_of(other)) is same


@pytest.mark.parametrize(
    ("host", "trusted", "limited"),
    [
        ("127.0.0.1", False, False),
        ("127.8.8.8", False, False),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("10.1.2.3", True, False),
        ("2001:db8:1:2::3", True, False),
        ("", False, False),  # a socket file has no address
        (CLIENT, False, True),
        ("2001:db8:2::3", False, True),
        (UNKNOWN, False, True),
    ],
)
def test_loopback_and_proxies_are_not_limited(host: str, trusted: bool, limited: bool) -> None:
    limits = ReadLimits(IN_MEMORY, trusted=TRUSTED, unlimited=LOOPBACK, reads=(1, 1), expensive=(1, 1))
    peer = limits.peer(host)
    assert (peer.trusted, peer.limited) == (trusted, limited)


# --- settings ---


def test_nobody_is_trusted_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HttpSettings(_env_file=None).trusted_proxies == ()
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8:1::/48")
    assert HttpSettings().trusted_proxies == TRUSTED
    monkeypatch.setenv("TRUSTED_PROXIES", "none")
    assert HttpSettings().trusted_proxies == ()


def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, live: Live) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, proxy")
    with pytest.raises(ValidationError):
        HttpSettings()
    port = f"--port={free_port()}"
    assert "TRUSTED_PROXIES" in refusal(
        "serve", port, DATABASE_URL=live.database_url, TRUSTED_PROXIES="proxy"
    )


# --- real servers ---


@contextmanager
def behind(url: str, folder: Path, proxies: str) -> Iterator[tuple[httpx.Client, Path]]:
    """Serve with these proxies trusted; give a client from loopback, and where the log is."""
    with serving(folder / "unused", DATABASE_URL=url, TRUSTED_PROXIES=proxies) as server:
        server.answer()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
            yield client, server.log


def logged(log: Path, path: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("path") == path]


FORWARDED = {
    "X-Forwarded-For": f"198.51.100.1, {CLIENT}",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "data.example.org",
}


def test_a_trusted_proxy_is_believed(live: Live, tmp_path: Path) -> None:
    with behind(live.database_url, tmp_path, "127.0.0.1") as (client, log):
        feed = client.get("/v1/exchanges.atom", headers=FORWARDED).text
        assert "https://data.example.org/v1/exchanges" in feed
        limited = client.get("/v1/exchanges", headers=FORWARDED).headers
        assert limited["ratelimit-policy"].startswith('"reads";q=1800;w=60')
        again = client.get("/v1/exchanges", headers=FORWARDED).headers  # from what is kept
        assert again["ratelimit-policy"] == limited["ratelimit-policy"]
        own = client.get("/v1/exchanges").headers
        assert own["ratelimit-policy"].startswith('"unlimited"')
    told = [line["client"] for line in logged(log, "/v1/exchanges")]
    assert told == [CLIENT, CLIENT, "127.0.0.1"]


def test_others_are_not_believed(live: Live, tmp_path: Path) -> None:
    with behind(live.database_url, tmp_path, "10.0.0.0/8") as (client, log):
        feed = client.get("/v1/exchanges.atom", headers=FORWARDED).text
        assert "example.org/v1" not in feed
        assert f"{client.base_url}/v1/exchanges".replace("//v1", "/v1") in feed
        assert (
            client.get("/v1/exchanges", headers=FORWARDED)
            .headers["ratelimit-policy"]
            .startswith('"unlimited"')
        )
    assert [line["client"] for line in logged(log, "/v1/exchanges")] == ["127.0.0.1"]
