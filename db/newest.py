"""Which state of the dataset is the newest, as far as this process knows.

Whoever reads tells what it saw, and one connection asks every 50 ms: LISTEN would reach neither standbys nor
what is behind a PgBouncer. What is kept for one state only (`api/caching.py`) is let go of by this knowledge.
"""

import asyncio
import datetime as dt
import logging
from typing import NamedTuple

from db.queries.pages import Version
from db.reader import Reader

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_OF_A_LOOK = 1.0  # one that takes longer leaves the newest state unknown
# A replica has all there is only while it is connected: else it does not know what it lacks.
LOOK = """
SELECT epoch, revision, vocabulary_revision, updated_at,
  CASE
    WHEN NOT pg_is_in_recovery() THEN NULL
    WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
      AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
    ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
  END,
  CASE
    WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
  END
FROM dataset
"""

logger = logging.getLogger(__name__)


class Look(NamedTuple):
    """What was last seen by whoever looks: when, what is newest, and how far a replica is behind."""

    at: dt.datetime
    revision: int
    updated_at: dt.datetime
    lag_seconds: float | None
    lag_bytes: int | None


class Newest:
    """The newest version that anything in this process has seen; None while it is not known.

    `writes` counts the moments before which nothing that was read says what the newest is now. What is read
    counts only while somebody looks: otherwise nobody would notice what other processes write.
    """

    def __init__(self) -> None:
        self.version: Version | None = None
        self.writes = 0
        self.floor = 0  # the newest revision that this process has written, which replicas may lack
        self.look: Look | None = None
        self._last: Version | None = None
        self._looking = False

    def outdated(self) -> None:
        """Note that this process has written: whoever read before may have seen the version before."""
        self.writes += 1
        self.version = None

    def wrote(self, revision: int) -> None:
        """Note a revision that this process has written."""
        self.floor = max(self.floor, revision)

    def lower(self, floor: int, revision: int) -> None:
        """Note that the primary itself has no more than a revision, and nothing was written meanwhile.

        What was written before is lost then, or the dataset was restored from a backup.
        """
        if self.floor == floor:
            self.floor = min(floor, revision)

    def seen(self, version: Version, writes: int) -> None:
        """Note what was read; `writes` is their count when the reading began."""
        known = self.version
        if not self._looking or writes != self.writes or version.revision < self.floor:
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
                    self.looked(Version(*row[:3]), writes)
                    self.look = Look(dt.datetime.now(dt.UTC), row[1], *row[3:])
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
