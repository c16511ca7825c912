"""HTTP/1.1 as the trials speak it, over connections that they open, keep, leave half done and close.

A client library would mend what is to be seen here: it opens another connection, and sends again.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

LONGEST_HEAD = 1 << 20
LONGEST_PIECE = 1 << 20
SECONDS_TO_ANSWER = 60.0


class BrokenError(Exception):
    """The connection ended before the answer did; `begun` if some of the answer had come."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__("cut off" if begun else "no answer")
        self.begun = begun


@dataclass(frozen=True)
class Answer:
    """An answer as it came; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Give the body as JSON."""
        return json.loads(self.body)


class Talk:
    """One connection, on which one request follows the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(
        self,
        target: bytes | str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes = b"",
    ) -> Answer:
        """Send a request and give its answer.

        Raises:
            BrokenError: there is none, or not the whole of it.
            TimeoutError: it does not come in time.
        """
        await self.send(request(target, headers, method=method, body=body))
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            return await self.answer(method)

    async def send(self, data: bytes) -> None:
        """Send bytes, if anybody is there to take them."""
        with suppress(ConnectionError):  # what reads the answer tells that there is none
            self.writer.write(data)
            await self.writer.drain()

    async def answer(self, method: str = "GET") -> Answer:
        """Read an answer to its end.

        Raises:
            BrokenError: the connection ends before.
        """
        status, headers = await self.head()
        return Answer(status, headers, await self._body(method, status, headers))

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read status and headers.

        Raises:
            BrokenError: the connection ends before.
        """
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise BrokenError(begun=bool(error.partial)) from error
        except ConnectionError as error:
            raise BrokenError(begun=False) from error
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        return int(first.split(" ", 2)[1]), {name.strip().lower(): text.strip() for name, _, text in pairs}

    async def _body(self, method: str, status: int, headers: Mapping[str, str]) -> bytes:
        if method == "HEAD" or status in {204, 304}:
            return b""
        return b"".join([piece async for piece in self.pieces(headers)])

    async def pieces(self, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Give the body after the head of an answer, piece by piece.

        Raises:
            BrokenError: the connection ends before it does.
        """
        try:
            if headers.get("transfer-encoding", "").lower() == "chunked":
                while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                    yield await self.reader.readexactly(size)
                    await self.reader.readexactly(2)
                await self.reader.readuntil(b"\r\n")
                return
            left = int(headers["content-length"])
            while left:
                piece = await self.reader.readexactly(min(left, LONGEST_PIECE))
                left -= len(piece)
                yield piece
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise BrokenError(begun=True) from error

    async def ended(self) -> None:
        """Wait until the other side has ended the connection."""
        with suppress(ConnectionError):
            while await self.reader.read(1 << 16):
                pass

    def close(self) -> None:
        """End the connection."""
        self.writer.close()


def request(
    target: bytes | str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: bytes = b""
) -> bytes:
    """Give the bytes of a request; a target of bytes is sent as it is."""
    path = target if isinstance(target, bytes) else target.encode()
    fields = {"Host": "127.0.0.1"} | dict(headers or {})
    if body or method in {"POST", "PUT", "PATCH"}:
        fields |= {"Content-Length": str(len(body))}
    lines = b"".join(f"{name}: {text}\r\n".encode("latin-1") for name, text in fields.items())
    return method.encode() + b" " + path + b" HTTP/1.1\r\n" + lines + b"\r\n" + body


async def opened(port: int, buffer: int | None = None) -> Talk:
    """Open a connection; with `buffer`, only so many bytes wait on this side to be read.

    Raises:
        ConnectionError: nobody listens.
    """
    if buffer is None:
        return Talk(*await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_HEAD))
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    return Talk(*await asyncio.open_connection(sock=plain, limit=buffer))


@asynccontextmanager
async def talking(port: int, buffer: int | None = None) -> AsyncIterator[Talk]:
    """Lend a connection.

    Raises:
        ConnectionError: nobody listens.
    """
    talk = await opened(port, buffer)
    try:
        yield talk
    finally:
        talk.close()
