"""What the explorer shows in a browser is what the API says; so is what it says when something is wrong."""

import datetime as dt
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from api.charttotals import fitting_totals
from api.filters import StatsFilters
from api.params import Schema
from db.records import PublishedTotal
from tests.browsing import Visit
from tests.exploring import NEW_YEAR, asked, ids, number, opened, rows, settled
from tests.live import Live

LINES = (
    "",
    "mediator=uae",
    "kind=remains",
    "mediator=none&kind=remains&received_by=ukraine",
    "received_by=ukraine",
    "mediator=uae&date_from=2024-01-01",
    "received_by=ukraine&date_from=2024-01-01&date_to=2024-12-31&kind=prisoner_exchange",
    "disputed=true",
    "q=children",
    "has_overlaps=true",
)
# Notes which views are run, from the moment on in which the library is there.
NOTING = """
  let embed;
  window.ran = new Set();
  Object.defineProperty(window, "vegaEmbed", {
    get: () => embed,
    set(library) {
      embed = async (...given) => {
        const result = await library(...given);
        const run = result.view.run.bind(result.view);
        result.view.run = (...times) => { window.ran.add(result.view); return run(...times); };
        return result;
      };
    },
  });
"""


def days(live: Live, query: str, measure: str) -> tuple[dt.date, dt.date]:
    """Give the days on which a line begins and ends."""
    figures = [
        dt.date.fromisoformat(record["date"])
        for record in asked(live, f"/v1/exchanges?{query}&limit=1000")["data"]
        if any(figure["measure"] == measure for figure in record["figures"])
    ]
    return min(figures), max(figures)


def test_the_first_view_tells_of_everything(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    total = asked(live, "/v1/stats")["total"]
    heading = page.locator("#summary-title").inner_text()
    assert heading == f"{total['best']:,} living people in {total['exchanges']} exchanges"
    assert rows(page) == ids(live, "limit=50")
    for chart in ("#timeline", "#by-mediator", "#cumulative"):
        expect(page.locator(f"{chart} svg")).to_be_visible()
    expect(page.locator("#timeline h2")).to_have_text("Living people handed over, by month")
    expect(page.locator("#source")).to_contain_text("dataset revision 1")


def test_what_was_not_completed_is_listed_and_not_summed(own_live: Live, own_visit: Visit) -> None:
    headers = {"Authorization": f"Bearer {own_live.key()}", "If-Match": '"1"'}
    path = f"{own_live.base}/v1/exchanges/{NEW_YEAR}?reason=A+test"
    assert httpx.patch(path, json={"status": "announced"}, headers=headers).status_code == 200
    for query in ("", "received_by=ukraine"):
        page = settled(own_visit.open(f"/?{query}"))
        total = asked(own_live, f"/v1/stats?{query}&group_by=month")["total"]
        done = asked(own_live, f"/v1/exchanges?{query}&status=completed&limit=1000")["data"]
        heading = page.locator("#summary-title")
        expect(heading).to_have_text(f"{total['best']:,} living people in {len(done)} exchanges")
        without = [
            record
            for record in done
            if not any(
                figure["measure"] == "persons" and figure["received_by"] in query
                if query
                else figure["measure"] == "persons"
                for figure in record["figures"]
            )
        ]
        expect(page.locator("#summary-text")).to_contain_text(f"For {len(without)} exchanges no number")
    for query, told in (
        ("date_from=2024-12-30&date_to=2024-12-30", "1 exchange, none completed"),
        ("status=announced", "339 living people in 1 exchange"),
        ("status=announced&received_by=ukraine", "189 living people in 1 exchange"),
    ):
        page = settled(own_visit.open(f"/?{query}"))
        expect(page.locator("#summary-title")).to_have_text(told)


def test_the_first_view_is_light(visit: Visit) -> None:
    page = visit.open("/llms.txt")  # nothing of the page is in the browser's cache yet
    sizes: dict[str, int] = {}

    def weigh(request: Any) -> None:
        sizes[request.url] = request.sizes()["responseBodySize"]

    page.on("requestfinished", weigh)
    page.goto("/")
    settled(page)
    page.wait_for_load_state("networkidle")
    script = page.locator("body").get_attribute("data-charts")
    first_view = {url: size for url, size in sizes.items() if not url.endswith(str(script))}
    assert len(first_view) > 20
    assert sum(first_view.values()) < 300_000, first_view


@pytest.mark.parametrize("query", LINES)
def test_the_line_ends_at_the_sum_and_has_the_totals_that_fit_as_dots(
    live: Live, visit: Visit, query: str
) -> None:
    """The page chooses as the pictures of the service do: `api/charttotals.py` is the judge."""
    page = settled(visit.open(f"/?{query}"))
    measure = "remains" if "kind=remains" in query else "persons"
    stats = asked(live, f"/v1/stats?{query}&measure={measure}&group_by=month")
    assert number(page.locator("#cumulative .legend b").inner_text()) == stats["total"]["best"]
    filters = Schema.of(*StatsFilters.params.values()).parse(query.encode())
    known = asked(live, "/v1/totals?measure=persons&limit=1000")["data"]
    category = "remains" if measure == "remains" else "total"
    totals = [PublishedTotal.model_validate(each) for each in known if each["category"] == category]
    first, last = days(live, query, measure)
    expected = [each.value for each in fitting_totals(totals, filters, first, last).totals]
    shown = page.locator("#cumulative details td a").evaluate_all(
        "links => links.map(link => link.textContent)"
    )
    assert sorted(int(re.sub(r"\D", "", text)) for text in shown) == sorted(expected)
    dots = page.locator("#cumulative svg g.mark-symbol path")
    expect(dots).to_have_count(len(expected))


def test_dots_are_there_for_what_the_emirates_announced(visit: Visit) -> None:
    page = settled(visit.open("/?mediator=UAE"))
    assert page.locator("#cumulative svg g.mark-symbol path").count() > 15
    expect(page.locator("#cumulative details")).to_contain_text("4,641 (United Arab Emirates)")


def test_a_record_shows_both_sides_and_why_a_number_is_taken(visit: Visit) -> None:
    page = opened(visit.open(f"/?record={NEW_YEAR}"))
    directions = page.locator("#record section.direction")
    expect(directions).to_have_count(2)
    [home, away] = directions.all()
    expect(home.locator(".best")).to_contain_text("189 living people")
    expect(home).to_contain_text("189 is taken because Ukraine states it")
    expect(home).to_contain_text("Both sides state an overall number")
    expect(home).to_contain_text("Disputed by the two sides: Ukraine says 189 and Russia says 150")
    assert [side.locator("h4").inner_text() for side in home.locator(".side").all()] == [
        "Ukraine says (received them)",
        "Russia says (let them go)",
        "Others say (mediators and the press)",
    ]
    expect(home.locator(".side").nth(1)).to_contain_text("150 military prisoners")
    expect(home.locator(".side").nth(1).get_by_role("link", name="aljazeera.com")).to_have_attribute(
        "href", re.compile(r"^https://www\.aljazeera\.com/")
    )
    expect(away.locator(".best")).to_contain_text("150 living people")
    expect(page.locator("#record .revisions")).to_contain_text("First written")


def test_a_sum_of_parts_is_not_told_as_a_statement(visit: Visit) -> None:
    page = opened(visit.open("/?record=2025-10-02-russia-ukraine"))
    home = page.locator("#record section.direction").first
    expect(home.locator(".best")).to_contain_text("205 living people")
    expect(home).to_contain_text("205 is taken because Ukraine states its parts, which add up to it")


def test_numbers_and_days_are_written_as_the_reader_does(visit: Visit) -> None:
    page = settled(visit.open(f"/?mediator=uae&record={NEW_YEAR}", locale="de-DE"))
    expect(page.locator("#summary-title")).to_have_text("7.059 living people in 26 exchanges")
    expect(page.locator("#record .dateline")).to_contain_text("30. Dezember 2024")
    expect(page.locator("#timeline svg")).to_contain_text("1.000")


def test_without_scripts_there_are_a_picture_and_files(visit: Visit) -> None:
    page = visit.open("/", javascript=False)
    expect(page.get_by_role("link", name="whole list as CSV")).to_be_visible()
    picture = page.get_by_role("img", name="Living people handed over")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("picture => picture.naturalWidth") > 300


def test_on_paper_there_is_nothing_to_press(visit: Visit) -> None:
    page = settled(visit.open("/?mediator=uae", scheme="dark"))
    page.emulate_media(media="print")
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("#timeline svg")).to_be_visible()
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator("button:visible")).to_have_count(0)


def test_charts_are_drawn_for_paper_and_the_first_page_holds_both_that_show_time(visit: Visit) -> None:
    """Made smaller as pictures, they had words of 5 points, and half of the first page was white."""
    page = settled(visit.open("/", width=703))  # what A4 has between margins
    charts = page.locator(".plot svg")
    on_screen = [chart.get_attribute("width") for chart in charts.all()]
    assert len(on_screen) == 3
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for chart in charts.all():
        expect(chart).to_have_attribute("width", "700")
    last = page.locator("#cumulative").bounding_box()
    assert last is not None
    assert last["y"] + last["height"] < 950  # what Letter has
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    for chart, width in zip(charts.all(), on_screen, strict=True):
        expect(chart).to_have_attribute("width", str(width))


def test_what_is_no_longer_there_is_not_drawn_for_paper(visit: Visit) -> None:
    page = visit.open("/")
    page.add_init_script(NOTING)
    page.reload()
    settled(page)
    expect(page.locator(".plot svg")).to_have_count(3)
    for _ in range(2):
        page.get_by_label("Words").fill("xyzzy")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#summary-title")).to_have_text("No exchange matches")
        page.get_by_role("link", name="Show all exchanges").click()
        expect(page.locator(".plot svg")).to_have_count(3)
    settled(page)
    page.evaluate("() => { window.ran.clear(); dispatchEvent(new Event('beforeprint')); }")
    assert page.evaluate("window.ran.size") == 3


# --- when something is not as wished ---


def test_a_misspelt_mediator_is_told_with_what_was_meant(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/?mediator=UEA&kind=prisoner_exchange", expected={422}))
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("there is no actor 'UEA'")
    expect(page.locator("#list")).to_be_hidden()
    problem.get_by_role("link", name="United Arab Emirates").click()
    page.wait_for_url("**/?mediator=uae&kind=prisoner_exchange")
    settled(page)
    expect(problem).to_be_hidden()
    assert rows(page) == ids(live, "mediator=uae&kind=prisoner_exchange")


def test_a_misspelt_parameter_is_told_with_what_was_meant(visit: Visit) -> None:
    page = settled(visit.open("/?mediatr=UAE", expected={422}))
    page.get_by_role("alert").get_by_role("link", name="mediator=UAE", exact=True).click()
    page.wait_for_url("**/?mediator=UAE")
    expect(page.locator("#summary-title")).to_contain_text("26 exchanges")


def test_a_record_that_is_not_there(visit: Visit) -> None:
    page = settled(visit.open("/?record=2024-12-30-russia-ukrain", expected={404}))
    expect(page.locator("#record")).to_contain_text("There is no exchange '2024-12-30-russia-ukrain'.")
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("#record")).to_be_hidden()


def test_nothing_found_is_a_finding(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/?q=xyzzy"))
    expect(page.locator("#summary-title")).to_have_text("No exchange matches")
    expect(page.locator("#list")).to_be_hidden()
    expect(page.locator("#timeline")).to_be_hidden()
    page.get_by_role("link", name="Show all exchanges").click()
    page.wait_for_url(f"{live.base}/")
    expect(page.locator("#list tbody tr")).to_have_count(50)
    expect(page.locator("#timeline svg")).to_be_visible()


def test_no_connection_and_once_more(visit: Visit) -> None:
    page = settled(visit.open("/"))
    page.context.set_offline(True)
    page.get_by_label("Kind", exact=True).select_option("remains")
    expect(page.get_by_role("alert")).to_contain_text("The service did not answer")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#summary-title")).to_contain_text("bodies of the dead in 63 exchanges")
