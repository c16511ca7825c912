"""What every answer has around its route: problems, headers, methods, aliases, encodings, the log."""

import io
import json
import logging
import zlib

import brotli  # type: ignore[import-untyped]  # it ships none
import httpx
import pytest
import zstandard

from api.accesslog import configure_logging, note
from api.compression import ENCODERS, accepted_encodings
from api.errors import AnswerCutShortError, Problem, ProblemCode, problem_responses, problem_schemas
from api.problems import CATALOGUE
from tests.shell_app import BODY, FAILURES, PIECES, SECRET, ask


def problem_of(response: httpx.Response) -> Problem:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == set(Problem.model_fields), "every member is present"
    problem = Problem.model_validate(body, strict=True)
    assert problem.status == response.status_code == CATALOGUE[ProblemCode(problem.code)].status
    assert problem.type == f"/problems/{problem.code}"
    assert response.headers["x-request-id"]
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    return problem


@pytest.mark.parametrize(
    ("method", "target", "headers", "code", "instance"),
    [
        ("GET", "/nowhere?x=1", {}, "not_found", "/nowhere"),
        ("OPTIONS", "/nowhere", {}, "not_found", "/nowhere"),
        ("GET", "/v1/things/", {}, "not_found", "/v1/things/"),
        ("GET", "/v1/things/unknown", {}, "not_found", "/v1/things/unknown"),
        ("GET", "/things/unknown", {}, "not_found", "/things/unknown"),
        ("GET", "/v1/%D0%BF", {}, "not_found", "/v1/%D0%BF"),
        ("POST", "/v1/things", {}, "method_not_allowed", "/v1/things"),
        ("FETCH", "/v1/things", {}, "method_not_allowed", "/v1/things"),
        ("POST", "/things", {}, "method_not_allowed", "/things"),
        ("DELETE", "/things/a", {}, "method_not_allowed", "/things/a"),
        ("GET", "/v1/things", {"Accept": "text/csv"}, "not_acceptable", "/v1/things"),
        ("GET", "/v1/things", {"Accept": "application/json;q=0, */*"}, "not_acceptable", "/v1/things"),
        ("GET", "/v1/number/x", {}, "invalid_query", "/v1/number/x"),
        ("GET", "/v1/things/a%00b", {}, "bad_request", "/v1/things/a%00b"),
        ("GET", "/v1/things/%C3%28", {}, "bad_request", "/v1/things/%C3%28"),
        ("GET", "/problems/nothing", {}, "not_found", "/problems/nothing"),
        ("GET", "/docs/../api/main.py", {}, "not_found", "/api/main.py"),
        ("GET", "/docs/%2E%2E%2Fmain.py", {}, "not_found", "/docs/%2E%2E%2Fmain.py"),
    ],
)
def test_every_refusal_is_a_problem(
    method: str, target: str, headers: dict[str, str], code: str, instance: str
) -> None:
    problem = problem_of(ask(target, method, **headers))
    assert (problem.code, problem.instance) == (code, instance)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bug", "internal_error"),
        ("misuse", "internal_error"),
        ("bad-sql", "internal_error"),
        ("refused", "database_unavailable"),
        ("no-socket", "database_unavailable"),
        ("pool", "overloaded"),
        ("closed", "database_unavailable"),
        ("cut-off", "database_unavailable"),
        ("cut-off-wrapped", "database_unavailable"),
        ("shutdown", "database_unavailable"),
        ("lost-wrapped", "database_unavailable"),
        ("starting", "database_unavailable"),
        ("cancelled", "timeout"),
        ("cancelled-wrapped", "timeout"),
    ],
)
def test_failures_are_classified_and_tell_nothing(
    name: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = ask(f"/v1/failures/{name}", X_Request_ID="req.1")
    assert problem_of(response).code == code
    traces = [record for record in caplog.records if record.exc_info]
    assert len(traces) == (1 if code == "internal_error" else 0)
    assert ("retry-after" in response.headers) == (code != "internal_error")
    assert set(FAILURES) >= {name}


def test_an_answer_cut_short_is_logged_once_and_breaks_off(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AnswerCutShortError) as raised:
        ask("/v1/cut")
    assert SECRET not in str(raised.value)
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_api_error_carries_items_and_headers() -> None:
    response = ask("/v1/things/unknown")
    [item] = problem_of(response).errors
    assert response.json()["errors"][0] == {
        "parameter": "thing_id",
        "pointer": None,
        "code": "unknown_value",
        "message": "Nobody knows it.",
        "allowed": [],
        "suggestions": [],
    }
    assert item.parameter == "thing_id"
    assert response.headers["link"] == "</v1>"


@pytest.mark.parametrize(("length", "status"), [(8192, 200), (8193, 414)])
def test_long_urls(length: int, status: int) -> None:
    path = "/v1/things/"
    response = ask(path + "a" * (length - len(path)))
    assert response.status_code == status
    assert ask(f"/v1/things?q={'a' * (length - len('/v1/things') - 2)}").status_code == status


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-1.2_3", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("", False), ("a;b", False)],
)
def test_request_id(sent: str, kept: bool) -> None:
    first, second = (ask("/v1/things", X_Request_ID=sent).headers["x-request-id"] for _ in "12")
    assert (first == sent) is kept
    assert (first == second) is kept


@pytest.mark.parametrize(
    "target", ["/v1/things", "/things?a=b", "/v1/things.csv", "/v1/nothing", "/docs", "/"]
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_is_get_without_its_body(target: str, encoding: str) -> None:
    get = ask(target, Accept_Encoding=encoding, X_Request_ID="same")
    head = ask(target, "HEAD", Accept_Encoding=encoding, X_Request_ID="same")
    assert head.content == b""
    for answer in (get, head):
        del answer.headers["server-timing"]
    assert (head.status_code, head.headers) == (get.status_code, get.headers)


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        ("/v1/things", "GET, HEAD, OPTIONS"),
        ("/things.csv", "GET, HEAD, OPTIONS"),
        ("/v1/fixed", "GET, HEAD, OPTIONS, POST"),
        ("/fixed", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ],
)
def test_options(target: str, allow: str) -> None:
    response = ask(target, "OPTIONS")
    assert (response.status_code, response.headers["allow"], response.content) == (204, allow, b"")
    assert ask(target, "PUT").headers["allow"] == allow


def test_cors_is_the_same_for_everybody() -> None:
    for response in (
        ask("/v1/things"),
        ask("/v1/things", Origin="https://example.org"),
        ask("/v1/failures/bug"),
    ):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers
        exposed = response.headers["access-control-expose-headers"].split(", ")
        assert {"ETag", "Link", "X-Request-ID", "X-Dataset-Revision", "Content-Location"} <= set(exposed)
        assert response.headers["x-content-type-options"] == "nosniff"


def test_cors_preflight() -> None:
    response = ask(
        "/v1/things",
        "OPTIONS",
        Origin="https://example.org",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="if-none-match, x-request-id",
    )
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    allowed = response.headers["access-control-allow-headers"].lower().split(", ")
    assert {"if-none-match", "if-modified-since", "accept", "authorization", "x-request-id"} <= set(allowed)
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/things", "/v1/things"),
        ("/things?a=%C3%A9&b=", "/v1/things?a=%C3%A9&b="),
        ("/things.csv", "/v1/things.csv"),
        ("/things/a%2Db", "/v1/things/a%2Db"),
        ("/%74hings", "/v1/%74hings"),
    ],
)
def test_unversioned_paths_answer_as_v1(target: str, location: str) -> None:
    alias, original = ask(target), ask(location)
    assert alias.status_code == original.status_code == 200
    assert alias.content == original.content
    assert alias.headers["content-location"] == location
    assert "content-location" not in original.headers


def test_only_given_names_are_aliases() -> None:
    assert ask("/encoded").status_code == ask("/thing").status_code == ask("/things-x").status_code == 404
    assert "content-location" not in ask("/things/unknown").headers
    assert "content-location" in ask("/things", If_None_Match='"7"').headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ("gzip", ("gzip",)),
        ("gzip, deflate, br, zstd", ("zstd", "br", "gzip")),
        ("gzip;q=1.0, br;q=0.5", ("gzip", "br")),
        ("GZIP", ("gzip",)),
        ("*", ("zstd", "br", "gzip")),
        ("*;q=0", ()),
        ("br;q=0, *", ("zstd", "gzip")),
        ("identity, gzip;q=0.5", ()),
        ("identity;q=0.5, gzip", ("gzip",)),
        ("identity;q=0, gzip;q=0", ()),
        ("identity;q=0, gzip;q=0.1", ("gzip",)),
        ("gzip;q=2", ()),
        ("nonsense;;;=", ()),
        ("deflate", ()),
    ],
)
def test_accepted_encodings(header: str, expected: tuple[str, ...]) -> None:
    assert accepted_encodings(header) == expected


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_encoded_variants(encoding: str) -> None:
    response = ask("/v1/things", Accept_Encoding=encoding)
    assert response.content == BODY, "httpx decodes it"
    assert response.headers["content-encoding"] == encoding
    assert int(response.headers["content-length"]) < len(BODY) / 10
    assert response.headers["etag"] == f'"7-{encoding}"'
    assert response.headers["vary"] == "Accept, Accept-Encoding"

    stream = ask("/v1/things.csv", Accept_Encoding=encoding)
    assert stream.content == b"".join(PIECES)
    assert "content-length" not in stream.headers
    assert stream.headers["etag"] == 'W/"7"'


@pytest.mark.parametrize(
    ("target", "vary"),
    [("/v1/things/small", True), ("/v1/fixed", True), ("/v1/picture", False), ("/v1/encoded", False)],
)
def test_left_as_it_is(target: str, vary: bool) -> None:
    plain, response = ask(target), ask(target, Accept_Encoding="br, gzip")
    assert response.headers.get("content-encoding") == plain.headers.get("content-encoding")
    assert response.headers.get("etag") == plain.headers.get("etag")
    assert response.content == plain.content
    assert ("accept-encoding" in response.headers.get("vary", "").lower()) is vary


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_each_piece_of_a_stream_can_be_read_on_arrival(encoding: str) -> None:
    read = {
        "gzip": zlib.decompressobj(16 + zlib.MAX_WBITS).decompress,
        "br": brotli.Decompressor().process,
        "zstd": zstandard.ZstdDecompressor().decompressobj().decompress,
    }[encoding]
    encoder = ENCODERS[encoding]()
    assert [read(encoder.feed(piece, last=False)) for piece in PIECES] == PIECES


@pytest.mark.parametrize(
    ("accept_encoding", "if_none_match", "status", "etag"),
    [
        ("identity", '"7"', 304, '"7"'),
        ("identity", 'W/"7"', 304, '"7"'),
        ("identity", "*", 304, '"7"'),
        ("identity", '"6", "7"', 304, '"7"'),
        ("identity", '"6"', 200, '"7"'),
        ("identity", '"7-gzip"', 200, '"7"'),
        ("gzip", '"7-gzip"', 304, '"7-gzip"'),
        ("gzip", 'W/"7-gzip"', 304, '"7-gzip"'),
        ("gzip", '"5", "7-gzip"', 304, '"7-gzip"'),
        ("gzip", '"7-br"', 200, '"7-gzip"'),
        ("br, gzip", '"7-gzip"', 304, '"7-gzip"'),
        ("gzip", '"6-gzip"', 200, '"7-gzip"'),
        ("gzip", '"7"', 304, '"7"'),
    ],
)
def test_conditional_requests_for_variants(
    accept_encoding: str, if_none_match: str, status: int, etag: str
) -> None:
    response = ask("/v1/things", Accept_Encoding=accept_encoding, If_None_Match=if_none_match)
    assert (response.status_code, response.headers["etag"]) == (status, etag)
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    if status == 304:
        assert response.content == b""
        assert "content-encoding" not in response.headers


@pytest.mark.parametrize("host", ['a"onload=', "a b", "a/b", "a@b", "x" * 300, "a:port"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    problem = problem_of(ask("/things", Host=host))
    assert (problem.status, "Host" in problem.detail) == (400, True)


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:80", "[::1]:8000", "a-b.example"])
def test_hosts_are_taken_as_they_are(host: str) -> None:
    assert ask("/things", Host=host).status_code == 200


def test_access_log_has_one_line_per_request_and_no_secret() -> None:
    stream = io.StringIO()
    with configure_logging("info", stream):
        ask("/things?q=exk_abc123&b=%0A", X_Request_ID="one", Authorization="Bearer exk_secret")
        ask("/v1/failures/bug", "HEAD", X_Request_ID="two")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    requests = [line for line in lines if line["logger"] == "api.access"]
    assert [line["request_id"] for line in requests] == ["one", "two"]
    [first, second] = requests
    assert {"time", "level", "message"} < set(first)
    assert first["duration_ms"] > 0
    shown = {key: first[key] for key in ("method", "path", "query", "status", "bytes", "client")}
    assert shown == {
        "method": "GET",
        "path": "/things",
        "query": "q=exk_…&b=%0A",
        "status": 200,
        "bytes": len(BODY),
        "client": "127.0.0.1",
    }
    assert (second["method"], second["status"], second["bytes"]) == ("HEAD", 500, 0)
    [failure] = [line for line in lines if line["logger"] == "api.errors"]
    assert failure["request_id"] == "two"
    assert "RuntimeError" in failure["exc_info"]
    assert "secret" not in stream.getvalue()


def test_logging_is_put_back() -> None:
    before = (logging.root.level, list(logging.root.handlers))
    with configure_logging("debug", io.StringIO()):
        assert logging.root.level == logging.DEBUG
    assert (logging.root.level, list(logging.root.handlers)) == before


def test_no_control_character_gets_into_a_line_of_the_log() -> None:
    stream = io.StringIO()
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/\xc2\x9b31m", "client": None}
    with configure_logging("info", stream):
        note(scope | {"query_string": b'q=\x1b\xc2\x85"'}, "one", status=200, size=0, took=0.0)
    [line] = stream.getvalue().splitlines()
    assert line.isprintable()
    assert json.loads(line)["query"] == 'q=\x1bÂ\x85"'


def test_problems_in_the_contract() -> None:
    described = problem_responses(
        ProblemCode.TIMEOUT, ProblemCode.DATABASE_UNAVAILABLE, ProblemCode.NOT_FOUND
    )
    assert list(described) == [404, 503]
    assert set(described[503]["content"]) == {"application/problem+json"}
    assert "timeout" in described[503]["description"]
    for name, schema in problem_schemas().items():
        assert set(schema["required"]) == set(schema["properties"]), name
        for field, definition in schema["properties"].items():
            assert definition["description"], (name, field)
            assert definition["examples"], (name, field)


def test_catalogue_has_every_code() -> None:
    assert set(CATALOGUE) == set(ProblemCode)
