"""The pages for people: the API's documentation and the explanation of each problem. All of it works offline.

And, for programs, where these pages are. The contract that /docs shows is served by a route of the API; the
words of the problems are in `api/problems.py`, the guide in `api/guide.py`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.conditional import JSON, is_not_modified, negotiate
from api.errors import ApiError
from api.openapi import TAGS, summary_of
from api.problems import CATALOGUE, ProblemCode
from api.securityheaders import page_headers
from api.target import base_of

HTML = "text/html"
LINKSET = "application/linkset+json"  # RFC 9264
API_CATALOG = "/.well-known/api-catalog"  # RFC 9727
API_CATALOG_PROFILE = "https://www.rfc-editor.org/info/rfc9727"
ASSETS = {
    "swagger-ui-bundle.js": ("fastapi_offline", "static", "text/javascript"),
    "swagger-ui.css": ("fastapi_offline", "static", "text/css"),
    "docs.js": ("api", "web", "text/javascript"),
    "docs.css": ("api", "web", "text/css"),
    "page.css": ("api", "web", "text/css"),
}
# Seen in a browser: Swagger UI needs neither inline styles nor eval; its pictures are data URLs.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A body that never changes while the service runs, with the headers that let it be kept."""

    body: bytes
    media_type: str
    policy: str | None = None
    kept: str = "public, max-age=3600"

    def answer(self, request: Request) -> Response:
        """Answer with it, or with 304."""
        headers = {
            "ETag": f'"{sha256(self.body).hexdigest()[:20]}"',
            "Cache-Control": self.kept,
            "Vary": "Accept",
        }
        if self.policy is not None:
            headers |= page_headers(self.policy)
        if is_not_modified(request.headers, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(self.body, headers=headers, media_type=self.media_type)


@router.get(API_CATALOG)
async def api_catalog(request: Request) -> Response:
    """Tell programs that know only the host's name where the API and its descriptions are."""
    negotiate(request, LINKSET)
    base = base_of(request)
    found = {
        "service-desc": [("/v1/openapi.json", JSON)],
        "service-doc": [("/docs", HTML), ("/guide", HTML), ("/llms.txt", "text/plain")],
        "service-meta": [("/v1/dataset.jsonld", "application/ld+json")],
        "status": [("/readyz", JSON)],
    }
    links = {
        relation: [{"href": base + path, "type": kind} for path, kind in targets]
        for relation, targets in found.items()
    }
    body = json.dumps({"linkset": [{"anchor": f"{base}/v1", **links}]}).encode()
    answer = Page(body, f'{LINKSET}; profile="{API_CATALOG_PROFILE}"').answer(request)
    answer.headers["Link"] = f'<{API_CATALOG}>; rel="api-catalog"'
    return answer


@router.get("/docs")
async def documentation(request: Request) -> Response:
    """Show the API, with forms to try it."""
    negotiate(request, HTML)
    return _documentation_page(request.app).answer(request)


@router.get("/docs/{name}")
async def asset(name: str, request: Request) -> Response:
    """Serve what the pages are made of."""
    if name not in ASSETS:
        raise ApiError(ProblemCode.NOT_FOUND, f"The documentation has no file called {name}.")
    return _asset(name).answer(request)


@router.get("/problems")
async def problems(request: Request) -> Response:
    """List every kind of problem."""
    if negotiate(request, HTML, JSON) == JSON:
        return JSONResponse({"data": [_as_json(code) for code in ProblemCode]}, headers={"Vary": "Accept"})
    return _problem_list_page().answer(request)


@router.get("/problems/{code}")
async def problem(code: str, request: Request) -> Response:
    """Explain one kind of problem: what the `type` of a problem answer points at."""
    if code not in CATALOGUE:
        raise ApiError(ProblemCode.NOT_FOUND, f"There is no problem called {code}; /problems lists all.")
    known = ProblemCode(code)
    if negotiate(request, HTML, JSON) == JSON:
        return JSONResponse(_as_json(known), headers={"Vary": "Accept"})
    return _problem_page(known).answer(request)


def _as_json(code: ProblemCode) -> dict[str, str | int]:
    kind = CATALOGUE[code]
    return {
        "type": f"/problems/{code}",
        "code": code,
        "status": kind.status,
        "title": kind.title,
        "explanation": kind.explanation,
    }


@cache
def _documentation_page(app: FastAPI) -> Page:
    return filled("docs.html", DOCS_POLICY, index="\n".join(_index(app)))


def _index(app: FastAPI) -> Iterator[str]:
    """List all operations, to read until Swagger UI has started; each link is to where it will show that one.

    From the routes: the contract says the same, but writing it takes a second or more.
    """
    routes = [route for route in iter_route_contexts(app.routes) if route.include_in_schema]
    for tag, text in TAGS.items():
        yield f"<details><summary><b>{tag}</b> {escape(text)}</summary><ul>"
        for route in routes:
            if tag in route.tags:
                yield (
                    f'<li><a href="#/{tag}/{route.operation_id}"><b>{"".join(route.methods or ())}</b> '
                    f"<code>{route.path_format}</code></a> {escape(summary_of(route.description))}</li>"
                )
        yield "</ul></details>"


@cache
def _asset(name: str) -> Page:
    package, folder, media_type = ASSETS[name]
    return Page(_read(package, folder, name), media_type)


@cache
def _problem_list_page() -> Page:
    entries = "\n".join(
        f'<dt><a href="/problems/{code}">{escape(kind.title)}</a></dt>'
        f'<dd class="code">{kind.status} · <code>{code}</code></dd><dd>{escape(kind.explanation)}</dd>'
        for code, kind in CATALOGUE.items()
    )
    return page("Problems", f"<dl>{entries}</dl>")


@cache
def _problem_page(code: ProblemCode) -> Page:
    kind = CATALOGUE[code]
    line = f'<p class="code">HTTP status {kind.status} · <code>{code}</code></p>'
    return page(kind.title, f"{line}\n<p>{escape(kind.explanation)}</p>")


def page(title: str, body: str) -> Page:
    """Make a page that looks like all pages of text."""
    return filled("page.html", PAGE_POLICY, title=escape(title), body=body)


def filled(name: str, policy: str, **words: str) -> Page:
    """Make a page of a template in `api/web/`."""
    return Page(Template(_read("api", "web", name).decode()).substitute(words).encode(), HTML, policy)


def _read(package: str, folder: str, name: str) -> bytes:
    return files(package).joinpath(folder, name).read_bytes()
