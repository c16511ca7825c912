"""What the contract requires of a new record is what the service requires: no field more, and none less."""

import pytest

from api.bodyschemas import body_schemas
from db.enums import Resource
from db.rendering import INPUT_OF, PLURAL
from tests.curating import Curator, path_of, refused
from tests.synthetic import (
    Record,
    actor,
    agreement,
    article,
    claim,
    coverage,
    exchange,
    mediation,
    publisher,
    total,
)

pytestmark = pytest.mark.anyio

FIRST = path_of(Resource.EXCHANGE, "first")
WHOLE: dict[str, tuple[str, Record]] = {
    INPUT_OF[resource].__name__: (f"/v1/{PLURAL[resource]}", record)
    for resource, record in {
        Resource.ACTOR: actor("west"),
        Resource.PUBLISHER: publisher("courier"),
        Resource.ARTICLE: article("page-9"),
        Resource.AGREEMENT: agreement("accord"),
        Resource.EXCHANGE: exchange("third", date="2020-05-01"),
        Resource.TOTAL: total("total-9", as_of="2020-06-01"),
        Resource.COVERAGE: coverage("spring", date_from="2020-03-01", date_to="2020-04-01"),
    }.items()
} | {
    "ClaimInput": (f"{FIRST}/claims", claim("first:c9", category="civilian")),
    "MediationInput": (f"{FIRST}/mediations", mediation("first:m9")),
}


@pytest.mark.parametrize("schema", WHOLE)
async def test_what_the_contract_requires_suffices_and_is_needed(curator: Curator, schema: str) -> None:
    path, whole = WHOLE[schema]
    etag = '"1"' if path.startswith(FIRST) else None
    required = body_schemas()[schema]["required"]
    least = {name: whole[name] for name in required}
    for name in required:
        lacking = {each: value for each, value in least.items() if each != name}
        problem = refused(await curator.send("POST", path, lacking, etag=etag), 422, "invalid_body")
        assert [item.pointer for item in problem.errors] == [f"/{name}"]
    assert (await curator.send("POST", path, least, etag=etag)).status_code == 201


async def test_a_record_that_stands_is_put_whole(curator: Curator) -> None:
    whole = (await curator.get(FIRST)).json()
    del whole["date_end"]
    problem = refused(await curator.send("PUT", FIRST, whole, etag='"1"'), 422, "invalid_body")
    assert [(item.pointer, item.code) for item in problem.errors] == [("/date_end", "missing")]
