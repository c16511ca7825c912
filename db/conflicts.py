"""What is wrong between lines of a dataset, each valid by itself: ids, names and pages that are taken twice.

A dataset may have millions of lines, so what they lay claim to is kept as hashes. Only the lines of which two
claim the same are read again, and compared word by word.
"""

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence

from db.enums import Resource
from db.folding import fold, url_key
from db.inputs import (
    ActorInput,
    AgreementInput,
    ArticleInput,
    ClaimInput,
    ExchangeInput,
    MediationInput,
    PublisherInput,
    TermInput,
)
from db.lines import Entry, LineError
from db.normalising import folded_names
from db.rendering import INPUT_OF, RESOURCE_OF, Input
from db.strictjson import Location

_Part = ClaimInput | MediationInput | TermInput


class Hashes:
    """A set that takes eight bytes a member, each of which is only its hash.

    That something is in it is wrong once in some 2^64 times by the number of members; the constraints of the
    database stand behind what is decided here.
    """

    def __init__(self) -> None:
        self._hashes = array("q")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, member: Hashable) -> None:
        """Add a member, which may be there already; `sort` must follow."""
        self._hashes.append(hash(member))

    def sort(self) -> None:
        """Make the set ready to be asked."""
        self._hashes = array("q", sorted(self._hashes))

    def __contains__(self, member: Hashable) -> bool:
        place = bisect_left(self._hashes, wanted := hash(member))
        return place < len(self._hashes) and self._hashes[place] == wanted

    def repeated(self) -> frozenset[int]:
        """Give the hashes of what was added more than once."""
        each = self._hashes
        return frozenset(each[n] for n in range(1, len(each)) if each[n] == each[n - 1])


class Claimed:
    """What lines lay claim to: the ids of records, and the names and pages that are theirs alone."""

    def __init__(self) -> None:
        self.ids = {resource: Hashes() for resource in INPUT_OF}
        self._others = Hashes()
        self._suspicious: frozenset[int] = frozenset()

    def add(self, item: Input) -> None:
        """Note what a record lays claim to."""
        self.ids[RESOURCE_OF[type(item)]].add(item.id)
        for key in _keys(item):
            self._others.add(key)

    @property
    def twice(self) -> bool:
        """Whether anything is laid claim to twice."""
        return bool(self._suspicious)

    def sort(self) -> None:
        """Tell that all records were added."""
        for hashes in (*self.ids.values(), self._others):
            hashes.sort()
            self._suspicious |= hashes.repeated()

    def suspicious(self, item: Input) -> bool:
        """Tell whether a record may be in conflict with another."""
        hashes = (hash(claimed) for claimed in (item.id, *_keys(item)))
        return any(each in self._suspicious for each in hashes)


def _keys(item: Input) -> Iterable[Hashable]:
    """Give what no two records may have alike, besides their ids.

    Ids of parts begin with the id of their record, so beyond one record only an agreement and an exchange
    of the same id can meet.
    """
    match item:
        case ActorInput() | PublisherInput():
            return [(RESOURCE_OF[type(item)], name) for name in folded_names(item)]
        case ArticleInput():
            return [url_key(item.url)]
        case AgreementInput() | ExchangeInput():
            return [("parts", item.id)]
    return ()


def conflicts(entries: Sequence[Entry]) -> Iterator[LineError]:
    """Find what is wrong between lines."""
    yield from _same_ids(entries)
    yield from _same_names(entries, ActorInput)
    yield from _same_names(entries, PublisherInput)
    yield from _same_pages(entries)
    yield from _same_parts(entries)


def _same_ids(entries: Iterable[Entry]) -> Iterator[LineError]:
    owners: dict[tuple[Resource, str], Entry] = {}
    for entry in entries:
        owner = owners.setdefault((entry.resource, entry.item.id), entry)
        if owner is not entry:
            message = f"{entry.item.id!r} is already the id of {owner.place}"
            yield entry.refused(("id",), "duplicate_id", message)


def _same_names(
    entries: Iterable[Entry], model: type[ActorInput] | type[PublisherInput]
) -> Iterator[LineError]:
    owners: dict[str, Entry] = {}
    for entry in entries:
        if not isinstance(entry.item, model):
            continue
        for name in entry.item.names():
            folded = fold(name)
            owner = owners.setdefault(folded, entry)
            if folded and owner.item.id != entry.item.id:
                message = f"{name!r} is already a name of {owner.item.id!r}, {owner.place}"
                yield entry.refused(_location_of_name(entry.item, name), "duplicate_name", message)


def _location_of_name(item: ActorInput | PublisherInput, name: str) -> Location:
    if name in item.aliases:
        return "aliases", item.aliases.index(name)
    return (next(field for field, value in item if value == name),)


def _same_pages(entries: Iterable[Entry]) -> Iterator[LineError]:
    owners: dict[str, Entry] = {}
    for entry in entries:
        if not isinstance(entry.item, ArticleInput):
            continue
        owner = owners.setdefault(url_key(entry.item.url), entry)
        if owner.item.id != entry.item.id:
            message = f"is the page of {owner.item.id!r}, {owner.place}"
            yield entry.refused(("url",), "duplicate_url", message)


def _same_parts(entries: Sequence[Entry]) -> Iterator[LineError]:
    """Find claims, mediations and terms of one id."""
    agreements = {
        entry.item.id: dict.fromkeys((id_ for _, id_ in _part_ids(entry.item)), entry.place)
        for entry in entries
        if isinstance(entry.item, AgreementInput)
    }
    for entry in entries:
        if not isinstance(entry.item, ExchangeInput | AgreementInput):
            continue
        met = agreements.get(entry.item.id, {}) if isinstance(entry.item, ExchangeInput) else {}
        taken = dict(met)
        for location, part_id in _part_ids(entry.item):
            if part_id in taken:
                message = f"{part_id!r} is already the id of a part of {taken[part_id]}"
                yield entry.refused(location, "duplicate_id", message)
            taken[part_id] = entry.place


def _part_ids(item: ExchangeInput | AgreementInput) -> Iterator[tuple[Location, str]]:
    lists: dict[str, Sequence[_Part]] = {"mediations": item.mediations}
    if isinstance(item, ExchangeInput):
        lists["claims"] = item.claims
    else:
        lists["terms"] = item.terms
    for field, parts in lists.items():
        for position, part in enumerate(parts):
            yield (field, position, "id"), part.id
