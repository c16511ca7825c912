"""The ways through the explorer in a browser: every choice leads on, back again, and is in the address."""

import csv

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.browsing import Visit
from tests.curatepage import enter
from tests.exploring import NEW_YEAR, asked, bar, ids, number, opened, rows, settled
from tests.live import Live


def test_search(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    page.get_by_label("Words").fill("children")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/?q=children")
    expect(page.locator("#chips")).to_contain_text("“children”")
    settled(page)
    assert rows(page) == ids(live, "q=children&limit=50")


@pytest.mark.parametrize(
    ("label", "choice", "query"),
    [
        ("Brokered by", "uae", "mediator=uae"),
        ("Party", "hungary", "party=hungary"),
        ("Kind", "remains", "kind=remains"),
        ("Numbers", "disputed_by_parties", "disputed_by_parties=true"),
    ],
)
def test_filters(live: Live, visit: Visit, label: str, choice: str, query: str) -> None:
    page = settled(visit.open("/"))
    page.get_by_label(label, exact=True).select_option(choice)
    page.wait_for_url(f"**/?{query}")
    settled(page)
    assert rows(page) == ids(live, f"{query}&limit=50")
    page.get_by_role("link", name="Remove the filter").click()
    page.wait_for_url(f"{live.base}/")
    expect(page.get_by_label(label, exact=True)).to_have_value("")


def test_a_period(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    page.get_by_label("From", exact=True).fill("2024-01-01")
    page.get_by_label("Until", exact=True).fill("2024-03-31")
    page.get_by_label("Until", exact=True).press("Enter")
    page.wait_for_url("**date_to=2024-03-31")
    settled(page)
    assert rows(page) == ids(live, "date_from=2024-01-01&date_to=2024-03-31")


def test_a_date_is_chosen_when_it_is_whole(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    before = page.evaluate("history.length")
    page.get_by_label("From", exact=True).focus()
    page.keyboard.type("02022024")
    page.wait_for_url("**/?date_from=2024-02-02")
    settled(page)
    assert page.evaluate("history.length") == before + 1
    assert rows(page) == ids(live, "date_from=2024-02-02&limit=50")


def test_an_answer_does_not_overwrite_what_is_typed_meanwhile(visit: Visit) -> None:
    page = settled(visit.open("/"))
    held: list[Route] = []
    page.route("**/v1/stats**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no builtin
    with page.expect_request("**/v1/stats**"):
        page.get_by_label("Kind", exact=True).select_option("remains")
    page.get_by_label("Words").press_sequentially("chil")
    # Before the held ones go on: one that comes meanwhile would be held for ever.
    page.route("**/v1/stats**", lambda route: route.continue_())
    for route in held:
        route.continue_()
    settled(page)
    expect(page.locator("#summary-title")).to_contain_text("bodies of the dead")
    expect(page.get_by_label("Words")).to_have_value("chil")
    page.get_by_label("Words").press_sequentially("dren")
    page.get_by_label("Words").press("Enter")
    page.wait_for_url("**/?q=children&kind=remains")


def test_a_shorter_page_of_the_list(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/?limit=10"))
    assert rows(page) == ids(live, "limit=10")
    expect(page.locator("#chips")).to_be_hidden()
    expect(page.locator("#cumulative svg")).to_be_visible()


def test_from_a_bar_to_the_table_to_the_record(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    sums = asked(live, "/v1/stats?group_by=month")["data"]
    months = [cell["group"] for cell in sums if cell["best"]]
    bar(page, "#timeline", months.index("2024-12")).click()
    page.wait_for_url("**/?date_from=2024-12-01&date_to=2024-12-31")
    settled(page)
    assert rows(page) == ids(live, "date_from=2024-12-01&date_to=2024-12-31")
    assert NEW_YEAR in rows(page)
    expect(page.locator("#timeline svg")).to_be_visible()  # with all its bars, to choose another one
    expect(page.locator("#timeline .note")).to_contain_text("are of every month, not of the period chosen")
    assert page.locator("#timeline details tbody tr").count() == len(months)
    page.locator(f'#list tr[data-id="{NEW_YEAR}"] td.people').click()
    opened(page)
    expect(page.locator("#record")).to_contain_text("189 is taken because Ukraine states it")
    assert page.url.endswith(f"&record={NEW_YEAR}")
    page.get_by_role("button", name="Close the record").click()
    page.wait_for_url("**/?date_from=2024-12-01&date_to=2024-12-31")
    expect(page.locator("#record")).to_be_hidden()
    bar(page, "#timeline", months.index("2024-12")).click()
    page.wait_for_url(f"{live.base}/")


def test_a_bar_of_a_mediator_and_a_direction_of_the_legend(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    bar(page, "#by-mediator", 0).click()
    page.wait_for_url("**/?mediator=uae")
    settled(page)
    assert rows(page) == ids(live, "mediator=uae")
    expect(page.get_by_label("Brokered by", exact=True)).to_have_value("uae")
    page.locator("#timeline .legend").get_by_role("link", name="Russia → Ukraine").click()
    page.wait_for_url("**/?mediator=uae&released_by=russia&received_by=ukraine")
    settled(page)
    best = asked(live, "/v1/stats?mediator=uae&received_by=ukraine&released_by=russia")["total"]["best"]
    assert number(page.locator("#summary-title").inner_text()) == best


def test_what_is_pointed_at_is_told(visit: Visit) -> None:
    page = settled(visit.open("/"))
    bar(page, "#by-mediator", 0).hover()
    expect(page.locator(".tip")).to_contain_text("7,059 living people in 26 exchanges")


def test_a_deep_link_and_the_way_back(live: Live, visit: Visit) -> None:
    page = settled(visit.open(f"/?mediator=ОАЭ&sort=persons&record={NEW_YEAR}"))
    opened(page)
    expect(page.get_by_label("Brokered by", exact=True)).to_have_value("uae")
    assert rows(page) == ids(live, "mediator=uae&sort=persons")
    page.keyboard.press("Escape")
    expect(page.locator("#record")).to_be_hidden()
    assert "record" not in page.url
    page.get_by_role("link", name="Date", exact=True).click()
    page.wait_for_function("!location.search.includes('sort')")
    settled(page)
    assert rows(page) == ids(live, "mediator=uae")
    page.go_back()
    settled(page)
    assert rows(page) == ids(live, "mediator=uae&sort=persons")
    page.go_back()
    expect(page.locator("#record h2")).to_contain_text("New Year swap")
    page.go_forward()
    expect(page.locator("#record")).to_be_hidden()


def test_the_next_page(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/"))
    page.get_by_role("link", name="Next page").click()
    page.wait_for_url("**cursor=**")
    settled(page)
    assert rows(page) == ids(live, "limit=100")[50:]
    page.reload()
    settled(page)
    assert rows(page) == ids(live, "limit=100")[50:]
    page.get_by_role("link", name="First page").click()
    page.wait_for_url(f"{live.base}/")
    settled(page)
    assert rows(page) == ids(live, "limit=50")
    page.go_back()
    settled(page)
    page.get_by_label("Kind", exact=True).select_option("remains")
    page.wait_for_url("**/?kind=remains")  # another choice begins at its first page
    settled(page)
    assert rows(page) == ids(live, "kind=remains&limit=50")


def test_taking_the_list_along(live: Live, visit: Visit) -> None:
    page = settled(visit.open("/?mediator=UAE&sort=persons"))
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download CSV").click()
    with open(waiting.value.path(), encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert [record["id"] for record in records] == ids(live, "mediator=uae")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy API URL").click()
    expect(page.get_by_role("status")).to_have_text("API URL copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{live.base}/v1/exchanges?mediator=UAE"
    assert ids(live, copied.partition("?")[2]) == ids(live, "mediator=uae")


def test_taking_a_record_along(live: Live, visit: Visit) -> None:
    page = opened(visit.open(f"/?record={NEW_YEAR}"))
    record = page.locator("#record")
    with page.expect_download() as waiting:
        record.get_by_role("link", name="Download CSV").click()
    with open(waiting.value.path(), encoding="utf-8", newline="") as file:
        assert {claim["exchange"] for claim in csv.DictReader(file)} == {NEW_YEAR}
    record.get_by_role("button", name="Cite this").click()
    told = asked(live, f"/v1/exchanges/{NEW_YEAR}/citation")["text"]
    expect(record.locator(".citation")).to_contain_text(told)
    # what a browser forbids to be copied is shown to be copied by hand
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    record.get_by_role("button", name="Copy API URL").click()
    expect(record.get_by_label("API URL")).to_have_value(f"{live.base}/v1/exchanges/{NEW_YEAR}")


def test_from_a_record_to_its_correction(own_live: Live, own_visit: Visit) -> None:
    page = opened(own_visit.open(f"/?record={NEW_YEAR}"))
    page.get_by_role("link", name="Correct this record").click()
    enter(page, own_live.key())
    expect(page.get_by_role("heading", level=2, name="30 December 2024: Russia, Ukraine")).to_be_focused()


def test_a_list_is_cited_for_ever(own_visit: Visit) -> None:
    page = settled(own_visit.open("/?mediator=UAE"))
    page.get_by_role("button", name="Cite this").click()
    expect(page.locator(".citation")).to_contain_text("dataset revision 1")
    address = page.get_by_role("link", name="The cited records").get_attribute("href")
    answer = httpx.get(str(address), follow_redirects=True)
    assert len(answer.text.splitlines()) == 26


def test_the_history_tells_what_changed_and_why(own_live: Live, own_visit: Visit) -> None:
    path = f"{own_live.base}/v1/exchanges/{NEW_YEAR}"
    headers = {"Authorization": f"Bearer {own_live.key()}", "If-Match": '"1"'}
    answer = httpx.patch(f"{path}?reason=Better+words", json={"summary": "A swap."}, headers=headers)
    assert answer.status_code == 200, answer.text
    page = opened(own_visit.open(f"/?record={NEW_YEAR}"))
    expect(page.locator("#record h2")).to_have_text("A swap.")
    newest = page.locator("#record .revisions > li").first
    expect(newest).to_contain_text("Reason: Better words")
    newest.get_by_role("button", name="What changed").click()
    diff = asked(own_live, f"/v1/exchanges/{NEW_YEAR}/diff?from_revision=1&to_revision=2")
    for sentence in diff["sentences"]:
        expect(newest).to_contain_text(sentence)
    shown = page.locator("#record .revisions > li", has_text="shown here")
    expect(shown).to_contain_text("Reason: Better words")
    page.goto(f"/?as_of=1&record={NEW_YEAR}")
    expect(shown).to_contain_text("First written")
    expect(page.locator("#record h2")).to_contain_text("New Year swap")
    page.locator("#record").get_by_role("button", name="Cite this").click()
    cited = asked(own_live, f"/v1/exchanges/{NEW_YEAR}/citation?as_of=1")
    assert cited["url"].endswith("/revisions/1")
    expect(page.locator("#record .citation")).to_contain_text(cited["text"])
    expect(page.get_by_role("link", name="The cited records")).to_have_attribute("href", cited["url"])
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Remove the filter as of 1").click()
    page.wait_for_url(f"{own_live.base}/")
