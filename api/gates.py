"""How many expensive requests a worker takes on at once; beyond that few are queued, and the others refused.

What is expensive is told where it is answered. How much one client may ask is `api/readlimits.py`'s, and how
much it may write `api/limits.py`'s.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from anyio import CapacityLimiter

from api.errors import ApiError, ProblemCode


class Gate:
    """Room for so many requests at once; `refusal` is what one too many is told."""

    def __init__(self, room: int, refusal: str) -> None:
        self._room = room
        self._refusal = refusal

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a request for as long as it takes room.

        Raises:
            ApiError: overloaded, for one request too many.
        """
        if self._room == 0:
            raise ApiError(ProblemCode.OVERLOADED, self._refusal)
        self._room -= 1
        try:
            yield
        finally:
            self._room += 1


class Queue(Gate):
    """Room for so many requests at once, and for some more that wait for their turn."""

    def __init__(self, at_once: int, *, waiting: int, refusal: str) -> None:
        super().__init__(at_once + waiting, refusal)
        self._turns = CapacityLimiter(at_once)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until there is room, and keep it.

        Raises:
            ApiError: overloaded, if too many wait already.
        """
        with self.admitted():
            async with self._turns:
                yield
