"""What answers tell browsers not to do with them: the values, and why they are so.

`api/middleware.py` adds to every answer what is common; what pages need instead of it, they say by
themselves. Pages' own Content-Security-Policies are beside the pages.
"""

from collections.abc import Mapping, Sequence

# Data and charts are for everybody: any page may fetch and embed them. But nothing in them is a page: shown
# as one, an answer runs nothing, fetches nothing, and is in nobody's frame. A header that an answer has of
# its own takes the place of ours.
COMMON: Sequence[tuple[bytes, bytes]] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
# Only where the answer goes out by TLS: browsers then never ask in the clear again, for a year.
SECURE = (b"strict-transport-security", b"max-age=31536000")

# Nothing of other origins holds a page in its hands, and pages need nothing of a device.
_OF_PAGES: Mapping[str, str] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def page_headers(policy: str) -> Mapping[str, str]:
    """Give what a page has instead of what is common, with its Content-Security-Policy.

    A 304 has it too: what a browser keeps takes over the headers of that.
    """
    return {"Content-Security-Policy": policy, **_OF_PAGES}
