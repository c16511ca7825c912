"""Where a read is answered from: a replica, or the primary where no replica's answer will do.

A replica lags. What it answers is not what the client gets if it is older than what the client says that it
has seen (`X-Dataset-Revision`), or than what this worker has written itself; and where a replica knows
nothing of what is asked for, it may only not have it yet: unless it is no replica after all, but the primary
by another address. The request is then run again on the primary. It is
run once more on another connection, too, if the database was lost before anything was sent, as in a failover.

Whatever may write asks the primary at once, and so does what is no part of the dataset (keys, proposals).
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, ProblemCode, error_response
from api.params import INT4_MAX, not_understood, problem
from api.tries import TRY, Try
from db.lag import Seen, watching
from db.newest import Newest
from db.reader import Reader, same_cluster

if TYPE_CHECKING:
    from api.deps import State

HEADER = "X-Dataset-Revision"
FIELD = HEADER.lower().encode()
PREFIX = "/v1/"
# What a newer state may answer otherwise: a record or a name that is not there yet, a number not yet reached.
DOUBTFUL = frozenset({400, 404, 409, 410, 422})
# What no state of the dataset answers otherwise: keys are the primary's, limits and full gates this worker's
# (503 where the database has not failed).
REFUSED = frozenset({401, 403, 429, 503})
LOST = frozenset({ProblemCode.DATABASE_UNAVAILABLE})
BUSY = frozenset({ProblemCode.DATABASE_UNAVAILABLE, ProblemCode.OVERLOADED})

_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


class Fault(Enum):
    """Why an answer is not sent."""

    LOST = auto()  # the database was, and another one is asked
    DOUBTED = auto()  # it says that there is nothing, or does not say how old it is
    BEHIND = auto()  # it is too old


@dataclass(frozen=True)
class Terms:
    """On which terms an answer is sent: made of a state that has the revision `least`.

    `doubts`: that there is nothing of the kind is not believed, and if `sure`, nor is an answer that does not
    tell of its state; with `primary`, what was read from no standby is. `another`: what fails with one of
    these is tried elsewhere.
    """

    least: int
    doubts: bool = False
    sure: bool = False
    primary: bool = False
    another: frozenset[ProblemCode] = frozenset()

    def fault(self, status: int, tried: Try, seen: Seen) -> Fault | None:
        """Tell why an answer is not sent, if it is not."""
        if tried.failed is not None:
            return Fault.LOST if tried.asked and tried.failed in self.another else None
        if status in REFUSED:
            return None
        stateless = seen.revision is None
        believed = self.primary and not seen.standby
        doubtful = status in DOUBTFUL or (self.sure and stateless)
        if self.doubts and doubtful and tried.asked and not believed:
            return Fault.DOUBTED
        return Fault.BEHIND if seen.revision is not None and seen.revision < self.least else None


class _NotSentError(Exception):
    """Ends a route whose answer is not sent."""


class ReplicaMiddleware:
    """Prevents answers older than what their client has seen, and errors that go when one asks again.

    A route runs as often as there are tries, each time with another reader in its state. Nothing is held
    back: an answer is judged as it begins, when what it is made of has been read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # Whether what is no standby is the primary; None until asked. Asked once: what fails is a no until
        # the next start, which costs a second look for what is not there. A yes holds after a failover too,
        # so that an old primary that runs on is believed when it has nothing, as it is in what it has: that
        # it is ended is the business of whoever promotes another.
        self._one_cluster: bool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request where it is answered."""
        given: dict[str, Any] = scope.get("state", {}) if scope["type"] == "http" else {}
        if "primary" not in given:
            await self.app(scope, receive, send)
            return
        state = cast("State", given)
        replicated = state["primary"] is not state["reader"]
        if scope["method"] != "GET":
            if replicated:
                send = _noting_write(state["newest"], send)
            await self.app(_with(scope, state["primary"]), receive, send)
            return
        try:
            wanted = wanted_revision(scope) if scope["path"].startswith(PREFIX) else 0
            answer = self._from_replicas if replicated else self._from_one
            await answer(wanted, state, scope, receive, send)
        except ApiError as error:
            await error_response(scope, error)(scope, receive, send)

    async def _from_one(
        self, wanted: int, state: "State", scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer from the one database there is."""
        for terms in (Terms(wanted, another=LOST), Terms(wanted)):
            fault, seen = await self._try(state["reader"], terms, scope, receive, send)
            if fault is not Fault.LOST:
                break
        if fault is Fault.BEHIND:
            raise _beyond(wanted, seen)

    async def _from_replicas(
        self, wanted: int, state: "State", scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer from a replica, where that will do or nothing else is left."""
        newest, floor = state["newest"], state["newest"].floor
        terms = Terms(
            max(wanted, floor), doubts=True, sure=wanted > 0, primary=self._one_cluster is True, another=LOST
        )
        for _ in range(2):
            fault, seen = await self._try(state["reader"], terms, scope, receive, send)
            if fault is None:
                return
            if fault is not Fault.LOST:
                break
        twice = fault is Fault.DOUBTED and not seen.standby
        fault, seen = await self._try(state["primary"], Terms(wanted, another=BUSY), scope, receive, send)
        if seen.revision is not None and seen.revision < floor:
            newest.lower(floor, seen.revision)
        if fault is Fault.BEHIND:
            raise _beyond(wanted, seen)
        if fault is Fault.LOST:
            fault, seen = await self._try(state["reader"], Terms(wanted), scope, receive, send)
            if fault is Fault.BEHIND:
                detail = f"No server that can be asked at this moment has dataset revision {wanted} yet."
                raise ApiError(ProblemCode.DATABASE_UNAVAILABLE, detail)
        if twice and self._one_cluster is None:  # once, when the client has its answer
            self._one_cluster = False  # so that no other request asks meanwhile
            self._one_cluster = await same_cluster(state["reader"], state["primary"])

    async def _try(
        self, reader: Reader, terms: Terms, scope: Scope, receive: Receive, send: Send
    ) -> tuple[Fault | None, Seen]:
        """Run the request with a reader; give why its answer was not sent, and what state it is of."""
        tried, fault, begun = Try(), None, False
        with watching() as seen:

            async def judging_send(message: Message) -> None:
                nonlocal fault, begun
                if not begun:
                    fault = terms.fault(message["status"], tried, seen)
                    if fault is not None:
                        raise _NotSentError
                    begun = True
                    tried.sent()
                await send(message)

            try:
                await self.app({**_with(scope, reader), TRY: tried}, receive, judging_send)
            except Exception:
                if fault is None:  # else this is how the route was ended
                    raise
        return fault, seen


def wanted_revision(scope: Scope) -> int:
    """Give the dataset revision that the client of a request has seen; 0 if it does not say.

    Raises:
        ApiError: it is no number of a revision.
    """
    given = Headers(scope=scope).getlist(HEADER)
    if not given:
        return 0
    text = ", ".join(given)
    if not _NUMBER.fullmatch(text) or int(text) > INT4_MAX:
        message = "must be one number, that of a dataset revision you have seen"
        raise not_understood([problem(HEADER, "invalid_value", message)])
    return int(text)


def _beyond(wanted: int, seen: Seen) -> ApiError:
    message = (
        f"the newest dataset revision is {seen.revision}, and {wanted} is not reached; one that was seen is "
        "gone only where the dataset was restored from a backup: begin anew, without the header"
    )
    return not_understood([problem(HEADER, "out_of_range", message)])


def _with(scope: Scope, reader: Reader) -> dict[str, Any]:
    """Give the scope of a request that reads through a reader."""
    return {**scope, "state": {**scope["state"], "reader": reader}}


def _noting_write(newest: Newest, send: Send) -> Send:
    """Note what revision a write has made, before it is answered."""

    async def noting_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            for name, value in message["headers"]:
                if name == FIELD:
                    newest.wrote(int(value))
        await send(message)

    return noting_send
