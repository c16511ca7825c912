"""The answers that are kept: bytes with their headers, given out again while the dataset stays as it is.

This is the hot path. A request that hits it costs a dictionary look-up and two messages to the server: no
route, no other middleware, no parsing. So it does by itself what those owe every request (request id, access
log, 304), and stands outside of them all. What misses runs through them and is kept on its way out, if its
route says that it depends on nothing but the dataset (`may_be_kept`).

Answers to requests that say who asks or which state they want are not kept, nor are errors and streams.
"""

import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from urllib.parse import unquote_to_bytes
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import tracing
from api.accesslog import note
from api.counting import BOUNDS, TOTAL, UNMATCHED, counts, route_of
from api.flights import Flight
from api.leaving import Client
from api.reading import LEFT, POLICY, TOLD
from api.requestid import ACCEPTED, HEADER, new_request_id
from api.target import BROKEN_ESCAPE, raw_path
from api.timing import FIELD, HIT
from db.newest import Newest
from db.queries.pages import State, Version

NEWEST = "newest"  # the name in the lifespan's state
KEEPING = "exchanges.keeping"  # scope key: where a route says that its answer may be kept
REQUEST_ID = HEADER.lower().encode()
KEPT = frozenset({"GET", "HEAD"})
# A request with one of these is answered anew: it tells who asks, or asks for a state or a part of its own.
PASSING_BY = frozenset(
    {b"authorization", b"accept-datetime", b"x-dataset-revision", b"range", b"if-modified-since"}
)
READ = frozenset({b"accept", b"accept-encoding", b"host", b"if-none-match", REQUEST_ID}) | PASSING_BY
OF_ONE_ANSWER = frozenset({REQUEST_ID, FIELD, POLICY, LEFT})
OF_A_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})
OVERHEAD = 2000  # bytes that an entry takes beside key and body, about: headers, places in dictionaries
BODILESS: Message = {"type": "http.response.body", "body": b""}
# Whoever asks next may have better luck than these. In an outage (503) nobody waits for more than one other.
FAILURES = frozenset({429, 500})
# That one waits for: neither a failure that stays nor writes that overtake every answer keep anybody longer.
MOST_FLIGHTS = 3
LONGEST = 2048  # bytes of a key: whoever asks with more is answered, but nothing is remembered of it

Headers = Sequence[tuple[bytes, bytes]]
# What an answer depends on besides the dataset: path, query, Accept, Accept-Encoding, Host, scheme. Queries
# that differ only in spelling are one. (A tuple without names: those would cost more than looking it up.)
Key = tuple[bytes, tuple[bytes, ...], bytes, bytes, bytes, str]


class Entry:
    """An answer as it was sent, and the headers of the 304 that stands for it; or, without a body, a 304."""

    __slots__ = (
        "__weakref__",
        "etag",
        "headers",
        "hits",
        "message",
        "route",
        "stem",
        "unchanged",
        "version",
    )

    def __init__(
        self, version: Version, headers: Headers, body: bytes | None, route: str = UNMATCHED
    ) -> None:
        self.version = version
        self.route = route
        self.hits = counts.rows_of_hits(route)
        self.headers = [*(pair for pair in headers if pair[0] not in OF_ONE_ANSWER), HIT]
        self.unchanged = [pair for pair in self.headers if pair[0] not in OF_A_BODY]
        self.message = BODILESS if body is None else {"type": "http.response.body", "body": body}
        self.etag = dict(headers).get(b"etag", b"")
        self.stem = self.etag.strip(b'"').partition(b"-")[0]  # that of all encodings

    def is_known(self, tag: bytes | None) -> bool | None:
        """Tell whether If-None-Match says that the client has the answer; None where that takes thought."""
        if tag == self.etag:
            return True
        if self.message is BODILESS:
            return None
        if tag is None:
            return False
        return None if b"," in tag or not tag.endswith(b'"') or self.stem in tag else False


@dataclass
class Keeping:
    """Said by a route whose answer may be kept: which it is, and what version of the dataset it shows."""

    version: Version | None = None
    route: str = UNMATCHED


def may_be_kept(request: Request, state: State) -> None:
    """Say that the answer to a request depends on the dataset alone, as it was when this state was read."""
    keeping: Keeping | None = request.scope.get(KEEPING)
    if keeping is not None:
        keeping.version, keeping.route = state.version, route_of(request.scope)


class Answers:
    """The entries, at most so many bytes of them: those that were not asked for longest go first."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.used = 0
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._by_tag: WeakValueDictionary[tuple[bytes, bytes], Entry] = WeakValueDictionary()

    def get(self, key: Key, version: Version | None) -> Entry | None:
        """Give the entry of a key, if it is of this very version."""
        entry = self._entries.get(key)
        if entry is None or entry.version is not version:
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry; one that equals another, by path and ETag, shares its bytes."""
        cost = _cost(key, entry)
        if cost > self.size:
            return
        tag = (key[0], entry.etag)
        same = self._by_tag.get(tag)
        if same is not None and same.version is entry.version and same.headers == entry.headers:
            entry = same
        self._drop(key)
        self._entries[key] = self._by_tag[tag] = entry
        self.used += cost
        while self.used > self.size:
            self._drop(next(iter(self._entries)))

    def drop_others(self, version: Version) -> None:
        """Let go of all entries of other versions."""
        for key in [key for key, entry in self._entries.items() if entry.version is not version]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.used -= _cost(key, entry)


def _cost(key: Key, entry: Entry) -> int:
    return length_of(key) + len(entry.message["body"]) + OVERHEAD


def length_of(key: Key) -> int:
    """Count the bytes of a key."""
    path, query, accept, encodings, host, _ = key
    return len(path) + sum(map(len, query)) + len(accept) + len(encodings) + len(host)


def _repeats(headers: Headers) -> bool:
    """Tell whether something that decides over an answer is said twice."""
    names = [name for name, _ in headers if name in READ]
    return len(names) > len(set(names))


class CacheMiddleware:
    """Prevents that what was answered a moment ago is worked out again, for one client or for a thousand.

    One miss computes, the others of its key wait for it: as long as one of them is there, it goes on. If it
    fails, or a write overtakes it, one of them computes again; an answer that is never kept frees them all.
    A write of this process makes everything before it old before it is answered; what other processes write
    is known within 50 ms (`db/newest.py`).
    """

    def __init__(self, app: ASGIApp, *, size: int) -> None:
        self.app = app
        self.kept = Answers(size)
        self._flights: dict[Hashable, Flight] = {}
        self._version: Version | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or run the request and keep its answer."""
        newest: Newest | None = scope.get("state", {}).get(NEWEST) if scope["type"] == "http" else None
        if newest is None:
            await self.app(scope, receive, send)
            return
        if scope["method"] not in KEPT:
            writes = scope["method"] != "OPTIONS"
            await self.app(scope, receive, _writing(newest, send) if writes else send)
            return
        began = time.perf_counter()
        headers, query = scope["headers"], scope["query_string"]
        given: dict[bytes, bytes] = dict(headers)
        if (
            not PASSING_BY.isdisjoint(given)
            or len(query) > LONGEST
            or (len(given) < len(headers) and _repeats(headers))
        ):
            await self.app(scope, receive, send)
            return
        key: Key = (
            raw_path(scope),
            normalised(query),
            given.get(b"accept", b""),
            given.get(b"accept-encoding", b""),
            given.get(b"host", b""),
            scope.get("scheme", "http"),
        )
        entry = self.kept.get(key, newest.version)
        if entry is None and key in self._flights:
            with Client.of(receive) as client:
                entry = await self._wait(key, newest, client)
                if entry is None:
                    if client.leaving.done():
                        _note_left(scope, _id_of(given), began)
                    else:
                        await self._run(key, newest, scope, client.receive, send)
                    return
        known = None if entry is None else entry.is_known(given.get(b"if-none-match"))
        if entry is None or known is None:
            await self._run(key, newest, scope, receive, send)
            return
        request_id = _id_of(given)
        own = (REQUEST_ID, request_id.encode())
        status, kept = (304, entry.unchanged) if known else (200, entry.headers)
        body = BODILESS if known or scope["method"] == "HEAD" else entry.message
        try:
            headers = [*kept, own, *scope.get(TOLD, ())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send(body)
        finally:
            took = time.perf_counter() - began
            row = entry.hits[scope["method"]][known]
            row[bisect_left(BOUNDS, took)] += 1
            row[TOTAL] += took
            if tracing.active is not None:
                tracing.active.routed(scope["method"], entry.route, kept=True)
            note(scope, request_id, status=status, size=len(body["body"]), took=took)

    async def _wait(self, key: Key, newest: Newest, client: Client) -> Entry | None:
        """Wait for what is being worked out; where that failed, for whoever then works it out again."""
        for _ in range(MOST_FLIGHTS):
            flight = self._flights.get(key)
            if flight is None:
                break
            await flight.wait_for_it(client)
            entry = self.kept.get(key, newest.version)
            if entry is not None or flight.in_vain or client.leaving.done():
                return entry
        return None

    async def _run(self, key: Key, newest: Newest, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, and keep its answer if that may be."""
        if scope["method"] != "GET" or key in self._flights or length_of(key) > LONGEST:
            await self.app(scope, receive, send)
            return
        keeping, writes = Keeping(), newest.writes
        headers: Headers | None = None  # of an answer that may be kept
        unchanged = False

        async def watching_send(message: Message) -> None:
            nonlocal headers, unchanged
            if message["type"] == "http.response.start":
                if message["status"] in {200, 304} and keeping.version is not None:
                    unchanged = message["status"] == 304
                    headers = message["headers"]
                    counts.misses += 1
                else:
                    flight.land(in_vain=message["status"] not in FAILURES)
            elif headers is not None:
                if keeping.version is not None and not message.get("more_body", False):
                    newest.seen(keeping.version, writes)
                    body = None if unchanged else message["body"]
                    self._keep(key, newest.version, Entry(keeping.version, headers, body, keeping.route))
                headers = None
                flight.land()  # before a slow client has it all
            await send(message)

        flight = Flight(key, self._flights)
        try:
            await self.app({**scope, KEEPING: keeping}, flight.receiving(receive), watching_send)
        finally:
            flight.land()

    def _keep(self, key: Key, version: Version | None, entry: Entry) -> None:
        if version is None or version != entry.version:
            return
        if entry.message is BODILESS and self.kept.get(key, version) is not None:
            return  # a 304 stands for less than the answer
        if self._version is not version:
            self._version = version
            self.kept.drop_others(version)
        entry.version = version  # the same object, so that a hit need not compare
        self.kept.put(key, entry)
        counts.kept_bytes = self.kept.used


def _id_of(given: Mapping[bytes, bytes]) -> str:
    request_id = given[REQUEST_ID].decode("latin-1") if REQUEST_ID in given else ""
    return request_id if request_id and ACCEPTED.fullmatch(request_id) else new_request_id()


def _note_left(scope: Scope, request_id: str, began: float) -> None:
    """Log and count a request for which nothing was begun, as others whose client has left."""
    took = time.perf_counter() - began
    counts.request(scope["method"], UNMATCHED, 0, took)
    if tracing.active is not None:
        tracing.active.routed(scope["method"], UNMATCHED)
    note(scope, request_id, status=0, size=0, took=took)


def _writing(newest: Newest, send: Send) -> Send:
    """Make everything that was kept old before a write is answered, or fails where it may have been made."""

    async def outdating_send(message: Message) -> None:
        if message["type"] == "http.response.start" and not 400 <= message["status"] < 500:
            newest.outdated()
        await send(message)

    return outdating_send


@lru_cache(maxsize=16384)
def normalised(query: bytes) -> tuple[bytes, ...]:
    """Give a query so that orders and encodings of its parameters that mean the same are equal.

    Values of one parameter keep their order, since an answer repeats them so; what is malformed stays as it
    is, so that it never passes for something else.
    """
    if BROKEN_ESCAPE.search(query):
        return (query,)
    pairs = [pair.replace(b"+", b" ").partition(b"=") for pair in query.split(b"&") if pair]
    named = [(unquote_to_bytes(name), equals, unquote_to_bytes(value)) for name, equals, value in pairs]
    named.sort(key=itemgetter(0))
    return tuple(chain.from_iterable(named))
