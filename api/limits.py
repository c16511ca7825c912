"""How much one key may write: so many writes in any minute, and of these only so many at once.

Both are moving windows: at most `per_minute` writes in any 60 seconds, and at most `burst` in any 10. A write
that is refused is not counted. Each worker counts for itself, in memory: with several workers a key may write
so many times as much, and a restart forgets. Reads are limited by `api/readlimits.py`, dry runs by nothing.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.errors import ApiError, ProblemCode

BURST_SECONDS = 10


@dataclass(frozen=True)
class Window:
    """One of the limits, as headers tell it: its name, its quota and its seconds."""

    name: str
    item: RateLimitItem

    @property
    def policy(self) -> str:
        """It as RateLimit-Policy tells it."""
        return f'"{self.name}";q={self.item.amount};w={self.item.get_expiry()}'


@dataclass(frozen=True)
class _Left:
    """What a key has left in a window, and after how many whole seconds it has more."""

    name: str
    writes: int
    seconds: int

    def __str__(self) -> str:
        return f'"{self.name}";r={self.writes};t={self.seconds}'


class WriteLimiter:
    """Counts the writes of each key, and refuses those beyond its limits; `refused` says how many."""

    def __init__(self, *, per_minute: int, burst: int) -> None:
        self._windows = (
            Window("writes", RateLimitItemPerMinute(per_minute)),
            Window("burst", RateLimitItemPerSecond(burst, BURST_SECONDS)),
        )
        self._policy = ", ".join(window.policy for window in self._windows)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self.refused = 0

    def spend(self, key_id: str) -> Mapping[str, str]:
        """Count a write of a key, and give the headers that tell what it has left.

        They are those of draft-ietf-httpapi-ratelimit-headers; `t` is when the next write comes free.

        Raises:
            ApiError: too_many_requests, with the same headers and Retry-After; the write is not counted.
        """
        # nothing else runs between the test and the count: both are in the one thread of the event loop
        if all(self._limiter.test(window.item, key_id) for window in self._windows):
            for window in self._windows:
                self._limiter.hit(window.item, key_id)
            return self._headers(self._left(key_id))
        self.refused += 1
        left = self._left(key_id)
        wait = max(each.seconds for each in left if each.writes == 0)
        headers = self._headers(left) | {"Retry-After": str(wait)}
        detail = f"The key {key_id} has used up its writes for the moment; the next is free in {wait} s."
        raise ApiError(ProblemCode.TOO_MANY_REQUESTS, detail, headers=headers)

    def _left(self, key_id: str) -> list[_Left]:
        now = time.time()
        found = []
        for window in self._windows:
            reset, writes = self._limiter.get_window_stats(window.item, key_id)
            found.append(_Left(window.name, max(writes, 0), max(math.ceil(reset - now), 1)))
        return found

    def _headers(self, left: list[_Left]) -> dict[str, str]:
        return {"RateLimit-Policy": self._policy, "RateLimit": ", ".join(map(str, left))}
