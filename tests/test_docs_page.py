"""The reference at /docs in a real browser: an operation can be tried as it is, by day and by night."""

import re
from html import unescape

import httpx
from playwright.sync_api import Route, expect

from tests.browsing import NARROW, Visit, barriers, overflow
from tests.live import Live

# What Swagger UI reads to tell of one operation: the whole contract takes it many seconds.
READ = """async () => {
  const contract = await (await fetch("/v1/openapi.json")).json();
  const { resolveSubtree } = ui.getSystem().fn;
  const { spec, errors } = await resolveSubtree(
    contract, ["paths", "/v1/exchanges", "get"], { baseDoc: location.href, returnEntireTree: true },
  );
  const answer = spec.paths["/v1/exchanges"].get.responses["200"].content["application/json"];
  const record = answer.schema.properties.data.items;
  return { paths: Object.keys(spec.paths), errors, has: Object.keys(record.properties) };
}"""
UNDERSCORE = (
    "warning: Warning: escaping deep link whitespace with `_` will be unsupported"  # of any deep link
)


def test_an_operation_is_tried_without_touching_anything(visit: Visit) -> None:
    page = visit.open("/docs")
    assert page.locator(".opblock").count() == 0 or page.locator(".opblock:visible").count() == 0
    tag = page.locator(".opblock-tag", has_text="exchanges").first
    tag.click()
    block = page.locator(".opblock-get", has=page.locator('[data-path="/v1/exchanges"]')).first
    block.locator(".opblock-summary-control").click()
    expect(block.get_by_text("Example: UAE.").first).to_be_visible()
    with page.expect_response(lambda answer: "/v1/exchanges" in answer.url) as waiting:
        block.get_by_role("button", name="Execute").click()
    assert (waiting.value.status, waiting.value.url.partition("?")[2]) == (200, "")


def test_it_is_dark_where_one_wants_it_dark(visit: Visit) -> None:
    page = visit.open("/docs", scheme="dark")
    expect(page.locator(".opblock-tag").first).to_be_visible()
    expect(page.locator("html")).to_have_css("background-color", "rgb(28, 32, 34)")
    expect(page.locator(".info .title")).not_to_have_css("color", "rgb(59, 65, 81)")
    page = visit.open("/docs")
    expect(page.locator("html")).not_to_have_css("background-color", "rgb(28, 32, 34)")


def test_every_operation_is_listed_before_any_script_has_run(live: Live) -> None:
    contract = httpx.get(f"{live.base}/v1/openapi.json").json()
    text = httpx.get(f"{live.base}/docs").text
    link = r'<a href="#/([^/]+)/([^"]+)"><b>([A-Z]+)</b> <code>([^<]+)</code></a> ([^<]+)</li>'
    assert sorted((*told, unescape(summary)) for *told, summary in re.findall(link, text)) == sorted(
        (operation["tags"][0], operation["operationId"], method.upper(), path, operation["summary"])
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
    )
    tags = re.findall("<summary><b>([^<]+)</b> ([^<]+)</summary>", text)
    assert tags == [(tag["name"], tag["description"]) for tag in contract["tags"]]


def test_operations_are_listed_where_no_script_runs(visit: Visit) -> None:
    page = visit.open("/docs", width=NARROW, javascript=False)
    page.get_by_text("Handover events with everything").click()
    expect(page.get_by_role("link", name="GET /v1/exchanges", exact=True)).to_be_visible()
    assert overflow(page) == 0


def test_without_the_contract_the_list_stays_and_one_is_told_why(visit: Visit) -> None:
    page = visit.open("/docs")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/openapi.json", lambda route: route.abort())
    page.route("**/swagger-ui-bundle.js", hold)
    with page.expect_event("requestfailed"):  # before the page is whole
        page.reload(wait_until="commit")
    while not held:
        page.evaluate("1")  # a turn; in one of them, too, what nobody handles is told
    held.pop().continue_()
    expect(page.get_by_role("status")).to_contain_text("operations are only listed")
    page.get_by_text("Handover events with everything").click()
    expect(page.get_by_role("link", name="GET /v1/exchanges", exact=True)).to_be_visible()
    assert barriers(page) == ""


def test_without_its_program_the_list_stays_too(visit: Visit) -> None:
    page = visit.open("/docs")
    page.route("**/swagger-ui-bundle.js", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("operations are only listed")
    expect(page.get_by_text("Handover events with everything")).to_be_visible()


def test_a_link_of_that_list_opens_the_operation(visit: Visit) -> None:
    page = visit.open("/docs#/exchanges/list_exchanges", width=NARROW)
    expect(page.locator(".opblock-get.is-open").get_by_text("Example: UAE.").first).to_be_visible()
    expect(page.locator(".index")).to_have_count(0)
    assert overflow(page) == 0
    visit.complaints[:] = [each for each in visit.complaints if not each.startswith(UNDERSCORE)]


def test_one_operation_is_told_without_reading_the_others(visit: Visit) -> None:
    page = visit.open("/docs")
    expect(page.locator(".opblock-tag").first).to_be_visible()
    read = page.evaluate(READ)
    assert (read["paths"], read["errors"]) == (["/v1/exchanges"], [])
    assert {"claims", "figures", "articles"} <= set(read["has"])  # what it refers to, however deep
