"""A citation in words: as plain text, BibTeX, RIS and CSL-JSON. Pure functions of what is cited.

The day of access is the day of the state that is cited, so that the same citation is always the same text.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.editions import CREATOR, LICENCE_NAME, LICENCE_URL, TITLE

TEXT = "text/plain"
BIBTEX = "application/x-bibtex"
RIS = "application/x-research-info-systems"
CSL_JSON = "application/vnd.citationstyles.csl+json"

# Characters that TeX takes for commands, as they are written to be themselves.
_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "#": r"\#",
        "$": r"\$",
        "%": r"\%",
        "&": r"\&",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
    }
)


@dataclass(frozen=True)
class CitedData:
    """What is cited: `key` names the citation, `subject` what it is of (`exchanges: mediator=uae`).

    `release` is the name of the state, or null; its `revision` was written at `written_at`. `rows` and
    `sha256` are of what stands at `url`.
    """

    key: str
    subject: str
    url: str
    release: str | None
    revision: int
    written_at: dt.datetime
    rows: int
    sha256: str

    @property
    def on(self) -> dt.date:
        """The day when the state was written (UTC)."""
        return self.written_at.astimezone(dt.UTC).date()

    @property
    def title(self) -> str:
        """The title of the dataset, and which part of it is meant."""
        return f"{TITLE} [{self.subject}]"

    @property
    def version(self) -> str:
        """The release, if there is one, and the dataset revision."""
        revision = f"dataset revision {self.revision}"
        return revision if self.release is None else f"release {self.release}, {revision}"

    @property
    def counted(self) -> str:
        """How many records it is, as a note."""
        return f"{self.rows:,} {'record' if self.rows == 1 else 'records'}"


def subject_of(name: str, query: Mapping[str, Sequence[str]]) -> str:
    """Say what a query is of: `exchanges: mediator=uae, year=2025`; without filters, all of them."""
    told = ", ".join(f"{parameter}={value}" for parameter, values in query.items() for value in values)
    return f"{name}: {told}" if told else f"all {name}"


def as_text(cited: CitedData) -> str:
    """Give the citation as one line."""
    return (
        f"{CREATOR} ({cited.on.year}). {_line(cited.title)}. Data set, {cited.version}, "
        f"{cited.on.day} {cited.on:%B %Y}, {cited.counted}. {LICENCE_NAME}. {cited.url}"
    )


def as_bibtex(cited: CitedData) -> str:
    """Give the citation as BibTeX; biblatex knows the type, and older styles take it for @misc."""
    fields = {
        "author": f"{{{_tex(CREATOR)}}}",
        "title": f"{{{_tex(cited.title)}}}",
        "year": str(cited.on.year),
        "month": str(cited.on.month),
        "version": _tex(cited.version),
        "url": cited.url,
        "urldate": cited.on.isoformat(),
        "note": _tex(f"{cited.counted}, SHA-256 {cited.sha256}. Licence: {LICENCE_NAME}, {LICENCE_URL}"),
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@dataset{{{cited.key},\n{lines}}}\n"


def as_ris(cited: CitedData) -> str:
    """Give the citation as RIS, whose lines end in CR LF."""
    tags = [
        ("TY", "DATA"),
        ("ID", cited.key),
        ("AU", CREATOR),
        ("TI", cited.title),
        ("PY", str(cited.on.year)),
        ("DA", f"{cited.on:%Y/%m/%d}"),
        ("ET", cited.version),
        ("UR", cited.url),
        ("Y2", f"{cited.on:%Y/%m/%d}"),
        ("N1", f"{cited.counted}, SHA-256 {cited.sha256}"),
        ("C1", f"Licence: {LICENCE_NAME}, {LICENCE_URL}"),
        ("ER", ""),
    ]
    return "".join(f"{tag}  - {_line(value)}\r\n" for tag, value in tags)


def as_csl(cited: CitedData) -> str:
    """Give the citation as one item of CSL-JSON."""
    day = {"date-parts": [[cited.on.year, cited.on.month, cited.on.day]]}
    item = {
        "id": cited.key,
        "type": "dataset",
        "author": [{"literal": CREATOR}],
        "title": _line(cited.title),
        "version": cited.version,
        "issued": day,
        "accessed": day,
        "URL": cited.url,
        "note": f"{cited.counted}, SHA-256 {cited.sha256}. Licence: {LICENCE_NAME}, {LICENCE_URL}",
    }
    return json.dumps(item, ensure_ascii=False)


def _tex(text: str) -> str:
    return _line(text).translate(_TEX)


def _line(text: str) -> str:
    """Give a text on one line: a line feed would begin another field."""
    return " ".join(text.split())
