"""NDJSON: the bodies as they are stored, byte for byte, each on a line."""

from collections.abc import AsyncGenerator, Sequence

from api.formats.base import Batches, Sheet


async def write(sheet: Sheet, batches: Batches) -> AsyncGenerator[bytes, None]:
    """Give the lines, each ended by a line feed."""
    async for bodies in batches:
        yield as_lines(bodies)


def as_lines(bodies: Sequence[str]) -> bytes:
    """Give bodies as lines."""
    return "".join(f"{body}\n" for body in bodies).encode()
