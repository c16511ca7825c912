"""Trial 3: connections that hang in every way there is, beside others that are to be answered."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from statistics import quantiles

import psutil

from tests.bench.goals import Finding
from tests.bench.starting import MEGA
from tests.serving import Server
from tests.torture.loading import until
from tests.torture.talking import BrokenError, Talk, opened, request, talking
from tests.torture.torture import Torture, at_least, at_most, files_allowed, quiet

TRIAL = "slow"
CLIENTS = 10  # that behave
LONG = "/v1/exchanges?limit=1000"
PATHS = (
    "/v1/exchanges?mediator=UAE",
    "/v1/exchanges?q=exchange&limit={}",
    "/v1/stats?group_by=year",
    "/readyz",
)
LINE = b"GET /v1/exchanges HTTP/1.1\r\n"
POST = b"POST /v1/citations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
# What a hanging connection sends before it hangs, and what it adds once a second, if anything.
WAYS: Sequence[tuple[str, bytes, bytes]] = (
    ("nothing sent", b"", b""),
    ("half a request line", LINE[:7], b"x"),
    ("headers without end", LINE + b"Host: 127.0.0.1\r\n", b"X-More: more\r\n"),
    ("half a header", LINE + b"Host: 127.0.0", b""),
    ("a body that does not come", POST + b"Content-Length: 1000\r\n\r\n", b""),
    ("a body, byte by byte", POST + b"Content-Length: 1000\r\n\r\n{", b" "),
    ("pieces of a body without end", POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ("answers that nobody reads", request(LONG) * 20, b""),
)
SECONDS_BETWEEN_BYTES = 1.0
BASE = 60  # MB that a server takes once it works; beside it, two pages for each connection that reads none
SECONDS_FOR_OTHERS = 5.0  # also where the clients, the service and its database share two cores
SECONDS_TO_CLOSE = 90.0


def slow(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    hanging, seconds = torture.form(200, 1_200), torture.form(4, 40)
    with (
        files_allowed(hanging),
        torture.served(torture.shipped.url, CACHE_SIZE="1000000") as server,
    ):
        page = len(json.dumps(server.ask(LONG), ensure_ascii=False).encode())
        files = _files_of(server)
        tried, times, halves, held = asyncio.run(_beside(server, hanging, seconds))
        answered, ended = (sum(column) for column in zip(*halves, strict=True))
        told = f"{hanging:,} connections hang in {len(WAYS)} ways for {seconds} s; {len(times):,} answers"
        yield at_least(
            TRIAL, "share of others answered beside them", 100 * len(times) / tried, 100, told, unit="%"
        )
        slowest = f"half of them within {sorted(times)[len(times) // 2] * 1000:.0f} ms"
        yield at_most(
            TRIAL,
            "99 % of them answered within",
            quantiles(times, n=100)[-1],
            SECONDS_FOR_OTHERS,
            slowest,
            unit="s",
        )
        told = f"{answered} of {CLIENTS} answered: the HTTP server takes the end of what is sent for a leave"
        yield at_least(TRIAL, "half-closed connections that are let go of", ended, CLIENTS, told)
        yield at_most(
            TRIAL,
            "memory taken by them",
            held / MEGA,
            BASE + 2 * hanging / len(WAYS) * page / MEGA,
            f"a page that nobody reads has {page / MEGA:.1f} MB",
            unit="MB",
        )
        left = asyncio.run(_left_open(server, files))
        told = f"{files} files open before"
        yield at_most(TRIAL, "files left open by them", left, CLIENTS, told)
        yield quiet(TRIAL, server)


async def _beside(
    server: Server, hanging: int, seconds: int
) -> tuple[int, list[float], list[tuple[bool, bool]], int]:
    """Give how many requests others sent, the seconds of answers, what became of halves, and memory."""
    before = _memory_of(server)
    others = [await opened(server.port) for _ in range(hanging)]
    hangers = [asyncio.create_task(_hang(talk, *WAYS[n % len(WAYS)][1:])) for n, talk in enumerate(others)]
    over = time.monotonic() + seconds
    asked = await asyncio.gather(*(_behave(server.port, over, place) for place in range(CLIENTS)))
    halves = await asyncio.gather(*(_half_closed(server.port) for _ in range(CLIENTS)))
    held = _memory_of(server) - before
    for task in hangers:
        task.cancel()
    await asyncio.gather(*hangers, return_exceptions=True)
    times = [took for _, of_one in asked for took in of_one]
    return sum(sent for sent, _ in asked), times, halves, held


async def _hang(talk: Talk, begin: bytes, more: bytes) -> None:
    try:
        talk.writer.write(begin)
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_BYTES)
            if more and not talk.writer.is_closing():
                talk.writer.write(more)
    finally:
        talk.close()


async def _behave(port: int, over: float, place: int) -> tuple[int, list[float]]:
    """Ask one thing after the other on ever new connections; give how many, and the seconds of answers."""
    sent, times = 0, []
    talk: Talk | None = None
    while time.monotonic() < over:
        began, sent = time.monotonic(), sent + 1
        path = PATHS[(place + sent) % len(PATHS)].format(sent % 1000 + 1)
        try:
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                talk = talk or await opened(port)
                answer = await talk.ask(path)
        except (BrokenError, TimeoutError, ConnectionError):
            talk = None
            continue
        if answer.status == 200:
            times.append(time.monotonic() - began)
        if sent % 10 == 0:
            talk.close()
            talk = None
    return sent, times


async def _half_closed(port: int) -> tuple[bool, bool]:
    """Ask and end the sending half; tell whether an answer came, and whether the server ended its half."""
    async with talking(port) as talk:
        await talk.send(request(PATHS[0]))
        talk.writer.write_eof()
        answered = False
        with suppress(BrokenError, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                answered = (await talk.answer()).status == 200
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                await talk.ended()
                return answered, True
    return answered, False


async def _left_open(server: Server, before: int) -> int:
    """Wait until the server has let go of what hung; give how many files it has open beyond those before."""
    await until(lambda: _files_of(server) - before <= CLIENTS, SECONDS_TO_CLOSE)
    return max(_files_of(server) - before, 0)


def _files_of(server: Server) -> int:
    return sum(process.num_fds() for process in server.process.children(recursive=True))


def _memory_of(server: Server) -> int:
    processes: list[psutil.Process] = server.process.children(recursive=True)
    return sum(process.memory_full_info().uss for process in processes)
