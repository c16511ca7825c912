"""Citations as text, BibTeX, RIS and CSL-JSON: what programs that manage references make of them."""

import datetime as dt
import json
import re
import warnings
from dataclasses import replace

import httpx
import pytest
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON

from api.citationtexts import CitedData, as_bibtex, as_csl, as_ris, as_text, subject_of
from tests.asking import ask
from tests.contract import NEW_YEAR
from tests.test_citations import EMIRATI, cited

CITED = CitedData(
    key="k3fq7m2xw5ab",
    subject="exchanges: mediator=uae, year=2025",
    url="https://example.org/c/k3fq7m2xw5ab",
    release="2026.11",
    revision=4012,
    written_at=dt.datetime(2026, 11, 24, 23, 30, tzinfo=dt.UTC),
    rows=16,
    sha256="ab" * 32,
)
TITLE = "Prisoner exchanges: claims and their sources [exchanges: mediator=uae, year=2025]"
NASTY = "exchanges: q=50% of {A_B} & \\n#1 $x ^2 ~z @misc{y,\r\nER  - \nTY  - JOUR <b>ОАЭ</b>"
TEX = {"textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~"}


def bibtex_of(text: str) -> tuple[str, str, dict[str, str]]:
    """Read one entry of BibTeX: its type, its key and its fields, as TeX would show them."""
    found = re.fullmatch(r"@(\w+)\{([^,\s]+),\n(.*)\}\n", text, re.DOTALL)
    assert found, text
    fields = {}
    for line in found[3].splitlines():
        field = re.fullmatch(r"  (\w+) = \{(.*)\},", line)
        assert field, line
        depth = 0
        for step in re.sub(r"\\[{}]", "", field[2]):
            depth += {"{": 1, "}": -1}.get(step, 0)
            assert depth >= 0, line
        assert depth == 0, line
        shown = re.sub(r"\\(text\w+)\{\}|\\([{}#$%&_])", lambda m: TEX.get(m[1] or "", m[2] or ""), field[2])
        fields[field[1]] = shown[1:-1] if field[2].startswith("{") else shown
    return found[1], found[2], fields


def ris_of(text: str) -> list[tuple[str, str]]:
    lines = text.split("\r\n")
    assert lines.pop() == ""
    assert not any("\n" in line or "\r" in line for line in lines)
    tags = [re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line) for line in lines]
    assert all(tags), text
    return [(tag[1], tag[2]) for tag in tags if tag]


def bibliography_of(item: str) -> str:
    """Give what a style makes of CSL-JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = CiteProcJSON([json.loads(item)])
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, source, formatter.plain)
    bibliography.register(Citation([CitationItem(json.loads(item)["id"])]))
    [entry] = bibliography.bibliography()
    return str(entry)


def test_the_text_is_one_line() -> None:
    assert as_text(CITED) == (
        f"Curators of the prisoner-exchange dataset (2026). {TITLE}. Data set, release 2026.11, dataset "
        "revision 4012, 24 November 2026, 16 records. CC BY 4.0. https://example.org/c/k3fq7m2xw5ab"
    )
    assert "\n" not in as_text(replace(CITED, subject=NASTY))
    one = as_text(replace(CITED, release=None, rows=1))
    assert "Data set, dataset revision 4012, 24 November 2026, 1 record. " in one


def test_bibtex_reads_back() -> None:
    kind, key, fields = bibtex_of(as_bibtex(CITED))
    assert (kind, key) == ("dataset", "k3fq7m2xw5ab")
    assert (fields["title"], fields["url"]) == (TITLE, CITED.url)
    assert (fields["year"], fields["urldate"]) == ("2026", "2026-11-24")
    assert fields["version"] == "release 2026.11, dataset revision 4012"
    assert CITED.sha256 in fields["note"]
    assert "CC BY 4.0" in fields["note"]


def test_ris_reads_back() -> None:
    tags = ris_of(as_ris(CITED))
    assert (tags[0], tags[-1]) == (("TY", "DATA"), ("ER", ""))
    told = dict(tags)
    assert len(told) == len(tags)
    assert (told["TI"], told["UR"], told["PY"]) == (TITLE, CITED.url, "2026")
    assert (told["DA"], told["Y2"]) == ("2026/11/24", "2026/11/24")
    assert told["ET"] == "release 2026.11, dataset revision 4012"


def test_csl_is_what_a_style_understands() -> None:
    item = json.loads(as_csl(CITED))
    assert (item["id"], item["type"], item["URL"]) == (CITED.key, "dataset", CITED.url)
    assert item["issued"] == item["accessed"] == {"date-parts": [[2026, 11, 24]]}
    entry = bibliography_of(as_csl(CITED))
    assert "Curators of the prisoner-exchange dataset" in entry
    assert "2026" in entry
    assert "mediator=uae" in entry
    assert CITED.url in entry


@pytest.mark.parametrize("subject", [NASTY, "q=}", "q={", "q=\\", "q=\\\\}", "q=%"])
def test_no_query_breaks_out_of_its_field(subject: str) -> None:
    nasty = replace(CITED, subject=subject)
    plain = " ".join(nasty.title.split())
    _, _, fields = bibtex_of(as_bibtex(nasty))
    assert fields["title"] == plain
    tags = ris_of(as_ris(nasty))
    assert [tag for tag, _ in tags] == [tag for tag, _ in ris_of(as_ris(CITED))]
    assert dict(tags)["TI"] == plain
    assert json.loads(as_csl(nasty))["title"] == plain
    assert plain in as_text(nasty)


def test_days_are_those_of_utc() -> None:
    there = dt.timezone(dt.timedelta(hours=3))
    assert replace(CITED, written_at=CITED.written_at.astimezone(there)).on == dt.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("query", "subject"),
    [
        ({}, "all claims"),
        (
            {"mediator": ["uae", "turkey"], "year": ["2025"]},
            "claims: mediator=uae, mediator=turkey, year=2025",
        ),
    ],
)
def test_the_subject_tells_the_query(query: dict[str, list[str]], subject: str) -> None:
    assert subject_of("claims", query) == subject


@pytest.mark.anyio
async def test_accept_asks_for_one_text(own_client: httpx.AsyncClient) -> None:
    citation = await cited(own_client, EMIRATI)
    own = (await ask(own_client, f"/v1/exchanges/{NEW_YEAR}/citation")).json()
    for told, path in ((citation, citation["links"]["self"]), (own, f"/v1/exchanges/{NEW_YEAR}/citation")):
        tags = set()
        for accept, field, shown in (
            ("application/x-bibtex", "bibtex", "application/x-bibtex"),
            ("application/x-research-info-systems", "ris", "application/x-research-info-systems"),
            (
                "application/vnd.citationstyles.csl+json, */*;q=0.1",
                "csl_json",
                "application/vnd.citationstyles.csl+json",
            ),
            ("text/plain", "text", "text/plain; charset=utf-8"),
        ):
            response = await ask(own_client, path, Accept=accept)
            assert response.headers["content-type"] == shown
            assert response.content.decode() == told[field]
            assert "Accept" in response.headers["vary"]
            tags.add(response.headers["etag"])
        assert len(tags) == 4
        for accept in ("image/png", "application/json;q=0, text/csv"):
            assert (await ask(own_client, path, Accept=accept)).status_code == 406
        assert told["url"] in bibliography_of(told["csl_json"])
        kind, _, fields = bibtex_of(told["bibtex"])
        assert (kind, fields["url"]) == ("dataset", told["url"])
        assert dict(ris_of(told["ris"]))["UR"] == told["url"]


@pytest.mark.anyio
async def test_what_is_cited_is_named(own_client: httpx.AsyncClient) -> None:
    one = await cited(own_client, f"/v1/claims/{NEW_YEAR}:c1")
    assert f"[claim {NEW_YEAR}:c1]" in one["text"]
    assert "1 record." in one["text"]
    assert "[all coverage]" in (await cited(own_client, "/v1/coverage"))["text"]
    own = (await ask(own_client, f"/v1/exchanges/{NEW_YEAR}/citation")).json()
    assert f"[exchange {NEW_YEAR}, revision 1]" in own["text"]
