"""Exchanges for feed readers and calendars: valid documents, every filter, one state."""

import datetime as dt
import re
import uuid
from xml.etree import ElementTree as Xml

import httpx
import pytest
from icalendar import Calendar, Event
from sqlalchemy.ext.asyncio import AsyncEngine

from api.eventfeeds import when
from db.enums import DatePrecision, Resource
from db.records import Exchange
from tests.asking import ask, walk
from tests.contract import NEW_YEAR, document
from tests.test_feed_atom import entries, links, named, read, text
from tests.test_http_shell import problem_of
from tests.writing import changed, put

pytestmark = pytest.mark.anyio

R = Resource
ATOM = "/v1/exchanges.atom"
ICS = "/v1/exchanges.ics"
HERE = "http://testserver"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# Filters of every sort, with as_of and release.
QUERIES = [
    {},
    {"mediator": "UAE", "year": 2025},
    {"received_by": "ukraine", "category": "wounded"},
    {"q": "exchange", "mediator_not": "uae"},
    {"agreement": "none", "date_from": "2024-01-01", "as_of": 1},
    {"kind": "remains", "release": "2026.11"},
    {"year": 1999},
]


def record_of(entry: Xml.Element) -> str:
    return links(entry)["alternate"].rpartition("/")[2]


def check_valid(feed: Xml.Element) -> None:
    """Check what RFC 4287 asks of every feed and entry."""
    assert feed.tag == named("feed")
    for element in (feed, *entries(feed)):
        assert uuid.UUID(text(element, "id")).urn == text(element, "id")
        assert text(element, "title").strip()
        assert RFC_3339.fullmatch(text(element, "updated"))
        assert text(element, "author", "name")
        relations = [(link.get("rel"), link.get("type")) for link in element.findall(named("link"))]
        assert len(set(relations)) == len(relations)
        assert "alternate" in dict(relations)
    for entry in entries(feed):
        assert text(entry, "summary")
        assert RFC_3339.fullmatch(text(entry, "published"))
        assert text(entry, "published") <= text(entry, "updated")
    ids = [text(entry, "id") for entry in entries(feed)]
    assert len(set(ids)) == len(ids)
    assert links(feed)["self"].startswith(HERE)


def events(response: httpx.Response) -> list[Event]:
    """Give the events of a calendar, read strictly and checked for what RFC 5545 asks of them."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    data = response.content
    assert data.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    read_back = Calendar.from_ical(data)
    assert isinstance(read_back, Calendar)
    assert str(read_back["version"]) == "2.0"
    assert read_back["prodid"]
    assert not read_back.errors
    found: list[Event] = list(read_back.events)
    for event in found:
        assert not event.errors
        assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "URL", "SEQUENCE"} <= set(
            event
        )
        assert type(event.start) is type(event.end) is dt.date
        assert event.start < event.end
    assert len({str(event["uid"]) for event in found}) == len(found)
    return found


def id_of(event: Event) -> str:
    return str(event["url"]).rpartition("/")[2]


# Atom


@pytest.mark.parametrize("query", QUERIES)
async def test_a_feed_has_what_its_list_has(client: httpx.AsyncClient, query: dict[str, object]) -> None:
    response = await ask(client, ATOM, {**query, "limit": 1000})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/atom+xml")
    feed = Xml.fromstring(response.content)
    check_valid(feed)
    rows = await walk(client, "/v1/exchanges", {**query, "sort": "-updated"})
    assert [record_of(entry) for entry in entries(feed)] == [row["id"] for row in rows]
    alternate = await ask(client, links(feed)["alternate"], {"limit": 1} if not query else None)
    assert alternate.json()["meta"]["total"] == len(rows)


async def test_an_entry_tells_the_figures_and_their_source(client: httpx.AsyncClient) -> None:
    feed = await read(client, f"{ATOM}?date_from=2024-12-30&date_to=2024-12-30&mediator=uae")
    [entry] = entries(feed)
    record = (await ask(client, f"/v1/exchanges/{NEW_YEAR}")).json()
    assert text(entry, "title") == "2024-12-30: Prisoner exchange, Russia and Ukraine"
    assert links(entry) == {"alternate": f"{HERE}/v1/exchanges/{NEW_YEAR}", "via": record["source_url"]}
    summary = text(entry, "summary").splitlines()
    assert summary[0] == record["summary"]
    figure = next(each for each in record["figures"] if each["received_by"] == "ukraine")
    assert f"Russia to Ukraine: {figure['best']}" in summary[1]
    assert "by the count of Ukraine" in summary[1]
    assert summary[2].startswith("Brokered, as is said, by ")
    assert "United Arab Emirates" in summary[2]
    assert summary[-1] == f"Source: {record['source_url']}"
    assert dt.datetime.fromisoformat(text(entry, "updated")) == dt.datetime.fromisoformat(
        record["updated_at"]
    )


async def test_pages_show_one_state(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    path: str | None = f"{ATOM}?limit=60&mediator_not=none"
    found: list[str] = []
    feeds = set()
    while path:
        response = await ask(own_client, path)
        feed = Xml.fromstring(response.content)
        check_valid(feed)
        assert links(feed)["self"] == HERE + path
        feeds.add(text(feed, "id"))
        found += [record_of(entry) for entry in entries(feed)]
        path = links(feed).get("next", "").removeprefix(HERE)
        assert (response.links.get("next", {}).get("url") or "") == path
        if len(found) == 60:
            await put(
                loaded_engine, await changed(loaded_engine, R.EXCHANGE, found[-1], summary="Synthetic.")
            )
    rows = await walk(own_client, "/v1/exchanges", {"mediator_not": "none", "as_of": 1, "sort": "-updated"})
    assert found == [row["id"] for row in rows]
    assert len(found) > 60
    assert len(feeds) == 1, "pages of one feed"
    newest = await read(own_client, f"{ATOM}?mediator_not=none")
    assert record_of(entries(newest)[0]) == found[59], "what was written last comes first"
    assert {text(newest, "id")} == feeds
    other = await read(own_client, f"{ATOM}?mediator=uae")
    assert text(other, "id") not in feeds


async def test_an_exchange_keeps_its_entry(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    one = f"{ATOM}?date_from=2024-12-30&date_to=2024-12-30"
    [before] = entries(await read(own_client, one))
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, NEW_YEAR, summary="Synthetic & <new>."))
    [after] = entries(await read(own_client, one))
    assert text(after, "id") == text(before, "id")
    assert text(after, "updated") > text(before, "updated") == text(after, "published")
    assert text(after, "summary").startswith("Synthetic & <new>.")
    [past] = entries(await read(own_client, f"{one}&as_of=1"))
    assert text(past, "summary") == text(before, "summary")


# Calendars


@pytest.mark.parametrize("query", QUERIES)
async def test_a_calendar_has_what_its_list_has(client: httpx.AsyncClient, query: dict[str, object]) -> None:
    found = events(await ask(client, ICS, query))
    rows = await walk(client, "/v1/exchanges", {**query, "sort": "date"})
    assert [id_of(event) for event in found] == [row["id"] for row in rows]
    for event, row in zip(found, rows, strict=True):
        last = dt.date.fromisoformat(row["date_end"] or row["date"])
        assert event.start == dt.date.fromisoformat(row["date"])
        assert event.end == last + dt.timedelta(days=1)
        assert str(event["url"]) == HERE + row["links"]["self"]
        assert int(event["sequence"]) == row["revision"]
        assert str(event["description"]).startswith(row["summary"])
        assert row["source_url"] in str(event["description"])
        assert event["dtstamp"].dt == event["last-modified"].dt
        assert str(event["status"]) == "CONFIRMED"


async def test_an_event_keeps_its_name_and_counts_its_changes(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    query = {"date_from": "2024-12-30", "date_to": "2024-12-30"}
    [before] = events(await ask(own_client, ICS, query))
    places = "Somewhere; nowhere, \\ or\nelsewhere"
    location = {"name": places, "citations": ["al-jazeera-2024-12-30"]}
    fields = {
        "date_end": "2025-01-02",
        "date_precision": "month",
        "status": "announced",
        "location": location,
    }
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, NEW_YEAR, **fields))
    [after] = events(await ask(own_client, ICS, query))
    assert str(after["uid"]) == str(before["uid"]) == f"{NEW_YEAR}@prisoner-exchanges"
    assert (int(before["sequence"]), int(after["sequence"])) == (1, 2)
    assert (after.start, after.end) == (dt.date(2024, 12, 30), dt.date(2025, 1, 3))
    assert str(before["summary"]) == "Prisoner exchange, Russia and Ukraine"
    assert str(after["summary"]) == (
        "Prisoner exchange, Russia and Ukraine (announced) (some day of that month)"
    )
    assert "Of the date, only the month is known." in str(after["description"])
    assert str(after["location"]) == places
    assert str(after["status"]) == "TENTATIVE"
    [past] = events(await ask(own_client, ICS, query | {"as_of": 1}))
    assert past.to_ical() == before.to_ical()


@pytest.mark.parametrize(
    ("precision", "last", "shown"),
    [
        ("day", None, "2020-01-01"),
        ("day", "2020-01-03", "2020-01-01 to 2020-01-03"),
        ("month", None, "2020-01"),
        ("month", "2020-02-01", "2020-01 to 2020-02"),
        ("year", "2020-12-31", "2020"),
    ],
)
def test_days_are_told_as_exactly_as_they_are_known(precision: str, last: str | None, shown: str) -> None:
    record = Exchange.model_construct(
        date=dt.date(2020, 1, 1),
        date_end=last and dt.date.fromisoformat(last),
        date_precision=DatePrecision(precision),
    )
    assert when(record) == shown


async def test_an_exchange_that_was_cancelled_says_so(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    fields = {"status": "cancelled", "claims": [], "mediations": []}
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, NEW_YEAR, **fields))
    query = {"date_from": "2024-12-30", "date_to": "2024-12-30"}
    [event] = events(await ask(own_client, ICS, query))
    assert str(event["status"]) == "CANCELLED"
    feed = Xml.fromstring((await ask(own_client, ATOM, query)).content)
    check_valid(feed)
    [entry] = entries(feed)
    for title, told in (
        (str(event["summary"]), str(event["description"])),
        (text(entry, "title"), text(entry, "summary")),
    ):
        assert title.endswith("Prisoner exchange, Russia and Ukraine (cancelled)")
        assert told.splitlines()[1] == "How many were handed over is not known."
        assert "Brokered" not in told


# Both


@pytest.mark.parametrize("path", [ATOM, ICS])
async def test_copies_that_still_hold_are_not_sent_again(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, path: str
) -> None:
    first = await ask(own_client, path)
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert first.headers["x-dataset-revision"] == "1"
    for condition in (
        {"If_None_Match": first.headers["etag"]},
        {"If_Modified_Since": first.headers["last-modified"]},
    ):
        again = await ask(own_client, path, **condition)
        assert (again.status_code, again.content) == (304, b"")
    tags = {first.headers["etag"]}
    for query in ({"year": 2025}, {"as_of": 1}, {"year": 2024}):
        tags.add((await ask(own_client, path, query)).headers["etag"])
    tags.add((await ask(own_client, path, Host="feed.example.org")).headers["etag"])
    assert len(tags) == 5
    pinned = await ask(own_client, path, {"as_of": 1})
    assert pinned.headers["cache-control"] == "public, max-age=86400"
    assert "memento-datetime" in pinned.headers
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, NEW_YEAR, summary="Synthetic."))
    assert (await ask(own_client, path, If_None_Match=first.headers["etag"])).status_code == 200
    assert (await ask(own_client, path, {"as_of": 1})).content == pinned.content
    head = await own_client.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", [ATOM, ICS])
async def test_what_is_not_understood_is_refused(client: httpx.AsyncClient, path: str) -> None:
    for query, parameter in (
        ({"mediatr": "uae"}, "mediatr"),
        ({"mediator": "nobody"}, "mediator"),
        ({"sort": "-date"}, "sort"),
        ({"year": ""}, "year"),
        ({"as_of": 99}, "as_of"),
        ({"as_of": 1, "release": "2026.11"}, "release"),
        ({"fields": "id"}, "fields"),
        ({"limit": 0 if path == ATOM else 5}, "limit"),
    ):
        response = await ask(client, path, query)
        assert response.status_code == 422, query
        assert [each.parameter for each in problem_of(response).errors] == [parameter]
    assert problem_of(await ask(client, path, Accept="application/json")).code == "not_acceptable"
    assert (await ask(client, path, {"cursor": "x"})).status_code == (400 if path == ATOM else 422)
    assert (await client.post(path)).status_code == 405


async def test_cursors_of_the_list_are_refused(client: httpx.AsyncClient) -> None:
    cursor = (await ask(client, "/v1/exchanges", {"limit": 1})).json()["meta"]["next_cursor"]
    assert problem_of(await ask(client, ATOM, {"cursor": cursor})).code == "invalid_cursor"


async def test_their_paths_are_no_exports(client: httpx.AsyncClient) -> None:
    for path in ("/exchanges.atom?year=2025", "/exchanges.ics?year=2025"):
        alias = await ask(client, path)
        assert (alias.status_code, alias.headers["content-location"]) == (200, f"/v1{path}")
        assert alias.content == (await ask(client, f"/v1{path}")).content
    assert (await ask(client, "/v1/exchanges.csv?year=2025")).headers["content-type"].startswith("text/csv")
    assert problem_of(await ask(client, "/v1/exchanges.rss")).status == 422


@pytest.mark.parametrize(
    ("path", "media_type", "paged"),
    [(ATOM, "application/atom+xml", {"limit", "cursor"}), (ICS, "text/calendar", set())],
)
def test_the_contract_tells_them(path: str, media_type: str, paged: set[str]) -> None:
    operation = document()["paths"][path]["get"]
    assert list(operation["responses"]["200"]["content"]) == [media_type]
    assert {"200", "304", "400", "406", "414", "422", "500", "503"} <= set(operation["responses"])
    names = {parameter["name"] for parameter in operation["parameters"]}
    of_list = {parameter["name"] for parameter in document()["paths"]["/v1/exchanges"]["get"]["parameters"]}
    assert names == (of_list - {"sort", "limit", "cursor"}) | paged
