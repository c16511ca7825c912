"""How time is divided on charts, so that bars stay legible and their labels apart. Pure functions of months.

Months are counted from the year 0, which makes periods divisions without a remainder.
"""

import datetime as dt
from calendar import month_name
from collections.abc import Iterable

YEAR = 12
NARROWEST = 9  # pixels of a bar with the gap behind it
LABEL = 38  # pixels from one label to the next
DAY_LABEL = 56
NAMES = tuple(month_name)[1:]
MONTHS = tuple(name[:3] for name in NAMES)
QUARTERS = ("first", "second", "third", "fourth")
WORDS = {1: "month", 3: "quarter", YEAR: "year"}
# Periods by their months, and the distances of labels.
PERIODS = (1, 3, *(YEAR * years for years in (1, 5, 10, 50, 100, 1000)))
DISTANCES = (1, 3, *(YEAR * years for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)))


def month_of(day: dt.date) -> int:
    """Give the number of a day's month."""
    return day.year * YEAR + day.month - 1


def first_day(month: int) -> dt.date:
    """Give the first day of a month."""
    return dt.date(month // YEAR, month % YEAR + 1, 1)


def period_for(first: int, last: int, room: float) -> int:
    """Choose the shortest period, in months, of which all from one month to another have room as bars."""
    fitting = (each for each in PERIODS if (last // each - first // each + 1) * NARROWEST <= room)
    return next(fitting, PERIODS[-1])


def period_word(period: int) -> str:
    """Say how long a period is."""
    return WORDS.get(period) or f"{period // YEAR} years"


def period_name(start: int, period: int) -> str:
    """Name the period that begins in a month, as it is said aloud."""
    year, month = divmod(start, YEAR)
    if period == 1:
        return f"{NAMES[month]} {year}"
    if period < YEAR:
        return f"the {QUARTERS[month // period]} quarter of {year}"
    return str(year) if period == YEAR else f"{year} to {year + period // YEAR - 1}"


def labels(months: Iterable[int], period: int, pixels: float) -> dict[int, str]:
    """Give the labels of the periods that begin in some months; `pixels`: how far apart these are.

    The year stands below the first month of it that is labelled.
    """
    starts = list(months)
    distance = next(
        (each for each in DISTANCES if each % period == 0 and each / period * pixels >= LABEL), DISTANCES[-1]
    )
    chosen = [month for month in starts if month % distance == 0] or starts[:1]
    found: dict[int, str] = {}
    for place, month in enumerate(chosen):
        year = month // YEAR
        if period >= YEAR or (distance >= YEAR and month % YEAR == 0):
            found[month] = str(year)
            continue
        name = f"Q{month % YEAR // 3 + 1}" if period == 3 else MONTHS[month % YEAR]
        new = place == 0 or chosen[place - 1] // YEAR != year
        found[month] = f"{name}\n{year}" if new else name
    return found


def day_labels(first: dt.date, last: dt.date, pixels: float) -> dict[int, str]:
    """Give the labels of days by their ordinals, where months are too few; `pixels`: from one to the next.

    The year stands below the first one.
    """
    days = range(first.toordinal(), last.toordinal() + 1)
    distance = next((each for each in (1, 2, 7, 14) if each * pixels >= DAY_LABEL), 28)
    chosen = [dt.date.fromordinal(day) for day in days[::distance]]
    texts = [f"{day.day} {MONTHS[day.month - 1]}" for day in chosen]
    texts[0] += f"\n{chosen[0].year}"
    return {day.toordinal(): text for day, text in zip(chosen, texts, strict=True)}
