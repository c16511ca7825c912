"""Who writes and reads while primaries are killed, and what each of them remembers."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import httpx

HEADER = "X-Dataset-Revision"
PATCH = "application/merge-patch+json"
READS = ("/v1/exchanges?limit=20", "/v1/exchanges?mediator=UAE&limit=20", "/v1/claims?limit=20")
SECONDS_BETWEEN_READS = 0.5
SECONDS_BETWEEN_TRIES = 0.1
TIMEOUT = httpx.Timeout(60)


@dataclass
class Seen:
    """What all clients have seen; times are of the monotonic clock."""

    acknowledged: dict[str, int] = field(default_factory=dict)  # reasons, with their dataset revisions
    acknowledged_at: list[float] = field(default_factory=list)
    newest: tuple[int, float] = (0, 0.0)  # the newest acknowledged revision, and when it was
    writes: Counter[str] = field(default_factory=Counter)  # tries, by how they ended
    reads: Counter[str] = field(default_factory=Counter)
    read_errors_at: list[float] = field(default_factory=list)
    went_back: list[str] = field(default_factory=list)
    known_after: list[float] = field(default_factory=list)  # seconds until a cache had a write
    more: asyncio.Event = field(default_factory=asyncio.Event)  # something was acknowledged

    def acknowledge(self, reason: str, revision: int) -> None:
        now = time.monotonic()
        self.acknowledged[reason] = revision
        self.acknowledged_at.append(now)
        self.newest = max(self.newest, (revision, now))
        self.more.set()

    def longest_outage(self, since: float, until: float) -> float:
        """Give the longest time without an acknowledged write."""
        times = [since, *(at for at in self.acknowledged_at if since < at < until), until]
        return max(later - earlier for earlier, later in pairwise(times))


@dataclass(frozen=True)
class Curator:
    """Somebody with a key, who changes one record through one API."""

    name: str
    base: str
    token: str
    record: str


async def write(curator: Curator, seen: Seen, over: asyncio.Event) -> None:
    """Change one record again and again; what has no certain answer is sent again as it was."""
    path, number, revision = f"/v1/exchanges/{curator.record}", 0, "0"
    key = {"Authorization": f"Bearer {curator.token}"}
    async with httpx.AsyncClient(base_url=curator.base, timeout=TIMEOUT, headers=key) as client:
        while not over.is_set():
            read = await _sent(client.get(path, headers={HEADER: revision}), seen.writes)
            if read is None or read.status_code != 200:
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
                continue
            number += 1
            reason = f"{curator.name}, write {number}"
            headers = {"If-Match": read.headers["etag"], "Idempotency-Key": reason, "Content-Type": PATCH}
            body = f'{{"summary": "By {reason}."}}'
            while not over.is_set():
                sending = client.patch(path, params={"reason": reason}, headers=headers, content=body)
                answer = await _sent(sending, seen.writes)
                if answer is not None and answer.status_code == 200:
                    revision = answer.headers[HEADER]
                    seen.acknowledge(reason, int(revision))
                    break
                if answer is not None and answer.status_code not in {409, 503}:
                    break  # refused for what it is: it is not stored
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)


async def read(name: str, bases: list[str], seen: Seen, over: asyncio.Event) -> None:
    """Read from one API after the other, and never be told less than before."""
    revision, chance = 0, random.Random(name)
    async with httpx.AsyncClient(timeout=TIMEOUT) as client:
        while not over.is_set():
            url = chance.choice(bases) + chance.choice(READS)
            answer = await _sent(client.get(url, headers={HEADER: str(revision)}), seen.reads)
            if answer is None or answer.status_code >= 500:
                seen.read_errors_at.append(time.monotonic())
            elif answer.status_code != 200 or int(answer.headers[HEADER]) < revision:
                told = answer.headers.get(HEADER, answer.text[:300])
                seen.went_back.append(f"{name} had seen {revision}: {answer.status_code}, {told}")
                revision = 0
            else:
                revision = int(answer.headers[HEADER])
            await asyncio.sleep(chance.uniform(0, 2 * SECONDS_BETWEEN_READS))


async def watch(base: str, seen: Seen, over: asyncio.Event) -> None:
    """Measure how long it takes until an answer from the cache of an API has what was written."""
    async with httpx.AsyncClient(base_url=base, timeout=TIMEOUT) as client:
        while not over.is_set():
            revision, written_at = seen.newest
            answer = await _sent(client.get(READS[0]), seen.reads)
            while answer is not None and answer.status_code == 200 and int(answer.headers[HEADER]) < revision:
                await asyncio.sleep(0.01)
                answer = await _sent(client.get(READS[0]), seen.reads)
            if answer is None or answer.status_code != 200:
                seen.read_errors_at.append(time.monotonic())
            elif written_at:
                seen.known_after.append(time.monotonic() - written_at)
            seen.more.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(seen.more.wait(), 1)


async def _sent(
    sending: "asyncio._CoroutineLike[httpx.Response]", tally: Counter[str]
) -> httpx.Response | None:
    try:
        answer = await sending
    except httpx.HTTPError as error:
        tally[type(error).__name__] += 1
        return None
    tally[str(answer.status_code)] += 1
    return answer
