"""The charts that have a bar for each period: pure functions of sums, words and a width in pixels.

The rows that are drawn are in `datasets`, by name. What stands around them is `api/chartframe.py`'s, how the
sums are read `api/charts.py`'s.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from api.chartframe import (
    COLOURS,
    INK,
    NUMBER,
    REST,
    RIM,
    SMALL,
    SOFT,
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
    text_width,
    texts_of_axis,
    ticks_to,
)
from api.chartperiods import labels, month_of, period_for, period_name, period_word
from api.chartwords import with_article

DIRECTIONS = 4  # that have a colour of their own
WIDEST = 64  # pixels of a bar


@dataclass(frozen=True)
class DirectionSum:
    """The sum of the best figures of one direction in the month that begins on a day."""

    day: dt.date
    released_by: str
    received_by: str
    best: int


def timeline(sums: Sequence[DirectionSum], names: Mapping[str, str], caption: Caption, width: int) -> Spec:
    """Draw bars by month, quarter or year, coloured by direction; the title tells which."""
    ranked = Counter[tuple[str, str]]()
    for each in sums:
        ranked[each.released_by, each.received_by] += each.best
    top = [direction for direction, _ in ranked.most_common(DIRECTIONS)]
    if len(ranked) == DIRECTIONS + 1:
        top = top[:-1]  # "others" are never one
    texts = {direction: f"{names[direction[0]]} → {names[direction[1]]}" for direction in top}
    others = f"{len(ranked) - len(top)} other directions"
    rows = Counter[tuple[int, str]]()
    for each in sums:
        rows[month_of(each.day), texts.get((each.released_by, each.received_by), others)] += each.best
    series = [*texts.values(), *([others] if len(ranked) > len(top) else [])]
    colours = dict(zip(series, [*COLOURS[: len(top)], REST], strict=False))
    of_series = Counter[str]()
    for (_, text), best in rows.items():
        of_series[text] += best
    legend = [Entry(_counted(text, of_series[text]), colours[text]) for text in series]
    heights = Counter[int]()
    for (month, _), best in rows.items():
        heights[month] += best
    axis = _TimeAxis.of(heights, width, room_left(heights.total()))
    whole = axis.grouped({(month, ""): best for month, best in heights.items()})
    totals = [{"period": start, "best": best} for (start, _), best in whole.items()]
    bars = [
        {"period": start, "series": text, "best": best, "rank": series.index(text)}
        for (start, text), best in axis.grouped(rows).items()
    ]
    highest = max(whole.values())
    numbers = axis.has_room_for(whole.values())
    scale, counts = counts_scale(ticks_to(highest), highest, numbers=numbers)
    layers = [
        {
            "data": {"name": "bars"},
            "mark": {"type": "bar", "width": axis.bar},
            "encoding": {
                "x": axis.encoding,
                "y": {
                    "field": "best",
                    "type": "quantitative",
                    "stack": "zero",
                    "axis": counts,
                    "scale": scale,
                },
                "color": _colour("series", colours),
                "order": {"field": "rank"},
            },
        }
    ]
    if numbers:
        layers += _numbers("totals", axis, "best")
    ways = {
        direction: " ".join(
            ("from", with_article(names[direction[0]]), "to", with_article(names[direction[1]]))
        )
        for direction in top
    }
    told = [f"{of_series[texts[direction]]:,} {way}" for direction, way in ways.items()]
    told += [f"{of_series[others]:,} in {others}"] if others in of_series else []
    plot = Plot(
        plot_height(width),
        axis.left,
        layers,
        told=f"{axis.told(caption)} In all: {'; '.join(told)}. Most: {axis.highest(whole)}.",
        unit=axis.unit(caption),
        below=axis.below,
        data={"bars": bars, "totals": totals},
    )
    return framed(width, axis.titled(caption), legend, plot)


def balance(sums: Sequence[DirectionSum], names: Mapping[str, str], caption: Caption, width: int) -> Spec:
    """Draw what the two who received most did receive, one upwards and one downwards, by period."""
    received = Counter[str]()
    for each in sums:
        received[each.received_by] += each.best
    sides = [side for side, _ in received.most_common(2)]
    rows = Counter[tuple[int, str]]()
    for each in sums:
        if each.received_by in sides:
            rows[month_of(each.day), each.received_by] += each.best
    words = ("upwards", "downwards")
    called = {side: with_article(names[side]) for side in sides}
    colours = {names[side]: COLOURS[place] for place, side in enumerate(sides)}
    legend = [
        Entry(_counted(f"Received by {called[side]} ({words[place]})", received[side]), COLOURS[place])
        for place, side in enumerate(sides)
    ]
    rest = sum(received.values()) - sum(received[side] for side in sides)
    if rest:
        note = f"Left out: {rest:,} received by {_others(len(received) - len(sides))}."
        caption = replace(caption, notes=[note, *caption.notes])
    months = {month for month, _ in rows}
    axis = _TimeAxis.of(months, width, room_left(rows.total()))
    grouped = axis.grouped(rows)
    bars = [
        {"period": start, "side": names[side], "received": best, "best": best if side == sides[0] else -best}
        for (start, side), best in grouped.items()
    ]
    highest = [max(best for (_, each), best in grouped.items() if each == side) for side in sides]
    up, down = (*highest, 0)[:2]
    numbers = axis.has_room_for(grouped.values())
    scale, counts = _both_ways(up, down, numbers=numbers)
    layers: list[Layer] = [
        {
            "data": {"name": "bars"},
            "mark": {"type": "bar", "width": axis.bar},
            "encoding": {
                "x": axis.encoding,
                "y": {"field": "best", "type": "quantitative", "stack": None, "axis": counts, "scale": scale},
                "color": _colour("side", colours),
            },
        },
        {"data": {"name": "one"}, "mark": {"type": "rule", "color": INK}, "encoding": {"y": {"datum": 0}}},
    ]
    if numbers:
        layers += [
            *_numbers("bars", axis, "received"),
            *_numbers("bars", axis, "received", below=True),
        ]
    told = [axis.told(caption)]
    for side, word in zip(sides, words, strict=False):
        of_side = {key: best for key, best in grouped.items() if key[1] == side}
        most = f"at most {axis.highest(of_side)}"
        told.append(f"Received by {called[side]}, drawn {word}: {received[side]:,} in all, {most}.")
    plot = Plot(
        plot_height(width) * 5 // 4,
        axis.left,
        layers,
        told=" ".join(told),
        unit=axis.unit(caption),
        below=axis.below,
        data={"bars": bars},
    )
    return framed(width, axis.titled(caption), legend, plot)


@dataclass(frozen=True)
class _TimeAxis:
    """The axis of bars by period, of which every one is there, drawn or not."""

    period: int
    starts: Sequence[int]
    pixels: float  # from one bar to the next
    left: int
    texts: Mapping[int, str]

    @classmethod
    def of(cls, months: Iterable[int], width: int, left: int) -> Self:
        known = sorted(months)
        room = plot_width(width, left, 0)
        period = period_for(known[0], known[-1], room)
        starts = range(known[0] // period * period, known[-1] + 1, period)
        pixels = room / len(starts)
        return cls(period, starts, pixels, left, labels(starts, period, pixels))

    @property
    def bar(self) -> float:
        return round(min(self.pixels * 0.8, WIDEST), 1)

    @property
    def below(self) -> int:
        return room_below(self.texts.values())

    @property
    def encoding(self) -> Layer:
        axis = {
            "values": list(self.texts),
            "labelExpr": texts_of_axis(self.texts),
            "labelAngle": 0,
            "grid": False,
        }
        axis |= {"labelLineHeight": SMALL + 3}
        scale = {"domain": list(self.starts), "padding": 0}
        return {"field": "period", "type": "ordinal", "sort": None, "scale": scale, "axis": axis}

    def grouped(self, rows: Mapping[tuple[int, str], int]) -> Mapping[tuple[int, str], int]:
        """Add the rows of months up to those of periods."""
        found = Counter[tuple[int, str]]()
        for (month, text), best in sorted(rows.items()):
            found[month // self.period * self.period, text] += best
        return found

    def has_room_for(self, values: Iterable[int]) -> bool:
        """Tell whether numbers of that size fit side by side above the bars."""
        return text_width(f"{max(values):,}", SMALL) + 2 <= self.pixels

    def titled(self, caption: Caption) -> Caption:
        return replace(caption, title=f"{caption.title}, by {period_word(self.period)}")

    def unit(self, caption: Caption) -> str:
        return f"{caption.unit.capitalize()} per {period_word(self.period)}"

    def told(self, caption: Caption) -> str:
        first, last = (period_name(self.starts[place], self.period) for place in (0, -1))
        when = (
            f"for {first}" if first == last else f"for each {period_word(self.period)} from {first} to {last}"
        )
        return f"Bars of {caption.unit}, {when}."

    def highest(self, grouped: Mapping[tuple[int, str], int]) -> str:
        (start, _), best = max(grouped.items(), key=lambda item: item[1])
        return f"{best:,} in {period_name(start, self.period)}"


def _numbers(data: str, axis: _TimeAxis, field: str, *, below: bool = False) -> Iterator[Layer]:
    """Write the number at the end of each bar of one side, with a white rim so that no line crosses it."""
    mark = {"type": "text", "fontSize": SMALL, "baseline": "top" if below else "bottom"}
    for style in (RIM, {"color": SOFT}):
        yield {
            "data": {"name": data},
            "transform": [{"filter": "datum.best < 0" if below else "datum.best >= 0"}],
            "mark": mark | style | {"dy": 4 if below else -3},
            "encoding": {
                "x": axis.encoding,
                "y": {"field": "best", "type": "quantitative"},
                "text": {"field": field, "type": "quantitative", "format": NUMBER},
            },
        }


def _both_ways(up: int, down: int, *, numbers: bool) -> tuple[Layer, Layer]:
    """Give the scale of counts from zero upwards and downwards, and its axis, which has no minus signs."""
    ticks = ticks_to(max(up, down), most=4)
    sides = [[tick for tick in ticks if tick < side + ticks[1]] for side in (up, down)]
    scales = [counts_scale(side, most, numbers=numbers) for side, most in zip(sides, (up, down), strict=True)]
    (above, axis), (below, _) = scales
    axis = axis | axis_values([*(-tick for tick in reversed(sides[1][1:])), *sides[0]])
    axis |= {"labelExpr": f"format(abs(datum.value), '{NUMBER}')"}
    return above | {"domain": [-below["domain"][1], above["domain"][1]]}, axis


def _counted(text: str, number: int) -> str:
    """Give an entry of the legend; the number never stands on a line of its own."""
    return f"{text}:\u00a0{number:,}"


def _colour(field: str, colours: Mapping[str, str]) -> Layer:
    scale = {"domain": list(colours), "range": list(colours.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def _others(number: int) -> str:
    return "another side" if number == 1 else f"{number:,} other sides"
