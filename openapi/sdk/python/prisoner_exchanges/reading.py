"""Reading on: the next pages of a list, and what an answer holds if it is no problem."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import ParamSpec, Protocol, TypeVar

from prisoner_exchanges.models.dry_run import DryRun
from prisoner_exchanges.models.problem import Problem

P = ParamSpec("P")
T = TypeVar("T")
RecordT_co = TypeVar("RecordT_co", covariant=True)


class Meta(Protocol):
    """What every list says about itself, as far as it matters here."""

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the next page; None on the last one."""


class Page(Protocol[RecordT_co]):
    """A page of any list."""

    @property
    def data(self) -> Sequence[RecordT_co]:
        """The records of this page."""

    @property
    def meta(self) -> Meta:
        """What the list says about itself."""


class ProblemError(Exception):
    """An answer that is not a success, with what the service says about it.

    Attributes:
        problem: the problem: `code`, `status`, `detail`, `errors`, `current_etag`, `conflicts`.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        told = [f"{self.problem.status} {self.problem.code}: {self.problem.detail}"]
        if len(self.problem.errors) > 1:  # of a single one, the detail tells everything
            told += [f"{each.parameter or each.pointer}: {each.message}" for each in self.problem.errors]
        return "\n".join(told)


def checked(answer: T | Problem | None) -> T:
    """Give what an operation answered with, or raise.

    Raises:
        ProblemError: the service refused the request.
        ValueError: it answered with nothing that the contract knows.
    """
    if isinstance(answer, Problem):
        raise ProblemError(answer)
    if answer is None:
        raise ValueError("The service answered with nothing that this package understands.")
    return answer


def written(answer: T | DryRun | Problem | None) -> T:
    """Give the record as a write has stored it, or raise.

    Raises:
        ProblemError: the service refused the request.
        ValueError: nothing was stored, since only a dry run was asked for: `checked` gives what it told.
    """
    stored = checked(answer)
    if isinstance(stored, DryRun):
        raise ValueError("Nothing was stored: this was a dry run.")
    return stored


def pages(
    operation: Callable[P, Page[T] | Problem | None], /, *args: P.args, **kwargs: P.kwargs
) -> Iterator[Page[T]]:
    """Give every page of a list: `pages(list_exchanges.sync, client=client, mediator=["UAE"])`.

    All of them are of one state of the dataset, whatever is written meanwhile.

    Raises:
        ProblemError: the service refused the request.
    """
    page: Page[T] = checked(operation(*args, **kwargs))
    yield page
    while (cursor := page.meta.next_cursor) is not None:
        kwargs["cursor"] = cursor
        page = checked(operation(*args, **kwargs))
        yield page


def walk(
    operation: Callable[P, Page[T] | Problem | None], /, *args: P.args, **kwargs: P.kwargs
) -> Iterator[T]:
    """Give every record of a list: `walk(list_exchanges.sync, client=client, mediator=["UAE"])`.

    Raises:
        ProblemError: the service refused the request.
    """
    for page in pages(operation, *args, **kwargs):
        yield from page.data


async def pages_async(
    operation: Callable[P, Awaitable[Page[T] | Problem | None]], /, *args: P.args, **kwargs: P.kwargs
) -> AsyncIterator[Page[T]]:
    """Give every page of a list: `pages_async(list_exchanges.asyncio, client=client)`; as `pages`."""
    page: Page[T] = checked(await operation(*args, **kwargs))
    yield page
    while (cursor := page.meta.next_cursor) is not None:
        kwargs["cursor"] = cursor
        page = checked(await operation(*args, **kwargs))
        yield page


async def walk_async(
    operation: Callable[P, Awaitable[Page[T] | Problem | None]], /, *args: P.args, **kwargs: P.kwargs
) -> AsyncIterator[T]:
    """Give every record of a list: `walk_async(list_exchanges.asyncio, client=client)`; as `walk`."""
    async for page in pages_async(operation, *args, **kwargs):
        for record in page.data:
            yield record
