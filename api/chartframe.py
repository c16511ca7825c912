"""What all charts have around their marks: title, query, legend, unit, notes, source; as parts of a spec.

Places are computed here rather than left to the library: a picture then has exactly the width that was asked
for, and no text is cut off or lies over another. What is drawn inside the frame is `api/chartbars.py`'s and
`api/chartspecs.py`'s.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, count
from typing import Any

Spec = dict[str, Any]
Layer = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# Liberation Sans comes with the renderer, and Arial, which browsers have, is as wide.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, SOFT, GRID, REST = "#1a1a1a", "#595959", "#e3e3e3", "#999999"
# Okabe and Ito: told apart whatever colours the eye sees. REST is for what has no colour of its own.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
MARGIN = 16
TITLE, QUERY, SMALL = 18, 13, 11
NUMBER = ",d"
MOST_LINES = 4  # of a query in words; the longest of them would fill the picture


@dataclass(frozen=True)
class Caption:
    """What the picture says in words: what it shows, of which query, what else to know, and from where.

    `unit` is what its numbers count.
    """

    title: str
    query: str
    unit: str
    notes: Sequence[str]
    source: str


@dataclass(frozen=True)
class Entry:
    """One entry of the legend."""

    text: str
    colour: str
    shape: str = "square"
    filled: bool = True


@dataclass(frozen=True)
class Plot:
    """What is inside the frame: its marks, and the room that they and their axes take.

    `left`, `right` and `below` are pixels outside of the plot for labels of axes and marks. `data` are the
    rows that layers name. `told` says what can be seen, for those who do not see it; `unit` stands above it.
    """

    height: int
    left: int
    layers: Sequence[Layer]
    told: str
    unit: str = ""
    right: int = 0
    below: int = 0
    data: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Line:
    text: str
    y: float  # of its base line
    size: int
    colour: str
    bold: bool = False
    x: float = 0
    swatch: Entry | None = None  # to stand before it


def plot_width(width: int, left: int, right: int) -> int:
    """Give how much of a picture's width is left for the plot."""
    return width - 2 * MARGIN - left - right


def plot_height(width: int) -> int:
    """Give a height that suits a picture's width."""
    return max(200, min(width * 2 // 5, 560))


def framed(width: int, caption: Caption, legend: Sequence[Entry], plot: Plot) -> Spec:
    """Put a plot into its frame."""
    left, right = MARGIN + plot.left, MARGIN + plot.right
    room = width - 2 * MARGIN
    above, y = _above(caption, room)
    above += _legend(legend, room, y)
    if plot.unit:
        above += _unit(plot.unit, room, above[-1].y)
    top = int(above[-1].y) + 20
    below, end = _below(caption, room, plot.height + plot.below)
    lines = [*(replace(line, y=line.y - top) for line in above), *below]
    words = [layer for line in lines for layer in _written(replace(line, x=line.x - plot.left))]
    return {
        "$schema": SCHEMA,
        "description": f"{caption.title}. {caption.query}.",
        "usermeta": {"told": " ".join([plot.told, *caption.notes, caption.source])},
        "width": plot_width(width, plot.left, plot.right),
        "height": plot.height,
        "padding": {"left": left, "right": right, "top": top, "bottom": int(end) - plot.height + MARGIN},
        "autosize": "none",
        "background": "white",
        "config": _CONFIG,
        "datasets": {"one": [{}], **{name: list(rows) for name, rows in plot.data.items()}},
        "layer": [*plot.layers, *words],
    }


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Tell about how many pixels a text is wide, rather more than less."""
    return sum(map(_em, text)) * size * (1.02 if bold else 1)


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in "ijlI.,:;'|!ft()[] \u00a0/-":
        return 0.3
    if character in "mwMW—@%→":
        return 0.92
    return 0.72 if character.isupper() else 0.56


def wrapped(text: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """Break a text into lines that are no wider than some pixels; a word that is wider is broken itself."""
    lines: list[str] = []
    line = ""
    for word in _pieces(text, size, room, bold):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size, bold=bold) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def shortened(lines: Sequence[str], most: int) -> list[str]:
    """Keep so many lines; the last one tells that there were more."""
    return list(lines) if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]


def _pieces(text: str, size: float, room: float, bold: bool) -> Iterator[str]:
    for word in re.split(r"[^\S\u00a0]+", text.strip()) if text else ():
        rest = word
        while text_width(rest, size, bold=bold) > room and len(rest) > 1:
            widths = accumulate(text_width(character, size, bold=bold) for character in rest)
            fits = max(1, sum(width <= room for width in widths))
            yield rest[:fits]
            rest = rest[fits:]
        yield rest


def _above(caption: Caption, room: int) -> tuple[list[_Line], float]:
    """Give the lines above the plot, and the base line of the last, counted from the top of the picture."""
    lines, y = [], float(MARGIN) - 6
    for text in wrapped(caption.title, TITLE, room, bold=True):
        y += TITLE + 4
        lines.append(_Line(text, y, TITLE, INK, bold=True))
    y += 3
    for text in shortened(wrapped(caption.query, QUERY, room), MOST_LINES):
        y += QUERY + 4
        lines.append(_Line(text, y, QUERY, SOFT))
    return lines, y


def _legend(legend: Sequence[Entry], room: int, y: float) -> Iterator[_Line]:
    """Give the lines of the legend: entries side by side as long as there is room."""
    x, y = 0.0, y + 26
    for entry in legend:
        wide = 16 + text_width(entry.text, QUERY)
        if x and x + wide > room:
            x, y = 0.0, y + QUERY + 6
        for number, text in enumerate(wrapped(entry.text, QUERY, room - 16)):
            y += QUERY + 3 if number else 0
            yield _Line(text, y, QUERY, INK, x=x + 16, swatch=None if number else entry)
        x += wide + 18


def _unit(unit: str, room: int, y: float) -> Iterator[_Line]:
    """Give the lines that say what the numbers of the axis below count."""
    y += 11
    for text in wrapped(unit, SMALL, room):
        y += SMALL + 4
        yield _Line(text, y, SMALL, SOFT)


def _below(caption: Caption, room: int, y: float) -> tuple[list[_Line], float]:
    """Give the lines below the plot and where they end, counted from the top of the plot."""
    lines = []
    y += 12
    for number, text in enumerate([*caption.notes, caption.source]):
        y += 5 if number == len(caption.notes) else 0
        for line in wrapped(text, SMALL, room):
            y += SMALL + 4
            lines.append(_Line(line, y, SMALL, SOFT))
    return lines, y


def _written(line: _Line) -> Iterator[Layer]:
    place = {"x": line.x, "y": line.y, "align": "left", "baseline": "alphabetic"}
    style = {"fontSize": line.size, "color": line.colour, "fontWeight": "bold" if line.bold else "normal"}
    yield {"data": {"name": "one"}, "mark": {"type": "text", "text": line.text, **place, **style}}
    if line.swatch is not None:
        mark = {"type": "point", "shape": line.swatch.shape, "x": line.x - 11, "y": line.y - 4.5, "size": 90}
        mark |= {"color": line.swatch.colour, "filled": line.swatch.filled, "strokeWidth": 2, "opacity": 1}
        yield {"data": {"name": "one"}, "mark": mark}


def ticks_to(highest: int, most: int = 6) -> Sequence[int]:
    """Give round numbers at equal distances, from zero to one that is no lower than the highest."""
    steps = (digit * 10**zeros for zeros in count() for digit in (1, 2, 5))
    step = next(step for step in steps if step * most >= highest)
    return range(0, max(highest + step - 1, step) // step * step + 1, step)


def counts_scale(ticks: Sequence[int], highest: int, *, numbers: bool) -> tuple[Layer, Layer]:
    """Give the scale of counts from zero on, and its axis.

    `numbers`: they stand at the ends of bars, and have room there.
    """
    top = max(ticks[-1], round(highest * 1.08, 1) if numbers else 0)
    axis = {"format": NUMBER, "grid": True, "ticks": False} | axis_values(ticks)
    return {"domain": [0, top], "nice": False}, axis


def axis_values(values: Collection[int]) -> Layer:
    """Give the values that an axis has; without their number the library leaves some out."""
    return {"values": list(values), "tickCount": len(values)}


# Under a number, so that no line crosses it.
RIM: Layer = {"color": "white", "stroke": "white", "strokeWidth": 4, "strokeJoin": "round"}


def texts_of_axis(labels: Mapping[int, str]) -> str:
    """Give the expression that turns the values of an axis into their labels."""
    return f"({json.dumps(labels, ensure_ascii=False)})[datum.value]"


def room_below(labels: Iterable[str]) -> int:
    """Give the room that the labels below a plot take."""
    return 38 if any("\n" in text for text in labels) else 24


def room_left(highest: int) -> int:
    """Give the room that the numbers left of a plot take."""
    return int(text_width(f"{highest:,}", SMALL + 1)) + 8


_CONFIG: Spec = {
    "font": FONT,
    "lineBreak": "\n",
    "aria": False,  # the picture is told as a whole: its marks would be read out as bare rows
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": SMALL + 1,
        "labelColor": SOFT,
        "labelPadding": 6,
        "labelOverlap": False,
        "title": None,
        "domain": False,
        "gridColor": GRID,
        "gridWidth": 1,
        "tickColor": REST,
    },
}
