"""Every answer of a real server says once, and rightly, what browsers must not do with it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from api.charts import POLICY as CHART_POLICY
from api.codebookpage import page_policy
from api.curatorpage import POLICY as CURATE_POLICY
from api.docs import ASSETS, DOCS_POLICY, PAGE_POLICY
from api.explorer import POLICY as EXPLORER_POLICY
from tests.applications import application
from tests.contract import EVERY
from tests.live import Live, live_over
from tests.test_authorisation import routes

ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'"
EVERYWHERE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
DATA = EVERYWHERE | {
    "content-security-policy": ANSWER_POLICY,
    "cross-origin-resource-policy": "cross-origin",
    "cross-origin-opener-policy": None,
    "permissions-policy": None,
    "strict-transport-security": None,
}
SVG = DATA | {"content-security-policy": CHART_POLICY}
DEVICES = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGES = {
    "/": EXPLORER_POLICY,
    "/curate": CURATE_POLICY,
    "/docs": DOCS_POLICY,
    "/problems": PAGE_POLICY,
    "/problems/gone": PAGE_POLICY,
    "/guide": PAGE_POLICY,
    "/guide/states": PAGE_POLICY,
    "/v1/codebook": page_policy(),
}
FILES = ["/v1/openapi.json", "/.well-known/api-catalog", "/llms.txt", "/guide/states.md"]
FILES += [f"/docs/{name}" for name in ASSETS]
UNKNOWN = [
    "/nowhere",
    "/docs/nothing",
    "/explorer/none",
    "/explorer/none/none.js",
    "/curate/a/b/c",
    "/guide/x",
]
PREFLIGHT = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}


def of_page(policy: str) -> dict[str, str | None]:
    return DATA | {
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": DEVICES,
    }


def check(response: httpx.Response, expected: Mapping[str, str | None]) -> None:
    for name, value in expected.items():
        found = response.headers.get_list(name)
        asked = f"{response.request.method} {response.request.url}: {response.status_code}: {name}"
        assert found == ([] if value is None else [value]), asked


@pytest.fixture(scope="module")
def http(live: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.base, timeout=60) as made:
        yield made


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation.spec["operationId"])
def test_every_operation(http: httpx.Client, operation) -> None:  # type: ignore[no-untyped-def]
    expected = SVG if operation.spec["operationId"] == "get_chart_svg" else DATA
    answer = http.request(operation.method, operation.path)
    check(answer, expected)
    if operation.method != "GET" or answer.status_code != 200:
        assert 400 <= answer.status_code < 500, "a write without a key, or there is no such proposal"
        return
    again = http.get(operation.path)  # kept by now, where that may be
    check(again, expected)
    check(http.head(operation.path), expected)
    check(http.options(operation.path), DATA)
    if "etag" in answer.headers:
        for tag in (answer.headers["etag"], "*"):
            unchanged = http.get(operation.path, headers={"If-None-Match": tag})
            assert unchanged.status_code == 304
            check(unchanged, expected)
    refused = http.get(operation.path, params={"nothing_of_the_kind": "1"})
    assert refused.status_code == 422
    check(refused, DATA)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_one_policy_of_its_own(http: httpx.Client, path: str) -> None:
    page = http.get(path, headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    check(page, of_page(PAGES[path]))
    check(http.head(path, headers=BROWSER), of_page(PAGES[path]))
    unchanged = http.get(path, headers=BROWSER | {"If-None-Match": page.headers["etag"]})
    assert unchanged.status_code == 304
    check(unchanged, of_page(PAGES[path]))
    for source in re.findall(r'(?:src|href)="(/(?:docs|explorer|curate)/[^"]+\.(?:js|css))"', page.text):
        asset = http.get(source)
        assert asset.status_code == 200, source
        check(asset, DATA)


@pytest.mark.parametrize("path", [*FILES, *UNKNOWN])
def test_files_and_what_is_not_there(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code == 200) is (path in FILES)
    check(answer, DATA)
    check(http.post(path), DATA)
    if "etag" in answer.headers:
        check(http.get(path, headers={"If-None-Match": answer.headers["etag"]}), DATA)


def test_no_route_is_left_out(http: httpx.Client) -> None:
    """Routes outside of the contract are those of pages and files; those within are all asked above."""
    asked = [*PAGES, *FILES, *UNKNOWN]
    for route in routes(application("postgresql://127.0.0.1/none").router):
        pattern = route.path_regex  # type: ignore[attr-defined]
        assert any(pattern.match(path.removeprefix("/v1")) or pattern.match(path) for path in asked), route


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/exchanges?limit=1", {}, 200),
        ("GET", "/v1/exchanges?limit=1", {"Accept-Encoding": "gzip"}, 200),
        ("GET", "/v1/exchanges", {"Accept": "text/csv"}, 200),
        ("GET", "/v1/exchanges", {"Accept": "image/gif"}, 406),
        ("GET", "/v1/exchanges?mediator=%FF", {}, 422),
        ("GET", f"/v1/exchanges?q={'x' * 9000}", {}, 414),
        ("GET", "/v1/exchanges/%00", {}, 400),
        ("GET", "/v1/me", {"Authorization": "Bearer exk_none"}, 401),
        ("DELETE", "/v1/stats", {}, 405),
        ("OPTIONS", "/v1/exchanges", {}, 204),
        ("OPTIONS", "/v1/exchanges", PREFLIGHT, 204),
        ("OPTIONS", "/curate", PREFLIGHT, 204),
    ],
)
def test_other_kinds_of_answers(
    http: httpx.Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = http.request(method, path, headers=headers)
    assert answer.status_code == status
    check(answer, DATA)
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_a_stream(http: httpx.Client) -> None:
    with http.stream("GET", "/v1/changes", headers={"Accept": "text/event-stream"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        check(answer, DATA)


def test_readers_by_tls_are_told_to_come_by_nothing_else(live: Live, tmp_path: Path) -> None:
    """What is kept to be given out again has it too; without TLS browsers would not heed it."""
    by_tls = {"strict-transport-security": "max-age=31536000"}
    with live_over(live.database_url, tmp_path, PUBLIC_URL="https://example.org") as secure:
        for path in ("/v1/exchanges?limit=1", "/v1/exchanges?limit=1", "/nowhere", "/llms.txt"):
            check(httpx.get(secure.base + path), DATA | by_tls)
        check(httpx.get(secure.base + "/", headers=BROWSER), of_page(EXPLORER_POLICY) | by_tls)
        check(httpx.options(secure.base + "/v1/stats", headers=PREFLIGHT), DATA | by_tls)


def test_a_trusted_proxy_tells_whether_readers_come_by_tls(live: Live, tmp_path: Path) -> None:
    by_tls = {"strict-transport-security": "max-age=31536000"}
    with live_over(live.database_url, tmp_path, TRUSTED_PROXIES="127.0.0.1") as behind:
        for path in ("/v1/exchanges?limit=1", "/v1/exchanges?limit=1", "/nowhere"):
            for proto, expected in {"https": DATA | by_tls, "http": DATA}.items():
                headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": proto}
                check(httpx.get(behind.base + path, headers=headers), expected)
