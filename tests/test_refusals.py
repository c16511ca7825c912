"""What a write is refused with: reasons, addresses and conditions that say nothing, and where to look."""

import pytest
from sqlalchemy import text

from db.enums import Resource
from tests.curating import Curator, path_of, refused
from tests.synthetic import article, claim, exchange

pytestmark = pytest.mark.anyio

FIRST = path_of(Resource.EXCHANGE, "first")
NOTE = path_of(Resource.COVERAGE, "winter")


@pytest.mark.parametrize(
    "reason",
    ["\u200b", "\u00ad", "\ufffe", "a\x1b[31mred", "a\x7f", "\u202eetirw", "\u00a0\u200d", "a\U000e0062"],
    ids=ascii,
)
async def test_a_reason_can_be_read_by_everybody(curator: Curator, reason: str) -> None:
    problem = refused(await curator.send("DELETE", NOTE, etag='"1"', reason=reason), 422, "invalid_query")
    assert [(item.parameter, item.code) for item in problem.errors] == [("reason", "invalid_value")]
    assert (await curator.get(NOTE)).status_code == 200


@pytest.mark.parametrize("reason", ["Київ уточнив 🙂", "two\nlines", "مراجعة\u200f"], ids=ascii)
async def test_a_reason_may_be_in_any_script(curator: Curator, reason: str) -> None:
    assert (await curator.send("DELETE", NOTE, etag='"1"', reason=reason)).status_code == 204


async def test_a_restoration_may_say_what_it_has_seen(curator: Curator) -> None:
    assert (await curator.send("DELETE", NOTE, etag='"1"')).status_code == 204
    problem = refused(await curator.send("POST", f"{NOTE}/restore", etag='"1"'), 412, "precondition_failed")
    assert problem.current_etag == '"2"'
    assert (await curator.get(NOTE)).status_code == 410
    assert (await curator.send("POST", f"{NOTE}/restore", etag='"2"')).headers["etag"] == '"3"'


async def test_conflicts_say_where_to_look(curator: Curator) -> None:
    problem = refused(
        await curator.send("DELETE", path_of(Resource.ACTOR, "east"), etag='"1"'), 409, "conflict"
    )
    for each in problem.conflicts:
        assert (await curator.get(each.path)).json()["id"] == each.id
    assert [each.path for each in problem.conflicts] == [path_of(Resource.EXCHANGE, "second")]


async def test_a_refused_write_tells_what_is_left_of_the_key(curator: Curator) -> None:
    for etag, status in (('"9"', 412), (None, 428), ('"1"', 422)):
        answer = await curator.send("PATCH", FIRST, {"kind": "nonsense"}, etag=etag)
        assert answer.status_code == status
        assert answer.headers["ratelimit"].startswith('"writes";r=')


async def test_the_address_of_a_merged_article_stays_taken(curator: Curator) -> None:
    merge = f"{path_of(Resource.ARTICLE, 'page-2')}/merge"
    assert (await curator.send("POST", merge, etag='"1"', query={"into": "page-1"})).status_code == 200
    again = article("page-9") | {"url": article("page-2")["url"]}
    problem = refused(await curator.send("POST", "/v1/articles", again), 409, "conflict")
    assert [each.id for each in problem.conflicts] == ["page-1"]


async def test_what_became_part_of_another_is_told(curator: Curator) -> None:
    merge = f"{path_of(Resource.ARTICLE, 'page-2')}/merge"
    assert (await curator.send("POST", merge, etag='"1"', query={"into": "page-1"})).status_code == 200
    etag = await curator.etag(FIRST)
    answer = await curator.send("PATCH", FIRST, {"citations": ["page-1", "page-2"]}, etag=etag)
    assert "it is part of 'page-1' now" in refused(answer, 422, "invalid_body").errors[0].message


async def test_a_url_without_a_password(curator: Curator) -> None:
    named = article("page-9") | {"url": "https://reader:secret@example.org/page-9"}
    answer = await curator.send("POST", "/v1/articles", named)
    assert "secret" not in answer.text
    assert refused(answer, 422, "invalid_body").errors[0].pointer == "/url"


async def test_what_is_unknown_may_be_left_out_of_new_parts(curator: Curator) -> None:
    said = {name: value for name, value in claim("x:c1").items() if value is not None and name != "id"}
    new = exchange("third", date="2021-05-05") | {"claims": [said]}
    answer = await curator.send("POST", "/v1/exchanges", new)
    assert answer.status_code == 201, answer.text
    assert answer.json()["claims"][0]["note"] is None


async def test_an_import_is_repeated_without_a_key_of_its_own(curator: Curator) -> None:
    answer = await curator.send("POST", "/v1/import", {}, Idempotency_Key="once")
    assert "changes nothing that stands" in refused(answer, 400, "bad_request").detail


async def test_a_row_made_wrong_is_no_fault_of_the_curator(curator: Curator) -> None:
    async with curator.engine.begin() as connection:
        await connection.execute(
            text("ALTER TABLE coverage_index ADD COLUMN later integer NOT NULL DEFAULT 0")
        )
        await connection.execute(text("ALTER TABLE coverage_index ALTER COLUMN later DROP DEFAULT"))
    answer = await curator.send("PATCH", NOTE, {"statement": "Else."}, etag='"1"', Idempotency_Key="once")
    refused(answer, 500, "internal_error")
    async with curator.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM kept_answer"))).scalar_one() == 0
