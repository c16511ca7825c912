"""The envelopes around records: what a list answers with. Records themselves are `db/records.py`'s."""

import datetime as dt
from typing import Annotated, Generic, TypeVar

from pydantic import JsonValue

from api.proposalschemas import Proposal
from db import records
from db.enums import Role
from db.fields import Model, described, open_word

Item = TypeVar("Item", bound=Model)

STATE = {"revision": 4012, "release": None, "updated_at": "2026-11-24T12:00:00.000000Z"}


class Note(Model):
    """Something to know about an answer."""

    code: str = described("What the note is about.", "coalition")
    text: str = described(
        "The note, as a sentence.",
        "dpr is a member of dpr-lpr; dpr-lpr is an actor of its own, which party=dpr does not ask for.",
    )


class DatasetState(Model):
    """The state of the dataset that an answer is made of."""

    revision: int = described("The dataset revision.", 4012)
    release: str | None = described("The release that was asked for, or null.", None)
    updated_at: dt.datetime = described("When that revision was written.", STATE["updated_at"])


class _Paged(Model):
    total: int = described("How many records match, on all pages.", 26)
    limit: int = described("How many records a page holds at most.", 50)
    next: str | None = described("Path of the next page; null on the last one.", None)
    next_cursor: str | None = described("Cursor of the next page; null on the last one.", None)


class AnswerMeta(Model):
    """What an answer that has no pages says about itself."""

    query: dict[str, list[str]] = described(
        "The query as it was understood: each parameter with its values, names resolved to ids.",
        {"mediator": ["uae"]},
    )
    notes: list[Note] = described("What to know about the answer.", [])
    dataset: DatasetState = described("The state of the dataset that was read.", STATE)


class ListMeta(AnswerMeta, _Paged):
    """What a list says about itself."""


class PageOf(Model, Generic[Item]):
    """A page of a list, and what the list says about itself."""

    data: list[Item] = described("The records of this page.", [])
    meta: ListMeta = described(
        "About the list.",
        {
            "total": 0,
            "limit": 50,
            "next": None,
            "next_cursor": None,
            "query": {"mediator": ["uae"]},
            "notes": [],
            "dataset": STATE,
        },
    )


class ExchangeList(PageOf[records.Exchange]):
    """A page of exchanges."""


class FigureList(PageOf[records.Figure]):
    """A page of figures."""


class ClaimList(PageOf[records.Claim]):
    """A page of claims."""


class MediationList(PageOf[records.Mediation]):
    """A page of mediations."""


class ArticleList(PageOf[records.Article]):
    """A page of articles."""


class PublisherList(PageOf[records.Publisher]):
    """A page of publishers."""


class ActorList(PageOf[records.Actor]):
    """A page of actors."""


class MediatorList(PageOf[records.Mediator]):
    """A page of mediators."""


class AgreementList(PageOf[records.Agreement]):
    """A page of agreements."""


class PublishedTotalList(PageOf[records.PublishedTotal]):
    """A page of published totals."""


class CoverageNoteList(PageOf[records.CoverageNote]):
    """A page of coverage notes."""


COUNTS = {
    "exchanges": 235,
    "claims": 819,
    "mediations": 227,
    "figures": 646,
    "articles": 1120,
    "publishers": 538,
    "actors": 27,
    "agreements": 7,
    "totals": 164,
    "coverage": 21,
}


class DatasetCounts(Model):
    """How many current records there are."""

    exchanges: int = described("Exchanges.", COUNTS["exchanges"])
    claims: int = described("Claims.", COUNTS["claims"])
    mediations: int = described("Mediations of exchanges.", COUNTS["mediations"])
    figures: int = described("Figures derived from the claims.", COUNTS["figures"])
    articles: int = described("Citing articles.", COUNTS["articles"])
    publishers: int = described("Publishers and agencies.", COUNTS["publishers"])
    actors: int = described("Actors.", COUNTS["actors"])
    agreements: int = described("Agreements.", COUNTS["agreements"])
    totals: int = described("Published totals.", COUNTS["totals"])
    coverage: int = described("Coverage notes.", COUNTS["coverage"])


class DatasetFile(Model):
    """A table of the dataset as a file, whole and of one state."""

    table: str = described("What it holds.", "exchanges")
    media_type: str = described("Its media type.", "text/csv")
    path: str = described("Its path.", "/v1/exchanges.csv?as_of=4012")


class DatasetLinks(Model):
    """Where the dataset is described otherwise, and where it is found."""

    self: str = described("Path of this description, of the same state.", "/v1/dataset?as_of=4012")
    codebook: str = described("What each variable means.", "/v1/codebook?as_of=4012")
    json_ld: str = described("The same for catalogues: schema.org and DCAT.", "/v1/dataset.jsonld?as_of=4012")
    data_package: str = described("Frictionless Data Package.", "/v1/datapackage.json?as_of=4012")
    croissant: str = described("Croissant.", "/v1/croissant.json?as_of=4012")
    releases: str = described("The releases.", "/v1/releases")
    changes: str = described("Everything that was ever written.", "/v1/changes")
    contract: str = described("The contract of this service, OpenAPI.", "/v1/openapi.json")


class Dataset(Model):
    """What this dataset is, how far it has come and how to cite it."""

    title: str = described("The title of the dataset.", "Prisoner exchanges")
    description: str = described("What it holds.", "Curated records of prisoner exchanges.")
    licence: str = described("The licence of the data, SPDX.", "CC-BY-4.0")
    licence_url: str = described("Where the licence is.", "https://creativecommons.org/licenses/by/4.0/")
    creator: str = described("Who makes it.", "Curators of the prisoner-exchange dataset")
    keywords: list[str] = described("What it is about.", ["prisoner exchange"])
    citation: str = described("How to cite the dataset.", "Prisoner exchanges, dataset revision 1 (2026).")
    figures_rule: int = described("Version of the rule that figures follow.", 1)
    first_exchange: dt.date | None = described("Day of the earliest exchange, or null.", "2014-05-07")
    last_exchange: dt.date | None = described("Day of the latest exchange, or null.", "2026-11-01")
    places: list[str] = described("The states that are parties to an exchange.", ["Russia", "Ukraine"])
    newest_release: str | None = described("The newest release there is, or null.", "2026.11")
    counts: DatasetCounts = described("How many current records of each kind there are.", COUNTS)
    files: list[DatasetFile] = described("The tables as files, in every format.", [])
    links: DatasetLinks = described(
        "Related paths.",
        {
            "self": "/v1/dataset?as_of=4012",
            "codebook": "/v1/codebook?as_of=4012",
            "json_ld": "/v1/dataset.jsonld?as_of=4012",
            "data_package": "/v1/datapackage.json?as_of=4012",
            "croissant": "/v1/croissant.json?as_of=4012",
            "releases": "/v1/releases",
            "changes": "/v1/changes",
            "contract": "/v1/openapi.json",
        },
    )
    dataset: DatasetState = described("The state of the dataset that was read.", STATE)


class Health(Model):
    """Whether the service is up."""

    status: str = described("`ok`, or what is wrong.", "ok")


class Readiness(Health):
    """Whether the service can answer."""

    note: str | None = described("What to know although it can; null if there is nothing.", None)


class RevisionLinks(Model):
    """Where a revision is found, and the record as it stands now."""

    self: str = described("Path of the revision.", "/v1/exchanges/2024-12-30-russia-ukraine/revisions/1")
    record: str = described("Path of the record.", "/v1/exchanges/2024-12-30-russia-ukraine")


class RevisionEntry(Model):
    """One write of one record: when, why and by whom, and the figures as they then stood."""

    number: int = described("The revision number of the record.", 1)
    dataset_revision: int = described("The dataset revision that the write made.", 1)
    at: dt.datetime = described("When it was written.", STATE["updated_at"])
    action: str = described("What was done.", "created")
    reason: str = described("Why.", "the dataset as shipped")
    by: str | None = described("Public id and name of the key that wrote, or null.", None)
    release: str | None = described("The first release that holds it, or null.", None)
    figures: list[records.ExchangeFigure] = described(
        "The figures of an exchange as they then stood; empty for other records.", []
    )
    links: RevisionLinks = described(
        "Related paths.",
        {
            "self": "/v1/exchanges/2024-12-30-russia-ukraine/revisions/1",
            "record": "/v1/exchanges/2024-12-30-russia-ukraine",
        },
    )

    @property
    def id(self) -> str:
        """Its place in the list."""
        return f"{self.number:010d}"


class RevisionEntryList(PageOf[RevisionEntry]):
    """The revisions of a record."""


class Diff(Model):
    """What changed between two revisions of a record."""

    resource: str = described("The kind of record.", "exchange")
    id: str = described("Its id.", "2024-12-30-russia-ukraine")
    from_revision: int = described("The earlier revision.", 1)
    to_revision: int = described("The later revision.", 2)
    patch: list[dict[str, JsonValue]] = described(
        "The changes as a JSON Patch (RFC 6902).", [{"op": "replace", "path": "/summary", "value": "b"}]
    )
    sentences: list[str] = described("The changes in words, one each.", ['summary was "a" and is now "b".'])


class ChangeEntry(Model):
    """One write of one record, in the order of the whole dataset."""

    dataset_revision: int = described("The dataset revision that it belongs to.", 1)
    position: int = described("Its place in that revision, from 0.", 0)
    entries: int = described("How many changes that revision has: apply it whole.", 2112)
    action: str = described("What was done.", "created")
    resource: str = described("The kind of record.", "exchange")
    id: str = described("Its id.", "2024-12-30-russia-ukraine")
    number: int = described("The revision number that the record has since.", 1)
    reason: str = described("Why.", "the dataset as shipped")
    by: str | None = described("Public id and name of the key that wrote, or null.", None)
    at: dt.datetime = described("When it was written.", STATE["updated_at"])
    changed: list[str] = described("The fields that it changed, of an update.", ["summary"])
    body: str | None = described(
        "The record as it then stood, as the very JSON text that was served; null unless `body=true`.", None
    )
    links: RevisionLinks = described(
        "Related paths.",
        {
            "self": "/v1/exchanges/2024-12-30-russia-ukraine/revisions/1",
            "record": "/v1/exchanges/2024-12-30-russia-ukraine",
        },
    )


class ChangeMeta(Model):
    """Where a page of the change feed stands."""

    epoch: str = described("Changes when a backup is restored: a mirror then begins anew.", "5f0c…")
    head: int = described("The newest dataset revision.", 4012)
    next: str | None = described("Path of the next page; null at the head.", None)
    next_cursor: str | None = described("Cursor of the next page; null at the head.", None)


class ChangeFeed(Model):
    """A page of the change feed."""

    data: list[ChangeEntry] = described("The changes, in the order of (dataset_revision, position).", [])
    meta: ChangeMeta = described(
        "About the feed.", {"epoch": "5f0c…", "head": 4012, "next": None, "next_cursor": None}
    )


class Me(Model):
    """The key that a request carries; the key itself is told to nobody."""

    id: str = described("Its public id, which the history shows for what it wrote.", "5d41f0c2a9")
    name: str = described("Who holds it, as was said when it was made.", "Curator of the north")
    role: Annotated[Role, open_word(Role)] = described(
        "What it may do; each role may do what the one before it may.", "curator"
    )
    created_at: dt.datetime = described("When it was made.", STATE["updated_at"])
    expires_at: dt.datetime | None = described(
        "From when on it holds no longer; null if it never expires.", "2027-01-31T23:59:59.999999Z"
    )
    last_used_at: dt.datetime | None = described(
        "When it was last used, to the minute; null if that was never noted.", STATE["updated_at"]
    )


class ImportCount(Model):
    """What became of the records of one kind in an import."""

    resource: str = described("The kind of record.", "exchange")
    created: int = described("How many are new.", 3)
    updated: int = described("How many were changed.", 1)
    rerendered: int = described(
        "How many others show something of a changed record, such as the title of an article.", 0
    )
    unchanged: int = described("How many lines say what stands already.", 12)


class ImportReport(Model):
    """What an import did, or in a dry run would do."""

    revision: int = described(
        "The dataset revision that it made, or in a dry run would make; the newest if nothing changes.", 4012
    )
    dry_run: bool = described("Whether nothing was stored because of `dry_run`.", example=False)
    counts: list[ImportCount] = described("What became of the records, for each kind that occurs.", [])
    warnings: list[Note] = described("What to look at again, though it was stored.", [])


class PlannedChange(Model):
    """One record that a write would change."""

    resource: str = described("The kind of record.", "exchange")
    id: str = described("Its id.", "2024-12-30-russia-ukraine")
    action: str = described("What would be done.", "updated")
    number: int = described("The revision number that the record would have.", 2)
    sentences: list[str] = described(
        "What would change, in words.", ["claims.0.count was 189 and is now 190."]
    )
    body: str = described("The record as it would stand, as the JSON text that would be served.", "{…}")
    links: records.SelfLinks = described(
        "Where the record is or would be found.", {"self": "/v1/exchanges/2024-12-30-russia-ukraine"}
    )


class DryRun(Model):
    """What a write would do; nothing was stored."""

    dataset_revision: int = described("The dataset revision that it would make.", 4013)
    changes: list[PlannedChange] = described(
        "The records that it would change; none if all is so already.", []
    )


class ProposalList(PageOf[Proposal]):
    """A page of proposals."""
