"""What is posted to cite a query, and what a citation answers with."""

import datetime as dt
from typing import Annotated

from pydantic import StringConstraints

from api.schemas import Note
from db.fields import Model, described

LONGEST_URL = 8192  # what the service reads of a URL
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
URL = "https://example.org/c/k3fq7m2xw5ab"


class CitationInput(Model):
    """What is to be cited."""

    url: Annotated[str, StringConstraints(max_length=LONGEST_URL)] = described(
        "A list, a record, statistics, a reconciliation or disagreements of this service, or a file of them, "
        "as a path with its query or as a whole URL. They are cited as a whole: `limit`, `cursor` and "
        "`fields` are refused.",
        "/v1/exchanges?mediator=uae&year=2025",
    )


class CitationLinks(Model):
    """Where what is cited is found."""

    self: str | None = described(
        "Path of the citation; null for the own citation of a record.", "/v1/citations/k3fq7m2xw5ab"
    )
    records: str = described(
        "Path of the same records as JSON, pinned to the dataset revision.",
        "/v1/exchanges?mediator=uae&year=2025&as_of=4012",
    )


class CitationAnswer(Model):
    """How to cite the records of a query, or one record, as of one dataset revision."""

    id: str | None = described(
        "Its id; null for the own citation of a record, which its revision names.", "k3fq7m2xw5ab"
    )
    url: str = described("The address to cite: it returns the same bytes for ever.", URL)
    path: str = described(
        "What is cited: the path of a list, a record, or what is computed.", "/v1/exchanges"
    )
    query: dict[str, list[str]] = described(
        "The query as it was understood: names as ids, values in order.",
        {"mediator": ["uae"], "year": ["2025"]},
    )
    dataset_revision: int = described("The dataset revision that is cited.", 4012)
    release: str | None = described("The first release of that revision, or null.", None)
    updated_at: dt.datetime = described(
        "When that dataset revision was written.", "2026-11-24T12:00:00.000000Z"
    )
    rows: int = described("How many rows, such as records, it holds.", 16)
    sha256: str = described("SHA-256 of the bytes that `url` returned when it was cited.", SHA256)
    created_at: dt.datetime | None = described(
        "When it was first cited; null for the own citation of a record.", "2026-11-25T12:00:00.000000Z"
    )
    notes: list[Note] = described(
        "What to know: such as that records were blanked since, or numbers come out otherwise.", []
    )
    text: str = described("The citation as one line.", f"Prisoner exchanges [exchanges]. {URL}")
    bibtex: str = described("The citation as BibTeX.", "@dataset{k3fq7m2xw5ab, …}")
    ris: str = described("The citation as RIS.", "TY  - DATA\r\nER  - \r\n")
    csl_json: str = described("The citation as an item of CSL-JSON, itself JSON text.", '{"type":"dataset"}')
    links: CitationLinks = described(
        "Related paths.",
        {
            "self": "/v1/citations/k3fq7m2xw5ab",
            "records": "/v1/exchanges?mediator=uae&year=2025&as_of=4012",
        },
    )
