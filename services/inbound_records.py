"""What events tell that no other part keeps yet: staff hours and absences, timetable, behaviour, predictions."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from models.inbound import BehaviourEvent, Prediction, Section, SectionMeeting, SectionMember, StaffAbsence, StaffHours
from models.queries import inbound as queries
from rules.events.inbound import BehaviourData, PredictionData, SectionData, StaffAbsenceData, StaffHoursData, Told
from services.inbound_register import known_school, known_student, unknown


async def keep(session: AsyncSession, data: Told) -> None:
    """Store what an event says in the table of its kind."""
    await KEEPERS[type(data)](session, data)


async def _staff_hours(session: AsyncSession, data: StaffHoursData) -> None:
    school_id = await known_school(session, data.school_id)
    owner = {"staff_key": data.staff_id, "school_id": school_id, "valid_from": data.valid_from}
    rows = [{"valid_to": data.valid_to, **one.model_dump()} for one in data.hours]
    await queries.replace(session, StaffHours, owner, rows)


async def _staff_absence(session: AsyncSession, data: StaffAbsenceData) -> None:
    told = data.model_dump(exclude={"absence_id", "staff_id"})
    await queries.put(session, StaffAbsence, {"source_key": data.absence_id}, {"staff_key": data.staff_id, **told})


async def _section(session: AsyncSession, data: SectionData) -> None:
    told = data.model_dump(include={"name", "course", "valid_from", "valid_to", "removed"})
    school_id = await known_school(session, data.school_id)
    students = await queries.students_of(session, data.student_ids)
    if set(data.student_ids) - students.keys():
        raise unknown("student_ids")
    key = {"source_key": data.section_id}
    owner = {"section_id": await queries.put(session, Section, key, {"school_id": school_id, **told})}
    await queries.replace(session, SectionMeeting, owner, [one.model_dump() for one in data.meetings])
    staff = [{"staff_key": one, "student_id": None} for one in dict.fromkeys(data.staff_ids)]
    pupils = [{"staff_key": None, "student_id": one} for one in dict.fromkeys(students.values())]
    await queries.replace(session, SectionMember, owner, [*staff, *pupils])


async def _behaviour(session: AsyncSession, data: BehaviourData) -> None:
    told = data.model_dump(exclude={"record_id", "student_id", "school_id"})
    ids = {
        "student_id": await known_student(session, data.student_id),
        "school_id": await known_school(session, data.school_id),
    }
    await queries.put(session, BehaviourEvent, {"source_key": data.record_id}, {**ids, **told})


async def _prediction(session: AsyncSession, data: PredictionData) -> None:
    student_id = await known_student(session, data.student_id)
    key = {"student_id": student_id, "model": data.model, "predicted_at": data.predicted_at}
    await queries.put(
        session, Prediction, key, data.model_dump(include={"model_version", "score", "band", "horizon_days"})
    )


Keeper = Callable[[AsyncSession, Any], Awaitable[None]]
KEEPERS: Final[Mapping[type[Told], Keeper]] = MappingProxyType(
    {
        StaffHoursData: _staff_hours,
        StaffAbsenceData: _staff_absence,
        SectionData: _section,
        BehaviourData: _behaviour,
        PredictionData: _prediction,
    }
)
