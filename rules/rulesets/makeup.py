"""What a count is made up of: absences by kind with their dates, for the people who may see reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from rules.attendance.codes import Status
from rules.attendance.history import History, ResolvedSession
from rules.rulesets.measuring import KIND_STATUSES, excluded_codes, measured_day, sessions_of, window_first
from rules.rulesets.messages import say
from rules.rulesets.metrics import MetricKey


class AbsenceKind(StrEnum):
    """Why a session was missed, in words a family would use; sensitive, as codes are (safeguards.md section 6)."""

    ILLNESS = "illness"
    MEDICAL = "medical"
    HOLIDAY = "holiday"
    LEAVE = "leave"
    RELIGIOUS = "religious"
    SUSPENDED = "suspended"
    NOT_YET_EXPLAINED = "not_yet_explained"
    AFTER_CLOSE = "after_close"
    UNAUTHORISED = "unauthorised"
    AUTHORISED = "authorised"
    ABSENT = "absent"


_UK: Final[Mapping[str, AbsenceKind]] = {
    "I": AbsenceKind.ILLNESS,
    "M": AbsenceKind.MEDICAL,
    "G": AbsenceKind.HOLIDAY,
    "H": AbsenceKind.HOLIDAY,
    "C": AbsenceKind.LEAVE,
    "C1": AbsenceKind.LEAVE,
    "C2": AbsenceKind.LEAVE,
    "R": AbsenceKind.RELIGIOUS,
    "E": AbsenceKind.SUSPENDED,
    "N": AbsenceKind.NOT_YET_EXPLAINED,
    "U": AbsenceKind.AFTER_CLOSE,
}
_BY_CODE_SET: Final[Mapping[str, Mapping[str, AbsenceKind]]] = {"UK": _UK}
_BY_STATUS: Final[Mapping[Status, AbsenceKind]] = {
    Status.UNAUTHORISED_ABSENT: AbsenceKind.UNAUTHORISED,
    Status.AUTHORISED_ABSENT: AbsenceKind.AUTHORISED,
    Status.ABSENT: AbsenceKind.ABSENT,
}


@dataclass(frozen=True, slots=True)
class Part:
    """Sessions of one kind."""

    kind: AbsenceKind
    sessions: int
    days: tuple[date, ...]


def absence_kind(code_set: str, session: ResolvedSession) -> AbsenceKind:
    """The kind of an absent session; a code without a kind of its own is told by its status."""
    return _BY_CODE_SET.get(code_set, {}).get(session.code) or _BY_STATUS[session.status]


def made_up_of(history: History, key: MetricKey, day: date, *, step: date | None = None) -> tuple[Part, ...]:
    """The absent sessions behind a metric, largest part first; empty where nothing can be said."""
    found: dict[AbsenceKind, list[date]] = {}
    for session in sessions_behind(history, key, day, step=step):
        found.setdefault(absence_kind(history.school.code_set, session), []).append(session.day)
    parts = [Part(kind, len(days), tuple(dict.fromkeys(days))) for kind, days in found.items()]
    return tuple(sorted(parts, key=lambda part: (-part.sessions, part.kind)))


def sessions_behind(
    history: History, key: MetricKey, day: date, *, step: date | None = None
) -> tuple[ResolvedSession, ...]:
    """The absent sessions behind a metric, by day; none where nothing can be said."""
    on = measured_day(history, key.at, day, step)
    first = window_first(history, key, on, step) if on else None
    if on is None or first is None:
        return ()
    last = min(on, key.window.last or on)
    return tuple(s for s in sessions_of(history, key, first, last) if _counts(history, key, s))


def _counts(history: History, key: MetricKey, session: ResolvedSession) -> bool:
    coded = not key.codes or session.code in key.codes
    return session.status in KIND_STATUSES[key.kinds] and coded and session.code not in excluded_codes(history, key)


def spoken_make_up(parts: tuple[Part, ...], language: str = "en") -> str:
    """`10: 6 illness, 3 not yet explained, 1 holiday`, in sessions."""
    said = ", ".join(
        say(language, "made_up.part", n=part.sessions, kind=say(language, f"kind.{part.kind}")) for part in parts
    )
    return say(language, "made_up", total=sum(part.sessions for part in parts), parts=said)
