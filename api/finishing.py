"""Work that is never stopped half-way, whoever waits for it, in threads and in processes.

Whoever is cancelled meanwhile waits until it has ended, so that what it works on is not taken away from it:
nothing can stop a thread.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from anyio import CancelScope

Result = TypeVar("Result")


async def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """Carry work through and give its result; to be cancelled takes until it has ended."""
    working = asyncio.ensure_future(work)
    with CancelScope(shield=True):  # what anyio cancels it cancels again and again; asyncio does it once
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError:
            await asyncio.wait([working])
            working.exception()  # nobody wants to know it any more, and asyncio would log that
            raise
    return working.result()
