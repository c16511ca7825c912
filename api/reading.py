"""What stands in front of everything, the kept answers too: who asks, and whether they have asked too much.

Headers that tell a reader of its limits are put on each answer here, those of a reader without limits where
the answer gets its other ones, and never kept with it. Pages and their files are not counted: only what is
under /v1, and its short paths. Writes with a key that holds are limited by the key (`api/limits.py`);
whatever else has another method than GET counts as a read, since most of it is only refused. Preflights of
browsers do not count: what they ask leave for does. Any other OPTIONS counts, with a key too. How much is
counted is `api/readlimits.py`'s, what a proxy is believed `api/proxies.py`'s.
"""

from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, ProblemCode, problem_response
from api.readlimits import Budget, Pair, Peer, ReadLimits, Tally
from db.access import KeyRefusedError

READ_LIMITS = "read_limits"  # the name in the lifespan's state
READING = "exchanges.reading"  # scope key: the limited reader
REFUSED = "exchanges.refused"  # scope key: that it has nothing left
TOLD = "exchanges.told"  # scope key: headers for a reader who is not limited
READ = frozenset({"GET", "HEAD", "OPTIONS"})  # no key's limits on writing hold for these
PREFLIGHT = frozenset({b"origin", b"access-control-request-method"})
PREFIX = "/v1/"
POLICY, LEFT = b"ratelimit-policy", b"ratelimit"
# The draft has no word for "as much as you like": this is the largest number that a header may hold.
MOST = 999_999_999_999_999
UNLIMITED = ((POLICY, f'"unlimited";q={MOST}'.encode()), (LEFT, f'"unlimited";r={MOST}'.encode()))


class Reading:
    """A request of a limited reader."""

    __slots__ = ("_besides", "_expensive", "_limits", "_reader", "_tally")

    def __init__(self, limits: ReadLimits, reader: str, tally: Tally) -> None:
        self._limits = limits
        self._reader = reader
        self._tally = tally
        self._besides: list[tuple[Budget, Tally]] = []  # what else it is counted against
        self._expensive: tuple[Tally, bool] | None = None  # whether there was something left for it

    async def spend_expensive(self) -> None:
        """Count the request against the budget of what is expensive, once, however often it is tried.

        Raises:
            ApiError: too_many_requests, at each try.
        """
        if self._expensive is None:
            budget = self._limits.expensive
            tally = await budget.tally_of(self._reader)
            self._besides.append((budget, tally))
            self._expensive = tally, budget.spend(tally)
        tally, allowed = self._expensive
        if not allowed:
            raise _too_many("requests that take long", tally)

    @asynccontextmanager
    async def guess(self) -> AsyncIterator[None]:
        """Look up inside of the block a key of which it is not known that it holds; it counts if it does not.

        Raises:
            ApiError: too_many_requests, after too many that did not.
        """
        budget = self._limits.refused_keys
        tally = await budget.tally_of(self._reader)
        if not await budget.hold(tally):
            self._besides.append((budget, tally))
            raise _too_many("keys that do not hold", tally)
        counts = True  # for who leaves meanwhile too, or leaving would be a way to guess on
        try:
            yield
            counts = False
        except KeyRefusedError:
            self._besides.append((budget, tally))
            raise
        except Exception:  # the database is away: nobody knows whether the key holds
            counts = False
            raise
        finally:
            budget.settle(tally, counts=counts)

    def refusal(self) -> ApiError:
        """Tell that there is nothing left for any request."""
        return _too_many("requests", self._tally)

    def headers(self) -> tuple[Pair, Pair]:
        """Tell what is left, as draft-ietf-httpapi-ratelimit-headers has it."""
        limits = self._limits
        policy, left = limits.reads.policy, limits.reads.told(self._tally)
        for budget, tally in self._besides:
            policy = f"{policy}, {budget.policy}"
            left = f"{left}, {budget.told(tally)}"
        return (POLICY, policy.encode()), (LEFT, left.encode())


def _too_many(what: str, tally: Tally) -> ApiError:
    detail = (
        f"You have used up your {what} for the moment; the next is free in {tally.wait} s. See /guide/limits."
    )
    return ApiError(ProblemCode.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(tally.wait)})


class ReadingMiddleware:
    """Prevents one reader from taking what is there for all, and a proxy from passing for a reader.

    `app` has the answers that are kept; `refusing` is the application itself, which logs a refusal, and gives
    it the headers that every answer has.
    """

    def __init__(self, app: ASGIApp, *, refusing: ASGIApp, names: Collection[str]) -> None:
        self.app = app
        self.refusing = refusing
        self.names = frozenset(names)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Find out who asks, count it, and run the request.

        Without a coroutine of its own, since everything that is kept passes through here.
        """
        limits: ReadLimits | None = scope["state"].get(READ_LIMITS) if "state" in scope else None
        if limits is None or scope["type"] != "http":
            return self.app(scope, receive, send)
        client = scope["client"]
        peer = limits.peer(client[0] if client else "")
        if peer.trusted:
            scope = limits.proxies.as_sent(scope)
            peer = limits.peer(scope["client"][0])
        path: str = scope["path"]
        method: str = scope["method"]
        if not (path.startswith(PREFIX) or self._is_short(path)) or is_preflight(scope):
            return self.app(scope, receive, send)
        if peer.limited:
            return self._count(limits, peer, scope, receive, send)
        if method not in READ:
            return self.app(scope, receive, send)
        # put on where the answer gets its other headers: to pass it on from here costs a quarter of a hit
        scope[TOLD] = UNLIMITED
        return self.app(scope, receive, send)

    async def _count(
        self, limits: ReadLimits, peer: Peer, scope: Scope, receive: Receive, send: Send
    ) -> None:
        authorization = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
        reads = scope["method"] in READ
        if not reads and authorization is not None and limits.knows(authorization):
            await self.app(scope, receive, send)
            return
        reader = limits.reader_of(peer, authorization)
        tally = await limits.reads.tally_of(reader)
        allowed = limits.reads.spend(tally)
        reading = Reading(limits, reader, tally)
        scope = {**scope, READING: reading, REFUSED: not allowed}

        def send_with_what_is_left(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start" and (reads or not _tells_limits(message)):
                message["headers"] = [*message["headers"], *reading.headers()]
            return send(message)

        app = self.app if allowed else self.refusing
        await app(scope, receive, send_with_what_is_left)

    def _is_short(self, path: str) -> bool:
        return path[1:].partition("/")[0].partition(".")[0] in self.names


def is_preflight(scope: Scope) -> bool:
    """Tell whether a browser asks for leave: `api/middleware.py` answers it at once, whatever it is about."""
    return scope["method"] == "OPTIONS" and {name for name, _ in scope["headers"]} >= PREFLIGHT


def _tells_limits(message: Message) -> bool:
    """Tell whether an answer has the headers already: those of a write that has limits of its own."""
    return any(name == LEFT for name, _ in message["headers"])


class RefusalMiddleware:
    """Answers those who have nothing left, inside of what every answer must have."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or run it."""
        if not scope.get(REFUSED):
            await self.app(scope, receive, send)
            return
        reading: Reading = scope[READING]
        error = reading.refusal()
        await problem_response(scope, error.code, error.detail, headers=error.headers)(scope, receive, send)
