"""One table of all filters of all lists: what each finds, told by `tests/oracle.py` from the curated files.

A row is a filter with values to ask for and what it means for a record that one value holds. Its sisters mean
all, and none, of the values. A filter without a row fails `test_every_filter_has_a_row`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import httpx
import pytest

from api.exports import EXPORTS
from api.params import Sister
from api.routes.articles import CITING as CITING_EXCHANGES
from tests import oracle
from tests.asking import found
from tests.oracle import Record, any_figure, brokering, counted, counted_claims, word

pytestmark = pytest.mark.anyio

Holds = Callable[[Record, str], bool]
NEW_YEAR = "2024-12-30-russia-ukraine"
CITED = "novosti-mira-624af9"  # the article that most exchanges cite


@dataclass(frozen=True)
class Row:
    """What one value of a filter means. `why`: the reason why a value finds nothing, or everything."""

    values: tuple[str, ...]
    holds: Holds
    sisters: tuple[Sister, ...] = (Sister.ANY,)
    why: str = ""

    def expected(self, record: Record, sister: Sister, values: tuple[str, ...]) -> bool:
        held = [self.holds(record, value) for value in values]
        return all(held) if sister is Sister.ALL else any(held) is (sister is Sister.ANY)


def one(*values: object, holds: Holds, why: str = "") -> Row:
    """A filter that takes one value."""
    return Row(tuple(map(str, values)), holds, why=why)


def of_one(*values: object, holds: Holds, why: str = "") -> Row:
    """A filter by something that a record has one of: it has no sister `_all`."""
    return Row(tuple(map(str, values)), holds, (Sister.ANY, Sister.NOT), why)


def many(*values: object, holds: Holds, why: str = "") -> Row:
    """A filter by something that a record may have several of."""
    return Row(tuple(map(str, values)), holds, (Sister.ANY, Sister.ALL, Sister.NOT), why)


def is_(field: str) -> Holds:
    return lambda record, value: str(word(record[field])) == value


def least(field: str) -> Holds:
    return lambda record, value: record[field] is not None and record[field] >= type(record[field])(value)


def most(field: str) -> Holds:
    return lambda record, value: record[field] is not None and record[field] <= type(record[field])(value)


def flag(holds: Callable[[Record], bool]) -> Row:
    return one("true", "false", holds=lambda record, value: holds(record) is (value == "true"))


def of_claim(field: str, *, all_claims: bool = False) -> Holds:
    """An exchange has a claim with this value; one that counts, if not all are meant."""
    return lambda e, value: any(
        word(claim[field]) == value for claim in e["claims"] if all_claims or counted(claim)
    )


def of_mediation(field: str) -> Holds:
    return lambda record, value: any(word(mediation[field]) == value for mediation in brokering(record))


def in_role(e: Record, role: str) -> bool:
    return any(m["stance"] == "asserts" and m["role"] == role for m in e["mediations"])


def with_stance(e: Record, stance: str) -> bool:
    return any(m["role"] in oracle.MEDIATING and m["stance"] == stance for m in e["mediations"])


def at_least(e: Record, value: str) -> bool:
    persons = oracle.persons(e)
    return persons is not None and persons >= int(value)


def at_most(e: Record, value: str) -> bool:
    persons = oracle.persons(e)
    return persons is not None and persons <= int(value)


def sources(article: tuple[str, ...], publisher: tuple[str, ...], agency: tuple[str, ...]) -> dict[str, Row]:
    return {
        "article": many(*article, holds=lambda record, value: value in record["citations"]),
        "publisher": many(*publisher, holds=lambda record, value: value in oracle.publishers(record)),
        "agency": many(*agency, holds=lambda record, value: value in oracle.agencies(record)),
    }


def asks_exchange(e: Record, text: str) -> bool:
    own, actors_ = oracle.words_of_exchange(e), oracle.actors_of_exchange(e)
    uae, bodies = "uae" in own or "uae" in actors_, "bodies" in own
    return {"UAE": uae, "Bodies": bodies, "bodies, ОАЭ": uae and bodies}[text]


EXCHANGES = {
    "mediator": many("uae", "united-states", "none", holds=lambda e, v: v in oracle.mediators(e)),
    "mediator_role": many("host", "transit", "mediator", holds=in_role),
    "mediator_claimant": many("ukraine", "russia", "none", holds=of_mediation("claimant")),
    "stance": many("denies", "asserts", holds=with_stance),
    "party": many("russia", "ukraine", "dpr", holds=lambda e, v: v in e["parties"]),
    "released_by": many("russia", "ukraine", "lpr", holds=of_claim("released_by")),
    "received_by": many("ukraine", "dpr", "russia", holds=of_claim("received_by")),
    "claimant": many("uae", "ukraine", "none", holds=of_claim("claimant")),
    "category": many("wounded", "military", "total", holds=of_claim("category")),
    "rank": many("deprecated", "normal", holds=of_claim("rank", all_claims=True)),
    "covers": many("fragment", "subset", holds=of_claim("covers", all_claims=True)),
    "kind": of_one("prisoner_exchange", "remains", holds=is_("kind")),
    "status": of_one("completed", "cancelled", holds=is_("status"), why="all are completed"),
    "agreement": of_one("istanbul-2025-06-02", "istanbul-2025-05-16", "none", holds=is_("agreement")),
    **sources(("al-jazeera-2024-12-30", "menafn-2024-12-30"), ("tass", "babel"), ("reuters", "ap", "none")),
    "date_from": one("2024-06-25", holds=least("date")),
    "date_to": one("2024-06-25", holds=most("date")),
    "year": of_one(2024, 2014, holds=lambda e, year: e["date"].startswith(year)),
    "min_persons": one(300, 339, holds=at_least),
    "max_persons": one(300, 2, holds=at_most),
    "disputed": flag(lambda e: any_figure(e, "disputed")),
    "disputed_by_parties": flag(lambda e: any_figure(e, "disputed_by_parties")),
    "attestation": many("both_parties", "receiver_only", holds=lambda e, v: any_figure(e, "attestation", v)),
    "has_figures": flag(lambda e: bool(oracle.figures_of()[e["id"]])),
    "min_sources": one(5, holds=lambda e, v: len(oracle.sources(e["citations"])) >= int(v)),
    "has_overlaps": flag(lambda e: bool(e["overlaps"])),
    "q": one("UAE", "Bodies", "bodies, ОАЭ", holds=asks_exchange),
}


def lifted(row: Row) -> Row:
    """What a filter of exchanges means for a part of one."""
    return replace(row, holds=lambda part, value: row.holds(part["of"], value))


OF_EXCHANGE = {name: lifted(row) for name, row in EXCHANGES.items()}
IN_EXCHANGES = of_one(NEW_YEAR, "2025-04-19-russia-ukraine", holds=lambda part, v: part["of"]["id"] == v)


def of_figure(field: str, *, all_claims: bool = False) -> Holds:
    """The exchange has such a claim in the direction of the figure."""
    return lambda f, value: any(
        word(claim[field]) == value
        for claim in (f["of"]["claims"] if all_claims else counted_claims(f["of"]))
        if oracle.of_direction(claim, f)
    )


FIGURES = {
    **{name: row for name, row in OF_EXCHANGE.items() if name != "has_figures"},
    "exchange": IN_EXCHANGES,
    "released_by": of_one("russia", "lpr", holds=is_("released_by")),
    "received_by": of_one("ukraine", "dpr", holds=is_("received_by")),
    "measure": of_one("persons", "child", holds=is_("measure")),
    "min_best": one(100, holds=least("best")),
    "max_best": one(100, holds=most("best")),
    "disputed": flag(lambda f: f["disputed"]),
    "disputed_by_parties": flag(lambda f: f["disputed_by_parties"]),
    "attestation": of_one("third_party", "press_only", holds=is_("attestation")),
    "min_sources": one(3, holds=least("sources")),
    "max_sources": one(1, holds=most("sources")),
    "claimant": many("uae", "ukraine", "none", holds=of_figure("claimant")),
    "category": many("wounded", "military", holds=of_figure("category")),
    "rank": many(
        "deprecated", "normal", holds=of_figure("rank", all_claims=True), why="all have a normal claim"
    ),
    "covers": many("fragment", "all", "subset", holds=of_figure("covers", all_claims=True)),
    **sources(("al-jazeera-2024-12-30", "menafn-2024-12-30"), ("tass", "babel"), ("reuters", "none")),
}
CLAIMS = {
    **OF_EXCHANGE,
    "has_figures": replace(OF_EXCHANGE["has_figures"], why="where there are claims, there are figures"),
    "exchange": IN_EXCHANGES,
    "direction": of_one(
        "russia.ukraine", "Kyiv.lpr", holds=lambda c, v: v.replace("Kyiv", "ukraine") == _direction(c)
    ),
    "released_by": many("russia", "lpr", holds=is_("released_by")),
    "received_by": many("ukraine", "dpr", holds=is_("received_by")),
    "claimant": many("uae", "none", holds=is_("claimant")),
    "category": many("wounded", "total", holds=is_("category")),
    "rank": many("deprecated", "normal", holds=is_("rank")),
    "covers": many("fragment", "subset", holds=is_("covers")),
    "min_count": one(300, holds=least("count")),
    "max_count": one(300, holds=most("count")),
    "qualifier": of_one("at_most", "approximately", holds=is_("qualifier")),
    "counts": flag(counted),
    **sources(("al-jazeera-2024-12-30", "menafn-2024-12-30"), ("tass", "babel"), ("reuters", "none")),
}


def _direction(claim: Record) -> str:
    return f"{claim['released_by']}.{claim['received_by']}"


def mediates(m: Record, value: str) -> bool:
    return m["actor"] == value and m["stance"] == "asserts" and m["role"] in oracle.MEDIATING


MEDIATIONS = {
    **OF_EXCHANGE,
    "exchange": IN_EXCHANGES,
    "mediator": many("uae", "saudi-arabia", holds=mediates),
    "mediator_role": many("host", "transit", holds=is_("role")),
    "mediator_claimant": many("ukraine", "none", holds=is_("claimant")),
    "stance": many("denies", "asserts", holds=is_("stance")),
    **sources(("al-jazeera-2024-12-30", "menafn-2024-12-30"), ("tass", "babel"), ("reuters", "none")),
}


def is_page(article: Record, value: str) -> bool:
    return article["id"] == value.rpartition("/")[2].rpartition("#")[2]


def asks_article(article: Record, text: str) -> bool:
    named = "reuters" in {article["publisher"], article["agency"]}
    asked = {"prisoner swap": {"prisoner", "swap"}, "Reuters": {"reuters"}}[text]
    return asked <= oracle.words(article["title"]) or (named and text == "Reuters")


ARTICLE = oracle.by_id("articles")["al-jazeera-2024-12-30"]
ARTICLES = {
    "url": of_one(
        ARTICLE["url"],
        ARTICLE["url"].replace("https://www.", "http://") + "&utm_source=x#top",
        holds=lambda article, _: article is ARTICLE,
    ),
    "publisher": of_one("tass", "babel", holds=is_("publisher")),
    "agency": of_one("reuters", "none", holds=is_("agency")),
    "language": of_one("uk", "de", holds=is_("language")),
    "link_status": of_one(
        "unchecked", "dead", holds=lambda _, v: v == "unchecked", why="no link was checked yet"
    ),
    "date_from": one("2024-06-25", holds=least("published_on")),
    "date_to": one("2024-06-25", holds=most("published_on")),
    "q": one("prisoner swap", "Reuters", holds=asks_article),
}
PUBLISHERS = {
    "is_agency": flag(lambda publisher: publisher["is_agency"]),
    "q": one("Pravda", holds=lambda publisher, v: oracle.words(v) <= oracle.names(publisher)),
}
ACTORS = {
    "kind": of_one("state", "armed_group", holds=is_("kind")),
    "q": one("Church", "Катар", holds=lambda actor, v: oracle.words(v) <= oracle.names(actor)),
}
AGREEMENTS = {
    "party": many("ukraine", "uae", holds=lambda a, v: v in a["parties"], why="all have the same parties"),
    "mediator": many(
        "uae", "turkey", "none", holds=lambda a, v: v in oracle.mediators(a), why="none lacks a mediator"
    ),
    "status": of_one("fulfilled", "unclear", holds=is_("status")),
    "date_from": one("2025-07-23", holds=least("date")),
    "date_to": one("2025-07-23", holds=most("date")),
    **sources(("liga-net-2025-05-16", "unn-2025-05-16"), ("trt-world", "tass"), ("tass", "wam")),
    "q": one("Istanbul", holds=lambda a, v: oracle.words(v) <= _words_of_agreement(a)),
}


def _words_of_agreement(agreement: Record) -> set[str]:
    return oracle.words(
        agreement["title"], agreement["place"], *(term["note"] for term in agreement["terms"])
    )


TOTALS = {
    "claimant": of_one("uae", "none", holds=is_("claimant")),
    "party": many("russia", "uae", holds=lambda t, v: v in t["parties"], why="all have the same parties"),
    "mediator": of_one("uae", "none", holds=is_("mediator")),
    "released_by": of_one("russia", "none", holds=is_("released_by")),
    "received_by": of_one("ukraine", "none", holds=is_("received_by")),
    "agreement": of_one("istanbul-2025-06-02", "none", holds=is_("agreement")),
    "measure": of_one("persons", "exchanges", holds=is_("measure")),
    "category": of_one("child", "remains", holds=is_("category")),
    "qualifier": of_one("exact", "at_least", holds=is_("qualifier")),
    "year": of_one(2024, 2022, holds=is_("year")),
    "min_value": one(1000, holds=least("value")),
    "max_value": one(1000, holds=most("value")),
    "date_from": one("2024-06-25", holds=least("as_of")),
    "date_to": one("2024-06-25", holds=most("as_of")),
    **sources(("babel-2022-11-03", "the-kyiv-independent-2022-11-03"), ("tass", "wam"), ("tass", "none")),
}
COVERAGE = {
    "scope": of_one("remains", "prisoner_exchange", holds=is_("scope")),
    "status": of_one("suspected_missing", "reconciled", holds=is_("status")),
    "date_from": one("2022-01-01", holds=least("date_to")),
    "date_to": one("2022-01-01", holds=most("date_from")),
}
CITING = f"/v1/articles/{CITED}/exchanges"
TABLE: Mapping[str, Mapping[str, Row]] = {
    "/v1/exchanges": EXCHANGES,
    "/v1/figures": FIGURES,
    "/v1/claims": CLAIMS,
    "/v1/mediations": MEDIATIONS,
    "/v1/articles": ARTICLES,
    CITING: {
        name: replace(row, why="few exchanges cite one article")
        for name, row in EXCHANGES.items()
        if name != "article"
    },
    "/v1/publishers": PUBLISHERS,
    "/v1/actors": ACTORS,
    "/v1/agreements": AGREEMENTS,
    "/v1/totals": TOTALS,
    "/v1/coverage": COVERAGE,
}
LISTINGS = {
    **{each.path: each.listing for each in EXPORTS.values() if each.listing and each.stored},
    CITING: CITING_EXCHANGES,
}


def listed(path: str) -> list[Record]:
    """Give everything that a list holds."""
    if path == CITING:
        return [e for e in oracle.records("exchanges") if CITED in e["citations"]]
    name = path.removeprefix("/v1/")
    if name == "figures":
        return oracle.figures()
    return oracle.parts(name) if name in {"claims", "mediations"} else oracle.records(name)


def cases() -> list[tuple[str, str, Sister]]:
    return [
        (p, name, sister) for p, rows in TABLE.items() for name, row in rows.items() for sister in row.sisters
    ]


def test_every_filter_has_a_row() -> None:
    for path, listing in LISTINGS.items():
        assert {name + sister for p, name, sister in cases() if p == path} == set(listing.filter_spellings)


@pytest.mark.parametrize(
    ("path", "name", "sister"), [pytest.param(*case, id="{}?{}{}".format(*case)) for case in cases()]
)
async def test_filter(client: httpx.AsyncClient, path: str, name: str, sister: Sister) -> None:
    row, records = TABLE[path][name], listed(path)
    asked = {(value,) for value in row.values}
    if len(row.sisters) > 1:
        asked |= {row.values[:2], row.values}
    telling = []
    for values in sorted(asked):
        expected = {record["id"] for record in records if row.expected(record, sister, values)}
        assert await found(client, path, {name + sister: list(values)}) == expected, values
        telling.append(0 < len(expected) < len(records))
    single = [ok for values, ok in zip(sorted(asked), telling, strict=True) if len(values) == 1]
    assert row.why or all(single), "a value that finds nothing, or everything, needs a reason"


def test_the_table_asks_for_what_can_be_told_apart() -> None:
    """Every list has filters whose `_all` of two values finds something, where a thing has several."""
    for path, name in (("/v1/exchanges", n) for n, row in EXCHANGES.items() if Sister.ALL in row.sisters):
        row = EXCHANGES[name]
        hits = [e for e in listed(path) if row.expected(e, Sister.ALL, row.values[:2])]
        assert hits, name
