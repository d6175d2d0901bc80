"""What one letter says: gathered once from the case for one guardian, with nothing of any other guardian in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from models.guardians import Guardian
from models.people import Person, School
from models.queries.absences import AbsentSession, Whose, absent_sessions, attended_of_possible
from models.queries.history import history_of
from models.students import Student
from rules.attendance.codes import ABSENCES, Status, family_exclusions
from rules.errors import Invalid, NotFound
from rules.ladder.state import Basis
from rules.rulesets.measuring import window_first
from rules.rulesets.metrics import CODE_SET, Kinds, Measure, MetricKey, Window, WindowKind
from services import school_days
from services.context import CaseRef
from services.entitlement import BASE_LANGUAGE
from services.meetings import convener
from services.notices import NoticeTerms, notice_fields

LISTED: Final = (Measure.ABSENT_HALF_DAYS, Measure.ABSENT_SESSIONS, Measure.UNAUTHORISED_SESSIONS)
NAMED: Final = (*LISTED, Measure.CONSECUTIVE_DAYS, Measure.ATTENDED_SESSIONS)
REPLY_WITHIN_SCHOOL_DAYS: Final = 5
WITHOUT_BASIS: Final = Window(WindowKind.CALENDAR, 30)


@dataclass(frozen=True, slots=True)
class Writing:
    """One letter to one guardian; `extra` = what only its kind of letter knows (meeting, earlier letter)."""

    guardian_id: UUID
    language: str
    basis: Basis = field(default_factory=Basis)
    extra: Mapping[str, Any] = field(default_factory=dict)
    notice: NoticeTerms | None = None


async def gather(session: AsyncSession, case: CaseRef, writing: Writing) -> dict[str, Any]:
    """Every merge value the case can give, as JSON."""
    guardian = await session.get(Guardian, writing.guardian_id)
    student = await session.get(Student, case.student_id)
    school = await session.get(School, case.school_id)
    if guardian is None or student is None or school is None:
        raise NotFound("letter_subject_not_found", f"Student {case.student_id} or guardian {writing.guardian_id} gone.")
    today = await school_days.today(session, case)
    data: dict[str, Any] = {
        "guardian_name": guardian.name,
        "guardian_address": lines(guardian.address),
        "salutation": f"Dear {guardian.name}" if writing.language == BASE_LANGUAGE else guardian.name,
        "student_first_name": student.first_name or student.source_id,
        "letter_date": today.isoformat(),
        "reference": reference(case.key, writing.guardian_id),
        "reply_by": (await school_days.day_after(session, case, REPLY_WITHIN_SCHOOL_DAYS)).isoformat(),
    }
    data |= await frame_of_letter(session, case, school)
    data |= await _absences(session, case, school, writing)
    if before := await _previous_letter(session, case, writing.guardian_id):
        data["previous_letter_date"] = before.isoformat()
    if writing.notice:
        data |= await notice_fields(session, case, writing.guardian_id, writing.notice, writing.language)
    return data | dict(writing.extra)


def lines(address: str | Iterable[str] | None) -> list[str]:
    """An address as its lines, however it was typed in."""
    if not address:
        return []
    parts = address.replace("\n", ",").split(",") if isinstance(address, str) else address
    return [part.strip() for part in parts if part.strip()]


def reference(key: str, guardian_id: UUID) -> str:
    """Tells staff which letter it is, and nobody anything about the child."""
    marks = sha256(f"{key}/{guardian_id}".encode()).hexdigest()[:8].upper()
    return f"{marks[:4]}-{marks[4:]}"


async def frame_of_letter(session: AsyncSession, case: CaseRef, school: School) -> dict[str, Any]:
    """Who writes and whom to ask; a school without any telephone number cannot write a letter."""
    frame = await frame_of_school(session, case, school)
    if not frame["school_phone"]:
        raise Invalid(
            "school_phone_missing",
            f"School {school.id} has no telephone number for its letters: set it in the school's settings (phone).",
            fields={"settings.phone": "the number families may ring"},
        )
    return frame


async def frame_of_school(session: AsyncSession, case: CaseRef, school: School) -> dict[str, Any]:
    """The same for a short message, which must go out even where no number is known."""
    person_id = await convener(session, case)
    person = await session.get(Person, person_id) if person_id else None
    phone = school.settings.get("phone") or (person.phone if person else None) or ""
    return {
        "school_name": school.name,
        "school_address": lines(school.settings.get("address")),
        "school_phone": phone,
        "contact_name": person.display_name if person else f"{school.name} office",
        "contact_role": (person.title if person else None) or "Attendance",
        "contact_phone": (person.phone if person else None) or phone,
    }


async def _absences(session: AsyncSession, case: CaseRef, school: School, writing: Writing) -> dict[str, Any]:
    basis = writing.basis
    on = basis.on or await school_days.today(session, case)
    counted = _counted(basis)
    whose = Whose(case.student_id, case.school_id, basis.known_at or case.now)
    first = await _first_day(session, whose, counted, on, basis)
    excluded = _excluded(counted, school.code_set)
    found = [
        one
        for one in await absent_sessions(session, whose, first, on)
        if one.code not in excluded and _counts(counted, one)
    ]
    attended, possible = await attended_of_possible(session, whose, first, on)
    data: dict[str, Any] = {
        "period_start": first.isoformat(),
        "period_end": on.isoformat(),
        "absence_dates": printed_dates(found, school.sessions_per_day),
        "unexplained_count": sum(1 for one in found if not one.accepted and one.status != Status.AUTHORISED_ABSENT),
    }
    days = _days(counted, basis, found, school.sessions_per_day)
    data["absence_count"] = str(days)
    data["absence_days"] = _with_noun(days, writing.language)
    if possible:
        data["attendance_percent"] = str(round(Decimal(100 * attended) / possible, 1))
    return data


def printed_dates(found: Iterable[AbsentSession], sessions_per_day: int) -> list[str]:
    """Whole days once, half days with AM or PM; status only, never a code or a reason."""
    halves: dict[date, list[str]] = {}
    for one in found:
        halves.setdefault(one.date, []).append(one.session)
    whole = {day for day, missed in halves.items() if len(missed) == 2 or sessions_per_day == 1}
    return [day.isoformat() if day in whole else f"{day.isoformat()} {missed[0]}" for day, missed in halves.items()]


def _with_noun(days: Decimal, language: str) -> str:
    """The noun is known in the base language only; a translation brings its own and gets the bare number."""
    if language != BASE_LANGUAGE:
        return str(days)
    return f"{days} day" if days == 1 else f"{days} days"


def _days(counted: MetricKey | None, basis: Basis, found: list[AbsentSession], sessions_per_day: int) -> Decimal:
    value = basis.values.get(str(counted)) if counted else None
    halves = len(found) * (2 if sessions_per_day == 1 else 1)
    if counted and counted.measure is Measure.ABSENT_HALF_DAYS and value is not None:
        halves = value
    days = Decimal(halves) / 2
    return days.to_integral_value() if days == days.to_integral_value() else days


def _counted(basis: Basis) -> MetricKey | None:
    """The metric whose absences the letter lists: counted absences first, else whatever names a window."""
    keys: list[MetricKey] = []
    for text in sorted(basis.holding or basis.values):
        try:
            keys.append(MetricKey.parse(text))
        except ValueError:
            continue
    named = [key for key in keys if key.measure in NAMED]
    return min(named, key=lambda key: NAMED.index(key.measure), default=None)


def _counts(counted: MetricKey | None, one: AbsentSession) -> bool:
    """Whether the rule counted this session: a letter lists nothing that nobody holds against anyone."""
    if counted is None:
        return True
    named = not counted.codes or one.code in counted.codes
    unauthorised = counted.measure is Measure.UNAUTHORISED_SESSIONS or counted.kinds is Kinds.UNAUTHORISED
    return named and (not unauthorised or one.status == Status.UNAUTHORISED_ABSENT)


def _excluded(counted: MetricKey | None, code_set: str) -> frozenset[str]:
    named = set(counted.exclude_codes) if counted else {CODE_SET}
    return frozenset(named - {CODE_SET}) | (family_exclusions(code_set) if CODE_SET in named else frozenset())


async def _first_day(session: AsyncSession, whose: Whose, counted: MetricKey | None, on: date, basis: Basis) -> date:
    """The first day of the window that the rule looked at, by the rules' own arithmetic."""
    key = counted or MetricKey(Measure.ABSENT_HALF_DAYS, WITHOUT_BASIS)
    history = await history_of(session, whose.student_id, whose.school_id, whose.known_at, on)
    if key.window.kind is WindowKind.RUN:
        absent = sorted({one.day for one in history.sessions if one.status in ABSENCES})
        run = basis.values.get(str(key)) or 1
        return absent[-min(run, len(absent))] if absent else on
    return window_first(history, key, on, None) or on


async def _previous_letter(session: AsyncSession, case: CaseRef, guardian_id: UUID) -> date | None:
    earlier = select(func.max(Message.effective_day)).where(
        Message.instance_id == case.instance_id, Message.guardian_id == guardian_id, Message.kind == "LETTER"
    )
    return (await session.scalars(earlier)).first()
