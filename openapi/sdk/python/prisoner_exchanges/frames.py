"""Whole results as pandas data frames, from the CSV exports; needs `prisoner-exchanges[pandas]`."""

import io
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from prisoner_exchanges.models.problem import Problem
from prisoner_exchanges.reading import ProblemError
from prisoner_exchanges.types import Response

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
CSV: Any = "csv"  # each export has an enumeration of its own for the same formats
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT.*Z")


def read_frame(
    export: Callable[Concatenate[Any, P], Response[Any]], /, *args: P.args, **kwargs: P.kwargs
) -> "pd.DataFrame":
    """Read a whole result: `read_frame(export_claims.sync_detailed, client=client, claimant=["ukraine"])`.

    Days and moments (in UTC) are dates, numbers, booleans and texts are pandas' nullable types, and the
    items of a list are joined by `|`, as in the file. The attribute `attrs["dataset_revision"]` tells which
    state of the dataset was read.

    Raises:
        ProblemError: the service refused the request.
    """
    return _frame(export(CSV, *args, **kwargs))


async def read_frame_async(
    export: Callable[Concatenate[Any, P], Awaitable[Response[Any]]], /, *args: P.args, **kwargs: P.kwargs
) -> "pd.DataFrame":
    """Read a whole result: `await read_frame_async(export_claims.asyncio_detailed, …)`; as `read_frame`."""
    return _frame(await export(CSV, *args, **kwargs))


def _frame(response: Response[Any]) -> "pd.DataFrame":
    if isinstance(response.parsed, Problem):
        raise ProblemError(response.parsed)
    import pandas as pd

    frame = pd.read_csv(
        io.BytesIO(response.content),
        keep_default_na=False,  # "None" and "NA" are texts
        na_values=[""],
        dtype_backend="numpy_nullable",
    )
    for name in frame:
        texts = frame[name].dropna()
        if texts.empty:
            frame[name] = frame[name].astype("string")
        elif texts.dtype != "string":
            continue
        elif texts.str.fullmatch(DAY).all():
            frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d")
        elif texts.str.fullmatch(MOMENT).all():
            frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True)
    frame.attrs["dataset_revision"] = int(response.headers["X-Dataset-Revision"])
    return frame
