"""The one door of writes: what it refuses, that it leaves no trace then, who waits for whom, index spans."""

import asyncio
import json
import threading
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from db import rows, storing
from db.base import Base
from db.checks import WriteError
from db.enums import Action, Resource
from db.models.history import Dataset, DatasetRevision, Revision
from db.models.index import Span
from db.normalising import table
from db.rendering import Input
from db.writes import write
from tests.synthetic import actor, agreement, article, claim, coverage, exchange, mediation, publisher, total
from tests.writing import busy, changed, everything, made, put, put_small, stored

pytestmark = pytest.mark.anyio

R = Resource
INDEX_TABLES = sorted(
    (table(mapper.class_) for mapper in Base.registry.mappers if issubclass(mapper.class_, Span)),
    key=lambda each: each.name,
)


async def span_faults(engine: AsyncEngine) -> list[str]:
    """Find rows of index tables that overlap with, or leave a gap before, the next row of the same thing."""
    faults = []
    async with engine.connect() as connection:
        newest = (await connection.execute(select(Dataset.revision))).scalar_one()
        for each in INDEX_TABLES:
            identity = [column for column in each.primary_key if column.name != "from_revision"]
            following = func.lead(each.c.from_revision).over(
                partition_by=identity, order_by=each.c.from_revision
            )
            spans = select(*identity, each.c.from_revision, each.c.to_revision, following.label("following"))
            for *key, start, end, next_start in (await connection.execute(spans)).all():
                whole = start <= newest and (end is None or start < end <= newest)
                gap_allowed = "number" not in each.c  # a part may go and come back, a record may not
                joined = next_start is None or (
                    end is not None and (end <= next_start if gap_allowed else end == next_start)
                )
                if not (whole and joined):
                    faults.append(f"{each.name} {key}: {start} to {end}, then {next_start}")
    return faults


async def open_rows(engine: AsyncEngine, name: str) -> dict[tuple[str, ...], int]:
    """Give the current rows of an index table: what each is of, and since when it stands."""
    each = Base.metadata.tables[name]
    identity = [column for column in each.primary_key if column.name != "from_revision"]
    async with engine.connect() as connection:
        statement = select(*identity, each.c.from_revision).where(each.c.to_revision.is_(None))
        found = (await connection.execute(statement)).all()
    assert len({tuple(row[:-1]) for row in found}) == len(found)
    return {tuple(row[:-1]): row[-1] for row in found}


async def test_spans_neither_overlap_nor_leave_gaps(engine: AsyncEngine) -> None:
    await busy(engine)
    assert await span_faults(engine) == []
    for each in INDEX_TABLES:
        assert await open_rows(engine, each.name), each.name


@pytest.mark.parametrize(
    "fault",
    [
        "UPDATE total_index SET to_revision = NULL WHERE to_revision IS NOT NULL",
        "UPDATE total_index SET to_revision = to_revision - 1 WHERE to_revision > 2",
        "UPDATE claim_index SET to_revision = from_revision WHERE to_revision IS NOT NULL",
        "UPDATE facet_index SET to_revision = 99 WHERE to_revision IS NULL",
    ],
)
async def test_faulty_spans_are_found(engine: AsyncEngine, fault: str) -> None:
    await busy(engine)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(fault)
    assert await span_faults(engine) != []


async def test_only_changed_parts_get_new_rows(engine: AsyncEngine) -> None:
    await put_small(engine)
    claims = [claim("first:c1", count=6), claim("first:c2", category="military")]
    await put(engine, await changed(engine, R.EXCHANGE, "first", claims=claims))
    assert await open_rows(engine, "claim_index") == {("first:c1",): 2, ("first:c2",): 1, ("second:c1",): 1}
    assert await open_rows(engine, "figure_index") == {
        ("first.north.south.persons",): 2,
        ("first.north.south.military",): 1,
        ("second.north.south.persons",): 1,
    }
    assert set((await open_rows(engine, "facet_index")).values()) == {1}
    exchanges = {("first",): 2, ("second",): 1}
    assert await open_rows(engine, "exchange_index") == exchanges


async def test_a_part_that_is_gone_ends_and_may_come_back(engine: AsyncEngine) -> None:
    await put_small(engine)
    brokered = [mediation("second:m1", citations=["page-2"])]
    await put(engine, await changed(engine, R.EXCHANGE, "second", mediations=[]))
    assert await open_rows(engine, "mediation_index") == {}
    await put(engine, await changed(engine, R.EXCHANGE, "second", mediations=brokered))
    assert await open_rows(engine, "mediation_index") == {("second:m1",): 3}
    assert await span_faults(engine) == []


async def test_records_of_two_kinds_may_have_one_id(engine: AsyncEngine) -> None:
    await put_small(engine)
    namesakes = [
        made(R.ACTOR, actor("first")),
        made(R.PUBLISHER, publisher("first")),
        made(R.ARTICLE, article("first")),
        made(R.AGREEMENT, agreement("first")),
        made(R.TOTAL, total("first")),
        made(R.COVERAGE, coverage("first")),
    ]
    await put(engine, *namesakes)
    names = ("claim_index", "mediation_index", "figure_index", "facet_index")
    before = {name: await open_rows(engine, name) for name in names}
    for resource, fields in (
        (R.ARTICLE, {"link_status": "alive"}),
        (R.AGREEMENT, {"title": "More talks"}),
        (R.TOTAL, {"value": 51}),
        (R.COVERAGE, {"statement": "Something."}),
        (R.ACTOR, {"aliases": ["Primus"]}),
        (R.PUBLISHER, {"aliases": ["Prima"]}),
        (R.EXCHANGE, {"summary": "Another handover."}),
    ):
        await put(engine, await changed(engine, resource, "first", **fields))
        assert {name: await open_rows(engine, name) for name in names} == before


OFFENCES: list[tuple[list[Input], list[tuple[str, str, str, str]]]] = [
    (
        [made(R.TOTAL, total("total-3", mediator="nobody", claimant="no-one", citations=["page-9"]))],
        [
            ("total", "total-3", "citations.0", "unknown_article"),
            ("total", "total-3", "claimant", "unknown_actor"),
            ("total", "total-3", "mediator", "unknown_actor"),
        ],
    ),
    (
        [
            made(R.ARTICLE, article("page-4", publisher="unheard", agency="unseen")),
            made(R.ACTOR, actor("west", aliases=["NORTH"], members=["nobody"])),
            made(R.PUBLISHER, publisher("echo", aliases=["Gazette"])),
            made(R.ARTICLE, article("page-5", url="http://www.example.org/page-1/#top")),
            made(R.EXCHANGE, exchange("third", agreement="no-talks", parties=["north", "nobody"])),
        ],
        [
            ("actor", "west", "aliases", "duplicate_name"),
            ("actor", "west", "members.0", "unknown_actor"),
            ("article", "page-4", "agency", "unknown_publisher"),
            ("article", "page-4", "publisher", "unknown_publisher"),
            ("article", "page-5", "url", "duplicate_url"),
            ("exchange", "third", "agreement", "unknown_agreement"),
            ("exchange", "third", "parties.1", "unknown_actor"),
            ("publisher", "echo", "aliases", "duplicate_name"),
        ],
    ),
    (
        [made(R.ACTOR, actor("west", aliases=["Both"])), made(R.ACTOR, actor("far-west", aliases=["both"]))],
        [("actor", "far-west", "aliases", "duplicate_name")],
    ),
]


@pytest.mark.parametrize(("inputs", "offences"), OFFENCES, ids=["references", "of all kinds", "each other"])
async def test_all_offences_are_told_and_nothing_is_stored(
    engine: AsyncEngine, inputs: list[Input], offences: list[tuple[str, str, str, str]]
) -> None:
    await put_small(engine)
    before = await everything(engine)
    sound = await changed(engine, R.TOTAL, "total-1", value=51)
    with pytest.raises(WriteError) as caught:
        await put(engine, sound, *inputs)
    assert sorted((item.resource, item.id, item.field, item.code) for item in caught.value.items) == offences
    assert await everything(engine) == before
    assert (await put(engine, sound)).revision == 2


async def test_one_record_twice_in_a_write_is_refused(engine: AsyncEngine) -> None:
    await put_small(engine)
    before = await everything(engine)
    twice = [made(R.COVERAGE, coverage("summer")), made(R.COVERAGE, coverage("summer", statement="More."))]
    with pytest.raises(WriteError):
        await put(engine, *twice)
    assert await everything(engine) == before


async def test_a_refusal_by_the_database_names_its_constraint(engine: AsyncEngine) -> None:
    await put_small(engine)
    before = await everything(engine)
    namesake = agreement("second", mediations=[mediation("second:m1")])
    with pytest.raises(WriteError) as caught:
        await put(engine, made(R.COVERAGE, coverage("summer")), made(R.AGREEMENT, namesake))
    assert [refusal.code for refusal in caught.value.items] == ["pk_mediation"]
    assert await everything(engine) == before


class StoppedError(Exception):
    pass


async def test_a_write_that_breaks_off_leaves_no_trace(engine: AsyncEngine) -> None:
    await put_small(engine)
    before = await everything(engine)

    def stop(done: int, _: int) -> None:
        if done == 2:
            raise StoppedError

    inputs = [await changed(engine, R.ARTICLE, "page-2", title="A page")]
    inputs.append(await changed(engine, R.TOTAL, "total-1", value=51))
    with pytest.raises(StoppedError):
        await write(engine, inputs, reason="a test", progress=stop)
    assert await everything(engine) == before
    assert (await put(engine, *inputs)).revision == 2


async def test_a_dry_run_tells_what_a_write_would_do_and_leaves_no_trace(engine: AsyncEngine) -> None:
    await put_small(engine)
    before = await everything(engine)
    inputs = [
        await changed(engine, R.ARTICLE, "page-2", title="A page"),
        made(R.COVERAGE, coverage("summer")),
    ]
    dry = await write(engine, inputs, reason="a test", dry_run=True)
    assert await everything(engine) == before
    wet = await put(engine, *inputs)
    assert (dry.revision, len(dry.changes)) == (wet.revision, len(wet.changes)) == (2, 4)
    assert [(each.id, each.action, each.number) for each in dry.changes] == [
        (each.id, each.action, each.number) for each in wet.changes
    ]
    idle = await write(engine, inputs, reason="a test", dry_run=True)
    assert (idle.revision, idle.changes) == (2, ())
    with pytest.raises(WriteError):
        await write(engine, [made(R.TOTAL, total("total-3", mediator="nobody"))], reason="x", dry_run=True)


async def test_writes_at_once_take_turns_and_lose_nothing(engine: AsyncEngine) -> None:
    """They change the same records in opposite orders, which would deadlock without the one lock."""
    await put_small(engine)
    (first, second), (page, other) = (
        await stored(engine, R.EXCHANGE, ["first", "second"]),
        await stored(engine, R.ARTICLE, ["page-1", "page-2"]),
    )
    writes = []
    for n in range(8):
        items = [
            first.model_copy(update={"summary": f"Handover {n}."}),
            second.model_copy(update={"summary": f"Handover {n}."}),
            page.model_copy(update={"title": f"Page {n}"}),
            other.model_copy(update={"title": f"Page {n}"}),
        ]
        writes.append(put(engine, *(items if n % 2 else items[::-1]), reason=f"write {n}"))
    outcomes = await asyncio.gather(*writes)
    assert sorted(outcome.revision for outcome in outcomes) == list(range(2, 10))
    assert all(Action.UPDATED in {change.action for change in outcome.changes} for outcome in outcomes)
    async with engine.connect() as connection:
        ordered = select(DatasetRevision.at).order_by(DatasetRevision.revision)
        times = list((await connection.execute(ordered)).scalars())
        count = select(func.count(), func.max(Revision.number)).where(Revision.record_id == "first")
        assert tuple((await connection.execute(count)).one()) == (9, 9)
        assert (await connection.execute(select(Dataset.revision))).scalar_one() == 9
    assert all(earlier < later for earlier, later in pairwise(times))
    assert await span_faults(engine) == []


async def test_one_new_name_goes_to_one_of_two_writers(engine: AsyncEngine) -> None:
    await put_small(engine)
    writers = [put(engine, made(R.ACTOR, actor(id_, aliases=["The Alias"]))) for id_ in ("west", "far-west")]
    outcomes = await asyncio.gather(*writers, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Outcome", "WriteError"]


async def test_a_reader_never_waits_for_a_writer(engine: AsyncEngine) -> None:
    await put_small(engine)
    async with engine.connect() as writer, engine.connect() as reader:
        await writer.execute(select(Dataset.revision).with_for_update())
        await reader.exec_driver_sql("SET statement_timeout = '20s'")
        assert (await reader.execute(select(Dataset.revision))).scalar_one() == 1
        await writer.rollback()


async def test_rows_of_many_records_are_made_while_others_are_answered(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a few they are made at once, which is sooner done than a thread is begun."""
    threads: set[int] = set()

    def noting(work: Callable[..., object]) -> Callable[..., object]:
        def noted(given: object, **named: object) -> object:
            if (
                not isinstance(given, list) or len(given) > 1
            ):  # the write itself is told of in rows of its own
                threads.add(threading.get_ident())
            return work(given, **named)

        return noted

    monkeypatch.setattr(storing, "rows_of", noting(storing.rows_of))
    told = SimpleNamespace(loads=noting(json.loads), dumps=noting(json.dumps))
    monkeypatch.setattr(rows, "json", told)
    await put_small(engine)
    await put(engine, await changed(engine, R.COVERAGE, "winter", statement="Something."))
    assert threads == {threading.get_ident()}
    for statement in ("Nothing.", "Something."):
        threads.clear()
        await put(engine, *(made(R.COVERAGE, coverage(f"note-{n}", statement=statement)) for n in range(150)))
        assert threads
        assert threading.get_ident() not in threads
