"""What is told of releases: what each is and is downloaded as, and what differs between two of them."""

import datetime as dt
from typing import Annotated

from api.schemas import Note, PageOf
from db.enums import ReleaseLevel
from db.fields import Model, described, open_word

NAME = "2026.11"
FILE = "exchanges.csv"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MADE = "2026-11-25T12:00:00.000000Z"


class ReleaseFile(Model):
    """A file of a release's download, by which a copy of it can be checked."""

    name: str = described("Its path in the zip.", FILE)
    bytes: int = described("How long it is.", 74_213)
    sha256: str = described("Its SHA-256, in hexadecimal digits.", SHA256)


class ReleaseNotice(Model):
    """A record that a release held, and that was blanked since because it named a private person."""

    resource: str = described("The kind of record.", "exchange")
    id: str = described("Its id.", "2024-12-30-russia-ukraine")
    revision: int = described("The number of the revision that was blanked.", 2)
    reason: str = described("Why.", "revision 2 blanked: it named a private person")
    at: dt.datetime = described("When it was blanked.", MADE)
    history: str = described(
        "Path of the record's revisions.", "/v1/exchanges/2024-12-30-russia-ukraine/revisions"
    )


class ReleaseLinks(Model):
    """Where a release is found, and what belongs to it."""

    self: str = described("Path of the release.", f"/v1/releases/{NAME}")
    download: str = described("Path of its files, as one zip.", f"/v1/releases/{NAME}/download")
    dataset: str = described("Path of the dataset as the release has it.", f"/v1/dataset?release={NAME}")
    previous: str | None = described("Path of the release before it, or null.", None)
    changes: str | None = described("Path of what differs from the release before it, or null.", None)


class Release(Model):
    """A named dataset revision, frozen for good. Every read takes its name: `release=2026.11`."""

    id: str = described("Its name, which is its id.", NAME)
    name: str = described("Its name: year, month, and a number if there are more in that month.", NAME)
    dataset_revision: int = described("The dataset revision that it names.", 1)
    level: Annotated[ReleaseLevel, open_word(ReleaseLevel)] = described(
        "How much it changes for those who used the release before it; the first one is major.", "major"
    )
    notes: str = described("What is new in it, in the words of who made it.", "The first release.")
    released_at: dt.datetime = described("When it was made.", MADE)
    remade_at: dt.datetime | None = described(
        "When its files were made again, the last time that something in it had to be blanked; else null.",
        None,
    )
    files: list[ReleaseFile] = described("The files of its download, in their order.", [])
    notices: list[ReleaseNotice] = described("What was blanked in it since; it is in no file any more.", [])
    links: ReleaseLinks = described(
        "Related paths.",
        {
            "self": f"/v1/releases/{NAME}",
            "download": f"/v1/releases/{NAME}/download",
            "dataset": f"/v1/dataset?release={NAME}",
            "previous": None,
            "changes": None,
        },
    )


class ReleaseList(PageOf[Release]):
    """A page of releases, the newest first."""


class ResourceChanges(Model):
    """The records of one kind that differ between two releases, by their ids, in order."""

    resource: str = described("The kind of record.", "exchange")
    added: list[str] = described("Those that only the later release has.", ["2024-12-30-russia-ukraine"])
    changed: list[str] = described(
        "Those that both have, and that say something else in the later one or were blanked since.",
        ["2024-09-14-russia-ukraine"],
    )
    removed: list[str] = described("Those that only the earlier release has.", [])


class YearlyMove(Model):
    """By how much the people handed over in one direction in one year differ between two releases.

    Sums of `best` over the exchanges of that year; overlaps of exchanges are not subtracted.
    """

    year: int = described("The year.", 2024)
    released_by: str = described("Id of the releasing actor.", "russia")
    received_by: str = described("Id of the receiving actor.", "ukraine")
    before: int = described("The sum in the earlier release; 0 where it has no figure.", 1169)
    after: int = described("The sum in the later release; 0 where it has no figure.", 1358)
    moved: int = described("By how much the sum moved.", 189)
    exchanges_before: int = described("How many exchanges have a figure in the earlier release.", 10)
    exchanges_after: int = described("How many exchanges have a figure in the later release.", 11)


class ReleaseComparisonLinks(Model):
    """Where a comparison of releases is found, and the releases."""

    self: str = described("Path of the comparison.", f"/v1/releases/{NAME}/compare/{NAME}")
    earlier: str = described("Path of the earlier release.", f"/v1/releases/{NAME}")
    later: str = described("Path of the later release.", f"/v1/releases/{NAME}")


class ReleaseComparison(Model):
    """What differs between two releases: which records, and by how much yearly figures moved."""

    earlier: str = described("Name of the earlier release.", NAME)
    later: str = described("Name of the later release.", "2026.11.1")
    level: str | None = described(
        "How much the difference weighs, by the rule for the levels of releases; null if nothing differs.",
        "minor",
    )
    records: list[ResourceChanges] = described("The records that differ, for each kind of record.", [])
    figures: list[YearlyMove] = described(
        "The yearly figures that moved, in the order of years and directions; all others are as they were.",
        [],
    )
    notes: list[Note] = described("What to know: such as that records were blanked since.", [])
    links: ReleaseComparisonLinks = described(
        "Related paths.",
        {
            "self": f"/v1/releases/{NAME}/compare/2026.11.1",
            "earlier": f"/v1/releases/{NAME}",
            "later": "/v1/releases/2026.11.1",
        },
    )
