"""What is noted of one try at a request, for whoever may try again (`api/replicas.py`)."""

from dataclasses import dataclass

from starlette.types import Scope

from api.problems import ProblemCode

TRY = "exchanges.try"  # scope key


@dataclass(slots=True)
class Try:
    """Whether the route asked for its reader, and how the database failed it, if it did."""

    asked: bool = False
    failed: ProblemCode | None = None


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
