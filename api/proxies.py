"""Who asks, where a proxy stands in between: addresses, and what is believed of the headers of a proxy.

Nothing is believed from others than those that are set as trusted (`TRUSTED_PROXIES`). `Forwarded` (RFC 7239)
is never read: a proxy that writes `X-Forwarded-For` passes on whatever a client says in the other header.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from api.target import HOST

Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1"))
SUBSCRIBER = 64  # bits of an IPv6 address that one subscriber has at least to themselves
UNKNOWN = "unknown"  # who asks, where a proxy does not tell
FORWARDED_FOR = b"x-forwarded-for"
FORWARDED_PROTO = b"x-forwarded-proto"
FORWARDED_HOST = b"x-forwarded-host"
SCHEMES = {b"http": "http", b"https": "https"}
MOST_REMEMBERED = 4000  # values of X-Forwarded-For


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address as proxies write it, with a port or without; an IPv4 one in IPv6 is what it is."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def subscriber_of(host: str) -> str:
    """Give what stands for who asks: an address, or of IPv6 the part that others do not share."""
    address = address_of(host)
    if address is None:
        return host
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), SUBSCRIBER), strict=False))
    return str(address)


def is_in(host: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address is in one of the networks."""
    address = address_of(host)
    return address is not None and any(address in network for network in networks)


class Proxies:
    """The proxies that are trusted, and requests as they were before these passed them on."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._client_of = lru_cache(MOST_REMEMBERED)(self._read)

    def as_sent(self, scope: Scope) -> Scope:
        """Give a request as it was sent: from whom, by which scheme, to which host."""
        hops, scheme, host = [], b"", b""
        for name, value in scope["headers"]:
            if name == FORWARDED_FOR:
                hops.append(value)
            elif name == FORWARDED_PROTO:
                scheme = value
            elif name == FORWARDED_HOST:
                host = value
        sent = dict(scope)
        if hops:
            sent["client"] = (self._client_of(b",".join(hops)), 0)
        if scheme in SCHEMES:
            sent["scheme"] = SCHEMES[scheme]
        if host and HOST.fullmatch(host.decode("latin-1")):
            sent["headers"] = [*(pair for pair in scope["headers"] if pair[0] != b"host"), (b"host", host)]
        return sent

    def _read(self, hops: bytes) -> str:
        """Find the client in `X-Forwarded-For`.

        It is read from the right, where the nearest proxy writes, up to the first address that is no trusted
        proxy's: what stands left of it, anybody may have written.
        """
        nearest = UNKNOWN
        for hop in reversed(hops.decode("latin-1").split(",")):
            address = address_of(hop)
            if address is None:
                return UNKNOWN
            nearest = str(address)
            if not is_in(nearest, self._trusted):
                break
        return nearest
