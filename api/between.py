"""The filter by two claimants whose own values of a figure differ: the one filter that takes a pair.

The pairs themselves are found in `db/queries/disagreements.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_

from api.filterkinds import ClauseOf, Filter, Name
from api.params import Value, Values, not_understood, problem
from db.queries.conditions import Clause, Condition
from db.queries.disagreements import PAIR


@dataclass(frozen=True, kw_only=True)
class Between(Filter):
    """A filter by two claimants: `clause` is about the one, `other` about the other."""

    other: ClauseOf

    def conditions(self, values: Values) -> list[Condition]:
        """Give the condition that both state a value, and not the same.

        Raises:
            ApiError: other than two claimants are named.
        """
        named = values.get(self.name, ())
        if not named:
            return []
        if len(named) != 2:
            message = "must name two different claimants; repeat the parameter, once for each"
            raise not_understood([problem(self.name, "invalid_value", message)])

        def differ(ids: Sequence[Value]) -> Clause:
            # each claimant comes with the ids that were merged into it, its own id first
            second = ids.index(named[1])
            return and_(self.clause(ids[:second]), self.other(ids[second:]))

        return [Condition(self.name, self.group, differ, any_of=named)]


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
