"""The charts without periods: by mediator, added up, and the one that has nothing to show. Pure functions.

As in `api/chartbars.py`, the rows that are drawn are in `datasets`, by name.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from api.chartframe import (
    COLOURS,
    INK,
    QUERY,
    REST,
    SMALL,
    SOFT,
    TITLE,
    Caption,
    Entry,
    Layer,
    Plot,
    Spec,
    counts_axis,
    framed,
    plot_height,
    plot_width,
    room_below,
    room_left,
    shortened,
    text_width,
    texts_of_axis,
    wrapped,
)
from api.chartperiods import first_day, labels, month_of

MEDIATORS = 20  # that have a bar
BAR = 30  # pixels from one mediator to the next
WIDE = 560  # pixels of a picture from which on there is room for a number of exchanges behind each bar


@dataclass(frozen=True)
class MediatorSum:
    """The sum of the best figures of the exchanges that somebody brokered; None: that nobody did."""

    mediator: str | None
    best: int
    exchanges: int


@dataclass(frozen=True)
class Dot:
    """A published total: what was announced on a day, and whether as an exact number.

    `claimant` is the name of who announced it, or empty for the press.
    """

    day: dt.date
    value: int
    exact: bool
    claimant: str


def by_mediator(sums: Sequence[MediatorSum], names: Mapping[str, str], caption: Caption, width: int) -> Spec:
    """Draw a horizontal bar for each mediator, the largest first, and one for where there is none."""
    named = sorted((each for each in sums if each.mediator), key=lambda each: (-each.best, each.mediator))
    if len(named) > MEDIATORS:
        note = f"Not drawn: {len(named) - MEDIATORS} more mediators, each with less than those drawn."
        caption = replace(caption, notes=[note, *caption.notes])
    drawn = [*named[:MEDIATORS], *(each for each in sums if each.mediator is None)]
    told = {each: names[each.mediator] if each.mediator else "no mediator named" for each in drawn}
    texts = {each: shortened(wrapped(told[each], QUERY, width * 2 // 5), 2) for each in drawn}
    left = int(max(text_width(line, QUERY - 1) for lines in texts.values() for line in lines)) + 8
    bars = [
        {
            "mediator": each.mediator,
            "name": "\n".join(texts[each]),
            "lines": len(texts[each]),
            "best": each.best,
            "exchanges": each.exchanges,
            "text": f"{each.best:,} in {_exchanges(each.exchanges)}" if width >= WIDE else f"{each.best:,}",
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
            for lines in (1, 2)
        ),
    ]
    plot = Plot(BAR * len(bars), left, layers, right=right, data={"bars": bars})
    return framed(width, caption, [], plot)


def cumulative(
    days: Sequence[tuple[dt.date, int]], dots: Sequence[Dot], caption: Caption, width: int
) -> Spec:
    """Draw the sum of all that came before each day as a line, and published totals as dots."""
    grown = list(zip((day for day, _ in days), accumulate(best for _, best in days), strict=True))
    last = max([days[-1][0], *(dot.day for dot in dots)])
    highest = max([grown[-1][1], *(dot.value for dot in dots)])
    begin = days[0][0].replace(day=1)
    first = begin.toordinal()
    end = f"{grown[-1][1]:,}"
    left, right = room_left(highest), int(text_width(end, QUERY, bold=True)) + 10
    room = plot_width(width, left, right)
    span = max(last.toordinal() - first, 1)
    points = _thinned([(begin, 0), *grown, (last, grown[-1][1])], span / room)
    line = [{"day": day.toordinal(), "best": best} for day, best in points]
    months = range(month_of(days[0][0]), month_of(last) + 1)
    texts = {
        first_day(month).toordinal(): text for month, text in labels(months, 1, room / (span / 30.44)).items()
    }
    ticks = {
        "values": list(texts),
        "grid": False,
        "ticks": True,
        "labelExpr": texts_of_axis(texts),
        "labelLineHeight": SMALL + 3,
    }
    x = {
        "field": "day",
        "type": "quantitative",
        "scale": {"domain": [first, first + span], "nice": False, "zero": False},
        "axis": ticks,
    }
    y = {"field": "best", "type": "quantitative", "axis": counts_axis([highest]), "scale": {"domainMin": 0}}
    claimants = list(dict.fromkeys(dot.claimant for dot in dots))
    colours = dict(zip(claimants, COLOURS[1:], strict=False))
    rows = [
        {
            "day": dot.day.toordinal(),
            "best": dot.value,
            "claimant": dot.claimant,
            "colour": colours.get(dot.claimant, REST),
            "exact": dot.exact,
        }
        for dot in dots
    ]
    layers: list[Layer] = [
        {
            "data": {"name": "line"},
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5, "color": COLOURS[0]},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"name": "totals"},
            "mark": {"type": "point", "size": 44, "strokeWidth": 1.5, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "stroke": {"field": "colour", "type": "nominal", "scale": None},
                "fill": {
                    "condition": {"test": "datum.exact", "field": "colour", "type": "nominal", "scale": None},
                    "value": "white",
                },
            },
        },
        {
            "data": {"name": "end"},
            "mark": {
                "type": "text",
                "text": end,
                "align": "left",
                "dx": 6,
                "fontSize": QUERY,
                "fontWeight": "bold",
                "color": COLOURS[0],
            },
            "encoding": {"x": x, "y": y},
        },
    ]
    legend = [Entry("sum of the best figures", COLOURS[0], "stroke", filled=False)] if dots else []
    legend += [
        Entry(f"announced by {each}" if each else "reported by the press", colours.get(each, REST), "circle")
        for each in claimants
    ]
    if any(not dot.exact for dot in dots):
        legend.append(Entry("not an exact number", SOFT, "circle", filled=False))
    data: dict[str, Sequence[Mapping[str, object]]] = {"line": line, "totals": rows, "end": line[-1:]}
    plot = Plot(plot_height(width), left, layers, right=right, below=room_below(texts.values()), data=data)
    return framed(width, caption, legend, plot)


def nothing(caption: Caption, width: int) -> Spec:
    """Say that there is nothing to draw."""
    height = plot_height(width) // 2
    mark = {"type": "text", "text": "Nothing to draw", "fontSize": TITLE, "color": SOFT}
    mark |= {"x": plot_width(width, 0, 0) / 2, "y": height / 2}
    return framed(width, caption, [], Plot(height, 0, [{"data": {"name": "one"}, "mark": mark}]))


def _thinned(points: Sequence[tuple[dt.date, int]], days: float) -> Sequence[tuple[dt.date, int]]:
    """Keep one point, the last, of those that would be drawn at one pixel."""
    kept = {int(day.toordinal() / days): (day, best) for day, best in points[1:]} if days > 1 else {}
    return [points[0], *kept.values()] if kept else points


def _exchanges(number: int) -> str:
    return "1 exchange" if number == 1 else f"{number:,} exchanges"
