"""Content encodings: which one a client prefers, and the middleware that applies it.

ETags of encoded variants are made and read here, so that routes know only the plain ones.
"""

import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # it ships none
import zstandard
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.http import parse_accept_header

COMPRESSIBLE = re.compile(
    r"text/|image/svg\+xml|application/([a-z0-9.-]+\+)?(json|xml|x-ndjson|javascript)\b"
)
TAG_SUFFIX = re.compile(r'-(zstd|br|gzip)"')
MINIMUM_SIZE = 500  # bytes; below it the headers of an encoding cost more than it saves
OFF_LOOP_SIZE = 64 * 1024  # bytes; from here compressing takes milliseconds, which other requests would wait


class Encoder(Protocol):
    """A compressor of one body."""

    def feed(self, data: bytes, *, last: bool) -> bytes:
        """Compress a piece so that the receiver can read all of it at once; the last one ends the stream."""


class Gzip:
    """RFC 1952."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def feed(self, data: bytes, *, last: bool) -> bytes:
        """See Encoder."""
        return self._compressor.compress(data) + self._compressor.flush(
            zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH
        )


class Brotli:
    """RFC 7932; quality 4 costs what gzip's 6 does and gives less to send."""

    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=4)

    def feed(self, data: bytes, *, last: bool) -> bytes:
        """See Encoder."""
        piece: bytes = self._compressor.process(data)
        rest: bytes = self._compressor.finish() if last else self._compressor.flush()
        return piece + rest


class Zstandard:
    """RFC 8878; level 3 stays within the 8 MB window that browsers accept."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=3).compressobj()

    def feed(self, data: bytes, *, last: bool) -> bytes:
        """See Encoder."""
        mode = zstandard.COMPRESSOBJ_FLUSH_FINISH if last else zstandard.COMPRESSOBJ_FLUSH_BLOCK
        return self._compressor.compress(data) + self._compressor.flush(mode)


# In our order of preference: least time for about the same size first.
ENCODERS: Mapping[str, type[Encoder]] = {"zstd": Zstandard, "br": Brotli, "gzip": Gzip}


@lru_cache(maxsize=256)
def accepted_encodings(header: str) -> tuple[str, ...]:
    """Give the encodings that a client likes at least as well as none at all, best first.

    Without a usable one the answer goes out plain, even under `identity;q=0`: RFC 9110 permits it, and any
    answer beats a 406.
    """
    accept = parse_accept_header(header)
    named = {item.lower() for item, _ in accept}
    plain = accept.quality("identity") if "identity" in named else 0.0
    liked = [name for name in ENCODERS if accept.quality(name) > 0 and accept.quality(name) >= plain]
    return tuple(sorted(liked, key=accept.quality, reverse=True))


class CompressionMiddleware:
    """Prevents pages of half a megabyte on slow lines, and caches that mix up the variants of one answer.

    A strong ETag gets the encoding as its suffix (`"7"` becomes `"7-gzip"`), since the bytes differ; in
    If-None-Match the suffix of an encoding that the client still accepts is taken off on the way in and put
    back on the 304. A body that is sent in pieces is compressed piece by piece, each readable on arrival.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request and encode its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        accepted = accepted_encodings(", ".join(Headers(scope=scope).getlist("accept-encoding")))
        scope, suffixes = _without_suffixes(scope, accepted)
        await self.app(scope, receive, _Answer(send, accepted[0] if accepted else None, suffixes).send)


class _Answer:
    """One answer on its way out; its start is held back until the first piece of body shows its size."""

    def __init__(self, send: Send, encoding: str | None, suffixes: Mapping[str, str]) -> None:
        self._send = send
        self._encoding = encoding
        self._suffixes = suffixes
        self._start: Message | None = None
        self._encoder: Encoder | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] == "http.response.body":
            body, more = message.get("body", b""), message.get("more_body", False)
            if self._start is not None:
                self._encoder = self._prepare(self._start, None if more else len(body))
            if self._encoder is not None and (body or not more):
                body = await _feed(self._encoder, body, last=not more)
                if self._start is not None and not more:
                    MutableHeaders(scope=self._start)["Content-Length"] = str(len(body))
            message = {**message, "body": body}
        elif self._start is not None:
            self._prepare(self._start, 0)
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)
        await self._send(message)

    def _prepare(self, start: Message, size: int | None) -> Encoder | None:
        """Write the headers of the variant, and give its encoder; None for the plain one."""
        headers = MutableHeaders(scope=start)
        etag = headers.get("etag", "")
        if start["status"] == 304:
            if etag in self._suffixes:
                headers["ETag"] = self._suffixes[etag]
            _vary(headers)
            return None
        if "content-encoding" in headers or not COMPRESSIBLE.match(headers.get("content-type", "")):
            return None
        _vary(headers)
        too_small = size is not None and size < MINIMUM_SIZE
        fixed = "content-range" in headers or "no-transform" in headers.get("cache-control", "")
        if self._encoding is None or too_small or fixed:
            return None
        headers["Content-Encoding"] = self._encoding
        del headers["Content-Length"]
        if etag.startswith('"'):
            headers["ETag"] = f'{etag[:-1]}-{self._encoding}"'
        return ENCODERS[self._encoding]()


async def _feed(encoder: Encoder, data: bytes, *, last: bool) -> bytes:
    if len(data) < OFF_LOOP_SIZE:
        return encoder.feed(data, last=last)
    return await run_in_threadpool(encoder.feed, data, last=last)


def _vary(headers: MutableHeaders) -> None:
    if "accept-encoding" not in headers.get("vary", "").lower():
        headers.add_vary_header("Accept-Encoding")


def _without_suffixes(scope: Scope, accepted: tuple[str, ...]) -> tuple[Scope, Mapping[str, str]]:
    """Turn the tags in If-None-Match into the plain ones, and keep which variant each of them stood for."""
    given = ", ".join(Headers(scope=scope).getlist("if-none-match"))
    if not accepted or not TAG_SUFFIX.search(given):
        return scope, {}
    variants: dict[str, str] = {}

    def plain(match: re.Match[str]) -> str:
        if match[2] not in accepted:
            return match[0]
        variants[f'"{match[1]}"'] = f'"{match[1]}-{match[2]}"'
        return f'"{match[1]}"'

    rewritten = re.sub(r'"([^"]*)-(zstd|br|gzip)"', plain, given).encode("latin-1")
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"if-none-match"]
    return {**scope, "headers": [*others, (b"if-none-match", rewritten)]}, variants
