"""What differs between two releases: records, the level that follows from them, and yearly figures."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.amending import merge, remove, restore
from db.comparing import weight
from db.enums import ReleaseLevel, Resource
from db.rendering import PLURAL
from tests.asking import ask, walk
from tests.blanking import blank
from tests.curating import Curator, curating, refused
from tests.releasing import release
from tests.synthetic import Record, actor, agreement, claim, coverage, exchange, mediation, total
from tests.test_amending import run
from tests.writing import busy, changed, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
MAJOR, MINOR, PATCH = ReleaseLevel
Changes = Mapping[str, tuple[list[str], list[str], list[str]]]


async def compared(curator: Curator, earlier: str, later: str) -> dict[str, Any]:
    answer = await ask(curator.client, f"/v1/releases/{earlier}/compare/{later}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "public, max-age=0, must-revalidate"
    body: dict[str, Any] = answer.json()
    assert [each["resource"] for each in body["records"]] == [str(resource) for resource in R]
    return body


def changes(body: Mapping[str, Any]) -> Changes:
    """Give what changed, without the kinds of record of which nothing did."""
    told = {each["resource"]: (each["added"], each["changed"], each["removed"]) for each in body["records"]}
    return {resource: lists for resource, lists in told.items() if any(lists)}


# Records


async def test_records_added_changed_and_removed(engine: AsyncEngine, server_url: str) -> None:
    await put_small(engine)
    await put(engine, made(R.ACTOR, actor("west")))
    await release(engine, "2026.09")
    await put(engine, made(R.EXCHANGE, exchange("third", date="2021-01-01")))
    await put(
        engine, await changed(engine, R.ARTICLE, "page-2", title="A page")
    )  # `second` and a total show it
    await put(engine, await changed(engine, R.COVERAGE, "winter", status="incomplete"))
    await run(engine, lambda write: remove(write, R.ACTOR, "west"))
    await put(engine, made(R.EXCHANGE, exchange("fourth", date="2021-02-01")))
    await run(engine, lambda write: remove(write, R.EXCHANGE, "fourth"))  # never in a release
    await run(engine, lambda write: remove(write, R.TOTAL, "total-1"))
    await run(engine, lambda write: restore(write, R.TOTAL, "total-1"))  # as it was
    await release(engine, "2026.10")
    async with curating(engine, server_url) as curator:
        found = await compared(curator, "2026.09", "2026.10")
        assert changes(found) == {
            "exchange": (["third"], ["second"], []),
            "article": ([], ["page-2"], []),
            "actor": ([], [], ["west"]),
            "total": ([], ["total-2"], []),
            "coverage": ([], ["winter"], []),
        }
        assert (found["earlier"], found["later"], found["level"]) == ("2026.09", "2026.10", "major")
        for name, link in (("self", "/compare/2026.10"), ("earlier", ""), ("later", "")):
            of = found["later"] if name == "later" else found["earlier"]
            assert found["links"][name] == f"/v1/releases/{of}{link}"
        assert await compared(curator, "2026.09", "latest") == found
        same = await compared(curator, "latest", "latest")
        assert (changes(same), same["figures"], same["level"]) == ({}, [], None)


async def test_records_are_those_of_the_lists(engine: AsyncEngine, server_url: str) -> None:
    await busy(engine)
    await release(engine, "2026.09")
    await put(engine, await changed(engine, R.EXCHANGE, "second", summary="Another handover."))
    await put(engine, made(R.EXCHANGE, exchange("third", date="2021-01-01")))
    await run(engine, lambda write: merge(write, R.PUBLISHER, "herald", "gazette"))
    await release(engine, "2026.10")
    async with curating(engine, server_url) as curator:
        found = await compared(curator, "2026.09", "2026.10")
        for each in found["records"]:
            before, after = [
                {
                    record["id"]: {**record, "revision": 0, "updated_at": ""}
                    for record in await walk(
                        curator.client, f"/v1/{PLURAL[Resource(each['resource'])]}", {"release": name}
                    )
                }
                for name in ("2026.09", "2026.10")
            ]
            assert each["added"] == sorted(after.keys() - before.keys())
            assert each["removed"] == sorted(before.keys() - after.keys())
            assert each["changed"] == sorted(
                id_ for id_ in before.keys() & after.keys() if before[id_] != after[id_]
            )


async def test_the_earlier_release_comes_first(engine: AsyncEngine, server_url: str) -> None:
    await put_small(engine)
    await release(engine, "2026.09")
    await put(engine, await changed(engine, R.TOTAL, "total-1", value=51))
    await release(engine, "2026.10")
    async with curating(engine, server_url) as curator:
        for path in ("2026.10/compare/2026.09", "latest/compare/2026.09"):
            asked, right = f"/v1/releases/{path}", "/v1/releases/2026.09/compare/2026.10"
            problem = refused(await ask(curator.client, asked), 422, "invalid_query")
            [item] = problem.errors
            assert item.message == (
                f"{asked} names the later release first: 2026.10 was made after 2026.09; ask {right}"
            )
            assert (item.parameter, item.suggestions, problem.detail) == (None, [right], item.message)
        answer = await ask(curator.client, "/v1/releases/2026.09/compare/2026.08")
        assert "There is no release '2026.08'" in refused(answer, 404, "not_found").detail


async def test_what_was_blanked_counts_as_changed(engine: AsyncEngine, server_url: str) -> None:
    await put_small(engine)
    await put(engine, await changed(engine, R.EXCHANGE, "first", summary="Somebody named was freed."))
    await release(engine, "2026.09")
    await put(engine, await changed(engine, R.EXCHANGE, "first", summary="A handover."))
    await release(engine, "2026.10")
    async with curating(engine, server_url) as curator:
        before = await compared(curator, "2026.09", "2026.10")
        assert (changes(before), before["level"]) == ({"exchange": ([], ["first"], [])}, "patch")
        await blank(engine, R.EXCHANGE, "first", 2)
        after = await compared(curator, "2026.09", "2026.10")
        assert (changes(after), after["level"]) == ({"exchange": ([], ["first"], [])}, "major")
        assert before["notes"] == []
        [note] = after["notes"]
        assert note["code"] == "blanked_since"
        assert note["text"] == (
            "Since release 2026.09 was made, 1 of its records has been blanked for privacy; "
            "/v1/releases/2026.09 names what was blanked. It differs here from every other revision of the "
            "record, whatever it said, and the yearly figures of the release are without it."
        )


async def test_what_was_blanked_still_came_and_went(engine: AsyncEngine, server_url: str) -> None:
    await put_small(engine)
    for id_ in ("kept", "gone", "never"):
        await put(engine, made(R.EXCHANGE, exchange(id_, date="2021-01-01")))
    await run(engine, lambda write: remove(write, R.EXCHANGE, "never"))
    await release(engine, "2026.09")
    await run(engine, lambda write: remove(write, R.EXCHANGE, "gone"))
    await put(engine, made(R.EXCHANGE, exchange("come", date="2021-01-01")))
    await release(engine, "2026.10")
    for id_ in ("kept", "come"):
        await put(engine, await changed(engine, R.EXCHANGE, id_, summary="Somebody was freed."))
    async with curating(engine, server_url) as curator:
        before = await compared(curator, "2026.09", "2026.10")
        for id_ in ("kept", "gone", "never", "come"):
            await blank(engine, R.EXCHANGE, id_, 1)
        after = await compared(curator, "2026.09", "2026.10")
        expected = {"exchange": (["come"], [], ["gone"])}, "major"
        assert (changes(before), before["level"]) == (changes(after), after["level"]) == expected
        assert [note["text"].partition(",")[0] for note in after["notes"]] == [
            "Since release 2026.09 was made",
            "Since release 2026.10 was made",
        ]
        [note] = (await compared(curator, "latest", "latest"))["notes"]
        assert "2 of its records have been blanked" in note["text"]


# Yearly figures


async def test_yearly_figures_move_by_the_difference_of_their_sums(
    engine: AsyncEngine, server_url: str
) -> None:
    await put_small(engine)  # 2020: 5 and 7 from north to south
    await release(engine, "2026.09")
    back = claim("third:c2", released_by="south", received_by="north", count=9)
    third = exchange("third", date="2021-01-01", claims=[claim("third:c1", count=3), back])
    await put(engine, made(R.EXCHANGE, third))
    await put(engine, await changed(engine, R.EXCHANGE, "first", claims=[claim("first:c1", count=4)]))
    await release(engine, "2026.10")
    await put(engine, await changed(engine, R.EXCHANGE, "first", date="2019-12-31"))
    await release(engine, "2026.11")
    async with curating(engine, server_url) as curator:
        found = (await compared(curator, "2026.09", "2026.10"))["figures"]
        assert [tuple(each.values()) for each in found] == [
            (2020, "north", "south", 12, 11, -1, 2, 2),
            (2021, "north", "south", 0, 3, 3, 0, 1),
            (2021, "south", "north", 0, 9, 9, 0, 1),
        ]
        found = (await compared(curator, "2026.10", "2026.11"))["figures"]
        assert [tuple(each.values()) for each in found] == [
            (2019, "north", "south", 0, 4, 4, 0, 1),
            (2020, "north", "south", 11, 7, -4, 2, 1),
        ]


async def test_yearly_figures_are_sums_of_the_list(engine: AsyncEngine, server_url: str) -> None:
    await busy(engine)
    await release(engine, "2026.09")
    for number in range(6):
        third = exchange(f"more-{number}", date=f"202{number % 3}-01-0{number + 1}")
        await put(engine, made(R.EXCHANGE, third))
    await run(engine, lambda write: remove(write, R.EXCHANGE, "second"))
    await release(engine, "2026.10")
    async with curating(engine, server_url) as curator:
        sums: list[dict[tuple[int, str, str], int]] = []
        for name in ("2026.09", "2026.10"):
            summed: dict[tuple[int, str, str], int] = defaultdict(int)
            for each in await walk(curator.client, "/v1/figures", {"release": name, "measure": "persons"}):
                year = int(each["exchange_date"][:4])
                summed[year, each["released_by"], each["received_by"]] += each["best"]
            sums.append(summed)
        before, after = sums
        moved = {
            (each["year"], each["released_by"], each["received_by"]): each["moved"]
            for each in (await compared(curator, "2026.09", "2026.10"))["figures"]
        }
        expected = {key: after[key] - before[key] for key in [*before, *after]}
        assert moved == {key: difference for key, difference in expected.items() if difference}


# Levels


FIGURE: Record = {"released_by": "north", "received_by": "south", "measure": "persons", "low": 5, "best": 5}
FIGURE |= {"high": 5, "attestation": "press_only", "independent_sources": 1, "by_claimant": []}
EXCHANGE = exchange("first", figures=[FIGURE], figures_rule=1, revision=1, updated_at="", articles=[])


def with_claim(**fields: Any) -> list[Record]:
    return [claim("first:c1", **fields), claim("first:c2", category="military")]


@pytest.mark.parametrize(
    ("level", "fields"),
    [
        (None, {}),
        (None, {"revision": 2, "updated_at": "later"}),
        (PATCH, {"summary": "Another text."}),
        (PATCH, {"citations": ["page-1", "page-2"]}),
        (PATCH, {"articles": [{"id": "page-1", "title": "A page"}]}),
        (PATCH, {"claims": with_claim(note="A remark.")}),
        (PATCH, {"claims": with_claim(citations=["page-2"])}),
        (PATCH, {"claims": list(reversed(with_claim()))}),
        (PATCH, {"figures": [FIGURE | {"attestation": "third_party", "independent_sources": 2}]}),
        (MINOR, {"claims": [*with_claim(), claim("first:c3", claimant="east")]}),
        (MINOR, {"mediations": [mediation("first:m1")]}),
        (MINOR, {"location": {"name": "A bridge", "citations": ["page-1"]}}),
        (MINOR, {"agreement": "talks", "summary": "Another text."}),
        (MINOR, {"parties": ["north", "south", "east"]}),
        (MINOR, {"figures": [FIGURE, FIGURE | {"measure": "military"}]}),
        (MINOR, {"a_new_field": True}),
        (MAJOR, {"date": "2020-01-02"}),
        (MAJOR, {"kind": "release"}),
        (MAJOR, {"parties": ["north"]}),
        (MAJOR, {"claims": with_claim(count=6)}),
        (MAJOR, {"claims": with_claim(rank="deprecated")}),
        (MAJOR, {"claims": with_claim()[:1]}),
        (MAJOR, {"claims": [*with_claim()[:1], claim("first:c3")]}),
        (MAJOR, {"figures": []}),
        (MAJOR, {"figures": [FIGURE | {"high": 6}]}),
        (MAJOR, {"figures": [FIGURE | {"best": 4, "low": 4}], "summary": "Another text."}),
        (MAJOR, {"figures_rule": 2}),
    ],
)
def test_how_much_a_change_of_an_exchange_weighs(level: ReleaseLevel | None, fields: Record) -> None:
    assert weight(R.EXCHANGE, EXCHANGE, EXCHANGE | fields) is level


def overlap(other: str, count: int) -> Record:
    ends = {"released_by": "north", "received_by": "south"}
    return {"exchange": other, **ends, "measure": "persons", "count": count, "note": None}


@pytest.mark.parametrize(
    ("level", "overlaps"),
    [
        (MAJOR, [overlap("third", 1)]),
        (MAJOR, [overlap("second", 5), overlap("third", 1)]),
        (MINOR, [overlap("second", 100), overlap("third", 1), overlap("fourth", 1)]),
        (PATCH, [overlap("third", 1), overlap("second", 100)]),
    ],
)
def test_overlaps_with_two_exchanges_are_told_apart(level: ReleaseLevel, overlaps: list[Record]) -> None:
    before = EXCHANGE | {"overlaps": [overlap("second", 100), overlap("third", 1)]}
    assert weight(R.EXCHANGE, before, before | {"overlaps": overlaps}) is level


def test_a_field_that_is_gone_weighs_most() -> None:
    without = {name: value for name, value in EXCHANGE.items() if name != "status"}
    assert weight(R.EXCHANGE, EXCHANGE, without) is MAJOR


@pytest.mark.parametrize(
    ("resource", "level", "before", "after"),
    [
        (R.ARTICLE, PATCH, {"published_on": "2020-01-02"}, {"published_on": "2020-01-03"}),
        (R.ARTICLE, PATCH, {"link_status": "alive"}, {"link_status": "dead"}),
        (R.PUBLISHER, PATCH, {"is_agency": False}, {"is_agency": True}),
        (R.ACTOR, PATCH, {"aliases": ["a"]}, {"aliases": ["b"]}),
        (R.ACTOR, MAJOR, {"kind": "state"}, {"kind": "coalition"}),
        (R.TOTAL, MAJOR, total("total-1"), total("total-1", value=51)),
        (R.TOTAL, MINOR, total("total-1"), total("total-1", claimant="east")),
        (R.TOTAL, MAJOR, total("total-1", claimant="east"), total("total-1")),
        (R.COVERAGE, PATCH, coverage("winter"), coverage("winter", statement="More.")),
        (R.COVERAGE, MAJOR, coverage("winter"), coverage("winter", status="incomplete")),
        (R.AGREEMENT, MAJOR, agreement("talks"), agreement("talks", status="fulfilled")),
        (R.AGREEMENT, PATCH, agreement("talks"), agreement("talks", title="More talks")),
    ],
)
def test_how_much_a_change_of_other_records_weighs(
    resource: Resource, level: ReleaseLevel, before: Record, after: Record
) -> None:
    assert weight(resource, before, after) is level


def test_records_that_come_and_go() -> None:
    for resource in R:
        assert weight(resource, None, {"id": "x"}) is MINOR
        assert weight(resource, {"id": "x"}, None) is MAJOR


async def test_the_level_of_a_release_is_that_of_its_heaviest_change(engine: AsyncEngine) -> None:
    await put_small(engine)
    assert (await release(engine, "2026.01")).level is MAJOR
    await put(engine, await changed(engine, R.ARTICLE, "page-3", link_status="alive"))
    assert (await release(engine, "2026.02")).level is PATCH
    await put(engine, await changed(engine, R.ARTICLE, "page-2", title="A page"))
    assert (await release(engine, "2026.03")).level is PATCH, "what shows it says nothing else"
    await put(engine, await changed(engine, R.ARTICLE, "page-2", agency="herald"))
    assert (await release(engine, "2026.04")).level is PATCH
    await put(engine, made(R.EXCHANGE, exchange("third", date="2021-01-01")))
    await put(engine, await changed(engine, R.ARTICLE, "page-3", link_status="dead"))
    assert (await release(engine, "2026.05")).level is MINOR
    await put(engine, await changed(engine, R.EXCHANGE, "first", claims=[claim("first:c1", count=6)]))
    assert (await release(engine, "2026.06")).level is MAJOR
    await run(engine, lambda write: remove(write, R.EXCHANGE, "third"))
    assert (await release(engine, "2026.07")).level is MAJOR
