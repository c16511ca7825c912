"""What a measurement finds: a figure beside its goal, and the absolute numbers that it is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    `at_least`: the figure must reach the bound, else it must not pass it. `applies`: whether this machine can
    show it at all. `absolute`: what was measured, in words.
    """

    goal: str
    what: str
    figure: float
    bound: float
    absolute: str
    at_least: bool = True
    unit: str = "×"
    applies: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where this machine cannot tell."""
        if not self.applies:
            return None
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    @property
    def shown_figure(self) -> str:
        """The figure as a person reads it."""
        return _shown(self.figure, self.unit)

    @property
    def shown_bound(self) -> str:
        """The goal as a person reads it."""
        return f"{'≥' if self.at_least else '≤'} {_shown(self.bound, self.unit)}"

    @property
    def verdict(self) -> str:
        """Met or not, as a word."""
        return {True: "met", False: "MISSED", None: "cannot tell"}[self.met]


@dataclass(frozen=True)
class Failure:
    """A measurement that could not be made, and why."""

    goal: str
    reason: str


def _shown(number: float, unit: str) -> str:
    # below ten a third digit counts, above it nobody reads one
    digits = f"{number:.2f}" if abs(number) < 10 else f"{number:,.0f}"
    return f"{digits} {unit}"
