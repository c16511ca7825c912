"""How tests use the curator's page: what people do there, and the API beside it to see what came of it.

No test lives here.
"""

from dataclasses import dataclass
from typing import Any

import httpx
from playwright.sync_api import Dialog, Locator, Page, expect

from db.enums import Role
from tests.live import Live

Record = dict[str, Any]
PATH = "/curate"
KNOWN = "2024-12-30-russia-ukraine"
# As somebody might have it in their address bar; the article is stored otherwise.
KNOWN_PAGE = (
    "http://aljazeera.com/news/2024/12/30/ukraine-russia-swap-hundreds-of-pows-in-deal-mediated-by-uae/"
    "?traffic_source=rss&utm_medium=mail"
)
NEW_PAGE = "https://www.example.org/news/7?utm_source=feed"


@dataclass(frozen=True)
class Api:
    """The API of a server, asked beside the page, with a key of its own."""

    live: Live
    key: str

    @classmethod
    def of(cls, live: Live, role: Role = Role.CURATOR) -> "Api":
        """Ask with a new key of a role."""
        return cls(live, live.key(role))

    def send(self, method: str, path: str, body: object = None, **query: str) -> httpx.Response:
        """Send a request; a write carries the ETag that the thing it writes to has now."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Encoding": "identity"}
        of = path.removesuffix("/merge").removesuffix("/reject")
        if method in {"PUT", "PATCH", "DELETE"} or of != path:
            headers["If-Match"] = self.send("GET", of).headers["etag"]
        answer = httpx.request(
            method, self.live.base + path, params=query or None, json=body, headers=headers, timeout=30
        )
        assert answer.is_success, answer.text
        return answer

    def get(self, path: str, **query: str) -> Record:
        """Give what a path answers."""
        found: Record = self.send("GET", path, **query).json()
        return found

    def exchange(self, id_: str) -> Record:
        """Give an exchange as it stands."""
        return self.get(f"/v1/exchanges/{id_}")

    def propose(self, content: Record | None, comment: str = "The page has it.", **otherwise: object) -> str:
        """Propose a change of the known exchange, or what is said otherwise; give the proposal's id."""
        sent = {
            "action": "update",
            "resource": "exchange",
            "record_id": KNOWN,
            "base_revision": self.exchange(KNOWN)["revision"],
            "content": content,
            "source_url": "https://www.example.org/news/8",
            "comment": comment,
        }
        return str(self.send("POST", "/v1/proposals", sent | otherwise).json()["id"])


def enter(page: Page, key: str) -> None:
    """Go in with a key."""
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Go in").click()
    expect(page.get_by_role("button", name="Forget the key")).to_be_visible()


def asked_when_left(page: Page) -> list[str]:
    """Try to leave the page, and stay: give the kinds of questions that it asked."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.close(run_before_unload=True)
    return asked


def look_up(page: Page, url: str) -> None:
    """Look an article up by its address."""
    page.get_by_label("Address of the article").fill(url)
    page.get_by_role("button", name="Look it up").click()


def choose(box: Locator, text: str, shown: str) -> None:
    """Search in a combobox, and choose what is shown as this."""
    box.fill(text)
    option = box.page.locator("[role=option]:visible", has_text=shown).first
    expect(option).to_be_visible()
    option.click()


def open_known(page: Page) -> None:
    """Open the known exchange by the article that it cites first."""
    look_up(page, KNOWN_PAGE)
    page.get_by_role("button", name="30 December 2024: Russia, Ukraine").click()
    expect(page.get_by_role("heading", level=2, name="30 December 2024: Russia, Ukraine")).to_be_focused()


def describe_new_page(page: Page, published_on: str = "2026-06-02") -> None:
    """Look an article up that nobody has cited, and describe it, at the second attempt."""
    look_up(page, NEW_PAGE)
    expect(page.get_by_role("heading", name="Nobody has cited this article yet")).to_be_focused()
    page.get_by_role("button", name="Use this article").click()
    page.get_by_role("link", name="Publisher: is missing").click()
    publisher = page.get_by_label("Publisher", exact=True)
    expect(publisher).to_be_focused()
    choose(publisher, "al jaz", "Al Jazeera")
    choose(page.get_by_label("Agency whose text it is"), "reut", "Reuters")
    page.get_by_label("Published on").fill(published_on)
    page.get_by_label("Language").fill("en")
    page.get_by_role("button", name="Use this article").click()


def row(page: Page, name: str) -> Locator:
    """Give the row of a claim or a mediation, and open it."""
    found = page.locator(f'[data-row="{name}"]')
    expect(found).to_be_visible()
    if found.get_attribute("open") is None:
        found.locator("summary").click()
    return found


def save(page: Page, reason: str = "A test") -> None:
    """Give a reason, and save."""
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Save", exact=True).click()


def saved(page: Page) -> None:
    """See that it is saved."""
    expect(page.get_by_role("heading", name="Saved")).to_be_focused()


def figures(page: Page) -> dict[str, str]:
    """Give the best figures that the preview shows, by direction and measure."""
    return {
        shown.get_attribute("data-figure") or "": shown.locator("b").inner_text()
        for shown in page.locator(".preview [data-figure]").all()
    }


def direction_of(figure: Record) -> str:
    """Name the direction and the measure of a figure as the preview does."""
    return f"{figure['released_by']}.{figure['received_by']}.{figure['measure']}"


def best_of(figure: Record) -> str:
    """Tell the best figure as the preview does."""
    words = {"exact": "", "at_least": "at least ", "at_most": "at most ", "approximately": "about "}
    return f"{words[figure['best_qualifier']]}{figure['best']}"
