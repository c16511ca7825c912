"""How many expensive requests a worker takes on at once; beyond that they are refused rather than queued.

What is expensive is told where it is answered. How much one client may write is `api/limits.py`'s.
"""

from collections.abc import Iterator
from contextlib import contextmanager

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
