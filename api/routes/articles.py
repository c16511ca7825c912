"""Articles: the citing pages."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import ARTICLES
from api.filters import ArticleExchangeFilters, ExchangeFilters
from api.listing import Listing, answer_list, answer_record
from api.missing import NOT_THERE, check_there
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import ArticleList, ExchangeList
from db.enums import Resource
from db.queries import lists
from db.records import Article

CITING = Listing(lists.EXCHANGES, ArticleExchangeFilters)

router = APIRouter(tags=["articles"])


@router.get("/articles", operation_id="list_articles", **describe_list(ArticleList, ARTICLES))
async def list_articles(request: Request, reader: ReaderDep) -> Response:
    """Find the pages that records cite."""
    return await answer_list(request, reader, ARTICLES)


@router.get("/articles/{record_id}", operation_id="get_article", **describe_record(Article))
async def get_article(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one article by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.ARTICLES, Resource.ARTICLE, record_id)


@router.get(
    "/articles/{record_id}/exchanges",
    operation_id="list_article_exchanges",
    **describe_list(ExchangeList, CITING, *NOT_THERE),
)
async def list_article_exchanges(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Find the exchanges that cite an article, with all filters of exchanges."""
    async with reader.connection() as connection:
        await check_there(connection, request, Resource.ARTICLE, record_id, "/exchanges")
    cites = ExchangeFilters.filters()["article"].conditions({"article": (record_id,)})
    return await answer_list(request, reader, CITING, cites)
