"""The page at `/curate`, on which curators write: plain modules that use the API with a key, like any client.

What the page does is in `api/web/curate/`, with modules of the explorer's beside it; here is only how they
are served. No session is kept here and no key comes by: the page sends it to the API, and to nothing else.
"""

from functools import cache

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.conditional import negotiate
from api.docs import HTML, Page
from api.explorer import file_of, page_naming, version_of

# Side by side as in the sources, so that `../explorer/dom.js` is found there and here.
FOLDERS = ("curate", "explorer")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/curate")
async def page(request: Request) -> Response:
    """Show the page; it asks for a key before it shows a form."""
    negotiate(request, HTML)
    return _page().answer(request)


@router.get("/curate/{version}/{folder}/{name}")
async def asset(version: str, folder: str, name: str) -> Response:
    """Serve what the page is made of."""
    return file_of(FOLDERS, version, f"{folder}/{name}")


@cache
def _page() -> Page:
    return page_naming("curate.html", POLICY, assets=f"/curate/{version_of(FOLDERS)}")
