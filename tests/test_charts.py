"""Charts: the numbers in them, the pictures that come out, and what every answer with one says."""

import asyncio
import datetime as dt
import re
import struct
from collections import Counter
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as Xml

import httpx
import pytest
from anyio import to_process
from sqlalchemy.ext.asyncio import AsyncEngine

from api import charts
from api.chartframe import text_width, wrapped
from api.chartperiods import LABEL, labels, month_of, period_for
from api.chartrender import to_svg
from api.charts import Chart, RenderGate
from api.chartwords import printable, short_name
from api.errors import ApiError
from db.enums import Resource
from tests.asking import Query, ask, walk
from tests.test_http_shell import problem_of
from tests.writing import changed, put

pytestmark = pytest.mark.anyio

CHARTS = [str(chart) for chart in Chart]
QUERIES: list[dict[str, Any]] = [
    {},
    {"mediator": "uae"},
    {"mediator": ["uae", "turkey"], "year": [2022, 2024]},
    {"kind": "remains", "measure": "remains"},
    {"received_by": "ukraine", "year": 2024},
    {"released_by_not": "russia", "date_to": "2019-12-31"},
    {"released_by": "ukraine", "received_by": "russia", "measure": "military", "width": 400},
    {"year": 2026, "width": 2000},
]
SVG = "{http://www.w3.org/2000/svg}"

Spec = dict[str, Any]


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[Spec]:
    """Collects what would be drawn, in place of drawing it."""
    seen: list[Spec] = []

    async def note(_gate: RenderGate, spec: Spec, *_: object) -> bytes:
        seen.append(spec)
        return b"drawn"

    monkeypatch.setattr(RenderGate, "render", note)
    return seen


async def spec_of(client: httpx.AsyncClient, specs: list[Spec], chart: str, query: Query) -> Spec:
    response = await ask(client, f"/v1/charts/{chart}.svg", query)
    assert (response.status_code, response.content) == (200, b"drawn"), response.text
    return specs[-1]


def texts(spec: Spec) -> list[str]:
    """Give what is written around a plot."""
    return [layer["mark"]["text"] for layer in spec["layer"] if isinstance(layer["mark"].get("text"), str)]


async def exchanges(client: httpx.AsyncClient, query: Query) -> list[dict[str, Any]]:
    """Give the records of the exchanges that a chart's query chooses, and their figures in its directions."""
    others = {
        name: value
        for name, value in query.items()
        if not name.startswith(("released_by", "received_by")) and name not in {"measure", "width"}
    }
    records = await walk(client, "/v1/exchanges", others)
    for record in records:
        record["figures"] = [
            figure
            for figure in record["figures"]
            if figure["measure"] == query.get("measure", "persons")
            and figure["released_by"] == query.get("released_by", figure["released_by"])
            and figure["received_by"] == query.get("received_by", figure["received_by"])
            and figure["released_by"] != query.get("released_by_not")
        ]
    return records


async def names(client: httpx.AsyncClient) -> dict[str, str]:
    return {actor["id"]: short_name(actor["name"]) for actor in await walk(client, "/v1/actors")}


def period_of(spec: Spec, date: str) -> int:
    """Give the first month of the period of a date, by the word in the title."""
    months = {"month": 1, "quarter": 3, "year": 12}[spec["description"].rpartition(" ")[2]]
    return month_of(dt.date.fromisoformat(date)) // months * months


# The numbers


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_bars_of_the_timeline(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec, known = await spec_of(client, specs, "timeline", query), await names(client)
    bars, totals = spec["datasets"]["bars"], spec["datasets"]["totals"]
    by_series, by_period = Counter[tuple[int, str]](), Counter[int]()
    drawn = {bar["series"] for bar in bars}
    for record in await exchanges(client, query):
        for figure in record["figures"]:
            series = f"{known[figure['released_by']]} → {known[figure['received_by']]}"
            if series not in drawn:
                (series,) = (each for each in drawn if each.endswith(" other directions"))
            period = period_of(spec, record["date"])
            by_series[period, series] += figure["best"]
            by_period[period] += figure["best"]
    assert {(bar["period"], bar["series"]): bar["best"] for bar in bars} == by_series
    assert {total["period"]: total["best"] for total in totals} == by_period
    told = {text.rpartition(": ")[0]: text.rpartition(": ")[2] for text in texts(spec) if ": " in text}
    for series in drawn:
        of_series = sum(best for (_, each), best in by_series.items() if each == series)
        assert told[series] == f"{of_series:,}"


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_two_sides_of_the_balance(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec, known = await spec_of(client, specs, "balance", query), await names(client)
    received, by_period = Counter[str](), Counter[tuple[int, str]]()
    for record in await exchanges(client, query):
        for figure in record["figures"]:
            side = known[figure["received_by"]]
            received[side] += figure["best"]
            by_period[period_of(spec, record["date"]), side] += figure["best"]
    (up, *down) = [side for side, _ in received.most_common(2)]
    expected = {
        (period, side): best if side == up else -best
        for (period, side), best in by_period.items()
        if side in {up, *down}
    }
    assert {(bar["period"], bar["side"]): bar["best"] for bar in spec["datasets"]["bars"]} == expected
    rest = received.total() - sum(received[side] for side in (up, *down))
    assert any(text.startswith(f"Not drawn: {rest:,} received by") for text in texts(spec)) is (rest > 0)


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_bars_by_mediator(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec = await spec_of(client, specs, "by-mediator", query)
    asked = query.get("mediator", [])
    asked = {asked} if isinstance(asked, str) else set(asked)
    best, count = Counter[str | None](), Counter[str | None]()
    for record in await exchanges(client, query):
        brokers: set[str | None] = {
            each["actor"]
            for each in record["mediations"]
            if each["stance"] == "asserts" and each["role"] != "transit"
        }
        for mediator in (brokers & asked if asked else brokers) or {None}:
            best[mediator] += sum(figure["best"] for figure in record["figures"])
            count[mediator] += bool(record["figures"])
    expected = {mediator: (best[mediator], number) for mediator, number in count.items() if number}
    bars = spec["datasets"]["bars"]
    assert {bar["mediator"]: (bar["best"], bar["exchanges"]) for bar in bars} == expected
    assert sum(bar["mediator"] is None for bar in bars[:-1]) == 0, "where there is none comes last"
    drawn = [bar["best"] for bar in bars if bar["mediator"] is not None]
    assert drawn == sorted(drawn, reverse=True)


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_line_grows_by_what_was_handed_over(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec = await spec_of(client, specs, "cumulative", query)
    records = await exchanges(client, query)
    by_day = Counter[int]()
    chosen = {record["id"] for record in records if record["figures"]}
    for record in records:
        here = {(figure["released_by"], figure["received_by"]) for figure in record["figures"]}
        day = dt.date.fromisoformat(record["date"]).toordinal()
        by_day[day] += sum(figure["best"] for figure in record["figures"])
        for each in record["overlaps"]:
            both = (each["released_by"], each["received_by"]) in here and each["exchange"] in chosen
            if both and each["measure"] == query.get("measure", "persons"):
                by_day[day] -= each["count"]
    line = spec["datasets"]["line"]
    assert line[0]["best"] == 0
    for point in line:
        assert point["best"] == sum(best for day, best in by_day.items() if day <= point["day"]) or (
            point["day"] == line[0]["day"]
        )
    assert line[-1]["best"] == by_day.total()
    assert f"{by_day.total():,}" in texts(spec)


async def test_everything_that_is_left_out_is_told(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    records = await exchanges(client, {})
    missing = sum(not record["figures"] for record in records)
    for chart in CHARTS:
        told = texts(await spec_of(client, specs, chart, {"width": 2000}))
        assert (
            f"Without a figure for living people, and so not in the picture: {missing} of 235 exchanges."
            in told
        )
        how = "added up once" if chart == "cumulative" else "drawn in both"
        assert f"Counted in two exchanges, and {how}: 14." in told


async def test_published_totals_stand_beside_what_counts_the_same(
    client: httpx.AsyncClient, specs: list[Spec]
) -> None:
    async def dots(query: Query) -> set[tuple[int, int]]:
        spec = await spec_of(client, specs, "cumulative", query)
        return {(dot["day"], dot["best"]) for dot in spec["datasets"]["totals"]}

    async def announced(query: Query, **more: object) -> set[tuple[int, int]]:
        records = await walk(client, "/v1/totals", {"measure": "persons", "category": "total", **query})
        return {
            (dt.date.fromisoformat(record["as_of"]).toordinal(), record["value"])
            for record in records
            if all(record[name] == value for name, value in more.items())
        }

    of_any = {"received_by": "none", "released_by": "none", "agreement": "none"}
    by_uae = await announced({"mediator": "uae", **of_any}, year=None, since=None)
    assert len(by_uae) > 15
    assert await dots({"mediator": "uae"}) == by_uae
    assert len(await dots({"mediator": "uae", "claimant": "uae"})) < len(by_uae)
    war = {"received_by": "ukraine", "date_from": "2022-02-24"}
    to_ukraine = {"received_by": "ukraine", "mediator": "none", "agreement": "none"}
    assert await dots(war) == await announced(to_ukraine, year=None, since="2022-02-24")
    assert (dt.date(2024, 12, 30).toordinal(), 1358) in await dots({"received_by": "ukraine", "year": 2024})
    for other in (
        {"q": "Istanbul"},
        {"min_persons": 10},
        {"kind": "release"},
        {"mediator": ["uae", "turkey"]},
    ):
        assert await dots(war | other) == set(), other
    assert await dots({"received_by": "ukraine"}) == set(), "there were exchanges before"
    assert any("date_from=2022-02-24" in text for text in texts(specs[-1]))


async def test_nothing_to_draw_is_a_picture_too(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    for chart in CHARTS:
        told = texts(await spec_of(client, specs, chart, {"min_persons": 100_000}))
        assert {"Nothing to draw", "No exchange matches this query."} <= set(told)
        told = texts(await spec_of(client, specs, chart, {"kind": "remains", "measure": "child"}))
        assert "Nothing to draw" in told
        assert "The 63 exchanges found have no figure for children." in told
        assert any("measure=remains" in text for text in told)


async def test_the_query_in_words(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    async def words(query: Query) -> str:
        spec = await spec_of(client, specs, "timeline", query | {"width": 2000})
        return texts(spec)[-1] if not spec["datasets"].get("bars") else _second_line(spec)

    assert await words({}) == "All exchanges"
    assert await words({"mediator": "ОАЭ", "year": [2024, 2025]}) == (
        "Brokered by United Arab Emirates; in 2024 or 2025"
    )
    assert await words({"mediator": "none", "received_by_not": "Kyiv"}) == (
        "Brokered by nobody; not received by Ukraine"
    )
    assert await words({"party_all": ["russia", "ukraine"], "date_from": "2024-02-01"}) == (
        "From 1 February 2024; Russia and Ukraine is a party"
    )
    assert await words({"q": "bodies UAE", "measure": "remains"}) == "“bodies UAE” in the record"
    assert await words({"has_overlaps": "true"}) == "Has overlaps: true"


def _second_line(spec: Spec) -> str:
    lines = [layer["mark"] for layer in spec["layer"] if isinstance(layer["mark"].get("text"), str)]
    found: str = next(mark["text"] for mark in lines if mark["fontSize"] == 13)
    return found


# The pictures


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
        assert "in the record" in (root.findtext(f"{SVG}desc") or "")
    response = await ask(client, "/v1/charts/timeline.svg", {"q": "<script>alert(1)</script>"})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in response.text


def test_nothing_is_fetched() -> None:
    spec = {"data": {"url": "https://example.org/data.json"}, "mark": "bar", "encoding": {}}
    with pytest.raises(ValueError, match="not allowed"):
        to_svg(spec, "", "")


# The answers


@pytest.mark.parametrize("suffix", ["svg", "png"])
async def test_a_copy_that_still_holds_is_not_drawn_again(
    client: httpx.AsyncClient, specs: list[Spec], suffix: str
) -> None:
    path = f"/v1/charts/balance.{suffix}"
    first = await ask(client, path)
    assert len(specs) == 1
    again = await ask(client, path, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content, len(specs)) == (304, b"", 1)
    for name in ("etag", "cache-control", "x-dataset-revision", "last-modified"):
        assert again.headers[name] == first.headers[name]
    assert (first.headers["cache-control"], first.headers["x-dataset-revision"]) == ("public, no-cache", "1")
    assert {"Accept", "Accept-Datetime"} <= set(first.headers["vary"].split(", "))
    assert first.headers["access-control-allow-origin"] == "*"
    pinned = await ask(client, path, {"release": "2026.11"})
    assert pinned.headers["cache-control"] == "public, max-age=86400"
    assert any("release 2026.11, dataset revision 1" in text for text in texts(specs[-1]))
    queries: list[Query] = [{}, {"width": 900}, {"measure": "military"}, {"year": 2024}, {"as_of": "1"}]
    tags = {(await ask(client, path, query)).headers["etag"] for query in queries}
    elsewhere = await ask(client, path, Host="example.org")
    assert len(tags | {elsewhere.headers["etag"]}) == len(queries) + 1, "its address is in the picture"


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("width=399", "width", "invalid_value"),
        ("width=2001", "width", "invalid_value"),
        ("width=800.0", "width", "invalid_value"),
        ("width=800&width=900", "width", "repeated"),
        ("scale=2", "scale", "unknown_parameter"),
        ("theme=dark", "theme", "unknown_parameter"),
        ("measure=exchanges", "measure", "invalid_value"),
        ("measure=", "measure", "empty"),
        ("mediator=nobody-knows", "mediator", "unknown_actor"),
        ("date_from=2025-01-01&date_to=2024-01-01", "date_from", "invalid_range"),
        ("as_of=2", "as_of", "out_of_range"),
        ("as_of=1&release=2026.11", "release", "contradiction"),
        ("limit=10", "limit", "unknown_parameter"),
        ("sort=date", "sort", "unknown_parameter"),
    ],
)
async def test_queries_that_are_not_understood(
    client: httpx.AsyncClient, query: str, parameter: str, code: str
) -> None:
    problem = problem_of(await ask(client, f"/v1/charts/timeline.svg?{query}"))
    assert (problem.status, problem.code) == (422, "invalid_query")
    assert [(each.parameter, each.code) for each in problem.errors] == [(parameter, code)]
    assert problem_of(await ask(client, "/v1/charts/timeline.png?scale=4")).status == 422


async def test_charts_that_there_are_not(client: httpx.AsyncClient) -> None:
    problem = problem_of(await ask(client, "/v1/charts/pie.svg"))
    assert (problem.status, problem.code) == (404, "not_found")
    assert "timeline, by-mediator, cumulative, balance" in problem.detail
    assert problem_of(await ask(client, "/v1/charts/timeline.gif")).status == 404
    assert problem_of(await ask(client, "/v1/charts/timeline")).status == 404
    refused = await ask(client, "/v1/charts/timeline.svg", Accept="text/html")
    assert problem_of(refused).code == "not_acceptable"


async def test_what_images_of_a_page_ask_for(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    accept = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
    for path in ("/charts/timeline.svg", "/charts/timeline.png"):
        response = await ask(client, path, {"mediator": "UAE"}, Accept=accept)
        assert response.status_code == 200
        assert response.headers["content-location"] == f"/v1{path}?mediator=UAE"
    assert len(specs) == 2


async def test_a_write_is_seen_and_the_past_stays(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    path, query = "/v1/charts/timeline.svg", {"year": 2024, "received_by": "ukraine"}
    before = await ask(own_client, path, query)
    newyear = await changed(loaded_engine, Resource.EXCHANGE, "2024-12-30-russia-ukraine", claims=[])
    await put(loaded_engine, newyear)
    after = await ask(own_client, path, query, If_None_Match=before.headers["etag"])
    assert (after.status_code, after.headers["x-dataset-revision"]) == (200, "2")
    assert (await ask(own_client, path, query | {"as_of": "1"})).content == before.content
    assert (await ask(own_client, path, query | {"release": "2026.11"})).headers["x-dataset-revision"] == "1"
    assert ("Russia → Ukraine: 1,408" in before.text, "Russia → Ukraine: 1,219" in after.text) == (True, True)
    assert "dataset revision 2," in after.text


# How much is drawn at once


async def test_few_are_drawn_at_once_and_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, go, full = RenderGate(at_once=2, waiting=3), asyncio.Event(), asyncio.Event()
    running = 0

    async def run_sync(*_: object, limiter: Any, **__: object) -> bytes:
        nonlocal running
        async with limiter:
            running += 1
            if running == 2:
                full.set()
            await go.wait()
        return b"drawn"

    async def draw() -> bytes:
        with gate.admitted():
            return await gate.render({}, charts.PNG, charts.Caption("", "", [], ""), 1)

    monkeypatch.setattr(to_process, "run_sync", run_sync)
    drawn = [asyncio.create_task(draw()) for _ in range(5)]
    await full.wait()
    with pytest.raises(ApiError) as refused:
        await draw()
    assert refused.value.code == "overloaded"
    assert running == 2
    go.set()
    assert await asyncio.gather(*drawn) == [b"drawn"] * 5
    assert await draw() == b"drawn", "there is room again"


async def test_a_full_queue_is_told(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "GATE", gate := RenderGate(at_once=1, waiting=0))
    with gate.admitted():
        response = await ask(client, "/v1/charts/timeline.png")
        bad = await ask(client, "/v1/charts/timeline.png?width=1")
    assert problem_of(response).code == "overloaded"
    assert int(response.headers["retry-after"]) > 0
    assert problem_of(bad).status == 422
    assert (await ask(client, "/v1/charts/timeline.png")).status_code == 200


async def test_drawing_is_given_up_in_time(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "SECONDS_TO_DRAW", 0)
    response = await ask(client, "/v1/charts/timeline.png")
    assert problem_of(response).code == "timeout"


# How it is laid out


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


def test_what_cannot_be_shown_is_not() -> None:
    assert printable("a\x00b\x1bc\nd\ufffee\ud800") == "a�b�c d�e�"
    assert short_name("Land (self-proclaimed)") == "Land (self-proclaimed)"
    assert (
        short_name("A country with a name that is long (and a remark)")
        == "A country with a name that is long"
    )
    assert len(short_name("long " * 30)) <= 48
