"""Request bodies: which are read, and that each refusal names its fault and its place."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from api.bodies import MOST_ITEMS, PATCHES, as_input, items_of_write_error, read_json
from api.errors import HANDLERS, ApiError, ProblemItem
from api.settings import HttpSettings
from db.checks import WriteError, WriteItem
from db.enums import Resource
from db.inputs import ExchangeInput
from tests.synthetic import claim, exchange

pytestmark = pytest.mark.anyio

LIMIT = 200_000
JSON = {"Content-Type": "application/json"}


def make_app() -> FastAPI:
    app = FastAPI(exception_handlers=dict(HANDLERS))
    app.state.settings = HttpSettings(max_body_size=LIMIT)

    @app.put("/things")
    async def put_thing(request: Request) -> JSONResponse:
        return JSONResponse(await read_json(request))

    @app.patch("/things")
    async def patch_thing(request: Request) -> JSONResponse:
        return JSONResponse(await read_json(request, PATCHES))

    return app


@pytest.fixture
async def shell() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def problem(shell: httpx.AsyncClient, body: bytes, **headers: str) -> dict[str, Any]:
    """Send a body that must be refused, and give the one thing that is wrong with it."""
    answer = await shell.put("/things", content=body, headers=headers or JSON)
    assert answer.status_code == 422, answer.text
    told: dict[str, Any] = answer.json()
    assert told["code"] == "invalid_body"
    [item] = told["errors"]
    return {"detail": told["detail"]} | item


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": [1, -2.5, 1e300, True, None, "ü \U0001f600", {"b": []}]},
        {"count": 10**300},
        {"a/b~c": {"": 0}},
    ],
)
async def test_objects_are_read_as_they_are(shell: httpx.AsyncClient, value: object) -> None:
    for content in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2) + "\r\n"):
        answer = await shell.put("/things", content=content.encode(), headers=JSON)
        assert (answer.status_code, answer.json()) == (200, value)


BAD_BODIES: list[tuple[bytes, str, str, str]] = [
    (b"", "", "empty", "is empty"),
    (b" \n\t", "", "empty", "is empty"),
    (b'{"a": "\xff"}', "", "invalid_encoding", "is not UTF-8: byte 0xff at position 8"),
    (b'{"a": "\xed\xa0\x80"}', "", "invalid_encoding", "is not UTF-8: byte 0xed at position 8"),
    (b"\xef\xbb\xbf{}", "", "invalid_encoding", "begins with a byte order mark; write UTF-8 without one"),
    ('{"a": 1}'.encode("utf-16"), "", "invalid_encoding", "contains a NUL character"),
    (
        b'{"a": 1,\n "b": }',
        "",
        "invalid_json",
        "is not valid JSON: Expecting value at line 2, column 7",
    ),
    (b'{"a": "b', "", "invalid_json", "is not valid JSON: Unterminated string starting at line 1, column 7"),
    (b'{"a": 1} {}', "", "invalid_json", "is not valid JSON: Extra data at line 1, column 10"),
    (b'{"a": NaN}', "", "invalid_json", "is not valid JSON: NaN is no number"),
    (b'{"a": -Infinity}', "", "invalid_json", "is not valid JSON: -Infinity is no number"),
    (b'{"a": 1, "b": 2, "a": 3}', "/a", "repeated", "is given more than once"),
    (b'{"l": [0, {"x/y": {"~": 1, "~": 1}}]}', "/l/1/x~1y/~0", "repeated", "is given more than once"),
    (b'{"a": [1e400]}', "/a/0", "out_of_range", "is a number too large to be read"),
    (b'{"a": ' + b"9" * 100_000 + b"}", "/a", "out_of_range", "is a number too large to be read"),
    (b'{"a": "x\\ud800y"}', "/a", "invalid_value", "must not contain half of a surrogate pair"),
    (b'{"a": ["x\\u0000y"]}', "/a/0", "invalid_value", "must not contain a NUL character"),
    (b'{"\\ud800": 1}', r"/\ud800", "invalid_value", "must not have a name with half of a surrogate pair"),
    (b'{"a\\u0000": 1}', "/a\x00", "invalid_value", "must not have a name with a NUL character"),
    (b"[" * LIMIT, "", "too_deep", "is nested too deeply; 32 levels are read"),
    (b'{"a":' * 20_000, "", "too_deep", "is nested too deeply; 32 levels are read"),
    (b'{"a":' * 32 + b"[]" + b"}" * 32, "/a" * 32, "too_deep", "is nested too deeply; 32 levels are read"),
    (b'["a"]', "", "invalid_value", "must be a JSON object"),
    (b'"a"', "", "invalid_value", "must be a JSON object"),
    (b"null", "", "invalid_value", "must be a JSON object"),
]


@pytest.mark.parametrize(("body", "pointer", "code", "message"), BAD_BODIES, ids=range(len(BAD_BODIES)))
async def test_what_is_no_json_is_refused(
    shell: httpx.AsyncClient, body: bytes, pointer: str, code: str, message: str
) -> None:
    told = await problem(shell, body)
    assert (told["pointer"], told["code"], told["message"]) == (pointer, code, message)
    assert told["detail"] == f"{pointer}: {message}." if pointer else f"The body {message}."


async def test_thirty_two_levels_are_read(shell: httpx.AsyncClient) -> None:
    answer = await shell.put("/things", content=b'{"a":' * 32 + b"1" + b"}" * 32, headers=JSON)
    assert answer.status_code == 200


async def test_many_members_of_which_one_is_repeated_take_no_time_that_grows_squared(
    shell: httpx.AsyncClient,
) -> None:
    members = [f'"{number}":0' for number in range(15_000)]
    told = await problem(shell, f"{{{','.join([*members, members[0]])}}}".encode())
    assert told["pointer"] == "/0"


async def test_a_problem_lists_a_hundred_faults_and_counts_the_others(shell: httpx.AsyncClient) -> None:
    body = json.dumps({"a": ["\x00"] * 250}).encode()
    told = (await shell.put("/things", content=body, headers=JSON)).json()
    assert len(told["errors"]) == MOST_ITEMS == 100
    assert told["detail"].endswith("NUL character (and 249 more); the first 100 are listed.")


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(shell: httpx.AsyncClient) -> None:
    body = b'{"a": "' + b"x" * (LIMIT - 9) + b'"}'
    assert len(body) == LIMIT
    assert (await shell.put("/things", content=body, headers=JSON)).status_code == 200
    for content in (body + b" ", pieces(body, b" ")):  # declared, and in pieces of unknown number
        answer = await shell.put("/things", content=content, headers=JSON)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (413, "payload_too_large")
        assert told["detail"] == "The body is too large; at most 200,000 bytes are read."


async def test_nothing_is_read_of_a_body_that_is_too_large(shell: httpx.AsyncClient) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    declared = JSON | {"Content-Length": str(LIMIT + 1)}
    answer = await shell.put("/things", content=b"", headers=declared)
    assert answer.status_code == 413


async def test_reading_stops_at_the_limit(shell: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b" " * 1000

    scope_body = endless()
    received: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(scope_body), "more_body": True}

    async def send(message: Any) -> None:
        received.append(message)

    scope = {"type": "http", "method": "PUT", "path": "/things", "query_string": b"", "root_path": ""}
    headers = [(b"content-type", b"application/json")]
    await make_app()(scope | {"headers": headers, "http_version": "1.1"}, receive, send)
    assert received[0]["status"] == 413
    assert sent == LIMIT + 1000


@pytest.mark.parametrize(
    ("method", "content_type", "status"),
    [
        ("PUT", "application/json", 200),
        ("PUT", "Application/JSON; charset=UTF-8", 200),
        ("PUT", 'application/json;charset="utf-8"', 200),
        ("PUT", "application/json; charset=latin-1", 415),
        ("PUT", "application/merge-patch+json", 415),
        ("PUT", "text/json", 415),
        ("PUT", "text/plain", 415),
        ("PUT", "application/x-www-form-urlencoded", 415),
        ("PUT", "json", 415),
        ("PUT", "", 415),
        ("PUT", None, 415),
        ("PATCH", "application/merge-patch+json", 200),
        ("PATCH", "application/json", 200),
        ("PATCH", "application/json-patch+json", 415),
    ],
)
async def test_media_types(
    shell: httpx.AsyncClient, method: str, content_type: str | None, status: int
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await shell.request(method, "/things", content=b"{}", headers=headers)
    assert answer.status_code == status, answer.text
    if status == 415:
        read = "application/merge-patch+json, application/json" if method == "PATCH" else "application/json"
        assert answer.headers["accept"] == read
        assert answer.json()["code"] == "unsupported_media_type"
        assert answer.json()["detail"].endswith(f"this path reads {read.replace(',', ' and')}.")


async def test_an_empty_body_needs_no_media_type(shell: httpx.AsyncClient) -> None:
    answer = await shell.put("/things", content=b"")
    assert answer.json()["errors"][0]["code"] == "empty"


async def test_encoded_bodies_are_refused(shell: httpx.AsyncClient) -> None:
    answer = await shell.put("/things", content=b"{}", headers=JSON | {"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert "'gzip'" in answer.json()["detail"]
    answer = await shell.put("/things", content=b"{}", headers=JSON | {"Content-Encoding": "identity"})
    assert answer.status_code == 200


def refused(record: dict[str, Any]) -> list[ProblemItem]:
    with pytest.raises(ApiError) as caught:
        as_input(ExchangeInput, record)
    assert caught.value.code == "invalid_body"
    return list(caught.value.errors)


def test_a_sound_record_is_an_input() -> None:
    item = as_input(ExchangeInput, exchange("a"))
    assert item.model_dump(mode="json") == exchange("a")


def test_every_fault_of_a_record_has_its_pointer() -> None:
    claims = [claim("a:c1", count="5"), claim("a:c2", count=True, qualifier="exactly"), claim("a:c3", nte=1)]
    record = exchange("a", date=20200101, claims=claims, sumary="A handover.", overlaps=[{}])
    del record["kind"]
    items = {item.pointer: item for item in refused(record)}
    assert {pointer: item.code for pointer, item in items.items()} == {
        "/kind": "missing",
        "/date": "invalid_value",
        "/claims/0/count": "invalid_value",
        "/claims/1/count": "invalid_value",
        "/claims/1/qualifier": "invalid_value",
        "/claims/2/nte": "unknown_field",
        **{f"/overlaps/0/{field}": "missing" for field in ("exchange", "released_by", "received_by")},
        **{f"/overlaps/0/{field}": "missing" for field in ("measure", "count", "note")},
        "/sumary": "unknown_field",
    }
    assert items["/claims/0/count"].message == "must be a whole number, not '5'"
    assert items["/claims/1/count"].message == "must be a whole number, not true"
    qualifier = items["/claims/1/qualifier"]
    assert qualifier.allowed == ["exact", "at_least", "at_most", "approximately"]
    assert qualifier.suggestions == ["exact"]
    assert items["/sumary"].suggestions == ["summary"]
    assert items["/sumary"].allowed == list(ExchangeInput.model_fields)
    assert items["/claims/2/nte"].suggestions == ["note"]


def test_what_is_wrong_with_a_record_as_a_whole_points_at_it() -> None:
    with pytest.raises(ApiError) as caught:
        as_input(ExchangeInput, exchange("a", date_end="2019-12-31"))
    [item] = caught.value.errors
    assert (item.pointer, item.message) == ("", "date_end must not be before date")
    assert caught.value.detail == "date_end must not be before date."


def test_names_in_pointers_are_escaped_and_cut() -> None:
    [long, tilde] = refused(exchange("a") | {"x" * 1000: 1, "a/~.b": 2})
    assert long.pointer is not None
    assert len(long.pointer) < 100
    assert tilde.pointer == "/a~1~0.b"


def test_refusals_of_the_write_point_into_the_body() -> None:
    refusals = [
        WriteItem(Resource.EXCHANGE, "a", "claims.0.citations.1", "unknown_article", "there is no article"),
        WriteItem(Resource.EXCHANGE, "", "", "ck_claim_count", "the database refuses it"),
    ]
    items = items_of_write_error(WriteError(refusals), "/record")
    assert [(item.pointer, item.code) for item in items] == [
        ("/record/claims/0/citations/1", "unknown_article"),
        ("/record", "ck_claim_count"),
    ]
    assert items_of_write_error(WriteError(refusals))[1].pointer == ""
