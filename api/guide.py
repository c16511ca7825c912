"""The guide in the service: each Markdown page as HTML and as it is, and its index as `/llms.txt`.

What the pages say is written in `openapi/guide/` and nowhere else; a wheel carries them inside the package
`api`. How a page of the service looks is in `api/docs.py` and `api/web/`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.conditional import negotiate
from api.docs import HTML, PAGE_POLICY, Page, page
from api.errors import ApiError, ProblemCode
from api.target import base_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MARKDOWN = "text/markdown"
PLAIN = "text/plain"
INDEX = "README"  # shown at /guide itself; in the form of llmstxt.org, so that it can be /llms.txt too
EXAMPLE_BASE = "http://127.0.0.1:8000"  # the service that the pages speak of
OUTPUT = ("json", "text")  # languages of blocks that show what the block above them prints

_PAGE_LINK = re.compile(r"([A-Za-z0-9-]+)\.md(#.*)?")
_LINK_TO_A_PAGE = re.compile(r"\]\((?=[A-Za-z0-9-]+\.md[)#])")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")

router = APIRouter(include_in_schema=False)


@router.get("/guide")
async def guide(request: Request) -> Response:
    """Show where to begin."""
    return _answer(INDEX, request, HTML, MARKDOWN)


@router.get("/guide/{name}")
async def guide_page(name: str, request: Request) -> Response:
    """Show a page of the guide; with `.md` behind its name, as the Markdown that it is written in."""
    if name.endswith(".md"):
        return _answer(name.removesuffix(".md"), request, MARKDOWN)
    return _answer(name, request, HTML, MARKDOWN)


@router.get("/llms.txt")
async def llms_txt(request: Request) -> Response:
    """Tell language models what there is and where to read on: the index of the guide."""
    chosen = negotiate(request, PLAIN, MARKDOWN)
    return Page(_as_here(_markdown(INDEX), request), chosen).answer(request)


@cache
def page_names() -> tuple[str, ...]:
    """Name the pages in the order in which the index lists them: the one to read them in."""
    tokens = (inside for token in _parsed(INDEX) for inside in token.children or ())
    hrefs = (str(token.attrs["href"]) for token in tokens if token.type == "link_open")
    links = (_PAGE_LINK.fullmatch(href) for href in hrefs)
    return tuple(dict.fromkeys(link[1] for link in links if link))


def anchor_of(heading: str) -> str:
    """Give the anchor of a heading, as GitHub makes it."""
    return _NOT_IN_ANCHORS.sub("", heading.strip().lower()).replace(" ", "-")


def _answer(name: str, request: Request, *offered: str) -> Response:
    if name not in (INDEX, *page_names()):
        raise ApiError(ProblemCode.NOT_FOUND, f"The guide has no page called {name}; /guide lists all.")
    if negotiate(request, *offered) == MARKDOWN:
        return Page(_as_here(_markdown(name), request), MARKDOWN).answer(request)
    return Page(_as_here(_html(name), request), HTML, PAGE_POLICY).answer(request)


def _as_here(text: str, request: Request) -> bytes:
    """Let the examples ask this very service, so that they can be copied and run."""
    return text.replace(EXAMPLE_BASE, base_of(request)).encode()


@cache
def _markdown(name: str) -> str:
    """Give a page as it is written, but with links to other pages that work wherever it is read."""
    return _LINK_TO_A_PAGE.sub(f"]({EXAMPLE_BASE}/guide/", _read(name))


@cache
def _html(name: str) -> str:
    tokens = _parsed(name)[3:]  # without the title, which the template shows
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(following.content))
    for token in _flat(tokens):
        if token.type == "link_open":
            token.attrSet("href", _served_at(str(token.attrs["href"])))
    parser = _parser()
    body: str = parser.renderer.render(tokens, parser.options, {})
    return page(title_of(name), f"{body}\n{_ways_on(name)}").body.decode()


def title_of(name: str) -> str:
    """Give the title of a page."""
    return _parsed(name)[1].content


def _ways_on(name: str) -> str:
    """Lead to the pages before and after this one."""
    order = (INDEX, *page_names())
    at = order.index(name)
    ways = [(order[at - 1], "prev", "← ", "")] if at else []
    ways += [(order[at + 1], "next", "", " →")] if at + 1 < len(order) else []
    links = (
        f'<a rel="{relation}" href="{_served_at(f"{other}.md")}">{before}{escape(title_of(other))}{after}</a>'
        for other, relation, before, after in ways
    )
    return f'<nav class="ways" aria-label="Pages of the guide">{" ".join(links)}</nav>'


def _served_at(href: str) -> str:
    """Tell where this service has what a page links to."""
    link = _PAGE_LINK.fullmatch(href)
    if link is None:
        return href.removeprefix(EXAMPLE_BASE) or "/"
    return ("/guide" if link[1] == INDEX else f"/guide/{link[1]}") + (link[2] or "")


def _flat(tokens: "Sequence[Token]") -> "Iterator[Token]":
    for token in tokens:
        yield token
        yield from token.children or ()


def _parsed(name: str) -> "list[Token]":
    return _parser().parse(_read(name))


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    # Comments are for the tests of the snippets; there is no other HTML in the guide.
    parser.add_render_rule("html_block", lambda *_: "")
    # What scrolls sideways must be reachable by keyboard.
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    parser.add_render_rule("fence", lambda _, tokens, at, *__: _block(tokens[at]))
    return parser


def _block(fence: "Token") -> str:
    shown = ' class="output"' if fence.info in OUTPUT else ""
    return f'<pre{shown} tabindex="0"><code>{escape(fence.content)}</code></pre>\n'


def _read(name: str) -> str:
    return _folder().joinpath(f"{name}.md").read_text(encoding="utf-8")


def _folder() -> Traversable:
    """Find the pages: inside the package in a wheel, beside it in a checkout and in the image."""
    packaged = files("api").joinpath("web", "guide")
    return packaged if packaged.is_dir() else files("api").joinpath("..", "openapi", "guide")
