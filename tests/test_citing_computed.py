"""Citing a number: statistics, reconciliations and disagreements, and files of rows given for the rows."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api import citingviews
from db.amending import merge
from db.enums import Resource
from db.session import write_engine
from db.writes import writing
from tests.applications import application, running
from tests.asking import ask
from tests.blanking import NAME, blank
from tests.contract import NEW_YEAR
from tests.databases import own_database
from tests.synthetic import actor, claim, exchange
from tests.test_citations import cite, cited, digest, records
from tests.test_http_shell import problem_of
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
MEDIATED = "/v1/stats?group_by=mediator&year=2024&counted_by=uae"
ASKED = (
    "stats?group_by=year&received_by=ukraine",
    MEDIATED.removeprefix("/v1/"),
    "stats?year=2025&measure=remains",
    "stats?group_by=claimant&group_by=quarter&counted_by=uae&counted_by=ukraine&common=true&fill=true",
    "stats?group_by=month&fill=true&date_from=2024-01-01&date_to=2024-06-30&q=exchanged",
    "reconciliation?claimant=uae",
    "reconciliation?claimant=ukraine&measure=persons&category_not=remains",
    "disagreements?between=ukraine&between=russia&sort=-spread",
    "citations.ndjson?publisher=tass&resource=total",
)


@pytest.mark.parametrize("asked", ASKED)
async def test_what_is_computed_is_cited_like_a_list(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, asked: str
) -> None:
    citation = await cited(own_client, f"/v1/{asked}")
    assert (citation["dataset_revision"], citation["release"], citation["notes"]) == (1, "2026.11", [])
    data = await records(own_client, citation)
    assert (digest(data), data.count(b"\n")) == (citation["sha256"], citation["rows"])
    name, _, query = asked.partition("?")
    export = f"/v1/{name.removesuffix('.ndjson')}.ndjson?{query}&as_of=1"
    assert data == (await ask(own_client, export)).content
    # another exchange of that time, by another count and broker, and another name for who counts
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, NEW_YEAR, claims=[], mediations=[]))
    await put(loaded_engine, await changed(loaded_engine, R.ACTOR, "uae", aliases=["exchanged"]))
    assert await records(own_client, citation) == data
    assert (await ask(own_client, citation["links"]["self"])).json() == citation
    assert (await cited(own_client, f"/v1/{asked}"))["id"] != citation["id"]


async def test_the_number_that_was_read_is_the_one_that_is_cited(own_client: httpx.AsyncClient) -> None:
    citation = await cited(own_client, MEDIATED)
    assert citation["query"] == {"counted_by": ["uae"], "group_by": ["mediator"], "year": ["2024"]}
    assert "[stats: counted_by=uae, group_by=mediator, year=2024]" in citation["text"]
    read = (await ask(own_client, citation["links"]["records"])).json()
    [cell] = [cell for cell in read["data"] if cell["group"] == "uae"]
    assert f'"best":{cell["best"]},' in (await records(own_client, citation)).decode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MEDIATED, f"{MEDIATED}&measure=persons&common=false&fill=false"),
        (MEDIATED, "/stats?counted_by=ОАЭ&group_by=mediator&year=2024"),
        (MEDIATED, f"{MEDIATED}&as_of=1"),
        (MEDIATED, f"{MEDIATED.replace('/stats', '/stats.csv')}&release=2026.11"),
        ("/v1/exchanges?year=2024", "/exchanges.parquet?year=2024&sort=-date"),
        ("/v1/disagreements?between=russia&between=ukraine", "/disagreements?between=ukraine&between=russia"),
        (
            "/v1/reconciliation?claimant=uae&claimant=none",
            "/v1/reconciliation.xlsx?claimant=none&claimant=uae",
        ),
    ],
)
async def test_however_it_is_spelt_it_has_one_citation(
    own_client: httpx.AsyncClient, one: str, other: str
) -> None:
    first, again = await cite(own_client, one), await cite(own_client, other)
    assert (first.status_code, again.status_code) == (201, 200), again.text
    assert again.json() == first.json()


async def test_the_order_of_dimensions_counts(own_client: httpx.AsyncClient) -> None:
    one = await cited(own_client, "/v1/stats?group_by=year&group_by=mediator")
    other = await cited(own_client, "/v1/stats?group_by=mediator&group_by=year")
    assert one["id"] != other["id"]
    assert one["query"]["group_by"] == ["year", "mediator"]
    assert (await records(own_client, one)).startswith(b'{"group":"2014","group2":')


async def test_a_merge_changes_no_number_that_was_cited(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        engine = write_engine(url)
        await put_small(engine)
        await put(engine, made(R.ACTOR, actor("orient")))
        await put(
            engine, await changed(engine, R.EXCHANGE, "first", claims=[claim("first:c1", claimant="east")])
        )
        asked = "/v1/stats?counted_by=orient&common=true"
        before = await cited(client, asked)
        data = await records(client, before)
        assert b'"directions_stated":0,' in data
        async with engine.connect() as connection:
            async with writing(connection, "the same") as write:
                await merge(write, R.ACTOR, "east", "orient")
            await connection.commit()
        assert await records(client, before) == data
        assert (await ask(client, before["links"]["self"])).json() == before
        now = await cited(client, f"{asked}&as_of={before['dataset_revision']}")
        assert now["id"] != before["id"]
        assert b'"directions_stated":1,' in await records(client, now)
        await engine.dispose()


@pytest.mark.parametrize("asked", ["/v1/stats", "/v1/disagreements?sort=date"])
async def test_what_is_not_computed_as_it_was_is_told_of(
    server_url: str, empty_template: str, asked: str
) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        engine = write_engine(url)
        await put_small(engine)
        apart = [claim("first:c1", claimant="north"), claim("first:c2", claimant="south", count=9)]
        await put(engine, made(R.EXCHANGE, exchange("first", claims=apart, summary=f"{NAME} was freed.")))
        citation = await cited(client, asked)
        tag = (await ask(client, citation["url"])).headers["etag"]
        await put(engine, made(R.EXCHANGE, exchange("first", claims=apart)))
        later = await cited(client, asked)
        await blank(engine, R.EXCHANGE, "first", 2)
        told = (await ask(client, citation["links"]["self"])).json()
        [note] = told["notes"]
        assert note == {"code": "changed", "text": citingviews.CHANGED}
        assert {**told, "notes": []} == citation
        assert digest(await records(client, citation)) != citation["sha256"]
        assert (await ask(client, citation["url"], If_None_Match=tag)).status_code == 200
        assert (await ask(client, later["links"]["self"])).json()["notes"] == []
        await engine.dispose()


@pytest.mark.parametrize(
    "asked", ["/v1/stats?group_by=year", "/v1/reconciliation?claimant=uae", "/disagreements?year=2024"]
)
async def test_pinned_reads_name_where_they_are_cited(own_client: httpx.AsyncClient, asked: str) -> None:
    file = asked.replace("?", ".csv?")
    for url in (f"{asked}&as_of=1", f"{file}&as_of=1"):
        assert "link" not in (await ask(own_client, url)).headers, url
    citation = await cited(own_client, asked)
    for url in (f"{asked}&as_of=1", f"{asked}&release=latest", f"{file}&as_of=1", f"{file}&release=2026.11"):
        assert (await ask(own_client, url)).links["cite-as"]["url"] == f"/c/{citation['id']}", url
    for url in (asked, file, f"{asked}&claimant=none&as_of=1", f"{file}&claimant=none&as_of=1"):
        assert "cite-as" not in (await ask(own_client, url)).links, url


@pytest.mark.parametrize(
    ("url", "parameter", "code"),
    [
        ("/v1/stats?group_by=year&group_by=year", "group_by", "repeated"),
        ("/v1/stats?fill=true", "fill", "contradiction"),
        ("/v1/stats?common=true", "common", "contradiction"),
        ("/v1/stats?group_by=yaer", "group_by", "invalid_value"),
        ("/v1/stats?limit=5", "limit", "unknown_parameter"),
        ("/v1/stats?fields=best", "fields", "unknown_parameter"),
        ("/v1/stats?counted_by=nobody", "counted_by", "unknown_actor"),
        ("/v1/reconciliation", "claimant", "missing"),
        ("/v1/disagreements?between=ukraine", "between", "invalid_value"),
    ],
)
async def test_what_is_not_understood_is_refused_in_its_words(
    own_client: httpx.AsyncClient, url: str, parameter: str, code: str
) -> None:
    problem = problem_of(await cite(own_client, url))
    assert (problem.status, problem.code) == (422, "invalid_query")
    [item] = problem.errors
    assert (item.parameter, item.pointer, item.code) == (parameter, "/url", code)
    [plain] = problem_of(await ask(own_client, url)).errors
    assert item.model_copy(update={"pointer": None}) == plain


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("/v1/exchanges.csv?fields=id&bom=true", ["bom", "fields"]),
        ("/v1/disagreements.csv?limit=5", ["limit"]),
        ("/v1/stats.xlsx?fields=best", ["fields"]),
    ],
)
async def test_a_part_of_a_file_cannot_be_cited(
    client: httpx.AsyncClient, url: str, names: list[str]
) -> None:
    items = problem_of(await cite(client, url)).errors
    assert [(item.parameter, item.pointer, item.code) for item in items] == [
        (name, "/url", "not_applicable") for name in names
    ]
    assert all("leave it out" in item.message for item in items)
