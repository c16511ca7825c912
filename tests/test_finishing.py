"""Work that is never stopped half-way: whoever is cancelled meanwhile waits for it."""

import asyncio

import pytest
from anyio import CancelScope

from api.finishing import finished

pytestmark = pytest.mark.anyio


class Work:
    """Work that ends once it is told to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun, self.end = asyncio.Event(), asyncio.Event()
        self.done = False
        self._failure = failure

    async def run(self) -> str:
        self.begun.set()
        await self.end.wait()
        self.done = True
        if self._failure is not None:
            raise self._failure
        return "done"


async def test_its_result_is_given() -> None:
    work = Work()
    work.end.set()
    assert await finished(work.run()) == "done"
    failing = Work(ValueError("no"))
    failing.end.set()
    with pytest.raises(ValueError, match="no"):
        await finished(failing.run())


@pytest.mark.parametrize("by", ["asyncio", "anyio"])
@pytest.mark.parametrize("failure", [None, ValueError("no")])
async def test_it_ends_before_whoever_is_cancelled(by: str, failure: Exception | None) -> None:
    work = Work(failure)
    scope = CancelScope()
    seen: list[bool] = []

    async def wait() -> None:
        with scope:
            try:
                await finished(work.run())
                await asyncio.sleep(0)  # where anyio cancels what it could not before
            finally:
                seen.append(work.done)

    waiting = asyncio.create_task(wait())
    await work.begun.wait()
    if by == "asyncio":
        waiting.cancel()
    else:
        scope.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    work.end.set()
    [ended] = await asyncio.gather(waiting, return_exceptions=True)
    assert seen == [True]
    if by == "asyncio":
        assert isinstance(ended, asyncio.CancelledError)
    else:
        assert ended is failure
