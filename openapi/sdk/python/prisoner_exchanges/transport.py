"""How requests travel: refused ones again when the service says, and known answers only if they changed.

The retries are those of httpx-retries. The store of answers is our own, since it needs so little: live
answers of this service are always asked for anew (`max-age=0, must-revalidate`), and all that is saved is
sending them again.
"""

from collections import OrderedDict
from threading import Lock

import httpx
from httpx_retries import Retry, RetryTransport

METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS")
NOTHING_DONE = (429,)
REFUSED = (429, 503)
BACKOFF = 0.5  # seconds, doubled each time, where there is no Retry-After
VARYING = ("accept", "accept-datetime", "authorization")
_ENCODED = ("content-encoding", "content-length", "transfer-encoding")

_Stored = tuple[httpx.Headers, bytes]


class PoliteTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for both kinds of httpx client that repeats refused requests and remembers answers.

    Args:
        retries: how often a request is repeated at most.
        longest_wait: how many seconds to wait at most before one of them, whatever Retry-After says.
        cache_size: how many answers are remembered; 0 for none.
    """

    def __init__(self, retries: int = 3, longest_wait: float = 60, cache_size: int = 256) -> None:
        def transport(statuses: tuple[int, ...]) -> RetryTransport:
            return RetryTransport(
                retry=Retry(
                    total=retries,
                    allowed_methods=METHODS,
                    status_forcelist=statuses,
                    retry_on_exceptions=(),
                    backoff_factor=BACKOFF,
                    max_backoff_wait=longest_wait,
                )
            )

        self._repeating = transport(REFUSED)
        self._careful = transport(NOTHING_DONE)
        self._cache_size = cache_size
        self._cache: OrderedDict[tuple[str, ...], _Stored] = OrderedDict()
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of a synchronous client."""
        stored = self._condition(request)
        response = self._way(request).handle_request(request)
        _forget_condition(request, stored)
        if stored is not None and response.status_code == 304:
            response.close()
            return _again(stored, response)
        if self._is_worth_keeping(request, response):
            response.read()
            self._keep(request, response)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of an asynchronous client."""
        stored = self._condition(request)
        response = await self._way(request).handle_async_request(request)
        _forget_condition(request, stored)
        if stored is not None and response.status_code == 304:
            await response.aclose()
            return _again(stored, response)
        if self._is_worth_keeping(request, response):
            await response.aread()
            self._keep(request, response)
        return response

    def close(self) -> None:
        """Close the connections of a synchronous client."""
        self._repeating.close()
        self._careful.close()

    async def aclose(self) -> None:
        """Close the connections of an asynchronous client."""
        await self._repeating.aclose()
        await self._careful.aclose()

    def _way(self, request: httpx.Request) -> RetryTransport:
        """Choose what a refusal means: after a 503, a POST may have been carried out nevertheless."""
        is_new_each_time = request.method == "POST" and "Idempotency-Key" not in request.headers
        return self._careful if is_new_each_time else self._repeating

    def _condition(self, request: httpx.Request) -> _Stored | None:
        """Ask only for what changed since; the caller's own condition stands."""
        if request.method != "GET" or "If-None-Match" in request.headers:
            return None
        with self._lock:
            stored = self._cache.get(_key(request))
            if stored is not None:
                self._cache.move_to_end(_key(request))
        if stored is not None:
            request.headers["If-None-Match"] = stored[0]["ETag"]
        return stored

    def _is_worth_keeping(self, request: httpx.Request, response: httpx.Response) -> bool:
        """Tell whether it is a record or a first page; files are whole results, and walks are long."""
        return (
            self._cache_size > 0
            and request.method == "GET"
            and "cursor" not in request.url.params
            and response.status_code == 200
            and "ETag" in response.headers
            and response.headers.get("Content-Type", "").startswith("application/json")
        )

    def _keep(self, request: httpx.Request, response: httpx.Response) -> None:
        headers = httpx.Headers(
            [each for each in response.headers.multi_items() if each[0].lower() not in _ENCODED]
        )
        with self._lock:
            self._cache[_key(request)] = headers, response.content
            self._cache.move_to_end(_key(request))
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)


def _key(request: httpx.Request) -> tuple[str, ...]:
    return str(request.url), *(request.headers.get(name, "") for name in VARYING)


def _forget_condition(request: httpx.Request, stored: _Stored | None) -> None:
    """Take our condition out of a sent request: it is of this address alone, and a redirection repeats it."""
    if stored is not None:
        del request.headers["If-None-Match"]


def _again(stored: _Stored, response: httpx.Response) -> httpx.Response:
    """Give what is stored as an answer of today: the headers of the 304 replace its own."""
    headers = stored[0].copy()
    headers.update(response.headers)
    return httpx.Response(200, headers=headers, content=stored[1])
