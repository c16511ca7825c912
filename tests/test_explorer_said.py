"""What the explorer says, and that it reaches its readers: over a record, aloud, and without scripts."""

import re

import pytest
from playwright.sync_api import expect

from tests.browsing import NARROW, Visit, overflow
from tests.exploring import NEW_YEAR, opened, settled

WIDTH_OF_CHOICES = """select => {
    const pen = document.createElement("canvas").getContext("2d");
    const style = getComputedStyle(select);
    pen.font = style.font;
    const widest = Math.max(...[...select.options].map(({ text }) => pen.measureText(text).width));
    return [widest, select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 16];
}"""


def test_what_is_copied_in_a_record_is_said_over_it(visit: Visit) -> None:
    page = opened(settled(visit.open(f"/?record={NEW_YEAR}")))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#record").get_by_role("button", name="Copy API URL").click()
    said = page.get_by_role("status")  # what is inert has no role
    expect(said).to_have_text("API URL copied")
    assert said.evaluate("""each => {
        const { x, y, width, height } = each.getBoundingClientRect();
        return document.elementFromPoint(x + width / 2, y + height / 2) === each;
    }""")
    page.get_by_role("button", name="Close the record").click()
    page.locator("#tools").get_by_role("button", name="Copy API URL").click()
    expect(page.get_by_role("status")).to_have_text("API URL copied")


def test_charts_are_told_in_words(visit: Visit) -> None:
    page = settled(visit.open("/"))
    for begins in ("Bars by month. In all: ", "Bars, the longest first: ", "A line that rises from 0 to "):
        picture = page.get_by_role("img", name=re.compile(f"^{begins}"))
        expect(picture).to_have_count(1)
        assert picture.get_attribute("aria-roledescription") is None
        expect(picture.locator("svg")).to_have_attribute("aria-hidden", "true")


@pytest.mark.parametrize(
    ("query", "told"), [("q=xyzzy&kind=remains", False), ("mediator=uae&date_to=2000-01-01", True)]
)
def test_words_may_be_misspelt_and_names_not(visit: Visit, query: str, told: bool) -> None:
    page = settled(visit.open(f"/?{query}"))
    text = page.locator("#summary-text")
    expect(text).to_contain_text("Each filter alone may match something")
    assert ("misspelling" in text.inner_text()) is told


def test_without_scripts_nothing_waits_for_them(visit: Visit) -> None:
    page = visit.open("/", width=NARROW, javascript=False)
    picture = page.get_by_role("img")
    expect(picture).to_have_attribute("alt", "Living people handed over, by quarter and direction")
    assert picture.evaluate("picture => picture.complete && picture.naturalWidth > 0")
    assert overflow(page) == 0
    expect(page.get_by_text("Loading the exchanges")).to_be_hidden()
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.get_by_role("link", name="whole list as CSV")).to_be_visible()


def test_choices_are_seen_whole(visit: Visit) -> None:
    page = settled(visit.open("/"))
    for name in ("mediator", "kind", "dispute"):
        wanted, room = page.locator(f"#f-{name}").evaluate(WIDTH_OF_CHOICES)
        assert wanted <= room, name


def test_what_a_filter_says_by_its_name_is_not_said_twice(visit: Visit) -> None:
    page = settled(visit.open("/?disputed=false"))
    expect(page.locator("#chips .chip")).to_have_text(["disputed no×"])
    page = settled(visit.open("/?disputed_by_parties=true"))
    expect(page.locator("#chips .chip")).to_have_text(["disputed by the two sides ×"])
    page.get_by_role("link", name="Remove the filter disputed by the two sides", exact=True).click()
    page.wait_for_url(f"{visit.base}/")


def test_bars_of_other_mediators_are_explained(visit: Visit) -> None:
    page = settled(visit.open("/?mediator=uae"))
    expect(page.locator("#by-mediator .note")).to_contain_text(
        "The grey bars count all exchanges of the others"
    )
    page = settled(visit.open("/"))
    expect(page.locator("#by-mediator .note")).not_to_contain_text("grey")


def test_two_sides_are_two(visit: Visit) -> None:
    page = opened(visit.open(f"/?record={NEW_YEAR}"))
    told = page.locator("#record .taken p", has_text="Disputed by the two sides").first.inner_text()
    sides, _, others = told.partition(".")
    assert sides == "Disputed by the two sides: Ukraine says 189 and Russia says 150"
    assert others.strip() == "Besides, the United Arab Emirates says 150."
