"""What tests of the explorer share: waiting until it has settled, and asking the API what it should show."""

import re
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.live import Live

NEW_YEAR = "2024-12-30-russia-ukraine"


def settled(page: Page) -> Page:
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    return page


def opened(page: Page) -> Page:
    expect(page.locator("#record article[aria-busy], #record [aria-busy]")).to_have_count(0)
    return page


def rows(page: Page) -> list[str]:
    found: list[str] = page.locator("#list tbody tr").evaluate_all("rows => rows.map(row => row.dataset.id)")
    return found


def asked(live: Live, path: str) -> Any:
    answer = httpx.get(live.base + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(live: Live, query: str) -> list[str]:
    return [record["id"] for record in asked(live, f"/v1/exchanges?{query}")["data"]]


def number(text: str) -> int:
    """Give the number that a text begins with."""
    [found] = re.findall(r"^\s*([\d,]+)", text)
    return int(found.replace(",", ""))


def bar(page: Page, chart: str, place: int) -> Locator:
    """Give what is pointed at for a bar: the bands of a chart lie on top of its bars."""
    return page.locator(f"{chart} svg g.mark-rect").last.locator("path").nth(place)
