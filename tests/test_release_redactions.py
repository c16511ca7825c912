"""What a redaction does to releases that held it: files made again, and notices that tell so."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.amending import remove
from db.enums import Resource
from tests.asking import ask
from tests.blanking import NAME, REASON, blank, holding, named_then_mended
from tests.curating import curating, refused, url_of
from tests.releasing import release, released, touch
from tests.serving import exchanges
from tests.test_amending import run
from tests.writing import changed, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
FIRST = "/v1/exchanges/first"


@pytest.fixture
async def small(engine: AsyncEngine) -> AsyncEngine:
    await put_small(engine)
    return engine


async def test_a_redaction_makes_the_files_of_releases_again(small: AsyncEngine, server_url: str) -> None:
    await release(small, "2026.08", files=True)
    await named_then_mended(small)  # revision 2 of `first` names somebody, in dataset revisions 2 and 3
    await put(small, await changed(small, R.EXCHANGE, "first", summary=f"{NAME} was freed."))
    named = await release(small, "2026.09", files=True)
    await put(small, await changed(small, R.EXCHANGE, "first", summary="Somebody was freed."))
    await release(small, "2026.10", files=True)
    before = {name: await released(small, name) for name in ("2026.08", "2026.09", "2026.10")}
    assert before["2026.09"] == named
    url = await url_of(small, server_url)
    arguments = ("redact", "exchange/first", "--revision", "4", "--reason", REASON)
    planned = exchanges(*arguments, "--dry-run", DATABASE_URL=url)
    assert planned.returncode == 0, planned.stderr
    assert await released(small, "2026.09") == named
    done = exchanges(*arguments, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert "release 2026.09: its files were made again" in done.stdout.splitlines()
    assert NAME not in done.stdout + done.stderr
    after = {name: await released(small, name) for name in before}
    assert after["2026.08"] == before["2026.08"]
    assert after["2026.10"] == before["2026.10"]
    remade = after["2026.09"]
    assert remade.remade_at is not None
    assert (remade.at, remade.dataset_revision) == (named.at, named.dataset_revision)
    hashes, old = ({file["name"]: file["sha256"] for file in each.files} for each in (remade, named))
    assert hashes.keys() == old.keys()
    assert {name for name in hashes if hashes[name] != old[name]} >= {"data/exchanges.csv", "README.md"}
    assert hashes["data/actors.csv"] == old["data/actors.csv"]


async def test_releases_tell_what_was_blanked_in_them(small: AsyncEngine, server_url: str) -> None:
    await named_then_mended(small)
    await put(small, await changed(small, R.EXCHANGE, "first", summary=f"{NAME} was freed."))
    await release(small, "2026.09")
    await touch(small, 70)
    await release(small, "2026.10")
    await put(small, await changed(small, R.EXCHANGE, "first", summary="Somebody was freed."))
    await release(small, "2026.11")
    async with curating(small, server_url) as curator:
        tag = (await ask(curator.client, "/v1/releases/2026.09")).headers["etag"]
        await blank(small, R.EXCHANGE, "first", 4)
        await blank(small, R.EXCHANGE, "first", 2)  # which no release held
        page = (await ask(curator.client, "/v1/releases")).json()["data"]
        told = {each["name"]: each["notices"] for each in page}
        assert told["2026.11"] == []
        [notice] = told["2026.09"]
        assert told["2026.10"] == [notice]
        assert notice | {"at": ""} == {
            "resource": "exchange",
            "id": "first",
            "revision": 4,
            "reason": f"revision 4 blanked: {REASON}",
            "at": "",
            "history": "/v1/exchanges/first/revisions",
        }
        entries = (await ask(curator.client, notice["history"])).json()["data"]
        assert [each["release"] for each in entries] == [None, None, None, "2026.09", "2026.11", None, None]
        assert (await ask(curator.client, "/v1/releases/2026.09", If_None_Match=tag)).status_code == 200
        gone = await ask(curator.client, f"{FIRST}/diff", {"from_revision": "release:2026.10"})
        assert f"revision 4 blanked: {REASON}" in refused(gone, 410, "gone").detail
    assert await holding(small) == set()


async def test_what_no_release_held_is_told_in_none(small: AsyncEngine, server_url: str) -> None:
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await release(small, "2026.09")
    await blank(small, R.EXCHANGE, "second", 1)
    async with curating(small, server_url) as curator:
        assert (await ask(curator.client, "/v1/releases/2026.09")).json()["notices"] == []
