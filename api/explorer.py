"""The page at `/`: the dataset to look at, as charts, a table and records. All of it works offline.

What the page does is in `api/web/explorer/`, plain modules that ask the API like any other client. Here is
only how they are served: whatever may change has its hash in its address, so that browsers keep it for good.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.resources import files

import anyio
import brotli  # type: ignore[import-untyped]  # it ships none
from anyio import to_process, to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.chartbundle import bundle_name, packed_bundle
from api.compression import accepted_encodings
from api.conditional import negotiate
from api.docs import HTML, Page, filled
from api.errors import ApiError
from api.problems import ProblemCode

KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
SCRIPT = "text/javascript"
FOLDERS = ("explorer",)
MEDIA_TYPES = {".css": "text/css", ".js": SCRIPT}
# Seen in a browser: Vega needs neither inline styles nor eval, as long as its expressions are interpreted.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """Show the dataset; the query string says what of it."""
    negotiate(request, HTML)
    return _page().answer(request)


@router.get("/explorer/{version}/{name}")
async def asset(version: str, name: str) -> Response:
    """Serve what the page is made of."""
    return file_of(FOLDERS, version, f"explorer/{name}")


@router.get("/explorer/{name}")
async def script(name: str, request: Request) -> Response:
    """Serve the script that draws the charts."""
    if name != bundle_name():
        raise ApiError(ProblemCode.NOT_FOUND, f"The page has no script called {name}; load it again.")
    packed = await BUNDLE.packed()
    headers = {"Cache-Control": KEPT_FOR_GOOD, "Vary": "Accept-Encoding"}
    if "br" in accepted_encodings(request.headers.get("accept-encoding", "")):
        return Response(packed, headers=headers | {"Content-Encoding": "br"}, media_type=SCRIPT)
    plain = await to_thread.run_sync(brotli.decompress, packed)
    return Response(plain, headers=headers, media_type=SCRIPT)


class Bundle:
    """The script that draws charts: made when it is first asked for, and kept compressed."""

    def __init__(self) -> None:
        self._packed: bytes | None = None
        self._making = anyio.Lock()

    async def packed(self) -> bytes:
        """Give it; who asks while it is made waits for that."""
        async with self._making:
            if self._packed is None:
                self._packed = await to_process.run_sync(packed_bundle, cancellable=True)
            return self._packed


BUNDLE = Bundle()


def file_of(folders: tuple[str, ...], version: str, path: str) -> Response:
    """Answer with a file of folders of `api/web/`: under the hash of them all, and no other."""
    body = _files(folders).get(path)
    if version != version_of(folders) or body is None:
        raise ApiError(ProblemCode.NOT_FOUND, f"The page has no file called {version}/{path}; load it again.")
    media_type = MEDIA_TYPES[path[path.rindex(".") :]]
    return Response(body, headers={"Cache-Control": KEPT_FOR_GOOD}, media_type=media_type)


@cache
def version_of(folders: tuple[str, ...]) -> str:
    """Hash the files of folders together, since modules name each other without a hash."""
    return sha256(b"\0".join(_files(folders).values())).hexdigest()[:20]


@cache
def _files(folders: tuple[str, ...]) -> Mapping[str, bytes]:
    web = files("api").joinpath("web")
    return {
        f"{folder}/{file.name}": file.read_bytes()
        for folder in folders
        for file in sorted(web.joinpath(folder).iterdir(), key=lambda file: file.name)
    }


def page_naming(name: str, policy: str, **files: str) -> Page:
    """Make a page that names the files that go with it: it is never kept without asking."""
    return replace(filled(name, policy, **files), kept="no-cache")


@cache
def _page() -> Page:
    charts = f"/explorer/{bundle_name()}"
    return page_naming("explorer.html", POLICY, assets=f"/explorer/{version_of(FOLDERS)}", charts=charts)
