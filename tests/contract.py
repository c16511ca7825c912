"""The contract as tests walk it: every operation of the OpenAPI document, with a path that answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from api.main import create_app
from api.openapi import ANSWERS, contract_of
from api.settings import HttpSettings
from db.settings import DatabaseSettings

NEW_YEAR = "2024-12-30-russia-ukraine"
CITED = "novosti-mira-624af9"  # the article that most exchanges cite
IDS = {
    "exchanges": NEW_YEAR,
    "claims": f"{NEW_YEAR}:c1",
    "mediations": f"{NEW_YEAR}:m1",
    "mediators": "uae",
    "articles": "al-jazeera-2024-12-30",
    "publishers": "al-jazeera",
    "actors": "uae",
    "agreements": "istanbul-2025-05-16",
    "totals": "total-0001",
    "coverage": "2014-autumn",
    "releases": "2026.11",
}


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    method: str
    template: str
    spec: dict[str, Any]

    @property
    def path(self) -> str:
        """A path that answers, for any template, with the parameters that it needs."""
        resource = self.template.split("/")[2] if self.of_record else ""
        if self.template == "/v1/articles/{record_id}/exchanges":
            return self.template.replace("{record_id}", CITED)
        path = self.template.replace("{record_id}", IDS.get(resource, "")).replace("{number}", "1")
        path = path.replace("{chart}", "timeline").replace("{other}", "latest").replace("{format}", "csv")
        path = path.replace("{part_id}", IDS["claims" if "/claims/" in path else "mediations"])
        return f"{path}?{urlencode(self.needed, doseq=True)}" if self.needed else path

    @property
    def needed(self) -> dict[str, Any]:
        """The query parameters without which it does not answer, by their examples."""
        return {
            each["name"]: each["example"]
            for each in self.spec.get("parameters", ())
            if each["in"] == "query" and each["required"]
        }

    @property
    def of_record(self) -> bool:
        return "{record_id}" in self.template

    @property
    def of_part(self) -> bool:
        return "{part_id}" in self.template

    @property
    def of_citation(self) -> bool:
        return self.spec["tags"] == ["citations"] and not self.of_record

    @property
    def answers_json(self) -> bool:
        return "application/json" in self.spec["responses"]["200"]["content"]

    @property
    def model(self) -> type[BaseModel]:
        """The model of the answer."""
        ref = self.spec["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        name = ref.rpartition("/")[2]
        return ANSWERS[name]

    @property
    def is_list(self) -> bool:
        return self.model.__name__.endswith("List")

    @property
    def reads(self) -> bool:
        """Whether it answers from a state of the dataset, rather than about its history or the service."""
        apart = {"history", "proposals", "releases", "citations"}
        return self.template.startswith("/v1/") and not apart & {*self.spec["tags"]}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of an application that never starts."""
    return contract_of(
        create_app(HttpSettings(), DatabaseSettings(database_url="postgresql://127.0.0.1/none"))
    )


def operations() -> Iterator[Operation]:
    for template, methods in document()["paths"].items():
        for method, spec in methods.items():
            yield Operation(method.upper(), template, spec)


EVERY = list(operations())
WITH_KEY = [operation for operation in EVERY if operation.spec["security"]]
# Nobody has cited anything of the shipped dataset: tests/test_citations.py reads what it cites itself.
ALL = [
    operation
    for operation in EVERY
    if operation not in WITH_KEY and operation.answers_json and not operation.of_citation
]
READS = [operation for operation in ALL if operation.reads]
LISTS = [operation for operation in READS if operation.is_list]
RECORDS = [
    operation
    for operation in READS
    if operation.of_record and not operation.is_list and not operation.template.endswith("/progress")
]
