"""Trial 9: the service is told to stop while it answers: it ends what it has begun, and is gone."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from api.serving import SECONDS_TO_STOP
from tests.bench.goals import Finding
from tests.serving import Server
from tests.torture.loading import Load, under_load
from tests.torture.talking import BrokenError, request, talking
from tests.torture.torture import Torture, at_least, at_most, quiet

TRIAL = "drain"
EXPORTS = ("/v1/exchanges.ndjson", "/v1/exchanges.jsonld", "/v1/claims.ndjson")
BUFFER = 4096  # bytes that the kernel takes for a slow reader
SECONDS_OF_EXPORT = 5.0  # in which a slow reader takes nothing
SECONDS_BEFORE = 2.0
SECONDS_OF_GRACE = 2.0


@dataclass
class Stopped:
    """What a stop came to."""

    load: Load
    asked_at: float
    took: float
    status: int
    whole: int  # exports that came to their end
    lengths: list[int]
    listening: bool  # still, after its end


def drain(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    stops: list[Stopped] = []
    for _ in range(torture.form(1, 3)):
        with torture.served(torture.bench.few.url, "--workers=2") as server:
            stops.append(asyncio.run(_stop(server)))
            yield quiet(TRIAL, server)
    cut = [each for stop in stops for each in stop.load.cut if each.sent < stop.asked_at]
    late = sum(len(stop.load.cut) for stop in stops) - len(cut)
    answered = sum((stop.load.statuses for stop in stops), Counter()).total()
    told = f"{answered:,} answers before and meanwhile; {late} sent later on kept connections, without one"
    yield at_most(TRIAL, "requests under way that are cut", len(cut), 0, told)
    lengths = [length for stop in stops for length in stop.lengths]
    whole = sum(stop.whole for stop in stops)
    told = f"of {min(lengths):,} to {max(lengths):,} bytes, by clients that read slowly"
    yield at_least(TRIAL, "exports under way that end whole", whole, len(stops) * len(EXPORTS), told)
    soonest, latest = min(stop.took for stop in stops), max(stop.took for stop in stops)
    waits = (SECONDS_OF_EXPORT - SECONDS_BEFORE) / 2
    yield at_least(TRIAL, "it waits for them, at least", soonest, waits, f"{len(stops)} stops", unit="s")
    told = f"exit codes {', '.join(str(stop.status) for stop in stops)}"
    bound = SECONDS_TO_STOP + SECONDS_OF_GRACE
    yield at_most(TRIAL, "until it has stopped, at most", latest, bound, told, unit="s")
    yield at_most(TRIAL, "exit code", max(abs(stop.status) for stop in stops), 0, told)
    listening = sum(stop.listening for stop in stops)
    yield at_most(TRIAL, "connections taken afterwards", listening, 0, f"of {len(stops)} tried")


async def _stop(server: Server) -> Stopped:
    exports = [asyncio.create_task(_read_slowly(server.port, path)) for path in EXPORTS]
    async with (
        under_load(server.port, readers=4) as kept,
        under_load(server.port, readers=4, fresh=True) as fresh,
    ):
        await asyncio.sleep(SECONDS_BEFORE)
        asked_at = time.monotonic()
        server.process.terminate()
        status = await asyncio.to_thread(server.process.wait, 60)
        took = time.monotonic() - asked_at
        lengths = await asyncio.gather(*exports)
    try:
        async with talking(server.port):
            listening = True
    except ConnectionError:
        listening = False
    both = Load(statuses=kept.statuses + fresh.statuses, cut=kept.cut + fresh.cut)
    whole = sum(length > 0 for length in lengths)
    return Stopped(both, asked_at, took, status, whole, [abs(length) for length in lengths], listening)


async def _read_slowly(port: int, path: str) -> int:
    """Read an export after some seconds; give its length, and minus what came of one that was cut."""
    read = 0
    async with talking(port, buffer=BUFFER) as talk:
        await talk.send(request(path))
        _, headers = await talk.head()
        await asyncio.sleep(SECONDS_OF_EXPORT)
        try:
            async for piece in talk.pieces(headers):
                read += len(piece)
        except BrokenError:
            return -read
    return read
