"""The curator's page for everybody: by keyboard, on a telephone, in both themes, with nothing lost."""

import re

import pytest
from playwright.sync_api import Route, expect

from db.enums import Role
from tests.browsing import NARROW, SCHEMES, Visit, barriers, overflow, tab_to
from tests.curatepage import (
    KNOWN,
    KNOWN_PAGE,
    NEW_PAGE,
    PATH,
    Api,
    asked_when_left,
    describe_new_page,
    enter,
    look_up,
    open_known,
    row,
    save,
    saved,
)
from tests.live import Live


def test_nothing_unsaved_is_lost_without_a_question(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key())
    open_known(page)
    page.get_by_role("button", name="Another article").click()
    expect(page.get_by_role("button", name="Look it up")).to_be_visible()
    open_known(page)
    page.get_by_label("Summary").fill("Unsaved.")
    page.get_by_role("button", name="Another article").click()
    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_label("Summary")).to_have_value("Unsaved.")
    asked = asked_when_left(page)
    expect(page.get_by_label("Summary")).to_have_value("Unsaved.")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Another article").click()
    page.get_by_role("button", name="Put it away").click()
    expect(page.get_by_label("Address of the article")).to_be_focused()
    describe_new_page(page)
    page.get_by_role("button", name="Write a new exchange").click()
    page.get_by_role("button", name="Another article").click()
    expect(page.get_by_role("dialog", name="Put away what you wrote?")).to_be_visible()


def test_all_of_it_by_keyboard_alone(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the work")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, ".door input")
    page.keyboard.type(own_live.key())
    page.keyboard.press("Enter")
    expect(page.get_by_label("Address of the article")).to_be_focused()
    page.keyboard.type(KNOWN_PAGE)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The article is known")).to_be_focused()
    tab_to(page, ".exchanges button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="30 December 2024")).to_be_focused()
    tab_to(page, "#f-parties")
    page.keyboard.type("біларусь")
    expect(page.locator("[role=option]:visible")).to_have_text("Nothing has that name")
    page.keyboard.press("Escape")
    expect(page.locator("[role=listbox]:visible")).to_have_count(0)
    page.keyboard.press("Control+A")
    page.keyboard.type("bela")
    expect(page.locator("#f-parties")).to_have_attribute("aria-expanded", "true")
    option = page.locator("[role=option][aria-selected=true]")
    expect(option).to_contain_text("Belarus")
    expect(page.locator("#f-parties")).to_have_attribute(
        "aria-activedescendant", option.get_attribute("id") or ""
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove Belarus").first).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.get_by_role("button", name="Remove Belarus")).to_have_count(0)
    tab_to(page, "#f-claims")
    page.keyboard.press("Enter")
    expect(
        page.locator("#f-claims-8-released_by, #f-claims-7-released_by, #f-claims-6-released_by").last
    ).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=option]:visible").first).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    tab_to(page, ".row:focus-within .away")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add a claim")).to_be_focused()
    tab_to(page, "#f-reason")
    page.keyboard.type("By keyboard")
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    saved(page)
    assert Api.of(own_live).exchange(KNOWN)["parties"] == ["russia", "ukraine"]


def test_what_was_typed_and_not_chosen_is_told(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    open_known(page)
    page.get_by_label("Parties").fill("Belorus")
    page.keyboard.press("Tab")
    expect(page.locator("#status")).to_have_text("“Belorus” was not chosen")
    said_by = row(page, "Claim 1").get_by_label("Said by")
    said_by.fill("nobody of that name")
    page.keyboard.press("Tab")
    expect(page.locator("#status")).to_have_text("“nobody of that name” was not chosen: Ukraine stays")
    expect(said_by).to_have_value("Ukraine")


def test_an_exchange_that_comes_late_replaces_nothing(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key())
    look_up(page, KNOWN_PAGE)
    held: list[Route] = []
    page.route(f"**/v1/exchanges/{KNOWN}", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no builtin
    with page.expect_request(f"**/v1/exchanges/{KNOWN}"):
        page.get_by_role("button", name="30 December 2024: Russia, Ukraine").click()
    page.get_by_role("button", name="Write a new exchange").click()
    expect(page.get_by_role("heading", name="A new exchange")).to_be_focused()
    with page.expect_response(f"**/v1/exchanges/{KNOWN}") as answer:
        held[0].continue_()
    answer.value.finished()
    page.evaluate("async () => { await (await fetch('/llms.txt')).text(); }")  # the page has read it by now
    expect(page.get_by_role("heading", name="A new exchange")).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_state_can_be_read_by_everybody_on_a_telephone_too(
    own_visit: Visit, own_live: Live, scheme: str
) -> None:
    contributor = Api.of(own_live, Role.CONTRIBUTOR)
    contributor.propose(
        {"summary": "A proposal with one word that is so long: " + "Donaudampfschifffahrt" * 4}
    )
    page = own_visit.open(PATH, width=NARROW, scheme=scheme, expected={401, 412, 422})

    def sound(state: str) -> None:
        assert overflow(page) <= 0, state
        assert barriers(page) == "", state

    sound("the door")
    page.get_by_label("Your key").fill("exk_nothing")
    page.get_by_role("button", name="Go in").click()
    expect(page.get_by_text("There is no such key.")).to_be_visible()
    sound("a key that is refused")
    enter(page, own_live.key())
    look_up(page, NEW_PAGE)
    page.get_by_role("button", name="Use this article").click()
    expect(page.get_by_role("alert", name="The article cannot be cited like this")).to_be_focused()
    sound("a new article")
    look_up(page, KNOWN_PAGE)
    expect(page.get_by_role("heading", name="The article is known")).to_be_focused()
    sound("a known article")
    open_known(page)
    page.get_by_label("Parties").fill("u")
    expect(page.locator("[role=option]:visible").first).to_be_visible()
    sound("a list of suggestions")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert", name="The change was not saved")).to_be_focused()
    sound("a form with faults")
    Api.of(own_live).send(
        "PATCH", f"/v1/exchanges/{KNOWN}", {"summary": "Theirs."}, reason="A colleague was faster"
    )
    page.get_by_label("Summary").fill("Mine.")
    save(page)
    expect(page.get_by_role("region", name="Somebody has written")).to_be_focused()
    sound("the three-way difference")
    page.get_by_role("group", name="Summary").get_by_label("Take mine").check()
    page.get_by_role("button", name="Save with these choices").click()
    saved(page)
    expect(page.get_by_text("A colleague was faster")).to_be_visible()
    sound("a record that was saved")
    page.get_by_role("button", name="Proposals").click()
    expect(page.get_by_text("After", exact=True)).to_be_visible()
    sound("the queue")


def test_no_two_fields_have_one_id(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key())
    look_up(page, "no address")
    expect(page.get_by_label("Address of the article")).to_have_attribute("aria-invalid", "true")
    look_up(page, NEW_PAGE)
    expect(page.get_by_label("Address of the page")).to_have_value(NEW_PAGE)
    twice = page.evaluate("""() => {
        const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
        return ids.filter((id, place) => ids.indexOf(id) !== place);
    }""")
    assert twice == []


def test_controls_are_called_what_is_seen_of_them(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    guide = page.get_by_role("navigation", name="Pages of the service")
    expect(guide.get_by_role("link", name="How to propose")).to_have_attribute("href", "/guide/proposals")
    open_known(page)
    away = row(page, "Claim 2").get_by_role("button", name="Take claim 2 away")
    expect(away).to_have_text("Take claim 2 away")


def test_texts_warn_of_names_and_words_tell_what_they_mean(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    open_known(page)
    claim = row(page, "Claim 2")
    for text in (page.get_by_label("Summary"), page.get_by_label("Reason"), claim.get_by_label("Note")):
        expect(text).to_have_accessible_description(re.compile("never the name of a prisoner or a child"))
    book = Api.of(own_live).get("/v1/codebook")["vocabularies"]
    [words] = [each["words"] for each in book if each["name"] == "covers"]
    covers = page.locator('[data-pointer="/claims/1/covers"]')
    for word in words:
        covers.locator("select").select_option(word["word"])
        expect(covers.locator(".meaning")).to_have_text(word["meaning"])


def test_a_service_that_does_not_answer_is_no_fault_of_the_record(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    open_known(page)
    expect(page.locator('.preview[aria-busy="false"]')).to_be_visible()
    page.route(f"**/v1/exchanges/{KNOWN}?dry_run=true", lambda route: route.abort())
    page.get_by_label("Summary").fill("Written while nobody answers.")
    preview = page.locator(".preview")
    expect(preview).to_contain_text("No preview: the service did not answer. What you write is still here.")
    expect(preview).not_to_contain_text("Not as it can be saved yet")
