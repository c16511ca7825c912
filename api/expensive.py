"""What takes the database long: it counts against a budget of its own, and only few run at once.

Statistics, comparisons and citations wait here for their turn. Whole results and charts have gates where they
are made, and only count here. What is kept (`api/caching.py`) is not expensive, however it was made.
"""

from collections.abc import AsyncIterator

from fastapi import Depends, Request

from api.gates import Queue
from api.reading import READING, Reading

# A worker reads through ten connections: half of them are left to what does not take long.
QUEUE = Queue(5, waiting=45, refusal="More questions that take long are asked than can be answered in time.")


async def spend_expensive(request: Request) -> None:
    """Count a request that takes long, if its reader is limited.

    Raises:
        ApiError: too_many_requests.
    """
    reading: Reading | None = request.scope.get(READING)
    if reading is not None:
        await reading.spend_expensive()


async def _in_turn(request: Request) -> AsyncIterator[None]:
    await spend_expensive(request)
    async with QUEUE.turn():
        yield


# It ends before the answer is sent, so that nobody waits for a slow client.
IN_TURN = Depends(_in_turn, scope="function")
