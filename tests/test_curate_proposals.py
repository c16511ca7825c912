"""What a curator sees of a proposal before it is public: all of it, whatever it is about."""

from copy import deepcopy
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from db.enums import Role
from tests.browsing import NARROW, Visit, barriers, overflow
from tests.curatepage import KNOWN, PATH, Api, enter
from tests.live import Live

CITED = "al-jazeera-2024-12-30"
LONG = "Each side handed over people on the eve of the new year, " * 3 + "and this comes last."
NOTE = "A remark of the articles, " * 5 + "and this ends it."
NEW_ARTICLE = {
    "url": "https://www.example.org/news/9",
    "title": "A title of a page " * 6 + "that ends here",
    "publisher": "al-jazeera",
    "published_on": "2026-06-02",
    "language": "en",
}
CREATED = {
    "kind": "prisoner_exchange",
    "status": "completed",
    "date": "2026-06-02",
    "date_end": None,
    "date_precision": "day",
    "parties": ["russia", "ukraine"],
    "summary": LONG,
    "agreement": None,
    "location": {"name": "A checkpoint of the north", "citations": [CITED]},
    "claims": [
        {
            "released_by": "russia",
            "received_by": "ukraine",
            "category": "total",
            "count": 10,
            "qualifier": "exact",
            "claimant": "ukraine",
            "covers": "all",
            "rank": "normal",
            "note": NOTE,
            "citations": [CITED, NEW_ARTICLE],
        }
    ],
    "mediations": [
        {"actor": "uae", "role": "mediator", "stance": "asserts", "claimant": None, "citations": [CITED]}
    ],
    "citations": [CITED],
    "overlaps": [],
}


def queue(visit: Visit, live: Live, **how: Any) -> Page:
    page = visit.open(PATH, **how)
    enter(page, live.key())
    page.get_by_role("button", name="Proposals").click()
    return page


def card(page: Page, proposal: str) -> Locator:
    """Give a proposal's card once all of it is shown."""
    found = page.locator(f'[data-proposal="{proposal}"]')
    expect(found.get_by_role("button", name=f"Accept ({proposal})", exact=True)).to_be_enabled()
    return found


def test_a_change_is_shown_whole(own_visit: Visit, own_live: Live) -> None:
    api = Api.of(own_live)
    before = api.exchange(KNOWN)
    claims = deepcopy(before["claims"])
    claims[0] |= {"note": NOTE, "citations": [*claims[0]["citations"], NEW_ARTICLE]}
    new = CREATED["claims"][0] | {"count": 7, "covers": "fragment", "citations": [CITED]}
    content = {"summary": LONG, "claims": [new, *claims[:-1]], "date_end": "2024-12-31"}
    proposal = Api.of(own_live, Role.CONTRIBUTOR).propose(content)
    page = queue(own_visit, own_live)
    shown = card(page, proposal)
    changes = shown.locator(".changes").first
    for text in (before["summary"], LONG, NOTE, NEW_ARTICLE["title"], NEW_ARTICLE["url"]):
        expect(changes).to_contain_text(str(text).strip())
    labels = changes.locator("> li > b").all_inner_texts()
    last = claims[-1]["id"].rpartition(":c")[2]
    assert sorted(labels) == sorted(
        ["Last day", "Summary", "Claim", "Claim 1, note", "Claim 1, articles", f"Claim {last}"]
    )
    gone = changes.locator("> li", has_text="Taken out")
    expect(gone).to_contain_text(str(claims[-1]["count"]))
    article = api.get(f"/v1/articles/{claims[-1]['citations'][0]}")
    expect(gone.get_by_role("link", name=article["url"])).to_have_attribute("href", article["url"])
    record = shown.get_by_role("link", name=KNOWN, exact=True)
    expect(record).to_have_attribute("href", f"/?record={KNOWN}")
    assert barriers(page) == ""


@pytest.mark.parametrize("width", [1280, NARROW])
def test_a_new_record_is_shown_whole(own_visit: Visit, own_live: Live, width: int) -> None:
    api = Api.of(own_live, Role.CONTRIBUTOR)
    known = api.get(f"/v1/articles/{CITED}")
    proposal = api.propose(CREATED, action="create", record_id=None, base_revision=None)
    page = queue(own_visit, own_live, width=width)
    says = card(page, proposal).locator(".changes").first
    claim = says.locator("> li", has_text="Claims").locator(".parts > li")
    expect(claim).to_contain_text("Russia to Ukraine: 10 people in all, according to Ukraine.")
    expect(claim).to_contain_text(NOTE)
    for text in (NEW_ARTICLE["title"], NEW_ARTICLE["url"], known["url"], "2 June 2026"):
        expect(claim).to_contain_text(str(text).strip())
    place = says.locator("> li", has_text="A checkpoint of the north")
    expect(place.get_by_role("link", name=known["url"])).to_be_visible()
    mediation = says.locator("> li", has_text="The United Arab Emirates as mediator")
    expect(mediation.get_by_role("link", name=known["url"])).to_be_visible()
    assert overflow(page) == 0
    assert barriers(page) == ""


def test_a_record_is_taken_out_by_two_clicks(own_visit: Visit, own_live: Live) -> None:
    api = Api.of(own_live)
    record = api.exchange(KNOWN)
    proposal = Api.of(own_live, Role.CONTRIBUTOR).propose(None, action="delete")
    page = queue(own_visit, own_live)
    shown = card(page, proposal)
    says = shown.locator(".changes").first
    expect(says.locator("> li", has_text="Summary")).to_contain_text(record["summary"])
    expect(says.locator("> li", has_text="Claims").locator(".parts > li")).to_have_count(
        len(record["claims"])
    )
    expect(says).to_contain_text("Russia to Ukraine: 189 people in all, according to Ukraine.")
    expect(says).not_to_contain_text("{")
    shown.get_by_role("button", name="Accept").click()
    question = page.get_by_role("dialog", name=f"Take out the exchange {KNOWN}?")
    question.get_by_role("button", name="Go back").click()
    assert api.get(f"/v1/proposals/{proposal}")["state"] == "open"
    shown.get_by_role("button", name="Accept").click()
    question.get_by_role("button", name="Take it out").click()
    expect(shown).to_contain_text("Accepted")
    expect(says).to_contain_text(record["summary"])  # and what it was can still be seen
    assert api.get(f"/v1/proposals/{proposal}")["state"] == "accepted"


def test_a_record_of_another_kind_is_shown_whole(own_visit: Visit, own_live: Live) -> None:
    api = Api.of(own_live)
    alias = "The country of the long other name " * 4
    content = {"aliases": [*api.get("/v1/actors/uae")["aliases"], alias.strip()]}
    proposal = Api.of(own_live, Role.CONTRIBUTOR).propose(
        content, resource="actor", record_id="uae", base_revision=1
    )
    shown = card(queue(own_visit, own_live), proposal)
    expect(shown.locator(".changes").first).to_contain_text(alias.strip())
    expect(shown.get_by_role("link", name="uae", exact=True)).to_have_attribute("href", "/v1/actors/uae")


def test_what_cannot_be_shown_cannot_be_accepted(own_visit: Visit, own_live: Live) -> None:
    proposal = Api.of(own_live, Role.CONTRIBUTOR).propose({"summary": LONG})
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    page.route("**/diff", lambda route: route.abort())
    page.get_by_role("button", name="Proposals").click()
    expect(page.get_by_text("Check the connection")).to_be_visible()
    expect(page.get_by_role("button", name="Accept")).to_be_disabled()
    expect(page.get_by_role("button", name="Reject")).to_be_enabled()
    page.unroute_all()
    page.get_by_role("button", name="Show it again").click()
    expect(card(page, proposal).locator(".changes").first).to_contain_text(LONG)


def test_a_page_is_named_by_whoever_proposes(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(f"{PATH}?exchange={KNOWN}", expected={422})
    enter(page, own_live.key(Role.CONTRIBUTOR))
    source = page.get_by_label("Page that says so")
    expect(source).to_have_value("")
    page.get_by_label("Summary").fill("Another summary.")
    expect(page.locator(".preview").get_by_text("1 change")).to_be_visible()  # tried out without it
    page.get_by_label("Comment for the curators").fill("It is clearer")
    page.get_by_role("button", name="Send the proposal").click()
    page.get_by_role("link", name="Page that says so: is needed").click()
    expect(source).to_be_focused()
    page.keyboard.type("https://www.example.org/news/8")
    page.get_by_role("button", name="Send the proposal").click()
    expect(page.get_by_role("heading", name="Proposed")).to_be_focused()
    [proposal] = Api.of(own_live).get("/v1/proposals", state="open")["data"]
    assert proposal["source_url"] == "https://www.example.org/news/8"
