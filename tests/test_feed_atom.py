"""The change feed as Atom: what a feed reader sees."""

import datetime as dt
import re
import uuid
from xml.etree import ElementTree as Xml

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.atom import NAMESPACE
from api.editions import CREATOR
from db.models.history import Dataset
from tests.applications import application, running
from tests.asking import ask
from tests.contract import NEW_YEAR, document
from tests.databases import own_database
from tests.test_changes import PATH, follow, summarise
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio

FEED = "/v1/changes.atom"


def named(*path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in path)


def text(element: Xml.Element, *path: str) -> str:
    [found] = element.findall(named(*path))
    return found.text or ""


def links(element: Xml.Element) -> dict[str, str]:
    return {link.attrib["rel"]: link.attrib["href"] for link in element.findall(named("link"))}


def entries(feed: Xml.Element) -> list[Xml.Element]:
    return feed.findall(named("entry"))


async def read(client: httpx.AsyncClient, path: str = FEED) -> Xml.Element:
    response = await ask(client, path)
    assert response.status_code == 200, response.text
    return Xml.fromstring(response.content)


async def test_what_a_reader_needs_is_there(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    await summarise(loaded_engine, "Synthetic.", reason="the first reason")
    response = await ask(own_client, FEED)
    assert response.headers["content-type"] == "application/atom+xml"
    feed = Xml.fromstring(response.content)
    assert feed.tag == named("feed")
    epoch = (await ask(own_client, "/v1/changes", {"limit": 1})).json()["meta"]["epoch"]
    assert uuid.UUID(text(feed, "id")).hex == epoch
    assert text(feed, "title")
    assert links(feed)["self"] == f"http://testserver{FEED}"
    assert len(entries(feed)) == 50
    newest, *loaded = entries(feed)
    assert text(newest, "title") == f"exchange {NEW_YEAR} updated"
    assert text(newest, "summary") == "the first reason\nChanged: summary."
    assert text(newest, "author", "name") == "k (Test)"
    assert links(newest) == {
        "alternate": f"http://testserver{PATH}/revisions/2",
        "latest-version": f"http://testserver{PATH}",
    }
    assert text(loaded[0], "author", "name") == text(feed, "author", "name") == CREATOR
    assert text(loaded[0], "summary") == "the shipped dataset"
    for link in links(newest).values():
        assert (await ask(own_client, link)).status_code == 200
    [told] = await follow(own_client, {"since": 1})
    for moment in (text(feed, "updated"), text(newest, "updated")):
        assert dt.datetime.fromisoformat(moment) == dt.datetime.fromisoformat(str(told["at"]))


async def test_pages_go_back_to_the_first_change(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    await summarise(loaded_engine, "Synthetic.")
    path: str | None = f"{FEED}?limit=700"
    found: list[Xml.Element] = []
    while path:
        feed = await read(own_client, path)
        assert links(feed)["self"] == f"http://testserver{path}"
        found += entries(feed)
        path = links(feed).get("next", "").removeprefix("http://testserver")
        if len(found) == 700:
            await summarise(loaded_engine, "Synthetic again.")  # moves nothing on the pages that follow
    told = await follow(own_client, {"limit": 1000})
    titles = [f"{each['resource']} {each['id']} {each['action']}" for each in told]
    assert [text(entry, "title") for entry in found] == titles[-2::-1]
    ids = [text(entry, "id") for entry in found]
    assert len(set(ids)) == len(ids) == 2113
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", each) for each in ids)
    newest = entries(await read(own_client, f"{FEED}?limit=700"))
    assert [text(entry, "id") for entry in newest][1:] == ids[:699]


async def test_a_restored_dataset_is_another_feed(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    before = await read(own_client, f"{FEED}?limit=1")
    async with loaded_engine.begin() as connection:
        await connection.execute(update(Dataset).values(epoch=uuid.uuid4()))
    after = await read(own_client, f"{FEED}?limit=1")
    assert text(after, "id") != text(before, "id")
    assert text(entries(after)[0], "id") != text(entries(before)[0], "id")
    stale = await ask(own_client, links(before)["next"])
    assert (stale.status_code, problem_of(stale).code) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("<b>bold</b> & \"quoted\" ]]> 'too'", "<b>bold</b> & \"quoted\" ]]> 'too'"),
        ("a\x0bcontrol\x1f character", "a\ufffdcontrol\ufffd character"),
        ("обмен 🕊", "обмен 🕊"),
    ],
)
async def test_any_reason_is_well_formed(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, reason: str, shown: str
) -> None:
    await summarise(loaded_engine, "Synthetic.", reason=reason)
    feed = await read(own_client)
    assert text(entries(feed)[0], "summary").splitlines()[0] == shown


async def test_a_copy_that_still_holds_is_not_sent_again(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    first = await ask(own_client, FEED)
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    again = await ask(own_client, FEED, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert (await ask(own_client, FEED, If_Modified_Since=first.headers["last-modified"])).status_code == 304
    await summarise(loaded_engine, "Synthetic.")
    assert (await ask(own_client, FEED, If_None_Match=first.headers["etag"])).status_code == 200


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_head_is_get_without_a_body(client: httpx.AsyncClient, encoding: str) -> None:
    sent = {"X-Request-ID": "the-same", "Accept-Encoding": encoding}
    get, head = [await client.request(method, FEED, headers=sent) for method in ("GET", "HEAD")]
    for answer in (get, head):
        del answer.headers["server-timing"]
    assert (head.status_code, head.content, dict(head.headers)) == (200, b"", dict(get.headers))
    assert ("content-encoding" in get.headers) is (encoding == "gzip")


async def test_addresses_are_those_that_the_client_used(client: httpx.AsyncClient) -> None:
    other = await ask(client, FEED, Host="feed.example.org:8080")
    assert links(Xml.fromstring(other.content))["self"] == f"http://feed.example.org:8080{FEED}"
    assert other.headers["etag"] != (await ask(client, FEED)).headers["etag"]
    for host in ("[", "a b", "x<y"):  # what is no host is not printed anywhere
        assert problem_of(await ask(client, FEED, Host=host)).code == "bad_request"
    alias = await ask(client, "/changes.atom", {"limit": 2})
    assert links(Xml.fromstring(alias.content))["self"] == f"http://testserver{FEED}?limit=2"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "text/html", "*/*;q=0"])
async def test_other_media_types_are_refused(client: httpx.AsyncClient, accept: str) -> None:
    assert problem_of(await ask(client, FEED, Accept=accept)).code == "not_acceptable"


@pytest.mark.parametrize("accept", ["*/*", "application/atom+xml", "text/html, application/*;q=0.5"])
async def test_readers_are_answered(client: httpx.AsyncClient, accept: str) -> None:
    assert (await ask(client, FEED, Accept=accept)).status_code == 200


@pytest.mark.parametrize("query", [{"since": 1}, {"limit": 0}, {"limit": 1001}, {"as_of": 1}, {"cursor": ""}])
async def test_what_is_not_understood_is_refused(client: httpx.AsyncClient, query: dict[str, object]) -> None:
    response = await ask(client, FEED, query)
    assert response.status_code == 422
    assert [each.parameter for each in problem_of(response).errors] == list(query)


async def test_cursors_of_other_lists_are_refused(client: httpx.AsyncClient) -> None:
    ours = links(await read(client, f"{FEED}?limit=1"))["next"].partition("cursor=")[2].partition("&")[0]
    assert (await ask(client, "/v1/changes", {"cursor": ours})).status_code == 400
    for path in ("/v1/changes", "/v1/exchanges"):
        cursor = (await ask(client, path, {"limit": 1})).json()["meta"]["next_cursor"]
        assert (await ask(client, FEED, {"cursor": cursor})).status_code == 400


async def test_before_anything_was_written_it_is_empty(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        feed = await read(client)
        assert entries(feed) == []
        assert (text(feed, "author", "name"), "next" in links(feed)) == (CREATOR, False)
        dt.datetime.fromisoformat(text(feed, "updated"))


def test_the_contract_tells_its_media_type() -> None:
    operation = document()["paths"][FEED]["get"]
    assert operation["operationId"] == "get_changes_atom"
    assert list(operation["responses"]["200"]["content"]) == ["application/atom+xml"]
    assert {"200", "304", "400", "406", "414", "422", "500", "503"} <= set(operation["responses"])
    assert [parameter["name"] for parameter in operation["parameters"]] == ["limit", "cursor"]
