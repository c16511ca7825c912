"""The charts without periods: by mediator, added up, and the one that has nothing to show. Pure functions.

As in `api/chartbars.py`, the rows that are drawn are in `datasets`, by name.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from api.chartframe import (
    COLOURS,
    INK,
    QUERY,
    REST,
    RIM,
    SMALL,
    SOFT,
    TITLE,
    Caption,
    Entry,
    Layer,
    Plot,
    Spec,
    axis_values,
    counts_scale,
    framed,
    plot_height,
    plot_width,
    room_below,
    room_left,
    shortened,
    text_width,
    texts_of_axis,
    ticks_to,
    wrapped,
)
from api.chartperiods import day_labels, first_day, labels, month_of
from api.chartwords import EXCHANGES, day_words

MEDIATORS = 20  # that have a bar
BAR = 30  # pixels from one mediator to the next, and more if a name takes more lines
LINES = 3  # of a name
FEW_MONTHS = 2
WIDE = 560  # pixels of a picture from which on there is room for a number of exchanges behind each bar


@dataclass(frozen=True)
class MediatorSum:
    """The sum of the best figures of the exchanges that somebody brokered; None: that nobody did."""

    mediator: str | None
    best: int
    exchanges: int


@dataclass(frozen=True)
class Announced:
    """A published total: what was announced on a day, and whether as an exact number.

    `claimant` is the name of who announced it, or empty for the press; `begins`: it is known from when on it
    counts.
    """

    day: dt.date
    value: int
    exact: bool
    claimant: str
    begins: bool


def by_mediator(sums: Sequence[MediatorSum], names: Mapping[str, str], caption: Caption, width: int) -> Spec:
    """Draw a horizontal bar for each mediator, the largest first, and one for where there is none."""
    named = sorted((each for each in sums if each.mediator), key=lambda each: (-each.best, each.mediator))
    if len(named) > MEDIATORS:
        more = (
            "one more mediator"
            if len(named) == MEDIATORS + 1
            else f"{len(named) - MEDIATORS:,} more mediators"
        )
        note = f"Left out: {more} with no more than the last of those drawn."
        caption = replace(caption, notes=[note, *caption.notes])
    drawn = [*named[:MEDIATORS], *(each for each in sums if each.mediator is None)]
    told = {each: names[each.mediator] if each.mediator else "no mediator named" for each in drawn}
    texts = {each: shortened(wrapped(told[each], QUERY, width * 2 // 5), LINES) for each in drawn}
    most = max(len(lines) for lines in texts.values())
    pitch = max(BAR, most * QUERY + 3)
    left = int(max(text_width(line, QUERY - 1) for lines in texts.values() for line in lines)) + 8
    bars = [
        {
            "mediator": each.mediator,
            "name": "\n".join(texts[each]),
            "lines": len(texts[each]),
            "best": each.best,
            "exchanges": each.exchanges,
            "text": _brokered(each) if width >= WIDE else f"{each.best:,}",
            "colour": COLOURS[0] if each.mediator else REST,
        }
        for each in drawn
    ]
    right = int(max(text_width(str(bar["text"]), QUERY - 1) for bar in bars)) + 10
    y = {"field": "mediator", "type": "nominal", "sort": None, "axis": None}
    x = {"field": "best", "type": "quantitative", "axis": None, "scale": {"nice": False}}
    words = {"type": "text", "fontSize": QUERY - 1, "lineHeight": QUERY}
    layers: list[Layer] = [
        {
            "data": {"name": "bars"},
            "mark": {"type": "bar", "height": BAR * 3 // 5},
            "encoding": {"y": y, "x": x, "color": {"field": "colour", "type": "nominal", "scale": None}},
        },
        {
            "data": {"name": "bars"},
            "mark": words | {"align": "left", "dx": 6, "color": SOFT},
            "encoding": {"y": y, "x": x, "text": {"field": "text"}},
        },
        *(
            {
                "data": {"name": "bars"},
                "transform": [{"filter": f"datum.lines === {lines}"}],
                "mark": words | {"align": "right", "x": -8, "dy": (1 - lines) * QUERY / 2, "color": INK},
                "encoding": {"y": y, "text": {"field": "name"}},
            }
            for lines in range(1, most + 1)
        ),
    ]
    plot = Plot(
        pitch * len(bars),
        left,
        layers,
        told=f"Bars, the longest first: {'; '.join(f'{told[each]}, {_brokered(each)}' for each in drawn)}.",
        unit=caption.unit.capitalize() + (", and in how many exchanges" if width >= WIDE else ""),
        right=right,
        data={"bars": bars},
    )
    return framed(width, caption, [], plot)


def cumulative(
    days: Sequence[tuple[dt.date, int]], marks: Sequence[Announced], caption: Caption, width: int
) -> Spec:
    """Draw the sum of all that came before each day as a line, and published totals as marks beside it."""
    grown = list(zip((day for day, _ in days), accumulate(best for _, best in days), strict=True))
    total = grown[-1][1]
    last = max([days[-1][0], *(mark.day for mark in marks)])
    highest = max([total, *(mark.value for mark in marks)])
    ticks, end = ticks_to(highest), f"{total:,}"
    left, right = room_left(ticks[-1]), int(text_width(end, QUERY, bold=True)) + 12
    room = plot_width(width, left, right)
    begin = days[0][0].replace(day=1)
    x, pixels, below = _days_axis(begin, last, room)
    points = _thinned([(begin, 0), *grown, (last, total)], 1 / pixels)
    line = [{"day": day.toordinal(), "best": best} for day, best in points]
    scale, counts = counts_scale(ticks, highest, numbers=False)
    y = {"field": "best", "type": "quantitative", "axis": counts, "scale": scale}
    colours = dict(zip(dict.fromkeys(mark.claimant for mark in marks), COLOURS[1:], strict=False))
    rows = [
        {
            "day": mark.day.toordinal(),
            "best": mark.value,
            "claimant": mark.claimant,
            "colour": colours.get(mark.claimant, REST),
            "exact": mark.exact,
            "begins": mark.begins,
        }
        for mark in marks
    ]
    written = {"type": "text", "text": end, "align": "left", "dx": 8, "fontSize": QUERY, "fontWeight": "bold"}
    layers: list[Layer] = [
        {
            "data": {"name": "line"},
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5, "color": COLOURS[0]},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"name": "end"},
            "mark": {"type": "point", "size": 36, "filled": True, "opacity": 1, "color": COLOURS[0]},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"name": "totals"},
            "mark": {"type": "point", "size": 48, "strokeWidth": 1.5, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "shape": {"condition": {"test": "datum.begins", "value": "circle"}, "value": "diamond"},
                "stroke": {"field": "colour", "type": "nominal", "scale": None},
                "fill": {
                    "condition": {"test": "datum.exact", "field": "colour", "type": "nominal", "scale": None},
                    "value": "white",
                },
            },
        },
        *(
            {"data": {"name": "end"}, "mark": written | style, "encoding": {"x": x, "y": y}}
            for style in (RIM, {"color": COLOURS[0]})
        ),
    ]
    plot = Plot(
        plot_height(width),
        left,
        layers,
        told=" ".join(_told(grown, marks)),
        unit=f"{caption.unit.capitalize()}, added up from the first day shown",
        right=right,
        below=below,
        data={"line": line, "totals": rows, "end": line[-1:]},
    )
    return framed(width, caption, _legend(marks, colours), plot)


def _days_axis(begin: dt.date, last: dt.date, room: float) -> tuple[Layer, float, int]:
    """Give the axis of days, how many pixels one of these has, and the room that the labels take.

    Where there are few months it has labels of days, and goes on to the end of the last month.
    """
    months = range(month_of(begin), month_of(last) + 1)
    few = len(months) <= FEW_MONTHS
    end = first_day(months[-1] + 1) if few else last
    first, span = begin.toordinal(), end.toordinal() - begin.toordinal()
    pixels = room / span
    if few:
        texts = day_labels(begin, end, pixels)
    else:
        of_months = labels(months, 1, pixels * 30.44)
        texts = {first_day(month).toordinal(): text for month, text in of_months.items()}
    axis = {
        **axis_values(texts),
        "grid": False,
        "ticks": True,
        "labelFlush": False,
        "labelExpr": texts_of_axis(texts),
        "labelLineHeight": SMALL + 3,
    }
    scale = {"domain": [first, first + span], "nice": False, "zero": False}
    x = {"field": "day", "type": "quantitative", "scale": scale, "axis": axis}
    return x, pixels, room_below(texts.values())


def _legend(marks: Sequence[Announced], colours: Mapping[str, str]) -> Sequence[Entry]:
    """Tell the line from the marks: who announced them, and how; the line alone needs no legend."""
    if not marks:
        return []
    found = [Entry("sum of the recorded exchanges", COLOURS[0], "stroke", filled=False)]
    for claimant, begins in dict.fromkeys((mark.claimant, mark.begins) for mark in marks):
        who = f"announced by {claimant}" if claimant else "reported by the press"
        shape, since = ("circle", "") if begins else ("diamond", ", first day not stated")
        found.append(Entry(who + since, colours.get(claimant, REST), shape))
    if any(not mark.exact for mark in marks):
        found.append(Entry("hollow: not an exact number", SOFT, "circle", filled=False))
    return found


def _told(grown: Sequence[tuple[dt.date, int]], marks: Sequence[Announced]) -> Iterator[str]:
    """Say what the line and the marks show."""
    (first, _), (last, total) = grown[0], grown[-1]
    when = f"on {day_words(first)}" if first == last else f"from {day_words(first)} to {day_words(last)}"
    yield f"A line that rises from 0 to {total:,}, {when}."
    latest = {mark.claimant: mark for mark in sorted(marks, key=lambda mark: mark.day)}
    for claimant, mark in latest.items():
        who = f"announced by {claimant}" if claimant else "reported by the press"
        yield f"The last total {who}: {mark.value:,}, as of {day_words(mark.day)}."


def nothing(caption: Caption, width: int) -> Spec:
    """Say that there is nothing to draw."""
    height = plot_height(width) // 2
    mark = {"type": "text", "text": "Nothing to draw", "fontSize": TITLE, "color": SOFT}
    mark |= {"x": plot_width(width, 0, 0) / 2, "y": height / 2}
    layers = [{"data": {"name": "one"}, "mark": mark}]
    return framed(width, caption, [], Plot(height, 0, layers, told=f"{mark['text']}."))


def _thinned(points: Sequence[tuple[dt.date, int]], days: float) -> Sequence[tuple[dt.date, int]]:
    """Keep one point, the last, of those that would be drawn at one pixel."""
    kept = {int(day.toordinal() / days): (day, best) for day, best in points[1:]} if days > 1 else {}
    return [points[0], *kept.values()] if kept else points


def _brokered(each: MediatorSum) -> str:
    return f"{each.best:,} in {EXCHANGES.of(each.exchanges)}"
