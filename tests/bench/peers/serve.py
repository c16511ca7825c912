"""A peer on granian, with one worker: `python serve.py MODULE wsgi|asgi`, with PORT in the environment."""

import os
import sys

from granian import Granian
from granian.constants import Interfaces

THREADS = 4  # of a WSGI application


def main() -> None:
    """Serve until told to stop."""
    interface = Interfaces(sys.argv[2])
    Granian(
        f"{sys.argv[1]}:application",
        address="127.0.0.1",
        port=int(os.environ["PORT"]),
        interface=interface,
        workers=1,
        blocking_threads=THREADS if interface is Interfaces.WSGI else None,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main()
