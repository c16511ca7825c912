"""What a cache in front of the service takes off it: a made-up log, replayed through the rules of RFC 9111.

`python -m tests.bench.replay URL KEY` asks a running service, whose dataset is written to meanwhile with the
curator's key. The log is synthetic and the same every time: readers choose among real routes and filters, few
of them much more often than all others (Zipf). No cache is run: what one would do is counted by the service's
own Cache-Control and ETag.
"""

import random
import sys
from collections import Counter
from dataclasses import dataclass

import httpx

REQUESTS = 10_000
WRITES = 20
SECONDS = 86_400  # that the log spans
STEEPNESS = 1.0
SEED = 2026

ACTORS = ["uae", "turkey", "saudi-arabia", "usa", "belarus", "russia", "ukraine"]
ACTOR = "/v1/actors/uae"


@dataclass
class Kept:
    """An answer in the cache."""

    etag: str
    until: float
    size: int


def addresses(state: str) -> list[str]:
    """Give what can be asked, of the live state or of a pinned one."""
    years = range(2014, 2027)
    found = [f"/v1/exchanges?limit={limit}" for limit in (20, 50, 100)]
    found += [f"/v1/exchanges?mediator={actor}" for actor in ACTORS]
    found += [f"/v1/exchanges?year={year}" for year in years]
    found += [f"/v1/exchanges?mediator={actor}&year={year}" for actor in ACTORS for year in years]
    found += [f"/v1/{kind}?party={actor}" for kind in ("exchanges", "figures") for actor in ACTORS]
    found += [f"/v1/claims?claimant={actor}" for actor in ACTORS]
    found += [f"/v1/stats?group_by={by}&received_by=ukraine" for by in ("year", "mediator", "month")]
    found += [f"/v1/figures?received_by=ukraine&year={year}" for year in years]
    return [f"{each}&{state}" if state else each for each in found]


def replay(client: httpx.Client, state: str, key: str) -> Counter[str]:
    """Replay the log, and count what a shared cache would do with each request."""
    chance = random.Random(SEED)
    known = addresses(state)
    chance.shuffle(known)
    weights = [1 / (place + 1) ** STEEPNESS for place in range(len(known))]
    asked = chance.choices(known, weights, k=REQUESTS)
    cache: dict[str, Kept] = {}
    counts: Counter[str] = Counter()
    for number, address in enumerate(asked):
        now = number * SECONDS / REQUESTS
        if number % (REQUESTS // WRITES) == REQUESTS // WRITES // 2:
            write(client, key, number)
        kept = cache.get(address)
        if kept is not None and now < kept.until:
            counts["answered without asking the service"] += 1
            continue
        headers = {"If-None-Match": kept.etag} if kept is not None else {}
        answer = client.get(address, headers=headers)
        told = "not changed (304)" if answer.status_code == 304 else "sent whole (200)"
        counts[told] += 1
        counts["bytes sent whole"] += len(answer.content)
        if answer.status_code != 304:
            answer.raise_for_status()
        size = kept.size if answer.status_code == 304 and kept else len(answer.content)
        cache[address] = Kept(answer.headers["etag"], now + lifetime(answer), size)
    counts["bytes without a cache"] = sum(cache[address].size for address in asked)
    return counts


def lifetime(answer: httpx.Response) -> float:
    """Give the seconds for which a shared cache may answer by itself (RFC 9111, 4.2.1)."""
    directives = dict(
        each.strip().partition("=")[::2] for each in answer.headers.get("cache-control", "").split(",")
    )
    if directives.keys() & {"no-store", "private", "no-cache"}:
        return 0.0
    return float(directives.get("s-maxage") or directives.get("max-age") or 0)


def write(client: httpx.Client, key: str, number: int) -> None:
    """Change something, so that all live answers do."""
    etag = client.get(ACTOR).headers["etag"]
    client.patch(
        ACTOR,
        params={"reason": "A synthetic write."},
        headers={"Authorization": f"Bearer {key}", "If-Match": etag},
        json={"aliases": ["UAE", f"synthetic {number}"]},
    ).raise_for_status()


def main() -> None:
    """Replay the log against the live state and against a pinned one, and tell what came of it."""
    base, key = sys.argv[1:]
    with httpx.Client(base_url=base, timeout=60) as client:
        for name, state in (("live", ""), ("pinned", "as_of=1")):
            counts = replay(client, state, key)
            lines = ", ".join(f"{what}: {count:,}" for what, count in counts.items())
            sys.stdout.write(f"{name}: {len(addresses(state))} addresses, {REQUESTS:,} requests; {lines}\n")


if __name__ == "__main__":
    main()
