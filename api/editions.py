"""What metadata files describe: one state of the dataset, and the files that it is had in.

Facts only, with the words that every description of the dataset shares. How they are written down is the
business of the builders (`api/datapackage.py`, `api/croissant.py`, `api/citationfiles.py`,
`api/catalogue.py`); where they come from, that of who calls them. No builder looks at a clock, a database
or a request, so that the same facts give the same bytes.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from api.columns import Column
from db.queries.dataset import Size

TITLE = "Prisoner exchanges: claims and their sources"
DESCRIPTION = (
    "Curated records of prisoner exchanges, returns of civilians and of remains. Sources contradict each "
    "other, so the unit is the claim with its claimant and its articles; figures are derived from claims by "
    "a written rule. No personal data: numbers and roles only."
)
SLUG = "prisoner-exchanges"
CREATOR = "Curators of the prisoner-exchange dataset"
LICENCE = "CC-BY-4.0"
LICENCE_NAME = "CC BY 4.0"
LICENCE_TITLE = "Creative Commons Attribution 4.0 International"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"
KEYWORDS = (
    "prisoner exchange",
    "prisoners of war",
    "return of civilians",
    "repatriation of remains",
    "mediation",
    "armed conflict",
    "source criticism",
)


@dataclass(frozen=True)
class Edition:
    """One state of the dataset, as a release or as it was read live.

    `name` is the release's, or null; `revision` the dataset revision, written at `at`. `size` is what that
    state holds and the days that it spans; `places` are the states that are parties, by name. `base_url` is
    where the service is found, such as `https://example.org`, without a slash at its end.
    """

    name: str | None
    revision: int
    at: dt.datetime
    size: Size
    base_url: str
    places: Sequence[str] = ()

    @property
    def version(self) -> str:
        """What the edition is called: the release's name, else `revision-12`."""
        return self.name or f"revision-{self.revision}"

    @property
    def number(self) -> str:
        """The same as MAJOR.MINOR.PATCH, as some formats want it: year, month, and which of the month."""
        if self.name is None:
            return f"0.0.0-revision.{self.revision}"
        year, month, *nth = (int(part) for part in self.name.split("."))
        return f"{year}.{month}.{nth[0] if nth else 0}"

    def pinned(self, path: str) -> str:
        """Give the path by which the service reads something of exactly this edition, for good.

        Before anything was written there is no state that could be named.
        """
        if self.name is not None:
            return f"{path}?release={self.name}"
        return f"{path}?as_of={self.revision}" if self.revision else path

    @property
    def url(self) -> str:
        """Where the edition is described, for good."""
        return f"{self.base_url}{self.pinned('/v1/dataset')}"

    @property
    def citation(self) -> str:
        """How to cite it, in one line."""
        named = f"Dataset revision {self.revision}"
        if self.name is not None:
            named = f"Release {self.name} (dataset revision {self.revision})"
        return f"{TITLE}. {named}, {self.at:%d %B %Y}. {LICENCE_NAME}."


@dataclass(frozen=True)
class FileFacts:
    """One file that an edition is had in.

    `path` is its path beside the metadata file, or its URL. `bytes` and `sha256` (hexadecimal) are null where
    they are not known, as of what is made when it is asked for. `resource` is the plural name of what it
    holds, such as `exchanges`; `columns` are those of a table, in their order, and null of anything else.
    """

    path: str
    media_type: str
    bytes: int | None
    sha256: str | None
    resource: str
    columns: Sequence[Column] | None
