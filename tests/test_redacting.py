"""Blanking what names a person: nothing of it is left in the database, and the history still holds."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.amending import AmendError, UnknownRevisionError, merge, remove, restore, revert
from db.enums import Resource
from db.models.history import Blanked
from db.redacting import FREE, _without, in_words
from db.rendering import INPUT_OF
from db.verify import verify
from tests.blanking import NAME, REASON, blank, holding, named_then_mended, names, told
from tests.synthetic import actor, article, coverage, exchange
from tests.test_amending import run
from tests.writing import changed, everything, made, put, put_small

pytestmark = pytest.mark.anyio
R = Resource


async def test_nothing_of_a_blanked_revision_is_left_anywhere(small: AsyncEngine) -> None:
    await named_then_mended(small)
    assert await holding(small) == {"revision", "exchange_index", "claim_index"}
    redaction, outcome = await blank(small, R.EXCHANGE, "first", 2)
    assert await holding(small) == set()
    assert names(redaction) == [(R.EXCHANGE, "first", 2)]
    assert redaction.alike == ()
    assert outcome.revision == 5
    (change,) = outcome.changes
    assert (change.action, change.number, change.reason) == ("redacted", 4, f"revision 2 blanked: {REASON}")
    assert await told(small, R.EXCHANGE, "first") == [
        (1, "created", True),
        (2, "updated", False),
        (3, "updated", True),
        (4, "redacted", True),
    ]


async def test_a_record_is_written_again_as_before_after_a_redaction(small: AsyncEngine) -> None:
    await named_then_mended(small)
    await blank(small, R.EXCHANGE, "first", 2)
    outcome = await put(small, await changed(small, R.EXCHANGE, "first", summary="Otherwise."))
    assert [(each.action, each.number) for each in outcome.changes] == [("updated", 5)]
    await run(small, lambda write: revert(write, R.EXCHANGE, "first", 1))
    with pytest.raises(UnknownRevisionError, match="revision 2 was blanked"):
        await run(small, lambda write: revert(write, R.EXCHANGE, "first", 2))


async def test_revisions_that_say_the_same_go_together(small: AsyncEngine) -> None:
    """Also one that was only rendered again, and one that a curator wrote twice."""
    await put(small, named := await changed(small, R.EXCHANGE, "first", summary=f"{NAME} was freed."))
    await put(small, await changed(small, R.ARTICLE, "page-1", title="A page"))
    await put(small, made(R.EXCHANGE, exchange("first")))
    await put(small, named)
    await put(small, made(R.EXCHANGE, exchange("first")))
    redaction, _ = await blank(small, R.EXCHANGE, "first", 3)
    assert names(redaction) == [(R.EXCHANGE, "first", number) for number in (2, 3, 5)]
    assert await holding(small) == set()


async def test_another_revision_with_the_same_text_is_left_and_named(small: AsyncEngine) -> None:
    summary = f"{NAME} was freed."
    await put(small, await changed(small, R.EXCHANGE, "first", summary=summary))
    await put(small, await changed(small, R.EXCHANGE, "first", status="announced"))
    await put(small, made(R.COVERAGE, coverage("spring", statement=summary)))
    await put(small, made(R.EXCHANGE, exchange("first")))
    redaction, _ = await blank(small, R.EXCHANGE, "first", 2)
    assert [(*each.record, each.number, each.newest) for each in redaction.alike] == [
        (R.COVERAGE, "spring", 1, True),
        (R.EXCHANGE, "first", 3, False),
    ]
    await put(small, made(R.COVERAGE, coverage("spring")))
    await blank(small, R.COVERAGE, "spring", 1)
    again, outcome = await blank(small, R.EXCHANGE, "first", 3)
    assert names(again) == [(R.EXCHANGE, "first", 3)]
    assert outcome.changes[0].number == 6
    assert await holding(small) == set()


async def test_several_revisions_are_blanked_at_once(small: AsyncEngine) -> None:
    await named_then_mended(small)
    _, outcome = await blank(small, R.EXCHANGE, "first", 1, 2)
    assert [each.reason for each in outcome.changes] == [f"revisions 1 and 2 blanked: {REASON}"]
    assert in_words([4, 1, 3]) == "revisions 1, 3 and 4"


async def test_what_stands_is_written_without_the_name_first(small: AsyncEngine) -> None:
    await put(small, await changed(small, R.EXCHANGE, "first", summary=f"{NAME} was freed."))
    await put(small, await changed(small, R.ARTICLE, "page-1", title="A page"))
    before = await everything(small)
    for number in (2, 3):
        with pytest.raises(AmendError, match="write it without the name first"):
            await blank(small, R.EXCHANGE, "first", number)
    for record_id, number, said in (
        ("first", 9, "has revisions 1 to 3, and no revision 9"),
        ("third", 1, "there never was exchange 'third'"),
    ):
        with pytest.raises(UnknownRevisionError, match=said):
            await blank(small, R.EXCHANGE, record_id, number)
    assert await everything(small) == before
    await blank(small, R.EXCHANGE, "first", 1)
    with pytest.raises(UnknownRevisionError, match="revision 1 of exchange 'first' has no body any more"):
        await blank(small, R.EXCHANGE, "first", 1)


async def test_a_dry_run_tells_all_and_stores_nothing(small: AsyncEngine) -> None:
    await named_then_mended(small)
    before = await everything(small)
    planned, would = await blank(small, R.EXCHANGE, "first", 2, dry_run=True)
    assert await everything(small) == before
    done, did = await blank(small, R.EXCHANGE, "first", 2)
    assert planned == done
    assert would.revision == did.revision


# Copies


async def test_a_title_is_blanked_wherever_it_was_shown(small: AsyncEngine) -> None:
    await put(small, await changed(small, R.ARTICLE, "page-1", title=f"{NAME} is free"))
    await put(small, await changed(small, R.EXCHANGE, "first", summary="Otherwise."))
    await put(small, await changed(small, R.ARTICLE, "page-1", title=None))
    assert await holding(small) == {
        "revision",
        "article_index",
        "claim_index",
        "figure_index",
    }
    redaction, outcome = await blank(small, R.ARTICLE, "page-1", 2)
    assert names(redaction) == [
        (R.ARTICLE, "page-1", 2),
        (R.AGREEMENT, "talks", 2),
        (R.EXCHANGE, "first", 2),
        (R.EXCHANGE, "first", 3),
        (R.TOTAL, "total-1", 2),
    ]
    assert await holding(small) == set()
    assert [(each.id, each.action, each.reason) for each in outcome.changes] == [
        ("page-1", "redacted", f"revision 2 blanked: {REASON}"),
        ("talks", "redacted", f"revision 2 blanked: {REASON}"),
        ("first", "redacted", f"revisions 2 and 3 blanked: {REASON}"),
        ("total-1", "redacted", f"revision 2 blanked: {REASON}"),
    ]


async def test_an_article_that_names_nobody_where_it_is_shown_blanks_only_itself(small: AsyncEngine) -> None:
    archive = f"https://example.org/{NAME}"
    await put(small, await changed(small, R.ARTICLE, "page-1", archive_url=archive))
    await put(small, await changed(small, R.ARTICLE, "page-1", archive_url=None, link_status="alive"))
    redaction, _ = await blank(small, R.ARTICLE, "page-1", 2)
    assert names(redaction) == [(R.ARTICLE, "page-1", 2)]
    assert await holding(small) == set()


async def test_a_standing_record_that_still_shows_it_is_named(engine: AsyncEngine) -> None:
    await put_small(engine)
    await put(engine, await changed(engine, R.ARTICLE, "page-2", title=f"{NAME} is free"))
    await put(engine, await changed(engine, R.ARTICLE, "page-2", title=None))
    async with engine.begin() as connection:  # as no write of ours does
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        old = "(SELECT body FROM revision WHERE record_id = 'second' AND number = 2)"
        statement = f"UPDATE revision SET body = {old} WHERE record_id = 'second' AND number = 3"
        await connection.execute(text(statement))
    before = await everything(engine)
    with pytest.raises(AmendError, match="still show it: exchange second") as caught:
        await blank(engine, R.ARTICLE, "page-2", 2)
    assert caught.value.referrers == ((R.EXCHANGE, "second"),)
    assert await everything(engine) == before


async def test_a_merged_record_and_what_it_gave_to_the_other(small: AsyncEngine) -> None:
    await put(small, made(R.ACTOR, actor("orient", name=f"Land of {NAME}")))
    await run(small, lambda write: merge(write, R.ACTOR, "orient", "east"))
    redaction, _ = await blank(small, R.ACTOR, "orient", 1)
    assert names(redaction) == [(R.ACTOR, "orient", 1), (R.ACTOR, "orient", 2)]
    assert [(*each.record, each.newest) for each in redaction.alike] == [(R.ACTOR, "east", True)]
    await put(small, await changed(small, R.ACTOR, "east", aliases=[]))
    await blank(small, R.ACTOR, "east", 2)
    assert await holding(small) == set()


# Records that do not stand


async def test_all_of_a_deleted_record_can_be_blanked(small: AsyncEngine) -> None:
    await put(small, await changed(small, R.EXCHANGE, "second", summary=f"{NAME} was freed."))
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    redaction, outcome = await blank(small, R.EXCHANGE, "second", 2)
    assert names(redaction) == [(R.EXCHANGE, "second", 2), (R.EXCHANGE, "second", 3)]
    assert await holding(small) == set()
    assert outcome.changes[0].reason == f"revisions 2 and 3 blanked: {REASON}"
    assert await told(small, R.EXCHANGE, "second") == [
        (1, "created", True),
        (2, "updated", False),
        (3, "deleted", False),
        (4, "redacted", False),
    ]
    with pytest.raises(AmendError, match="cannot come back: what it last said was blanked"):
        await run(small, lambda write: restore(write, R.EXCHANGE, "second"))


async def test_a_deleted_record_comes_back_if_what_it_last_said_is_there(small: AsyncEngine) -> None:
    await put(small, await changed(small, R.EXCHANGE, "second", summary=f"{NAME} was freed."))
    await put(small, await changed(small, R.EXCHANGE, "second", summary="Somebody was freed."))
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await blank(small, R.EXCHANGE, "second", 2)
    await run(small, lambda write: restore(write, R.EXCHANGE, "second"))
    assert [entry[:2] for entry in await told(small, R.EXCHANGE, "second")][-2:] == [
        (5, "redacted"),
        (6, "restored"),
    ]


async def test_a_deleted_article_is_blanked_with_deleted_records_that_show_it(small: AsyncEngine) -> None:
    page = article("page-9", title=f"{NAME} is free")
    await put(
        small, made(R.ARTICLE, page), made(R.EXCHANGE, exchange("third", citations=["page-1", "page-9"]))
    )
    await run(small, lambda write: remove(write, R.EXCHANGE, "third"))
    await run(small, lambda write: remove(write, R.ARTICLE, "page-9"))
    redaction, _ = await blank(small, R.ARTICLE, "page-9", 1)
    assert {held.record for held in redaction.blanked} == {(R.ARTICLE, "page-9"), (R.EXCHANGE, "third")}
    assert await holding(small) == set()


# Checks


async def test_a_body_that_went_without_a_redaction_is_a_fault(engine: AsyncEngine) -> None:
    await put_small(engine)
    await put(engine, await changed(engine, R.EXCHANGE, "first", summary="Otherwise."))
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE revision SET body = NULL WHERE record_id = 'first' AND number = 1")
        )
    assert [fault async for fault in verify(engine)] == [
        "exchange first revision 1: the body is missing, and no redaction tells of it"
    ]


@pytest.mark.parametrize(
    "statement", ["UPDATE blanked SET by_revision = 9", "DELETE FROM blanked", "TRUNCATE blanked"]
)
async def test_what_was_blanked_is_noted_for_ever(small: AsyncEngine, statement: str) -> None:
    await named_then_mended(small)
    await blank(small, R.EXCHANGE, "first", 2)
    async with small.connect() as connection:
        with pytest.raises(Exception, match=f"{Blanked.__tablename__} is refused: history is append-only"):
            await connection.execute(text(statement))


def test_every_field_of_free_text_is_known() -> None:
    """A field of text without a pattern, a choice or a form is one in which a name may stand."""
    free: set[str] = set()

    def look(schema: Mapping[str, Any], definitions: Mapping[str, Any], field: str) -> None:
        for part in (schema, *schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
            if "$ref" in part:
                target = definitions[part["$ref"].rpartition("/")[2]]
                for name, each in target.get("properties", {}).items():
                    look(each, definitions, name)
            elif part is not schema:
                look(part, definitions, field)
            elif (
                part.get("type") == "string"
                and not {"enum", "pattern"} & part.keys()
                and part.get("format") in {None, "uri"}
            ):
                free.add(field)

    for model in INPUT_OF.values():
        schema = model.model_json_schema()
        for name, each in schema["properties"].items():
            look(each, schema.get("$defs", {}), name)
    assert free - {"iso_3166_1_alpha_2", "iso_3166_1_alpha_3"} == FREE


@given(
    begin=st.integers(0, 9),
    end=st.none() | st.integers(0, 12),
    cuts=st.lists(st.integers(0, 12), unique=True, max_size=8).map(sorted),
)
def test_a_span_without_others_is_what_is_left(begin: int, end: int | None, cuts: list[int]) -> None:
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    far = 20  # stands for no end

    def filled(since: int, until: int | None) -> set[int]:
        return set(range(since, far if until is None else until))

    wanted = filled(begin, end).difference(*(range(*span) for span in spans))
    pieces = list(_without(begin, end, spans))
    assert set().union(*(filled(*piece) for piece in pieces)) == wanted
    assert sum(len(filled(*piece)) for piece in pieces) == len(wanted)
    assert all(filled(*piece) for piece in pieces)
