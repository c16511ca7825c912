"""Citing: which URLs can be cited, and that an address returns the same bytes for ever."""

import hashlib
import json
import re
from typing import Any

import httpx
import pytest
from pydantic import HttpUrl
from sqlalchemy.ext.asyncio import AsyncEngine

from api.citing import RECORD_KINDS
from api.exports import EXPORTS
from api.main import create_app
from api.settings import HttpSettings
from db.amending import merge
from db.enums import Resource
from db.session import write_engine
from db.settings import DatabaseSettings
from db.writes import writing
from tests.applications import application, running
from tests.asking import ask, walk
from tests.blanking import NAME, blank, holding, named_then_mended
from tests.contract import IDS, NEW_YEAR, document
from tests.databases import own_database
from tests.synthetic import actor
from tests.test_http_shell import problem_of
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
PATH = "/v1/citations"
HERE = "http://testserver"
EMIRATI = "/v1/exchanges?mediator=uae&year=2025"


async def cite(client: httpx.AsyncClient, url: object, **headers: str) -> httpx.Response:
    return await client.post(PATH, json={"url": url}, headers=headers)


async def cited(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    response = await cite(client, url)
    assert response.status_code in {200, 201}, response.text
    citation: dict[str, Any] = response.json()
    return citation


async def records(client: httpx.AsyncClient, citation: dict[str, Any]) -> bytes:
    response = await ask(client, citation["url"])
    assert response.status_code == 200, response.text
    return response.content


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_a_citation_names_the_service_as_it_is_published(loaded_url: str) -> None:
    settings = HttpSettings(log_level="error", public_url=HttpUrl("https://data.example/"))
    async with running(create_app(settings, DatabaseSettings(database_url=loaded_url))) as client:
        for url in (EMIRATI, f"https://DATA.example{EMIRATI}", f"{HERE}{EMIRATI}"):
            citation = await cited(client, url)
            assert citation["url"] == f"https://data.example/c/{citation['id']}"
        refused = problem_of(await cite(client, f"https://other.example{EMIRATI}"))
        assert refused.errors[0].code == "foreign_host"


# What is cited


async def test_a_list_is_cited_with_a_hash_that_anybody_can_check(own_client: httpx.AsyncClient) -> None:
    response = await cite(own_client, EMIRATI)
    assert response.status_code == 201
    citation = response.json()
    assert re.fullmatch("[a-z0-9]{6,20}", citation["id"])
    assert citation["url"] == f"{HERE}/c/{citation['id']}"
    assert response.headers["location"] == citation["links"]["self"] == f"{PATH}/{citation['id']}"
    assert response.headers["cache-control"] == "no-store"
    assert citation["path"] == "/v1/exchanges"
    assert citation["query"] == {"mediator": ["uae"], "year": ["2025"]}
    assert (citation["dataset_revision"], citation["release"], citation["notes"]) == (1, "2026.11", [])
    assert citation["links"]["records"] == f"{EMIRATI}&as_of=1"
    rows = await walk(own_client, "/v1/exchanges", {"mediator": "uae", "year": 2025})
    assert citation["rows"] == len(rows) > 5
    data = await records(own_client, citation)
    assert digest(data) == citation["sha256"]
    assert [json.loads(line) for line in data.splitlines()] == rows
    exported = await ask(own_client, "/v1/exchanges.ndjson?mediator=uae&year=2025&as_of=1")
    assert exported.content == data
    read = await ask(own_client, citation["links"]["self"])
    assert (read.status_code, read.json()) == (200, citation)


@pytest.mark.parametrize(
    "url",
    [
        EMIRATI,
        "/exchanges?mediator=uae&year=2025",
        f"{HERE}/exchanges?mediator=uae&year=2025",
        f"HTTPS://TestServer{EMIRATI}",
        "/v1/exchanges?year=2025&mediator=%D0%9E%D0%90%D0%AD&mediator=ARE&sort=-date",
        "/v1/exchanges?year=2025&mediator=ОАЭ",
        f"{EMIRATI}&as_of=1",
        f"{EMIRATI}&release=latest",
        f"{EMIRATI}&release=2026.11#top",
    ],
)
async def test_one_question_has_one_citation(own_client: httpx.AsyncClient, url: str) -> None:
    first = await cite(own_client, EMIRATI)
    again = await cite(own_client, url)
    assert (first.status_code, again.status_code) == (201, 200), again.text
    assert again.json() == first.json()


@pytest.mark.parametrize(
    "url",
    ["/v1/exchanges?mediator=uae", f"{EMIRATI}&sort=date", "/v1/claims?mediator=uae&year=2025", "/exchanges"],
)
async def test_another_question_has_another(own_client: httpx.AsyncClient, url: str) -> None:
    assert (await cited(own_client, url))["id"] != (await cited(own_client, EMIRATI))["id"]


async def test_the_order_of_values_does_not_count(own_client: httpx.AsyncClient) -> None:
    one = await cited(own_client, "/v1/exchanges?year=2024&year=2025&mediator=uae&mediator=turkey")
    other = await cited(own_client, "/v1/exchanges?mediator=turkey&year=2025&mediator=uae&year=2024")
    assert one == other


@pytest.mark.parametrize("name", EXPORTS)
async def test_every_list_and_record_can_be_cited(own_client: httpx.AsyncClient, name: str) -> None:
    asked = "claimant=none&claimant=uae" if name == "reconciliation" else ""
    citation = await cited(own_client, f"{EXPORTS[name].path}?{asked}")
    assert citation["path"] == EXPORTS[name].path
    data = await records(own_client, citation)
    assert (digest(data), data.count(b"\n")) == (citation["sha256"], citation["rows"])
    assert citation["rows"] > 0
    pinned = (await ask(own_client, f"/v1/{name}.ndjson?{asked}&as_of=1")).content
    assert data == pinned
    assert (await ask(own_client, citation["links"]["records"])).status_code == 200
    if name in RECORD_KINDS:
        path = f"/v1/{name}/{IDS[name]}"
        citation = await cited(own_client, f"{path}?as_of=1")
        assert (citation["path"], citation["query"], citation["rows"]) == (path, {}, 1)
        data = await records(own_client, citation)
        assert data == (await ask(own_client, path)).content + b"\n"
        assert digest(data) == citation["sha256"]
        assert citation["links"]["records"] == f"{path}?as_of=1"


async def test_nothing_found_can_be_cited_too(own_client: httpx.AsyncClient) -> None:
    citation = await cited(own_client, "/v1/exchanges?year=1999")
    assert (citation["rows"], citation["sha256"]) == (0, digest(b""))
    assert await records(own_client, citation) == b""


# For ever


async def test_what_is_written_later_changes_no_citation(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    before = await cited(own_client, "/v1/exchanges?q=exchanged")
    data = await records(own_client, before)
    assert (digest(data), before["rows"] > 0) == (before["sha256"], True)
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, NEW_YEAR, summary="Synthetic."))
    # "exchanged" names an actor now, so that the word would find what it has brokered
    await put(loaded_engine, await changed(loaded_engine, R.ACTOR, "uae", aliases=["exchanged"]))
    assert await records(own_client, before) == data
    assert (await ask(own_client, before["links"]["self"])).json() == before
    assert (await ask(own_client, "/v1/exchanges.ndjson?q=exchanged&as_of=1")).content != data
    after = await cited(own_client, "/v1/exchanges?q=exchanged")
    assert after["id"] != before["id"]
    assert after["dataset_revision"] == 3
    past = await cited(own_client, "/v1/exchanges?q=exchanged&as_of=1")
    assert past["id"] != before["id"]
    assert past["sha256"] != before["sha256"]


async def test_a_merge_changes_no_citation(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        engine = write_engine(url)
        await put_small(engine)
        await put(engine, made(R.ACTOR, actor("orient")))
        before = await cited(client, "/v1/exchanges?mediator=orient")
        of_east = await cited(client, "/v1/exchanges?mediator=east")
        assert (before["rows"], of_east["rows"]) == (0, 1)
        async with engine.connect() as connection:
            async with writing(connection, "the same") as write:
                await merge(write, R.ACTOR, "east", "orient")
            await connection.commit()
        assert await records(client, before) == b""
        assert digest(await records(client, of_east)) == of_east["sha256"]
        now = await cited(client, "/v1/exchanges?mediator=orient&as_of=2")
        assert (now["rows"], now["query"]) == (1, before["query"])
        assert now["id"] != before["id"]
        assert digest(await records(client, now)) == now["sha256"]
        await engine.dispose()


async def test_a_name_that_was_blanked_is_forgotten(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url:
        engine = write_engine(url)
        await put_small(engine)
        await named_then_mended(engine)
        async with running(application(url)) as client:
            for query in (f"q={NAME.upper()}", "q=freed", "year=2020"):
                assert (await cite(client, f"/v1/exchanges?{query}")).status_code == 201
            redaction, _ = await blank(engine, R.EXCHANGE, "first", 2)
            assert redaction.citations == 1
            assert (await cite(client, "/v1/exchanges?q=freed")).status_code == 201
        assert "cited_query" not in await holding(engine)
        await engine.dispose()


async def test_a_blanked_record_is_told_of(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        engine = write_engine(url)
        await put_small(engine)
        await named_then_mended(engine)
        whole = await cited(client, "/v1/exchanges?as_of=2")
        single = await cited(client, "/v1/exchanges/first?as_of=2")
        later = await cited(client, "/v1/exchanges")
        assert whole["notes"] == single["notes"] == []
        tag = (await ask(client, whole["url"])).headers["etag"]
        await blank(engine, R.EXCHANGE, "first", 2)
        told = (await ask(client, whole["links"]["self"])).json()
        [note] = told["notes"]
        assert note["code"] == "blanked"
        assert "Of the 2 records that were cited, 1 was blanked" in note["text"]
        assert {**told, "notes": []} == whole
        data = await records(client, whole)
        assert (data.count(b"\n"), digest(data) == whole["sha256"]) == (1, False)
        assert (await ask(client, whole["url"], If_None_Match=tag)).status_code == 200
        [note] = (await ask(client, single["links"]["self"])).json()["notes"]
        assert note["code"] == "blanked"
        assert problem_of(await ask(client, single["url"])).code == "gone"
        assert (await ask(client, later["links"]["self"])).json()["notes"] == []
        assert digest(await records(client, later)) == later["sha256"]
        await engine.dispose()


# Links and copies


async def test_pinned_reads_name_where_they_are_cited(own_client: httpx.AsyncClient) -> None:
    pinned = f"{EMIRATI}&as_of=1"
    assert "link" not in (await ask(own_client, pinned)).headers
    citation = await cited(own_client, EMIRATI)
    for url in (pinned, f"{EMIRATI}&release=latest", "/exchanges?year=2025&mediator=ARE&as_of=1&sort=-date"):
        assert (await ask(own_client, url)).links["cite-as"]["url"] == f"/c/{citation['id']}", url
    for url in (EMIRATI, f"{pinned}&sort=date", "/v1/exchanges?mediator=uae&as_of=1"):
        assert "cite-as" not in (await ask(own_client, url)).links, url
    paged = (await ask(own_client, f"{pinned}&limit=2")).links
    assert set(paged) == {"next", "cite-as"}
    for url in (citation["url"], citation["links"]["self"]):
        links = (await ask(own_client, url)).links
        assert links["cite-as"]["url"].removeprefix(HERE) == f"/c/{citation['id']}"


async def test_copies_that_still_hold_are_not_sent_again(own_client: httpx.AsyncClient) -> None:
    citation = await cited(own_client, EMIRATI)
    for url in (citation["url"], citation["links"]["self"], f"/v1/exchanges/{NEW_YEAR}/citation"):
        first = await ask(own_client, url)
        again = await ask(own_client, url, If_None_Match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        head = await own_client.head(url, headers={"Accept-Encoding": "identity"})
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
        assert first.headers["x-dataset-revision"] == "1"
    rows = await ask(own_client, citation["url"])
    assert rows.headers["content-type"] == "application/x-ndjson"
    assert problem_of(await ask(own_client, citation["url"], Accept="image/png")).code == "not_acceptable"


# The citation of an exchange


async def test_an_exchange_has_its_own_citation(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    path = f"/v1/exchanges/{NEW_YEAR}"
    first = (await ask(own_client, f"{path}/citation")).json()
    record = await ask(own_client, path)
    assert record.links["cite-as"]["url"] == f"{path}/revisions/1"
    assert first["url"] == f"{HERE}{path}/revisions/1"
    assert (first["id"], first["created_at"], first["rows"], first["release"]) == (None, None, 1, "2026.11")
    assert digest(await records(own_client, first)) == first["sha256"]
    assert (await ask(own_client, first["links"]["records"])).content == record.content
    await put(loaded_engine, await changed(loaded_engine, R.COVERAGE, "2014-autumn", statement="Synthetic."))
    assert (await ask(own_client, f"{path}/citation")).json() == first, "another record was written"
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, NEW_YEAR, summary="Synthetic."))
    second = (await ask(own_client, f"{path}/citation")).json()
    assert (second["url"], second["dataset_revision"]) == (f"{HERE}{path}/revisions/2", 3)
    assert (second["release"], second["sha256"] == first["sha256"]) == (None, False)
    for query in ({"as_of": 1}, {"as_of": 2}, {"release": "2026.11"}):
        assert (await ask(own_client, f"{path}/citation", query)).json() == first
    assert digest(await records(own_client, first)) == first["sha256"]
    pinned = await ask(own_client, f"{path}/citation", {"as_of": 1})
    assert pinned.headers["cache-control"] == "public, max-age=86400"


async def test_exchanges_that_are_not_there_have_none(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    gone = await ask(own_client, "/v1/exchanges/2001-01-01-aland-bland/citation")
    assert problem_of(gone).code == "not_found"
    path = f"/v1/exchanges/{NEW_YEAR}/citation"
    for query in ({"year": 2025}, {"as_of": "x"}, {"as_of": 99}, {"release": "1999.01"}):
        assert (await ask(own_client, path, query)).status_code == 422
    other = "2025-01-15-russia-ukraine"
    async with loaded_engine.connect() as connection:
        async with writing(connection, "the same") as write:
            await merge(write, R.EXCHANGE, other, NEW_YEAR)
        await connection.commit()
    moved = await ask(own_client, f"/v1/exchanges/{other}/citation?as_of=2")
    assert (moved.status_code, moved.headers["location"]) == (308, f"{path}?as_of=2")
    assert (await ask(own_client, f"/v1/exchanges/{other}/citation?as_of=1")).status_code == 200


def test_the_contract_tells_what_it_answers() -> None:
    paths = document()["paths"]
    post = paths[PATH]["post"]
    assert {"200", "201", "413", "415", "422", "429"} <= set(post["responses"])
    assert post["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/CitationInput")
    assert list(paths["/v1/c/{citation_id}"]["get"]["responses"]["200"]["content"]) == [
        "application/x-ndjson"
    ]
    for path in (f"{PATH}/{{citation_id}}", "/v1/exchanges/{record_id}/citation"):
        responses = paths[path]["get"]["responses"]
        assert list(responses["200"]["content"]) == ["application/json"]
        assert "404" in responses
