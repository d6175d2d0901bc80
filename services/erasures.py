"""Erasure by key shredding: one person asks, another decides; workflows close, keys and words go, figures stay.

Each step is a transaction of its own and can be taken again: an erasure that was interrupted goes on where it was.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from models.erasures import Erasure
from models.instances import Instance, Proposal, Task
from models.privacy import Incident
from models.reliability import Outbox
from models.students import Student
from rules.errors import Conflict, Forbidden, NotFound
from services import amendments, legal_holds
from services.audit import Act, record
from services.contact_stops import WAITING
from services.context import Actor
from services.delivery import withdraw_prints

CLOSED_AS: Final = "ERASED"
WITHHELD_AS: Final = "erasure"


class ErasureGround(StrEnum):
    """Why a record is erased, as a word that may stay for ever."""

    REQUEST = "REQUEST"
    RETENTION = "RETENTION"
    UNLAWFUL = "UNLAWFUL"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class AskErasure:
    """Whose record, and why."""

    student_id: UUID
    ground: ErasureGround


@dataclass(frozen=True, slots=True)
class Walk:
    """A workflow that must end and be forgotten."""

    instance_id: UUID
    school_year: str


async def of_student(session: AsyncSession, student_id: UUID, *, lock: bool = False) -> Erasure | None:
    """The erasure of a student, if anybody asked for one."""
    mine = select(Erasure).where(Erasure.student_id == student_id)
    return (await session.scalars(mine.with_for_update() if lock else mine)).first()


async def get(session: AsyncSession, student_id: UUID) -> Erasure:
    """The erasure of a student, or NotFound."""
    found = await of_student(session, student_id)
    if found is None:
        raise NotFound("erasure_not_found", f"Nobody asked to erase student {student_id}.")
    return found


async def ask(session: AsyncSession, actor: Actor, command: AskErasure, *, now: datetime) -> Erasure:
    """Write down that a record should go; nothing goes until a second person decides the same."""
    if actor.person_id is None:
        raise Forbidden("person_needed", "An erasure is asked for by a person.")
    await _nothing_holds(session, command.student_id)
    row = Erasure(
        student_id=command.student_id,
        ground=command.ground.value,
        requested_by=actor.person_id,
        requested_at=now,
        status="REQUESTED",
    )
    session.add(row)
    await session.flush()
    act = Act("request_erasure", "erasure", row.id, row.student_id, row.ground)
    await record(session, actor, act, now=now)
    return row


async def decide(session: AsyncSession, actor: Actor, row: Erasure, *, now: datetime) -> None:
    """The second person agrees: nothing starts and nothing leaves any more."""
    if actor.person_id is None or actor.person_id == row.requested_by:
        raise Forbidden("four_eyes", "An erasure needs a second person: whoever asked for it cannot decide it.")
    await _nothing_holds(session, row.student_id)
    row.status, row.approved_by, row.approved_at = "APPROVED", actor.person_id, now
    await session.flush()
    await _stop(session, row.student_id, now)
    act = Act("approve_erasure", "erasure", row.id, row.student_id, row.ground)
    await record(session, actor, act, now=now)


async def _nothing_holds(session: AsyncSession, student_id: UUID) -> None:
    if await legal_holds.in_force(session, student_id) is not None:
        raise Conflict(
            "legal_hold",
            f"The record of student {student_id} is under a legal hold: "
            "nothing is destroyed until it is lifted (PUT legal-hold).",
        )
    if await amendments.any_open(session, student_id):
        raise Conflict("amendment_open", "The family says that the record is wrong: decide that first.")
    waiting = select(Incident.id).where(Incident.student_id == student_id, Incident.status == "OPEN").limit(1)
    if (await session.scalars(waiting)).first() is not None:
        raise Conflict("incident_open", "An incident about this student is open: close it first.")


async def walks(session: AsyncSession, student_id: UUID) -> list[Walk]:
    """Every workflow there ever was for the student and whoever was merged into them."""
    rows = await session.execute(
        select(Instance.id, Instance.school_year).where(Instance.student_id.in_(_all(student_id)))
    )
    return [Walk(instance_id, year) for instance_id, year in rows.all()]


def _all(student_id: UUID) -> Select[UUID]:
    return select(Student.id).where(or_(Student.id == student_id, Student.merged_into_id == student_id))


async def _stop(session: AsyncSession, student_id: UUID, now: datetime) -> None:
    """Close the rows of cases, steps, tasks and messages; what waits to be carried to Temporal is set aside."""
    mine = select(Instance.id).where(Instance.student_id.in_(_all(student_id)))
    ended = {"status": "STOPPED", "phase": "CLOSED", "closed_at": now, "close_reason": CLOSED_AS}
    open_rows = update(Instance).where(Instance.student_id.in_(_all(student_id)), Instance.closed_at.is_(None))
    subjects = [str(one) for one in (await session.scalars(mine)).all()]
    waiting = update(Outbox).where(Outbox.subject.in_(subjects), Outbox.status == "PENDING", Outbox.kind != "event")
    await session.execute(waiting.values(status="REJECTED", last_error=WITHHELD_AS))
    await session.execute(open_rows.values(**ended, awaiting_approval=False, hold_kind=None, hold_until=None))
    pending = update(Proposal).where(Proposal.instance_id.in_(mine), Proposal.status.in_(("PENDING", "HELD")))
    await session.execute(pending.values(status="WITHDRAWN"))
    held_back = (
        update(Message)
        .where(Message.student_id.in_(_all(student_id)), Message.status.in_(WAITING))
        .values(status="CANCELLED", withheld_reason=WITHHELD_AS)
        .returning(Message.id)
    )
    await withdraw_prints(session, (await session.scalars(held_back)).all(), now=now)
    work = update(Task).where(or_(Task.student_id.in_(_all(student_id)), Task.instance_id.in_(mine)))
    await session.execute(work.where(Task.status == "OPEN").values(status="CANCELLED"))


async def erase(session: AsyncSession, actor: Actor, row: Erasure, *, now: datetime) -> None:
    """Destroy the keys and empty every word; what a workflow wrote between the decision and its end goes with it."""
    await _stop(session, row.student_id, now)
    await session.execute(select(func.erase_words(row.student_id)))
    row.status = "ERASED"
    await session.flush()
    await record(session, actor, Act("erase_student", "erasure", row.id, row.student_id, row.ground), now=now)


async def finish(session: AsyncSession, actor: Actor, row: Erasure, *, now: datetime) -> None:
    """The histories are gone too."""
    row.status, row.done_at = "DONE", now
    await session.flush()
    await record(session, actor, Act("finish_erasure", "erasure", row.id, row.student_id, row.ground), now=now)
