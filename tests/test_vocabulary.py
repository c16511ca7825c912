"""How spellings meet: folded names and URLs, the names of the shipped dataset, and what `q` asks for."""

import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from db.folding import MAX_WORD, fold, tokens, url_key
from db.session import write_engine
from db.vocabulary import Merges, Names, Vocabulary, read_vocabulary

BASE = "example.org/news/1"


@pytest.mark.parametrize(
    ("spelling", "folded"),
    [
        ("United Arab Emirates", "united arab emirates"),
        ("  UNITED\tArab \n emirates ", "united arab emirates"),
        ("U.A.E.", "uae"),
        ("U. A. E.", "u a e"),
        ("Emiratos Árabes Unidos", "emiratos arabes unidos"),
        ("Türkiye", "turkiye"),
        ("Tu\u0308rkiye", "turkiye"),
        ("TÜRKİYE", "turkiye"),
        ("TÜRKIYE", "turkiye"),
        ("türkıye", "turkiye"),
        ("İstanbul", "istanbul"),
        ("ISTANBUL", "istanbul"),
        ("ıstanbul", "istanbul"),
        ("Kızılay", "kizilay"),
        ("KIZILAY", "kizilay"),
        ("Łódź", "lodz"),
        ("Lødingen", "lodingen"),
        ("Đakovo", "dakovo"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("ОАЭ", "оаэ"),
        ("оаэ", "оаэ"),
        ("Объединённые Арабские Эмираты", "объединенные арабские эмираты"),
        ("Об'єднані", "обєднані"),
        ("Об’єднані", "обєднані"),
        ("Обʼєднані", "обєднані"),
        ("Україна", "украіна"),
        ("Йорданія", "иорданія"),
        ("الإمارات", "الامارات"),
        ("الإِمَارَات", "الامارات"),
        ("ΑΘΉΝΑΣ", "αθηνασ"),
        ("ﬁnland", "finland"),
        ("ＵＡＥ", "uae"),
        ("U\u200dA\u00adE\ufeff", "uae"),
        ("\u2067الإمارات\u2069\u200f", "الامارات"),
        ("Al-Jazeera", "al jazeera"),
        ("a_b", "a b"),
        ("UOC-MP (Kyiv)", "uoc mp kyiv"),
        ("106.3 WORD", "1063 word"),
        ("& | ! : * ( ) ' \\", ""),
        ("", ""),
    ],
)
def test_folding(spelling: str, folded: str) -> None:
    assert fold(spelling) == folded


def test_scripts_stay_apart() -> None:
    assert len({fold(name) for name in ("OAE", "ОАЕ", "ОАЭ")}) == 3


@given(st.text())
def test_folding_again_changes_nothing_and_leaves_nothing_but_words(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert all(word.isalnum() or not word.isascii() for word in folded.split(" ") if word)
    assert not set(folded) & set("'\\&|!:*()<>\x00\t\n")


@given(st.text(alphabet=string.ascii_letters + "éüñ -'.", max_size=30))
def test_case_makes_no_difference(text: str) -> None:
    assert fold(text.upper()) == fold(text.lower()) == fold(text)


@given(st.text())
def test_words_are_cut_and_keep_their_order(text: str) -> None:
    assert tokens(text) == [word[:MAX_WORD] for word in fold(text).split()]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/news/1",
        "http://example.org/news/1",
        "HTTPS://EXAMPLE.org/news/1",
        "https://www.example.org/news/1",
        "https://WWW.example.org/news/1",
        "https://example.org/news/1/",
        "https://example.org/news/1#part",
        "https://example.org/news/1?",
        "https://example.org:443/news/1",
        "http://example.org:80/news/1",
        "https://www.example.org:443/news/1/",
        "https://example.org/news/%31",
        "https://example.org/news/1?utm_source=a&utm_medium=b&utm_campaign=c",
        "https://example.org/news/1?utm_term=a&utm_content=b&utm_id=c",
        "https://example.org/news/1?fbclid=a&gclid=b#part",
    ],
)
def test_one_page_is_one_url(url: str) -> None:
    assert url_key(url) == BASE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a?x=1&y=2", "http://example.org/a?y=2&x=1"),
        ("https://example.org/a?x=1", "https://example.org/a/?utm_source=z&x=1"),
        ("https://example.org/%d0%b0", "https://example.org/%D0%B0"),
        ("https://example.org/%D0%B0", "https://example.org/а"),
        ("https://example.org/~x", "https://example.org/%7Ex"),
        ("https://example.org/a?q=b%20c", "https://example.org/a?q=b+c"),
        ("https://example.org", "https://example.org/"),
        ("https://приклад.укр/a", "https://xn--80aikifvh.xn--j1amh/a"),
    ],
)
def test_these_are_the_same_page(one: str, other: str) -> None:
    assert url_key(one) == url_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/news/1", "https://example.org/news/2"),
        ("https://example.org/News/1", "https://example.org/news/1"),
        ("https://example.org/news/1", "https://example.com/news/1"),
        ("https://example.org/news/1", "https://m.example.org/news/1"),
        ("https://example.org/news/1", "https://example.org:8080/news/1"),
        ("https://example.org/a?id=1", "https://example.org/a?id=2"),
        ("https://example.org/a?id=1", "https://example.org/a"),
        ("https://example.org/a?id=1&id=2", "https://example.org/a?id=1"),
        ("https://example.org/a?id=1&id=2", "https://example.org/a?id=1&id=3"),
        ("https://example.org/a?ref=utm_source", "https://example.org/a"),
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
    ],
)
def test_these_are_different_pages(one: str, other: str) -> None:
    assert url_key(one) != url_key(other)


@pytest.fixture(scope="module")
async def vocabulary(read_only_url: str) -> Vocabulary:
    engine = write_engine(read_only_url)
    async with engine.connect() as connection:
        assert isinstance(connection, AsyncConnection)
        found = await read_vocabulary(connection)
    await engine.dispose()
    return found


SPELLINGS = {
    "uae": [
        *("uae", "UAE", "U.A.E.", "u.a.e", "ARE", "are", "AE", "ОАЭ", "оаэ", "ОАЕ", "Abu  Dhabi", " uae "),
        *("united arab emirates", "UNITED-ARAB-EMIRATES", "emiratos arabes unidos", "الإمارات", "الامارات"),
        *("Об’єднані Арабські Емірати", "Объединенные арабские эмираты"),
    ],
    "turkey": ["Türkiye", "TURKIYE", "TÜRKİYE", "türkıye", "Turkey", "tr", "TUR", "تركيا"],
    "united-states": ["US", "U.S.", "usa", "U.S.A.", "США", "United  States of America", "united-states"],
    "ukraine": ["Україна", "украина", "UA", "Kyiv", "KIEV"],
    "vatican": ["Holy See", "the vatican", "VA"],
    "ukrainian-orthodox-church-mp": ["ukrainian-orthodox-church-mp", "УПЦ МП"],
    "dpr-lpr": ["donbas separatists"],
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("spelling", "actor"), [(name, actor) for actor, names in SPELLINGS.items() for name in names]
)
async def test_actors_are_found_by_any_name(vocabulary: Vocabulary, spelling: str, actor: str) -> None:
    assert vocabulary.actors.resolve(spelling) == actor


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["", " ", "none", "Atlantis", "uae,qatar", "u%", "u_e", "emirate", "OAE"])
async def test_what_names_nobody_is_not_guessed(vocabulary: Vocabulary, name: str) -> None:
    assert vocabulary.actors.resolve(name) is None


@pytest.mark.anyio
async def test_publishers_and_agreements_are_found_too(vocabulary: Vocabulary) -> None:
    publishers, agreements = vocabulary.publishers, vocabulary.agreements
    assert {publishers.resolve(name) for name in ("Reuters", "REUTERS", "reuters")} == {"reuters"}
    assert {publishers.resolve(name) for name in ("ТАСС", "tass", "TASS")} == {"tass"}
    assert agreements.resolve("istanbul-2025-06-02") == "istanbul-2025-06-02"
    assert agreements.resolve("Istanbul 2025 06 02") == "istanbul-2025-06-02"
    assert agreements.resolve("istanbul") is None
    assert vocabulary.actors.resolve("reuters") is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("Rusia", "russia"), ("UEA", "uae"), ("Ukrane", "ukraine"), ("Trukey", "turkey"), ("Катарр", "qatar")],
)
async def test_near_names_are_offered(vocabulary: Vocabulary, misspelt: str, meant: str) -> None:
    near = vocabulary.actors.near(misspelt)
    assert meant in near
    assert len(near) == len(set(near)) <= 3


@pytest.mark.anyio
async def test_nothing_is_offered_for_what_is_near_to_nothing(vocabulary: Vocabulary) -> None:
    assert vocabulary.actors.near("zzzzzzzz") == ()


@pytest.mark.anyio
async def test_coalitions_are_known_by_their_members(vocabulary: Vocabulary) -> None:
    assert vocabulary.coalitions["dpr"] == ("dpr-lpr",)
    assert vocabulary.coalitions["germany"] == ("western-states",)
    assert "russia" not in vocabulary.coalitions


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("uae", (("'uae'", "'actor:uae'"),)),
        ("ОАЭ", (("'оаэ'", "'actor:uae'"),)),
        (
            "United Arab Emirates border",
            (("'united' & 'arab' & 'emirates'", "'actor:uae'"), ("'border'",)),
        ),
        ("border U.A.E.", (("'border'",), ("'uae'", "'actor:uae'"))),
        ("united nations", (("'united'",), ("'nations'",))),
        ("Reuters", (("'reuters'", "'publisher:reuters'"),)),
        ("it's", (("'its'",),)),
        ("a & !b | (c:*)", (("'a'",), ("'b'",), ("'c'",))),
        ("'; DROP TABLE x --", (("'drop'",), ("'table'",), ("'x'",))),
        ("& | !", ()),
        ("", ()),
    ],
)  # fmt: skip
async def test_search_terms(vocabulary: Vocabulary, text: str, terms: tuple[tuple[str, ...], ...]) -> None:
    assert vocabulary.search_terms(text) == terms


@pytest.mark.anyio
async def test_a_name_of_an_actor_and_a_publisher_searches_for_both() -> None:
    def names(id_: str) -> Names:
        return Names({"herald": id_})

    both = Vocabulary(
        revision=1,
        epoch=uuid.UUID(int=1),
        cursor_secret=b"",
        actors=names("herald-group"),
        publishers=names("herald-paper"),
        agreements=Names({}),
        coalitions={},
        merges=Merges({}),
    )
    assert both.search_terms("HERALD") == (("'herald'", "'actor:herald-group'", "'publisher:herald-paper'"),)
