"""Made-up records for tests: sound as they are, with any field replaced. No test lives here."""

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def actor(id_: str, **fields: Any) -> Record:
    record: Record = {"id": id_, "name": f"Land {id_}", "kind": "state", "aliases": [], "members": []}
    record |= {"iso_3166_1_alpha_2": None, "iso_3166_1_alpha_3": None}
    return record | {"external_ids": {"gw": None, "wikidata": None}} | fields


def publisher(id_: str, **fields: Any) -> Record:
    return {"id": id_, "name": f"Paper {id_}", "is_agency": False, "aliases": []} | fields


def article(id_: str, **fields: Any) -> Record:
    record: Record = {"id": id_, "url": f"https://example.org/{id_}", "title": None, "publisher": "gazette"}
    return record | {"agency": None, "published_on": "2020-01-02", "language": "en"} | fields


def claim(id_: str, **fields: Any) -> Record:
    record: Record = {
        "id": id_,
        "released_by": "north",
        "received_by": "south",
        "category": "total",
        "count": 5,
    }
    record |= {"qualifier": "exact", "claimant": None, "covers": "all", "rank": "normal", "note": None}
    return record | {"citations": ["page-1"]} | fields


def mediation(id_: str, **fields: Any) -> Record:
    record: Record = {"id": id_, "actor": "east", "role": "mediator", "stance": "asserts", "claimant": None}
    return record | {"citations": ["page-1"]} | fields


def exchange(id_: str, **fields: Any) -> Record:
    record: Record = {"id": id_, "kind": "prisoner_exchange", "date": "2020-01-01", "date_end": None}
    record |= {"date_precision": "day", "status": "completed", "parties": ["north", "south"]}
    record |= {"summary": "A handover.", "location": None, "agreement": None, "mediations": []}
    record |= {"claims": [claim(f"{id_}:c1"), claim(f"{id_}:c2", category="military")]}
    return record | {"citations": ["page-1"], "overlaps": []} | fields


def agreement(id_: str, **fields: Any) -> Record:
    record: Record = {"id": id_, "title": "Talks", "date": "2020-01-01", "place": None, "status": "unclear"}
    record |= {"parties": ["north", "south"], "mediations": [], "terms": [], "citations": ["page-1"]}
    return record | fields


def total(id_: str, **fields: Any) -> Record:
    record: Record = {
        "id": id_,
        "as_of": "2020-02-01",
        "measure": "persons",
        "value": 50,
        "qualifier": "exact",
    }
    record |= {"claimant": None, "parties": ["north", "south"], "mediator": None, "released_by": None}
    record |= {"received_by": None, "category": "total", "since": None, "year": None, "agreement": None}
    return record | {"note": None, "citations": ["page-1"]} | fields


def coverage(id_: str, **fields: Any) -> Record:
    record: Record = {"id": id_, "date_from": "2020-01-01", "date_to": "2020-02-01", "scope": "release"}
    record |= {"status": "none_known", "statement": "Nothing.", "languages_searched": ["en"]}
    return record | fields


def write_lines(path: Path, *records: Record | str) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_dataset(directory: Path) -> Path:
    """Write a small dataset in which every kind of record occurs and every reference is met."""
    write_lines(directory / "actors.jsonl", actor("north"), actor("south"), actor("east"))
    write_lines(directory / "publishers.jsonl", publisher("gazette"))
    write_lines(directory / "articles.jsonl", article("page-1"), article("page-2"))
    write_lines(directory / "agreements.jsonl", agreement("talks"))
    write_lines(directory / "exchanges.jsonl", exchange("first"), exchange("second", date="2020-03-01"))
    write_lines(directory / "totals.jsonl", total("total-1"))
    write_lines(directory / "coverage.jsonl", coverage("winter"))
    return directory
