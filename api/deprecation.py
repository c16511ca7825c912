"""What is to end says so: in headers of its answers (RFC 9745, RFC 8594) and in the contract.

One line above an endpoint: `@deprecated(since=…, sunset=…, see=…)`. What clients may rely on is told in
`openapi/guide/stability.md`.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.conditional import http_date
from api.errors import ApiError

NOTICE = dt.timedelta(days=365)
_MARK = "__deprecation__"

Given = ParamSpec("Given")
Endpoint = Callable[Given, Awaitable[Response]]


@dataclass(frozen=True)
class Deprecation:
    """From when on an operation should not be used, when it ends at the earliest, and where more is said."""

    since: dt.date
    sunset: dt.date
    see: str

    def __post_init__(self) -> None:
        """Refuse to break the promise.

        Raises:
            ValueError: there is less than a year between the announcement and the end.
        """
        if self.sunset < self.since + NOTICE:
            raise ValueError(f"{self.sunset} is less than a year after {self.since}, and a year is promised")

    def mark(self, headers: MutableHeaders) -> None:
        """Add what it says to the headers of an answer, which may have links already."""
        headers["Deprecation"] = f"@{int(_midnight(self.since).timestamp())}"
        headers["Sunset"] = http_date(_midnight(self.sunset))
        headers["Link"] = ", ".join(
            [*headers.getlist("Link"), f'<{self.see}>; rel="deprecation"; type="text/html"']
        )


def deprecated(*, since: dt.date, sunset: dt.date, see: str) -> Callable[[Endpoint[Given]], Endpoint[Given]]:
    """Mark an endpoint, below the decorator of its route; `see`: the path of a page that says what to use."""
    deprecation = Deprecation(since, sunset, see)

    def of(endpoint: Endpoint[Given]) -> Endpoint[Given]:
        @wraps(endpoint)
        async def marked(*args: Given.args, **kwargs: Given.kwargs) -> Response:
            try:
                response = await endpoint(*args, **kwargs)
            except ApiError as error:
                headers = MutableHeaders(dict(error.headers or {}))
                deprecation.mark(headers)
                error.headers = dict(headers.items())
                raise
            deprecation.mark(response.headers)
            return response

        setattr(marked, _MARK, deprecation)
        return marked

    return of


def mark_operations(document: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Mark the deprecated operations of a contract."""
    found = {route.operation_id: getattr(route.endpoint, _MARK, None) for route in _api_routes(routes)}
    for item in document["paths"].values():
        for operation in item.values():
            if deprecation := found.get(operation["operationId"]):
                operation["deprecated"] = True
                operation["x-sunset"] = deprecation.sunset.isoformat()


def _api_routes(routes: Iterable[BaseRoute]) -> Iterable[APIRoute]:
    """Give all routes, those of included routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _api_routes(inner.routes)
        elif isinstance(route, APIRoute):
            yield route


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
