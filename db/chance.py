"""Drawing lots so that a seed gives the same everywhere: by `Random.random` alone.

The other methods of `Random` may give something else in another version of Python.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def skewed(random: Random, count: int) -> int:
    """Give a number below another, small ones far more often."""
    return int(count * random.random() ** 3)


def below(random: Random, count: int) -> int:
    """Give a number below another, all alike."""
    return int(count * random.random())


def sample(random: Random, things: Sequence[T], wanted: int) -> list[T]:
    """Give different things out of a few, in order."""
    left = list(things)
    while len(left) > wanted:
        left.pop(below(random, len(left)))
    return left


def chosen(random: Random, shares: Mapping[T, float]) -> T:
    """Give one of several things, each as often as its share says."""
    place = random.random()
    for thing, share in shares.items():
        place -= share
        if place < 0:
            return thing
    return next(iter(shares))
