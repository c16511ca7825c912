"""Whom a request is taken for: who is refused and how, which role opens what, and where no key may show."""

import io
import json
import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from api.accesslog import configure_logging
from api.auth import AdminDep, CallerDep, ContributorDep, CuratorDep
from api.deps import LimiterDep
from api.schemas import Me
from db.access import Caller
from db.enums import Role
from db.tokens import new_token
from tests.applications import Queries, application, running
from tests.asking import ask
from tests.keyring import BAD, ROLES, Keys, id_of, keyring
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def keys(server_url: str, loaded_template: str) -> AsyncIterator[Keys]:
    async with keyring(server_url, loaded_template) as made:
        yield made


@pytest.fixture(scope="module")
async def guarded(keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, with a path for each role, one for everybody, and one that spends."""
    app = application(keys.url)

    @app.get("/v1/for/contributor")
    async def for_contributor(caller: ContributorDep) -> str:
        return caller.label

    @app.get("/v1/for/curator")
    async def for_curator(caller: CuratorDep) -> str:
        return caller.label

    @app.get("/v1/for/admin")
    async def for_admin(caller: AdminDep) -> str:
        return caller.label

    @app.get("/v1/for/all")
    async def for_all(caller: CallerDep) -> str | None:
        return caller and caller.label

    @app.get("/v1/for/writers")
    async def for_writers(caller: CuratorDep, limiter: LimiterDep) -> dict[str, str]:
        return dict(limiter.spend(caller.key_id))

    async with running(app) as client:
        yield client


def challenge_of(response: httpx.Response) -> str:
    assert response.status_code == 401
    problem = problem_of(response)
    assert problem.code == "unauthenticated"
    assert "exk_" not in response.text.replace("exk_<id>_<secret>", "")
    challenge: str = response.headers["www-authenticate"]
    assert re.fullmatch(r'Bearer realm="exchanges"(, [a-z_]+="[\x20-\x21\x23-\x5B\x5D-\x7E]+")*', challenge)
    if "error_description" in challenge:
        assert f'error="invalid_token", error_description="{problem.detail}"' in challenge
    return challenge


# Reads


READS = ("/v1/exchanges?limit=1", "/v1/exchanges/nothing", "/v1/dataset", "/v1/changes", "/v1/openapi.json")


@pytest.mark.parametrize(
    "path", [*READS, "/exchanges?limit=1", "/dataset", "/v1/me", "/v1/exchanges?nonsense=1"]
)
@pytest.mark.parametrize("name", BAD)
async def test_a_key_that_does_not_hold_is_refused_everywhere(
    guarded: httpx.AsyncClient, keys: Keys, path: str, name: str
) -> None:
    for method in ("GET", "HEAD"):
        response = await guarded.request(method, path, headers={"Authorization": f"Bearer {keys.bad[name]}"})
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("unknown", "There is no such key."),
        ("cut", "There is no such key."),
        ("rotated", "There is no such key."),
        ("expired", "The key has expired."),
        ("revoked", "The key was revoked."),
    ],
)
async def test_why_a_key_does_not_hold(guarded: httpx.AsyncClient, keys: Keys, name: str, told: str) -> None:
    response = await ask(guarded, "/v1/dataset", Authorization=f"Bearer {keys.bad[name]}")
    assert f'error_description="{told}"' in challenge_of(response)


@pytest.mark.parametrize(
    "sent",
    [
        *("", "Bearer", "Bearer ", "Bearer exk_", "Bearer ключ", "Basic dTpw", "Basic {key}", "Token {key}"),
        *("{key}", "Bearer={key}", "Bearer {key} x", "Bearer\t{key}", 'Bearer "{key}"'),
        "Bearer {key}, Bearer {key}",
    ],
)
async def test_a_header_that_cannot_be_read(guarded: httpx.AsyncClient, keys: Keys, sent: str) -> None:
    value = sent.format(key=keys.good[Role.ADMIN]).encode()
    response = await guarded.get("/v1/dataset", headers=[(b"Authorization", value)])
    assert 'error="invalid_token"' in challenge_of(response)


async def test_two_headers_are_refused(guarded: httpx.AsyncClient, keys: Keys) -> None:
    pair = [("Authorization", f"Bearer {keys.good[Role.ADMIN]}")] * 2
    assert "more than one" in challenge_of(await guarded.get("/v1/dataset", headers=pair))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer  "])
async def test_a_key_changes_no_answer(guarded: httpx.AsyncClient, keys: Keys, scheme: str) -> None:
    for path in (*READS, "/exchanges?limit=1"):
        plain = await ask(guarded, path, X_Request_ID="same")
        keyed = await ask(
            guarded, path, X_Request_ID="same", Authorization=f"{scheme} {keys.good[Role.CONTRIBUTOR]}"
        )
        for each in (plain, keyed):
            del each.headers["server-timing"]
        assert (keyed.status_code, keyed.headers, keyed.content) == (
            plain.status_code,
            plain.headers,
            plain.content,
        )


async def test_anonymous_requests_ask_nothing_of_keys(
    guarded: httpx.AsyncClient, keys: Keys, queries: Queries
) -> None:
    await ask(guarded, "/v1/exchanges?limit=1")
    queries.clear()
    await ask(guarded, "/v1/exchanges?limit=1")
    assert len(queries) == 1
    assert "api_key" not in queries[0]
    sent = {"Authorization": f"Bearer {keys.good[Role.ADMIN]}"}
    await ask(guarded, "/v1/exchanges?limit=1", **sent)
    queries.clear()
    await ask(guarded, "/v1/exchanges?limit=1", **sent)
    assert ["api_key" in query for query in queries] == [True, False]


@pytest.mark.parametrize("path", ["/healthz", "/docs"])
async def test_what_is_beside_the_api_asks_for_no_key(guarded: httpx.AsyncClient, path: str) -> None:
    assert (await ask(guarded, path, Authorization="Bearer nothing")).status_code == 200


# Roles


@pytest.mark.parametrize("needed", ROLES)
@pytest.mark.parametrize("held", [*ROLES, None])
async def test_a_role_opens_what_it_and_lesser_ones_may(
    guarded: httpx.AsyncClient, keys: Keys, needed: Role, held: Role | None
) -> None:
    sent = {"Authorization": f"Bearer {keys.good[held]}"} if held else {}
    response = await ask(guarded, f"/v1/for/{needed}", **sent)
    if held is None:
        assert challenge_of(response) == 'Bearer realm="exchanges"'
    elif ROLES.index(held) >= ROLES.index(needed):
        assert response.json() == f"{id_of(keys.good[held])} (A {held})"
    else:
        problem = problem_of(response)
        assert (problem.status, problem.code) == (403, "forbidden")
        assert problem.detail == (
            f"This needs the role {needed}; the key {id_of(keys.good[held])} has the role {held}."
        )


@pytest.mark.parametrize("name", BAD)
async def test_no_role_helps_a_key_that_does_not_hold(
    guarded: httpx.AsyncClient, keys: Keys, name: str
) -> None:
    for path in (*ROLES, "all"):
        response = await ask(guarded, f"/v1/for/{path}", Authorization=f"Bearer {keys.bad[name]}")
        assert 'error="invalid_token"' in challenge_of(response)


async def test_a_caller_where_none_is_needed(guarded: httpx.AsyncClient, keys: Keys) -> None:
    assert (await ask(guarded, "/v1/for/all")).json() is None
    token = keys.good[Role.CURATOR]
    response = await ask(guarded, "/v1/for/all", Authorization=f"Bearer {token}")
    assert response.json() == Caller(id_of(token), "A curator", Role.CURATOR).label


async def test_a_key_that_writes_too_much(guarded: httpx.AsyncClient, keys: Keys) -> None:
    sent = {"Authorization": f"Bearer {keys.good[Role.CURATOR]}"}
    first = await ask(guarded, "/v1/for/writers", **sent)
    assert first.json()["RateLimit"].startswith('"writes";r=119;t=60')
    for _ in range(200):
        last = await ask(guarded, "/v1/for/writers", **sent)
        if last.status_code != 200:
            break
    assert problem_of(last).code == "too_many_requests"
    assert int(last.headers["retry-after"]) >= 1
    assert last.headers["ratelimit-policy"] == first.json()["RateLimit-Policy"]
    assert ";r=0;" in last.headers["ratelimit"]
    other = {"Authorization": f"Bearer {keys.good[Role.ADMIN]}"}
    assert (await ask(guarded, "/v1/for/writers", **other)).status_code == 200


# Who am I


@pytest.mark.parametrize("role", ROLES)
async def test_a_key_is_told_who_it_is(guarded: httpx.AsyncClient, keys: Keys, role: Role) -> None:
    response = await ask(guarded, "/v1/me", Authorization=f"Bearer {keys.good[role]}")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    me = Me.model_validate_json(response.content, strict=True)
    assert json.loads(me.model_dump_json()) == response.json()
    assert (me.id, me.name, me.role, me.expires_at) == (id_of(keys.good[role]), f"A {role}", role, None)
    assert me.last_used_at is not None
    assert me.last_used_at >= me.created_at


async def test_nobody_is_nobody(guarded: httpx.AsyncClient, keys: Keys) -> None:
    assert challenge_of(await ask(guarded, "/v1/me")) == 'Bearer realm="exchanges"'
    sent = {"Authorization": f"Bearer {keys.good[Role.ADMIN]}"}
    assert problem_of(await ask(guarded, "/v1/me", {"id": "x"}, **sent)).code == "invalid_query"
    assert problem_of(await ask(guarded, "/v1/me", Accept="text/csv", **sent)).code == "not_acceptable"


# A key where it does not belong


PLACES = ("/v1/exchanges?key={}", "/v1/exchanges?{}=1", "/v1/exchanges?mediator={}", "/exchanges?party={}")
MORE = ("/v1/exchanges?cursor={}", "/v1/exchanges?as_of={}", "/v1/exchanges?sort={}", "/v1/claims?article={}")
PATHS = ("/v1/exchanges/{}", "/v1/{}", "/{}", "/exchanges/{}/", "/v1/exchanges/{}/revisions", "/v1/me/{}")


@pytest.mark.parametrize("place", [*PLACES, *MORE, *PATHS])
async def test_a_key_in_a_url_is_neither_echoed_nor_logged(
    guarded: httpx.AsyncClient, keys: Keys, place: str
) -> None:
    token = keys.good[Role.ADMIN]
    secret = token[15:]
    for written in (token, token.replace("_", "%5F"), token[:40]):
        stream = io.StringIO()
        with configure_logging("info", stream):
            response = await ask(guarded, place.format(written))
            refused = await guarded.post(place.format(written))
        for answer in (response, refused):
            problem_of(answer)
            assert secret[:10] not in answer.text + repr(answer.headers)
            assert "exk_…" in answer.text or "?" in place
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        [first, second] = [line for line in lines if line["logger"] == "api.access"]
        assert secret[:10] not in stream.getvalue()
        assert "exk_…" in first["path"] + first["query"]
        assert "exk_…" in second["path"] + second["query"]


async def test_an_error_about_a_key_is_logged_without_it() -> None:
    stream, token = io.StringIO(), new_token().text
    with configure_logging("info", stream):
        try:
            raise RuntimeError(f"cannot read {token!r}")
        except RuntimeError:
            logging.getLogger("anything").exception("failed at %s", f"/v1/{token}")
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert line["message"] == "failed at /v1/exk_…"
    assert "RuntimeError: cannot read 'exk_…'" in line["exc_info"]
    assert token[15:25] not in stream.getvalue()
