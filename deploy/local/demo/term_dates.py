"""School years of the demo: English terms, half-terms, bank holidays and INSET days around any `today`."""

from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
# A school year that has only just begun cannot reach any threshold (windows are cut at 1 August), so a demo started in
# its first days would open on an empty queue; the demo's autumn term then begins on the Monday after today.
NEW_TERM_DAYS = 8
HISTORY_DAYS = 120
INSET_DAYS = 5
PLANNING_DAYS = 120


@dataclass(frozen=True)
class DistrictDates:
    """Every possible teaching day of the district from the first register to the end of the planned year."""

    today: date
    first_day: date
    last_school_day: date
    year_first_day: date
    teaching_days: tuple[date, ...]

    @property
    def spans_years(self) -> bool:
        return self.first_day < self.year_first_day


@dataclass(frozen=True)
class SchoolDates:
    """The days one school opens; `short_days` have a morning only."""

    days: tuple[date, ...]
    short_days: frozenset[date]
    past: tuple[date, ...]

    def sessions(self, day: date) -> tuple[str, ...]:
        return ("AM",) if day in self.short_days else ("AM", "PM")


def school_year(day: date) -> int:
    """The calendar year in which the school year of `day` began (1 August)."""
    return day.year if day.month >= 8 else day.year - 1


def easter_sunday(year: int) -> date:
    """Gregorian computus (Meeus, Jones and Butcher)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def _on_or_before(day: date, weekday: int) -> date:
    return day - DAY * ((day.weekday() - weekday) % 7)


def _on_or_after(day: date, weekday: int) -> date:
    return day + DAY * ((weekday - day.weekday()) % 7)


def _span(first: date, last: date) -> set[date]:
    return {first + DAY * i for i in range((last - first).days + 1)}


def _holidays(year: int) -> set[date]:
    october = _on_or_before(date(year, 10, 31), 0)
    christmas = _on_or_before(date(year, 12, 21), 4)
    february = _on_or_after(date(year + 1, 2, 12), 0)
    easter = easter_sunday(year + 1)
    may = _on_or_before(date(year + 1, 5, 31), 0)
    return (
        _span(october, october + 4 * DAY)
        | _span(christmas + DAY, date(year + 1, 1, 3))
        | _span(february, february + 4 * DAY)
        | _span(easter - 6 * DAY, easter + 5 * DAY)
        | {_on_or_after(date(year + 1, 5, 1), 0)}
        | _span(may, may + 4 * DAY)
    )


def teaching_days(year: int, first: date | None = None) -> tuple[date, ...]:
    """Weekdays of the school year that begins in `year`, without holidays; INSET days are still among them."""
    start = first or _on_or_after(date(year, 9, 1), 1)
    off = _holidays(year)
    days = sorted(_span(start, date(year + 1, 7, 22)))
    return tuple(day for day in days if day.weekday() < 5 and day not in off)


def blocks(days: tuple[date, ...]) -> list[list[date]]:
    """Half-terms: runs of teaching days with no gap longer than a bank-holiday weekend."""
    found: list[list[date]] = []
    for day in days:
        if found and (day - found[-1][-1]).days <= 4:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def district_dates(today: date) -> DistrictDates:
    """Marks from at least 120 school days before today; open sessions to the end of the year that planning reaches."""
    year = school_year(today)
    this_year = teaching_days(year)
    if 0 < sum(day < today for day in this_year) <= NEW_TERM_DAYS:
        this_year = teaching_days(year, first=_on_or_after(today + DAY, 0))
    days = teaching_days(year - 2) + teaching_days(year - 1) + this_year + teaching_days(year + 1)
    past = [day for day in days if day < today]
    year_of_last = school_year(past[-1])
    year_first = next(day for day in days if school_year(day) == year_of_last)
    enough = past[-(HISTORY_DAYS + 2 * INSET_DAYS)]
    first = max(block[0] for block in blocks(days) if block[0] <= min(enough, year_first))
    end_year = school_year(today + PLANNING_DAYS * DAY)
    planned = tuple(day for day in days if first <= day and school_year(day) <= end_year)
    return DistrictDates(today, first, past[-1], year_first, planned)


def school_dates(district: DistrictDates, number: int) -> SchoolDates:
    """The school's own days: five INSET days a year, placed differently from school to school."""
    closed: set[date] = set()
    short: set[date] = set()
    for year in sorted({school_year(day) for day in district.teaching_days}):
        days = tuple(day for day in district.teaching_days if school_year(day) == year)
        starts = [block[0] for block in blocks(days)]
        closed.add(starts[0])
        others = starts[1:]
        closed |= {others[(number + i) % len(others)] for i in range(min(INSET_DAYS - 1, len(others)))}
        if days[-1] > district.last_school_day or days[-1] < district.year_first_day:
            short.add(days[-1])
    # All schools share their last day, so that one nightly run covers the whole demo.
    closed.discard(district.last_school_day)
    days = tuple(day for day in district.teaching_days if day not in closed)
    return SchoolDates(days, frozenset(short), tuple(day for day in days if day < district.today))
