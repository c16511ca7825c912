"""How the explorer is served: under a policy that lets nothing in, and kept by browsers for good."""

import gzip
import re
from collections.abc import Iterator

import brotli
import httpx
import pytest

from tests.live import Live

KEPT = "public, max-age=31536000, immutable"


@pytest.fixture
def asked(live: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.base) as client:
        yield client


def links(text: str) -> list[str]:
    return re.findall(r'(?:src|href|data-charts)="([^"]+)"', text)


def test_the_page_runs_nothing_that_is_not_a_file_of_ours(asked: httpx.Client) -> None:
    page = asked.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page.text) == []
    assert [link for link in links(page.text) if not link.startswith(("/", "data:", "#"))] == []
    assert "$" not in page.text


def test_its_files_are_kept_for_good_and_itself_is_asked_for_again(asked: httpx.Client) -> None:
    page = asked.get("/")
    assert page.headers["cache-control"] == "no-cache"
    assert asked.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    files = [link for link in links(page.text) if link.startswith("/explorer/")]
    assert len(files) >= 5
    for file in files:
        answer = asked.get(file)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == KEPT
        assert re.match("text/(css|javascript)", answer.headers["content-type"])


def test_every_module_that_another_one_imports_is_there(asked: httpx.Client) -> None:
    [start] = re.findall(r'src="(/explorer/[^"]+)/main\.js"', asked.get("/").text)
    waiting, seen = ["main.js"], set()
    while waiting:
        name = waiting.pop()
        answer = asked.get(f"{start}/{name}")
        assert answer.status_code == 200, name
        seen.add(name)
        waiting += set(re.findall(r'from "\./([^"]+)"', answer.text)) - seen
    assert len(seen) > 10


def test_what_has_another_hash_is_not_there(asked: httpx.Client) -> None:
    for path in ("/explorer/0123456789abcdef0123/main.js", "/explorer/vega-0123456789abcdef0123.js"):
        answer = asked.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert "cache-control" not in answer.headers or "immutable" not in answer.headers["cache-control"]
    start = re.findall(r'src="(/explorer/[^"]+)/main\.js"', asked.get("/").text)[0]
    assert asked.get(f"{start}/explorer.html").status_code == 404
    assert asked.get(f"{start}/..%2f..%2f__init__.py").status_code == 404


def test_it_is_a_page_and_nothing_else(asked: httpx.Client) -> None:
    assert asked.get("/", headers={"Accept": "application/json"}).status_code == 406
    assert asked.get("/").text == asked.get("/?mediator=UAE&record=x").text


def test_the_script_of_charts_is_the_same_in_every_encoding(asked: httpx.Client) -> None:
    [path] = re.findall(r'data-charts="([^"]+)"', asked.get("/").text)
    told: dict[str, bytes] = {}
    for encoding in ("br", "gzip", "identity"):
        with asked.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
            assert answer.headers["cache-control"] == KEPT
            assert "accept-encoding" in answer.headers["vary"].lower()
            assert answer.headers.get("content-encoding", "identity") == encoding
            told[encoding] = b"".join(answer.iter_raw())
    assert brotli.decompress(told["br"]) == gzip.decompress(told["gzip"]) == told["identity"]
    assert len(told["br"]) < 300_000
    assert b"window.vegaEmbed=" in told["identity"]
