"""The queue of proposals on the curator's page, and what becomes of what is sent to it."""

from playwright.sync_api import Route, expect

from db.enums import Role
from tests.browsing import Visit
from tests.curatepage import KNOWN, PATH, Api, enter, open_known, row
from tests.live import Live

PAGE = 20  # proposals that are shown at once


def test_a_long_queue_is_seen_whole_and_each_state_by_itself(own_visit: Visit, own_live: Live) -> None:
    api, contributor = Api.of(own_live), Api.of(own_live, Role.CONTRIBUTOR)
    rejected = contributor.propose({"summary": "One that is rejected."})
    api.send("POST", f"/v1/proposals/{rejected}/reject", reason="No page says so")
    for place in range(PAGE + 2):
        contributor.propose({"summary": f"Another summary, the {place}th."})
    waiting = [each["id"] for each in api.get("/v1/proposals", state="open", limit="100")["data"]]
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    page.get_by_role("button", name=f"Proposals {PAGE + 2} waiting").click()
    cards = page.locator("[data-proposal]")
    expect(cards).to_have_count(PAGE)
    page.get_by_role("button", name="Show more").click()
    expect(cards).to_have_count(PAGE + 2)
    shown = cards.evaluate_all("all => all.map(({ dataset }) => dataset.proposal)")
    assert shown == waiting
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    page.get_by_label("Show", exact=True).select_option("rejected")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("No page says so")
    page.get_by_label("Show", exact=True).select_option("accepted")
    expect(page.get_by_text("There are none that were accepted.")).to_be_visible()


def test_what_is_out_of_date_is_told_and_not_accepted(own_visit: Visit, own_live: Live) -> None:
    proposal = Api.of(own_live, Role.CONTRIBUTOR).propose({"summary": "Theirs."})
    Api.of(own_live).send("PATCH", f"/v1/exchanges/{KNOWN}", {"summary": "Mine."}, reason="It is clearer")
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    page.get_by_role("button", name="Proposals 1 waiting").click()
    card = page.locator(f'[data-proposal="{proposal}"]')
    expect(card).to_contain_text("Its record was written since it was made.")
    expect(card.locator(".changes")).to_have_text("SummaryBeforeMine.AfterTheirs.")
    expect(card.get_by_role("button", name="Accept")).to_be_disabled()
    expect(card.get_by_role("button", name="Reject")).to_be_enabled()


def test_a_note_stands_in_the_history_in_place_of_the_comment(own_visit: Visit, own_live: Live) -> None:
    proposal = Api.of(own_live, Role.CONTRIBUTOR).propose({"summary": "Another summary."}, "A comment")
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    page.get_by_role("button", name="Proposals 1 waiting").click()
    page.get_by_label("Note").fill("Seen on the page")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("article")).to_contain_text("Accepted")
    newest = Api.of(own_live).get(f"/v1/exchanges/{KNOWN}/revisions")["data"][-1]
    assert (newest["number"], newest["reason"]) == (2, f"proposal {proposal}: Seen on the page")


def test_what_is_wrong_in_a_proposal_stands_at_its_fields(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key(Role.CONTRIBUTOR))
    open_known(page)
    count = row(page, "Claim 2").get_by_label("Count", exact=True)
    count.fill("many")
    source = page.get_by_label("Page that says so")
    source.fill("no address")
    page.get_by_label("Comment for the curators").fill("It is clearer")
    page.get_by_role("button", name="Send the proposal").click()
    summary = page.get_by_role("alert", name="The change was not saved")
    summary.get_by_role("link", name="Page that says so: ").click()
    expect(source).to_be_focused()
    expect(source).to_have_attribute("aria-invalid", "true")
    source.fill("https://www.example.org/news/8")
    page.get_by_role("button", name="Send the proposal").click()
    summary.get_by_role("link", name="Claim 2, count: must be").click()
    expect(count).to_be_focused()
    expect(count).to_have_attribute("aria-invalid", "true")


def test_what_got_no_answer_is_not_proposed_twice(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH)
    enter(page, own_live.key(Role.CONTRIBUTOR))
    open_known(page)
    page.get_by_label("Summary").fill("A clearer summary.")
    page.get_by_label("Comment for the curators").fill("It is clearer")
    kept: list[str] = []

    def lose(route: Route) -> None:
        kept.append(route.fetch().json()["id"])
        route.abort()

    page.route("**/v1/proposals", lose, times=1)
    page.get_by_role("button", name="Send the proposal").click()
    expect(page.get_by_role("alert", name="The change was not saved")).to_be_focused()
    page.get_by_role("button", name="Send the proposal").click()
    expect(page.get_by_role("heading", name="Proposed")).to_be_focused()
    waiting = Api.of(own_live).get("/v1/proposals", state="open")["data"]
    assert [each["id"] for each in waiting] == kept
