"""The explorer is for everybody: without a mouse, on a telephone, with a screen reader, by day and night."""

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import NARROW, SCHEMES, Visit, barriers, overflow, tab_to
from tests.exploring import NEW_YEAR, ids, opened, rows, settled
from tests.live import Live

VIEWS = {
    "all": "/",
    "chosen": "/?mediator=uae&date_from=2024-01-01&date_to=2024-12-31",
    "record": f"/?record={NEW_YEAR}",
    "nothing": "/?q=xyzzy",
    "problem": "/?mediator=UEA",
}


def unfold(page: Page) -> None:
    """Show what is folded away, unless a record lies over it."""
    if page.locator("#record").is_hidden():
        for details in page.locator("details:visible").all():
            details.locator("summary").click()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_keeps_anybody_out(visit: Visit, view: str, scheme: str) -> None:
    page = opened(settled(visit.open(VIEWS[view], scheme=scheme, expected={422})))
    unfold(page)
    assert barriers(page) == ""


@pytest.mark.parametrize("view", VIEWS)
def test_a_telephone_is_wide_enough(visit: Visit, view: str) -> None:
    page = opened(settled(visit.open(VIEWS[view], width=NARROW, expected={422})))
    assert overflow(page) == 0
    unfold(page)
    if view == "record":
        page.locator("#record").get_by_role("button", name="Cite this").click()
        expect(page.locator("#record .citation")).to_be_visible()
        assert page.evaluate("document.querySelector('#record').scrollWidth") <= NARROW
    assert overflow(page) == 0
    assert barriers(page) == ""


def test_with_the_keyboard_alone(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    tab_to(page, "#f-q")
    page.keyboard.type("UAE")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=UAE")
    settled(page)
    tab_to(page, "#timeline summary")
    page.keyboard.press("Enter")
    tab_to(page, '#timeline [data-key="2024-12-01"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**date_from=2024-12-01**")
    settled(page)
    expect(page.locator('#timeline [data-key="2024-12-01"]')).to_be_focused()  # where it was
    assert rows(page) == ids(live, "q=UAE&date_from=2024-12-01&date_to=2024-12-31")
    tab_to(page, f'#list [data-key="{NEW_YEAR}"]')
    page.keyboard.press("Enter")
    opened(page)
    expect(page.get_by_role("button", name="Close the record")).to_be_focused()
    tab_to(page, "#record .tools button")
    page.keyboard.press("Enter")
    expect(page.locator("#record .citation")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#record")).to_be_hidden()
    expect(page.locator(f'#list [data-key="{NEW_YEAR}"]')).to_be_focused()  # where it was


def test_what_goes_away_leaves_the_focus_near(visit: Visit) -> None:
    page = settled(visit.open("/?mediator=uae&kind=prisoner_exchange"))
    for left in ("#chips a >> nth=0", "#results"):
        page.locator("#chips a").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator(left)).to_be_focused()
        settled(page)
        expect(page.locator(left)).to_be_focused()
    page.get_by_role("link", name="Next page").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**cursor=**")
    settled(page)
    expect(page.locator("#list-title")).to_be_focused()
