"""Exports over HTTP: what may be asked, the headers, what Accept prefers, and which records there are.

That the files hold the right values is in `tests/test_export_readers.py`, what becomes of those that cannot
be made in `tests/test_export_failures.py`.
"""

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import unquote

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api import exporting
from api.exports import EXPORTS
from api.formats import BY_MEDIA_TYPE, FORMATS, Batches, FormatName, Sheet
from db.enums import Resource
from tests.asking import Query, ask, refused, walk
from tests.test_export_readers import read_csv
from tests.writing import changed, put

pytestmark = pytest.mark.anyio

JSON = "application/json"
CSV = "text/csv"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


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
    assert error["suggestions"][0] == "mediator"
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
    assert error["suggestions"][0] == "persons_best"
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
    assert one in error["suggestions"]


def test_formats_are_as_documented() -> None:
    assert list(FORMATS) == [str(name) for name in FormatName]


@pytest.mark.parametrize("form", FORMATS)
async def test_nothing_found_is_a_whole_answer(client: httpx.AsyncClient, form: str) -> None:
    answer = await client.get(f"/v1/claims.{form}?min_count=2147483646")
    assert answer.status_code == 200, answer.text
