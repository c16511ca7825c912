"""What every measurement is given: the data, the sizes, a folder of its own, and somebody to tell."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.places import Database, Places, Say

FEW = 1_000  # exchanges that the big number is compared with


@dataclass(frozen=True)
class Bench:
    """A run. `scratch` is emptied at its end, `folder` is kept where the user named it."""

    places: Places
    folder: Path
    scratch: Path
    exchanges: int
    rounds: int
    seconds: int
    say: Say

    @cached_property
    def many(self) -> Database:
        """The database of the big number of exchanges."""
        return self.places.database(self.exchanges)

    @cached_property
    def few(self) -> Database:
        """The database of few exchanges."""
        return self.places.database(min(FEW, self.exchanges))

    @cached_property
    def shipped(self) -> Database:
        """The database of the dataset as it is shipped."""
        return self.places.shipped()
