"""Trial 10: two services behind a proxy are replaced one after the other, as a new version is brought in.

That is how operators do it: a worker replaced inside a running service is forked from what the service
has imported, and so is never of a new version. The proxy is HAProxy.
"""

import asyncio
import csv
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from db.enums import Role
from tests.bench.goals import Finding
from tests.bench.running import BenchError, find_program, running
from tests.serving import Server, free_port
from tests.torture.loading import Load, under_load, until
from tests.torture.torture import SkippedTrialError, Torture, at_least, at_most, held, key_of, quiet

TRIAL = "rolling"
CONFIGURATION = """
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout check 5s
    retries 3
    option redispatch
    # a connection that the service had ended, or that found it gone: nothing of the request was run
    retry-on conn-failure empty-response
frontend all
    bind 127.0.0.1:{port}
    stats uri /proxy
    default_backend services
backend services
    option httpchk GET /readyz
    default-server check inter 200ms fall 2 rise 2
    server first 127.0.0.1:{first}
    server second 127.0.0.1:{second}
"""
SECONDS_TO_LISTEN = 30.0  # that the proxy has, and what stands behind it until the proxy sees it
SECONDS_BETWEEN = 1.0


def roll(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    try:
        find_program("haproxy")
    except BenchError:
        raise SkippedTrialError("there is no haproxy here (apt-get install haproxy)") from None
    rounds = torture.form(1, 3)
    with torture.copied() as database, ExitStack() as stack:
        key = key_of(database.url, Role.CURATOR)
        services = [stack.enter_context(Replaceable(torture, database.url)) for _ in range(2)]
        port = free_port()
        first, second = (each.server.port for each in services)
        file = torture.folder("haproxy")
        file.write_text(CONFIGURATION.format(port=port, first=first, second=second))
        stack.enter_context(running([find_program("haproxy"), "-db", "-f", file]))
        load = asyncio.run(_replace_all(services, port, rounds, key))
        failed = [*load.wrong, *load.cut]
        told = f"{load.shown}; slowest {load.slowest:.1f} s"
        replaced = 2 * rounds
        yield at_least(TRIAL, "services replaced under load", replaced, replaced, told)
        failures = len(failed) + load.refused + load.statuses[503]
        yield at_most(TRIAL, "requests that fail", failures, 0, str(failed[0]) if failed else "none")
        yield held(TRIAL, database.url)
        for each in services:
            yield quiet(TRIAL, each.server)


class Replaceable:
    """A service on a port that stays, in a process that is ended and followed by another."""

    def __init__(self, torture: Torture, url: str) -> None:
        self.torture = torture
        self.url = url
        self.port = free_port()
        self.server: Server

    def __enter__(self) -> "Replaceable":
        self._stack = ExitStack()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def replace(self) -> None:
        """End the process, and start the next."""
        self._stack.close()
        self._start()

    def _start(self) -> None:
        self.server = self._stack.enter_context(self.torture.served(self.url, port=self.port))


async def _replace_all(services: list[Replaceable], port: int, rounds: int, key: str) -> Load:
    seen = Load()
    await until(partial(_listens, port), SECONDS_TO_LISTEN)
    async with (
        under_load(port, readers=4, writers=[key]) as kept,
        under_load(port, readers=4, fresh=True) as fresh,
    ):
        for _ in range(rounds):
            for service in services:
                await asyncio.sleep(SECONDS_BETWEEN)
                await until(partial(_both_up, port), SECONDS_TO_LISTEN)
                await asyncio.to_thread(service.replace)
        await asyncio.sleep(SECONDS_BETWEEN)
    for each in (kept, fresh):
        seen.statuses += each.statuses
        seen.wrong += each.wrong
        seen.cut += each.cut
        seen.refused += each.refused
        seen.slowest = max(seen.slowest, each.slowest)
    return seen


def _both_up(port: int) -> bool:
    """Tell whether the proxy sees both services, as whoever replaces one looks before the next."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/proxy;csv", timeout=10) as answer:
        rows = list(csv.DictReader(answer.read().decode().splitlines()))
    return [row["status"] for row in rows if row["svname"] in {"first", "second"}] == ["UP", "UP"]


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0
