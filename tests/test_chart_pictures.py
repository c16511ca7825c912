"""Charts as pictures: what comes out as SVG and PNG, what it must never hold, and how it is laid out."""

import datetime as dt
import re
import struct
from itertools import pairwise
from xml.etree import ElementTree as Xml

import httpx
import pytest

from api.chartframe import text_width, ticks_to, wrapped
from api.chartperiods import DAY_LABEL, LABEL, day_labels, labels, period_for
from api.chartrender import to_svg
from tests.asking import ask
from tests.charting import CHARTS, Spec

pytestmark = pytest.mark.anyio

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("chart", CHARTS)
async def test_svg(client: httpx.AsyncClient, chart: str) -> None:
    for query in ({}, {"mediator": "uae", "width": 400}, {"min_persons": 100_000}):
        response = await ask(client, f"/v1/charts/{chart}.svg", query)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "image/svg+xml"
        policy = response.headers["content-security-policy"]
        assert policy == "default-src 'none'; style-src 'unsafe-inline'"
        assert 2_000 < len(response.content) < 200_000
        root = Xml.fromstring(response.content)
        assert (root.tag, root.get("width"), root.get("role")) == (
            f"{SVG}svg",
            str(query.get("width", 800)),
            "img",
        )
        assert harmless(root)
        title, description = root.findtext(f"{SVG}title") or "", root.findtext(f"{SVG}desc") or ""
        assert title.startswith("Living people")
        assert not [each for each in root.iter() if "aria-label" in each.attrib], (
            "the whole is told, not its rows"
        )
        written = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
        for part in ("Source: Prisoner exchanges, dataset revision 1,", "CC BY 4.0.", "http://testserver"):
            assert part in description
            assert part.split()[-1] in written
        if query.get("width") is None:
            assert re.search(
                r"Prisoner exchanges, dataset revision 1, \d+ \w+ \d{4}, CC BY 4\.0\. http://testserver",
                written,
            )


def harmless(root: Xml.Element) -> bool:
    """Tell whether a picture runs nothing and fetches nothing."""
    for element in root.iter():
        if element.tag.rpartition("}")[2] not in {
            "svg",
            "g",
            "rect",
            "path",
            "line",
            "text",
            "title",
            "desc",
            "tspan",
        }:
            return False
        if any(
            name.startswith("on") or name.rpartition("}")[2] in {"href", "src"} for name in element.attrib
        ):
            return False
    return True


@pytest.mark.parametrize("chart", CHARTS)
async def test_png(client: httpx.AsyncClient, chart: str) -> None:
    for query in ({}, {"year": 2024, "width": 400, "scale": 3}):
        response = await ask(client, f"/v1/charts/{chart}.png", query)
        assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
        assert response.content.startswith(b"\x89PNG\r\n\x1a\n")
        wide, high = struct.unpack(">II", response.content[16:24])
        assert wide == query.get("width", 800) * query.get("scale", 1)
        assert wide / 5 < high < wide * 2
        assert 10_000 < len(response.content) < 1_000_000


async def test_the_same_state_is_the_same_picture(client: httpx.AsyncClient) -> None:
    for chart in CHARTS:
        for suffix in ("svg", "png"):
            first, second = [await ask(client, f"/v1/charts/{chart}.{suffix}") for _ in range(2)]
            assert first.content == second.content


async def test_texts_of_a_query_stay_texts(client: httpx.AsyncClient) -> None:
    for text in (
        "<script>alert(1)</script>",
        "a]]>&amp;\x01\ufffe\u202e",
        "clip1 {} {0} \"'",
        "x" * 500,
        "囚" * 90,
    ):
        response = await ask(client, "/v1/charts/timeline.svg", {"q": text, "width": 400})
        assert response.status_code == 200, response.text
        assert b"<script" not in response.content
        root = Xml.fromstring(response.content)
        assert harmless(root)
        assert "With the words “" in (root.findtext(f"{SVG}title") or "")
    response = await ask(client, "/v1/charts/timeline.svg", {"q": "<script>alert(1)</script>"})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in response.text


def test_nothing_is_fetched() -> None:
    spec: Spec = {"data": {"url": "https://example.org/data.json"}, "mark": "bar", "encoding": {}}
    spec |= {"description": "", "usermeta": {"told": ""}}
    with pytest.raises(ValueError, match="not allowed"):
        to_svg(spec)


@pytest.mark.parametrize("room", [330, 730, 1900])
def test_bars_are_never_too_thin(room: int) -> None:
    for years in (1, 3, 13, 60, 900):
        first = 2014 * 12 + 4
        last = first + years * 12
        period = period_for(first, last, room)
        starts = range(first // period * period, last + 1, period)
        assert room / len(starts) >= 9
        texts = labels(starts, period, room / len(starts))
        assert texts
        places = [starts.index(month) for month in texts]
        gaps = {(after - before) * room / len(starts) for before, after in pairwise(places)}
        assert min(gaps, default=LABEL) >= LABEL
        assert re.search(r"\d{4}", texts[min(texts)]), "the first label names its year"


@pytest.mark.parametrize(
    ("text", "room"), [("", 10), ("word", 10), ("some words " * 40, 120), ("x" * 300, 50), ("囚" * 40, 100)]
)
def test_lines_fit(text: str, room: float) -> None:
    found = wrapped(text, 12, room)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line, 12) <= room or len(line) == 1 for line in found)


@pytest.mark.parametrize(
    ("highest", "most", "expected"),
    [
        (0, 6, [0, 1]),
        (1, 6, [0, 1]),
        (5, 6, [0, 1, 2, 3, 4, 5]),
        (880, 6, [0, 200, 400, 600, 800, 1000]),
        (1000, 6, [0, 200, 400, 600, 800, 1000]),
        (17_031, 6, [0, 5000, 10_000, 15_000, 20_000]),
        (189, 4, [0, 50, 100, 150, 200]),
    ],
)
def test_axes_begin_at_zero_and_reach_the_highest(highest: int, most: int, expected: list[int]) -> None:
    assert list(ticks_to(highest, most)) == expected


@pytest.mark.parametrize("pixels", [5.5, 10, 23, 60])
def test_labels_of_days_stand_apart(pixels: float) -> None:
    texts = day_labels(dt.date(2024, 12, 1), dt.date(2025, 1, 1), pixels)
    assert texts[dt.date(2024, 12, 1).toordinal()] == "1 Dec\n2024"
    assert all((after - before) * pixels >= DAY_LABEL for before, after in pairwise(texts))
