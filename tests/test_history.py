"""What a write leaves behind: numbered revisions with their bodies, in a chain, at increasing times."""

import datetime as dt
import json
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Action, Resource
from db.history import chain_hash
from db.models.history import Dataset, DatasetRevision, Revision
from db.normalising import table
from db.rendering import PLURAL
from db.writes import Outcome, write
from tests.applications import application, running
from tests.synthetic import publisher
from tests.writing import busy, changed, everything, made, put, put_small, small_dataset

pytestmark = pytest.mark.anyio

R = Resource
Told = tuple[str, str, str, int]


def told(outcome: Outcome) -> list[Told]:
    return [(change.resource, change.id, change.action, change.number) for change in outcome.changes]


async def rows(engine: AsyncEngine, model: type[Any], *order: Any) -> list[RowMapping]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(table(model)).order_by(*order))).mappings())


async def revisions(engine: AsyncEngine) -> list[RowMapping]:
    return await rows(engine, Revision, Revision.dataset_revision, Revision.position)


async def first_broken_link(engine: AsyncEngine) -> int | None:
    """Walk the chain, and give the place of the first revision that does not follow from those before it."""
    async with engine.connect() as connection:
        head = (await connection.execute(select(Dataset.head))).scalar_one()
    found = await revisions(engine)
    before = found[0]["previous_hash"]
    for place, row in enumerate(found):
        if row["body"] is not None and sha256(row["body"].encode()).digest() != row["body_sha256"]:
            return place
        if row["previous_hash"] != before or chain_hash(row) != row["hash"]:
            return place
        before = row["hash"]
    return None if before == head else len(found)


async def test_the_first_write_creates_and_the_second_changes_nothing(engine: AsyncEngine) -> None:
    first = await put_small(engine)
    assert (first.revision, first.unchanged) == (1, 0)
    assert {(change.action, change.number, change.before) for change in first.changes} == {
        (Action.CREATED, 1, None)
    }
    before = await everything(engine)
    second = await put_small(engine)
    assert (second.revision, second.changes, second.unchanged) == (1, (), len(first.changes))
    assert await everything(engine) == before


async def test_an_update_counts_on_and_keeps_the_day_of_creation(engine: AsyncEngine) -> None:
    await put_small(engine)
    outcome = await put(engine, await changed(engine, R.TOTAL, "total-1", value=51), reason="a correction")
    assert told(outcome) == [("total", "total-1", "updated", 2)]
    (change,) = outcome.changes
    old, new = json.loads(change.before or ""), json.loads(change.after)
    assert (old["value"], new["value"]) == (50, 51)
    assert (old["revision"], new["revision"]) == (1, 2)
    assert new["created_at"] == old["created_at"] == old["updated_at"] < new["updated_at"]
    assert dt.datetime.fromisoformat(new["updated_at"]) == outcome.at
    row = (await revisions(engine))[-1]
    assert (row["reason"], row["key"], row["at"]) == ("a correction", None, outcome.at)
    assert row["body"] == change.after


async def test_a_write_is_one_dataset_revision_however_much_it_changes(engine: AsyncEngine) -> None:
    await put_small(engine)
    one = await changed(engine, R.TOTAL, "total-1", value=51)
    other = await changed(engine, R.EXCHANGE, "first", summary="Another handover.")
    await put(
        engine,
        one,
        other,
        reason="both",
    )
    await put(engine, await changed(engine, R.TOTAL, "total-1", value=52))
    made_of = await rows(engine, DatasetRevision, DatasetRevision.revision)
    assert [(row["revision"], row["entries"], row["reason"]) for row in made_of] == [
        (1, len(small_dataset()), "a test"),
        (2, 2, "both"),
        (3, 1, "a test"),
    ]
    found = await revisions(engine)
    assert [(row["dataset_revision"], row["position"]) for row in found[-3:]] == [(2, 0), (2, 1), (3, 0)]
    assert {(row["dataset_revision"], row["at"]) for row in found} == {
        (row["revision"], row["at"]) for row in made_of
    }


async def test_the_key_of_a_writer_is_kept(engine: AsyncEngine) -> None:
    await write(engine, [made(R.PUBLISHER, publisher("gazette"))], reason="a test", key="key-1")
    assert [row["key"] for row in await revisions(engine)] == ["key-1"]


async def test_a_stored_body_is_what_is_served(loaded_engine: AsyncEngine, loaded_url: str) -> None:
    await put(loaded_engine, await changed(loaded_engine, R.TOTAL, "total-0001", value=1))
    current = {(row["resource"], row["record_id"]): row for row in await revisions(loaded_engine)}
    chosen = [next(key for key in current if key[0] == resource) for resource in R] + [
        (R.TOTAL, "total-0001")
    ]
    async with running(application(loaded_url)) as client:
        for resource, record_id in chosen:
            path = f"/v1/{PLURAL[Resource(resource)]}/{record_id}"
            answer = await client.get(path, headers={"Accept-Encoding": "identity"})
            row = current[resource, record_id]
            assert (answer.text, answer.headers["ETag"]) == (row["body"], f'"{row["number"]}"')


async def test_a_changed_article_renders_again_what_shows_it_and_nothing_else(engine: AsyncEngine) -> None:
    await put_small(engine)
    outcome = await put(engine, await changed(engine, R.ARTICLE, "page-2", title="A page"))
    assert told(outcome) == [
        ("article", "page-2", "updated", 2),
        ("exchange", "second", "rerendered", 2),
        ("total", "total-2", "rerendered", 2),
    ]
    assert (outcome.revision, outcome.unchanged) == (2, 0)
    for change in outcome.changes[1:]:
        shown = {each["id"]: each["title"] for each in json.loads(change.after)["articles"]}
        assert shown == {"page-2": "A page"}
    agreed = await put(engine, await changed(engine, R.ARTICLE, "page-1", url="https://example.org/new"))
    assert told(agreed) == [
        ("article", "page-1", "updated", 2),
        ("agreement", "talks", "rerendered", 2),
        ("exchange", "first", "rerendered", 2),
        ("total", "total-1", "rerendered", 2),
    ]
    assert {json.loads(each.after)["source_url"] for each in agreed.changes[1:]} == {
        "https://example.org/new"
    }


async def test_what_records_do_not_show_of_an_article_renders_nothing_again(engine: AsyncEngine) -> None:
    await put_small(engine)
    outcome = await put(engine, await changed(engine, R.ARTICLE, "page-2", link_status="alive"))
    assert told(outcome) == [("article", "page-2", "updated", 2)]
    uncited = await put(engine, await changed(engine, R.ARTICLE, "page-3", title="A page"))
    assert told(uncited) == [("article", "page-3", "updated", 2)]


async def test_a_changed_agency_changes_who_stands_behind_the_figures(engine: AsyncEngine) -> None:
    await put_small(engine)
    both = await changed(engine, R.EXCHANGE, "second", citations=["page-1", "page-2"])
    await put(engine, both)
    outcome = await put(engine, await changed(engine, R.ARTICLE, "page-2", agency="herald"))
    bodies = {change.id: json.loads(change.after) for change in outcome.changes}
    assert bodies["second"]["independent_sources"] == 2
    assert (await put_small(engine)).revision == outcome.revision + 1


async def test_an_article_and_its_exchange_in_one_write_make_one_revision_each(engine: AsyncEngine) -> None:
    await put_small(engine)
    page = await changed(engine, R.ARTICLE, "page-2", title="A page")
    record = await changed(engine, R.EXCHANGE, "second", summary="Another handover.")
    outcome = await put(engine, record, page)
    assert told(outcome) == [
        ("article", "page-2", "updated", 2),
        ("exchange", "second", "updated", 2),
        ("total", "total-2", "rerendered", 2),
    ]
    assert json.loads(outcome.changes[1].after)["articles"][0]["title"] == "A page"


async def test_a_renamed_actor_renders_nothing_again(engine: AsyncEngine) -> None:
    await put_small(engine)
    outcome = await put(engine, await changed(engine, R.ACTOR, "north", name="Northland"))
    assert told(outcome) == [("actor", "north", "updated", 2)]


async def test_the_chain_holds_from_the_first_revision_to_the_last(engine: AsyncEngine) -> None:
    await busy(engine)
    assert len(await revisions(engine)) > len(small_dataset()) + 8
    assert await first_broken_link(engine) is None
    numbers: dict[tuple[str, str], list[int]] = {}
    for row in await revisions(engine):
        numbers.setdefault((row["resource"], row["record_id"]), []).append(row["number"])
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@pytest.mark.parametrize(
    "tampered",
    [
        {"body": "{}"},
        {"reason": "another"},
        {"key": "key-1"},
        {"action": "updated"},
        {"number": 9},
        {"record_id": "another"},
        {"at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
        {"body": None, "body_sha256": bytes(32)},
        {"previous_hash": bytes(32)},
        {"hash": bytes(32)},
    ],
    ids="+".join,
)
async def test_tampering_is_noticed(engine: AsyncEngine, tampered: dict[str, Any]) -> None:
    await busy(engine)
    place = 5
    row = (await revisions(engine))[place]
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE revision DISABLE TRIGGER USER")
        here = (Revision.dataset_revision == row["dataset_revision"]) & (Revision.position == row["position"])
        await connection.execute(update(Revision).where(here).values(**tampered))
    assert await first_broken_link(engine) == place


async def test_a_revision_cut_out_of_the_end_is_noticed(engine: AsyncEngine) -> None:
    await busy(engine)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE revision DISABLE TRIGGER USER")
        newest = "(SELECT max(dataset_revision) FROM revision)"
        await connection.exec_driver_sql(f"DELETE FROM revision WHERE dataset_revision = {newest}")
    assert await first_broken_link(engine) == len(await revisions(engine))


async def test_a_blanked_body_does_not_break_the_chain(engine: AsyncEngine) -> None:
    await busy(engine)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE revision SET body = NULL WHERE position = 5")
    assert await first_broken_link(engine) is None
    await put(engine, await changed(engine, R.TOTAL, "total-1", value=99))
    assert await first_broken_link(engine) is None


async def test_times_strictly_increase_even_where_the_clock_steps_back(engine: AsyncEngine) -> None:
    first = await put_small(engine)
    ahead = first.at + dt.timedelta(days=1)
    async with engine.begin() as connection:
        await connection.execute(update(Dataset).values(updated_at=ahead))
    later = [await put(engine, await changed(engine, R.TOTAL, "total-1", value=n)) for n in range(100, 103)]
    times = [ahead, *(outcome.at for outcome in later)]
    assert times == [ahead + dt.timedelta(microseconds=n) for n in range(4)]
    assert [row["at"] for row in await rows(engine, DatasetRevision, DatasetRevision.revision)][1:] == times[
        1:
    ]
