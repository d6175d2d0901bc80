"""One student's resolved attendance at one school: the value every reference metric takes (attendance.md S3-S6)."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rules.attendance.codes import ABSENCES, ATTENDED, POSSIBLE, Status
from rules.school_calendar import SchoolCalendar


class SessionName(StrEnum):
    """A half day; AM sorts before PM."""

    AM = "AM"
    PM = "PM"


class MissingMarkPolicy(StrEnum):
    """What an unmarked session means (S3.6): nothing, or present (sources that send exceptions only)."""

    EXCLUDE = "EXCLUDE"
    PRESENT = "PRESENT"


class DayBasis(StrEnum):
    """Whether amounts count sessions, or days missed for half the day or more (S5.1)."""

    SESSIONS = "SESSIONS"
    DAYS_50PCT = "DAYS_50PCT"


@dataclass(frozen=True, slots=True)
class SchoolSettings:
    """The settings of a school that attendance arithmetic rests on (S1)."""

    code_set: str = "UK"
    missing_mark_policy: MissingMarkPolicy = MissingMarkPolicy.EXCLUDE
    sessions_per_day: int = 2
    year_start: tuple[int, int] = (8, 1)
    day_basis: DayBasis = DayBasis.SESSIONS

    def school_year_start(self, day: date) -> date:
        """S5.5: the latest `year_start` on or before `day`."""
        month, number = self.year_start
        start = date(day.year, month, number)
        return start if start <= day else date(day.year - 1, month, number)


@dataclass(frozen=True, slots=True)
class ResolvedSession:
    """One scheduled session with its one status, after S3; `minutes_missed` already follows S9.1."""

    day: date
    session: SessionName
    status: Status
    code: str = ""
    is_tardy: bool = False
    minutes_missed: int = 0

    @property
    def possible(self) -> bool:
        return self.status in POSSIBLE

    @property
    def attended(self) -> bool:
        return self.status in ATTENDED

    @property
    def absent(self) -> bool:
        return self.status in ABSENCES


def _day(item: ResolvedSession) -> date:
    return item.day


@dataclass(frozen=True, slots=True)
class History:
    """All scheduled sessions of one student at one school, sorted by day and session, as known at one instant."""

    school: SchoolSettings
    calendar: SchoolCalendar
    sessions: tuple[ResolvedSession, ...]
    elsewhere: tuple[ResolvedSession, ...] = ()
    """The same student's sessions at the tenant's other schools, sorted by day and session."""

    def anywhere(self, first: date, last: date) -> tuple[ResolvedSession, ...]:
        """The sessions of first..last at every school, by day."""
        found = [s for s in (*self.sessions, *self.elsewhere) if first <= s.day <= last]
        return tuple(sorted(found, key=_day))

    def between(self, first: date, last: date) -> tuple[ResolvedSession, ...]:
        """The scheduled sessions of first..last, both inclusive."""
        low = bisect_left(self.sessions, first, key=_day)
        return self.sessions[low : max(low, bisect_right(self.sessions, last, key=_day))]

    def days(self) -> tuple[date, ...]:
        """The dates with at least one scheduled session, in order: the dates a summary exists for (S4.5)."""
        return tuple(sorted({item.day for item in self.sessions}))
