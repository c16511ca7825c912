"""Removing, restoring, reverting and merging records through the door."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.amending import AmendError, UnknownRevisionError, merge, remove, restore, revert
from db.checks import WriteError
from db.enums import Action, Resource
from db.queries.revisions import read_revisions
from db.storing import read_current
from db.writes import Outcome, Write, writing
from tests.synthetic import actor, agreement, article, claim, coverage, exchange, mediation, publisher
from tests.writing import changed, everything, made, put

pytestmark = pytest.mark.anyio
R = Resource

Work = Callable[[Write], Awaitable[None]]


async def run(engine: AsyncEngine, work: Work, *, dry_run: bool = False) -> Outcome:
    async with engine.connect() as connection:
        async with writing(connection, "a test", "0123456789 (somebody)", dry_run=dry_run) as write:
            await work(write)
        await connection.commit()
    return write.outcome()


async def body(engine: AsyncEngine, resource: Resource, id_: str) -> dict[str, object]:
    async with engine.connect() as connection:
        found = await read_current(connection, resource, [id_])
    loaded: dict[str, object] = json.loads(found[id_].body)
    return loaded


async def actions(engine: AsyncEngine, resource: Resource, id_: str) -> list[tuple[int, str]]:
    async with engine.connect() as connection:
        return [(entry.number, entry.action) for entry in await read_revisions(connection, resource, id_)]


async def test_a_removed_record_is_gone_and_its_history_stays(small: AsyncEngine) -> None:
    outcome = await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    (change,) = outcome.changes
    assert (change.action, change.number, outcome.revision) == (Action.DELETED, 2, 2)
    assert await actions(small, R.EXCHANGE, "second") == [(1, "created"), (2, "deleted")]
    with pytest.raises(KeyError):
        await body(small, R.EXCHANGE, "second")
    rows = await everything(small)
    for name in ("exchange", "claim", "mediation", "exchange_party", "exchange_citation"):
        assert not any("'second" in row for row in rows[name]), name
    for name in ("exchange_index", "claim_index", "mediation_index", "figure_index", "facet_index"):
        assert not any("'second'" in row and row.endswith("None)") for row in rows[name]), name


@pytest.mark.parametrize(
    ("resource", "id_", "by"),
    [
        (R.ACTOR, "east", {(R.EXCHANGE, "second")}),
        (R.ACTOR, "north", {(R.AGREEMENT, "talks"), (R.EXCHANGE, "first"), (R.TOTAL, "total-1")}),
        (R.PUBLISHER, "gazette", {(R.ARTICLE, "page-1"), (R.ARTICLE, "page-2")}),
        (R.ARTICLE, "page-2", {(R.EXCHANGE, "second"), (R.TOTAL, "total-2")}),
    ],
)
async def test_what_others_refer_to_stays(
    small: AsyncEngine, resource: Resource, id_: str, by: set[tuple[Resource, str]]
) -> None:
    before = await everything(small)
    with pytest.raises(AmendError) as caught:
        await run(small, lambda write: remove(write, resource, id_))
    assert by <= set(caught.value.referrers)
    assert (resource, id_) not in caught.value.referrers
    assert await everything(small) == before


async def test_overlaps_and_agreements_are_references_too(small: AsyncEngine) -> None:
    overlap = {"exchange": "first", "released_by": "north", "received_by": "south", "measure": "persons"}
    second = await changed(
        small, R.EXCHANGE, "second", overlaps=[overlap | {"count": 1, "note": None}], agreement="talks"
    )
    await put(small, second)
    for resource, id_ in ((R.EXCHANGE, "first"), (R.AGREEMENT, "talks")):
        with pytest.raises(AmendError) as caught:
            await run(small, lambda write, of=resource, it=id_: remove(write, of, it))  # type: ignore[misc]
        assert caught.value.referrers == ((R.EXCHANGE, "second"),)


async def test_a_restored_record_is_as_it_last_stood(small: AsyncEngine) -> None:
    before = await body(small, R.EXCHANGE, "second")
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await run(small, lambda write: restore(write, R.EXCHANGE, "second"))
    after = await body(small, R.EXCHANGE, "second")
    assert after["revision"] == 3
    assert after["created_at"] == before["created_at"]
    stamped = {"revision", "updated_at"}
    assert {k: v for k, v in after.items() if k not in stamped} == {
        k: v for k, v in before.items() if k not in stamped
    }
    assert (await actions(small, R.EXCHANGE, "second"))[-1] == (3, "restored")


async def test_only_what_was_deleted_is_restored(small: AsyncEngine) -> None:
    with pytest.raises(AmendError, match="is not deleted"):
        await run(small, lambda write: restore(write, R.EXCHANGE, "second"))
    with pytest.raises(UnknownRevisionError, match="never was"):
        await run(small, lambda write: restore(write, R.EXCHANGE, "third"))


async def test_what_a_restored_record_refers_to_must_be_there(small: AsyncEngine) -> None:
    await put(small, made(R.EXCHANGE, exchange("third", citations=["page-1"], date="2021-01-01")))
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await run(small, lambda write: remove(write, R.ACTOR, "east"))
    with pytest.raises(WriteError, match="there is no actor 'east'"):
        await run(small, lambda write: restore(write, R.EXCHANGE, "second"))


async def test_an_id_is_never_used_again(small: AsyncEngine) -> None:
    await run(small, lambda write: remove(write, R.COVERAGE, "winter"))
    with pytest.raises(WriteError) as caught:
        await put(small, made(R.COVERAGE, coverage("winter")))
    assert [item.code for item in caught.value.items] == ["id_used"]


async def test_the_names_of_a_removed_record_are_free(small: AsyncEngine) -> None:
    await put(small, made(R.ACTOR, actor("west", name="Land of the west")))
    await run(small, lambda write: remove(write, R.ACTOR, "west"))
    await put(small, made(R.ACTOR, actor("occident", name="Land of the west")))
    with pytest.raises(WriteError, match="belongs to actor 'occident' already"):
        await run(small, lambda write: restore(write, R.ACTOR, "west"))


async def test_a_record_goes_back_to_a_revision(small: AsyncEngine) -> None:
    await put(small, await changed(small, R.EXCHANGE, "first", summary="Otherwise."))
    await run(small, lambda write: revert(write, R.EXCHANGE, "first", 1))
    assert (await body(small, R.EXCHANGE, "first"))["summary"] == "A handover."
    assert await actions(small, R.EXCHANGE, "first") == [(1, "created"), (2, "updated"), (3, "updated")]
    assert (await run(small, lambda write: revert(write, R.EXCHANGE, "first", 1))).changes == ()
    with pytest.raises(UnknownRevisionError, match="revisions 1 to 3"):
        await run(small, lambda write: revert(write, R.EXCHANGE, "first", 4))


async def test_a_merged_actor_is_the_other_one_everywhere(small: AsyncEngine) -> None:
    await put(small, made(R.ACTOR, actor("orient", name="Orient", aliases=["The East"])))
    brokered = [mediation("first:m1", actor="orient")]
    claims = [claim("first:c1", claimant="orient")]
    await put(small, await changed(small, R.EXCHANGE, "first", mediations=brokered, claims=claims))
    outcome = await run(small, lambda write: merge(write, R.ACTOR, "orient", "east"))
    assert {(change.resource, change.id, change.action) for change in outcome.changes} == {
        (R.ACTOR, "orient", Action.MERGED),
        (R.ACTOR, "east", Action.UPDATED),
        (R.EXCHANGE, "first", Action.UPDATED),
    }
    stands = await body(small, R.ACTOR, "east")
    assert stands["aliases"] == ["Orient", "The East"]
    first = json.dumps(await body(small, R.EXCHANGE, "first"))
    assert '"orient"' not in first
    assert '"east"' in first
    with pytest.raises(AmendError, match="was merged"):
        await run(small, lambda write: restore(write, R.ACTOR, "orient"))
    await run(small, lambda write: revert(write, R.EXCHANGE, "first", 2))
    assert '"orient"' not in json.dumps(await body(small, R.EXCHANGE, "first"))


async def test_a_merge_that_makes_nonsense_is_refused(small: AsyncEngine) -> None:
    before = await everything(small)
    with pytest.raises(AmendError, match="released_by and received_by must differ"):
        await run(small, lambda write: merge(write, R.ACTOR, "north", "south"))
    assert await everything(small) == before


async def test_merged_exchanges_have_the_claims_of_both_once(small: AsyncEngine) -> None:
    same = claim("third:c1", citations=["page-3"])  # says what first:c1 says, in another article
    other = claim("third:c2", claimant="east", count=6, citations=["page-2"])
    overlap = {"exchange": "third", "released_by": "north", "received_by": "south", "measure": "persons"}
    third = exchange(
        "third",
        claims=[same, other],
        mediations=[mediation("third:m1", citations=["page-2"])],
        citations=["page-2", "page-3"],
    )
    await put(small, made(R.EXCHANGE, third))
    second = await changed(small, R.EXCHANGE, "second", overlaps=[overlap | {"count": 1, "note": None}])
    await put(small, second)
    await run(small, lambda write: merge(write, R.EXCHANGE, "third", "first"))
    first = await body(small, R.EXCHANGE, "first")
    assert first["citations"] == ["page-1", "page-2", "page-3"]
    claims: list[dict[str, object]] = first["claims"]  # type: ignore[assignment]
    assert [(each["id"], each["citations"]) for each in claims] == [
        ("first:c1", ["page-1", "page-3"]),
        ("first:c2", ["page-1"]),
        ("first:c3", ["page-2"]),
    ]
    assert [each["id"] for each in first["mediations"]] == ["first:m1"]  # type: ignore[attr-defined]
    assert (await body(small, R.EXCHANGE, "second"))["overlaps"][0]["exchange"] == "first"  # type: ignore[index]


async def test_merged_articles_and_publishers_turn_what_cites_them(small: AsyncEngine) -> None:
    await run(small, lambda write: merge(write, R.ARTICLE, "page-1", "page-2"))
    assert (await body(small, R.EXCHANGE, "first"))["citations"] == ["page-2"]
    assert (await body(small, R.AGREEMENT, "talks"))["citations"] == ["page-2"]
    await run(small, lambda write: merge(write, R.PUBLISHER, "gazette", "herald"))
    assert (await body(small, R.ARTICLE, "page-2"))["publisher"] == "herald"
    shown: list[dict[str, object]] = (await body(small, R.EXCHANGE, "first"))["articles"]  # type: ignore[assignment]
    assert [each["publisher"] for each in shown] == ["herald"]


async def test_merged_agreements_and_totals(small: AsyncEngine) -> None:
    await put(small, made(R.AGREEMENT, agreement("more-talks", citations=["page-3"])))
    await put(small, await changed(small, R.EXCHANGE, "first", agreement="more-talks"))
    await run(small, lambda write: merge(write, R.AGREEMENT, "more-talks", "talks"))
    assert (await body(small, R.EXCHANGE, "first"))["agreement"] == "talks"
    await run(small, lambda write: merge(write, R.TOTAL, "total-2", "total-1"))
    assert (await body(small, R.TOTAL, "total-1"))["citations"] == ["page-1", "page-2"]


async def test_new_parts_never_take_an_old_number(small: AsyncEngine) -> None:
    """Also not that of a part that was removed long ago."""
    more = [claim("first:c1"), claim("first:c7", count=6, claimant="north")]
    await put(small, await changed(small, R.EXCHANGE, "first", claims=more))
    await put(small, await changed(small, R.EXCHANGE, "first", claims=[claim("first:c1")]))
    await put(small, made(R.EXCHANGE, exchange("third", claims=[claim("third:c1", claimant="east")])))
    await run(small, lambda write: merge(write, R.EXCHANGE, "third", "first"))
    claims: list[dict[str, object]] = (await body(small, R.EXCHANGE, "first"))["claims"]  # type: ignore[assignment]
    assert [each["id"] for each in claims] == ["first:c1", "first:c8"]


async def test_a_dry_run_stores_nothing_and_tells_all(small: AsyncEngine) -> None:
    before = await everything(small)

    async def work(write: Write) -> None:
        page = made(R.ARTICLE, article("page-4", publisher="tribune"))
        paper = made(R.PUBLISHER, publisher("tribune"))
        cites = made(R.EXCHANGE, exchange("third", citations=["page-1", "page-4"], date="2022-01-01"))
        await write.put([cites, page, paper])
        await merge(write, R.ARTICLE, "page-1", "page-2")
        await remove(write, R.COVERAGE, "winter")

    outcome = await run(small, work, dry_run=True)
    assert {(change.resource, change.action) for change in outcome.changes} == {
        (R.PUBLISHER, Action.CREATED),
        (R.ARTICLE, Action.CREATED),
        (R.EXCHANGE, Action.CREATED),
        (R.ARTICLE, Action.MERGED),
        (R.EXCHANGE, Action.UPDATED),
        (R.AGREEMENT, Action.UPDATED),
        (R.TOTAL, Action.UPDATED),
        (R.COVERAGE, Action.DELETED),
    }
    assert outcome.revision == 2
    assert await everything(small) == before


async def test_a_dry_run_waits_for_nobody(small: AsyncEngine) -> None:
    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        async with small.connect() as connection, writing(connection, "in no hurry"):
            yield

    async with held():
        outcome = await run(small, lambda write: remove(write, R.COVERAGE, "winter"), dry_run=True)
    assert [change.action for change in outcome.changes] == [Action.DELETED]
