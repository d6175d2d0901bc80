"""What events tell that no other part keeps: staff hours and absences, timetable, behaviour, predictions; and read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.inbound import BehaviourEvent, Prediction, Section, SectionMeeting, SectionMember, StaffAbsence, StaffHours
from models.queries import inbound as queries
from models.queries.keyset import Window, paged
from models.students import Student
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


@dataclass(frozen=True, slots=True)
class Timetabled:
    """A section with its week, who teaches it (the source's ids), and how many students sit in it."""

    section: Section
    meetings: Sequence[SectionMeeting]
    staff_keys: Sequence[str]
    students: int


async def behaviour(
    session: AsyncSession, student_id: UUID, window: Window, *, withdrawn: bool
) -> Sequence[BehaviourEvent]:
    """A page of a student's behaviour events, the oldest first; what the source took back only when asked for."""
    wanted = select(BehaviourEvent).where(BehaviourEvent.student_id.in_(_ids(student_id)))
    if not withdrawn:
        wanted = wanted.where(BehaviourEvent.withdrawn.is_(False))
    return (await session.scalars(paged(wanted, (BehaviourEvent.occurred_at, BehaviourEvent.id), window))).all()


async def predictions(session: AsyncSession, student_id: UUID, window: Window) -> Sequence[Prediction]:
    """A page of the scores that models gave a student, the oldest first."""
    wanted = select(Prediction).where(Prediction.student_id.in_(_ids(student_id)))
    return (await session.scalars(paged(wanted, (Prediction.predicted_at, Prediction.id), window))).all()


async def sections_of_school(session: AsyncSession, school_id: UUID, window: Window) -> list[Timetabled]:
    """A page of a school's sections by name, without those that were removed."""
    return await _timetabled(session, select(Section).where(Section.school_id == school_id), window)


async def sections_of_student(session: AsyncSession, student_id: UUID, window: Window) -> list[Timetabled]:
    """A page of the sections a student sits in, by name."""
    sits = select(SectionMember.section_id).where(SectionMember.student_id.in_(_ids(student_id)))
    return await _timetabled(session, select(Section).where(Section.id.in_(sits)), window)


def _ids(student_id: UUID) -> Select[UUID]:
    """The student and whoever became them: what was told before a merge stays where it was told."""
    return select(Student.id).where(or_(Student.id == student_id, Student.merged_into_id == student_id))


async def _timetabled(session: AsyncSession, wanted: Select[Section], window: Window) -> list[Timetabled]:
    there = wanted.where(Section.removed.is_(False))
    rows = (await session.scalars(paged(there, (Section.name, Section.id), window))).all()
    mine = [row.id for row in rows]
    when = select(SectionMeeting).where(SectionMeeting.section_id.in_(mine))
    meetings = (await session.scalars(when.order_by(SectionMeeting.weekday, SectionMeeting.starts))).all()
    members = (await session.scalars(select(SectionMember).where(SectionMember.section_id.in_(mine)))).all()
    return [
        Timetabled(
            row,
            [one for one in meetings if one.section_id == row.id],
            sorted(one.staff_key for one in members if one.section_id == row.id and one.staff_key),
            sum(one.student_id is not None for one in members if one.section_id == row.id),
        )
        for row in rows
    ]
