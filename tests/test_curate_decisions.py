"""The curator's page where people differ: stale saves, and proposals that are made, accepted and rejected."""

from playwright.sync_api import Locator, expect

from db.enums import Role
from tests.browsing import Visit
from tests.curatepage import KNOWN, PATH, Api, asked_when_left, choose, enter, open_known, row, save, saved
from tests.live import Live


def choices(conflict: Locator) -> dict[str, list[str]]:
    """Give what is chosen for each difference."""
    return {
        row.locator("th").inner_text(): row.locator("input:checked").evaluate_all(
            "all => all.map(({value}) => value)"
        )
        for row in conflict.locator("tbody tr").all()
    }


def test_a_stale_save_shows_three_states_and_is_saved_as_somebody_chose(
    own_visit: Visit, own_live: Live
) -> None:
    api = Api.of(own_live)
    page = own_visit.open(PATH, expected={412})
    enter(page, own_live.key())
    open_known(page)
    before = api.exchange(KNOWN)
    theirs = before | {"summary": "Theirs.", "status": "announced"}
    theirs["claims"] = [dict(each) for each in before["claims"]]
    theirs["claims"][0]["count"] = 190
    theirs["claims"][1]["note"] = "Their note."
    api.send("PUT", f"/v1/exchanges/{KNOWN}", theirs, reason="A colleague was faster")

    page.get_by_label("Summary").fill("Mine.")
    row(page, "Claim 1").get_by_label("Count", exact=True).fill("188")
    row(page, "Claim 3").get_by_label("Rank").select_option("preferred")
    page.get_by_role("button", name="Add a claim").click()
    page.locator("[data-row^=Claim]").last.get_by_label("Count", exact=True).fill("7")
    page.locator("[data-row^=Claim]").last.get_by_label("Covers").select_option("fragment")
    save(page, "My own")
    conflict = page.get_by_role("region", name="Somebody has written this record meanwhile")
    expect(conflict).to_be_focused()
    expect(conflict).to_contain_text("A colleague was faster")
    cells = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()[:3]
        for row in conflict.locator("tbody tr").all()
    }
    assert cells["Summary"] == [before["summary"], "Mine.", "Theirs."]
    assert cells["Status"] == ["Completed", "Completed", "Announced"]
    assert cells["Claim 1, count"] == ["189", "188", "190"]
    assert cells["Claim 2, note"][2] == "Their note."
    assert cells["Claim 3, rank"] == ["Normal", "Preferred", "Normal"]
    assert choices(conflict) == {
        "Summary": [],
        "Status": ["now"],
        "Claim 1, count": [],
        "Claim 2, note": ["now"],
        "Claim 3, rank": ["mine"],
    }

    conflict.get_by_role("button", name="Save with these choices").click()
    expect(conflict.get_by_role("alert")).to_contain_text("Choose for Summary; Claim 1, count")
    conflict.get_by_role("group", name="Summary").get_by_label("Take mine").check()
    conflict.get_by_role("group", name="Claim 1, count").get_by_label("Take what stands").check()
    conflict.get_by_role("button", name="Save with these choices").click()
    saved(page)
    after = api.exchange(KNOWN)
    assert after["revision"] == 3
    assert (after["summary"], after["status"]) == ("Mine.", "announced")
    assert after["claims"][0]["count"] == 190
    assert after["claims"][1]["note"] == "Their note."
    assert after["claims"][2]["rank"] == "preferred"
    assert (after["claims"][-1]["count"], after["claims"][-1]["covers"]) == (7, "fragment")
    assert after["mediations"] == before["mediations"]


def test_lists_that_both_changed_are_united_and_what_one_took_out_is_gone(
    own_visit: Visit, own_live: Live
) -> None:
    api = Api.of(own_live)
    before = api.exchange(KNOWN)
    others = [
        each for each in api.get("/v1/articles", limit="100")["data"] if each["id"] not in before["citations"]
    ]
    base, mine, theirs = others[:3]
    cited = [*before["citations"], base["id"]]
    api.send("PATCH", f"/v1/exchanges/{KNOWN}", {"citations": cited}, reason="A test")
    page = own_visit.open(PATH, expected={412})
    enter(page, own_live.key())
    open_known(page)
    articles = page.locator('[data-pointer="/citations"]')
    place = api.exchange(KNOWN)["citations"].index(base["id"])
    articles.locator(".chosen button").nth(place).click()
    choose(articles.get_by_role("combobox"), mine["url"], "")
    expect(articles.locator(".chosen li")).to_have_count(len(cited))
    row(page, "Claim 4").get_by_label("Rank").select_option("preferred")
    row(page, "Claim 1").get_by_role("button", name="Take claim 1 away").click()
    now = api.exchange(KNOWN) | {
        "citations": [*cited, theirs["id"]],
        "claims": [each for each in before["claims"] if each["id"][-3:] not in {":c3", ":c4"}],
    }
    api.send("PUT", f"/v1/exchanges/{KNOWN}", now, reason="A colleague was faster")
    save(page, "My own")
    conflict = page.get_by_role("region", name="Somebody has written this record meanwhile")
    expect(conflict).to_be_focused()
    assert choices(conflict) == {"Articles": ["both"], "Claim 1": ["mine"], "Claim 3": ["now"], "Claim 4": []}
    conflict.get_by_role("group", name="Claim 4").get_by_label("Take mine").check()
    conflict.get_by_role("button", name="Save with these choices").click()
    saved(page)
    after = api.exchange(KNOWN)
    assert set(after["citations"]) == {*before["citations"], mine["id"], theirs["id"]}
    ranks = {each["id"].rpartition(":")[2]: each["rank"] for each in after["claims"]}
    assert ranks == {"c2": "normal", "c5": "normal", "c6": "normal", "c7": "normal", "c8": "preferred"}
    [again] = [each for each in before["claims"] if each["id"].endswith(":c4")]  # what is gone has a new id
    assert after["claims"][-1] == again | {"id": f"{KNOWN}:c8", "rank": "preferred"}


def test_a_contributor_proposes_and_may_take_it_back(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key(Role.CONTRIBUTOR))
    expect(page.get_by_text("what you save becomes a proposal")).to_be_visible()
    open_known(page)
    page.get_by_label("Summary").fill("A clearer summary.")
    page.get_by_role("button", name="Send the proposal").click()
    page.get_by_role("link", name="Comment for the curators: is needed").click()
    page.keyboard.type("It is clearer")
    page.get_by_role("button", name="Send the proposal").click()
    expect(page.get_by_role("heading", name="Proposed")).to_be_focused()
    api = Api.of(own_live)
    [proposal] = api.get("/v1/proposals", state="open")["data"]
    assert proposal["content"] == {"summary": "A clearer summary."}
    assert (proposal["base_revision"], proposal["comment"]) == (1, "It is clearer")
    assert api.exchange(KNOWN)["revision"] == 1
    page.get_by_role("button", name="Proposals").click()
    expect(page.get_by_text("A clearer summary.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("article")).to_contain_text("Taken back")
    assert api.get("/v1/proposals", state="open")["meta"]["total"] == 0

    page.get_by_role("button", name="Write", exact=True).click()  # the same once more is another proposal
    page.get_by_role("button", name="Next article").click()
    open_known(page)
    page.get_by_label("Summary").fill("A clearer summary.")
    page.get_by_label("Comment for the curators").fill("It is clearer")
    page.get_by_role("button", name="Send the proposal").click()
    expect(page.get_by_role("heading", name="Proposed")).to_be_focused()
    [second] = api.get("/v1/proposals", state="open")["data"]
    assert second["id"] != proposal["id"]
    assert second["content"] == proposal["content"]


def test_a_note_survives_a_look_at_the_other_side(own_visit: Visit, own_live: Live) -> None:
    Api.of(own_live, Role.CONTRIBUTOR).propose({"summary": "Another summary."})
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    page.get_by_role("button", name="Proposals 1 waiting").click()
    page.get_by_label("Note").fill("No page says so")
    page.get_by_role("button", name="Write", exact=True).click()
    page.get_by_role("button", name="Proposals 1 waiting").click()
    expect(page.get_by_label("Note")).to_have_value("No page says so")
    asked = asked_when_left(page)
    expect(page.get_by_label("Note")).to_have_value("No page says so")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("article")).to_contain_text("Rejected")
    page.get_by_label("Show").select_option("rejected")
    expect(page.get_by_label("Show")).to_be_focused()


def test_a_refusal_is_told_even_if_nobody_can_say_why(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={412})
    enter(page, own_live.key())
    open_known(page)
    page.get_by_label("Summary").fill("Mine.")
    expect(page.locator('.preview[aria-busy="false"]')).to_be_visible()
    theirs = {"summary": "Theirs."}
    Api.of(own_live).send("PATCH", f"/v1/exchanges/{KNOWN}", theirs, reason="A colleague was faster")
    path = f"**/v1/exchanges/{KNOWN}"
    page.route(path, lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    save(page, "My own")
    expect(page.get_by_role("alert", name="The change was not saved")).to_be_focused()
    page.unroute_all()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="Somebody has written this record meanwhile")).to_be_focused()


def test_proposals_are_accepted_and_rejected(own_visit: Visit, own_live: Live) -> None:
    api, contributor = Api.of(own_live), Api.of(own_live, Role.CONTRIBUTOR)
    bad = contributor.propose({"status": "cancelled"}, "I doubt it")
    good = contributor.propose({"summary": "Each side handed over people on the eve of the new year."})
    page = own_visit.open(PATH, expected={412, 422})
    enter(page, own_live.key())
    page.get_by_role("button", name="Proposals 2 waiting").click()
    rejected, accepted = (page.locator(f'[data-proposal="{each}"]') for each in (bad, good))
    expect(rejected.locator(".changes")).to_have_text("StatusBeforeCompletedAfterCancelled")
    expect(accepted.locator('[data-figure="russia.ukraine.persons"]')).to_contain_text("189")
    rejected.get_by_role("button", name="Reject").click()
    rejected.get_by_role("link", name="Note: is needed").click()
    page.keyboard.type("No page says so")
    rejected.get_by_role("button", name="Reject").click()
    expect(rejected).to_contain_text("Rejected")
    assert contributor.get(f"/v1/proposals/{bad}")["decision_reason"] == "No page says so"

    edited = contributor.get(f"/v1/proposals/{good}")
    again = {
        name: edited[name]
        for name in ("action", "resource", "record_id", "base_revision", "content", "source_url")
    }
    contributor.send("PUT", f"/v1/proposals/{good}", again | {"comment": "As the page has it now"})
    accepted.get_by_role("button", name="Accept").click()
    accepted.get_by_role("button", name="Show it as it is now").click()
    expect(accepted).to_contain_text("As the page has it now")
    accepted.get_by_role("button", name="Accept").click()
    expect(accepted).to_contain_text("Accepted")
    expect(page.get_by_role("button", name="Proposals", exact=True)).to_be_visible()
    record = api.exchange(KNOWN)
    assert (record["revision"], record["status"]) == (2, "completed")
    assert record["summary"] == "Each side handed over people on the eve of the new year."


def test_a_save_never_goes_to_the_record_that_it_was_merged_into(own_visit: Visit, own_live: Live) -> None:
    api = Api.of(own_live)
    page = own_visit.open(PATH, expected={409, 410, 412})
    enter(page, own_live.key())
    open_known(page)
    page.get_by_label("Summary").fill("Mine.")
    expect(page.locator('.preview[aria-busy="false"]')).to_be_visible()
    other = "2024-10-18-russia-ukraine"
    api.send("POST", f"/v1/exchanges/{KNOWN}/merge", into=other, reason="They are one")
    before = api.exchange(other)
    save(page, "My own")
    refusal = page.get_by_role("alert", name="The change was not saved")
    expect(refusal).to_be_focused()
    expect(refusal.get_by_role("link", name=other)).to_have_attribute("href", f"/?record={other}")
    assert api.exchange(other) == before
