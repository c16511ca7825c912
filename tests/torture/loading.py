"""What goes on while something is done to the service: readers and writers who note their answers."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from tests.synthetic import coverage
from tests.torture.talking import Answer, BrokenError, Talk, opened

PATHS = (
    "/v1/exchanges?mediator=UAE",
    "/v1/exchanges?kind=release&limit=20",
    "/v1/exchanges/2024-12-30-russia-ukraine",
    "/v1/stats?group_by=year",
    "/v1/exchanges?q=exchange&limit={}",  # another one each time
)
SECONDS_BETWEEN_TRIES = 0.02
_numbers = count(1)


@dataclass(frozen=True)
class Cut:
    """A request whose connection ended before its answer did, and when it was sent, by time.monotonic()."""

    sent: float
    told: str

    def __str__(self) -> str:
        return self.told


@dataclass
class Load:
    """What was asked and answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)  # what no client should meet
    cut: list[Cut] = field(default_factory=list)
    refused: int = 0  # connections
    stored: dict[str, int] = field(default_factory=dict)  # ids of what was acknowledged, and their revisions
    failed_reads: int = 0
    last_failure: float = 0.0  # when, by time.monotonic()
    slowest: float = 0.0

    def look(self, told: str, answer: Answer) -> None:
        """Note an answer; a 503 must say when to come again, and nothing else may be 5xx."""
        self.statuses[answer.status] += 1
        if answer.status < 500:
            return
        self.last_failure = time.monotonic()
        if answer.status != 503 or int(answer.headers.get("retry-after", 0)) < 1:
            self.wrong.append(f"{told}: {answer.status} {answer.body[:200]!r}")

    @property
    def shown(self) -> str:
        """Tell how many answers of which status there were."""
        return ", ".join(f"{number:,} × {status}" for status, number in sorted(self.statuses.items()))


@asynccontextmanager
async def under_load(
    port: int, *, readers: int = 8, writers: Sequence[str] = (), fresh: bool = False
) -> AsyncIterator[Load]:
    """Read, and write with the keys given, until the block ends; `fresh`: a connection for each request."""
    load, over = Load(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for place in range(readers):
            group.create_task(_read_on(port, load, over, place, fresh=fresh))
        for place, key in enumerate(writers):
            group.create_task(_write_on(port, load, over, place, key))
        try:
            yield load
        finally:
            over.set()


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds, but not for ever; tell whether it does."""
    deadline = time.monotonic() + seconds
    # what is looked at is in other processes, which set no event
    while not (holds := condition()) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
    return holds


async def _read_on(port: int, load: Load, over: asyncio.Event, place: int, *, fresh: bool) -> None:
    talk: Talk | None = None
    turn = place
    while not over.is_set():
        turn += 1
        path = PATHS[turn % len(PATHS)].format(turn % 1000 + 1)
        talk, _ = await _asked(port, load, talk, path)
        if fresh and talk is not None:
            talk.close()
            talk = None
    if talk is not None:
        talk.close()


async def _write_on(port: int, load: Load, over: asyncio.Event, place: int, key: str) -> None:
    """Make one coverage note after the other, each sent until it is known to be stored."""
    talk: Talk | None = None
    while not over.is_set():
        id_ = f"torture-{place}-{next(_numbers)}"
        while not over.is_set():
            talk, answer = await _asked(port, load, talk, "/v1/coverage?reason=torture", (key, id_))
            if answer is not None and answer.status == 201:
                load.stored[id_] = int(answer.headers["x-dataset-revision"])
                break
            if answer is not None and answer.status < 500 and answer.status != 409:
                load.wrong.append(f"a write: {answer.status} {answer.body[:200]!r}")
                break
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)
    if talk is not None:
        talk.close()


async def _asked(
    port: int, load: Load, talk: Talk | None, path: str, written: tuple[str, str] | None = None
) -> tuple[Talk | None, Answer | None]:
    """Ask, or write a note; give the connection, unless it ended, and the answer, if there was one."""
    try:
        talk = talk or await opened(port)
    except ConnectionError:
        load.refused += 1
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
        return None, None
    began = time.monotonic()
    try:
        answer = await (talk.ask(path) if written is None else write(talk, path, *written))
    except BrokenError as error:
        load.cut.append(Cut(began, f"{path}: {error}"))
        talk.close()
        return None, None
    except TimeoutError:
        load.wrong.append(f"{path}: no answer in time")
        talk.close()
        return None, None
    load.slowest = max(load.slowest, time.monotonic() - began)
    load.failed_reads += written is None and answer.status != 200
    load.look(path, answer)
    return talk, answer


async def write(talk: Talk, path: str, key: str, id_: str) -> Answer:
    """Send a coverage note."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": id_}
    return await talk.ask(path, headers, method="POST", body=note_of(id_))


def note_of(id_: str) -> bytes:
    """Give a coverage note, plainly made up, as JSON."""
    return json.dumps(coverage(id_, statement=f"Made up by a trial: {id_}.")).encode()
