"""Contact stops: one click and nothing goes out; a death is never lifted (safeguards.md section 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import Enrolment
from models.delivery import Message
from models.guardians import ContactStop, Guardian, GuardianLink
from models.queries.keyset import Window, paged
from models.students import Student
from rules.errors import Conflict, Invalid, NotFound
from rules.ladder.commands import ContactStopChanged, EnrolmentChanged, EnrolmentEnd
from services import audit, pointers
from services.audit import Act
from services.context import Actor
from services.delivery import withdraw_prints
from services.entitlement import contact_stopped
from services.scopes import Scope
from services.signals import tell_students

WAITING: Final = ("QUEUED", "DEFERRED_QUIET_HOURS", "CAPPED")


class SubjectKind(StrEnum):
    """Whom a contact stop covers; a household is named by one of its students."""

    STUDENT = "STUDENT"
    GUARDIAN = "GUARDIAN"
    HOUSEHOLD = "HOUSEHOLD"


class StopCause(StrEnum):
    """Why nothing may go out."""

    BEREAVEMENT = "BEREAVEMENT"
    SAFEGUARDING = "SAFEGUARDING"
    WRONG_PERSON = "WRONG_PERSON"
    DECEASED = "DECEASED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class SetContactStop:
    """Stop contact with a student, guardian or household."""

    subject_kind: SubjectKind
    subject_id: UUID
    cause: StopCause
    note: str | None = None


@dataclass(frozen=True, slots=True)
class LiftContactStop:
    """Allow contact again, with the reason."""

    stop_id: UUID
    reason: str


async def students_covered(session: AsyncSession, kind: SubjectKind, subject_id: UUID) -> frozenset[UUID]:
    """The students whose pending steps a stop holds; refuses a subject that does not exist."""
    table = Guardian if kind is SubjectKind.GUARDIAN else Student
    if await session.get(table, subject_id) is None:
        raise NotFound("subject_not_found", f"There is no {kind.lower()} {subject_id} here.")
    if kind is SubjectKind.STUDENT:
        return frozenset({subject_id})
    if kind is SubjectKind.GUARDIAN:
        linked = await session.scalars(select(GuardianLink.student_id).where(GuardianLink.guardian_id == subject_id))
        return frozenset(linked)
    return await _household(session, subject_id)


async def _household(session: AsyncSession, student_id: UUID) -> frozenset[UUID]:
    """The student and every student with a guardian whom this one lives with (as `services.entitlement` sees it)."""
    adults = select(GuardianLink.guardian_id).where(
        GuardianLink.student_id == student_id, GuardianLink.lives_with.is_(True)
    )
    sharing = await session.scalars(select(GuardianLink.student_id).where(GuardianLink.guardian_id.in_(adults)))
    return frozenset({student_id, *sharing})


async def put(session: AsyncSession, actor: Actor, command: SetContactStop, *, now: datetime) -> ContactStop:
    """Set the stop, cancel what waits to be sent, and tell the running cases; an equal one in force is the answer."""
    covered = await students_covered(session, command.subject_kind, command.subject_id)
    if standing := await _equal(session, command):
        return standing
    stop = ContactStop(
        subject_kind=command.subject_kind,
        subject_id=command.subject_id,
        reason_code=command.cause,
        note=command.note,
        permanent=command.cause is StopCause.DECEASED,
        set_by=actor.person_id,
        set_at=now,
    )
    session.add(stop)
    await session.flush()
    await _cancel_waiting(session, command, covered, now)
    only = command.subject_id if command.subject_kind is SubjectKind.GUARDIAN else None
    await pointers.end_for_stop(session, actor, covered, only, now=now)
    if command.cause is StopCause.DECEASED:
        await _record_death(session, command, now)
    await _record(session, actor, stop, "set_contact_stop", command.cause.value, now)
    await tell_students(
        session, covered, "contact_stop_changed", ContactStopChanged(active=True, reason_code=command.cause.value)
    )
    return stop


async def _equal(session: AsyncSession, command: SetContactStop) -> ContactStop | None:
    """The stop in force on the same subject for the same cause: two clicks are one stop, also at the same time."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(command.subject_id), 0))))
    same = select(ContactStop).where(
        ContactStop.subject_kind == command.subject_kind,
        ContactStop.subject_id == command.subject_id,
        ContactStop.reason_code == command.cause,
        ContactStop.lifted_at.is_(None),
    )
    return (await session.scalars(same.order_by(ContactStop.id).limit(1))).first()


async def _record_death(session: AsyncSession, command: SetContactStop, now: datetime) -> None:
    """Whoever died is marked so, and a student's cases end at once: no night is waited for."""
    match command.subject_kind:
        case SubjectKind.HOUSEHOLD:
            raise Invalid(
                "death_of_whom",
                "A death is recorded of the student or the guardian who died, not of a household.",
                fields={"subject_kind": "STUDENT or GUARDIAN"},
            )
        case SubjectKind.STUDENT:
            gone = update(Student).where(Student.id == command.subject_id, Student.deceased_on.is_(None))
            await session.execute(gone.values(deceased_on=now.date()))
            ended = EnrolmentChanged(end=EnrolmentEnd.DECEASED)
            await tell_students(session, [command.subject_id], "enrolment_changed", ended)
        case SubjectKind.GUARDIAN:
            died = update(Guardian).where(Guardian.id == command.subject_id, Guardian.deceased_on.is_(None))
            await session.execute(died.values(deceased_on=now.date()))


async def _cancel_waiting(
    session: AsyncSession, command: SetContactStop, covered: frozenset[UUID], now: datetime
) -> None:
    whom: ColumnElement[bool] = Message.student_id.in_(covered)
    if command.subject_kind is SubjectKind.GUARDIAN:
        whom = Message.guardian_id == command.subject_id
    cancelled = await session.scalars(
        update(Message)
        .where(whom, Message.status.in_(WAITING))
        .values(status="CANCELLED", withheld_reason="contact_stop")
        .returning(Message.id)
    )
    await withdraw_prints(session, cancelled.all(), now=now)


async def _record(
    session: AsyncSession, actor: Actor, stop: ContactStop, verb: str, reason: str, now: datetime
) -> None:
    student_id = None if stop.subject_kind == SubjectKind.GUARDIAN else stop.subject_id
    act = Act(verb=verb, subject_kind="contact_stop", subject_id=stop.id, student_id=student_id, reason=reason)
    await audit.record(session, actor, act, now=now)


async def get(session: AsyncSession, stop_id: UUID) -> ContactStop:
    """One contact stop."""
    found = await session.get(ContactStop, stop_id)
    if found is None:
        raise NotFound("contact_stop_not_found", f"There is no contact stop {stop_id} here.")
    return found


@dataclass(frozen=True, slots=True)
class StopQuery:
    """Which stops: on students within the caller's reach and their guardians, perhaps of one student."""

    scope: Scope
    student_id: UUID | None
    on: date


async def in_force(session: AsyncSession, asked: StopQuery, window: Window) -> Sequence[ContactStop]:
    """A page of the stops in force."""
    wanted = select(ContactStop).where(ContactStop.lifted_at.is_(None))
    if asked.student_id is not None:
        wanted = wanted.where(_about(select(literal(asked.student_id))))
    scope = asked.scope
    if scope.school_ids is not None:
        still = or_(Enrolment.end_date.is_(None), Enrolment.end_date >= asked.on)
        mine = select(Enrolment.student_id).where(Enrolment.school_id.in_(scope.school_ids), still)
        wanted = wanted.where(_about(mine.where(*scope.students(Enrolment.student_id))))
    if scope.never:
        wanted = wanted.where(not_(_about(select(Student.id).where(Student.id.in_(scope.never)))))
    return (await session.scalars(paged(wanted, (ContactStop.id,), window))).all()


def _about(students: Select[UUID]) -> ColumnElement[bool]:
    """On one of these students, or on one of their guardians."""
    adults = select(GuardianLink.guardian_id).where(GuardianLink.student_id.in_(students))
    return or_(ContactStop.subject_id.in_(students), ContactStop.subject_id.in_(adults))


async def lift(session: AsyncSession, actor: Actor, command: LiftContactStop, *, now: datetime) -> ContactStop:
    """Lift the stop; a running case hears of it only when no other stop covers its student."""
    stop = await get(session, command.stop_id)
    if stop.permanent:
        raise Conflict("permanent_stop", "A stop after a death is permanent and cannot be lifted.")
    if stop.lifted_at is not None:
        raise Conflict("already_lifted", f"Contact stop {stop.id} was lifted before.")
    stop.lifted_at, stop.lifted_by, stop.lift_reason = now, actor.person_id, command.reason
    await session.flush()
    await _record(session, actor, stop, "lift_contact_stop", command.reason, now)
    covered = await students_covered(session, SubjectKind(stop.subject_kind), stop.subject_id)
    free = [student_id for student_id in covered if not await contact_stopped(session, student_id)]
    await tell_students(session, free, "contact_stop_changed", ContactStopChanged(active=False))
    return stop
