"""From register entries to one status per scheduled session, as known at an instant (attendance.md S3, S4, S9.1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from rules.attendance.codes import CodeMap, Meaning, Status, meaning
from rules.attendance.history import History, MissingMarkPolicy, ResolvedSession, SchoolSettings, SessionName
from rules.school_calendar import SchoolCalendar

SESSION_MINUTES = 180
"""The length of a session where the calendar gives none."""
_BEST = {status: at for at, status in enumerate(Status)}


class MarkedSession(StrEnum):
    """What a mark stands for: one half day, or the whole day."""

    AM = "AM"
    PM = "PM"
    DAY = "DAY"


@dataclass(frozen=True, slots=True)
class Mark:
    """One register entry as received; marks are given in file order, which breaks ties of `recorded_at`."""

    day: date
    session: MarkedSession
    code: str
    recorded_at: datetime
    register: str = ""
    deleted: bool = False
    minutes_missed: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """One enrolment at the school; both days are inclusive."""

    first: date
    last: date = date.max
    attends: frozenset[SessionName] = frozenset(SessionName)


Slot = tuple[date, SessionName]


@dataclass(frozen=True, slots=True)
class School:
    """A school as resolution needs it: its open sessions with their minutes, settings and code map."""

    settings: SchoolSettings
    code_map: CodeMap
    open_sessions: Mapping[Slot, int]

    def open_on(self, day: date) -> tuple[SessionName, ...]:
        return tuple(name for name in SessionName if (day, name) in self.open_sessions)


def scheduled(school: School, spans: Sequence[Span]) -> tuple[Slot, ...]:
    """S4.1: open in the calendar, inside a span, and attended by it."""
    return tuple(
        (day, name)
        for day, name in sorted(school.open_sessions)
        if any(span.first <= day <= span.last and name in span.attends for span in spans)
    )


def winning(marks: Iterable[Mark], known_at: datetime | None = None) -> tuple[Mark, ...]:
    """S3.1-S3.3: per session and register the latest recorded, ties to the later row; tombstones are no marks."""
    newest: dict[tuple[date, MarkedSession, str], Mark] = {}
    for mark in marks:
        key = (mark.day, mark.session, mark.register)
        known = known_at is None or mark.recorded_at <= known_at
        if known and (key not in newest or mark.recorded_at >= newest[key].recorded_at):
            newest[key] = mark
    return tuple(mark for mark in newest.values() if not mark.deleted)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A winning mark brought down to one half day."""

    meaning: Meaning
    code: str
    specific: bool
    minutes: int | None = field(default=None)


def _candidates(school: School, mark: Mark) -> list[tuple[Slot, _Candidate]]:
    """S3.5: a DAY mark applies to every open session; late all day is late once."""
    said, code = meaning(school.code_map, mark.code), mark.code.strip()
    if mark.session is not MarkedSession.DAY:
        slot = (mark.day, SessionName(mark.session))
        return [(slot, _Candidate(said, code, specific=True, minutes=mark.minutes_missed))]
    found, left = [], mark.minutes_missed
    targets = school.open_on(mark.day)
    for name in targets:
        length = school.open_sessions[mark.day, name]
        used = left if left is None or name is targets[-1] else min(left, length)
        found.append(((mark.day, name), _Candidate(said, code, specific=False, minutes=used)))
        left = None if left is None or used is None else left - used
        said = Meaning(Status.PRESENT) if said.status is Status.LATE else said
    return found


def _chosen(candidates: Sequence[_Candidate]) -> _Candidate | None:
    """S3.4 and S3.5: marks of the session beat DAY marks; then the best status; then the first."""
    specific = [item for item in candidates if item.specific] or candidates
    marked = [item for item in specific if item.meaning.status is not Status.NO_MARK]
    return min(marked, key=lambda item: _BEST[item.meaning.status], default=None)


def _resolved(school: School, slot: Slot, candidates: Sequence[_Candidate]) -> ResolvedSession:
    chosen = _chosen(candidates)
    if chosen is None:
        present = school.settings.missing_mark_policy is MissingMarkPolicy.PRESENT
        return ResolvedSession(*slot, Status.PRESENT if present else Status.NO_MARK)
    said = chosen.meaning
    session = ResolvedSession(*slot, said.status, chosen.code, said.is_tardy)
    whole = school.open_sessions[slot] if session.absent else 0
    minutes = whole if chosen.minutes is None else chosen.minutes
    return ResolvedSession(*slot, said.status, chosen.code, said.is_tardy, minutes)


def history(school: School, spans: Sequence[Span], marks: Iterable[Mark], known_at: datetime | None = None) -> History:
    """One student's history at one school, from the marks recorded up to `known_at` (all of them without it)."""
    found: dict[Slot, list[_Candidate]] = {}
    for mark in winning(marks, known_at):
        for slot, candidate in _candidates(school, mark):
            found.setdefault(slot, []).append(candidate)
    sessions = tuple(_resolved(school, slot, found.get(slot, ())) for slot in scheduled(school, spans))
    calendar = SchoolCalendar.of(day for day, _ in school.open_sessions)
    return History(school.settings, calendar, sessions)
