"""Exports over HTTP: what may be asked, the headers, what Accept prefers, and answers never cut short.

That the files hold the right values is in `tests/test_export_readers.py`.
"""

import asyncio
import http.client
import json
import re
import socket
import tempfile
import threading
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message

from api import exporting, streamed
from api.columns import Column, Kind
from api.exports import EXPORTS
from api.formats import BY_MEDIA_TYPE, FORMATS, Batches, FormatName, Sheet
from api.formats.xlsx import TEMPORARY
from api.gates import Gate
from api.main import create_app
from api.settings import HttpSettings
from db.enums import Resource
from db.session import write_engine
from db.settings import DatabaseSettings
from tests.asking import Query, ask, walk
from tests.databases import own_database
from tests.embedded_users import eventually
from tests.synthetic import actor
from tests.test_export_readers import read_csv
from tests.test_http_server import Server
from tests.test_http_server import running as serving
from tests.test_http_shell import problem_of
from tests.writing import changed, made, put

pytestmark = pytest.mark.anyio

LAST_ARTICLE = "zvezda-763230"
JSON = "application/json"
CSV = "text/csv"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


async def refused(client: httpx.AsyncClient, path: str, query: Query) -> list[dict[str, object]]:
    response = await ask(client, path, query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_query"), response.text
    return response.json()["errors"]  # type: ignore[no-any-return]


def header_of(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return response.text.partition("\r\n")[0].split(",")


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("form", FORMATS)
async def test_every_export_has_every_format(client: httpx.AsyncClient, name: str, form: str) -> None:
    query = {"claimant": "uae"} if name == "reconciliation" else None  # it needs one
    response = await ask(client, f"/v1/{name}.{form}", query)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == FORMATS[form].media_type
    told = "_claimant-uae" if query else ""
    assert response.headers["content-disposition"] == f'attachment; filename="{name}{told}_r1.{form}"'
    assert response.headers["x-dataset-revision"] == "1"
    assert response.content


@pytest.mark.parametrize("parameter", ["limit", "cursor"])
async def test_an_export_has_no_pages(client: httpx.AsyncClient, parameter: str) -> None:
    [error] = await refused(client, "/v1/exchanges.csv", {parameter: "5"})
    assert (error["parameter"], error["code"]) == (parameter, "not_here")
    assert "always whole" in str(error["message"])
    response = await ask(client, "/v1/exchanges", {parameter: "5"}, Accept=CSV)
    assert response.status_code == 422


async def test_a_query_is_as_strict_as_that_of_a_list(client: httpx.AsyncClient) -> None:
    [error] = await refused(client, "/v1/exchanges.parquet", {"mediatr": "uae"})
    assert error["suggestions"][0] == "mediator"  # type: ignore[index]
    [error] = await refused(client, "/v1/exchanges.xlsx", {"mediator": "atlantis"})
    assert error["parameter"] == "mediator"
    await refused(client, "/v1/exchanges.ndjson", {"sort": "colour"})
    await refused(client, "/v1/exchanges.csv", {"date_from": "2025-01-01", "date_to": "2024-01-01"})


async def test_an_unknown_format_names_those_there_are(client: httpx.AsyncClient) -> None:
    [error] = await refused(client, "/v1/exchanges.parquett", {})
    assert (error["parameter"], error["suggestions"]) == ("format", ["parquet"])
    assert error["allowed"] == list(FORMATS)


async def test_fields_are_chosen_and_keep_their_order(client: httpx.AsyncClient) -> None:
    chosen = await ask(client, "/v1/exchanges.csv", {"fields": ["persons_best", "id"]})
    assert header_of(chosen) == ["id", "persons_best"]
    turned = await ask(client, "/v1/exchanges.csv", {"fields": ["id", "persons_best"]})
    assert (turned.content, turned.headers["etag"]) == (chosen.content, chosen.headers["etag"])
    whole = await ask(client, "/v1/exchanges.csv")
    assert whole.headers["etag"] != chosen.headers["etag"]
    rows = [{name: row[name] for name in ("id", "persons_best")} for row in read_csv(whole.content)]
    assert read_csv(chosen.content) == rows


async def test_an_unknown_field_is_refused_with_those_there_are(client: httpx.AsyncClient) -> None:
    [error] = await refused(client, "/v1/exchanges.csv", {"fields": "persons_bst"})
    assert error["suggestions"][0] == "persons_best"  # type: ignore[index]
    assert error["allowed"] == [column.name for column in EXPORTS["exchanges"].columns]
    [error] = await refused(client, "/v1/exchanges.csv", {"fields": "id,date"})
    assert "repeat the parameter" in str(error["message"])


@pytest.mark.parametrize(
    ("parameter", "value", "formats"),
    [("fields", "id", {"csv", "parquet", "xlsx"}), ("bom", "true", {"csv"})],
)
async def test_parameters_of_some_formats_are_refused_in_others(
    client: httpx.AsyncClient, parameter: str, value: str, formats: set[str]
) -> None:
    for form in FORMATS:
        if form in formats:
            response = await ask(client, f"/v1/coverage.{form}", {parameter: value})
            assert response.status_code == 200
        else:
            [error] = await refused(client, f"/v1/coverage.{form}", {parameter: value})
            assert (error["parameter"], error["code"]) == (parameter, "not_here")


async def test_records_as_json_have_no_fields(client: httpx.AsyncClient) -> None:
    await refused(client, "/v1/exchanges", {"fields": "id"})


async def test_a_mark_for_excel(client: httpx.AsyncClient) -> None:
    plain = await ask(client, "/v1/coverage.csv", {"bom": "false"})
    marked = await ask(client, "/v1/coverage.csv", {"bom": "true"})
    assert marked.content == b"\xef\xbb\xbf" + plain.content
    assert marked.headers["etag"] != plain.headers["etag"]


async def test_filters_and_order_are_those_of_the_list(client: httpx.AsyncClient) -> None:
    query = {"mediator": "UAE", "year": [2024, 2025], "sort": "-persons"}
    wanted = [record["id"] for record in await walk(client, "/v1/exchanges", query)]
    assert len(wanted) > 10
    found = read_csv((await ask(client, "/v1/exchanges.csv", query)).content)
    assert [row["id"] for row in found] == wanted
    assert [row["id"] for row in found] != sorted(wanted)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", JSON),
        (BROWSER, JSON),
        ("application/json, text/plain, */*", JSON),
        ("application/json, text/csv", JSON),
        ("text/csv, application/json", JSON),
        ("text/csv;q=0.5, application/json;q=0.4", CSV),
        ("text/csv, application/json;q=0.9", CSV),
        ("text/csv, */*;q=0.1", CSV),
        *((media_type, media_type) for media_type in BY_MEDIA_TYPE),
    ],
)
async def test_accept_chooses_the_format(client: httpx.AsyncClient, accept: str, media_type: str) -> None:
    response = await ask(client, "/v1/coverage", {"scope": "remains"}, Accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == media_type
    assert "Accept" in response.headers["vary"].split(", ")
    if media_type != JSON:
        by_path = await ask(client, f"/v1/coverage.{BY_MEDIA_TYPE[media_type]}", {"scope": "remains"})
        assert response.content == by_path.content


async def test_what_no_format_is_is_not_acceptable(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/v1/exchanges", Accept="image/png")
    assert response.status_code == 406
    response = await ask(client, "/v1/exchanges/2024-12-30-russia-ukraine", Accept=CSV)
    assert response.status_code == 406
    response = await ask(client, "/v1/exchanges.csv", Accept="application/octet-stream")
    assert response.status_code == 200


async def test_a_copy_that_still_holds_is_not_sent_again(client: httpx.AsyncClient) -> None:
    tags = set()
    for form in FORMATS:
        first = await ask(client, f"/v1/exchanges.{form}", {"mediator": "uae"})
        tags.add(first.headers["etag"])
        again = await ask(
            client, f"/v1/exchanges.{form}", {"mediator": "uae"}, If_None_Match=first.headers["etag"]
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        since = first.headers["last-modified"]
        later = await ask(client, f"/v1/exchanges.{form}", {"mediator": "uae"}, If_Modified_Since=since)
        assert later.status_code == 304
    assert len(tags) == len(FORMATS)


@pytest.mark.parametrize("form", FORMATS)
async def test_the_same_state_is_the_same_bytes(client: httpx.AsyncClient, form: str) -> None:
    first, second = [await ask(client, f"/v1/exchanges.{form}") for _ in range(2)]
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]


@pytest.mark.parametrize("form", FORMATS)
async def test_head_tells_what_get_would(client: httpx.AsyncClient, form: str) -> None:
    got = await ask(client, f"/v1/totals.{form}")
    head = await client.head(f"/v1/totals.{form}", headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-disposition", "last-modified", "vary", "cache-control"):
        assert head.headers[name] == got.headers[name]
    compressed = {"Accept-Encoding": "gzip"}
    got = await client.get(f"/v1/totals.{form}", headers=compressed)
    head = await client.head(f"/v1/totals.{form}", headers=compressed)
    assert head.headers["etag"] == got.headers["etag"]
    assert head.headers.get("content-encoding") == got.headers.get("content-encoding")


@pytest.mark.parametrize("form", FORMATS)
async def test_head_makes_no_file(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    async def failing(sheet: Sheet, batches: Batches) -> AsyncGenerator[bytes, None]:
        raise AssertionError(f"{sheet.name} was written for nobody")
        yield b""

    monkeypatch.setattr(exporting, "FORMATS", {form: replace(FORMATS[form], write=failing)})
    assert (await client.get(f"/v1/totals.{form}")).status_code == 500
    assert (await client.head(f"/v1/totals.{form}")).status_code == 200


async def test_past_states_are_exported_too(
    own_client: httpx.AsyncClient, loaded_engine: AsyncEngine
) -> None:
    before = await ask(own_client, "/v1/actors.ndjson")
    assert before.headers["cache-control"] == "public, max-age=0, must-revalidate"
    uae = await changed(loaded_engine, Resource.ACTOR, "uae", name="Emirates")
    await put(loaded_engine, uae)
    live = await ask(own_client, "/v1/actors.ndjson")
    assert live.content != before.content
    assert live.headers["x-dataset-revision"] == "2"
    assert "memento-datetime" not in live.headers
    for query in ({"as_of": "1"}, {"release": "2026.11"}):
        past = await ask(own_client, "/v1/actors.ndjson", query)
        assert past.content == before.content
        assert past.headers["x-dataset-revision"] == "1"
        assert past.headers["cache-control"] == "public, max-age=86400"
        assert "memento-datetime" in past.headers
        assert "_r1.ndjson" in past.headers["content-disposition"]


async def test_the_file_is_named_after_the_query(client: httpx.AsyncClient) -> None:
    async def name_of(query: Query) -> str:
        response = await ask(client, "/exchanges.csv", query)
        assert response.status_code == 200, response.text
        found = re.fullmatch(
            r"""attachment; filename="([a-z0-9_.-]+)"(?:; filename\*=UTF-8''([A-Za-z0-9_.%-]+))?""",
            response.headers["content-disposition"],
        )
        assert found, response.headers["content-disposition"]
        assert response.headers["content-location"].startswith("/v1/exchanges.csv?")
        assert found[2] is None or unquote(found[2]).isprintable()
        whole = found[1] if found[2] is None else unquote(found[2], errors="strict")
        assert len(whole.encode()) < 140
        return found[1] if found[2] is None else f"{found[1]} {whole}"

    assert await name_of({"mediator": "ОАЭ", "year": 2025}) == "exchanges_mediator-uae_year-2025_r1.csv"
    asked: Query = {"q": "обмен", "bom": "true", "fields": "id"}
    assert await name_of(asked) == "exchanges_q_r1.csv exchanges_q-обмен_r1.csv"
    # half of the words would be another query
    assert await name_of({"q": "обмен UAE"}) == "exchanges_q_r1.csv exchanges_q-обмен-uae_r1.csv"
    assert (await name_of({"q": "обмен " * 60})).startswith("exchanges_q_r1.csv exchanges_q-обмен-обмен-")
    assert await name_of({"mediator": ["uae", "turkey"]}) == "exchanges_mediator-uae-turkey_r1.csv"
    long = await name_of({"year": list(range(1900, 1990)), "q": 'a "b"; ../c\r\nd'})
    assert len(long) < 140
    assert long.endswith("_r1.csv")


async def test_citations_are_filtered_by_what_cites_and_what_is_cited(client: httpx.AsyncClient) -> None:
    async def rows(**query: object) -> list[dict[str, str]]:
        return read_csv((await ask(client, "/v1/citations.csv", query)).content)

    every = await rows()
    assert {row["resource"] for row in every} == {"exchange", "claim", "mediation", "agreement", "total"}
    tass = await rows(publisher="tass")
    assert tass == [row for row in every if row["publisher"] == "tass"]
    ours = {record["id"] for record in await walk(client, "/v1/exchanges", {"mediator": "uae"})}
    kinds = {"exchange", "claim", "mediation"}
    of_exchanges = [row for row in every if row["resource"] in kinds]
    assert await rows(mediator="uae") == [row for row in of_exchanges if row["record"] in ours]
    assert await rows(mediator_not="uae") == [row for row in of_exchanges if row["record"] not in ours]
    assert await rows(resource="total", agency="none") == [
        row for row in every if row["resource"] == "total" and not row["agency"]
    ]
    one = every[0]["article"]
    assert await rows(article=one) == [row for row in every if row["article"] == one]
    [error] = await refused(client, "/v1/citations.csv", {"article": f"{one}x"})
    assert one in error["suggestions"]  # type: ignore[operator]


async def test_more_rows_than_excel_reads_are_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {**FORMATS, "xlsx": replace(FORMATS["xlsx"], most_rows=20)}
    monkeypatch.setattr(exporting, "FORMATS", few)
    [error] = await refused(client, "/v1/coverage.xlsx", {})
    assert (error["parameter"], error["code"]) == ("format", "too_large")
    assert "at most 20 rows, and there are 21" in str(error["message"])
    assert (await ask(client, "/v1/coverage.xlsx", {"scope": "remains"})).status_code == 200


def temporary(folder: Path) -> list[Path]:
    return list(folder.glob(f"{TEMPORARY}*"))


async def test_a_text_too_long_for_excel_is_refused(
    own_client: httpx.AsyncClient, loaded_engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    aliases = [f"{number:04}{'x' * 190}" for number in range(200)]
    await put(loaded_engine, made(Resource.ACTOR, actor("wordy", aliases=aliases)))
    [error] = await refused(own_client, "/v1/actors.xlsx", {})
    assert error["code"] == "too_large"
    assert "32,767 characters in a cell, and aliases has more" in str(error["message"])
    assert temporary(tmp_path) == []
    others = [column.name for column in EXPORTS["actors"].columns if column.name != "aliases"]
    assert (await ask(own_client, "/v1/actors.xlsx", {"fields": others})).status_code == 200
    assert temporary(tmp_path) == []


@pytest.fixture(scope="module")
async def spoilt(
    server_url: str, loaded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Server, Path]]:
    """A real server over a database in which the body of the last article is broken, and its temporary files.

    An export of articles fails where it comes to it.
    """
    async with own_database(server_url, loaded_template) as url:
        engine = write_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE revision DISABLE TRIGGER USER"))
            broken = text("UPDATE revision SET body = '{' WHERE record_id = :id")
            await connection.execute(broken, {"id": LAST_ARTICLE})
        await engine.dispose()
        folder = tmp_path_factory.mktemp("temporary")
        with serving("api.main:create_app", {"DATABASE_URL": url, "TMPDIR": str(folder)}) as server:
            yield server, folder


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonld"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_file_that_fails_midway_is_seen_to_be_broken(
    spoilt: tuple[Server, Path], form: str, encoding: str
) -> None:
    server, _ = spoilt

    def fetch() -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
            path = f"/v1/articles.{form}?sort=id"
            connection.request("GET", path, headers={"Accept-Encoding": encoding})
            with connection.getresponse() as answer:
                assert answer.status == 200
                with pytest.raises((http.client.IncompleteRead, ConnectionError)) as caught:
                    answer.read()
        return getattr(caught.value, "partial", b"")

    received = await asyncio.to_thread(fetch)
    if encoding == "gzip" and form != "parquet" and received:
        inflated = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert inflated.decompress(received)
        assert not inflated.eof


async def test_a_workbook_that_fails_midway_is_a_problem(spoilt: tuple[Server, Path]) -> None:
    server, folder = spoilt
    answer = await asyncio.to_thread(server.send, b"/v1/articles.xlsx?sort=id")
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal_error")
    assert temporary(folder) == []


async def test_nothing_is_left_when_the_client_leaves(read_only_url: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": read_only_url, "TMPDIR": str(tmp_path)}

    def leave_again_and_again() -> Server:
        with serving("api.main:create_app", environment) as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
                connection.sendall(b"GET /v1/claims.xlsx HTTP/1.1\r\nHost: x\r\n\r\n")
                eventually(lambda: temporary(tmp_path))
            eventually(lambda: not temporary(tmp_path))
            for _ in range(12):  # more than there are connections: none is lost
                leave_in_the_middle(server.port)
            eventually(lambda: server.send(b"/v1/coverage.csv").status == 200)
        return server

    stopped = await asyncio.to_thread(leave_again_and_again)
    assert not [line for line in stopped.printed if '"ERROR"' in line or "Traceback" in line]


class Held(list[str]):
    """Rows that a thread does not get to see before it is let go."""

    def __init__(self, *rows: str) -> None:
        super().__init__(rows)
        self.reached, self.free = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[str]:
        self.reached.set()
        self.free.wait()
        return super().__iter__()


async def test_the_folder_stays_while_a_thread_writes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows = Held('{"id": "one"}')

    async def batches() -> AsyncIterator[list[str]]:
        yield rows

    async def write() -> None:
        column = Column("id", Kind.TEXT, "What it is called.", required=True, read=itemgetter("id"))
        async for _ in FORMATS["xlsx"].write(Sheet(name="actors", columns=[column]), batches()):
            pass

    writing = asyncio.create_task(write())
    try:
        await asyncio.to_thread(rows.reached.wait)
        writing.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        assert temporary(tmp_path)
        assert not writing.done()
    finally:
        rows.free.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert temporary(tmp_path) == []


def leave_in_the_middle(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /v1/articles.ndjson HTTP/1.1\r\nHost: x\r\n\r\n")
        # those who left a moment ago may still be counted
        assert connection.recv(1024).startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))


def test_formats_are_as_documented() -> None:
    assert list(FORMATS) == [str(name) for name in FormatName]


async def test_only_so_many_are_sent_at_once(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "GATE", Gate(1, "Too many."))
    with streamed.GATE.admitted():
        for path in ("/v1/exchanges.csv", "/v1/exchanges.ics"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
            assert answer.headers["retry-after"]
    assert (await client.get("/v1/exchanges.csv?year=2024")).status_code == 200
    assert (await client.get("/v1/exchanges.csv?nonsense=1")).status_code == 422
    assert (await client.get("/v1/exchanges.csv?year=2024")).status_code == 200


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "query",
    [
        "reconciliation.{}",
        "stats.{}?fill=true",
        "stats.{}?common=true",
        "stats.{}?group_by=claimant&measure=exchanges",
        "disagreements.{}?between=uae",
    ],
)
async def test_what_is_refused_when_rows_are_read_is_a_problem(
    client: httpx.AsyncClient, query: str, form: str
) -> None:
    assert problem_of(await client.get(f"/v1/{query.format(form)}")).code == "invalid_query"


async def test_one_who_takes_nothing_is_not_waited_for(read_only_url: str) -> None:
    settings = HttpSettings(log_level="error", stall_timeout=0.2)
    app = create_app(settings, DatabaseSettings(database_url=read_only_url))
    begun = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async with app.router.lifespan_context(app) as state:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/claims.csv",
            "raw_path": b"/v1/claims.csv",
            "query_string": b"",
            "headers": [],
            "state": dict(state or {}),
            "root_path": "",
        }
        async with asyncio.timeout(60):
            await app(scope, receive, send)
    assert begun.is_set()


@pytest.mark.parametrize("form", FORMATS)
async def test_nothing_found_is_a_whole_answer(client: httpx.AsyncClient, form: str) -> None:
    answer = await client.get(f"/v1/claims.{form}?min_count=2147483646")
    assert answer.status_code == 200, answer.text
