"""A dataset as plain dictionaries: what writes do to it, told without a database and without our own code.

`tests/test_stateful_writes.py` holds the service against it; no test lives here. An operation gives the
status that its request must be answered with, and changes the model only if that is a success.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from db.enums import Resource
from tests.synthetic import Record

R = Resource
Key = tuple[Resource, str]
NUMBERED = "{}:c{}"


@dataclass
class Revised:
    """One revision of a record; it has no fields if it only tells of a redaction of what does not stand."""

    action: str
    fields: Record | None
    shown: dict[str, Record] = field(default_factory=dict)  # the articles that it shows, by their ids
    blanked: bool = False


@dataclass(frozen=True)
class Standing:
    """A record as it is to be read: its revision, what curators wrote, and the articles that it shows."""

    number: int
    fields: Record
    shown: Mapping[str, Record]


class Model:
    """All records with all their revisions, and where each of them was at each dataset revision."""

    def __init__(self, records: Mapping[Key, Record]) -> None:
        self.revision = 0
        self.history: dict[Key, list[Revised]] = {}
        self.states: list[dict[Key, int]] = [{}]
        self.log: list[tuple[int, Resource, str, int, str]] = []
        self.merged: dict[Key, str] = {}
        self.parts: dict[str, int] = {}  # the highest number that a claim of an exchange ever had
        self.store({key: ("created", deepcopy(fields)) for key, fields in records.items()})

    # --- reading ---

    def status(self, key: Key, as_of: int | None = None) -> int:
        """Give what a read is answered with."""
        number = self.states[-1 if as_of is None else as_of].get(key)
        if number is None:
            return 404
        told = self.history[key][:number]
        last = next(each for each in reversed(told) if each.action != "redacted")
        if last.action == "merged":
            return 308
        return 410 if last.action == "deleted" or told[-1].blanked else 200

    def read(self, key: Key, as_of: int | None = None) -> Standing:
        number = self.states[-1 if as_of is None else as_of][key]
        revised = self.history[key][number - 1]
        assert revised.fields is not None
        return Standing(number, revised.fields, revised.shown)

    def standing(self, resource: Resource, as_of: int | None = None) -> list[str]:
        return sorted(
            id_ for of, id_ in self.history if of is resource and self.status((of, id_), as_of) == 200
        )

    def fields(self, key: Key) -> Record:
        return deepcopy(self.read(key).fields)

    def end(self, key: Key) -> str:
        """Give what a record is now part of."""
        while key in self.merged:
            key = (key[0], self.merged[key])
        return key[1]

    # --- writing ---

    def store(self, changes: dict[Key, tuple[str, Record | None]]) -> None:
        """Make a dataset revision of all that changes, and of all that shows a changed article."""
        changes = {
            key: change
            for key, change in changes.items()
            if change[0] != "updated" or change[1] != self.read(key).fields
        }
        if not changes:
            return
        now = {key: fields for key, (_, fields) in changes.items() if fields is not None}

        def shown(fields: Record | None) -> dict[str, Record]:
            cited = [] if fields is None else fields.get("citations", [])
            return {id_: now.get((R.ARTICLE, id_)) or self.fields((R.ARTICLE, id_)) for id_ in cited}

        for id_ in [id_ for id_ in self.standing(R.EXCHANGE) if (R.EXCHANGE, id_) not in changes]:
            old = self.read((R.EXCHANGE, id_))
            if any(seen(old.shown[each]) != seen(article) for each, article in shown(old.fields).items()):
                changes[R.EXCHANGE, id_] = ("rerendered", deepcopy(old.fields))
        self.revision += 1
        self.states.append(dict(self.states[-1]))
        views = {
            key: shown(fields) if action not in {"deleted", "merged"} else {}
            for key, (action, fields) in changes.items()
        }
        for key, (action, fields) in changes.items():
            revisions = self.history.setdefault(key, [])
            revisions.append(Revised(action, fields, views[key]))
            self.states[-1][key] = len(revisions)
            self.log.append((self.revision, *key, len(revisions), action))
            for part in (fields or {}).get("claims", []):
                number = int(part["id"].rpartition(":c")[2])
                self.parts[key[1]] = max(number, self.parts.get(key[1], 0))

    def put(self, key: Key, fields: Record, action: str = "updated") -> int:
        """Store a record whole, as it was sent."""
        fields = deepcopy(fields)
        if key[0] is R.EXCHANGE:
            dropped = set() if action == "created" else {*self.read(key).fields["citations"]}
            dropped -= {*fields["citations"]}
            for part in fields["claims"]:
                part["citations"] = [self._article(each) for each in part["citations"]]
            if dropped & {each for part in fields["claims"] for each in part["citations"]}:
                return 409
            for part in fields["claims"]:
                if "id" not in part:
                    self.parts[key[1]] = self.parts.get(key[1], 0) + 1
                    part["id"] = NUMBERED.format(key[1], self.parts[key[1]])
                fields["citations"] += [e for e in part["citations"] if e not in fields["citations"]]
            if not fields["citations"]:
                return 422
        self.store({key: (action, fields)})
        return 201 if action == "created" else 200

    def delete(self, key: Key) -> int:
        if self.referrers(key):
            return 409
        self.store({key: ("deleted", self.fields(key))})
        return 204

    def restore(self, key: Key) -> int:
        revisions = self.history[key]
        last = [each for each in revisions if each.action != "redacted"][-1]
        if last.action != "deleted" or last.blanked:
            return 409
        return self._bring_back(key, last, "restored")

    def revert(self, key: Key, number: int) -> int:
        revised = self.history[key][number - 1]
        if revised.blanked or revised.fields is None:
            return 422
        return self._bring_back(key, revised, "updated")

    def merge(self, key: Key, into: str) -> int:
        """Make a record part of another; what refers to it is turned."""
        resource = key[0]
        changes: dict[Key, tuple[str, Record | None]] = {key: ("merged", self.fields(key))}
        stays = self.fields((resource, into))
        if resource is R.EXCHANGE:
            stays = self._united(stays, self.fields(key))
        elif resource is R.ACTOR:
            names = {name.casefold() for name in (stays["id"], stays["name"], *stays["aliases"])}
            leaving = self.fields(key)
            for name in (leaving["name"], leaving["id"], *leaving["aliases"]):
                if name.casefold() not in names:
                    names.add(name.casefold())
                    stays["aliases"].append(name)
        for referrer in self.referrers(key):
            changes[referrer] = ("updated", self.fields(referrer))
        changes[resource, into] = ("updated", stays)
        self.merged[key] = into
        for other, (action, fields) in changes.items():
            if action == "updated" and fields is not None:
                changes[other] = (action, self._turned(fields))
        self.store(changes)
        return 200

    def redact(self, key: Key, number: int) -> bool:
        """Blank a revision and all that say the same; give whether that may be."""
        chosen = self.history[key][number - 1]
        stands = self.read(key).fields if self.status(key) == 200 else None
        if chosen.blanked or chosen.fields is None or chosen.fields == stands:
            return False
        said = chosen.fields
        for each in self.history[key]:
            each.blanked = each.blanked or each.fields == said
        self.store({key: ("redacted", deepcopy(stands))})
        return True

    def referrers(self, key: Key) -> list[Key]:
        """Give the exchanges that refer to a record."""
        refers: Mapping[Resource, Callable[[Record], bool]] = {
            R.ARTICLE: lambda fields: key[1] in fields["citations"],
            R.ACTOR: lambda fields: (
                key[1] in {*fields["parties"], *(c["claimant"] for c in fields["claims"])}
            ),
            R.EXCHANGE: lambda fields: any(each["exchange"] == key[1] for each in fields["overlaps"]),
        }
        if key[0] not in refers:
            return []
        found = [(R.EXCHANGE, id_) for id_ in self.standing(R.EXCHANGE)]
        return [each for each in found if refers[key[0]](self.read(each).fields)]

    def _bring_back(self, key: Key, revised: Revised, action: str) -> int:
        fields = self._turned(deepcopy(revised.fields or {}))
        if key[0] is R.EXCHANGE:
            needed = {(R.ARTICLE, each) for each in fields["citations"]}
            needed |= {(R.ACTOR, each["claimant"]) for each in fields["claims"] if each["claimant"]}
            needed |= {(R.EXCHANGE, each["exchange"]) for each in fields["overlaps"]}
            if any(self.status(each) != 200 for each in needed):
                return 422
        self.store({key: (action, fields)})
        return 200

    def _article(self, cited: str | Record) -> str:
        """Give the id of an article that is cited by its id or its URL."""
        if isinstance(cited, str):
            return cited
        return self.end((R.ARTICLE, cited["url"].rpartition("/")[2]))

    def _turned(self, fields: Record) -> Record:
        """Give what curators wrote with its references turned to what they are now part of."""
        if "claims" not in fields:
            return fields
        for citing in (fields, *fields["claims"]):
            citing["citations"] = list(
                dict.fromkeys(self.end((R.ARTICLE, each)) for each in citing["citations"])
            )
        for part in fields["claims"]:
            part["claimant"] = part["claimant"] and self.end((R.ACTOR, part["claimant"]))
        overlaps = [
            each | {"exchange": self.end((R.EXCHANGE, each["exchange"]))} for each in fields["overlaps"]
        ]
        distinct: dict[str, Record] = {}
        for each in overlaps:
            if each["exchange"] != fields["id"]:
                distinct.setdefault(each["exchange"], each)
        fields["overlaps"] = list(distinct.values())
        return fields

    def _united(self, stays: Record, leaves: Record) -> Record:
        stays["citations"] = list(dict.fromkeys([*stays["citations"], *leaves["citations"]]))
        for part in leaves["claims"]:
            same = next((each for each in stays["claims"] if _said(each) == _said(part)), None)
            if same is None:
                number = self.parts[stays["id"]] = self.parts.get(stays["id"], 0) + 1
                stays["claims"].append(part | {"id": NUMBERED.format(stays["id"], number)})
            else:
                same["citations"] = list(dict.fromkeys([*same["citations"], *part["citations"]]))
        return stays


def _said(part: Record) -> Record:
    return {name: value for name, value in part.items() if name not in {"id", "citations"}}


def seen(article: Record) -> Record:
    """Give what others show of an article."""
    return {name: value for name, value in article.items() if name in {"url", "title", "publisher"}}
