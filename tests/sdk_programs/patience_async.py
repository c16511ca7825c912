"""What refused requests come to, asynchronously."""

import asyncio
import json
import sys

from prisoner_exchanges import checked, connect
from prisoner_exchanges.api.actors import get_actor
from prisoner_exchanges.api.writing import create_publisher
from prisoner_exchanges.models import PublisherInput


async def main(base: str, key: str, word: str) -> list[object]:
    body = PublisherInput(id=word, name=f"The {word}", is_agency=False, aliases=[])
    create = create_publisher.asyncio_detailed
    async with connect(base, key=key) as client, connect(base, longest_wait=0.05) as impatient:
        return [
            checked(await get_actor.asyncio("uae", client=client)).id,
            (await get_actor.asyncio_detailed("russia", client=impatient)).status_code,
            (await create(client=client, body=body, reason="a try")).status_code,
            (await create(client=client, body=body, reason="a try", idempotency_key=word)).status_code,
        ]


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
