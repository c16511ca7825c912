"""From names as a client spells them to ids: what the values of a query's parameters stand for.

Values that name nothing are refused with near names; which parameters there are is `api/filters.py`'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from sqlalchemy.ext.asyncio import AsyncConnection

from api.errors import ProblemItem
from api.filterkinds import ClauseOf, Search
from api.params import NONE, Param, Schema, Value, Values, problem
from api.schemas import Note
from db.enums import Resource
from db.fields import HOLDS_KEY
from db.folding import url_key
from db.queries.lookups import near_ids, unknown_ids
from db.tokens import holds_token
from db.vocabulary import Merges, Names, Vocabulary

COALITION = "coalition"  # the code of a note
LOOKED_UP = {"article": Resource.ARTICLE, "exchange": Resource.EXCHANGE}
RESOURCE_OF = {
    **LOOKED_UP,
    "actor": Resource.ACTOR,
    "publisher": Resource.PUBLISHER,
    "agreement": Resource.AGREEMENT,
}


async def resolve(
    connection: AsyncConnection, schema: Schema, values: Values, vocabulary: Vocabulary
) -> tuple[dict[str, tuple[Value, ...]], list[ProblemItem]]:
    """Give the values with ids in place of names, and what could not be resolved."""
    errors: list[ProblemItem] = []
    resolved: dict[str, tuple[Value, ...]] = {}
    for name, given in values.items():
        param, _ = schema.spellings[name]
        if param.named in LOOKED_UP:
            resource, ids = LOOKED_UP[param.named], [str(each) for each in given]
            errors += await _unknown(connection, name, resource, ids)
            resolved[name] = tuple(dict.fromkeys(vocabulary.merges.now(resource, id_) for id_ in ids))
        else:
            found = [_resolved(param, name, each, vocabulary, errors) for each in given]
            resolved[name] = tuple(dict.fromkeys(found))
    return resolved, errors


def with_merged(param: Param, clause: ClauseOf, merges: Merges, until: int) -> ClauseOf:
    """Let a clause on ids hold for every id too that was merged into one of them up to a dataset revision.

    A state from before a merge has the old id still.
    """
    if param.named == "direction":

        def once(value: Value) -> Iterable[Value]:
            ends = [merges.once(Resource.ACTOR, end, until) for end in str(value).split(".")]
            return (".".join(pair) for pair in product(*ends))
    elif param.named in RESOURCE_OF:

        def once(value: Value) -> Iterable[Value]:
            return merges.once(RESOURCE_OF[str(param.named)], str(value), until)
    else:
        return clause
    return lambda values: clause([old for value in values for old in once(value)])


def coalition_notes(schema: Schema, values: Values, vocabulary: Vocabulary) -> Iterable[Note]:
    """Tell where a query by a member of a coalition leaves out records that name the coalition."""
    for name, member, coalition in coalitions_left_out(schema, values, vocabulary):
        of_its_own = f"{coalition} is an actor of its own, which {name}={member} does not ask for."
        yield Note(code=COALITION, text=f"{member} is a member of {coalition}; {of_its_own}")


def coalitions_left_out(
    schema: Schema, values: Values, vocabulary: Vocabulary
) -> Iterable[tuple[str, str, str]]:
    """Give the parameter, the member that it names, and a coalition of this one that it does not name."""
    for name, given in values.items():
        param, _ = schema.spellings[name]
        if param.named == "actor":
            for member in map(str, given):
                coalitions = vocabulary.coalitions.get(member, ())
                yield from ((name, member, each) for each in coalitions if each not in given)


def _resolved(
    param: Param, name: str, given: Value, vocabulary: Vocabulary, errors: list[ProblemItem]
) -> Value:
    if param.named is None or (param.none and given == NONE):
        return given
    text = str(given)
    names: Mapping[str, Names] = {
        "actor": vocabulary.actors,
        "publisher": vocabulary.publishers,
        "agreement": vocabulary.agreements,
    }
    if param.named in names:
        return _named(param, name, text, names[param.named], errors)
    if param.named == "direction":
        ends = text.split(".")
        if len(ends) != 2:
            errors.append(problem(name, "invalid_value", "must be two actors with a full stop between"))
            return text
        return ".".join(_named(param, name, end, vocabulary.actors, errors) for end in ends)
    if holds_token(text):  # free text is told back in answers, and stays in caches and citations
        errors.append(problem(name, "holds_key", HOLDS_KEY))
        return text
    url = param.named == "url"
    return _page(name, text, errors) if url else _search(name, text, vocabulary, errors)


def _page(name: str, text: str, errors: list[ProblemItem]) -> str:
    try:
        key = url_key(text if "://" in text else f"https://{text}")
    except ValueError:
        key = ""
    if "." not in key.partition("/")[0]:
        errors.append(problem(name, "invalid_value", "must be the address of a page"))
    return key


def _named(param: Param, name: str, text: str, names: Names, errors: list[ProblemItem]) -> str:
    found = names.resolve(text)
    if found is not None:
        return found
    kind = "actor" if param.named == "direction" else param.named
    message = f"there is no {kind} {text!r}"
    if "," in text:
        message += "; a comma does not separate values: repeat the parameter for each"
    none = [NONE] if param.none else []
    errors.append(problem(name, f"unknown_{kind}", message, allowed=none, suggestions=names.near(text)))
    return text


def _search(name: str, text: str, vocabulary: Vocabulary, errors: list[ProblemItem]) -> Value:
    terms = vocabulary.search_terms(text)
    if not terms:
        errors.append(problem(name, "invalid_value", "holds no word to search for"))
    return Search(text, " & ".join(f"({' | '.join(f'({each})' for each in term)})" for term in terms))


async def _unknown(
    connection: AsyncConnection, name: str, resource: Resource, ids: Sequence[str]
) -> list[ProblemItem]:
    errors = []
    for wanted in sorted(await unknown_ids(connection, resource, ids)):
        message = f"there is no {resource} {wanted!r}"
        if "," in wanted:
            message += "; a comma does not separate values: repeat the parameter for each"
        near = await near_ids(connection, resource, wanted)
        errors.append(problem(name, f"unknown_{resource}", message, suggestions=near))
    return errors
