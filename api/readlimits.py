"""How much one reader may ask: so many requests in a minute, and of these only so many in ten seconds.

A reader is an address (of IPv6 a /64), or a key that holds. What takes the database long (`api/expensive.py`)
is counted a second time, against a budget of its own, and so is each key that turns out not to hold, since
most of these had to be looked up. The windows are those of the library's sliding counter: two numbers for
each, and what was spent comes back little by little, as into a bucket of tokens, which the library does not
have.

The library is asked once in a tenth of a second for each reader, and in between a request costs a look into a
dictionary; so it costs no more where the numbers are kept in Redis. Where several workers share a Redis, a
reader may for a tenth of a second have what was spent with others. If it is away, readers are let through.
How much a key may write is `api/limits.py`'s.
"""

import asyncio
import hashlib
import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import cast

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from api.limits import BURST_SECONDS, Window
from api.proxies import Network, Proxies, is_in, subscriber_of

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_OF_A_LOOK = 0.25  # a storage that takes longer is away
SECONDS_AWAY = 5.0  # until it is asked again
# Readers that are remembered at once. Beyond it everything is forgotten, so that nobody fills the memory by
# asking from ever new addresses, and the library's own sweep, which looks at all of them, stays short.
MOST_READERS = 4000
MOST_KEYS = 1000
# Keys that do not hold, from one address: a program with a wrong key soon stops, and nobody else sends many.
REFUSED_KEYS = (60, 20)
IN_MEMORY = "memory://"
IN_REDIS = ("redis://", "rediss://")

Pair = tuple[bytes, bytes]

logger = logging.getLogger(__name__)


def storage_of(url: str) -> Storage:
    """Make what keeps the numbers; it connects when it is first asked.

    Raises:
        ConfigurationError: it cannot be used; the reason does not tell the URL, which may hold a password.
    """
    in_redis = url.startswith(IN_REDIS)
    if in_redis and find_spec("redis") is None:
        raise ConfigurationError("needs the client of Redis: pip install 'prisoner-exchange-api[redis]'")
    refusal = "must be memory:// or of the form redis://host:port/number"
    if not in_redis and url != IN_MEMORY:
        raise ConfigurationError(refusal)
    options = {"implementation": "redispy"} if in_redis else {}
    try:
        return cast("Storage", storage_from_string(f"async+{url}", wrap_exceptions=True, **options))
    except ConfigurationError:
        raise ConfigurationError(refusal) from None


class Store:
    """Where the numbers are kept. One that is away is asked again after a while, and it is logged once."""

    def __init__(self, url: str) -> None:
        self.storage = storage_of(url)
        self.limiter = SlidingWindowCounterRateLimiter(self.storage)
        self._away_until = 0.0

    @property
    def away(self) -> bool:
        """Whether it is not worth asking."""
        return time.monotonic() < self._away_until

    def lost(self, error: Exception) -> None:
        """Note that it does not answer."""
        if not self._away_until:
            logger.warning("the storage of the limits is away; readers are let through: %r", error)
        self._away_until = time.monotonic() + SECONDS_AWAY

    def answered(self) -> None:
        """Note that it does."""
        if self._away_until:
            logger.warning("the storage of the limits is back")
            self._away_until = 0.0

    async def forget(self) -> None:
        """Let go of everything that is in this process."""
        if isinstance(self.storage, MemoryStorage):
            await self.storage.reset()


class Tally:
    """What one reader has left in each window, as far as this process knows, and when more comes free."""

    __slots__ = ("held", "left", "looked_at", "seconds", "settled", "unsettled")

    def __init__(self, left: list[int], seconds: list[int]) -> None:
        self.left = left
        self.seconds = seconds
        self.unsettled = 0  # spent since the storage was told
        self.held = 0  # set aside, and neither spent nor free yet
        self.settled = asyncio.Event()  # one of these is
        self.looked_at = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing left in one of the windows."""
        return self.left[0] <= 0 or self.left[1] <= 0

    @property
    def wait(self) -> int:
        """After how many seconds more comes free of what is used up."""
        pairs = zip(self.left, self.seconds, strict=True)
        return max((seconds for left, seconds in pairs if left <= 0), default=1)


class Budget:
    """So much for each reader; `refused` counts the requests beyond it."""

    def __init__(self, store: Store, name: str, *, per_minute: int, burst: int) -> None:
        self._store = store
        self._windows = (
            Window(name, RateLimitItemPerMinute(per_minute, namespace=name)),
            Window(f"{name}-burst", RateLimitItemPerSecond(burst, BURST_SECONDS, namespace=name)),
        )
        self._names = [window.name for window in self._windows]
        self.policy = ", ".join(window.policy for window in self._windows)
        self._tallies: dict[str, Tally] = {}
        self.refused = 0

    async def tally_of(self, reader: str) -> Tally:
        """Give what a reader has left."""
        tally = self._tallies.get(reader) or await self._begun(reader)
        since = time.monotonic() - tally.looked_at
        if since > SECONDS_BETWEEN_LOOKS or (tally.unsettled and tally.is_empty):
            tally.looked_at += since  # other requests of this reader do not wait meanwhile
            await self._look(reader, tally, since)
        return tally

    def spend(self, tally: Tally) -> bool:
        """Count a request, unless there is nothing left."""
        if tally.is_empty:
            self.refused += 1
            return False
        tally.left[0] -= 1
        tally.left[1] -= 1
        tally.unsettled += 1
        return True

    async def hold(self, tally: Tally) -> bool:
        """Set aside what one request takes of which it is not known yet whether it counts.

        Where all that is left is set aside, this waits: it is not gone yet.
        """
        while tally.is_empty and tally.held:
            tally.settled.clear()
            await tally.settled.wait()
        if not self.spend(tally):
            return False
        tally.unsettled -= 1
        tally.held += 1
        return True

    def settle(self, tally: Tally, *, counts: bool) -> None:
        """Spend what was set aside, or give it back."""
        tally.held -= 1
        if counts:
            tally.unsettled += 1
        else:
            tally.left = [left + 1 for left in tally.left]
        tally.settled.set()

    def told(self, tally: Tally) -> str:
        """Tell what is left, as a header does."""
        (long, short), left, seconds = self._names, tally.left, tally.seconds
        return f'"{long}";r={left[0]};t={seconds[0]}, "{short}";r={left[1]};t={seconds[1]}'

    def _full(self) -> Tally:
        items = [window.item for window in self._windows]
        return Tally([item.amount for item in items], [item.get_expiry() for item in items])

    async def _begun(self, reader: str) -> Tally:
        if len(self._tallies) >= MOST_READERS:
            self._tallies.clear()
            await self._store.forget()
        return self._tallies.setdefault(reader, self._full())

    async def _look(self, reader: str, tally: Tally, since: float) -> None:
        """Tell the storage what was spent since the last look, so many seconds ago, and see what is left."""
        spent, tally.unsettled = tally.unsettled, 0
        if not self._store.away:
            try:
                async with asyncio.timeout(SECONDS_OF_A_LOOK):
                    for number, window in enumerate(self._windows):
                        recent = spent if since < window.item.get_expiry() else 0
                        await self._settle(reader, tally, number, recent)
            except (StorageError, OSError, TimeoutError) as error:
                self._store.lost(error)
            except BaseException:  # the client has left: better told twice than never
                tally.unsettled += spent
                raise
            else:
                self._store.answered()
                return
        full = self._full()
        tally.left, tally.seconds = [left - tally.held for left in full.left], full.seconds

    async def _settle(self, reader: str, tally: Tally, number: int, spent: int) -> None:
        item, limiter = self._windows[number].item, self._store.limiter
        if spent and not await limiter.hit(item, reader, cost=spent):
            # spent with another worker too: what is left is gone
            _, rest = await limiter.get_window_stats(item, reader)
            if rest:
                await limiter.hit(item, reader, cost=rest)
        reset, left = await limiter.get_window_stats(item, reader)
        seconds = math.ceil(reset - time.time()) if left < item.amount else item.get_expiry()
        tally.left[number] = left - tally.unsettled - tally.held
        tally.seconds[number] = max(seconds, 1)


@dataclass(frozen=True)
class Peer:
    """Whoever has connected: whether as a trusted proxy, whether it is limited, and by which name."""

    trusted: bool
    limited: bool
    name: str


class ReadLimits:
    """The budgets of all readers, and who has none."""

    def __init__(
        self,
        storage_url: str,
        *,
        trusted: tuple[Network, ...],
        unlimited: tuple[Network, ...],
        reads: tuple[int, int],
        expensive: tuple[int, int],
    ) -> None:
        self.proxies = Proxies(trusted)
        self._trusted = trusted
        self._unlimited = unlimited + trusted
        store = Store(storage_url)
        self.reads = Budget(store, "reads", per_minute=reads[0], burst=reads[1])
        self.expensive = Budget(store, "expensive", per_minute=expensive[0], burst=expensive[1])
        self.refused_keys = Budget(store, "keys", per_minute=REFUSED_KEYS[0], burst=REFUSED_KEYS[1])
        self._keys: dict[bytes, str] = {}
        self.peer = lru_cache(MOST_READERS)(self._peer)

    @property
    def refused(self) -> int:
        """How many requests were refused."""
        return self.reads.refused + self.expensive.refused + self.refused_keys.refused

    def _peer(self, host: str) -> Peer:
        return Peer(
            trusted=is_in(host, self._trusted),
            limited=bool(host) and not is_in(host, self._unlimited),
            name=subscriber_of(host),
        )

    def reader_of(self, peer: Peer, authorization: bytes | None) -> str:
        """Name who asks: the key, if it is known to hold, or else the address.

        What comes with a key that is not known is counted apart, so that whoever has one gets in from where
        others have used everything up, and guesses are still limited.
        """
        if authorization is None:
            return peer.name
        return self._keys.get(_digest(authorization)) or f"{peer.name} with a key"

    def key_holds(self, authorization: bytes, key_id: str) -> None:
        """Note whose key stands in this header: from now on it is counted, not the address."""
        if len(self._keys) >= MOST_KEYS:
            self._keys.clear()
        self._keys[_digest(authorization)] = f"key {key_id}"

    def knows(self, authorization: bytes) -> bool:
        """Tell whether the key in this header has held when it was last looked up."""
        return _digest(authorization) in self._keys

    def key_fails(self, authorization: bytes) -> None:
        """Note that a key holds no longer, or never did."""
        self._keys.pop(_digest(authorization), None)


def _digest(authorization: bytes) -> bytes:
    return hashlib.sha256(authorization).digest()
