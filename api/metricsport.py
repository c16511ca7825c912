"""The port that Prometheus reads: in the parent of the workers, never on the port of the service.

Each worker keeps a connection to the parent, and tells its figures when it is asked, and once more as it
ends. So the figures are those of the moment, and nothing is written while nobody asks.
"""

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, wait
from multiprocessing.util import Finalize

from api.counting import Figures, counts

LOOPBACK = "127.0.0.1"
SECONDS_TO_TELL = 2.0  # a worker that takes longer is told of by what it last told

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Meeting:
    """Where workers meet the parent, and what they know each other by."""

    address: tuple[str, int]
    secret: bytes


def tell_when_asked(meeting: Meeting) -> None:
    """Tell the figures of this process at the meeting, until it ends. Answers do not wait for it."""
    threading.Thread(target=_tell, args=(meeting,), name="metrics", daemon=True).start()


def _tell(meeting: Meeting) -> None:
    try:
        connection = Client(meeting.address, authkey=meeting.secret)
    except (OSError, EOFError, AuthenticationError) as error:
        logger.warning("this worker is missing from the metrics: %s", error)
        return
    telling = threading.Lock()

    def tell() -> None:
        with telling, suppress(OSError):  # nobody is there any more
            connection.send_bytes(counts.told())

    Finalize(None, tell, exitpriority=0)
    with suppress(EOFError, OSError):
        while True:
            connection.recv_bytes()
            tell()


class Desk:
    """The parent's side: knows the workers that have come, and asks them."""

    def __init__(self, listener: Listener, secret: bytes) -> None:
        self.meeting = Meeting(listener.address, secret)
        self._ended = Figures()
        self._listener = listener
        self._last: dict[Connection, bytes] = {}
        self._lock = threading.Lock()

    def welcome(self) -> None:
        """Let workers in, until the listener is closed."""
        while True:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):
                continue  # not one of ours
            except OSError:
                return
            with self._lock:
                self._last[connection] = b""

    def ask(self) -> tuple[list[bytes], Figures]:
        """Give what each worker tells, and the counters of those that have ended."""
        with self._lock:
            for connection in list(self._last):
                self._hear(connection)  # what it told as it ended
            asked = set(self._last)
            for connection in list(asked):
                with suppress(OSError):
                    connection.send_bytes(b"?")
            while asked:
                ready = wait(asked, SECONDS_TO_TELL)
                if not ready:
                    break
                for connection in asked.intersection(ready):
                    asked.discard(connection)
                    self._hear(connection)
            return [told for told in self._last.values() if told], self._ended.copy()

    def _hear(self, connection: Connection) -> None:
        try:
            while connection.poll():
                self._last[connection] = connection.recv_bytes()
        except (EOFError, OSError):
            last = self._last.pop(connection)
            connection.close()
            if last:
                self._ended.add(json.loads(last))


@contextmanager
def metrics_port(host: str, port: int) -> Iterator[Meeting]:
    """Let Prometheus read what the workers tell at the meeting that is given.

    Raises:
        OSError: it cannot listen there.
    """
    from prometheus_client import CollectorRegistry, start_http_server

    from api.metrics import Workers

    secret = os.urandom(32)
    with Listener((LOOPBACK, 0), authkey=secret) as listener:
        desk = Desk(listener, secret)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Workers(desk.ask))
        server, thread = start_http_server(port, host, registry)
        threading.Thread(target=desk.welcome, name="metrics", daemon=True).start()
        try:
            yield desk.meeting
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
