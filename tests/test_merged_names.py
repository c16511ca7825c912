"""Names and ids of records that were merged: they mean the other record, and its past as well."""

from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.amending import merge
from db.enums import Resource
from db.writes import writing
from tests.asking import ask, found
from tests.releasing import release
from tests.synthetic import actor, claim, exchange, mediation
from tests.writing import made, put

pytestmark = pytest.mark.anyio
R = Resource


async def merged(engine: AsyncEngine, resource: Resource, old: str, into: str) -> int:
    async with engine.connect() as connection:
        async with writing(connection, "a test") as write:
            await merge(write, resource, old, into)
        await connection.commit()
    return write.outcome().revision


@pytest.fixture
async def merging(loaded_engine: AsyncEngine) -> AsyncEngine:
    """The shipped dataset with two made-up actors that turn out to be one, and an exchange of each."""
    await put(loaded_engine, *(made(R.ACTOR, actor(id_)) for id_ in ("north", "south", "east", "orient")))
    cited = "al-jazeera-2024-12-30"
    for id_, brokers in (("first-of-two", ["orient"]), ("second-of-two", ["east"])):
        record = exchange(
            id_,
            citations=[cited],
            claims=[claim(f"{id_}:c1", citations=[cited], claimant=brokers[0])],
            mediations=[
                mediation(f"{id_}:m{n}", actor=broker, citations=[cited]) for n, broker in enumerate(brokers)
            ],
        )
        await put(loaded_engine, made(R.EXCHANGE, record))
    return loaded_engine


BOTH = {"first-of-two", "second-of-two"}


async def test_an_old_id_is_a_name_of_the_other(merging: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    assert await found(own_client, "/v1/exchanges", {"mediator": "orient"}) == {"first-of-two"}
    before = (await ask(own_client, "/v1/dataset")).json()["dataset"]["revision"]
    await merged(merging, R.ACTOR, "orient", "east")
    for name in ("orient", "east", "Land orient"):
        response = await ask(own_client, "/v1/exchanges", {"mediator": name})
        assert response.json()["meta"]["query"] == {"mediator": ["east"]}
        assert {record["id"] for record in response.json()["data"]} == BOTH
    for name in ("orient", "east"):
        for query in ({"mediator": name}, {"mediator_all": name}, {"claimant": name}, {"q": f"Land {name}"}):
            past = query | {"as_of": before}
            assert await found(own_client, "/v1/exchanges", past) == BOTH, query
        assert not BOTH & await found(own_client, "/v1/exchanges", {"mediator_not": name, "as_of": before})
    single = await ask(own_client, "/v1/actors/orient", {"as_of": before})
    assert single.status_code == 200
    gone = await ask(own_client, "/v1/actors/orient", {"as_of": before + 1})
    assert (gone.status_code, gone.headers["location"]) == (308, f"/v1/actors/east?as_of={before + 1}")


async def test_a_release_keeps_its_records_and_a_citation_its_names_too(
    merging: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    await release(merging, "2026.11.1")
    query = {"mediator": "orient", "release": "2026.11.1"}
    address = f"/v1/exchanges?{urlencode(query)}"
    citation = (await own_client.post("/v1/citations", json={"url": address})).json()
    assert await found(own_client, "/v1/exchanges", query) == {"first-of-two"}
    rows = (await ask(own_client, citation["url"])).content
    await merged(merging, R.ACTOR, "orient", "east")
    answer = (await ask(own_client, "/v1/exchanges", query)).json()
    assert {record["id"] for record in answer["data"]} == BOTH
    assert {each["id"]: [m["actor"] for m in each["mediations"]] for each in answer["data"]} == {
        "first-of-two": ["orient"],
        "second-of-two": ["east"],
    }
    assert citation["rows"] == rows.count(b"\n") == 1
    assert (await ask(own_client, citation["url"])).content == rows


async def test_a_walk_is_not_changed_by_a_merge(merging: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    before = (await ask(own_client, "/v1/dataset")).json()["dataset"]["revision"]
    cited = "al-jazeera-2024-12-30"
    third = exchange("third-of-two", citations=[cited], claims=[], mediations=[])
    third["mediations"] = [mediation("third-of-two:m1", actor="east", citations=[cited])]
    await put(merging, made(R.EXCHANGE, third))
    page = (
        await ask(own_client, "/v1/exchanges", {"mediator": "east", "limit": 1, "as_of": before + 1})
    ).json()
    assert page["meta"]["total"] == 2
    await merged(merging, R.ACTOR, "orient", "east")
    rest = (await ask(own_client, page["meta"]["next"])).json()
    assert {record["id"] for record in page["data"] + rest["data"]} == {"second-of-two", "third-of-two"}
    assert rest["meta"]["next"] is None


async def test_merges_of_merges(merging: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    before = (await ask(own_client, "/v1/dataset")).json()["dataset"]["revision"]
    await put(merging, made(R.ACTOR, actor("levant")))
    await merged(merging, R.ACTOR, "orient", "east")
    await merged(merging, R.ACTOR, "east", "levant")
    for name in ("orient", "east", "levant"):
        assert await found(own_client, "/v1/exchanges", {"mediator": name}) == BOTH
        assert await found(own_client, "/v1/exchanges", {"mediator": name, "as_of": before}) == BOTH
    assert (await ask(own_client, "/v1/actors/orient")).headers["location"] == "/v1/actors/levant"


async def test_directions_and_looked_up_ids(merging: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    before = (await ask(own_client, "/v1/dataset")).json()["dataset"]["revision"]
    await put(merging, made(R.ACTOR, actor("nord")))
    await merged(merging, R.ACTOR, "north", "nord")
    await merged(merging, R.ARTICLE, "al-jazeera-2024-12-30", "novosti-mira-624af9")
    for query in ({"direction": "north.south"}, {"direction": "nord.south"}):
        now = await found(own_client, "/v1/claims", query)
        assert now == {"first-of-two:c1", "second-of-two:c1"}
        assert await found(own_client, "/v1/claims", query | {"as_of": before}) == now
    for id_ in ("al-jazeera-2024-12-30", "novosti-mira-624af9"):
        assert await found(own_client, "/v1/exchanges", {"article": id_}) >= BOTH
        assert await found(own_client, "/v1/exchanges", {"article": id_, "as_of": before}) >= BOTH
