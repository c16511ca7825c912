"""What is noted of one try at a request, for whoever may try again (`api/replicas.py`)."""

from dataclasses import dataclass

from starlette.types import Scope

from api.counting import counts
from api.problems import ProblemCode

TRY = "exchanges.try"  # scope key


@dataclass(slots=True)
class Try:
    """Whether the route asked for its reader, how the database failed it, and the problem that it tells."""

    asked: bool = False
    failed: ProblemCode | None = None
    problem: tuple[ProblemCode, Scope] | None = None

    def sent(self) -> None:
        """Count the problem that is told, now that it is."""
        if self.problem is not None:
            counts.problem(*self.problem)


def note_asked(scope: Scope) -> None:
    """Note that the route reads through the reader that it was given."""
    tried: Try | None = scope.get(TRY)
    if tried is not None:
        tried.asked = True


def note_failed(scope: Scope, code: ProblemCode) -> None:
    """Note how the database failed the route."""
    tried: Try | None = scope.get(TRY)
    if tried is not None:
        tried.failed = code


def note_problem(scope: Scope, code: ProblemCode) -> None:
    """Note a problem that is to be told: it is counted at once, or when the try is over that tells it."""
    tried: Try | None = scope.get(TRY)
    if tried is None:
        counts.problem(code, scope)
    else:
        tried.problem = (code, scope)
