"""The contract narrowed to what the shipped dataset holds, so that whatever fits it must be answered.

No schema can list the actors and articles of a living dataset, nor say that a lower bound must not be above
the upper one, nor that a cursor goes with the filters that it was made with. In a copy where names and ids
are real, and such parameters stand apart, there is no excuse: what fits is answered, the rest is refused.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from api.params import NONE, Sister
from api.understanding import RANGES
from tests.contract import CITED, NEW_YEAR

SHIPPED = Path(__file__).parent.parent / "db" / "dataset"
SOME = 4  # values of each kind: every one of them is tried for every parameter
# `common` and `fill` say more of other parameters, and are refused without; so is a release beside as_of, and
# tests/test_release_reads.py asks every read for one.
NOT_TOGETHER = frozenset({"common", "fill", "release"})
ONLY_FIRST = frozenset({"number", "from_revision", "to_revision", "since"})
LETTER_OR_DIGIT = r"[\p{L}\p{N}ªº]"  # the last two are letters too, and schemathesis' own \p{L} lacks them
LOWER_BOUNDS = frozenset(low for low, _ in RANGES)

# Lists and parts below one record, and the ids in their paths.
WALKED = {
    "/v1/articles/{record_id}/exchanges": {"record_id": CITED},
    "/v1/exchanges/{record_id}/claims": {"record_id": NEW_YEAR},
    "/v1/exchanges/{record_id}/claims/{part_id}": {"record_id": NEW_YEAR, "part_id": f"{NEW_YEAR}:c1"},
    "/v1/exchanges/{record_id}/mediations": {"record_id": NEW_YEAR},
    "/v1/exchanges/{record_id}/mediations/{part_id}": {"record_id": NEW_YEAR, "part_id": f"{NEW_YEAR}:m1"},
}

Contract = dict[str, Any]


@cache
def shipped(resource: str) -> list[dict[str, Any]]:
    with (SHIPPED / f"{resource}.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def ids(resource: str) -> list[str]:
    return [record["id"] for record in shipped(resource)]


def parts(kind: str) -> list[str]:
    return [part["id"] for exchange in shipped("exchanges") for part in exchange[kind]]


def names(resource: str) -> list[str]:
    records = shipped(resource)
    return [*ids(resource), *(name for each in records for name in (each["name"], *each["aliases"]))]


ACTORS = ("party", "mediator", "mediator_claimant", "claimant", "counted_by", "released_by", "received_by")
VALUES: Mapping[str, Callable[[], list[str]]] = {
    **dict.fromkeys(ACTORS, lambda: names("actors")),
    **dict.fromkeys(("publisher", "agency"), lambda: names("publishers")),
    "article": lambda: ids("articles"),
    "agreement": lambda: ids("agreements"),
    "between": lambda: ids("actors"),
    "exchange": lambda: ids("exchanges"),
    "direction": lambda: ["russia.ukraine", "ukraine.russia"],
    "url": lambda: [record["url"] for record in shipped("articles")],
}
RECORDS: Mapping[str, Callable[[], list[str]]] = {
    "exchanges": lambda: ids("exchanges"),
    "claims": lambda: parts("claims"),
    "mediations": lambda: parts("mediations"),
    "mediators": lambda: ["uae", "turkey"],
    "articles": lambda: ids("articles"),
    "publishers": lambda: ids("publishers"),
    "actors": lambda: ids("actors"),
    "agreements": lambda: ids("agreements"),
    "totals": lambda: ids("totals"),
    "coverage": lambda: ids("coverage"),
    "releases": lambda: ["2026.11"],
    "charts": lambda: ["timeline", "by-mediator", "cumulative", "balance"],
}


def operations(contract: Contract) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the reads of a contract with their paths."""
    for path, methods in contract["paths"].items():
        yield path, methods["get"]


def narrowed(contract: Contract, updated_at: str, cursors: Mapping[str, str | None]) -> Contract:
    """Keep the paths that can be read without a key, and let reads have only what exists in their parameters.

    `updated_at`: when the dataset was last written. `cursors`: a cursor of the list at each path; none where
    the list has one page.
    """
    copy = deepcopy(contract)
    copy["paths"] = {
        path: methods
        for path, methods in copy["paths"].items()
        # nobody has cited anything yet
        if "get" in methods and not methods["get"]["security"] and "{citation_id}" not in path
    }
    for path, operation in operations(copy):
        operation["parameters"] = [
            each
            for each in operation["parameters"]
            if each["name"] not in {"epoch", *NOT_TOGETHER}
            and (each["name"] != "cursor" or cursors.get(path))
        ]
        for parameter in operation["parameters"]:
            name: str = parameter["name"]
            base = name.removesuffix(Sister.ALL).removesuffix(Sister.NOT)
            schema = parameter["schema"]
            if parameter["in"] == "path" and path in WALKED:
                parameter["example"] = WALKED[path][name]  # a walk begins at one record, and stays there
                _restrict(schema, [WALKED[path][name]])
            # the shipped records have been written once; other formats are written of the same rows
            elif name in {*ONLY_FIRST, "format"}:
                schema["enum"] = [parameter["example"]]
            elif parameter["in"] == "path":
                _restrict(schema, _some([parameter["example"], *RECORDS[path.split("/")[2]]()]))
            elif name == "measure" and path.startswith("/v1/stats"):  # nobody claims to count exchanges
                schema["enum"].remove("exchanges")
            elif base in VALUES:
                takes_none = [NONE] if f"`{NONE}`" in parameter["description"] else []
                _restrict(schema["items"], _some([*parameter["example"], *VALUES[base]()]) + takes_none)
            elif name == "q":  # what holds no letter and no digit searches for nothing
                schema["pattern"] = LETTER_OR_DIGIT
            elif name == "as_of":
                _restrict(schema, [parameter["example"], updated_at])
            elif name == "cursor":
                _restrict(schema, [cursors[path]])
    return copy


def _restrict(schema: dict[str, Any], values: list[str]) -> None:
    """Allow these values alone, of whatever length.

    Values too long are left to other tests: beyond 64 kB the server answers by itself, without a body.
    """
    schema["enum"] = values
    schema.pop("maxLength", None)


def _some(values: list[str]) -> list[str]:
    """Take some values, evenly from all."""
    distinct = list(dict.fromkeys(values))
    return distinct[:: -(-len(distinct) // SOME)]


def with_parameters(
    contract: Contract, chosen: Callable[[str], bool], *, needed: Collection[str] = ()
) -> Contract:
    """Keep the query parameters that are chosen, and the operations that have one of those needed."""
    copy = deepcopy(contract)
    for path, methods in list(copy["paths"].items()):
        parameters = methods["get"]["parameters"]
        if needed and not any(each["name"] in needed for each in parameters):
            del copy["paths"][path]
        methods["get"]["parameters"] = [
            each for each in parameters if each["in"] == "path" or chosen(each["name"])
        ]
    return copy


def thinned(contract: Contract) -> Contract:
    """Keep each parameter of lists, and each of records, only where it appears first, and no sisters."""
    copy = deepcopy(contract)
    seen = set()
    for path, operation in operations(copy):
        kept = []
        for parameter in operation["parameters"]:
            key = (path.endswith("}"), json.dumps(parameter, sort_keys=True))
            is_sister = parameter["name"].endswith((Sister.ALL, Sister.NOT))
            if parameter["required"] or not (key in seen or is_sister):
                kept.append(parameter)
            seen.add(key)
        operation["parameters"] = kept
    return copy
