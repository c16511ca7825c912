"""A record that is read, merged into another of the same revision number, and read again, asynchronously."""

import asyncio
import json
import sys

from prisoner_exchanges import checked, connect
from prisoner_exchanges.api.publishers import get_publisher
from prisoner_exchanges.api.writing import merge_publisher


async def main(base: str, key: str, old: str, staying: str) -> list[object]:
    async with connect(base, key=key) as client:
        first = await get_publisher.asyncio_detailed(old, client=client)
        etag = first.headers["ETag"]
        merged = await merge_publisher.asyncio_detailed(
            old, client=client, into=staying, reason="a try", if_match=etag
        )
        read = [checked(await get_publisher.asyncio(old, client=client)).id for _ in range(2)]
        return [first.parsed.id, etag, merged.headers["ETag"], *read]


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
