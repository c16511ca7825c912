"""Which state of the dataset is the newest, as far as this process knows.

Whoever reads tells what it saw, and one connection asks every 50 ms: LISTEN would reach neither standbys nor
what is behind a PgBouncer. What is kept for one state only (`api/caching.py`) is let go of by this knowledge.
"""

import asyncio
import logging

from db.queries.pages import Version
from db.reader import Reader

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_OF_A_LOOK = 1.0  # one that takes longer leaves the newest state unknown
LOOK = "SELECT epoch, revision, vocabulary_revision FROM dataset"

logger = logging.getLogger(__name__)


class Newest:
    """The newest version that anything in this process has seen; None while it is not known.

    `writes` counts the moments before which nothing that was read says what the newest is now. What is read
    counts only while somebody looks: otherwise nobody would notice what other processes write.
    """

    def __init__(self) -> None:
        self.version: Version | None = None
        self.writes = 0
        self._last: Version | None = None
        self._looking = False

    def outdated(self) -> None:
        """Note that this process has written: whoever read before may have seen the version before."""
        self.writes += 1
        self.version = None

    def seen(self, version: Version, writes: int) -> None:
        """Note what was read; `writes` is their count when the reading began."""
        known = self.version
        if not self._looking or writes != self.writes:
            return
        if known is None or known.epoch != version.epoch or known < version:
            # the same object while nothing has changed, so that it can be compared by identity
            self.version = self._last = self._last if version == self._last else version

    def looked(self, version: Version, writes: int) -> None:
        """Note what was seen by whoever looks again and again; from now on what others read counts too."""
        self._looking = True
        self.seen(version, writes)

    def lost(self) -> None:
        """Note that nobody looks any more."""
        self._looking = False
        self.version = None

    async def follow(self, reader: Reader) -> None:
        """Look again and again, until cancelled. While the database cannot be asked, nothing is known."""
        while True:
            try:
                await self._follow(reader)
            except Exception as error:  # noqa: BLE001  (whatever it is, somebody must look again)
                if self._looking:  # once, not twenty times a second
                    logger.warning("cannot look for the newest revision: %s", type(error).__name__)
            finally:
                self.lost()
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def _follow(self, reader: Reader) -> None:
        async with reader.driver() as driver:
            while True:
                writes = self.writes
                row = await driver.fetchrow(LOOK, timeout=SECONDS_OF_A_LOOK)
                if row is not None:
                    self.looked(Version(*row), writes)
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
