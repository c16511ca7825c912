"""How much a reader may ask: windows, who counts as one reader, headers, and what is expensive."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api import expensive, readlimits
from api.gates import Queue
from api.main import create_app
from api.reading import READ_LIMITS
from api.readlimits import IN_MEMORY, MOST_READERS, REFUSED_KEYS, Budget, ReadLimits, Store
from api.settings import HttpSettings
from db.access import create_key, revoke_key
from db.enums import Role
from db.session import write_engine
from db.settings import DatabaseSettings
from tests.applications import Queries, running
from tests.synthetic import publisher
from tests.test_limits import Clock

pytestmark = pytest.mark.anyio

READ = "/v1/exchanges?limit=1"
STATS = "/v1/stats?group_by=year"
MOST = 999_999_999_999_999


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(1_200_000.5)  # windows of 10 and of 60 seconds have just begun
    monkeypatch.setattr("time.time", made)
    monkeypatch.setattr(readlimits, "time", SimpleNamespace(time=made, monotonic=made))
    return made


def budget(per_minute: int = 1800, burst: int = 500) -> Budget:
    return Budget(Store(IN_MEMORY), "reads", per_minute=per_minute, burst=burst)


async def spend(budget: Budget, times: int, reader: str = "one") -> int:
    """Ask so many times, and tell how often it was allowed."""
    return sum([budget.spend(await budget.tally_of(reader)) for _ in range(times)])


async def at_rate(budget: Budget, clock: Clock, per_second: int, seconds: int) -> int:
    """Ask at a steady rate, and tell how often it was refused."""
    refused = 0
    for _ in range(seconds * per_second):
        refused += not await spend(budget, 1)
        clock.pass_(1 / per_second)
    return refused


def limited(url: str, **settings: Any) -> Any:
    """Run the application with limits for the client of the tests, which comes from loopback."""
    chosen = {"log_level": "error", "cache_size": 0, "unlimited_readers": ()} | settings
    return running(create_app(HttpSettings(**chosen), DatabaseSettings(database_url=url)))


def limits_of(client: httpx.AsyncClient) -> ReadLimits:
    found: ReadLimits = client._transport.app.state[READ_LIMITS]  # type: ignore[attr-defined]
    return found


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("what the test waits for does not come")


def left_of(answer: httpx.Response) -> dict[str, int]:
    """Give what is left under each name, as the header tells."""
    return {name: int(left) for name, left in re.findall(r'"([a-z-]+)";r=(\d+)', answer.headers["ratelimit"])}


# --- windows ---


def test_what_is_usual() -> None:
    usual = HttpSettings(_env_file=None)
    assert (usual.reads_per_minute, usual.read_burst) == (1800, 500)
    assert (usual.expensive_per_minute, usual.expensive_burst) == (900, 200)


async def test_ten_a_second_are_never_noticed_and_two_hundred_are(clock: Clock) -> None:
    usual = HttpSettings(_env_file=None)
    for per_minute, burst in (
        (usual.reads_per_minute, usual.read_burst),
        (usual.expensive_per_minute, usual.expensive_burst),
    ):
        assert await at_rate(budget(per_minute, burst), clock, 10, 300) == 0
        assert await at_rate(budget(per_minute, burst), clock, 200, 60) > 60 * 200 - 2 * per_minute


async def test_no_minute_has_much_more_than_its_quota(clock: Clock) -> None:
    made = budget(per_minute=300, burst=100)
    allowed = 60 * 10 * 10 - await at_rate(made, clock, 10, 600)
    assert 0.9 * 300 * 10 <= allowed <= 1.1 * 300 * 10


async def test_what_was_spent_comes_back_little_by_little(clock: Clock) -> None:
    made = budget(per_minute=100_000, burst=100)
    assert await spend(made, 150) == 100
    assert made.refused == 50
    wait = (await made.tally_of("one")).wait
    assert wait == 10
    clock.pass_(wait)
    assert 5 <= await spend(made, 100) <= 6, "half a second later than the first came free"
    clock.pass_(5)
    assert 49 <= await spend(made, 100) <= 51


async def test_what_is_told_is_what_is_left(clock: Clock) -> None:
    made = budget(per_minute=100, burst=10)
    for number in range(1, 11):
        tally = await made.tally_of("one")
        assert made.spend(tally)
        assert made.told(tally).startswith(f'"reads";r={100 - number};t=')
        clock.pass_(0.3)  # the storage is asked anew each time
    tally = await made.tally_of("one")
    assert not made.spend(tally)
    assert made.told(tally) == '"reads";r=90;t=57, "reads-burst";r=0;t=7'
    assert tally.wait == 7
    another = await made.tally_of("another")
    assert made.spend(another)
    assert made.told(another) == '"reads";r=99;t=60, "reads-burst";r=9;t=10'


async def test_ever_new_addresses_do_not_fill_the_memory(clock: Clock) -> None:
    made = budget()
    for number in range(2 * MOST_READERS + 10):
        made.spend(await made.tally_of(str(number)))
    assert len(made._tallies) <= MOST_READERS
    assert len(made._store.storage.storage) <= 2 * MOST_READERS  # type: ignore[attr-defined]


# --- headers and refusals ---


async def test_a_limited_reader_is_told_and_then_refused(clock: Clock, read_only_url: str) -> None:
    async with limited(read_only_url, read_burst=3) as client:
        for left in (2, 1, 0):
            answer = await client.get(READ)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-policy"] == '"reads";q=1800;w=60, "reads-burst";q=3;w=10'
            assert left_of(answer) == {"reads": 1797 + left, "reads-burst": left}
        refused = await client.get(READ)
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_requests"
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert left_of(refused)["reads-burst"] == 0
        # as on every answer
        assert refused.headers["cache-control"] == "no-store"
        assert refused.headers["access-control-allow-origin"] == "*"
        assert refused.headers["x-request-id"]
        head = await client.head(READ)
        assert (head.status_code, head.content) == (429, b"")
        assert limits_of(client).refused == 2
        # neither pages nor probes are counted, nor is what they show
        for path in ("/", "/guide", "/docs", "/healthz", "/problems/too_many_requests"):
            page = await client.get(path)
            assert page.status_code == 200
            assert "ratelimit" not in page.headers


async def test_short_paths_count_as_what_they_stand_for(clock: Clock, read_only_url: str) -> None:
    async with limited(read_only_url, read_burst=2) as client:
        assert left_of(await client.get("/exchanges?limit=1"))["reads-burst"] == 1
        assert left_of(await client.get("/exchanges.csv"))["reads-burst"] == 0
        assert (await client.get("/exchanges?limit=1")).status_code == 429


async def test_loopback_is_not_limited_and_told_so(client: httpx.AsyncClient) -> None:
    answer = await client.get(READ)
    assert answer.headers["ratelimit-policy"] == f'"unlimited";q={MOST}'
    assert answer.headers["ratelimit"] == f'"unlimited";r={MOST}'
    assert "ratelimit" not in (await client.get("/guide")).headers


async def test_headers_are_not_kept_with_an_answer(clock: Clock, read_only_url: str) -> None:
    async with limited(read_only_url, cache_size=1_000_000, read_burst=50) as client:
        state = client._transport.app.state  # type: ignore[attr-defined]
        await until(lambda: state["newest"].version is not None)  # before, nothing is kept
        first = await client.get(READ)
        for before in range(49, 46, -1):
            again = await client.get(READ)
            assert left_of(again)["reads-burst"] == before - 1
            assert len(again.headers.get_list("ratelimit")) == 1
        unchanged = await client.get(READ, headers={"If-None-Match": first.headers["etag"]})
        assert unchanged.status_code == 304
        assert left_of(unchanged)["reads-burst"] == 45
        for _ in range(45):
            await client.get(READ)
        assert (await client.get(READ)).status_code == 429, "what is kept is refused as well"


# --- keys ---


@pytest.fixture
async def token(loaded_url: str) -> str:
    engine = write_engine(loaded_url)
    _, token = await create_key(engine, "a desk", Role.CONTRIBUTOR)
    await engine.dispose()
    return token


async def test_a_key_has_a_budget_of_its_own(clock: Clock, loaded_url: str, token: str) -> None:
    async with limited(loaded_url, read_burst=2) as client:
        for _ in range(2):
            assert (await client.get(READ)).status_code == 200
        assert (await client.get(READ)).status_code == 429
        key = {"Authorization": f"Bearer {token}"}
        first = await client.get(READ, headers=key)
        assert first.status_code == 200, "whoever has a key gets in from where others have used everything up"
        known = await client.get(READ, headers=key)
        assert left_of(known)["reads-burst"] == 1
        assert (await client.get(READ, headers=key)).status_code == 200
        assert (await client.get(READ, headers=key)).status_code == 429


async def test_guesses_at_keys_are_limited(clock: Clock, loaded_url: str) -> None:
    async with limited(loaded_url, read_burst=3) as client:
        statuses = [
            (await client.get(READ, headers={"Authorization": f"Bearer exk_{number:012}_x"})).status_code
            for number in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]
        assert (await client.get(READ)).status_code == 200


async def post(client: httpx.AsyncClient, authorization: str | None = None) -> httpx.Response:
    """Send a write that no curator would: its body is not even JSON."""
    headers = {} if authorization is None else {"Authorization": authorization}
    return await client.post("/v1/exchanges", content=b"{", headers=headers)


@pytest.mark.parametrize("path", ["/v1/exchanges", "/v1/nowhere", "/exchanges", "/v1/stats"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "MADEUP"])
async def test_what_is_no_read_counts_as_one(
    clock: Clock, read_only_url: str, method: str, path: str
) -> None:
    async with limited(read_only_url, read_burst=2) as client:
        for left in (1, 0):
            refused = await client.request(method, path)
            assert refused.status_code in {401, 404, 405}
            assert left_of(refused)["reads-burst"] == left
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
        assert answer.headers["ratelimit-policy"] == '"reads";q=1800;w=60, "reads-burst";q=2;w=10'
        assert left_of(answer)["reads-burst"] == 0
        assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert (await client.get(READ)).status_code == 429, "the address is the same"


async def test_preflights_do_not_count(clock: Clock, read_only_url: str) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    async with limited(read_only_url, read_burst=1) as client:
        for _ in range(3):
            assert (await client.options("/v1/exchanges", headers=headers)).status_code == 204
        assert (await client.get(READ)).status_code == 200


async def test_writes_with_a_key_that_holds_are_limited_by_the_key_alone(
    clock: Clock, loaded_url: str, token: str
) -> None:
    async with limited(loaded_url, read_burst=2) as client:
        for _ in range(5):
            answer = await post(client, f"Bearer {token}")
            assert answer.status_code == 403, "the key holds, but not for this"
        assert "ratelimit" not in answer.headers
        assert left_of(await client.get(READ))["reads-burst"] == 1


async def test_limits_of_a_write_are_told_alone(clock: Clock, loaded_url: str) -> None:
    engine = write_engine(loaded_url)
    _, token = await create_key(engine, "a desk", Role.CURATOR)
    await engine.dispose()
    headers = {"Authorization": f"Bearer {token}"}
    async with limited(loaded_url) as client:
        answer = await client.post(
            "/v1/publishers?reason=it+is+cited", json=publisher("weekly"), headers=headers
        )
        assert answer.status_code == 201, answer.text
        assert left_of(answer).keys() == {"writes", "burst"}
        assert len(answer.headers.get_list("ratelimit")) == 1


async def test_few_keys_that_do_not_hold_are_looked_up(
    clock: Clock, loaded_url: str, token: str, queries: Queries
) -> None:
    per_minute, burst = REFUSED_KEYS
    async with limited(loaded_url) as client:
        await client.get(READ, headers={"Authorization": f"Bearer {token}"})  # by now it is known
        for number in range(burst):
            refused = await post(client, f"Bearer exk_{number:010}_{'0' * 43}")
            assert refused.status_code == 401
            assert left_of(refused)["keys-burst"] == burst - 1 - number
        queries.clear()
        for answer in (
            await post(client, f"Bearer exk_{0:010}_{'0' * 43}"),
            await client.get(READ, headers={"Authorization": f"Bearer exk_{0:010}_{'0' * 43}"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
            assert f'"keys";q={per_minute};w=60' in answer.headers["ratelimit-policy"]
            assert left_of(answer)["keys-burst"] == 0
            assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert queries == [], "nothing was looked up"
        assert limits_of(client).refused == 2
        assert (await client.get(READ)).status_code == 200, "who sends no key is not concerned"
        signed = await client.get(READ, headers={"Authorization": f"Bearer {token}"})
        assert signed.status_code == 200, "nor who has one that is known to hold"
        clock.pass_(10)
        assert (await post(client, f"Bearer exk_{0:010}_{'0' * 43}")).status_code == 401


async def test_a_key_that_was_revoked_is_a_guess_like_others(
    clock: Clock, loaded_url: str, token: str
) -> None:
    engine = write_engine(loaded_url)
    async with limited(loaded_url) as client:
        assert (await post(client, f"Bearer {token}")).status_code == 403
        await revoke_key(engine, token.split("_")[1])
        statuses = [(await post(client, f"Bearer {token}")).status_code for _ in range(REFUSED_KEYS[1] + 3)]
        assert statuses[0] == 401
        assert statuses[-1] == 429
    await engine.dispose()


# --- what is expensive ---


@pytest.fixture
async def frugal(clock: Clock, read_only_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with limited(read_only_url, expensive_burst=1) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        STATS,
        "/stats",
        "/v1/exchanges.csv",
        "/v1/exchanges.ics",
        "/v1/reconciliation?claimant=uae",
        "/v1/exchanges/2024-12-30-russia-ukraine/citation",
        "/v1/charts/timeline.svg",
        "/v1/releases/2026.11/download",
        "/v1/releases/2026.11/compare/2026.11",
    ],
)
async def test_what_is_expensive_has_a_budget_of_its_own(frugal: httpx.AsyncClient, path: str) -> None:
    first = await frugal.get(path)
    assert first.status_code == 200, first.text
    assert first.headers["ratelimit-policy"].endswith(', "expensive";q=900;w=60, "expensive-burst";q=1;w=10')
    assert left_of(first) == {"reads": 1799, "reads-burst": 499, "expensive": 899, "expensive-burst": 0}
    refused = await frugal.get(path)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert left_of(refused)["expensive-burst"] == 0
    assert len(refused.headers.get_list("ratelimit")) == 1
    cheap = await frugal.get(READ)
    assert cheap.status_code == 200
    assert left_of(cheap) == {"reads": 1797, "reads-burst": 497}
    assert limits_of(frugal).refused == 1


async def test_what_is_kept_is_not_expensive(clock: Clock, read_only_url: str) -> None:
    async with limited(read_only_url, cache_size=1_000_000, expensive_burst=1) as client:
        state = client._transport.app.state  # type: ignore[attr-defined]
        await until(lambda: state["newest"].version is not None)  # before, nothing is kept
        first = await client.get(STATS)
        assert "expensive" in left_of(first)
        again = await client.get(STATS)
        assert (again.status_code, again.content) == (200, first.content)
        assert "expensive" not in left_of(again)
        assert (await client.get(f"{STATS}&year=2024")).status_code == 429


async def test_few_expensive_questions_run_at_once_and_few_wait(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(1, waiting=1, refusal="Too many.")
    monkeypatch.setattr(expensive, "QUEUE", queue)
    async with queue.turn():
        waiting = asyncio.create_task(client.get(STATS))
        await until(lambda: not queue._room)
        refused = await client.get(STATS)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"] == "2"
        assert not waiting.done()
    assert (await waiting).status_code == 200
    assert (await client.get(STATS)).status_code == 200
