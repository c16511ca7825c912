"""Trial 4: as many clients as come on the day of an exchange, each on a connection that it keeps."""

import asyncio
import time
from collections.abc import Iterator

from tests.bench.goals import Finding
from tests.torture.talking import BrokenError, Talk, opened
from tests.torture.torture import Torture, at_least, at_most, files_allowed, quiet

TRIAL = "crowd"
CLIENTS = 2_000
AT_ONCE = 100  # that connect at once: the kernel keeps few more waiting
PATHS = ("/v1/exchanges?limit=5", "/v1/exchanges/2024-12-30-russia-ukraine", "/v1/mediators", "/healthz")
SECONDS_TO_CONNECT = 30.0


def crowd(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    rounds = torture.form(3, 20)
    with files_allowed(CLIENTS), torture.served(torture.shipped.url) as server:
        answered, slowest, took = asyncio.run(_keep_asking(server.port, rounds))
        told = f"{answered / took:,.0f}/s in {took:.0f} s, the slowest after {slowest:.1f} s"
        wanted = CLIENTS * rounds
        yield at_least(
            TRIAL, f"answers to {CLIENTS:,} clients that keep their connections", answered, wanted, told
        )
        yield at_most(TRIAL, "slowest answer", slowest, 10, told, unit="s")
        yield quiet(TRIAL, server)


async def _keep_asking(port: int, rounds: int) -> tuple[int, float, float]:
    door = asyncio.Semaphore(AT_ONCE)

    async def enter() -> Talk:
        async with door, asyncio.timeout(SECONDS_TO_CONNECT):
            talk = await opened(port)
            await talk.ask("/healthz")
            return talk

    entered = await asyncio.gather(*(enter() for _ in range(CLIENTS)), return_exceptions=True)
    talks = [talk for talk in entered if isinstance(talk, Talk)]  # whoever did not get in has no answer
    answered, slowest, began = 0, 0.0, time.monotonic()
    for turn in range(rounds):
        asked = [_timed(talk, PATHS[(turn + place) % len(PATHS)]) for place, talk in enumerate(talks)]
        times = [took for took in await asyncio.gather(*asked) if took is not None]
        answered, slowest = answered + len(times), max([slowest, *times])
    took = time.monotonic() - began
    for talk in talks:
        talk.close()
    return answered, slowest, took


async def _timed(talk: Talk, path: str) -> float | None:
    """Ask, and give the seconds that it took; None without an answer of the right kind."""
    began = time.monotonic()
    try:
        answer = await talk.ask(path)
    except (BrokenError, TimeoutError):
        return None
    return time.monotonic() - began if answer.status == 200 else None
