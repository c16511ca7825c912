"""Every answer that a test gets through a client of the fixtures has a status that the contract declares.

So what the code raises is compared with what `responses=` tells, over all requests of the suite. No test
lives here; `tests/conftest.py` puts it on the clients.
"""

import re
from functools import cache, lru_cache

import httpx

from api.routes import RESOURCE_NAMES


class UndeclaredStatusError(AssertionError):
    """An operation answered with a status that the contract does not tell of it."""


async def check_declared(response: httpx.Response) -> None:
    """Refuse an answer that the contract does not tell.

    Raises:
        UndeclaredStatusError: naming the operation and the status.
    """
    method = "GET" if response.request.method == "HEAD" else response.request.method
    declared = _declared(method, response.request.url.path)
    if declared and str(response.status_code) not in declared:
        asked = f"{response.request.method} {response.request.url}"
        raise UndeclaredStatusError(f"{asked} answered {response.status_code}; declared: {sorted(declared)}")


@lru_cache(maxsize=10_000)
def _declared(method: str, path: str) -> frozenset[str]:
    """Give the statuses of all operations that a path can be of; none for paths that are no operation's."""
    if method == "GET" and path.split("/")[1].partition(".")[0] in RESOURCE_NAMES:
        path = f"/v1{path}"
    found = [statuses for pattern, statuses in _operations().get(method, ()) if pattern.fullmatch(path)]
    return frozenset().union(*found)


@cache
def _operations() -> dict[str, list[tuple[re.Pattern[str], frozenset[str]]]]:
    from tests.contract import EVERY  # it makes an application, which not every test needs

    found: dict[str, list[tuple[re.Pattern[str], frozenset[str]]]] = {}
    for operation in EVERY:
        pattern = re.escape(operation.template)
        for parameter in operation.spec["parameters"]:
            if parameter["in"] == "path":
                words = "|".join(map(re.escape, parameter["schema"].get("enum", ())))
                name = re.escape("{" + parameter["name"] + "}")
                pattern = pattern.replace(name, f"({words})" if words else "[^/]+")
        statuses = frozenset(operation.spec["responses"])
        found.setdefault(operation.method, []).append((re.compile(pattern), statuses))
    return found
