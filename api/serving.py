"""Running the service: the port, the server and its workers, and what must live as long as they do.

The command line (`api/cli.py`) decides where the data are and prepares them; what answers is `api/main.py`.
"""

import errno
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Self

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from api.metricsport import Meeting, metrics_port, tell_when_asked
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Say = Callable[[str], None]

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A terminal sends these to all processes, but only the parent decides when its workers stop.
OF_A_TERMINAL = frozenset({signal.SIGINT, signal.SIGHUP})
SECONDS_TO_STOP = 10  # for requests under way; a worker that takes longer is killed
CONNECTIONS = 16_384  # that a worker has open; the server's own limit is what the kernel keeps waiting
WAITING = 1024  # connections that the kernel keeps while no worker takes them
SECONDS_BETWEEN_CHECKS = 2.0
SECONDS_BETWEEN_KNOCKS = 0.02
# Workers that are forked share what this process has imported, which takes longer than all else at a start.
FORKS = sys.platform == "linux"


class ListenError(Exception):
    """The service cannot listen there; the message is one line."""


class StopSignals:
    """Turns the signals that ask to stop into KeyboardInterrupt, which leaves through every context manager.

    Without it SIGTERM would leave Postgres running. The first signal counts; more of them do not disturb
    what is being stopped.
    """

    def __init__(self) -> None:
        self._asked = False
        self._held = False

    def __enter__(self) -> Self:
        for number in STOPPING_SIGNALS:
            signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number in STOPPING_SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put a first signal off until the block is done, which stopped half-way leaves something behind."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._asked:
                # also in place of an error: the terminal's Ctrl-C reaches the programs that the block runs
                raise KeyboardInterrupt

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        first, self._asked = not self._asked, True
        if first != self._held:  # at once; or, while held, when asked a second time
            self._held = False
            raise KeyboardInterrupt


@contextmanager
def imported_meanwhile(module: str) -> Iterator[Callable[[], object]]:
    """Import a module in a thread of its own, and give what waits for it.

    Meanwhile the collector stands still: it would look at the growing heap again and again, and find nothing.
    Once the module is there it collects again, since workers are forked with it as it is then.
    """
    gc.disable()
    thread = threading.Thread(target=import_module, args=(module,), daemon=True)
    thread.start()

    def wait() -> None:
        thread.join()
        gc.enable()

    try:
        yield wait
    finally:
        gc.enable()


@contextmanager
def reserved_port(host: str, port: int) -> Iterator[None]:
    """Make sure that the port is free, and keep it so until the workers have it and after.

    Workers share their port by SO_REUSEPORT, so without this a second service would share it with them. The
    socket never listens. It is bound alone, and only then lets workers of the same user bind beside it.

    Raises:
        ListenError: if the service cannot listen there.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise ListenError(f"cannot listen on {host!r}: no such host (--host or HOST)") from None
    with socket.socket(family, kind, protocol) as reservation:
        try:
            _bind(reservation, address)
        except OSError as error:
            raise ListenError(_why_not(error, host, port)) from error
        if FORKS:
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:
            reservation.close()  # elsewhere the server's one socket does not bind beside it
        yield


def _bind(reservation: socket.socket, address: tuple[object, ...]) -> None:
    try:
        reservation.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        # in use, or only by connections of a service that has just stopped: those do not count
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(address)


def _why_not(error: OSError, host: str, port: int) -> str:
    place = f"port {port} of {host}"
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use: stop what uses it, or choose another with --port (PORT)"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"cannot listen on {host}: this machine has no such address (--host or HOST)"
    return f"cannot listen on {place}: {error.strerror}"


@contextmanager
def open_metrics(host: str, port: int | None) -> Iterator[Meeting | None]:
    """Open the port of the metrics, if there is to be one, and give where workers tell theirs.

    Raises:
        ListenError: if the service cannot listen there.
    """
    if port is None:
        yield None
        return
    with ExitStack() as opened:
        try:
            meeting = opened.enter_context(metrics_port(host, port))
        except OSError as error:
            reason = error.strerror or error
            raise ListenError(
                f"cannot tell metrics on port {port} of {host}: {reason} (METRICS_PORT, METRICS_HOST)"
            ) from error
        yield meeting


def run_server(
    host: str,
    port: int,
    workers: int,
    url: str,
    *,
    postgres: EmbeddedPostgres | None,
    metrics: Meeting | None,
    ready: Say,
    say: Say,
) -> None:
    """Serve until a signal asks to stop; `ready` is told the base URL once there are answers.

    Raises:
        SystemExit: with 1, if the workers fail again and again.
    """
    if FORKS:
        multiprocessing.set_start_method("fork")
        gc.freeze()  # what is shared stays shared: the workers' collectors leave it alone
    address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    server = Granian(
        "api.main:create_app",
        address=str(address[4][0]),
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        backlog=WAITING,
        backpressure=CONNECTIONS,
        websockets=False,
        log_level=LogLevels.warning,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=SECONDS_TO_STOP,
    )
    hangup = signal.getsignal(signal.SIGHUP)

    @server.on_startup
    def stop_on_hangup() -> None:
        # a closed terminal means stop, except under nohup; the server would take it for "reload"
        ignored = hangup is signal.SIG_IGN
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else server.signal_handler_interrupt)

    _shield_forked_workers()
    over = threading.Event()
    listens = partial(_listens, address[0], address[4])
    companion = threading.Thread(
        target=_accompany, args=(over, listens, partial(ready, _base_url(host, port)), postgres, say)
    )
    companion.start()
    try:
        server.serve(target_loader=partial(_load_app, url, metrics), wrap_loader=False)
    except SystemExit:
        if not server.interrupt_signal:
            raise
    finally:
        over.set()
        companion.join()


def _base_url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (told apart, not bound)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _shield_forked_workers() -> None:
    """Prevents a worker that hangs or dies because a signal reaches it before it has begun to serve.

    It is born with the signals of a terminal blocked, and with SIGTERM as it was before the parent took it.
    """
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, OF_A_TERMINAL),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_A_TERMINAL),
        after_in_child=_end_when_told,
    )


def _end_when_told() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent's handler does nothing in a worker


def _load_app(url: str, metrics: Meeting | None) -> "ASGIApp":
    """Make the application in a worker. The URL comes by argument: it holds a password."""
    signal.pthread_sigmask(signal.SIG_BLOCK, OF_A_TERMINAL)
    _end_when_told()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if metrics is not None:
        tell_when_asked(metrics)

    from api.main import create_app, with_cache  # noqa: PLC0415  (takes long; in a forked worker it is there already)
    from api.settings import HttpSettings  # noqa: PLC0415
    from db.settings import DatabaseSettings  # noqa: PLC0415

    return with_cache(create_app(HttpSettings(), DatabaseSettings(database_url=url)))


def _die_with_parent() -> None:
    """Prevents workers that outlive a killed parent and keep its port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _listens(family: int, address: tuple[object, ...]) -> bool:
    with socket.socket(family) as knocking:
        return knocking.connect_ex(address) == 0


def _accompany(
    over: threading.Event,
    listens: Callable[[], bool],
    ready: Callable[[], None],
    postgres: EmbeddedPostgres | None,
    say: Say,
) -> None:
    """Tell when the first worker listens, then start Postgres again whenever it dies."""
    while not over.wait(SECONDS_BETWEEN_KNOCKS):
        if listens():
            ready()
            break
    failure = ""
    while postgres is not None and not over.wait(SECONDS_BETWEEN_CHECKS):
        try:
            if postgres.ensure_running():
                say("Postgres had died; it runs again.")
            failure = ""
        except EmbeddedPostgresError as error:
            if str(error) != failure:  # once, not every two seconds
                failure = str(error)
                say(f"Postgres died and does not start again: {failure}")
