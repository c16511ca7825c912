"""What schemathesis leaves out of its requests in the trial `generated`; it loads this module by its name.

The HTTP server itself refuses targets beyond 65,534 bytes, with a 414 that has no body: no code of ours sees
them. Shorter ones that are too long are ours to refuse, and stay in.
"""

from typing import Any
from urllib.parse import quote

import schemathesis

LONGEST = 60_000  # bytes of a query


@schemathesis.hook
def filter_query(_context: schemathesis.HookContext, query: dict[str, Any] | None) -> bool:
    """Tell whether the server reads a query."""
    values = [
        text for each in (query or {}).values() for text in (each if isinstance(each, list) else [each])
    ]
    return sum(len(quote(str(text), errors="surrogatepass")) for text in values) < LONGEST
