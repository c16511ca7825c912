"""Limits on readers that several servers count together, in Redis; and what happens without it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from api import readlimits
from api.settings import HttpSettings
from tests.embedded_users import eventually
from tests.live import Live
from tests.serving import free_port, refusal, serving

READ = "/v1/exchanges?limit=1"
BURST = 20


@pytest.mark.parametrize("url", ["redis://127.0.0.1", "mongodb://secret@h:1", "redis+sentinel://h:1/x", "x"])
def test_a_storage_that_cannot_be_used_is_refused_at_the_start(live: Live, url: str) -> None:
    line = refusal("serve", f"--port={free_port()}", DATABASE_URL=live.database_url, RATE_LIMIT_STORAGE=url)
    assert "RATE_LIMIT_STORAGE: " in line
    assert "redis://host:port/number" in line
    assert "secret" not in line


def test_a_missing_client_of_redis_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readlimits, "find_spec", lambda _: None)
    with pytest.raises(ValidationError, match=r"prisoner-exchange-api\[redis\]") as raised:
        HttpSettings(rate_limit_storage="redis://:secret@127.0.0.1:1/0")
    assert "secret" not in str(raised.value)


class Redis:
    """A server of Redis that can be ended and begun again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self._process = subprocess.Popen([*command, str(self._folder)], stdout=subprocess.DEVNULL)

        def answers() -> bool:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/")
            except httpx.ConnectError:
                return False
            except httpx.HTTPError:
                return True  # in its own way, which is no HTTP
            return True

        eventually(answers)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    pytest.importorskip("redis")
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server")
    made = Redis(tmp_path)
    made.begin()
    yield made
    made.end()


class Two:
    """Two servers that count in the same Redis."""

    def __init__(self, stack: ExitStack, url: str, folder: Path, redis: Redis) -> None:
        self.clients = []
        self.logs = []
        for name in "ab":
            server = stack.enter_context(
                serving(
                    folder / name,
                    DATABASE_URL=url,
                    RATE_LIMIT_STORAGE=f"redis://127.0.0.1:{redis.port}/0",
                    UNLIMITED_READERS="none",
                    READ_BURST=str(BURST),
                )
            )
            server.answer()
            base = f"http://127.0.0.1:{server.port}"
            self.clients.append(stack.enter_context(httpx.Client(base_url=base)))
            self.logs.append(server.log)

    def asked(self, number: int, times: int) -> int:
        """Ask one of them so many times, and tell how often it was allowed."""
        return sum(self.clients[number].get(READ).status_code == 200 for _ in range(times))

    def said(self, number: int, words: str) -> int:
        """Count the lines of the log that say something."""
        lines = [json.loads(line) for line in self.logs[number].read_text().splitlines() if line[:1] == "{"]
        return sum(words in line["message"] for line in lines)


@pytest.fixture
def two(live: Live, tmp_path: Path, redis: Redis) -> Iterator[Two]:
    with ExitStack() as stack:
        yield Two(stack, live.database_url, tmp_path, redis)


def test_what_was_spent_with_one_is_gone_with_the_other(two: Two) -> None:
    assert two.asked(0, BURST) == BURST
    eventually(lambda: two.clients[0].get(READ).status_code == 429)
    assert two.asked(1, BURST) <= BURST / 2


def test_readers_are_let_through_while_redis_is_away(two: Two, redis: Redis) -> None:
    eventually(lambda: two.asked(0, 1) == 0)
    redis.end()
    eventually(lambda: two.asked(0, 1) == 1)
    for _ in range(3):
        assert eventually(lambda: two.clients[0].get(READ).headers["ratelimit"].startswith('"reads";r=1799'))
    assert eventually(lambda: two.said(0, "is away")) == 1
    redis.begin()
    eventually(lambda: two.asked(0, 1) and two.said(0, "is back"))
    assert two.said(0, "is away") == 1
    eventually(lambda: two.asked(0, 1) == 0)
