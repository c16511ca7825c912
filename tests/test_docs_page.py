"""The reference at /docs in a real browser: an operation can be tried as it is, by day and by night."""

from playwright.sync_api import expect

from tests.browsing import Visit


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
