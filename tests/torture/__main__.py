"""`make torture`: what the service is put through before it is let into the world, in one table.

`python -m tests.torture --only slow,drain` runs some of the trials, `--short` the minute of CI, and `--write`
keeps the table in the guide. Each trial says what must hold as a number; it fails if one does not.
"""

import argparse
import datetime as dt
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from api.serving import StopSignals
from db.embedded import EmbeddedPostgresError
from tests.bench.bench import FEW, Bench
from tests.bench.goals import Failure, Finding
from tests.bench.places import open_places
from tests.bench.running import BenchError
from tests.torture.clocks import jump
from tests.torture.crowding import crowd
from tests.torture.draining import drain
from tests.torture.filling import full
from tests.torture.fuzzing import fuzz
from tests.torture.generating import generate
from tests.torture.growing import grow
from tests.torture.hanging import slow
from tests.torture.outage import gone
from tests.torture.report import Report, row_of
from tests.torture.rolling import roll
from tests.torture.torture import SkippedTrialError, Torture
from tests.torture.upgrading import upgrade

Trial = Callable[[Torture], Iterator[Finding]]
TRIALS: Mapping[str, Trial] = {
    "generated": generate,
    "fuzz": fuzz,
    "slow": slow,
    "crowd": crowd,
    "full": full,
    "gone": gone,
    "memory": grow,
    "drain": drain,
    "rolling": roll,
    "clock": jump,
    "upgrade": upgrade,
}
# The minute of CI: generated requests have tests of their own there, and the others take longer.
OF_THE_MINUTE = ("fuzz", "slow", "crowd", "full", "gone", "memory", "drain")
INTERRUPTED = 130
WIDTH = 180  # of the table in a file

console = Console(stderr=True)


def main() -> int:
    """Run what is asked for; give 0 if everything holds that must, 1 if not."""
    names, short, write = _asked()
    try:
        with (
            StopSignals(),
            _folder() as folder,
            tempfile.TemporaryDirectory(prefix="run-", dir=folder) as scratch,
            open_places(None, folder, _say) as places,
        ):
            Path(scratch).chmod(0o711)  # the account that runs Postgres for root must get through
            torture = Torture(Bench(places, folder, Path(scratch), FEW, 1, 1, _say), short)
            found = {name: _tried(torture, name) for name in names}
            report = Report.of(found, dt.datetime.now().astimezone(), places.version, short=short)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return INTERRUPTED
    except (BenchError, EmbeddedPostgresError) as error:
        console.print(f"error: {error}", markup=False)
        return 1
    Console(width=None if sys.stdout.isatty() else WIDTH).print(report.table())
    if write:
        _say(f"written to {report.write(list(TRIALS))}")
    return int(report.failed)


def _tried(torture: Torture, name: str) -> Sequence[Finding | Failure]:
    """Run a trial; what goes wrong in it stops no other."""
    begun = time.perf_counter()
    _say(f"{name} begins")
    found: list[Finding | Failure] = []
    try:
        for each in TRIALS[name](torture):
            found.append(each)
            _, what, figure, bound, verdict, told = row_of(each)
            _line(f"{name}  {verdict}  {what}: {figure} ({bound}); {told}")
    except SkippedTrialError as reason:
        _line(f"{name}  SKIPPED  {reason}")
        found.append(Finding(name, f"not tried: {reason}", 0, 0, "", applies=False))
    except Exception as error:  # noqa: BLE001  (whatever it is, the other trials are not lost for it)
        if not isinstance(error, BenchError):
            console.print_exception()
        _line(f"{name}  FAILED  {error}")
        found.append(Failure(name, str(error) or type(error).__name__))
    _say(f"{name} took {time.perf_counter() - begun:,.0f} s")
    return found


def _asked() -> tuple[Sequence[str], bool, bool]:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Torture the service.")
    parser.add_argument("--only", default="", help=f"which, with commas between: {','.join(TRIALS)}")
    parser.add_argument(
        "--short", action="store_true", help="the short form; of all trials, those of the minute of CI"
    )
    parser.add_argument("--write", action="store_true", help="keep the table in openapi/guide/reliability.md")
    given = parser.parse_args()
    only = [name for name in given.only.split(",") if name]
    if unknown := [name for name in only if name not in TRIALS]:
        parser.error(f"no such trial: {', '.join(unknown)}")
    return only or list(OF_THE_MINUTE if given.short else TRIALS), given.short, given.write


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="exchanges-torture-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _say(line: str) -> None:
    console.print(f"[dim]{dt.datetime.now().astimezone():%H:%M:%S}[/dim] {line}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
