"""The filter by two claimants whose own values of a figure differ: the one filter that takes a pair.

The pairs themselves are found in `db/queries/disagreements.py`.
"""

from dataclasses import dataclass

from api.filterkinds import ClauseOf, Filter, Name
from api.params import Values, not_understood, problem
from db.queries.conditions import Condition
from db.queries.disagreements import PAIR


@dataclass(frozen=True, kw_only=True)
class Between(Filter):
    """A filter by two claimants: `clause` is about the one, `other` about the other."""

    other: ClauseOf

    def conditions(self, values: Values) -> list[Condition]:
        """Give the conditions that both state a value, and not the same.

        Raises:
            ApiError: other than two claimants are named.
        """
        named = values.get(self.name, ())
        if not named:
            return []
        if len(named) != 2:
            message = "must name two different claimants; repeat the parameter, once for each"
            raise not_understood([problem(self.name, "invalid_value", message)])

        one, other = named
        return [
            Condition(self.name, self.group, self.clause, any_of=(one,)),
            Condition(f"{self.name} and", self.group, self.other, any_of=(other,)),
        ]


def between(description: str, example: str) -> Filter:
    """Make the filter by two claimants who differ."""
    return Between(
        type=Name,
        description=description,
        example=example,
        many=True,
        none=True,
        named="actor",
        group=PAIR,
        clause=PAIR.table.c.one.in_,
        other=PAIR.table.c.other.in_,
    )
