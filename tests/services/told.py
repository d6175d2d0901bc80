"""One inbound event of every type, about a school and a student that are there and a student and guardian to come.

`newer` tells the same thing again, a minute later and changed; `seen` reads back what is kept of it.
"""

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from models.attendance import CalendarSession, Enrolment
from models.guardians import Guardian, GuardianLink
from models.inbound import BehaviourEvent, Prediction, Section, StaffAbsence, StaffHours
from models.people import School
from models.session import Session
from models.students import Student

SOURCE = "https://mis.example.org"
NEW, PARENT = "told-student", "told-parent"
FIRST, SECOND = "2026-11-19T09:00:00Z", "2026-11-19T09:01:00Z"


@dataclass(frozen=True)
class Telling:
    """An event type with its data as first told and as told later, and how what is kept is read."""

    name: str
    data: dict[str, Any]
    later: dict[str, Any]
    read: Any
    kept: Any
    ordered: bool = True

    def event(self, *, later: bool, **extensions: Any) -> dict[str, Any]:
        """A CloudEvent with an id of its own."""
        head = {"specversion": "1.0", "id": uuid4().hex, "source": SOURCE, **extensions}
        told = {"type": f"org.handrail.inbound.{self.name}.v1", "time": SECOND if later else FIRST}
        return {**head, **told, "data": {**self.data, **(self.later if later else {})}}

    async def seen(self, session: Session) -> Any:
        """What is kept."""
        return (await session.scalars(self.read)).all()


def said(value: Any) -> Any:
    """A kept value as an event writes it."""
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, Decimal):
        return str(value.normalize())
    return value.isoformat() if isinstance(value, date) else value


def tellings(school: str) -> list[Telling]:
    """In the order in which each may be told after those before it."""
    of_new = select(Student.id).where(Student.source_id == NEW).scalar_subquery()
    at_school = select(School.id).where(School.source_id == school).scalar_subquery()
    of_parent = select(Guardian.id).where(Guardian.source_id == PARENT).scalar_subquery()
    monday = {"weekday": 1, "starts": "08:00", "ends": "12:00"}
    week = {"staff_id": "t-1", "school_id": school, "valid_from": "2026-09-01", "hours": [monday]}
    away = {"absence_id": "a-1", "staff_id": "t-1", "first_day": "2026-11-23", "last_day": "2026-11-24"}
    section = {"section_id": "5A", "school_id": school, "name": "5A", "valid_from": "2026-09-01", "student_ids": [NEW]}
    noted = {"record_id": "b-1", "student_id": NEW, "school_id": school, "occurred_at": FIRST, "category": "LATE"}
    score = {"student_id": NEW, "model": "risk", "model_version": "1", "score": "0.25", "predicted_at": FIRST}
    span = {"start_date": "2026-09-01"}
    day = {"first": "2026-12-09", "last": "2026-12-09"}
    closed = {"school_id": school, **day, "sessions": []}
    link = {"student_id": NEW, "guardian_id": PARENT}
    stay = {"student_id": NEW, "school_id": school, "spans": [span]}
    calendar = select(CalendarSession.session).where(
        CalendarSession.date == date(2026, 12, 9), CalendarSession.school_id == at_school
    )
    parent = {"guardian_id": PARENT, "name": "Jo", "opted_out_channels": []}
    ended = select(Enrolment.end_date).where(Enrolment.student_id == of_new)
    return [
        Telling("StudentChanged", {"student_id": NEW, "first_name": "I"}, {"first_name": "Ida"},
                select(Student.first_name).where(Student.source_id == NEW), ["Ida"]),
        Telling("GuardianChanged", parent, {"name": "Jo Lund"},
                select(Guardian.name).where(Guardian.source_id == PARENT), ["Jo Lund"]),
        Telling("GuardianLinkChanged", {**link, "relation": "AUNT"}, {"relation": "MOTHER"},
                select(GuardianLink.relationship).where(GuardianLink.guardian_id == of_parent), ["MOTHER"]),
        Telling("EnrolmentChanged", stay, {"spans": [{**span, "end_date": "2026-11-30"}]}, ended, ["2026-11-30"]),
        Telling("CalendarChanged", closed, {}, calendar, [], ordered=False),
        Telling("StaffHoursChanged", week, {"hours": [{**monday, "ends": "13:00"}]},
                select(StaffHours.ends), ["13:00"]),
        Telling("StaffAbsenceChanged", away, {"cancelled": True}, select(StaffAbsence.cancelled), [True]),
        Telling("SectionChanged", section, {"name": "5A new"}, select(Section.name), ["5A new"]),
        Telling("BehaviourRecorded", noted, {"withdrawn": True}, select(BehaviourEvent.withdrawn), [True]),
        Telling("RiskPredicted", score, {"score": "0.75"}, select(Prediction.score), ["0.75"]),
    ]  # fmt: skip
