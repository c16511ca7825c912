"""What a query means: names resolved, filters as conditions, and the one state that it is answered from.

Answers that are made of several queries use `understood`; how a page of a list is read and walked is
`api/listing.py`'s, how bytes and headers are made `api/answers.py`'s.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api.asof import AS_OF, RELEASE, blanked_notes, check_reached, snapshot_of
from api.errors import ProblemItem
from api.filterkinds import ClauseOf, Filter, FilterSet, Search
from api.params import Schema, Value, Values, check_order, refuse, text_of
from api.resolving import coalition_notes, resolve, with_merged
from api.schemas import Note
from db.queries.conditions import Clause, Condition, Snapshot
from db.queries.pages import State, read_state
from db.reader import Reader
from db.releases import LATEST
from db.vocabulary import Merges, Vocabulary

RANGES = (
    ("date_from", "date_to"),
    ("min_persons", "max_persons"),
    ("min_best", "max_best"),
    ("min_sources", "max_sources"),
    ("min_count", "max_count"),
    ("min_value", "max_value"),
)
# What says which part of the answer is wanted, rather than what it is about.
PAGING = frozenset({"limit", "cursor"})


@dataclass(frozen=True)
class Question:
    """A query as it was understood.

    `values` are those of all parameters, names resolved to ids. `snapshot` is what was asked for and what
    queries read; inside `understood` all of them see the one `state`, a live one too.
    """

    values: Values
    conditions: Sequence[Condition]
    snapshot: Snapshot
    state: State
    shown: Mapping[str, list[str]]
    notes: Sequence[Note]
    vocabulary: Vocabulary


@asynccontextmanager
async def understood(
    request: Request, reader: Reader, schema: Schema, filters: type[FilterSet] | None = None
) -> AsyncIterator[tuple[AsyncConnection, Question]]:
    """Understand the query of a request, and lend a connection on which nothing changes meanwhile.

    Raises:
        ApiError: naming every parameter that is not understood.
    """
    values = schema.parse(request.scope["query_string"])
    async with reader.unchanging() as connection:
        snapshot = await snapshot_of(connection, values, request.headers)
        state = await read_state(connection, snapshot)
        check_reached(state)
        reader.forget_before(state.version)
        vocabulary = await reader.vocabulary(connection)
        resolved, errors = await resolve(connection, schema, values, vocabulary)
        refuse([*errors, *check_ranges(resolved)])
        yield (
            connection,
            Question(
                values=resolved,
                conditions=conditions(filters, resolved, vocabulary.merges, vocabulary.revision),
                snapshot=snapshot,
                state=state,
                shown=shown(resolved, snapshot),
                notes=[*coalition_notes(schema, resolved, vocabulary), *blanked_notes(state, snapshot)],
                vocabulary=vocabulary,
            ),
        )


def check_ranges(values: Values) -> Iterable[ProblemItem]:
    """Tell which ranges are the wrong way round."""
    for low, high in RANGES:
        yield from check_order(values, low, high)


def conditions(
    filters: type[FilterSet] | None, values: Values, merges: Merges, names: int
) -> list[Condition]:
    """Give what the values of filters ask for; `names`: the vocabulary revision they were resolved with."""
    return [
        _with_merged(filter_, condition, merges, names)
        for filter_ in (filters.asked(values) if filters else ())
        for condition in filter_.conditions(values)
    ]


@dataclass(frozen=True)
class _WithMerged:
    """A clause on ids that holds for the ids too that were merged into one of them."""

    clause: ClauseOf
    merged: tuple[tuple[Value, tuple[Value, ...]], ...]

    def __call__(self, values: Sequence[Value]) -> Clause:
        every = dict(self.merged)
        return self.clause([each for value in values for each in every[value]])


def _with_merged(filter_: Filter, condition: Condition, merges: Merges, names: int) -> Condition:
    """Let a condition on ids hold for merged ones too; where none was, it stays as it is."""
    every = with_merged(filter_, cast("ClauseOf", list), merges, names)  # ids, rather than a clause on them
    asked = (*condition.any_of, *condition.all_of, *condition.none_of)
    merged = tuple((value, tuple(cast("list[Value]", every([value])))) for value in asked)
    if all(len(ids) == 1 for _, ids in merged):
        return condition
    return replace(condition, clause=_WithMerged(condition.clause, merged), reads_values=True)


def shown(values: Values, snapshot: Snapshot) -> dict[str, list[str]]:
    """Give a query as it was understood: filters by name, then the order and the state as they were given."""
    last = ("sort", AS_OF.name, RELEASE.name)
    told = {
        name: [_as_text(value) for value in values[name]]
        for name in [*sorted(values.keys() - PAGING - {*last}), *(name for name in last if name in values)]
    }
    return told | ({} if snapshot.release is None else {RELEASE.name: [snapshot.release]})


def shown_beside(values: Values, walked: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Give what was sent beside a cursor as it was understood; `walked` is the query of its walk.

    `latest` is the release that was the latest then.
    """
    release = text_of(values, RELEASE.name)
    if release == LATEST:
        release = next(iter(walked.get(RELEASE.name, ())), release)
    return shown(values, Snapshot(release=release))


def _as_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Search) else str(value)
