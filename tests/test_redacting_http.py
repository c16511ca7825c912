"""What readers, mirrors and curators see of a redaction, over HTTP and at the command line."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.conditional import http_date
from db.amending import remove
from db.enums import Resource
from db.rendering import PLURAL
from tests.asking import ask, found, id_of, walk
from tests.blanking import NAME, REASON, blank, holding, named_then_mended
from tests.curating import curating, refused, url_of
from tests.serving import exchanges, refusal
from tests.synthetic import claim, exchange
from tests.test_amending import run
from tests.writing import changed, everything, made, put

pytestmark = pytest.mark.anyio
R = Resource

FIRST = "/v1/exchanges/first"
LISTS = [f"/v1/{word}" for word in (*PLURAL.values(), "claims", "mediations", "figures")]


async def test_the_number_of_a_part_that_was_blanked_is_never_used_again(
    small: AsyncEngine, server_url: str
) -> None:
    more = [claim("first:c1"), claim("first:c7", note=f"With {NAME}.", category="civilian")]
    await put(small, await changed(small, R.EXCHANGE, "first", claims=more))
    await put(small, made(R.EXCHANGE, exchange("first")))
    await blank(small, R.EXCHANGE, "first", 2)
    async with curating(small, server_url) as curator:
        new = claim("", category="child")
        del new["id"]
        answer = await curator.change("POST", f"{FIRST}/claims", new)
        assert answer.json()["id"] == "first:c8"


async def states(client: httpx.AsyncClient, newest: int) -> dict[tuple[str, int], dict[str, dict[str, Any]]]:
    """Give all that each list shows as of each dataset revision."""
    return {
        (path, revision): {id_of(each): each for each in await walk(client, path, {"as_of": revision})}
        for path in LISTS
        for revision in range(1, newest + 1)
    }


async def test_lists_leave_out_what_was_blanked_and_nothing_else(small: AsyncEngine, server_url: str) -> None:
    await named_then_mended(small)
    async with curating(small, server_url) as curator:
        before = await states(curator.client, 4)
        pinned = {"as_of": 2, "q": NAME}
        assert await found(curator.client, "/v1/exchanges", pinned) == {"first"}
        await blank(small, R.EXCHANGE, "first", 2)
        after = await states(curator.client, 4)
        assert await found(curator.client, "/v1/exchanges", pinned) == set()

    def without_first(path: str, records: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        owner = "id" if path == "/v1/exchanges" else "exchange"
        return {id_: each for id_, each in records.items() if each.get(owner) != "first"}

    for (path, revision), records in before.items():
        expected = without_first(path, records) if revision in {2, 3} else records
        assert after[path, revision] == expected, (path, revision)
    assert after["/v1/claims", 2] != before["/v1/claims", 2]


async def test_a_walk_goes_on_while_something_is_blanked(small: AsyncEngine, server_url: str) -> None:
    for number in range(5):
        await put(small, made(R.EXCHANGE, exchange(f"more-{number}", date=f"2019-01-0{number + 1}")))
    await named_then_mended(small)
    async with curating(small, server_url) as curator:
        pages = [
            (await ask(curator.client, "/v1/exchanges", {"as_of": 7, "limit": 2, "sort": "date"})).json()
        ]
        await blank(small, R.EXCHANGE, "first", 2)
        while pages[-1]["meta"]["next"]:
            pages.append((await ask(curator.client, pages[-1]["meta"]["next"])).json())
        ids = [each["id"] for page in pages for each in page["data"]]
        assert ids == [*(f"more-{number}" for number in range(5)), "second"]
        assert {page["meta"]["total"] for page in pages} == {7}
        assert len(await walk(curator.client, "/v1/exchanges", {"as_of": 7})) == 6


async def test_readers_of_a_blanked_revision_are_told_why(small: AsyncEngine, server_url: str) -> None:
    await named_then_mended(small)
    async with curating(small, server_url) as curator:
        client = curator.client
        listed = await ask(client, "/v1/exchanges", {"as_of": 2})
        old = await ask(client, FIRST, {"as_of": 2})
        await blank(small, R.EXCHANGE, "first", 2)
        why = f"revision 2 blanked: {REASON}"
        for path, query in (
            (f"{FIRST}/revisions/2", {}),
            (FIRST, {"as_of": 2}),
            (FIRST, {"as_of": 3}),
            (f"{FIRST}/diff", {"from_revision": 1, "to_revision": 2}),
            (f"{FIRST}/diff", {"from_revision": 2, "to_revision": 3}),
        ):
            answer = await ask(client, path, query)
            detail = refused(answer, 410, "gone").detail
            assert detail.endswith(f" is gone ({why}).")
            assert detail.count(":") == 1
            assert NAME not in answer.text
        kept = await ask(client, FIRST, {"as_of": 2}, If_None_Match=old.headers["etag"])
        assert kept.status_code == 410
        again = await ask(client, "/v1/exchanges", {"as_of": 2}, If_None_Match=listed.headers["etag"])
        assert again.status_code == 200
        for as_of, status in ((1, 200), (2, 410), (3, 410), (4, 200)):
            for path in ("/v1/claims/first:c1", f"{FIRST}/claims/first:c1"):
                assert (await ask(client, path, {"as_of": as_of})).status_code == status
        part = await ask(client, "/v1/claims/first:c1", {"as_of": 2})
        assert why in refused(part, 410, "gone").detail
        for path, query in (
            (FIRST, {"as_of": 1}),
            (FIRST, {"as_of": 4}),
            (f"{FIRST}/diff", {"from_revision": 3}),
        ):
            assert (await ask(client, path, query)).status_code == 200
        now = await curator.get(FIRST)
        assert (now.headers["etag"], now.json()["revision"]) == ('"4"', 4)
        page = (await ask(client, f"{FIRST}/revisions")).json()
        assert [(each["number"], each["action"]) for each in page["data"]][2:] == [
            (3, "updated"),
            (4, "redacted"),
        ]
        assert page["data"][1]["figures"] == []


PINNED = [f"/v1/{word}" for word in ("dataset", "dataset.jsonld", "datapackage.json", "croissant.json")]
PINNED += [f"/v1/{word}" for word in ("codebook", "mediators", "mediators/east", "stats")]
PINNED += [f"/v1/exchanges{ending}" for ending in ("", ".csv", ".atom", ".ics")]


async def test_no_copy_of_a_past_state_outlives_a_redaction(small: AsyncEngine, server_url: str) -> None:
    await named_then_mended(small)
    await put(small, await changed(small, R.TOTAL, "total-1", value=52))
    async with curating(small, server_url) as curator:
        client = curator.client
        before = {path: await ask(client, path, {"as_of": 2}) for path in PINNED}
        for path, answer in before.items():
            assert answer.status_code == 200, answer.text
            kept = await ask(client, path, {"as_of": 2}, If_None_Match=answer.headers["etag"])
            assert kept.status_code == 304, path
            assert answer.headers["memento-datetime"]
        await blank(small, R.EXCHANGE, "first", 2)
        now = http_date(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
        for path, answer in before.items():
            for condition in ({"If_None_Match": answer.headers["etag"]}, {"If_Modified_Since": now}):
                after = await ask(client, path, {"as_of": 2}, **condition)
                assert after.status_code == 200, (path, condition)


async def test_each_redaction_gives_its_own_reason(small: AsyncEngine, server_url: str) -> None:
    await named_then_mended(small)
    await blank(small, R.EXCHANGE, "first", 1)
    await blank(small, R.EXCHANGE, "first", 2)
    async with curating(small, server_url) as curator:
        for number in (1, 2):
            answer = await ask(curator.client, f"{FIRST}/revisions/{number}")
            assert f"revision {number} blanked" in refused(answer, 410, "gone").detail


async def test_a_deleted_record_stays_deleted_for_readers(small: AsyncEngine, server_url: str) -> None:
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await blank(small, R.EXCHANGE, "second", 1)
    async with curating(small, server_url) as curator:
        path = "/v1/exchanges/second"
        assert "was deleted" in refused(await curator.get(path), 410, "gone").detail
        assert "blanked" in refused(await ask(curator.client, path, {"as_of": 1}), 410, "gone").detail
        redacted = await ask(curator.client, f"{path}/revisions/3")
        assert (
            f"only tells of a redaction (revisions 1 and 2 blanked: {REASON})."
            in refused(redacted, 410, "gone").detail
        )
        gone = await ask(curator.client, "/v1/claims/second:c1")
        assert refused(gone, 404, "not_found").detail == "There is no claim 'second:c1'."
        refused(await ask(curator.client, "/v1/claims/second:c1", {"as_of": 1}), 410, "gone")
        back = await curator.send("POST", f"{path}/restore")
        assert "was blanked" in refused(back, 409, "conflict").detail


async def test_the_feed_tells_and_a_mirror_ends_equal(small: AsyncEngine, server_url: str) -> None:
    await named_then_mended(small)
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await blank(small, R.EXCHANGE, "first", 2)
    await blank(small, R.EXCHANGE, "second", 1)
    await put(small, await changed(small, R.TOTAL, "total-1", value=52))
    async with curating(small, server_url) as curator:
        feed = await ask(curator.client, "/v1/changes", {"body": "true", "limit": 1000})
        assert feed.status_code == 200
        assert NAME not in feed.text
        mirror: dict[tuple[str, str], str] = {}
        for entry in feed.json()["data"]:
            key = (entry["resource"], entry["id"])
            if entry["action"] in {"deleted", "merged"}:
                mirror.pop(key, None)
            elif entry["body"] is not None:
                mirror[key] = entry["body"]
        served = {
            (str(resource), each["id"])
            for resource, plural in PLURAL.items()
            for each in await walk(curator.client, f"/v1/{plural}")
        }
        assert served == mirror.keys()
        for (resource, record_id), body in mirror.items():
            path = f"/v1/{PLURAL[Resource(resource)]}/{record_id}"
            assert (await curator.get(path)).text == body
        redacted = [each for each in feed.json()["data"] if each["action"] == "redacted"]
        assert [(each["id"], each["body"] is None, each["changed"], each["by"]) for each in redacted] == [
            ("first", False, [], None),
            ("second", True, [], None),
        ]
        atom = await ask(curator.client, "/v1/changes.atom")
        assert f"revision 2 blanked: {REASON}" in atom.text


async def test_kept_answers_that_hold_it_are_dropped(small: AsyncEngine, server_url: str) -> None:
    async with curating(small, server_url) as curator:
        etag = await curator.etag(FIRST)
        named = {"summary": f'{NAME} was "freed".'}
        answer = await curator.send("PATCH", FIRST, named, etag=etag, Idempotency_Key="one")
        assert answer.status_code == 200
        mended = {"summary": "Somebody was freed."}
        etag = answer.headers["etag"]
        assert (
            await curator.send("PATCH", FIRST, mended, etag=etag, Idempotency_Key="two")
        ).status_code == 200
        assert "kept_answer" in await holding(small)
        redaction, _ = await blank(small, R.EXCHANGE, "first", 2)
        assert redaction.answers == 1
        assert await holding(small) == set()
        again = await curator.send("PATCH", FIRST, mended, etag=etag, Idempotency_Key="two")
        assert again.headers["Idempotency-Replayed"] == "true"


# The command


async def test_the_command_blanks_and_says_what(small: AsyncEngine, server_url: str) -> None:
    await put(small, await changed(small, R.ARTICLE, "page-2", title=f"{NAME} is free"))
    await put(small, await changed(small, R.ARTICLE, "page-2", link_status="alive"))
    await put(small, await changed(small, R.ARTICLE, "page-2", title=None))
    url = await url_of(small, server_url)
    command = ("redact", "articles/page-2", "--revision", "2", "--reason", REASON)
    told = [
        "article page-2 revision 2: {}",
        "exchange second revision 2: {}",
        "total total-2 revision 2: {}",
        "article page-2 revision 3: left, but holds one of the same texts; does it name somebody?",
    ]
    before = await everything(small)
    planned = exchanges(*command, "--dry-run", DATABASE_URL=url)
    assert (planned.returncode, planned.stderr) == (0, "")
    assert planned.stdout.splitlines() == [
        *(line.format("would be blanked") for line in told),
        "dry run, nothing stored; would be dataset revision 5",
    ]
    assert await everything(small) == before
    done = exchanges(*command, DATABASE_URL=url)
    assert done.stdout.splitlines() == [*(line.format("blanked") for line in told), "dataset revision 5"]
    rest = exchanges("redact", "article/page-2", "--revision", "3", "--reason", REASON, DATABASE_URL=url)
    assert rest.stdout.splitlines() == ["article page-2 revision 3: blanked", "dataset revision 6"]
    assert await holding(small) == set()
    assert NAME not in done.stdout + done.stderr
    assert "is whole" in exchanges("verify", DATABASE_URL=url).stdout


@pytest.mark.parametrize(
    ("record", "number", "reason", "said"),
    [
        ("exchange/first", 1, REASON, "exchange 'first' still says what a curator wrote in that revision"),
        ("exchange/first", 2, REASON, "exchange 'first' has revision 1 only, and no revision 2"),
        ("exchanges/third", 1, REASON, "there never was exchange 'third'"),
        ("exchange/first", 1, " ", "say why with --reason"),
        ("first", 1, REASON, "RECORD must be a kind, a slash and an id"),
        ("swap/first", 1, REASON, "not 'swap/first'; the kinds are exchange, article"),
        ("exchange/", 1, REASON, "RECORD must be a kind, a slash and an id"),
    ],
)
async def test_what_cannot_be_blanked_is_told_in_a_line(
    small: AsyncEngine, server_url: str, *, record: str, number: int, reason: str, said: str
) -> None:
    url = await url_of(small, server_url)
    assert said in refusal("redact", record, "--revision", number, "--reason", reason, DATABASE_URL=url)


async def test_proposals_lose_what_was_blanked(small: AsyncEngine, server_url: str) -> None:
    async with curating(small, server_url) as curator:
        proposed = {
            "action": "update",
            "resource": "exchange",
            "record_id": "first",
            "base_revision": 1,
            "content": {"summary": f"A handover of {NAME}."},
            "source_url": "https://example.org/page-1",
            "comment": "Somebody says so.",
        }
        made_ = await curator.send("POST", "/v1/proposals", proposed, reason=None)
        assert made_.status_code == 201, made_.text
        await put(small, await changed(small, R.EXCHANGE, "first", summary=f"A handover of {NAME}."))
        await put(small, await changed(small, R.EXCHANGE, "first", summary="A handover."))
        redaction, _ = await blank(small, R.EXCHANGE, "first", 2)
    assert redaction.proposals == 1
    assert await holding(small) == set()
