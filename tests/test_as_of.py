"""`as_of` on every read: by number, by time and by day, with filters and totals as of then."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.models.history import Dataset
from db.session import write_engine
from tests.applications import application, running
from tests.databases import own_database
from tests.synthetic import actor, agreement, article, claim, coverage, exchange, mediation, publisher, total
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class History:
    """A client of a dataset of four revisions, and when each was written.

    1: the small dataset; 2: `first` gets a mediator, page-2 a title; 3: one more record of each kind; 4: a
    change of every kind of record.
    """

    client: httpx.AsyncClient
    times: tuple[dt.datetime, ...]

    async def get(self, path: str, as_of: object = None, **parameters: str) -> httpx.Response:
        asked = parameters if as_of is None else {**parameters, "as_of": spelt(as_of)}
        return await self.client.get(f"/v1/{path}", params=asked)

    async def body(self, path: str, as_of: object = None, **parameters: str) -> Any:
        answer = await self.get(path, as_of, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ids(self, path: str, as_of: object = None, **parameters: str) -> list[str]:
        body = await self.body(path, as_of, **parameters)
        assert body["meta"]["total"] == len(body["data"])
        return sorted(each["id"] for each in body["data"])


def spelt(as_of: object) -> str:
    return as_of.isoformat() if isinstance(as_of, dt.datetime) else str(as_of)


def zulu(moment: dt.datetime) -> str:
    """Write a moment as answers do."""
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
async def history(server_url: str, empty_template: str) -> AsyncIterator[History]:
    async with own_database(server_url, empty_template) as url:
        engine = write_engine(url)
        outcomes = [await put_small(engine)]
        brokered = [mediation("first:m1", actor="south", role="host")]
        outcomes.append(
            await put(
                engine,
                await changed(engine, R.EXCHANGE, "first", mediations=brokered),
                await changed(engine, R.ARTICLE, "page-2", title="A page"),
            )
        )
        new = exchange("third", date="2020-05-01", mediations=[mediation("third:m1")])
        outcomes.append(
            await put(
                engine,
                made(R.ACTOR, actor("west")),
                made(R.PUBLISHER, publisher("echo")),
                made(R.ARTICLE, article("page-4")),
                made(R.AGREEMENT, agreement("more-talks")),
                made(R.EXCHANGE, new),
                made(R.TOTAL, total("total-3")),
                made(R.COVERAGE, coverage("summer")),
            )
        )
        outcomes.append(
            await put(
                engine,
                await changed(engine, R.ACTOR, "west", aliases=["Occident"]),
                await changed(engine, R.PUBLISHER, "echo", aliases=["Clarion"]),
                await changed(engine, R.ARTICLE, "page-4", title="Page four"),
                await changed(engine, R.AGREEMENT, "more-talks", status="fulfilled"),
                await changed(
                    engine,
                    R.EXCHANGE,
                    "third",
                    claims=[claim("third:c1", count=8)],
                    mediations=[mediation("third:m1", role="host")],
                ),
                await changed(engine, R.TOTAL, "total-3", value=51),
                await changed(engine, R.COVERAGE, "summer", status="incomplete"),
            )
        )
        await engine.dispose()
        async with running(application(url)) as client:
            yield History(client, tuple(outcome.at for outcome in outcomes))


# A list, something in it that revision 3 made, and a filter that holds for it since revision 4 only.
RECORDS = [
    ("actors", "west", {}),
    ("publishers", "echo", {}),
    ("articles", "page-4", {"q": "four"}),
    ("agreements", "more-talks", {"status": "fulfilled"}),
    ("exchanges", "third", {"min_persons": "8"}),
    ("exchanges", "third", {"mediator_role": "host", "mediator": "east"}),
    ("totals", "total-3", {"min_value": "51"}),
    ("coverage", "summer", {"status": "incomplete"}),
    ("claims", "third:c1", {"min_count": "8"}),
    ("mediations", "third:m1", {"mediator": "east", "mediator_role": "host"}),
]


@pytest.mark.parametrize(("path", "id_", "since_4"), RECORDS)
async def test_lists_and_records_as_they_were(
    history: History, path: str, id_: str, since_4: dict[str, str]
) -> None:
    before, made_, newest = [await history.ids(path, n) for n in (2, 3, 4)]
    assert id_ not in before
    assert set(made_) - set(before) == ({id_, "third:c2"} if path == "claims" else {id_})
    assert newest == await history.ids(path)
    assert (await history.get(f"{path}/{id_}", 2)).status_code == 404
    then, now = await history.body(f"{path}/{id_}", 3), await history.body(f"{path}/{id_}")
    assert then != now == await history.body(f"{path}/{id_}", 4)
    listed = await history.body(path, 3)
    assert then in listed["data"]
    assert listed["meta"]["dataset"]["revision"] == 3
    assert then.get("revision", 1) == 1
    if since_4:
        assert id_ in await history.ids(path, **since_4)
        assert id_ in await history.ids(path, 4, **since_4)
        assert id_ not in await history.ids(path, 3, **since_4)


@pytest.mark.parametrize("path", sorted({path for path, *_ in RECORDS} | {"figures", "mediators"}))
async def test_a_record_of_the_first_revision_is_read_at_any_later_one(history: History, path: str) -> None:
    first = await history.body(path, 1)
    assert first["data"]
    assert first["meta"]["dataset"] == {
        "revision": 1,
        "release": None,
        "updated_at": zulu(history.times[0]),
    }
    assert first["meta"]["query"] == {"as_of": ["1"]}
    by_time = await history.body(path, history.times[0])
    assert by_time["data"] == first["data"]
    if path != "figures":
        id_ = first["data"][0]["id"]
        assert await history.body(f"{path}/{id_}", 1) == first["data"][0]


async def test_figures_as_they_were(history: History) -> None:
    async def best(as_of: int) -> dict[tuple[str, str], int]:
        found = (await history.body("figures", as_of))["data"]
        return {(each["exchange"], each["measure"]): each["best"] for each in found}

    small = {("first", "persons"): 5, ("first", "military"): 5, ("second", "persons"): 7}
    assert await best(1) == await best(2) == small
    assert await best(3) == small | {("third", "persons"): 5, ("third", "military"): 5}
    assert await best(4) == small | {("third", "persons"): 8}


async def test_mediators_as_they_were(history: History) -> None:
    async def counted(as_of: int) -> dict[str, int]:
        found = (await history.body("mediators", as_of))["data"]
        return {each["id"]: each["exchanges"] for each in found}

    assert await counted(1) == {"east": 1}
    assert await counted(2) == {"east": 1, "south": 1}
    assert await counted(3) == await counted(4) == {"east": 2, "south": 1}
    assert (await history.get("mediators/south", 1)).status_code == 404
    assert (await history.body("mediators/east", 3))["counts"] == [
        {"role": "mediator", "stance": "asserts", "claimant": None, "exchanges": 2}
    ]
    assert len((await history.body("mediators/east", 4))["counts"]) == 2


async def test_the_dataset_as_it_was(history: History) -> None:
    sizes = [(await history.body("dataset", n))["counts"] for n in (1, 2, 3, 4)]
    assert [size["exchanges"] for size in sizes] == [2, 2, 3, 3]
    assert [size["mediations"] for size in sizes] == [1, 2, 3, 3]
    assert [size["claims"] for size in sizes] == [3, 3, 5, 4]
    assert [size["articles"] for size in sizes] == [3, 3, 4, 4]
    first = await history.body("dataset", 1)
    assert first["dataset"]["revision"] == 1
    assert (first["first_exchange"], first["last_exchange"]) == ("2020-01-01", "2020-03-01")


async def test_exchanges_of_an_article_as_they_were(history: History) -> None:
    assert await history.ids("articles/page-1/exchanges", 2) == ["first"]
    assert await history.ids("articles/page-1/exchanges", 3) == ["first", "third"]


async def test_what_came_later_is_not_found_before(history: History) -> None:
    assert await history.ids("exchanges", 1, mediator="south") == []
    assert await history.ids("exchanges", 2, mediator="south") == ["first"]
    assert await history.ids("exchanges", 1, mediator="none") == ["first"]
    assert await history.ids("exchanges", 2, mediator="none") == []
    assert await history.ids("exchanges", 2, year="2020") == ["first", "second"]
    assert await history.ids("articles", 1, q="page") == []
    assert await history.ids("articles", 2, q="page") == ["page-2"]
    assert (await history.body("exchanges/second", 1))["articles"][0]["title"] is None
    assert (await history.body("exchanges/second", 2))["articles"][0]["title"] == "A page"


async def test_a_time_is_inclusive_to_the_microsecond(history: History) -> None:
    for number, at in enumerate(history.times, start=1):
        read = await history.body("exchanges", at)
        assert read["meta"]["dataset"]["revision"] == number
        if number > 1:
            just_before = await history.body("exchanges", at - MICROSECOND)
            assert just_before["meta"]["dataset"]["revision"] == number - 1
    east = history.times[1].astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    assert (await history.body("exchanges", east))["meta"]["dataset"]["revision"] == 2
    assert (await history.body("exchanges", zulu(history.times[1])))["meta"]["dataset"]["revision"] == 2
    assert (await history.get("exchanges/third", history.times[2] - MICROSECOND)).status_code == 404
    assert (await history.get("exchanges/third", history.times[2])).status_code == 200


LIVE, PINNED = "must-revalidate", "max-age=86400"


async def test_what_is_pinned_and_what_is_live(history: History) -> None:
    newest = history.times[-1]
    today = max(dt.datetime.now(dt.UTC).date(), newest.date())
    for as_of, lasting in (
        (None, LIVE),
        (newest, LIVE),
        (newest + MICROSECOND, LIVE),
        (today, LIVE),
        (4, PINNED),
        (1, PINNED),
        (history.times[0], PINNED),
        (newest - MICROSECOND, PINNED),
    ):
        for path in ("exchanges", "exchanges/first", "dataset", "mediators"):
            answer = await history.get(path, as_of)
            assert answer.status_code == 200, (path, as_of, answer.text)
            assert lasting in answer.headers["Cache-Control"], (path, as_of)
    for path in ("exchanges", "exchanges/first"):
        assert (await history.get(path, 1)).headers["X-Dataset-Revision"] == "1"
        assert (await history.get(path, today)).headers["X-Dataset-Revision"] == "4"


PATHS = ["exchanges", "figures", "claims", "mediations", "mediators", "articles", "publishers", "actors"]
PATHS += ["agreements", "totals", "coverage", "dataset", "exchanges/first", "claims/first:c1", "actors/north"]
PATHS += ["mediators/east", "articles/page-1/exchanges"]


@pytest.mark.parametrize("path", PATHS)
async def test_out_of_reach_is_422_and_names_the_bounds(history: History, path: str) -> None:
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    for as_of, named in (
        (0, "revision 4"),
        (5, "4"),
        (99999999999999999999, "revision 4"),
        (history.times[0] - MICROSECOND, zulu(history.times[0])),
        ("2000-01-01", zulu(history.times[0])),
        (tomorrow, zulu(history.times[-1])),
        (tomorrow.date(), zulu(history.times[-1])),
        ("9999-12-31", "revision 4"),
    ):
        answer = await history.get(path, as_of)
        assert answer.status_code == 422, (as_of, answer.text)
        (error,) = answer.json()["errors"]
        assert error["parameter"] == "as_of"
        assert named in error["message"], as_of


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "now", "-1", "+1", "1.0", "1,2", "0x1", "٣", "2020-1-1", "2020-13-01"),
        *("2020-02-30", "2020-01-01T00:00:00", "2020-01-01 00:00:00Z", "20200101T000000Z"),
        *("2020-01-01T25:00:00Z", "0000-01-01", "2020-01-01T00:00:00+99:00"),
    ],
)
async def test_what_is_no_state_is_422(history: History, text: str) -> None:
    for path in ("exchanges", "exchanges/first", "mediators", "dataset"):
        answer = await history.client.get(f"/v1/{path}?as_of={quote(text)}")
        assert answer.status_code == 422, text
        assert [error["parameter"] for error in answer.json()["errors"]] == ["as_of"]


async def test_before_anything_was_written_there_is_no_past(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        assert (await client.get("/v1/exchanges")).json()["meta"]["total"] == 0
        for as_of in ("0", "1", "2020-01-01", f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"):
            answer = await client.get("/v1/exchanges", params={"as_of": as_of})
            assert answer.status_code == 422, as_of


async def test_the_time_that_an_answer_tells_can_be_asked_for(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    """Even where the clock of the database is ahead of the application's."""
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    async with loaded_engine.begin() as connection:
        await connection.execute(update(Dataset).values(updated_at=ahead))
    await put(loaded_engine, await changed(loaded_engine, R.TOTAL, "total-0001", value=1))
    told = (await own_client.get("/v1/totals")).json()["meta"]["dataset"]
    answer = await own_client.get("/v1/totals", params={"as_of": told["updated_at"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["meta"]["dataset"] == told


async def test_a_live_read_moves_on_and_a_pinned_one_does_not(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    async def value(**parameters: str) -> int:
        answer = await own_client.get("/v1/totals/total-0001", params=parameters)
        return int(answer.json()["value"])

    old = await value()
    items = [await changed(loaded_engine, R.TOTAL, "total-0001", value=old + n) for n in (1, 2)]
    await asyncio.gather(*(put(loaded_engine, item) for item in items))
    assert await value(as_of="1") == old
    assert {await value(as_of="2"), await value(as_of="3")} == {old + 1, old + 2}
    assert await value() == await value(as_of="3")
