"""Ways past the limits on readers that are none: asking at once, asking again, leaving, and other methods.

What the limits are is in `tests/test_read_limits.py`.
"""

import asyncio

import pytest
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from api.errors import ApiError
from api.reading import Reading
from api.readlimits import IN_MEMORY, REFUSED_KEYS, ReadLimits
from db.access import KeyFault, KeyRefusedError
from tests.test_limits import Clock
from tests.test_read_limits import READ, budget, clock, left_of, limited, limits_of, post, spend, token

pytestmark = pytest.mark.anyio

__all__ = ["clock", "token"]  # fixtures


def wrong(number: int) -> str:
    """Give a key that was never made, in the form of one."""
    return f"Bearer exk_{number:010}_{'0' * 43}"


async def a_reading(**expensive: int) -> Reading:
    limits = ReadLimits(
        IN_MEMORY,
        trusted=(),
        unlimited=(),
        reads=(1800, 500),
        expensive=(expensive.get("per_minute", 900), expensive.get("burst", 200)),
    )
    return Reading(limits, "one", await limits.reads.tally_of("one"))


# --- keys that do not hold ---


async def test_guesses_at_the_same_time_are_limited_as_others_are(clock: Clock, loaded_url: str) -> None:
    _, burst = REFUSED_KEYS
    async with limited(loaded_url) as client:
        answers = await asyncio.gather(*(post(client, wrong(number)) for number in range(3 * burst)))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(401) == burst
        assert statuses.count(429) == 2 * burst
        assert limits_of(client).refused == 2 * burst, "what was answered 401 was not refused for too many"


async def test_a_new_key_is_let_in_however_often_it_comes_at_once(
    clock: Clock, loaded_url: str, token: str
) -> None:
    async with limited(loaded_url) as client:
        sent = {"Authorization": f"Bearer {token}"}
        answers = await asyncio.gather(*(client.get(READ, headers=sent) for _ in range(3 * REFUSED_KEYS[1])))
        assert {answer.status_code for answer in answers} == {200}
        assert (await post(client, wrong(1))).status_code == 401
        assert left_of(await post(client, wrong(2)))["keys"] == REFUSED_KEYS[0] - 2, "it took none of them"


async def test_a_key_that_was_not_looked_up_does_not_count_but_one_whose_client_left_does(
    clock: Clock,
) -> None:
    reading = await a_reading()

    async def guess(outcome: BaseException) -> str:
        with pytest.raises(type(outcome)):
            async with reading.guess():
                raise outcome
        return reading._limits.refused_keys.told(await reading._limits.refused_keys.tally_of("one"))

    assert (await guess(OSError("the database is away"))).startswith('"keys";r=60;')
    assert (await guess(asyncio.CancelledError())).startswith('"keys";r=59;')
    assert (await guess(KeyRefusedError(KeyFault.UNKNOWN))).startswith('"keys";r=58;')


async def test_what_is_set_aside_is_not_free_when_the_storage_is_asked(clock: Clock) -> None:
    made = budget(per_minute=100, burst=10)
    held = await made.tally_of("one")
    assert await made.hold(held)
    clock.pass_(1)
    assert made.told(await made.tally_of("one")).startswith('"reads";r=99;')
    made.settle(held, counts=False)
    clock.pass_(1)
    assert made.told(await made.tally_of("one")).startswith('"reads";r=100;')


# --- what is asked again ---


async def test_what_is_expensive_is_refused_at_each_try(clock: Clock) -> None:
    spent = await a_reading(burst=1)
    for _ in range(3):
        await spent.spend_expensive()  # once, however often it is tried
    other = Reading(spent._limits, "one", spent._tally)
    for _ in range(3):
        with pytest.raises(ApiError, match="requests that take long"):
            await other.spend_expensive()
    assert spent._limits.refused == 1


# --- leaving ---


class Stalling(MemoryStorage):
    """A storage that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.going = asyncio.Event()

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        self.asked.set()
        await self.going.wait()
        return await super().acquire_sliding_window_entry(key, limit, expiry, amount)


async def test_who_leaves_while_it_is_counted_has_spent_all_the_same(clock: Clock) -> None:
    made, stalling = budget(burst=10), Stalling()
    made._store.storage, made._store.limiter = stalling, SlidingWindowCounterRateLimiter(stalling)
    assert await spend(made, 10) == 10
    clock.pass_(1)
    leaver = asyncio.create_task(made.tally_of("one"))
    await stalling.asked.wait()
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    stalling.going.set()
    clock.pass_(1)
    assert await spend(made, 1) == 0


# --- other methods ---


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://example.org"}])
async def test_what_asks_for_no_leave_counts(
    clock: Clock, loaded_url: str, token: str, headers: dict[str, str]
) -> None:
    async with limited(loaded_url, read_burst=3) as client:
        for left in (2, 1, 0):
            allowed = await client.options("/v1/exchanges", headers=headers)
            assert allowed.status_code == 204
            assert left_of(allowed)["reads-burst"] == left
        refused = await client.options("/v1/exchanges", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        key = {"Authorization": f"Bearer {token}"}
        assert left_of(await client.get(READ, headers=key))["reads-burst"] == 2
        known = [await client.options("/v1/exchanges", headers=headers | key) for _ in range(4)]
        assert [answer.status_code for answer in known] == [204, 204, 204, 429], "nor is a key's without end"
