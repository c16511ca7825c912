"""The guide as the service shows it: complete, connected, and the same words as in the files."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from markdown_it import MarkdownIt

from api.guide import EXAMPLE_BASE, anchor_of, page_names
from api.problems import CATALOGUE
from tests.live import Live
from tests.shell_app import ask
from tests.snippets import GUIDE, ROOT

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
HERE = "http://test"  # where `ask` finds the service
WRITTEN = sorted(GUIDE.glob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *WRITTEN]
LINK = re.compile(r"- \[[^\]]+\]\((\S+)\): \S.*")  # an entry of a list in llms.txt


def links(page: Path) -> Iterator[str]:
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        for inside in token.children or ():
            if inside.type in ("link_open", "image"):
                yield str(inside.attrs.get("href") or inside.attrs["src"])


def headings(page: Path) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


# --- pages ---


def test_the_index_leads_to_every_page() -> None:
    assert sorted(page_names()) == sorted(page.stem for page in WRITTEN if page.stem != "README")


@pytest.mark.parametrize("name", [page.stem for page in WRITTEN])
def test_a_page_is_shown_and_can_be_had_as_it_is(name: str) -> None:
    path = "/guide" if name == "README" else f"/guide/{name}"
    title, *_ = headings(GUIDE / f"{name}.md")
    shown = ask(path, Accept=BROWSER)
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert shown.headers["vary"] == "Accept, Accept-Encoding"
    assert f"<h1>{title}</h1>" in shown.text
    assert shown.text.count("<h1>") == 1
    assert "<!--" not in shown.text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", shown.text)
    assert ask(path, Accept=BROWSER, If_None_Match=shown.headers["etag"]).status_code == 304

    plain = ask(path, Accept="text/markdown")
    assert plain.headers["content-type"] == "text/markdown; charset=utf-8"
    assert plain.headers["etag"] != shown.headers["etag"]
    written = (GUIDE / f"{name}.md").read_text(encoding="utf-8")
    assert plain.text.replace(f"]({HERE}/guide/", "](").replace(HERE, EXAMPLE_BASE) == written
    assert ask(f"/guide/{name}.md").content == plain.content
    assert ask(path, method="HEAD").headers["etag"] == ask(path).headers["etag"]


def test_the_examples_ask_the_service_that_shows_them() -> None:
    assert EXAMPLE_BASE not in ask("/guide/quickstart").text
    assert f"curl -s '{HERE}/v1/exchanges?mediator=UAE" in ask("/guide/quickstart.md").text


def test_the_guide_refuses_what_it_is_not() -> None:
    unknown = ask("/guide/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert ask("/guide/..%2F..%2FREADME").status_code == 404
    assert ask("/guide/nothing.md").status_code == 404
    assert ask("/guide/quickstart", Accept="application/json").status_code == 406
    assert ask("/guide/quickstart.md", Accept="text/html").status_code == 406


@pytest.mark.parametrize("path", ["/docs", "/problems", "/problems/not_found", "/guide"])
def test_every_page_leads_to_the_guide(path: str) -> None:
    assert '<a href="/guide">' in ask(path, Accept=BROWSER).text


def test_the_page_on_errors_names_every_kind() -> None:
    row = rf"^\| \[`(\w+)`\]\({EXAMPLE_BASE}/problems/(\w+)\) (\d+) \| \S"
    rows = re.findall(row, (GUIDE / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((code, code, str(kind.status)) for code, kind in CATALOGUE.items())


# --- links ---


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match("https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if page.parent == GUIDE:
            assert target.parent == GUIDE, f"{link}: the service shows no file outside of the guide"
        if anchor:
            assert anchor in map(anchor_of, headings(target)), link


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_headings_have_anchors_of_their_own(page: Path) -> None:
    anchors = [anchor_of(heading) for heading in headings(page)]
    assert len(anchors) == len(set(anchors))
    shown = ask(f"/guide/{page.stem}").text
    assert [anchor for anchor in anchors[1:] if f' id="{anchor}"' not in shown] == []


@pytest.mark.parametrize("name", ["", *(f"/{page.stem}" for page in WRITTEN)])
def test_links_of_a_shown_page_lead_somewhere(name: str) -> None:
    for path, anchor in re.findall(r'href="(/guide[^"#]*)(?:#([^"]+))?"', ask(f"/guide{name}").text):
        target = ask(path)
        assert target.status_code == 200, path
        assert not anchor or f' id="{anchor}"' in target.text, f"{path}#{anchor}"


def test_what_the_guide_links_to_at_the_service_is_there(live: Live) -> None:
    found = {link for page in DOCUMENTS for link in links(page) if link.startswith(EXAMPLE_BASE)}
    assert len(found) > 30
    for link in found:
        assert httpx.get(link.replace(EXAMPLE_BASE, live.base)).status_code == 200, link


# --- llms.txt ---


def test_llms_txt_has_the_form_that_programs_expect() -> None:
    """llmstxt.org: a title, a quoted summary, text, and sections that are nothing but lists of links."""
    answer = ask("/llms.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert ask("/llms.txt", If_None_Match=answer.headers["etag"]).status_code == 304
    assert ask("/llms.txt", Accept="text/html").status_code == 406
    assert ask("/llms.txt", Accept="text/markdown").headers["content-type"].startswith("text/markdown;")
    first, *sections = re.split(r"^## ", answer.text, flags=re.MULTILINE)
    title, summary, *_ = first.split("\n\n")
    assert re.fullmatch("# .+", title)
    assert re.fullmatch("> .+", summary)
    assert len(sections) > 4
    linked = []
    for section in sections:
        _, *entries = section.strip().split("\n")
        matches = [LINK.fullmatch(entry) for entry in entries if entry]
        assert all(matches), section
        linked += [match[1] for match in matches if match]
    assert all(link.startswith(f"{HERE}/") for link in linked)
    assert f"{HERE}/v1/openapi.json" in linked
    pages = [link.removeprefix(f"{HERE}/guide/") for link in linked if link.startswith(f"{HERE}/guide/")]
    assert pages == [f"{name}.md" for name in page_names()]
    assert all(ask(f"/guide/{page}").status_code == 200 for page in pages)
