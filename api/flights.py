"""Misses that are worked out at this moment, one for all that ask the same (single flight).

What becomes of an answer, and who may have it, is `api/caching.py`'s. What is begun for those that leave is
ended in `api/leaving.py`, which learns of it here only once nobody else waits.
"""

import asyncio
from collections.abc import Hashable

from starlette.types import Message, Receive

from api.leaving import DISCONNECT, Client


class Flight:
    """A miss that is worked out, for its own client and for those that wait for it.

    Newcomers find it among the flights until it lands, or is given up. It was `in_vain` for those that waited
    if another one would be no better.
    """

    def __init__(self, key: Hashable, flights: dict[Hashable, "Flight"]) -> None:
        self._key, self._flights = key, flights
        flights[key] = self
        self.in_vain = False
        self._landed = asyncio.get_running_loop().create_future()
        self._waiting = 0
        self._unwanted = asyncio.Event()  # nobody waits for it
        self._unwanted.set()

    def land(self, *, in_vain: bool = False) -> None:
        """Let those go that wait, and be found no more. To land once more does nothing."""
        self._vanish()
        if not self._landed.done():
            self.in_vain = in_vain
            self._landed.set_result(None)

    def _vanish(self) -> None:
        if self._flights.get(self._key) is self:  # and not one that was begun since
            del self._flights[self._key]

    async def wait_for_it(self, client: Client) -> None:
        """Wait until it lands, or the client leaves."""
        self._waiting += 1
        self._unwanted.clear()
        try:
            await asyncio.wait([self._landed, client.leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._unwanted.set()

    def receiving(self, receive: Receive) -> Receive:
        """Tell that the client has left only once nobody else waits, and nobody can come who would."""

        async def receive_while_unwanted() -> Message:
            message = await receive()
            if message["type"] == DISCONNECT:
                while self._waiting:  # somebody may come in the moment after the last one has left
                    await self._unwanted.wait()
                self._vanish()
            return message

        return receive_while_unwanted
