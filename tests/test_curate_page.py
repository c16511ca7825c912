"""The curator's page in a real browser, against a real server: keys, forms, figures, conflicts, proposals."""

import httpx
from playwright.sync_api import expect

from db.enums import Role
from tests.browsing import Visit
from tests.curatepage import (
    KNOWN,
    KNOWN_PAGE,
    NEW_PAGE,
    PATH,
    Api,
    best_of,
    choose,
    describe_new_page,
    direction_of,
    enter,
    figures,
    look_up,
    open_known,
    row,
    save,
    saved,
)
from tests.live import Live

THERE = "2022-06-10-russia-ukraine"  # five against four


def test_the_page_is_served_strictly_and_its_files_for_good(live: Live) -> None:
    page = httpx.get(live.base + PATH)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<style" not in page.text
    assert page.text.count("<script") == page.text.count('<script type="module" src="/curate/')
    assert httpx.get(live.base + PATH, headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    script = page.text.partition('<script type="module" src="')[2].partition('"')[0]
    asset = httpx.get(live.base + script)
    assert asset.headers["content-type"].startswith("text/javascript")
    assert "immutable" in asset.headers["cache-control"]
    version = script.split("/")[2]
    for missing in (script.replace(version, "0" * 20), script.replace("main.js", "nothing.js")):
        assert httpx.get(live.base + missing).status_code == 404


def test_a_key_is_taken_only_if_it_holds_and_kept_in_memory_alone(own_visit: Visit, own_live: Live) -> None:
    key = own_live.key()
    page = own_visit.open(PATH, expected={401})
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("request", lambda request: seen.append(request.url))
    page.get_by_label("Your key").fill("exk_nothing")
    page.get_by_role("button", name="Go in").click()
    field = page.get_by_label("Your key")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("")
    expect(page.get_by_text("There is no such key.")).to_be_visible()
    enter(page, key)
    expect(page.get_by_text("a curator, curator: what you save is written at once")).to_be_visible()
    open_known(page)
    kept = page.evaluate(
        """async () => JSON.stringify([
            document.cookie, location.href, history.state, name,
            await indexedDB.databases(), await caches.keys(), document.documentElement.outerHTML,
            [...document.querySelectorAll("input, textarea")].map((each) => each.value),
        ])"""
    )
    assert key not in kept
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert page.context.cookies() == []
    assert not [text for text in seen if key in text]
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_label("Your key")).to_be_focused()
    expect(page.get_by_role("button", name="Look it up")).to_be_hidden()
    enter(page, key)
    expect(page.get_by_role("heading", name="30 December 2024: Russia, Ukraine")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Your key")).to_have_value("")


def test_what_comes_due_after_the_key_was_forgotten_is_not_asked(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH)
    page.clock.install()
    enter(page, own_live.key())
    open_known(page)
    page.clock.run_for(60_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Summary").fill("Another summary.")
    page.get_by_role("button", name="Forget the key").click()
    page.get_by_label("Your key").fill("exk_half")
    page.clock.run_for(60_000)
    expect(page.get_by_label("Your key")).to_have_value("exk_half")
    page.get_by_label("Your key").fill(own_live.key(Role.CONTRIBUTOR))
    page.get_by_role("button", name="Go in").click()
    expect(page.get_by_label("Summary")).to_have_value("Another summary.")
    page.clock.run_for(60_000)
    expect(page.get_by_role("button", name="Send the proposal")).to_be_visible()
    assert asked[0].endswith("/v1/me")


def test_a_key_that_ends_meanwhile_leaves_what_was_written(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={401})
    enter(page, own_live.key())
    open_known(page)
    page.route(
        "**/v1/exchanges/**",
        lambda route: route.continue_(headers={**route.request.headers, "authorization": "Bearer exk_gone"}),
    )
    page.get_by_label("Summary").fill("Another summary.")
    expect(page.get_by_role("alert").filter(has_text="What you wrote is still here")).to_be_visible()
    page.unroute_all()
    enter(page, own_live.key(Role.CONTRIBUTOR))
    expect(page.get_by_label("Summary")).to_have_value("Another summary.")
    expect(page.get_by_role("button", name="Send the proposal")).to_be_visible()


def test_from_an_articles_address_to_a_stored_record(own_visit: Visit, own_live: Live) -> None:
    api = Api.of(own_live)
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key())
    describe_new_page(page)
    page.get_by_role("button", name="Write a new exchange").click()

    page.get_by_label("Kind").select_option("prisoner_exchange")
    page.get_by_label("Date", exact=True).fill("2026-06-01")
    choose(page.get_by_label("Parties"), "Россия", "Russia")
    choose(page.get_by_label("Parties"), "ukr", "Ukraine")
    page.get_by_label("Summary").fill("An exchange of 103 against 101.")
    page.get_by_label("Place", exact=True).fill("The border of Belarus")
    choose(page.get_by_label("Articles that state the place"), "example.org/news/7", "Al Jazeera")
    for place, (count, claimant) in enumerate([("103", "Ukraine"), ("101", "Russia")], 1):
        page.get_by_role("button", name="Add a claim").click()
        claim = row(page, f"Claim {place}")
        claim.get_by_label("Count", exact=True).fill(count)
        choose(claim.get_by_label("Said by"), claimant, claimant)
    second = row(page, "Claim 2")
    second.get_by_label("Whom it counts").select_option("military")
    second.get_by_label("Wording").select_option("at_least")
    choose(second.get_by_label("Released by"), "україна", "Ukraine")
    choose(second.get_by_label("Received by"), "RUS", "Russia")
    second.get_by_label("Note").fill("Soldiers and sergeants.")
    page.get_by_role("button", name="Add a mediation").click()
    mediation = row(page, "Mediation 1")
    choose(mediation.get_by_label("Who"), "оаэ", "United Arab Emirates")
    choose(mediation.get_by_label("Said by"), "Russia", "Russia")
    expect(page.locator('[data-figure="ukraine.russia.military"]')).to_be_visible()
    expect(page.locator('.preview[aria-busy="false"]')).to_be_visible()
    shown = figures(page)
    assert api.get("/v1/articles", url=NEW_PAGE)["meta"]["total"] == 0
    save(page, "The page of 2 June tells of it")
    saved(page)

    record = api.exchange("2026-06-01-russia-ukraine")
    [article] = [each for each in record["articles"] if "example.org" in each["url"]]
    assert (article["publisher"], article["agency"], article["published_on"]) == (
        "al-jazeera",
        "reuters",
        "2026-06-02",
    )
    cites = [article["id"]]
    assert record["citations"] == cites
    assert record["parties"] == ["russia", "ukraine"]
    assert record["location"] == {"name": "The border of Belarus", "citations": cites}
    common = {"covers": "all", "rank": "normal", "citations": cites}
    id_ = record["id"]
    assert record["claims"] == [
        common
        | {
            "id": f"{id_}:c1",
            "released_by": "russia",
            "received_by": "ukraine",
            "category": "total",
            "count": 103,
            "qualifier": "exact",
            "claimant": "ukraine",
            "note": None,
        },
        common
        | {
            "id": f"{id_}:c2",
            "released_by": "ukraine",
            "received_by": "russia",
            "category": "military",
            "count": 101,
            "qualifier": "at_least",
            "claimant": "russia",
            "note": "Soldiers and sergeants.",
        },
    ]
    assert record["mediations"] == [
        {
            "id": f"{id_}:m1",
            "actor": "uae",
            "role": "mediator",
            "stance": "asserts",
            "claimant": "russia",
            "citations": cites,
        }
    ]
    assert shown == {direction_of(each): best_of(each) for each in record["figures"]}
    assert shown["russia.ukraine.persons"] == "103"
    [revision] = api.get(f"/v1/exchanges/{id_}/revisions")["data"]
    assert revision["reason"] == "The page of 2 June tells of it"


def test_a_new_article_leads_to_the_exchanges_of_its_days(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key())
    describe_new_page(page, "2024-12-31")
    expect(page.get_by_role("heading", name="Around 31 Dec 2024")).to_be_visible()
    page.get_by_role("button", name="30 December 2024: Russia, Ukraine").click()
    save(page, "A page of the day after")
    saved(page)
    cited = Api.of(own_live).exchange(KNOWN)["articles"]
    assert "https://www.example.org/news/7" in [each["url"].partition("?")[0] for each in cited]


def test_a_publisher_that_nobody_knows_is_stored_on_the_way(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key())
    look_up(page, NEW_PAGE)
    page.get_by_label("Language").fill("en")
    page.get_by_text("The publisher is not in the list").click()
    page.get_by_label("Name", exact=True).fill("Harbour Gazette")
    page.get_by_role("button", name="Store the publisher").click()
    page.get_by_role("link", name="Reason: is needed").click()
    page.keyboard.type("The page is theirs")
    page.get_by_role("button", name="Store the publisher").click()
    expect(page.get_by_label("Publisher", exact=True)).to_have_value("Harbour Gazette")
    page.get_by_role("button", name="Use this article").click()
    expect(page.get_by_text("Harbour Gazette", exact=True)).to_be_visible()
    stored = Api.of(own_live).get("/v1/publishers/harbour-gazette")
    assert (stored["name"], stored["is_agency"]) == ("Harbour Gazette", False)


def test_a_known_article_shows_who_cites_it_and_can_support_another_exchange(
    own_visit: Visit, own_live: Live
) -> None:
    page = own_visit.open(PATH)
    enter(page, own_live.key())
    look_up(page, KNOWN_PAGE)
    expect(page.get_by_role("heading", name="The article is known")).to_be_focused()
    expect(page.get_by_text("1 exchange cites it")).to_be_visible()
    choose(page.get_by_label("Add it to another exchange"), "2018-10-30-russia-ukraine", "30 October 2018")
    expect(page.get_by_role("heading", name="30 October 2018: Russia, Ukraine")).to_be_focused()
    save(page, "The page looks back at it")
    saved(page)
    expect(page.get_by_role("link", name="What this save changed")).to_have_attribute(
        "href", "/v1/exchanges/2018-10-30-russia-ukraine/diff?from_revision=1&to_revision=2"
    )
    assert "al-jazeera-2024-12-30" in Api.of(own_live).exchange("2018-10-30-russia-ukraine")["citations"]


def test_an_exchange_may_be_named_in_the_address(own_visit: Visit, own_live: Live) -> None:
    key = own_live.key()
    page = own_visit.open(f"{PATH}?exchange={KNOWN}")
    enter(page, key)
    expect(page.get_by_role("heading", level=2, name="30 December 2024: Russia, Ukraine")).to_be_focused()
    page = own_visit.open(f"{PATH}?exchange=nothing", expected={404})
    enter(page, key)
    expect(page.get_by_role("alert", name="The exchange cannot be opened")).to_contain_text("nothing")


def test_what_the_service_finds_wrong_stands_at_its_fields(own_visit: Visit, own_live: Live) -> None:
    page = own_visit.open(PATH, expected={422})
    enter(page, own_live.key())
    open_known(page)
    count = row(page, "Claim 2").get_by_label("Count", exact=True)
    count.fill("many")
    expect(page.locator(".preview .figures")).to_contain_text("Claim 2, count: must be")
    expect(count).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Save", exact=True).click()
    summary = page.get_by_role("alert", name="The change was not saved")
    expect(summary).to_be_focused()
    expect(count).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#f-claims-1-count-error")).to_contain_text("Must be")
    summary.get_by_role("link", name="Reason: is needed").click()
    expect(page.get_by_label("Reason")).to_be_focused()
    summary.get_by_role("link", name="Claim 2, count: must be").click()
    expect(count).to_be_focused()
    assert Api.of(own_live).exchange(KNOWN)["revision"] == 1


def test_an_exchange_that_is_probably_there_already_needs_a_second_word(
    own_visit: Visit, own_live: Live
) -> None:
    page = own_visit.open(PATH, expected={409, 422})
    enter(page, own_live.key())
    look_up(page, KNOWN_PAGE)
    page.get_by_role("button", name="Write a new exchange").click()
    page.get_by_label("Kind").select_option("prisoner_exchange")
    page.get_by_label("Date", exact=True).fill("2022-06-10")
    for party in ("Russia", "Ukraine"):
        choose(page.get_by_label("Parties"), party, party)
    page.get_by_label("Summary").fill("The same once more.")
    for count, released, received in (("5", "Russia", "Ukraine"), ("4", "Ukraine", "Russia")):
        page.get_by_role("button", name="Add a claim").click()
        claim = page.locator("[data-row^=Claim]").last
        choose(claim.get_by_label("Released by"), released, released)
        choose(claim.get_by_label("Received by"), received, received)
        claim.get_by_label("Count", exact=True).fill(count)
    save(page)
    summary = page.get_by_role("alert", name="The exchange was not saved")
    expect(summary.get_by_role("link", name=THERE)).to_have_attribute("href", f"/?record={THERE}")
    expect(summary).to_be_focused()
    page.get_by_label("It is another exchange all the same").check()
    page.get_by_role("button", name="Save", exact=True).click()
    saved(page)


def test_without_javascript_it_says_how_else_to_do_it(own_visit: Visit) -> None:
    assert "over HTTP" in own_visit.open(PATH, javascript=False).locator("noscript").inner_text()
