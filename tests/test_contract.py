"""What every route keeps, over all operations of the contract: shapes, headers, methods, encodings."""

import gzip
import json
import re
from email.utils import parsedate_to_datetime

import brotli  # type: ignore[import-untyped]  # it ships none
import httpx
import pytest
import zstandard

from tests.asking import ask, walk
from tests.contract import ALL, LISTS, NEW_YEAR, READS, RECORDS, WITH_KEY, Operation
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio

TIMING = re.compile(r"total;dur=[0-9]+\.[0-9]{2}(, db;dur=[0-9]+\.[0-9]{2})?")


def over(*operations: Operation) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.template)


def told(response: httpx.Response) -> dict[str, str]:
    """Give the headers but that which tells how long it took."""
    return {name: value for name, value in response.headers.items() if name != "server-timing"}


@over(*ALL)
async def test_answers_are_what_the_contract_says(client: httpx.AsyncClient, operation: Operation) -> None:
    response = await ask(client, operation.path, {"limit": 1000} if operation.is_list else None)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answer = operation.model.model_validate_json(response.content, strict=True)
    assert json.loads(answer.model_dump_json()) == response.json(), "every property is present"


@over(*LISTS)
async def test_lists_have_one_envelope(client: httpx.AsyncClient, operation: Operation) -> None:
    response = await ask(client, operation.path, {"limit": 2})
    body = response.json()
    assert list(body) == ["data", "meta"]
    meta = body["meta"]
    assert list(meta) == ["total", "limit", "next", "next_cursor", "query", "notes", "dataset"]
    assert (meta["limit"], len(body["data"])) == (2, min(2, meta["total"]))
    assert (meta["query"], meta["notes"]) == ({}, [])
    assert list(meta["dataset"]) == ["revision", "release", "updated_at"]
    assert (meta["dataset"]["revision"], meta["dataset"]["release"]) == (1, None)
    assert meta["next"] == f"{operation.path}?cursor={meta['next_cursor']}&limit=2"
    assert response.headers["link"] == f'<{meta["next"]}>; rel="next"'
    following = await ask(client, meta["next"])
    assert following.status_code == 200
    last = await ask(client, operation.path, {"limit": 1000})
    while last.json()["meta"]["next"]:
        last = await ask(client, last.json()["meta"]["next"])
    assert (last.json()["meta"]["next_cursor"], "link" in last.headers) == (None, False)
    assert (await ask(client, operation.path)).json()["meta"]["limit"] == 50


@over(*RECORDS)
async def test_a_record_is_its_item_of_the_list_byte_for_byte(
    client: httpx.AsyncClient, operation: Operation
) -> None:
    of_list = operation.path.rpartition("/")[0]
    page = await ask(client, of_list, {"limit": 20})
    items = page.json()["data"]
    for item in items:
        single = await ask(client, f"{of_list}/{item['id']}")
        assert single.content in page.content
        assert single.json() == item
        assert item["links"]["self"] == f"/v1/{of_list.rpartition('/')[2]}/{item['id']}"
    bodies = b",".join([(await ask(client, f"{of_list}/{item['id']}")).content for item in items])
    assert page.content.startswith(b'{"data":[' + bodies + b'],"meta":{')


@over(*ALL)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_head_is_get_without_a_body(
    client: httpx.AsyncClient, operation: Operation, encoding: str
) -> None:
    sent = {"X-Request-ID": "the-same", "Accept-Encoding": encoding}
    get, head = [await client.request(method, operation.path, headers=sent) for method in ("GET", "HEAD")]
    assert (head.status_code, head.content, told(head)) == (200, b"", told(get))


@over(*READS)
async def test_a_copy_that_still_holds_is_not_sent_again(
    client: httpx.AsyncClient, operation: Operation
) -> None:
    for encoding in ("identity", "gzip", "br", "zstd"):
        first = await ask(client, operation.path, Accept_Encoding=encoding)
        assert first.headers.get("content-encoding", "identity") in {encoding, "identity"}
        etag, modified = first.headers["etag"], first.headers.get("last-modified")
        conditions_met = [
            {"If-None-Match": etag},
            {"If-None-Match": f'"other", W/{etag}'},
            {"If-None-Match": "*"},
            {"If-None-Match": etag, "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        ]
        if operation.template == "/v1/dataset":  # it names the newest release, which has a time of its own
            assert modified is None
        else:
            parsedate_to_datetime(str(modified))
            conditions_met.append({"If-Modified-Since": str(modified)})
        for conditions in conditions_met:
            again = await ask(client, operation.path, Accept_Encoding=encoding, **conditions)
            assert (again.status_code, again.content) == (304, b""), conditions
            for name in ("last-modified", "cache-control", "vary", "x-dataset-revision"):
                assert again.headers.get(name) == first.headers.get(name)
            # without the tag of an encoded body in the request, nobody knows whether there would be one
            tags = {etag, etag.replace(f"-{encoding}", "")} if "If-None-Match" not in conditions else {etag}
            assert again.headers["etag"] in tags or conditions.get("If-None-Match") == "*"
        for conditions in (
            {"If-None-Match": '"other"'},
            {"If-None-Match": '"other"', "If-Modified-Since": modified or "Fri, 31 Dec 2100 00:00:00 GMT"},
            {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
            {"If-Modified-Since": "yesterday"},
        ):
            assert (await ask(client, operation.path, **conditions)).status_code == 200


# A mediator is computed, and has no revision.
@over(*(operation for operation in RECORDS if not operation.template.startswith("/v1/mediators")))
async def test_the_tag_of_a_record_is_its_revision(client: httpx.AsyncClient, operation: Operation) -> None:
    response = await ask(client, operation.path)
    assert response.headers["etag"] == '"1"'
    encoded = (await ask(client, operation.path, Accept_Encoding="gzip")).headers
    assert encoded["etag"] == ('"1-gzip"' if "content-encoding" in encoded else '"1"')


@over(*LISTS)
async def test_the_tag_of_a_list_tells_queries_apart(client: httpx.AsyncClient, operation: Operation) -> None:
    following = (await ask(client, operation.path, {"limit": 1})).json()["meta"]["next"]
    queries = ["", "?limit=1", "?limit=2", "?as_of=1", following.removeprefix(operation.path)]
    tags = {(await ask(client, operation.path + query)).headers["etag"] for query in queries}
    assert len(tags) == len(queries)
    assert (await ask(client, operation.path)).headers["etag"] in tags


@over(*READS)
async def test_what_every_read_says_of_itself(client: httpx.AsyncClient, operation: Operation) -> None:
    live = await ask(client, operation.path)
    pinned = await ask(client, operation.path, {"as_of": "1"})
    assert (live.headers["cache-control"], pinned.headers["cache-control"]) == (
        "public, max-age=0, must-revalidate",
        "public, max-age=86400",
    )
    for response in (live, pinned):
        assert {"Accept", "Accept-Encoding"} <= set(response.headers["vary"].split(", "))
        assert response.headers["x-dataset-revision"] == "1"
    if operation in RECORDS:
        assert live.content == pinned.content
    state = (await ask(client, "/v1/dataset")).json()["dataset"]
    assert state["revision"] == 1
    if operation.is_list:
        assert live.json()["meta"]["dataset"] == pinned.json()["meta"]["dataset"] == state
        assert pinned.json()["meta"]["query"] == {"as_of": ["1"]}


@over(*ALL)
async def test_what_every_answer_says(client: httpx.AsyncClient, operation: Operation) -> None:
    first, second = [await ask(client, operation.path) for _ in range(2)]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert (await ask(client, operation.path, X_Request_ID="mine-1")).headers["x-request-id"] == "mine-1"
    assert first.headers["access-control-allow-origin"] == "*"
    exposed = first.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Link", "Location", "Retry-After", "X-Request-ID", "X-Dataset-Revision"} <= set(exposed)
    assert "Server-Timing" in exposed
    assert first.headers["timing-allow-origin"] == "*"
    assert TIMING.fullmatch(first.headers["server-timing"])
    assert first.headers["x-content-type-options"] == "nosniff"


@over(*ALL)
async def test_methods(client: httpx.AsyncClient, operation: Operation) -> None:
    options = await client.options(operation.path)
    assert (options.status_code, options.content) == (204, b"")
    writes = [each.method for each in WITH_KEY if each.template == operation.template]
    methods = ("POST", "PUT", "PATCH", "DELETE")
    allowed = ", ".join(["GET", "HEAD", "OPTIONS", *(each for each in methods if each in writes)])
    assert options.headers["allow"] == allowed
    for method in methods:
        response = await client.request(method, operation.path, content=b"{}")
        if method in writes:
            assert problem_of(response).code == "unauthenticated"
        else:
            assert problem_of(response).code == "method_not_allowed"
            assert response.headers["allow"] == allowed
    preflight = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    allowed = await client.options(operation.path, headers=preflight)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, "*")


@over(*ALL)
async def test_media_types(client: httpx.AsyncClient, operation: Operation) -> None:
    unfit = ["image/png", "image/*", "application/json;q=0", "application/xml, image/png"]
    if operation.template != "/v1/codebook":  # which is a page as well
        unfit.append("text/html")
    for accept in unfit:
        response = await ask(client, operation.path, operation.needed, Accept=accept)
        assert problem_of(response).code == "not_acceptable", accept
        assert response.status_code == 406
    for accept in ("*/*", "application/*", "text/html, application/json;q=0.1", "application/json"):
        response = await ask(client, operation.path, operation.needed, Accept=accept)
        assert response.status_code == 200, accept


@over(*RECORDS, *(operation for operation in LISTS if operation.of_record))
async def test_ids_that_nobody_has(client: httpx.AsyncClient, operation: Operation) -> None:
    of_list = operation.path.rpartition("/")[0]
    for record_id in ("none", "2001-01-01-aland-bland", "x:c1", "%20", "UAE"):
        paths = [operation.template.replace("{record_id}", record_id).replace("{part_id}", f"{NEW_YEAR}:c1")]
        paths += [f"{of_list}/{record_id}"] if operation.of_part else []
        for path in paths:
            assert problem_of(await ask(client, path)).code == "not_found", path


@over(*READS)
async def test_paths_without_a_version(client: httpx.AsyncClient, operation: Operation) -> None:
    alias = await ask(client, operation.path.removeprefix("/v1"), {"as_of": "1"}, X_Request_ID="the-same")
    original = await ask(client, operation.path, {"as_of": "1"}, X_Request_ID="the-same")
    assert alias.status_code == 200
    joined = "&" if "?" in operation.path else "?"
    assert alias.headers.pop("content-location") == f"{operation.path}{joined}as_of=1"
    assert (alias.content, told(alias)) == (original.content, told(original))
    refused = await client.post(operation.path.removeprefix("/v1"))
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@over(*READS)
async def test_encodings(client: httpx.AsyncClient, operation: Operation) -> None:
    decoders = {
        "gzip": gzip.decompress,
        "br": brotli.decompress,
        "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    }
    plain = await ask(client, operation.path)
    assert "content-encoding" not in plain.headers
    for encoding, decode in decoders.items():
        sent = {"Accept-Encoding": encoding}
        async with client.stream("GET", operation.path, headers=sent) as response:
            body = b"".join([piece async for piece in response.aiter_raw()])
        if len(plain.content) < 500:
            assert "content-encoding" not in response.headers
            continue
        assert response.headers["content-encoding"] == encoding
        assert len(body) < len(plain.content)
        assert decode(body) == plain.content


async def test_the_document_itself(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/v1/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json()["openapi"].startswith("3.1")
    again = await ask(client, "/v1/openapi.json", If_None_Match=response.headers["etag"])
    assert again.status_code == 304
    assert (await ask(client, "/v1/openapi.json", Accept="text/html")).status_code == 406


async def test_every_link_of_a_record_leads_somewhere(client: httpx.AsyncClient) -> None:
    for operation in (*RECORDS, *LISTS):
        for record in [(await ask(client, operation.path)).json()] if operation in RECORDS else []:
            for name, link in record["links"].items():
                assert link is None or (await ask(client, link)).status_code == 200, (name, link)
    for exchange in (await walk(client, "/v1/exchanges", {"agreement_not": "none"}))[:3]:
        assert (await ask(client, exchange["links"]["agreement"])).json()["id"] == exchange["agreement"]
