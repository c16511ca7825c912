"""What names stand for: actors, publishers and agreements under every spelling, held in memory.

A query names things as people do ("UAE", "ОАЭ", "Reuters"); here a name becomes an id, or a list of near
names. Articles and exchanges, of which there may be millions, are looked up in the database instead
(`db/queries/lookups.py`).
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.folding import fold, tokens
from db.models.access import Merged
from db.models.exchanges import Agreement
from db.models.history import Dataset
from db.models.reference import ActorMember, ActorName, PublisherName

NEAR = 3
LONGEST_NAME = 12  # words; a longer name is found by its words alone


@dataclass(frozen=True)
class Names:
    """The names of one kind of thing: folded name → id, and each id itself."""

    ids: Mapping[str, str]

    def resolve(self, name: str) -> str | None:
        """Give the id that a name stands for in any spelling, or None."""
        return self.ids.get(name) or self.ids.get(fold(name))

    def near(self, name: str) -> tuple[str, ...]:
        """Give the ids whose names are spelt most like this one, the nearest first."""
        folded = get_close_matches(fold(name), self.ids, n=NEAR * 3, cutoff=0.6)
        return tuple(dict.fromkeys(self.ids[match] for match in folded))[:NEAR]


@dataclass(frozen=True)
class Merges:
    """Which records are part of others: kind and id → the id of the other, and since which revision."""

    into: Mapping[tuple[Resource, str], tuple[str, int]]

    def now(self, resource: Resource, record_id: str) -> str:
        """Give the id under which a record is found now."""
        while (resource, record_id) in self.into:
            record_id = self.into[resource, record_id][0]
        return record_id

    def once(self, resource: Resource, record_id: str, until: int) -> tuple[str, ...]:
        """Give the id of a record, and every id that was merged into it up to a dataset revision."""
        found = [record_id]
        for (kind, old), (into, revision) in self.into.items():
            if kind is resource and into == record_id and revision <= until:
                found += self.once(resource, old, until)
        return tuple(found)


@dataclass(frozen=True)
class Vocabulary:
    """All names as of one dataset revision, with what a cursor is bound to."""

    revision: int
    epoch: uuid.UUID
    cursor_secret: bytes
    actors: Names
    publishers: Names
    agreements: Names
    coalitions: Mapping[str, tuple[str, ...]]
    merges: Merges

    def search_terms(self, text: str) -> tuple[tuple[str, ...], ...]:
        """Give what `q` asks for: for each word, or each run of words that is a name, its alternatives.

        Each alternative is a tsquery operand; a name stands for its own words and for whom it names.
        """
        words = tokens(text)
        terms: list[tuple[str, ...]] = []
        at = 0
        while at < len(words):
            length, meanings = self._longest_name(words[at:])
            run = words[at : at + length]
            terms.append((" & ".join(quoted(word) for word in run), *meanings))
            at += length
        return tuple(terms)

    def _longest_name(self, words: list[str]) -> tuple[int, list[str]]:
        for length in range(min(len(words), LONGEST_NAME), 0, -1):
            name = " ".join(words[:length])
            meanings = [
                quoted(entity_word(kind, record_id))
                for kind, names in ((Resource.ACTOR, self.actors), (Resource.PUBLISHER, self.publishers))
                if name in names.ids
                for record_id in self.merges.once(kind, names.ids[name], self.revision)
            ]
            if meanings:
                return length, meanings
        return 1, []


def entity_word(kind: str, record_id: str) -> str:
    """Give the search word that stands for an actor or a publisher."""
    return f"{kind}:{record_id}"


def quoted(word: str) -> str:
    """Give a word as a tsquery operand; folded words and ids hold no quote and no backslash."""
    return f"'{word}'"


async def read_vocabulary(connection: AsyncConnection) -> Vocabulary:
    """Read all names. The revision comes first, so that a later write can only make them look too old."""
    dataset = (
        await connection.execute(select(Dataset.vocabulary_revision, Dataset.epoch, Dataset.cursor_secret))
    ).one()
    actors = (await connection.execute(select(ActorName.folded, ActorName.actor_id))).all()
    publishers = (await connection.execute(select(PublisherName.folded, PublisherName.publisher_id))).all()
    agreements = (await connection.execute(select(Agreement.id))).scalars()
    merged = await connection.execute(
        select(Merged.resource, Merged.id, Merged.into_id, Merged.dataset_revision)
    )
    merges = Merges({(Resource(kind), old): (into, made) for kind, old, into, made in merged})
    members = (await connection.execute(select(ActorMember.member_id, ActorMember.actor_id))).all()
    return Vocabulary(
        revision=dataset.vocabulary_revision,
        epoch=dataset.epoch,
        cursor_secret=dataset.cursor_secret,
        actors=_names(Resource.ACTOR, ((row[0], row[1]) for row in actors), merges),
        publishers=_names(Resource.PUBLISHER, ((row[0], row[1]) for row in publishers), merges),
        agreements=_names(Resource.AGREEMENT, ((fold(id_), id_) for id_ in agreements), merges),
        coalitions=_grouped(members),
        merges=merges,
    )


def _names(resource: Resource, folded: Iterable[tuple[str, str]], merges: Merges) -> Names:
    """Give the names of a kind of thing; an id that was merged is a name of the other, unless it is taken."""
    pairs = list(folded)
    old = [id_ for kind, id_ in merges.into if kind is resource]
    merged = {name: merges.now(resource, id_) for id_ in old for name in (id_, fold(id_))}
    return Names(merged | {record_id: record_id for _, record_id in pairs} | dict(pairs))


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, tuple[str, ...]] = {}
    for key, value in sorted(pairs):
        grouped[key] = (*grouped.get(key, ()), value)
    return grouped
