"""Random writes of every kind through HTTP, held after each step against a model of plain dictionaries.

The short form makes the same steps in every run; `STATEFUL_EXAMPLES=500` makes it more, others in every run.
The model is `tests/dataset_model.py`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from db.amending import AmendError
from db.enums import Resource
from db.session import write_engine
from tests.blanking import blank
from tests.curating import Curator, curating, path_of, refused, without
from tests.databases import own_database
from tests.dataset_model import Key, Model
from tests.model_checks import MODELLED, agree, check_all, check_lists, check_record
from tests.synthetic import Record, actor, article, claim, coverage, exchange, publisher
from tests.writing import made, put

EXAMPLES = os.environ.get("STATEFUL_EXAMPLES")
STEPS = 25
R = Resource

CLAIMANTS = ("east", "west", "centre")  # actors that only claim, so that any two of them may become one
UNCHECKED: Record = {"archive_url": None, "link_status": "unchecked"}
FIRST: dict[Key, Record] = {
    **{(R.ACTOR, id_): actor(id_) for id_ in ("north", "south", *CLAIMANTS)},
    (R.PUBLISHER, "gazette"): publisher("gazette"),
    **{(R.ARTICLE, id_): article(id_, **UNCHECKED) for id_ in ("page-1", "page-2", "page-3", "page-4")},
    (R.EXCHANGE, "first"): exchange("first"),
    (R.EXCHANGE, "second"): exchange(
        "second", claims=[claim("second:c1", citations=["page-2"])], citations=["page-2"]
    ),
    (R.COVERAGE, "winter"): coverage("winter"),
}
WORDS = st.sampled_from(["One.", "Two.", "Three."])

T = TypeVar("T")


@asynccontextmanager
async def opened(server_url: str, template: str) -> AsyncIterator[Curator]:
    """Give a curator of a database of its own, with the first records in it."""
    async with own_database(server_url, template) as url, AsyncExitStack() as stack:
        engine = write_engine(url)
        stack.push_async_callback(engine.dispose)
        await put(engine, *(made(resource, fields) for (resource, _), fields in FIRST.items()))
        yield await stack.enter_async_context(curating(engine, server_url))


class Writes(RuleBasedStateMachine):
    """What curators may do, in any order."""

    def __init__(self, curator: AbstractAsyncContextManager[Curator]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.curator = self.run(self.stack.enter_async_context(curator))
        self.model = Model(FIRST)
        self.requests = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        try:
            self.run(check_all(self.curator, self.model))
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    # --- requests ---

    def write(self, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
        return self.run(self.curator.send(method, path, body, **more))

    def at(
        self, method: str, key: Key, body: object = None, *, suffix: str = "", **query: Any
    ) -> httpx.Response:
        """Write to a record under the ETag that it has."""
        etag = f'"{self.model.read(key).number}"'
        return self.write(method, f"{path_of(*key)}{suffix}", body, etag=etag, query=query)

    def expect(self, answer: httpx.Response, status: int, key: Key) -> None:
        """Hold an answer against what the model says it must be, and the record against the model's."""
        assert answer.status_code == status, answer.text
        if not answer.is_success:
            return
        assert answer.headers["x-dataset-revision"] == str(self.model.revision)
        if self.model.status(key) == 200:
            read = self.run(self.curator.get(path_of(*key)))
            stands = self.model.read(key)
            agree(stands, read.json())
            assert read.headers["etag"] == f'"{stands.number}"'
            if status != 204:
                assert answer.headers["etag"] == read.headers["etag"]

    # --- choices ---

    def chosen(self, data: st.DataObject, *resources: Resource) -> Key:
        """Choose a record that stands."""
        keys = [
            (resource, id_) for resource in resources or MODELLED for id_ in self.model.standing(resource)
        ]
        return data.draw(st.sampled_from([key for key in keys if key[1] not in {"north", "south"}]))

    def past(self, data: st.DataObject) -> Key:
        """Choose a record that does not stand any more."""
        return data.draw(st.sampled_from(sorted(self.gone())))

    def gone(self) -> list[Key]:
        return [key for key in self.model.history if self.model.status(key) in {308, 410}]

    def articles(self, data: st.DataObject) -> list[str]:
        standing = st.sampled_from(self.model.standing(R.ARTICLE))
        return data.draw(st.lists(standing, min_size=1, max_size=2, unique=True))

    def claim(self, data: st.DataObject) -> Record:
        """Make a claim without an id; its first article may be given by its URL."""
        claimants = [id_ for id_ in CLAIMANTS if self.model.status((R.ACTOR, id_)) == 200]
        cites: list[Any] = self.articles(data)
        if data.draw(st.booleans()):
            known = [
                id_
                for of, id_ in self.model.history
                if of is R.ARTICLE and self.model.end((of, id_)) == cites[0]
            ]
            cites[0] = {"url": f"https://example.org/{data.draw(st.sampled_from(known))}"}
        made_ = claim(
            "",
            count=data.draw(st.integers(1, 3)),
            citations=cites,
            claimant=data.draw(st.sampled_from([None, *claimants])),
            category=data.draw(st.sampled_from(["total", "military"])),
        )
        return without(made_, "id")

    def patch(self, data: st.DataObject, resource: Resource, id_: str) -> Record:
        match resource:
            case R.EXCHANGE:
                others = [each for each in self.model.standing(resource) if each != id_]
                overlap = {
                    "released_by": "north",
                    "received_by": "south",
                    "measure": "persons",
                    "count": 1,
                    "note": None,
                }
                overlaps = (
                    st.lists(st.sampled_from(others), max_size=2, unique=True) if others else st.just([])
                )
                return data.draw(
                    st.one_of(
                        st.fixed_dictionaries({"summary": WORDS}),
                        st.fixed_dictionaries({"date": st.sampled_from(["2020-01-01", "2020-06-06"])}),
                        st.just({"citations": self.articles(data)}),
                        st.fixed_dictionaries(
                            {
                                "overlaps": overlaps.map(
                                    lambda ids: [overlap | {"exchange": each} for each in ids]
                                )
                            }
                        ),
                    )
                )
            case R.ARTICLE:
                return data.draw(
                    st.one_of(
                        st.fixed_dictionaries({"title": st.none() | WORDS}),
                        st.fixed_dictionaries({"link_status": st.sampled_from(["alive", "dead"])}),
                    )
                )
            case R.ACTOR:
                return {"name": f"Land {id_} {data.draw(WORDS)}"}
            case _:
                return data.draw(st.fixed_dictionaries({"statement": WORDS}))

    # --- rules: whole records ---

    @rule(data=st.data())
    def create(self, data: st.DataObject) -> None:
        body = without(exchange("", claims=[self.claim(data)], citations=self.articles(data)), "id")
        self.requests += 1
        key = f"request {self.requests}"
        answer, again = (
            self.write("POST", "/v1/exchanges", body, query={"allow_duplicate": "true"}, Idempotency_Key=key)
            for _ in range(2)
        )
        assert answer.status_code == 201, answer.text
        assert (again.status_code, again.content) == (201, answer.content)
        assert again.headers["idempotency-replayed"] == "true"
        other = self.write(
            "POST",
            "/v1/exchanges",
            body | {"summary": "Other."},
            query={"allow_duplicate": "true"},
            Idempotency_Key=key,
        )
        refused(other, 422, "idempotency_mismatch")
        record = (R.EXCHANGE, answer.json()["id"])
        assert record not in self.model.history
        self.expect(answer, self.model.put(record, body | {"id": record[1]}, "created"), record)

    @rule(data=st.data(), id_=st.sampled_from(["first", "third", "fourth"]))
    def create_by_put(self, data: st.DataObject, id_: str) -> None:
        key = (R.EXCHANGE, id_)
        body = exchange(id_, claims=[self.claim(data)], citations=self.articles(data))
        answer = self.write("PUT", path_of(*key), body, query={"allow_duplicate": "true"}, If_None_Match="*")
        if key not in self.model.history:
            self.expect(answer, self.model.put(key, body, "created"), key)
        else:
            assert answer.status_code == (412 if self.model.status(key) == 200 else 409), answer.text

    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        """Put a record as it was read, but for some fields and parts."""
        key = self.chosen(data)
        served = self.run(self.curator.body(path_of(*key)))
        fields = self.model.fields(key) | self.patch(data, *key)
        if key[0] is R.EXCHANGE:
            kept = data.draw(
                st.lists(st.booleans(), min_size=len(fields["claims"]), max_size=len(fields["claims"]))
            )
            fields["claims"] = [part for part, keep in zip(fields["claims"], kept, strict=True) if keep]
            fields["claims"] += [self.claim(data)] if data.draw(st.booleans()) else []
        answer = self.at("PUT", key, served | fields)
        self.expect(answer, self.model.put(key, fields), key)

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        key = self.chosen(data)
        patch = self.patch(data, *key)
        answer = self.at("PATCH", key, patch)
        self.expect(answer, self.model.put(key, self.model.fields(key) | patch), key)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = self.chosen(data)
        answer = self.at("DELETE", key)
        referrers = self.model.referrers(key)
        self.expect(answer, self.model.delete(key), key)
        if referrers:
            named = {(each["resource"], each["id"]) for each in answer.json()["conflicts"]}
            assert named == {(str(resource), id_) for resource, id_ in referrers}

    @precondition(lambda self: self.gone())
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        key = self.past(data)
        answer = self.write("POST", f"{path_of(*key)}/restore")
        self.expect(answer, self.model.restore(key), key)

    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        key = self.chosen(data, R.EXCHANGE, R.ARTICLE, R.COVERAGE)
        number = data.draw(st.integers(1, self.model.read(key).number))
        answer = self.at("POST", key, suffix="/revert", to=number)
        self.expect(answer, self.model.revert(key, number), key)

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        key = self.chosen(data, R.EXCHANGE, R.ARTICLE, R.ACTOR)
        others = [id_ for id_ in self.model.standing(key[0]) if id_ not in {key[1], "north", "south"}]
        if others:
            into = data.draw(st.sampled_from(others))
            answer = self.at("POST", key, suffix="/merge", into=into)
            self.expect(answer, self.model.merge(key, into), (key[0], into))
            assert answer.headers["content-location"] == path_of(key[0], into)

    @rule(data=st.data())
    def redact(self, data: st.DataObject) -> None:
        known = [key for key in self.model.history if key[0] in {R.EXCHANGE, R.COVERAGE}]
        key = data.draw(st.sampled_from(known))
        number = data.draw(st.integers(1, len(self.model.history[key])))
        try:
            self.run(blank(self.curator.engine, *key, number))
        except AmendError:
            assert not self.model.redact(key, number)
        else:
            assert self.model.redact(key, number)

    # --- rules: claims ---

    @rule(data=st.data())
    def add_claim(self, data: st.DataObject) -> None:
        key = self.chosen(data, R.EXCHANGE)
        new = self.claim(data)
        answer = self.at("POST", key, new, suffix="/claims")
        fields = self.model.fields(key)
        assert self.model.put(key, fields | {"claims": [*fields["claims"], new]}) == 200
        self.expect(answer, 201, key)
        assert answer.json()["id"] == self.model.fields(key)["claims"][-1]["id"]

    @rule(data=st.data(), method=st.sampled_from(["PATCH", "PUT", "DELETE"]))
    def change_claim(self, data: st.DataObject, method: str) -> None:
        key = self.chosen(data, R.EXCHANGE)
        fields = self.model.fields(key)
        if not fields["claims"]:
            return
        place = data.draw(st.integers(0, len(fields["claims"]) - 1))
        old = fields["claims"][place]
        new = {
            name: value
            for name, value in self.claim(data).items()
            if method == "PUT" or data.draw(st.booleans())
        }
        answer = self.at(method, key, None if method == "DELETE" else new, suffix=f"/claims/{old['id']}")
        fields["claims"][place : place + 1] = [] if method == "DELETE" else [old | new]
        status = self.model.put(key, fields)
        assert status == 200
        self.expect(answer, 204 if method == "DELETE" else 200, key)

    # --- rules: what is refused, and the past ---

    @rule(data=st.data(), off=st.integers(1, 3), method=st.sampled_from(["PUT", "PATCH", "DELETE"]))
    def write_unseen(self, data: st.DataObject, off: int, method: str) -> None:
        key = self.chosen(data)
        body = {"PUT": self.model.fields(key), "PATCH": {}, "DELETE": None}[method]
        current = f'"{self.model.read(key).number}"'
        stale = f'"{self.model.read(key).number + off - 2 * off * (off % 2)}"'
        answer = self.write(method, path_of(*key), body, etag=stale)
        assert refused(answer, 412, "precondition_failed").current_etag == current
        refused(self.write(method, path_of(*key), body), 428, "precondition_required")

    @precondition(lambda self: self.gone())
    @rule(data=st.data(), method=st.sampled_from(["PATCH", "DELETE"]))
    def write_to_what_is_gone(self, data: st.DataObject, method: str) -> None:
        key = self.past(data)
        answer = self.write(method, path_of(*key), {} if method == "PATCH" else None, etag='"1"')
        assert answer.status_code == (409 if self.model.status(key) == 308 else 410), answer.text

    @rule(data=st.data())
    def read_the_past(self, data: st.DataObject) -> None:
        as_of = data.draw(st.integers(1, self.model.revision))
        self.run(check_lists(self.curator, self.model, as_of))
        for key in self.model.history:
            self.run(check_record(self.curator, self.model, key, as_of))

    # --- what holds always ---

    @invariant()
    def lists_are_as_the_model_says(self) -> None:
        self.run(check_lists(self.curator, self.model, resources=(R.EXCHANGE,)))


def test_random_writes(server_url: str, empty_template: str) -> None:
    class OfThisServer(Writes):
        def __init__(self) -> None:
            super().__init__(opened(server_url, empty_template))

    run_state_machine_as_test(
        OfThisServer,
        settings=settings(
            max_examples=int(EXAMPLES or 6),
            stateful_step_count=STEPS,
            derandomize=EXAMPLES is None,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
