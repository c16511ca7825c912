"""How much a key may write: windows that move, what headers tell of them, and each key for itself."""

import re
import time

import pytest
from pydantic import ValidationError

from api.errors import ApiError
from api.limits import BURST_SECONDS, WriteLimiter
from api.problems import ProblemCode
from api.settings import HttpSettings


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(1_000_000.0)
    monkeypatch.setattr(time, "time", made)
    return made


def spend(limiter: WriteLimiter, times: int, key_id: str = "one") -> list[dict[str, str]]:
    return [dict(limiter.spend(key_id)) for _ in range(times)]


def refusal(limiter: WriteLimiter, key_id: str = "one") -> ApiError:
    with pytest.raises(ApiError) as raised:
        limiter.spend(key_id)
    assert raised.value.code is ProblemCode.TOO_MANY_REQUESTS
    return raised.value


def wait_of(error: ApiError) -> int:
    assert error.headers is not None
    return int(error.headers["Retry-After"])


def test_what_is_usual() -> None:
    settings = HttpSettings(_env_file=None)
    assert (settings.writes_per_minute, settings.write_burst) == (120, 100)


@pytest.mark.parametrize("name", ["WRITES_PER_MINUTE", "WRITE_BURST"])
def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "7")
    assert getattr(HttpSettings(), name.lower()) == 7
    monkeypatch.setenv(name, "0")
    with pytest.raises(ValidationError):
        HttpSettings()


def test_headers_are_those_of_the_draft(clock: Clock) -> None:
    first, second = spend(WriteLimiter(per_minute=120, burst=100), 2)
    assert first == {
        "RateLimit-Policy": f'"writes";q=120;w=60, "burst";q=100;w={BURST_SECONDS}',
        "RateLimit": f'"writes";r=119;t=60, "burst";r=99;t={BURST_SECONDS}',
    }
    assert second["RateLimit"] == f'"writes";r=118;t=60, "burst";r=98;t={BURST_SECONDS}'
    item = r'"[a-z]+";[qr]=\d+;[wt]=\d+'
    assert all(re.fullmatch(rf"{item}, {item}", value) for value in first.values())


def test_a_burst_is_refused_and_free_again_after_what_retry_after_says(clock: Clock) -> None:
    limiter = WriteLimiter(per_minute=120, burst=100)
    spend(limiter, 100)
    clock.pass_(3.5)
    error = refusal(limiter)
    assert wait_of(error) == 7
    assert error.headers is not None
    assert error.headers["RateLimit"] == '"writes";r=20;t=57, "burst";r=0;t=7'
    clock.pass_(6)
    assert wait_of(refusal(limiter)) == 1
    clock.pass_(1)
    spend(limiter, 20)


def test_a_minute_is_refused_however_slowly_it_was_spent(clock: Clock) -> None:
    limiter = WriteLimiter(per_minute=120, burst=100)
    spend(limiter, 60)
    clock.pass_(20)
    spend(limiter, 60)
    clock.pass_(20)
    assert wait_of(refusal(limiter)) == 20, "the first sixty come free one minute after they were spent"
    clock.pass_(20.01)
    spend(limiter, 60)
    assert wait_of(refusal(limiter)) == 20


def test_whatever_was_refused_is_not_counted(clock: Clock) -> None:
    limiter = WriteLimiter(per_minute=5, burst=2)
    spend(limiter, 2)
    for _ in range(20):
        refusal(limiter)
    assert limiter.refused == 20
    clock.pass_(BURST_SECONDS + 0.01)
    assert spend(limiter, 1)[0]["RateLimit"].startswith('"writes";r=2;')


def test_a_window_moves_and_never_gives_twice_its_quota(clock: Clock) -> None:
    limiter = WriteLimiter(per_minute=10, burst=10)
    spent: list[float] = []
    for _ in range(400):
        clock.pass_(1.3)
        try:
            limiter.spend("one")
        except ApiError:
            continue
        spent.append(clock.now)
    assert len(spent) > 50
    assert max(sum(now <= other < now + 60 for other in spent) for now in spent) == 10


def test_each_key_has_its_own(clock: Clock) -> None:
    limiter = WriteLimiter(per_minute=3, burst=3)
    spend(limiter, 3)
    refusal(limiter)
    spend(limiter, 3, "other")
    assert "one" in refusal(limiter).detail


def test_a_burst_above_the_minute_means_nothing(clock: Clock) -> None:
    limiter = WriteLimiter(per_minute=2, burst=100)
    spend(limiter, 2)
    assert wait_of(refusal(limiter)) == 60


def test_whoever_must_wait_waits_a_second_at_least(clock: Clock) -> None:
    limiter = WriteLimiter(per_minute=2, burst=2)
    spend(limiter, 2)
    clock.pass_(59.999)
    assert wait_of(refusal(limiter)) == 1
