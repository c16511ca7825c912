"""What statistics answer with. How the numbers come about is in `api/statistics.py`.

A cell is flat, so that it is a row of a table too.
"""

from api.schemas import STATE, AnswerMeta
from db.fields import Model, described

STATED = "Directions with a figure of the measure that the claimant states; null if nobody is asked."
NOT_STATED = "Directions with a figure of the measure that it does not state; null if nobody is asked."
FIGURES = "Null where there are exchanges and no figure, zero where there are no exchanges."
SEVERAL = " Null too where several claimants are asked."


class StatsCell(Model):
    """The sum of one group, or of one claimant's own numbers in it."""

    group: str | None = described(
        "The value of the first dimension of `group_by`; null if there is none.", "2024"
    )
    group2: str | None = described("The value of the second dimension; null if there is none.", None)
    claimant: str | None = described(
        "Whose own numbers are summed, `none` for the articles' own voice; null if figures are.", None
    )
    low: int | None = described(f"Sum of the low figures. {FIGURES}", 1358)
    best: int | None = described(f"Sum of the best figures. {FIGURES}", 1358)
    high: int | None = described(f"Sum of the high figures. {FIGURES}", 1358)
    exchanges: int = described("How many exchanges are in the group.", 11)
    without_figure: int = described(
        "How many of these have no figure that could be summed, or of which the claimant states none.", 0
    )
    directions_stated: int | None = described(STATED, None)
    directions_not_stated: int | None = described(NOT_STATED, None)
    coverage: list[str] = described(
        "Ids of the coverage notes about the period and its kind of exchange; empty without a period.",
        ["2024-complete"],
    )


class StatsTotal(Model):
    """The sum of all: every exchange once, and people whom two exchanges count once."""

    low: int | None = described(f"Sum of the low figures, less `overlap`. {FIGURES}{SEVERAL}", 1358)
    best: int | None = described(
        f"Sum of the best figures, less `overlap`. {FIGURES} Null too where several claimants are asked.",
        1358,
    )
    high: int | None = described(f"Sum of the high figures, less `overlap`. {FIGURES}{SEVERAL}", 1358)
    exchanges: int = described("How many exchanges were chosen.", 11)
    without_figure: int = described(
        "How many of these have no figure that could be summed, or of which the one claimant states none.", 0
    )
    overlap: int = described("People whom two of the chosen exchanges count, subtracted once.", 0)
    directions_stated: int | None = described(f"{STATED} Null for several.", None)
    directions_not_stated: int | None = described(f"{NOT_STATED} Null for several.", None)


class StatsRow(StatsCell):
    """A row of a file: the sum of one group, or the total where nothing is grouped by."""

    overlap: int | None = described(
        "People whom two of the chosen exchanges count, subtracted once from a total; null in a group, which "
        "subtracts nothing.",
        None,
    )


class StatsAnswer(Model):
    """Sums of exchanges and figures by groups, in the order of their values, and the total."""

    data: list[StatsCell] = described("The sums by group; empty if nothing is grouped by.", [])
    total: StatsTotal = described(
        "The sum of all.",
        {
            "low": 1358,
            "best": 1358,
            "high": 1358,
            "exchanges": 11,
            "without_figure": 0,
            "overlap": 0,
            "directions_stated": None,
            "directions_not_stated": None,
        },
    )
    meta: AnswerMeta = described(
        "About the answer.",
        {
            "query": {"received_by": ["ukraine"], "year": ["2024"]},
            "notes": [],
            "dataset": STATE,
        },
    )
