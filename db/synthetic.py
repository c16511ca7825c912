"""Records that nobody could take for real, in any number: what the service is measured with.

Each record is made from the seed, its kind and its number alone, so that a million need no memory, and
the same seed gives the same bytes everywhere. The shapes are those of the curated dataset: few actors and
publishers have most of the mentions, exchanges grow more frequent, neighbours share articles, claims differ.
The files are those that `db/load.py` reads; nothing here knows the database.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from db import enums
from db.chance import below, chosen, sample, skewed
from db.enums import Resource
from db.rendering import PLURAL

FIRST_DAY = dt.date(2000, 1, 1)
LAST_DAY = dt.date(2025, 12, 31)
HOST = "https://{}.synthetic.example.org"
PARTS = ("part-1", "part-2", "part-3")  # loaded in this order; all but the first hold corrections
CORRECTED = (20, 100)  # one exchange in so many is corrected in the second part, and in the third
NEIGHBOURHOOD = 6  # articles to each side of an exchange's own place that it may cite
# fmt: off
WORDS = (
    "convoy", "crossing", "bridge", "winter", "autumn", "spring", "holiday", "morning", "night", "train",
    "aircraft", "ferry", "border", "lists", "talks", "stage", "group", "relatives", "doctors", "observers",
    "delay", "weather", "buses", "registry", "hospital", "envoy", "pause", "return",
)
# fmt: on
NAMES = (
    "Синтетический участник {}",
    "Синтетичний учасник {}",
    "合成行为者{}",
    "ممثل اصطناعي {}",
    "Συνθετικός δρων {}",
    "सिंथेटिक पक्ष {}",
    "Syntetyczny uczestnik {} (próba)",
)
LANGUAGES = ("en", "ru", "uk", "ar", "fr", "de", "zh")
_KINDS = {
    enums.ActorKind.STATE: 24,
    enums.ActorKind.ARMED_GROUP: 8,
    enums.ActorKind.ORGANISATION: 6,
    enums.ActorKind.COALITION: 2,
}
PARTIES = 32  # the first actors, states and armed groups, are parties
MEDIATORS = 12  # these and the organisations after them mediate, most of all the first
ACTORS = sum(_KINDS.values())

_EXCHANGE_KINDS = {
    enums.ExchangeKind.PRISONER_EXCHANGE: 0.62,
    enums.ExchangeKind.RELEASE: 0.14,
    enums.ExchangeKind.REMAINS: 0.1,
    enums.ExchangeKind.CIVILIAN_RETURN: 0.06,
    enums.ExchangeKind.TRANSFER: 0.05,
    enums.ExchangeKind.CONVICT_TRANSFER: 0.03,
}
_CATEGORIES = {
    enums.Category.TOTAL: 0.6,
    enums.Category.MILITARY: 0.2,
    enums.Category.CIVILIAN: 0.1,
    enums.Category.CHILD: 0.05,
    enums.Category.WOUNDED: 0.05,
}
_QUALIFIERS = {
    enums.Qualifier.EXACT: 0.85,
    enums.Qualifier.AT_LEAST: 0.07,
    enums.Qualifier.APPROXIMATELY: 0.06,
    enums.Qualifier.AT_MOST: 0.02,
}
_COVERS = {enums.Covers.ALL: 0.88, enums.Covers.SUBSET: 0.08, enums.Covers.FRAGMENT: 0.04}
_RANKS = {enums.Rank.NORMAL: 0.97, enums.Rank.PREFERRED: 0.01, enums.Rank.DEPRECATED: 0.02}
_ROLES = {
    enums.MediationRole.MEDIATOR: 0.7,
    enums.MediationRole.FACILITATOR: 0.15,
    enums.MediationRole.HOST: 0.1,
    enums.MediationRole.TRANSIT: 0.05,
}
_CLAIMS = {1: 0.12, 2: 0.2, 3: 0.22, 4: 0.22, 5: 0.14, 6: 0.1}

Record = dict[str, Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Synthesis:
    """The records of a number of exchanges, with everything that they refer to."""

    exchanges: int
    seed: int

    @property
    def counts(self) -> Mapping[Resource, int]:
        """How many records of each kind there are."""
        return {
            Resource.PUBLISHER: 20 + min(self.exchanges // 25, 2_000),
            Resource.ACTOR: ACTORS,
            Resource.ARTICLE: 4 + 2 * self.exchanges,
            Resource.AGREEMENT: 2 + min(self.exchanges // 400, 400),
            Resource.EXCHANGE: self.exchanges,
            Resource.TOTAL: 3 + min(self.exchanges // 50, 4_000),
            Resource.COVERAGE: 3 + min(self.exchanges // 1_000, 200),
        }

    def records(self, resource: Resource, part: int = 0) -> Iterator[Record]:
        """Give the records of a kind that a part holds: all in the first, then corrected exchanges."""
        make = getattr(self, f"_{resource}")
        if part == 0:
            yield from map(make, range(self.counts[resource]))
        elif resource is Resource.EXCHANGE:
            for number in range(0, self.exchanges, CORRECTED[part - 1]):
                yield _corrected(make(number), part)

    def _random(self, resource: Resource, number: int) -> Random:
        return Random(f"{self.seed}/{resource}/{number}")  # noqa: S311  (it must be repeatable, not secret)

    def _day(self, share: float) -> dt.date:
        """Give the day by which a share of all exchanges has happened: they grow more and more frequent."""
        return FIRST_DAY + dt.timedelta(days=int((LAST_DAY - FIRST_DAY).days * share**0.5))

    def _publisher(self, number: int) -> Record:
        aliases = [f"Вымышленная газета {number}"] if number % 5 == 0 else []
        name = f"Synthetic Gazette {number}"
        return {
            "id": _publisher_id(number),
            "name": name,
            "is_agency": _is_agency(number),
            "aliases": aliases,
        }

    def _actor(self, number: int) -> Record:
        kinds = [kind for kind, count in _KINDS.items() for _ in range(count)]
        first = 3 * (ACTORS - number)  # of the three members of a coalition
        members = range(first, first + 3) if kinds[number] == "coalition" else ()
        return {
            "id": _actor_id(number),
            "name": f"Synthetic actor {number}",
            "kind": kinds[number],
            "iso_3166_1_alpha_2": None,
            "iso_3166_1_alpha_3": None,
            "aliases": [name.format(number) for name in NAMES[: 2 + number % (len(NAMES) - 1)]],
            "external_ids": {"gw": None, "wikidata": None},
            "members": [_actor_id(member) for member in members],
        }

    def _article(self, number: int) -> Record:
        random = self._random(Resource.ARTICLE, number)
        publishers = self.counts[Resource.PUBLISHER]
        publisher = skewed(random, publishers)
        agency = _publisher_id(skewed(random, publishers // 10) * 10) if random.random() < 0.35 else None
        published = self._day(number / self.counts[Resource.ARTICLE]) + dt.timedelta(days=below(random, 3))
        host = HOST.format(f"gazette-{publisher}")
        titled = random.random() < 0.9
        return {
            "id": _article_id(number),
            "url": f"{host}/{published.year}/{number}",
            "title": f"Synthetic report {number}: {_words(random, 5)}" if titled else None,
            "publisher": _publisher_id(publisher),
            "agency": agency,
            "published_on": None if random.random() < 0.03 else published.isoformat(),
            "language": LANGUAGES[skewed(random, len(LANGUAGES))],
        }

    def _agreement(self, number: int) -> Record:
        random = self._random(Resource.AGREEMENT, number)
        id_, share = _agreement_id(number), number / self.counts[Resource.AGREEMENT]
        one, other = _pair(random)
        citations = self._near(random, share, 3)
        term = {
            "id": f"{id_}:t1",
            "category": "total",
            "count": 10 * (1 + below(random, 100)),
            "qualifier": "exact",
            "each_side": True,
            "released_by": None,
            "received_by": None,
            "claimant": _actor_id(one),
            "note": None,
            "citations": citations[:1],
        }
        return {
            "id": id_,
            "title": f"Synthetic agreement {number}",
            "date": self._day(share).isoformat(),
            "place": f"Synthetic town {number}",
            "parties": [_actor_id(one), _actor_id(other)],
            "status": chosen(random, dict.fromkeys(enums.AgreementStatus, 0.25)),
            "mediations": [_mediation(random, f"{id_}:m1", citations)],
            "terms": [term],
            "citations": citations,
        }

    def _exchange(self, number: int) -> Record:
        random = self._random(Resource.EXCHANGE, number)
        id_, share = _exchange_id(number), (number + 0.5) / self.exchanges
        day = self._day(share)
        agreement = None
        one, other = _pair(random)
        if random.random() < 0.08:
            agreement = int(share * self.counts[Resource.AGREEMENT])
            one, other = _pair(self._random(Resource.AGREEMENT, agreement))
        kind = chosen(random, _EXCHANGE_KINDS)
        citations = self._near(random, share, 3 + below(random, 4))
        brokers = 0 if random.random() < 0.4 else 1 + (random.random() < 0.15)
        mediations = [_mediation(random, f"{id_}:m{n}", citations) for n in range(1, brokers + 1)]
        located = random.random() < 0.3
        crossing = {"name": f"Synthetic crossing {skewed(random, 60)}", "citations": citations[:1]}
        lasted = 1 + below(random, 3) if random.random() < 0.05 else 0
        return {
            "id": id_,
            "kind": kind,
            "date": day.isoformat(),
            "date_end": (day + dt.timedelta(days=lasted)).isoformat() if lasted else None,
            "date_precision": chosen(random, {"day": 0.95, "month": 0.04, "year": 0.01}),
            "status": chosen(random, {"completed": 0.97, "announced": 0.02, "cancelled": 0.01}),
            "parties": [_actor_id(one), _actor_id(other)],
            "summary": f"Synthetic exchange {number}: {_words(random, 9)}.",
            "location": crossing if located else None,
            "agreement": None if agreement is None else _agreement_id(agreement),
            "mediations": mediations,
            "claims": _claims(random, id_, kind, (one, other), citations),
            "citations": citations,
            "overlaps": self._overlaps(random, number, one, other),
        }

    def _overlaps(self, random: Random, number: int, one: int, other: int) -> list[Record]:
        if random.random() >= 0.005 or number == 0:
            return []
        overlap = {"exchange": _exchange_id(number - 1), "measure": "persons", "count": 1, "note": None}
        return [overlap | {"released_by": _actor_id(one), "received_by": _actor_id(other)}]

    def _total(self, number: int) -> Record:
        random = self._random(Resource.TOTAL, number)
        share = number / self.counts[Resource.TOTAL]
        one, other = _pair(random)
        by_mediator = random.random() < 0.3
        return {
            "id": f"synthetic-total-{number}",
            "as_of": self._day(share).isoformat(),
            "measure": "persons",
            "value": 100 + 10 * number,
            "qualifier": "exact",
            "claimant": _actor_id(one),
            "parties": [_actor_id(one), _actor_id(other)],
            "mediator": _actor_id(_mediator(random)) if by_mediator else None,
            "released_by": None,
            "received_by": None if by_mediator else _actor_id(one),
            "category": "total",
            "since": FIRST_DAY.isoformat(),
            "year": None,
            "agreement": None,
            "note": None,
            "citations": self._near(random, share, 1),
        }

    def _coverage(self, number: int) -> Record:
        random = self._random(Resource.COVERAGE, number)
        day = self._day(number / self.counts[Resource.COVERAGE])
        return {
            "id": f"synthetic-gap-{number}",
            "date_from": day.isoformat(),
            "date_to": (day + dt.timedelta(days=below(random, 90))).isoformat(),
            "scope": chosen(random, _EXCHANGE_KINDS),
            "status": chosen(random, dict.fromkeys(enums.CoverageStatus, 1 / len(enums.CoverageStatus))),
            "statement": f"Synthetic gap {number}: {_words(random, 6)}.",
            "languages_searched": list(LANGUAGES[:3]),
        }

    def _near(self, random: Random, share: float, wanted: int) -> list[str]:
        """Give articles of about that time; others of the time cite them too."""
        articles = self.counts[Resource.ARTICLE]
        middle = int(share * articles)
        first = max(0, min(middle - NEIGHBOURHOOD, articles - 2 * NEIGHBOURHOOD))
        around = range(first, min(first + 2 * NEIGHBOURHOOD, articles))
        return [_article_id(number) for number in sample(random, around, wanted)]


def write_files(synthesis: Synthesis, folder: Path, progress: Progress) -> None:
    """Write the records as dataset files, in folders that are loaded one after the other.

    `progress` is called now and then with the number of records written and the number of all.
    """
    corrected = [len(range(0, synthesis.exchanges, every)) for every in CORRECTED]
    total, done = sum(synthesis.counts.values()) + sum(corrected), 0
    with ExitStack() as files:
        for part, name in enumerate(PARTS):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for resource in Resource if part == 0 else (Resource.EXCHANGE,):
                file = files.enter_context(
                    (folder / name / f"{PLURAL[resource]}.jsonl").open("x", encoding="utf-8")
                )
                for record in synthesis.records(resource, part):
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
                    done += 1
                    if done % 1_000 == 0 or done == total:
                        progress(done, total)


def _claims(
    random: Random, id_: str, kind: str, sides: tuple[int, int], citations: Sequence[str]
) -> list[Record]:
    one, other = sides
    directions = [(one, other), (other, one)] if kind == "prisoner_exchange" else [(one, other)]
    stated = {direction: 1 + int(300 * random.random() ** 3) for direction in directions}
    claims = []
    for number in range(1, chosen(random, _CLAIMS) + 1):
        direction = directions[(number - 1) % len(directions)]
        category = "remains" if kind == "remains" else chosen(random, _CATEGORIES)
        people = stated[direction] if category in ("total", "remains") else 1 + stated[direction] // 2
        disputed = random.random() < 0.15
        claims.append(
            {
                "id": f"{id_}:c{number}",
                "released_by": _actor_id(direction[0]),
                "received_by": _actor_id(direction[1]),
                "category": category,
                "count": people + (1 + below(random, 9) if disputed else 0),
                "qualifier": chosen(random, _QUALIFIERS),
                "claimant": _claimant(random, *direction),
                "covers": chosen(random, _COVERS),
                "rank": chosen(random, _RANKS),
                "note": f"Synthetic remark: {_words(random, 4)}." if random.random() < 0.5 else None,
                "citations": sample(random, citations, 1 + skewed(random, 4)),
            }
        )
    return claims


def _corrected(exchange: Record, part: int) -> Record:
    first, *others = exchange["claims"]
    claims = [first | {"count": first["count"] + part}, *others]
    return exchange | {"claims": claims, "summary": f"{exchange['summary']} Correction {part}."}


def _mediation(random: Random, id_: str, citations: Sequence[str]) -> Record:
    return {
        "id": id_,
        "actor": _actor_id(_mediator(random)),
        "role": chosen(random, _ROLES),
        "stance": "denies" if random.random() < 0.02 else "asserts",
        "claimant": None if random.random() < 0.6 else _actor_id(skewed(random, PARTIES)),
        "citations": sample(random, citations, 1 + skewed(random, 3)),
    }


def _claimant(random: Random, released_by: int, received_by: int) -> str | None:
    voice = chosen(random, {"receiver": 0.35, "releaser": 0.25, "mediator": 0.1, "press": 0.3})
    match voice:
        case "receiver":
            return _actor_id(received_by)
        case "releaser":
            return _actor_id(released_by)
        case "mediator":
            return _actor_id(_mediator(random))
    return None


def _pair(random: Random) -> tuple[int, int]:
    """Give two different parties; a few pairs have most of the exchanges."""
    one = skewed(random, PARTIES)
    return one, (one + 1 + skewed(random, PARTIES - 1)) % PARTIES


def _mediator(random: Random) -> int:
    return PARTIES - MEDIATORS // 2 + skewed(random, MEDIATORS)


def _words(random: Random, count: int) -> str:
    return " ".join(WORDS[skewed(random, len(WORDS))] for _ in range(count))


def _is_agency(number: int) -> bool:
    return number % 10 == 0


def _publisher_id(number: int) -> str:
    return f"synthetic-gazette-{number}"


def _actor_id(number: int) -> str:
    return f"synthetic-actor-{number}"


def _article_id(number: int) -> str:
    return f"synthetic-article-{number}"


def _agreement_id(number: int) -> str:
    return f"synthetic-agreement-{number}"


def _exchange_id(number: int) -> str:
    return f"synthetic-exchange-{number}"
