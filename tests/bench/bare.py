"""The bare callable: an ASGI application that sends one answer whatever is asked, and does nothing else.

It runs on the server of the service with the same settings (`api/serving.py`), so that what the service's
requests a second fall short of its own is what the service costs.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

Message = MutableMapping[str, Any]


def make_app() -> Callable[..., Awaitable[None]]:
    """Make the callable from the answer in the file that BENCH_ANSWER names."""
    told = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
    start = {
        "type": "http.response.start",
        "status": told["status"],
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in told["headers"]],
    }
    body = {"type": "http.response.body", "body": told["body"].encode("latin-1")}

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "http":
            await send(start)
            await send(body)
            return
        while scope["type"] == "lifespan":
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    return app


def main() -> None:
    """Serve until told to stop."""
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")
    Granian(
        "tests.bench.bare:make_app",
        factory=True,
        address="127.0.0.1",
        port=int(os.environ["PORT"]),
        interface=Interfaces.ASGI,
        workers=int(os.environ["WORKERS"]),
        websockets=False,
        log_level=LogLevels.warning,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main()
