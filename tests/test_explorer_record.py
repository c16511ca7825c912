"""What the explorer tells of one record: no more than is known, and all that a reader must know of it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Visit
from tests.exploring import NEW_YEAR, asked, opened
from tests.live import Live


def record(visit: Visit, query: str) -> Page:
    return opened(visit.open(f"/?record={query}"))


def test_a_month_is_not_told_as_a_day(visit: Visit) -> None:
    page = record(visit, "2026-06-07-russia-ukraine")
    expect(page.locator("#record .dateline time")).to_have_text("June 2026")


@pytest.mark.parametrize(
    ("query", "way", "told"),
    [
        (
            "2014-08-26-dpr-ukraine",
            "Ukraine to the Donetsk",
            "1 is taken because Ukraine states it: the receiving side gives no overall number",
        ),
        ("2014-09-12-dpr-ukraine", "Ukraine to the Donetsk", "31 is taken from the articles’ own voice"),
        (
            "2023-10-16-russia-ukraine-civilian-return",
            "Russia to Ukraine",
            "4 is taken because Qatar, a mediator, states it: neither side gives an overall number",
        ),
        (
            "2023-06-08-russia-hungary-transfer",
            "Russia to Hungary",
            "11 is taken because Ukraine states it: neither side and no mediator gives an overall number",
        ),
    ],
)
def test_why_a_number_is_taken_that_is_not_the_receiving_sides(
    visit: Visit, query: str, way: str, told: str
) -> None:
    direction = record(visit, query).locator("#record section.direction", has_text=way)
    expect(direction.locator(".taken")).to_contain_text(told)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("2014-12-26-dpr-ukraine", "Not counted: known to be wrong"),
        ("2014-12-27-dpr-lpr-ukraine", "Not counted: one group, or an early report"),
    ],
)
def test_a_claim_that_does_not_count_says_so(live: Live, visit: Visit, query: str, told: str) -> None:
    claims = asked(live, f"/v1/exchanges/{query}")["claims"]
    left_out = [each for each in claims if each["rank"] == "deprecated" or each["covers"] == "fragment"]
    marked = record(visit, query).locator("#record .claim.uncounted")
    expect(marked).to_have_count(len(left_out))
    expect(marked.filter(has_text=told).first).to_be_visible()


def test_who_denies_a_mediation_does_not_assert_it(visit: Visit) -> None:
    page = record(visit, "2022-12-08-russia-united-states")
    told = page.locator("#record .mediations li", has_text="the United States denies it")
    expect(told.locator("b")).to_have_text(["United Arab Emirates", "Saudi Arabia"])


def test_people_who_are_in_another_record_too_lead_there(visit: Visit) -> None:
    page = record(visit, "2023-06-20-hungary-ukraine-transfer")
    other = "2023-06-08-russia-hungary-transfer"
    told = f"3 of those from Hungary to Ukraine are in {other}: Three of the eleven handed to Hungary."
    expect(page.get_by_text(told)).to_be_visible()
    page.get_by_role("link", name=other).click()
    expect(opened(page).locator("#record h3").first).to_have_text("Russia to Hungary")


def test_articles_are_not_counted_as_independent(live: Live, visit: Visit) -> None:
    known = asked(live, "/v1/exchanges?kind=prisoner_exchange&limit=1000")["data"]
    chosen = next(each for each in known if len(each["articles"]) > each["independent_sources"])
    heading = record(visit, chosen["id"]).get_by_role("heading", name="Sources")
    articles, independent = len(chosen["articles"]), chosen["independent_sources"]
    expect(heading).to_have_text(f"Sources: {articles} articles, {independent} independent")


def test_a_record_of_another_day_is_taken_along_as_it_stood_then(visit: Visit) -> None:
    page = record(visit, f"{NEW_YEAR}&as_of=1").locator("#record")
    csv = page.get_by_role("link", name="Download CSV")
    expect(csv).to_have_attribute("href", re.compile(rf"\?exchange={NEW_YEAR}&as_of=1$"))
    page.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    page.get_by_role("button", name="Copy API URL").click()
    expect(page.get_by_label("API URL")).to_have_value(f"{visit.base}/v1/exchanges/{NEW_YEAR}?as_of=1")
