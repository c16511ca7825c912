"""The way to a client: one call, with settings that suit the service."""

from typing import overload

import httpx
from prisoner_exchanges.client import AuthenticatedClient, Client
from prisoner_exchanges.transport import PoliteTransport


@overload
def connect(
    base_url: str,
    *,
    key: None = None,
    timeout: float = ...,
    retries: int = ...,
    longest_wait: float = ...,
    cache_size: int = ...,
) -> Client: ...


@overload
def connect(
    base_url: str,
    *,
    key: str,
    timeout: float = ...,
    retries: int = ...,
    longest_wait: float = ...,
    cache_size: int = ...,
) -> AuthenticatedClient: ...


def connect(
    base_url: str,
    *,
    key: str | None = None,
    timeout: float = 60,
    retries: int = 3,
    longest_wait: float = 60,
    cache_size: int = 256,
) -> Client | AuthenticatedClient:
    """Make a client for the functions in `prisoner_exchanges.api`, synchronous and asynchronous.

    It repeats what is refused with 429 or 503 after the time in Retry-After, follows merged records to the
    record they became, and remembers answers: one that has not changed is not sent again (ETag, 304).

    Args:
        base_url: where the service is, as `https://example.org`.
        key: a key of the form `exk_…`, needed to write.
        timeout: how many seconds to wait for an answer.
        retries: how often a refused request is repeated at most.
        longest_wait: how many seconds to wait at most before each of them.
        cache_size: how many answers are remembered; 0 for none.
    """
    transport = PoliteTransport(retries, longest_wait, cache_size)
    base_url, waiting, arguments = base_url.rstrip("/"), httpx.Timeout(timeout), {"transport": transport}
    if key is None:
        return Client(base_url, timeout=waiting, follow_redirects=True, httpx_args=arguments)
    return AuthenticatedClient(
        base_url, token=key, timeout=waiting, follow_redirects=True, httpx_args=arguments
    )
