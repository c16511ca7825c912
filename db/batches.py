"""What a write stores, batch by batch: a list in memory, or whatever else can be gone through in order."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import groupby
from typing import TypeVar, TypeVarTuple

from db.enums import Resource
from db.rendering import INPUT_OF, RESOURCE_OF, Input

BATCH = 1_000  # records checked, rendered and stored at once: bounds memory, not the transaction
MANY = 20  # records whose rows take some 20 ms to make, for which others should not have to wait
ORDER = {resource: place for place, resource in enumerate(INPUT_OF)}
T = TypeVar("T")
Given = TypeVarTuple("Given")


class Batches(ABC):
    """Records of any kinds, in the order of dependence.

    `ids` tells of each kind which ids occur, before the first batch is taken.
    """

    ids: Mapping[Resource, Container[str]]

    @abstractmethod
    def __len__(self) -> int:
        """Give the number of all records."""

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[tuple[Resource, Sequence[Input]]]:
        """Give the records, in batches of one kind each."""


class Listed(Batches):
    """The records of a list."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._inputs = sorted(inputs, key=lambda item: ORDER[RESOURCE_OF[type(item)]])
        ids: dict[Resource, set[str]] = {resource: set() for resource in INPUT_OF}
        for item in inputs:
            ids[RESOURCE_OF[type(item)]].add(item.id)
        self.ids = ids

    def __len__(self) -> int:
        return len(self._inputs)

    async def __aiter__(self) -> AsyncIterator[tuple[Resource, Sequence[Input]]]:
        for resource, group in groupby(self._inputs, key=lambda item: RESOURCE_OF[type(item)]):
            for batch in in_batches(group):
                yield resource, batch


async def worked_out(work: Callable[[*Given], T], *given: *Given, long: bool) -> T:
    """Do work that asks nobody: at once if it is short, else in a thread, while others are answered."""
    return await asyncio.to_thread(work, *given) if long else work(*given)


async def ahead(batches: Batches) -> AsyncGenerator[tuple[Resource, Sequence[Input]], None]:
    """Give batches, each of which is taken while the one before it is worked on."""
    iterator = aiter(batches)

    def take() -> "asyncio.Task[tuple[Resource, Sequence[Input]] | None]":
        return asyncio.ensure_future(anext(iterator, None))

    coming = take()
    try:
        while (batch := await coming) is not None:
            coming = take()
            yield batch
    finally:
        # a thread cannot be cancelled, and whoever was interrupted may read the same file next
        await asyncio.gather(coming, return_exceptions=True)


def in_batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Give things a batch at a time."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
