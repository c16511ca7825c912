"""How the examples of the contract are recorded: real requests to the application over the shipped dataset.

What is asked stands here; `tests/test_contract_examples.py` compares and writes. No value of an example is
made up: the writes leave something of a record out and put it back.
"""

import json
import re
from calendar import month_name
from collections.abc import Mapping
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from api.contractexamples import schema_of
from db.enums import Resource, Role
from db.rendering import INPUT_OF, PLURAL
from tests.contract import EVERY, NEW_YEAR, Operation, document
from tests.curating import Curator, curating, path_of

Example = dict[str, Any]

HOST = "127.0.0.1:8000"  # where the README has the service
LONGEST = 10_000  # bytes of an answer that the contract shows; a longer one is only named
LATEST = "2026-06-07-russia-ukraine"
# Questions with short answers, for operations that answer much to a bare path.
QUERIES = {
    "list_exchanges": "mediator=UAE&date_from=2026-06-01",
    "list_figures": f"exchange={LATEST}&received_by=ukraine&measure=persons",
    "list_claims": f"exchange={LATEST}&received_by=ukraine",
    "list_mediations": f"exchange={LATEST}",
    "list_articles": "publisher=al-jazeera&date_from=2024-12-30&date_to=2024-12-30",
    "list_publishers": "q=Al+Jazeera",
    "list_actors": "q=ОАЭ",
    "list_agreements": "date_from=2025-05-16&date_to=2025-05-31",
    "list_totals": "mediator=UAE&date_from=2024-12-30&date_to=2024-12-30",
    "list_coverage": "date_to=2014-12-31",
    "list_mediators": "limit=1",
    "list_disagreements": "between=ukraine&between=russia&date_from=2024-12-30&date_to=2024-12-30",
    "get_stats": "kind=prisoner_exchange&received_by=ukraine&year=2024&group_by=year",
    "get_reconciliation": "claimant=ukraine&category=child",
    "list_exchange_claims": "limit=1",
    "list_exchange_mediations": "limit=1",
    "export_exchanges": "mediator=UAE&fields=id&fields=date&fields=persons_best",
}
CITED_QUESTION = {"url": "/v1/exchanges?mediator=UAE&date_from=2026-06-01"}
# What the writes leave out of each record, and put back.
FIELDS = {
    Resource.PUBLISHER: "is_agency",
    Resource.ACTOR: "aliases",
    Resource.AGREEMENT: "place",
    Resource.EXCHANGE: "location",
    Resource.TOTAL: "note",
    Resource.COVERAGE: "languages_searched",
    Resource.ARTICLE: "published_on",  # last, since records that show it are written again
}
WHY = {"reason": "As the page states."}
ARTICLE_OF_PLACE = "ckn-nigeria-2024-12-31"
MONTHS = "|".join(month_name[1:])
VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "moment"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "hash"),
    (re.compile(r"\b[0-9a-f]{10}\b"), "key"),
    (re.compile(r"cursor=[\w.-]+|(?<=\"next_cursor\": \")[\w.-]+"), "cursor"),
    (re.compile(r"(?<=/v1/c/)[a-z0-9]{12}\b"), "citation"),
    (re.compile(rf"(?<=[Dd]ataset revision 1, )\d\d? (?:{MONTHS}) \d{{4}}"), "day"),  # as it was loaded
)
# A citation tells the day on which it is made, as each style writes it.
OF_CITATIONS = re.compile(rf"\d+|{MONTHS}")


def settled(example: Example) -> str:
    """Give an example without what each recording has of its own: times, ids of keys, hashes."""
    text = json.dumps(example, ensure_ascii=False, sort_keys=True)
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    if "bibtex" in example.get("value", ()):
        text = OF_CITATIONS.sub("0", text.replace(str(example["value"]["id"]), "citation"))
    return text


def anonymous_gets() -> list[Operation]:
    """Give the reads that answer anybody over the dataset as it was shipped."""
    return [
        each for each in EVERY if each.method == "GET" and not each.spec["security"] and not each.of_citation
    ]


def request_of(operation: Operation) -> str:
    """Give the path and the query that an operation is shown with: with the ids its parameters show."""
    path = operation.template
    for parameter in operation.spec["parameters"]:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(parameter["example"]))
    asked = QUERIES.get(operation.spec["operationId"], "") or httpx.QueryParams(operation.needed)
    return f"{path}?{asked}" if asked else path


async def record_reads(client: httpx.AsyncClient) -> dict[str, Example]:
    """Ask each read; one that answers with a file, or at length, is recorded by its address."""
    found = {}
    for operation in anonymous_gets():
        asked = request_of(operation)
        shown: Example = {"summary": f"GET {asked}"}
        if operation.answers_json:
            answer = await client.get(asked, headers={"Host": HOST})
            assert answer.status_code == 200, (asked, answer.text)
            if len(answer.content) <= LONGEST:
                found[operation.spec["operationId"]] = shown | {"value": answer.json()}
                continue
        found[operation.spec["operationId"]] = shown | {"externalValue": str(httpx.URL(asked))}
    return _without_repetitions(found)


def _without_repetitions(found: dict[str, Example]) -> dict[str, Example]:
    """Leave out what an earlier example of the same schema says already, as revisions do of records."""
    kept: dict[str, Example] = {}
    first: dict[str, str] = {}
    for operation in anonymous_gets():
        name = operation.spec["operationId"]
        [told] = operation.spec["responses"]["200"]["content"].values()
        shown = kept.get(first.setdefault(schema_of(told) or name, name))
        if shown is None or shown.get("value") != found[name].get("value", name):
            kept[name] = found[name]
    return kept


async def record_writes(engine: AsyncEngine, server_url: str) -> dict[str, Example]:
    """Write to records of the shipped dataset, with keys of each role, and note bodies and answers."""
    found: dict[str, Example] = {}
    async with curating(engine, server_url) as curator:
        curator.client.headers["Host"] = HOST
        await _record_me(found, curator)
        for resource in FIELDS:
            await _record_change(found, curator, resource)
        await _record_citation(found, curator)
        asked = f"/v1/changes?since={await curator.revision() - 1}"
        found["get_changes"] = _answered(f"GET {asked}", await curator.get(asked))
    return found


async def _record_me(found: dict[str, Example], curator: Curator) -> None:
    found["get_me"] = _answered("GET /v1/me", await curator.send("GET", "/v1/me", reason=None))


async def _record_change(found: dict[str, Example], curator: Curator, resource: Resource) -> None:
    """Take a field of a record away and put it back, and note all that is told on the way."""
    path, field = path_of(resource, _shown_id(resource)), FIELDS[resource]
    whole = await curator.body(path)
    model = INPUT_OF[resource]
    name = model.__name__.removesuffix("Input")
    found[model.__name__] = {"value": {each: whole[each] for each in model.model_fields}}
    found[f"{name}Patch"] = {"value": {field: whole[field]}}
    await curator.change("PATCH", path, {field: _lessened(whole[field])}, query=WHY)
    if resource is Resource.PUBLISHER:
        await _record_import(found, curator, found[model.__name__]["value"])
    if resource is Resource.ACTOR:
        await _record_dry_run(found, curator, path, found["ActorPatch"]["value"])
    if resource is Resource.EXCHANGE:
        await _record_parts(found, curator, path, whole)
        await _record_proposal(found, curator, path, found["ExchangePatch"]["value"])
    else:
        await curator.change("PATCH", path, {field: whole[field]}, query=WHY)
    asked = f"{path}/diff?from_revision=2&to_revision=3"
    found[f"get_{resource}_diff"] = _answered(f"GET {asked}", await curator.get(asked))


def _shown_id(resource: Resource) -> str:
    """Give the id that paths to such records are shown with."""
    item = document()["paths"][f"/v1/{PLURAL[resource]}/{{record_id}}"]
    return str(item["get"]["parameters"][0]["example"])


def _lessened(value: object) -> object:
    if isinstance(value, bool):
        return not value
    return value[:-1] if isinstance(value, list) else None


async def _record_import(found: dict[str, Example], curator: Curator, record: Mapping[str, Any]) -> None:
    asked = "/v1/import?dry_run=true"
    line = json.dumps({"resource": "publisher", **record}, ensure_ascii=False) + "\n"
    sent = {"Authorization": f"Bearer {curator.token}", "Content-Type": "application/x-ndjson"}
    answer = await curator.client.post(asked, content=line, headers=sent)
    found["import_records"] = _answered(f"POST {asked}", answer)


async def _record_dry_run(found: dict[str, Example], curator: Curator, path: str, patch: object) -> None:
    answer = await curator.send(
        "PATCH", path, patch, etag=await curator.etag(path), reason=None, query={"dry_run": "true"}
    )
    found["DryRun"] = _answered(f"PATCH {path}?dry_run=true", answer, 202)


async def _record_parts(
    found: dict[str, Example], curator: Curator, path: str, whole: Mapping[str, Any]
) -> None:
    """Note the bodies of a claim and a mediation, which must change nothing where they stand already."""
    etag = await curator.etag(path)
    for noun, field in (("claim", "count"), ("mediation", "role")):
        part = whole[f"{noun}s"][0]
        bodies = {"PUT": part, "PATCH": {field: part[field]}}
        for (method, body), kind in zip(bodies.items(), ("Input", "Patch"), strict=True):
            answer = await curator.send(method, f"{path}/{noun}s/{part['id']}", body, etag=etag)
            assert answer.status_code == 200, answer.text
            assert answer.headers["ETag"] == etag, "it is as it was"
            found[f"{noun.title()}{kind}"] = {"value": body}


async def _record_proposal(found: dict[str, Example], curator: Curator, path: str, patch: object) -> None:
    """Have the change proposed, and accept it."""
    contributor = await curator.colleague(Role.CONTRIBUTOR)
    body = {
        "action": "update",
        "resource": "exchange",
        "record_id": NEW_YEAR,
        "base_revision": 2,
        "content": patch,
        "source_url": (await curator.body(f"/v1/articles/{ARTICLE_OF_PLACE}"))["url"],
        "comment": "The page names the place.",
    }
    found["ProposalInput"] = {"value": body}
    made = await contributor.send("POST", "/v1/proposals", body, reason=None)
    assert made.status_code == 201, made.text
    proposal = made.headers["Location"]
    for name, asked in (
        ("get_proposal", proposal),
        ("get_proposal_diff", f"{proposal}/diff"),
        ("list_proposals", "/v1/proposals?state=open"),
        ("get_proposal_counts", "/v1/proposal-counts"),
    ):
        found[name] = _answered(f"GET {asked}", await curator.send("GET", asked, reason=None))
    accepted = await curator.send("POST", f"{proposal}/accept", etag=made.headers["ETag"], query=WHY)
    found["accept_proposal"] = _answered(f"POST {proposal}/accept", accepted)


async def _record_citation(found: dict[str, Example], curator: Curator) -> None:
    made = await curator.client.post("/v1/citations", json=CITED_QUESTION)
    assert made.status_code == 201, made.text
    found["CitationInput"] = {"value": CITED_QUESTION}
    links = made.json()["links"]
    found["get_citation"] = _answered(f"GET {links['self']}", await curator.get(links["self"]))
    records = await curator.get(links["records"])
    assert records.status_code == 200, records.text
    found["get_cited_records"] = {"summary": f"GET {links['records']}", "value": records.text}


def _answered(asked: str, answer: httpx.Response, status: int = 200) -> Example:
    assert answer.status_code == status, (asked, answer.text)
    return {"summary": asked, "value": answer.json()}
