"""Charts: from a query to the data, from these to the picture, and how many pictures are drawn at once.

How pictures look is `api/chartbars.py`'s and `api/chartspecs.py`'s, their words are `api/chartwords.py`'s
and `api/chartqueries.py`'s.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Annotated

import anyio
from anyio import CapacityLimiter, to_process
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api import chartbars, chartspecs
from api.answers import changed_at, conditional_response, memento_headers, modified_header, state_headers
from api.asof import STATE
from api.chartframe import Caption, Spec
from api.chartqueries import query_words, things_named
from api.chartrender import to_png, to_svg
from api.charttotals import category_of, fitting_totals, has_beginning
from api.chartwords import (
    BEST,
    MEASURES,
    SEVERAL_BROKERS,
    coalition_words,
    missing_words,
    not_completed_words,
    nothing_words,
    repeated_words,
    short_name,
    source_words,
    totals_begin_words,
    totals_words,
    with_article,
)
from api.conditional import is_not_modified, negotiate
from api.errors import ApiError, ProblemCode
from api.expensive import spend_expensive
from api.filters import StatsFilters, TotalFilters
from api.finishing import finished
from api.gates import Gate
from api.params import NONE, Param, Schema, text_of
from api.resolving import COALITION, RESOURCE_OF, coalitions_left_out
from api.statistics import stats_query
from api.target import BODILESS, base_of
from api.understanding import Question, conditions, understood
from db.enums import Measure, Qualifier, TotalMeasure
from db.queries import series
from db.queries.lists import TOTALS
from db.queries.names import read_names
from db.queries.stats import Sums, TooManyGroupsError, read_sums
from db.queries.statschoice import StatsDimension, StatsMeasure
from db.queries.wholes import read_all
from db.reader import Reader
from db.records import PublishedTotal

SVG, PNG = "image/svg+xml", "image/png"
DEFAULT_WIDTH = 800
# Nothing that a text in the picture could turn out to be is ever run or fetched.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MEASURE = Param(
    name="measure",
    type=Measure,
    description="Who is counted; `persons`, living people, if left out.",
    example="remains",
)
WIDTH = Param(
    name="width",
    type=Annotated[int, Field(ge=400, le=2000)],
    description=f"The width of the picture in pixels, 400 to 2000; {DEFAULT_WIDTH} if left out.",
    example=1200,
)
SCALE = Param(
    name="scale",
    type=Annotated[int, Field(ge=1, le=3)],
    description="How many pixels are drawn for each pixel of the width, 1 to 3, for screens and paper of "
    "high resolution; 1 if left out.",
    example=2,
)
FILTERS = frozenset(name for param in StatsFilters.params.values() for name, _ in param.spellings())
SVG_SCHEMA = Schema.of(*StatsFilters.params.values(), MEASURE, WIDTH, *STATE)
PNG_SCHEMA = Schema.of(*StatsFilters.params.values(), MEASURE, WIDTH, SCALE, *STATE)

AT_ONCE = 2  # pictures that a worker draws, each in a process of its own
WAITING = 8  # requests that wait for their turn; one more gets 503
SECONDS_TO_DRAW = 20


class Chart(StrEnum):
    """The charts there are."""

    TIMELINE = "timeline"
    BY_MEDIATOR = "by-mediator"
    CUMULATIVE = "cumulative"
    BALANCE = "balance"


class RenderGate(Gate):
    """Lets few pictures be drawn at once, and few requests wait for it, from before their data are read."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        super().__init__(at_once + waiting, "More charts are asked for than can be drawn in time.")
        self._limiter = CapacityLimiter(at_once)

    async def render(self, spec: Spec, media_type: str, scale: int) -> bytes:
        """Draw a picture once it is its turn.

        Raises:
            ApiError: timeout, if that takes too long.
        """
        draw = partial(to_svg, spec) if media_type == SVG else partial(to_png, spec, scale)
        # of a client who leaves, too: a process that is stopped half-way takes ten pictures to replace
        return await finished(self._drawn(draw))

    async def _drawn(self, draw: Callable[[], bytes]) -> bytes:
        try:
            with anyio.fail_after(SECONDS_TO_DRAW):
                return await to_process.run_sync(draw, cancellable=True, limiter=self._limiter)
        except TimeoutError as error:
            detail = "The chart was not drawn in time. Send the request again, or narrow it with filters."
            raise ApiError(ProblemCode.TIMEOUT, detail) from error


TITLES = {
    Chart.TIMELINE: " handed over",
    Chart.BALANCE: " received by each side",
    Chart.CUMULATIVE: " handed over: running total",
    Chart.BY_MEDIATOR: " handed over, by mediator",
}
DIMENSIONS = {
    Chart.TIMELINE: (StatsDimension.MONTH, StatsDimension.DIRECTION),
    Chart.BALANCE: (StatsDimension.MONTH, StatsDimension.DIRECTION),
    Chart.CUMULATIVE: (),
    Chart.BY_MEDIATOR: (StatsDimension.MEDIATOR,),
}
GATE = RenderGate(at_once=AT_ONCE, waiting=WAITING)


@dataclass(frozen=True)
class _Asked:
    """What a picture is to show."""

    chart: Chart
    schema: Schema
    measure: Measure
    width: int
    base: str
    question: Question


async def answer_chart(request: Request, reader: Reader, chart: str, media_type: str) -> Response:
    """Answer with a chart of the exchanges that a query asks for."""
    if chart not in list(Chart):
        raise ApiError(ProblemCode.NOT_FOUND, f"There is no chart {chart!r}; there are {', '.join(Chart)}.")
    negotiate(request, media_type)
    schema = SVG_SCHEMA if media_type == SVG else PNG_SCHEMA
    with ExitStack() as admitted:
        async with understood(request, reader, schema, StatsFilters) as (connection, question):
            state = question.state
            base = base_of(request)
            facts = [request.scope["path"], question.shown, question.vocabulary.revision, base]
            headers = state_headers(state, question.snapshot, facts)
            headers |= memento_headers(request, question.snapshot, state.updated_at)
            headers |= {"Content-Security-Policy": POLICY} if media_type == SVG else {}
            modified = changed_at(state, question.snapshot)
            drawn = partial(
                conditional_response,
                request,
                headers=headers,
                last_modified=modified,
                media_type=media_type,
            )
            if is_not_modified(request.headers, headers["ETag"], modified):
                return drawn(b"")  # nothing need be drawn to know that
            if request.scope.get(BODILESS):  # nor for headers alone, but the length
                return StreamingResponse(
                    iter((b"",)), headers=headers | modified_header(modified), media_type=media_type
                )
            await spend_expensive(request)
            admitted.enter_context(GATE.admitted())
            values = question.values
            asked = _Asked(
                chart=Chart(chart),
                schema=schema,
                measure=Measure(text_of(values, "measure") or Measure.PERSONS),
                width=int(text_of(values, "width") or DEFAULT_WIDTH),
                base=base,
                question=question,
            )
            spec = await _picture(connection, asked)
        # the connection is given back before the picture is drawn
        scale = int(text_of(values, "scale") or 1)
        return drawn(await GATE.render(spec, media_type, scale))


async def _picture(connection: AsyncConnection, asked: _Asked) -> Spec:
    """Read what a picture shows, and give the spec of it with its words."""
    question, chart, measure = asked.question, asked.chart, asked.measure
    query = stats_query(question, StatsMeasure(measure), *DIMENSIONS[chart])
    try:
        stats = await read_sums(connection, query)
    except TooManyGroupsError as error:
        detail = "The chart would have more parts than anybody sees; narrow the query down."
        raise ApiError(ProblemCode.INVALID_QUERY, detail) from error
    total = stats.total
    groups = {labels: sums for labels, sums in stats.groups.items() if sums.best is not None}
    by_direction = [
        _direction_sum(*labels, sums) for labels, sums in sorted(groups.items()) if len(labels) == 2
    ]
    by_mediator = [_mediator_sum(*labels, sums) for labels, sums in groups.items() if len(labels) == 1]
    drawn = {end for each in by_direction for end in (each.released_by, each.received_by)}
    drawn |= {each.mediator for each in by_mediator if each.mediator is not None}
    coalitions = list(coalitions_left_out(asked.schema, question.values, question.vocabulary))
    names = await _names(connection, question, drawn | {coalition for *_, coalition in coalitions})
    actors = names["actor"]
    notes = [
        *coalition_words(dict.fromkeys((actors[member], actors[each]) for _, member, each in coalitions)),
        *(note.text for note in question.notes if note.code != COALITION),
    ]
    caption = Caption(
        title=MEASURES[measure].many.capitalize() + TITLES[chart],
        query=query_words(StatsFilters, question.shown, names),
        unit=MEASURES[measure].many,
        notes=notes,
        source=source_words(question.state, question.snapshot, asked.base),
    )
    if not total.figured:
        others = await series.read_measures(connection, query)
        nothing = nothing_words(total.exchanges, stats.not_completed, measure, others)
        return chartspecs.nothing(replace(caption, notes=[*nothing, *notes]), asked.width)
    missing = await series.read_missing(connection, query) if total.figured < total.exchanges else {}
    repeated = sum(each.people for each in stats.overlaps)
    told = [
        *missing_words(measure, total.figured, missing),
        *not_completed_words(stats.not_completed),
        *repeated_words(repeated, measure, subtracted=chart is Chart.CUMULATIVE),
        f"{BEST} {SEVERAL_BROKERS}" if chart is Chart.BY_MEDIATOR else BEST,
    ]
    caption = replace(caption, notes=[*told, *notes])
    if chart is Chart.TIMELINE:
        return chartbars.timeline(by_direction, actors, caption, asked.width)
    if chart is Chart.BALANCE:
        return chartbars.balance(by_direction, actors, caption, asked.width)
    if chart is Chart.BY_MEDIATOR:
        return chartspecs.by_mediator(by_mediator, actors, caption, asked.width)
    days = await series.read_days(connection, query, stats.overlaps)
    marks, words = await _totals(connection, asked, days[0][0], days[-1][0])
    caption = replace(caption, notes=[*words, *caption.notes])
    return chartspecs.cumulative(days, marks, caption, asked.width)


async def _names(
    connection: AsyncConnection, question: Question, actors: Collection[str]
) -> Mapping[str, Mapping[str, str]]:
    """Give the names of these actors and of what the query names, by what they are and by id."""
    asked = things_named(StatsFilters, question.shown)
    asked["actor"].update(actors)
    names: dict[str, Mapping[str, str]] = {}
    for named, ids in asked.items():
        if named in RESOURCE_OF and ids:
            known = await read_names(connection, question.snapshot, ids, RESOURCE_OF[named])
            shorten = short_name if named == "actor" else str
            names[named] = {id_: shorten(known.get(id_, id_)) for id_ in ids}
    return {"actor": {}, **names}


def _direction_sum(month: str, direction: str, sums: Sums) -> chartbars.DirectionSum:
    released_by, received_by = direction.split(".")
    return chartbars.DirectionSum(
        dt.date.fromisoformat(f"{month}-01"), released_by, received_by, sums.best or 0
    )


def _mediator_sum(mediator: str, sums: Sums) -> chartspecs.MediatorSum:
    return chartspecs.MediatorSum(None if mediator == NONE else mediator, sums.best or 0, sums.figured)


async def _totals(
    connection: AsyncConnection, asked: _Asked, first: dt.date, last: dt.date
) -> tuple[Sequence[chartspecs.Announced], Sequence[str]]:
    """Give the published totals that count what the line counts, and what to say of them."""
    question, vocabulary = asked.question, asked.question.vocabulary
    wanted = {"measure": (TotalMeasure.PERSONS,), "category": (category_of(asked.measure),)}
    counting = conditions(TotalFilters, wanted, vocabulary.merges, vocabulary.revision)
    totals = await read_all(connection, TOTALS, counting, question.snapshot, PublishedTotal)
    filters = {name: given for name, given in question.values.items() if name in FILTERS}
    found = fitting_totals(totals, filters, first, last)
    if found.since is not None:
        return (), [totals_begin_words(found.since)]
    who = {each.claimant for each in found.totals if each.claimant is not None}
    parties = {party for each in found.totals for party in each.parties}
    known = await read_names(connection, question.snapshot, who | parties)
    names = {actor: short_name(known.get(actor, actor)) for actor in who | parties}
    marks = [
        chartspecs.Announced(
            day=min(each.as_of, dt.date(each.year, 12, 31)) if each.year else each.as_of,
            value=each.value,
            exact=each.qualifier is Qualifier.EXACT,
            claimant=with_article(names[each.claimant]) if each.claimant else "",
            begins=has_beginning(each),
        )
        for each in found.totals
    ]
    unknown = any(not mark.begins for mark in marks)
    words = totals_words(sorted(with_article(names[party]) for party in parties), unknown=unknown)
    return marks, list(words) if marks else []
