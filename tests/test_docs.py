"""The pages for people: complete, offline, and under a policy that lets nothing in from outside."""

import re

import pytest

from api.problems import CATALOGUE, ProblemCode
from tests.shell_app import ask

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def test_the_catalogue_leads_programs_to_all_descriptions() -> None:
    """RFC 9727, and the format of RFC 9264."""
    answer = ask("/.well-known/api-catalog")
    assert answer.status_code == 200
    profile = "https://www.rfc-editor.org/info/rfc9727"
    assert answer.headers["content-type"] == f'application/linkset+json; profile="{profile}"'
    assert answer.links["api-catalog"]["url"] == "/.well-known/api-catalog"
    [context] = answer.json()["linkset"]
    base = "http://test"
    assert context.pop("anchor") == f"{base}/v1"
    assert {relation: [target["href"] for target in targets] for relation, targets in context.items()} == {
        "service-desc": [f"{base}/v1/openapi.json"],
        "service-doc": [f"{base}/docs", f"{base}/guide", f"{base}/llms.txt"],
        "service-meta": [f"{base}/v1/dataset.jsonld"],
        "status": [f"{base}/readyz"],
    }
    assert ask("/.well-known/api-catalog", If_None_Match=answer.headers["etag"]).status_code == 304
    assert ask("/.well-known/api-catalog", Accept="text/html").status_code == 406
    head = ask("/.well-known/api-catalog", method="HEAD")
    assert (head.status_code, head.content, head.links) == (200, b"", answer.links)


def test_documentation_is_made_of_what_is_served_here() -> None:
    page = ask("/docs", Accept=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [link for link in links if not link.startswith(("/", "data:"))] == []
    assets = [link for link in links if link.startswith("/docs/")]
    assert len(assets) == 4
    for link in assets:
        response = ask(link)
        assert response.status_code == 200
        assert re.match("text/(css|javascript)", response.headers["content-type"])
        assert "max-age" in response.headers["cache-control"]
        assert ask(link, If_None_Match=response.headers["etag"]).status_code == 304
    assert '"/v1/openapi.json"' in ask("/docs/docs.js").text


def test_swagger_ui_knows_openapi_3_1() -> None:
    script = ask("/docs/swagger-ui-bundle.js").text
    assert re.search(r'PACKAGE_VERSION:"5\.', script)


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_problem_has_a_page(code: str) -> None:
    page = ask(f"/problems/{code}", Accept=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none';")
    assert CATALOGUE[ProblemCode(code)].title in page.text
    assert "$" not in page.text
    entry = ask(f"/problems/{code}", Accept="application/json").json()
    assert (entry["type"], entry["code"]) == (f"/problems/{code}", code)
    assert entry in ask("/problems", Accept="application/json").json()["data"]
    assert f'href="/problems/{code}"' in ask("/problems").text


def test_pages_refuse_what_they_are_not() -> None:
    assert ask("/docs", Accept="application/json").status_code == 406
    assert ask("/problems", Accept="text/csv").status_code == 406
    assert ask("/docs/docs.html").status_code == 404
