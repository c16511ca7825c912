"""What a curator writes: the fields of each record that are not derived, and their validation.

The same models read the lines of a dataset file and (as base classes) open the published records of
`db/records.py`. References to other records are checked by the write, not here.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Self

from pydantic import AwareDatetime, field_validator, model_validator

from db import enums
from db.fields import (
    ActorKind,
    AgreementStatus,
    Category,
    Citations,
    ClaimId,
    Count,
    CoverageStatus,
    Day,
    ExchangeKind,
    ExchangeStatus,
    Id,
    Int4,
    Language,
    LinkStatus,
    Measure,
    MediationId,
    MediationRole,
    Model,
    Name,
    PositiveCount,
    RecordId,
    TermId,
    Text,
    TotalMeasure,
    Url,
    Year,
    described,
)

CITATIONS = "Ids of the articles that state it, at least one."


def _unique(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} names {value} twice")
        seen.add(value)


def _own_parts(record_id: str, part_ids: Iterable[str]) -> None:
    for part_id in part_ids:
        if part_id.partition(":")[0] != record_id:
            raise ValueError(f"{part_id} must begin with {record_id} and a colon")


def _two_sides(released_by: str | None, received_by: str | None) -> None:
    if released_by is not None and released_by == received_by:
        raise ValueError("released_by and received_by must differ")


class ExternalIds(Model):
    """How other datasets name an actor."""

    gw: Int4 | None = described("Gleditsch-Ward number of the state, or null.", 369, default=None)
    wikidata: Text | None = described("Wikidata item, or null while unknown.", None, default=None)


class ActorInput(Model):
    """A state, organisation, armed group or coalition."""

    id: RecordId = described("The id of the actor; a name, never a fact.", "uae")
    name: Name = described("The name in English.", "United Arab Emirates")
    kind: ActorKind = described("What sort of actor it is.", "state")
    iso_3166_1_alpha_2: Text | None = described("Two-letter country code of a state, or null.", "AE")
    iso_3166_1_alpha_3: Text | None = described("Three-letter country code of a state, or null.", "ARE")
    aliases: tuple[Name, ...] = described(
        "Other names, in any script; queries accept them all.", ["UAE", "ОАЭ"]
    )
    external_ids: ExternalIds = described(
        "The ids of the actor in other datasets.", {"gw": 696, "wikidata": None}
    )
    members: tuple[Id, ...] = described("The actors that make up a coalition, else empty.", [])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique("members", self.members)
        if self.id in self.members:
            raise ValueError("members must be other actors")
        return self

    def names(self) -> tuple[str, ...]:
        """Give every name by which a query may find the actor."""
        codes = (self.iso_3166_1_alpha_2, self.iso_3166_1_alpha_3)
        return (self.id, self.name, *(code for code in codes if code), *self.aliases)


class PublisherInput(Model):
    """A publisher or news agency."""

    id: RecordId = described("The id of the publisher.", "al-jazeera")
    name: Name = described("The name of the publisher.", "Al Jazeera")
    is_agency: bool = described("Whether other publishers carry its text.", example=True)
    aliases: tuple[Name, ...] = described("Other names of the publisher.", ["Agence France-Presse"])

    def names(self) -> tuple[str, ...]:
        """Give every name by which a query may find the publisher."""
        return (self.id, self.name, *self.aliases)


class ArticleInput(Model):
    """A citing page."""

    id: RecordId = described("The id of the article.", "al-jazeera-2024-12-30")
    url: Url = described("The address of the page.", "https://example.org/news/1")
    title: Text | None = described("The title, or null where it names a prisoner or was not visible.", None)
    publisher: Id = described("Id of who published the page.", "al-jazeera")
    agency: Id | None = described("Id of the agency that the text came from, or null.", "afp")
    published_on: Day | None = described("The day of publication, or null if unknown.", "2024-12-30")
    language: Language = described("Language of the page, ISO 639.", "en")
    archive_url: Url | None = described("A lasting copy of the page, or null.", None, default=None)
    link_status: LinkStatus = described(
        "What the last check of the URL found.", "unchecked", default=enums.LinkStatus.UNCHECKED
    )
    link_checked_at: AwareDatetime | None = described(
        "When the URL was last checked, or null.", None, default=None
    )

    @field_validator("link_checked_at")
    @classmethod
    def _in_utc(cls, checked_at: dt.datetime | None) -> dt.datetime | None:
        """Keep the moment alone: some offsets that Python knows are none to Postgres."""
        try:
            return None if checked_at is None else checked_at.astimezone(dt.UTC)
        except OverflowError as error:
            raise ValueError("in UTC it is not within the years 1 to 9999") from error


class MediationInput(Model):
    """Who is said, or denied, to have brokered something."""

    id: MediationId = described("The id of the mediation.", "2024-12-30-russia-ukraine:m1")
    actor: Id = described("Id of the actor that brokered.", "uae")
    role: MediationRole = described("What the actor did.", "mediator")
    stance: enums.Stance = described("Whether the mediation is asserted or denied.", "asserts")
    claimant: Id | None = described("Id of who says so; null is the article's own voice.", "ukraine")
    citations: Citations = described(CITATIONS, ["al-jazeera-2024-12-30"])


class ClaimInput(Model):
    """Who says how many people were handed over, in which direction, according to which articles."""

    id: ClaimId = described("The id of the claim.", "2024-12-30-russia-ukraine:c1")
    released_by: Id = described("Id of the actor that let the people go.", "russia")
    received_by: Id = described("Id of the actor that took the people in.", "ukraine")
    category: Category = described("Whom the claim counts; `total` is all living persons.", "total")
    count: Count = described("How many people.", 189)
    qualifier: enums.Qualifier = described("How the count is worded.", "exact")
    claimant: Id | None = described("Id of who says so; null is the article's own voice.", "ukraine")
    covers: enums.Covers = described(
        "`all`; `subset` of people already counted; `fragment`: never counts.", "all"
    )
    rank: enums.Rank = described("The curators' rank; a `deprecated` claim never counts.", "normal")
    note: Text | None = described("A remark in our own words, or null.", "173 privates and sergeants")
    citations: Citations = described(CITATIONS, ["al-jazeera-2024-12-30"])

    @model_validator(mode="after")
    def _sides(self) -> Self:
        _two_sides(self.released_by, self.received_by)
        return self


class Location(Model):
    """Where an exchange took place."""

    name: Text = described("The place, in words.", "Armiansk checkpoint, northern Crimea")
    citations: Citations = described(CITATIONS, ["ukrainian-radio-nrcu-085490"])


class Overlap(Model):
    """People of this exchange whom another exchange has already counted."""

    exchange: Id = described("Id of the other exchange.", "2024-06-22-russia-ukraine")
    released_by: Id = described("Id of the releasing actor in this record.", "ukraine")
    received_by: Id = described("Id of the receiving actor in this record.", "russia")
    measure: Measure = described("The measure that counts them twice.", "persons")
    count: PositiveCount = described("How many people are counted in both.", 1)
    note: Text | None = described(
        "A remark in our own words, or null.", "One cleric is counted on both days."
    )

    @model_validator(mode="after")
    def _sides(self) -> Self:
        _two_sides(self.released_by, self.received_by)
        return self


class ExchangeInput(Model):
    """One handover event with everything that is claimed about it."""

    id: RecordId = described("The id of the exchange; it never changes.", "2024-12-30-russia-ukraine")
    kind: ExchangeKind = described("What sort of handover it was.", "prisoner_exchange")
    date: Day = described("The day, or the first of several.", "2024-12-30")
    date_end: Day | None = described("The last day of several, else null.", None)
    date_precision: enums.DatePrecision = described("How exactly the date is known.", "day")
    status: ExchangeStatus = described("How far the exchange has come.", "completed")
    parties: tuple[Id, ...] = described("Ids of the parties.", ["russia", "ukraine"], min_length=1)
    summary: Text = described(
        "What happened, in our own words and without names.", "New Year swap mediated by the UAE."
    )
    location: Location | None = described("Where it took place, or null if no article says.", None)
    agreement: Id | None = described("Id of the agreement it carries out, or null.", "istanbul-2025-06-02")
    mediations: tuple[MediationInput, ...] = described("Who is said to have brokered it.", [])
    claims: tuple[ClaimInput, ...] = described("Who says how many were handed over.", [])
    citations: Citations = described(
        "Ids of every article that supports anything in the record.", ["al-jazeera-2024-12-30"]
    )
    overlaps: tuple[Overlap, ...] = described("Exchanges that already counted some of the same people.", [])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.date_end is not None and self.date_end < self.date:
            raise ValueError("date_end must not be before date")
        _unique("parties", self.parties)
        _unique("claims", (claim.id for claim in self.claims))
        _unique("mediations", (mediation.id for mediation in self.mediations))
        _own_parts(self.id, [part.id for part in self.claims] + [part.id for part in self.mediations])
        _unique(
            "overlaps", (f"{each.exchange} ({each.measure}, {each.received_by})" for each in self.overlaps)
        )
        if any(overlap.exchange == self.id for overlap in self.overlaps):
            raise ValueError("overlaps must name other exchanges")
        _check_citations(self.citations, *self.claims, *self.mediations, self.location)
        return self


class TermInput(Model):
    """One promise of an agreement."""

    id: TermId = described("The id of the term.", "istanbul-2025-05-16:t1")
    category: Category = described("Whom the promise counts.", "total")
    count: Count | None = described("How many were promised, or null where no number was given.", 1000)
    qualifier: enums.Qualifier = described("How the count is worded.", "exact")
    each_side: bool = described("Whether each side promised as much.", example=True)
    released_by: Id | None = described("Id of the side that promised to let go, or null for both.", None)
    received_by: Id | None = described("Id of the side that was to receive, or null for both.", None)
    claimant: Id | None = described("Id of who says so; null is the article's own voice.", "ukraine")
    note: Text | None = described("A remark in our own words, or null.", "Announced after the talks.")
    citations: Citations = described(CITATIONS, ["daily-sabah-2025-05-16"])

    @model_validator(mode="after")
    def _sides(self) -> Self:
        _two_sides(self.released_by, self.received_by)
        return self


class AgreementInput(Model):
    """What parties promised each other."""

    id: RecordId = described("The id of the agreement.", "istanbul-2025-05-16")
    title: Text = described("What it is called.", "Istanbul talks, first round")
    date: Day = described("The day it was reached.", "2025-05-16")
    place: Text | None = described("Where it was reached, or null.", "Istanbul")
    parties: tuple[Id, ...] = described("Ids of the parties.", ["russia", "ukraine"], min_length=1)
    status: AgreementStatus = described("What became of it.", "fulfilled")
    mediations: tuple[MediationInput, ...] = described("Who is said to have brokered it.", [])
    terms: tuple[TermInput, ...] = described("What was promised.", [])
    citations: Citations = described(
        "Ids of every article that supports anything in the record.", ["daily-sabah-2025-05-16"]
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique("parties", self.parties)
        _unique("terms", (term.id for term in self.terms))
        _unique("mediations", (mediation.id for mediation in self.mediations))
        _own_parts(self.id, [part.id for part in self.terms] + [part.id for part in self.mediations])
        _check_citations(self.citations, *self.terms, *self.mediations)
        return self


class TotalInput(Model):
    """A running total that somebody announced: the check on our own sums."""

    id: RecordId = described("The id of the published total.", "total-0100")
    as_of: Day = described("The day of which it speaks.", "2025-07-02")
    measure: TotalMeasure = described("What it counts.", "persons")
    value: Count = described("The total.", 1378)
    qualifier: enums.Qualifier = described("How the value is worded.", "exact")
    claimant: Id | None = described("Id of who announced it; null is the article's own voice.", "ukraine")
    parties: tuple[Id, ...] = described(
        "Ids of the parties whose exchanges it counts.", ["russia", "ukraine"], min_length=1
    )
    mediator: Id | None = described("Id of the mediator whose exchanges it counts, or null.", "uae")
    released_by: Id | None = described("Id of the releasing side it counts, or null for any.", None)
    received_by: Id | None = described("Id of the receiving side it counts, or null for any.", "ukraine")
    category: Category = described("Whom it counts.", "child")
    since: Day | None = described("The day from which it counts, or null.", "2022-02-24")
    year: Year | None = described("The one year that it counts, or null.", 2024)
    agreement: Id | None = described("Id of the agreement whose exchanges it counts, or null.", None)
    note: Text | None = described("A remark in our own words, or null.", "Ombudsman.")
    citations: Citations = described(CITATIONS, ["unn-2025-07-02"])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique("parties", self.parties)
        _unique("citations", self.citations)
        _two_sides(self.released_by, self.received_by)
        if self.since is not None and self.since > self.as_of:
            raise ValueError("since must not be after as_of")
        return self


class CoverageInput(Model):
    """A known gap of the dataset."""

    id: RecordId = described("The id of the note.", "2022-summer")
    date_from: Day = described("The first day of the gap.", "2022-07-01")
    date_to: Day = described("The last day of the gap.", "2022-09-01")
    scope: ExchangeKind = described("The kind of exchange it is about.", "prisoner_exchange")
    status: CoverageStatus = described("What is known about the gap.", "suspected_missing")
    statement: Text = described("What is missing, and how we know.", "About three small exchanges.")
    languages_searched: tuple[Language, ...] = described("Languages that were searched.", ["en", "ru", "uk"])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.date_to < self.date_from:
            raise ValueError("date_to must not be before date_from")
        return self


def _check_citations(
    citations: tuple[str, ...], *parts: ClaimInput | MediationInput | TermInput | Location | None
) -> None:
    _unique("citations", citations)
    for part in parts:
        if part is None:
            continue
        _unique("citations", part.citations)
        missing = set(part.citations).difference(citations)
        if missing:
            raise ValueError(f"citations of the record must include {', '.join(sorted(missing))}")
