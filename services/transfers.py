"""Transfers inside the tenant: the handover that both schools see, and a case that is led by another school."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import CaseFile, Instance, Task
from models.plans import SupportPlan
from models.queries import calendar
from models.transfers import Transfer
from rules.errors import Conflict, NotFound
from rules.ids import SchoolId
from rules.ladder.commands import Command
from rules.ladder.words import TransferChoice
from services import endings, referrals, school_days
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import CaseRef
from services.effects import once

SCHOOL_DAYS_TO_CHOOSE: Final = 20
WITHOUT_CALENDAR: Final = timedelta(days=28)
CHOOSE_TASK, LAPSED_TASK, SUPPORT_TASK = "choose_transfer", "transfer_lapsed", "support_only"
PENDING: Final = "PENDING"
MOVES: Final = frozenset({TransferChoice.CONTINUE, TransferChoice.SUPPORT_ONLY})
TITLES: Final = {
    CHOOSE_TASK: "A student has come with an open case: read the handover and choose how it goes on",
    LAPSED_TASK: "Nobody chose for a student who came with an open case: it is closed; see whether help is needed",
    SUPPORT_TASK: "Make contact with the family of a student who has come, and agree a plan",
}
DUE_IN: Final = {LAPSED_TASK: 5, SUPPORT_TASK: 5}


@dataclass(frozen=True, slots=True)
class Settle:
    """What becomes of a case; `by` chose it, or None when it happens by itself."""

    to_school_id: SchoolId
    choice: TransferChoice
    by: Command | None


async def open_handover(session: AsyncSession, case: CaseRef, to_school_id: SchoolId) -> datetime:
    """Show the case to both schools and ask the receiving leader; the instant from which the time is over."""
    there = replace(case, school_id=to_school_id)
    if await once(session, case.key, "open_handover"):
        await endings.put_away(session, case, "transfer_pending")
        mine = update(Transfer).where(Transfer.instance_id == case.instance_id, Transfer.status == PENDING)
        await session.execute(mine.values(status="SUPERSEDED", settled_at=case.now))
        await _end_task(session, case, "CANCELLED")
        decide_by = await _last_day(session, there, case)
        made = await session.scalar(
            insert(Transfer)
            .values(
                instance_id=case.instance_id,
                student_id=case.student_id,
                from_school_id=case.school_id,
                to_school_id=to_school_id,
                opened_at=case.now,
                decide_by=decide_by,
            )
            .returning(Transfer.id)
        )
        await _ask(session, there, CHOOSE_TASK, decide_by)
        act = Act("open_handover", "transfer", made, case.student_id, after={"decide_by": decide_by})
        await record(session, case.actor, act, now=case.now)
    pending = select(Transfer.decide_by).where(Transfer.instance_id == case.instance_id, Transfer.status == PENDING)
    last = (await session.scalars(pending)).one()
    return await school_days.start_of(session, there, last + timedelta(days=1))


async def _last_day(session: AsyncSession, there: CaseRef, here: CaseRef) -> date:
    """The twentieth school day: of the school that receives, without a calendar of the one before."""
    today = await calendar.local_date(session, there.school_id, there.now)
    for school in (there, here):
        days = await calendar.open_days_from(
            session, school.school_id, today + timedelta(days=1), SCHOOL_DAYS_TO_CHOOSE
        )
        if len(days) == SCHOOL_DAYS_TO_CHOOSE:
            return days[-1]
    return today + WITHOUT_CALENDAR


async def _ask(session: AsyncSession, there: CaseRef, kind: str, due_on: date) -> None:
    """A task for the receiving school's leader, whoever had the case before."""
    wanted = NewTask(kind, TITLES[kind], due_on, str(there.instance_id), "school_leader")
    task_id = await open_task(session, there, wanted)
    # what is to be read after the close must not be closed with the case
    freed = {"instance_id": None, "case_id": None} if kind == LAPSED_TASK else {}
    await session.execute(update(Task).where(Task.id == task_id).values(assignee_id=None, **freed))


async def _end_task(session: AsyncSession, case: CaseRef, status: str) -> None:
    mine = update(Task).where(Task.instance_id == case.instance_id, Task.kind == CHOOSE_TASK, Task.status == "OPEN")
    await session.execute(mine.values(status=status, done_at=case.now))


async def settle(session: AsyncSession, case: CaseRef, wanted: Settle) -> bool:
    """Carry out what was chosen; whether the receiving school leads the case now."""
    mine = select(Transfer).where(Transfer.instance_id == case.instance_id).order_by(Transfer.id.desc()).limit(1)
    row = (await session.scalars(mine.with_for_update())).one()
    if not await once(session, case.key, "settle_transfer"):
        return bool(row.moved)
    there = replace(case, school_id=wanted.to_school_id)
    by = wanted.by
    row.status, row.settled_at = wanted.choice.value, case.now
    row.chosen_by, row.chosen_role = (by.actor_id, by.role) if by else (None, None)
    row.moved = wanted.choice in MOVES and await _lead_there(session, case, wanted.to_school_id)
    await session.flush()
    await _end_task(session, case, "DONE" if by else "CANCELLED")
    if wanted.choice is TransferChoice.SUPPORT_ONLY and row.moved:
        await _ask(session, there, SUPPORT_TASK, await _due(session, there, SUPPORT_TASK))
    if wanted.choice is TransferChoice.LAPSED or (wanted.choice in MOVES and not row.moved):
        await _ask(session, there, LAPSED_TASK, await _due(session, there, LAPSED_TASK))
    after = {"choice": wanted.choice.value, "moved": row.moved}
    act = Act("settle_transfer", "transfer", row.id, case.student_id, after=after)
    await record(session, case.actor, act, now=case.now)
    return row.moved


async def _due(session: AsyncSession, there: CaseRef, kind: str) -> date:
    return await school_days.day_after(session, there, DUE_IN[kind])


async def _lead_there(session: AsyncSession, case: CaseRef, to_school_id: SchoolId) -> bool:
    """The receiving school leads the case, its file and its tasks, unless a ladder of the same key runs there."""
    instance = (await session.scalars(select(Instance).where(Instance.id == case.instance_id).with_for_update())).one()
    if await running_there(session, instance, to_school_id) is not None:
        return False
    instance.case_id = await _file_there(session, instance, to_school_id)
    instance.lead_school_id, instance.assignee_id = to_school_id, None
    await session.flush()
    tasks = update(Task).where(Task.instance_id == case.instance_id, Task.status == "OPEN")
    await session.execute(tasks.values(school_id=to_school_id, case_id=instance.case_id, assignee_id=None))
    agreed = update(SupportPlan).where(SupportPlan.instance_id == case.instance_id, SupportPlan.status != "ENDED")
    await session.execute(agreed.values(school_id=to_school_id, case_id=instance.case_id))
    await referrals.move(session, instance)
    return True


async def _file_there(session: AsyncSession, instance: Instance, to_school_id: SchoolId) -> UUID:
    """The file goes with the student: it joins the one already open there, or moves unless other walks need it here."""
    before = (await session.scalars(select(CaseFile).where(CaseFile.id == instance.case_id))).one()
    wanted = select(CaseFile).where(
        CaseFile.student_id == instance.student_id, CaseFile.school_id == to_school_id, CaseFile.status == "OPEN"
    )
    there = (await session.scalars(wanted.with_for_update())).one_or_none()
    others = select(func.count()).where(
        Instance.case_id == before.id, Instance.id != instance.id, Instance.closed_at.is_(None)
    )
    if there is None and not (await session.execute(others)).scalar_one():
        before.school_id, before.owner_id = to_school_id, None
        return before.id
    if there is None:
        there = CaseFile(student_id=instance.student_id, school_id=to_school_id, tier=before.tier)
        session.add(there)
    there.tier = max(there.tier, before.tier)
    await session.flush()
    return there.id


async def running_there(session: AsyncSession, instance: Instance, school_id: UUID) -> UUID | None:
    """An open walk of the same student and key that the school leads already."""
    wanted = select(Instance.id).where(
        Instance.student_id == instance.student_id,
        Instance.lead_school_id == school_id,
        Instance.rule_set_key == instance.rule_set_key,
        Instance.enrolment_id.is_not_distinct_from(instance.enrolment_id),
        Instance.closed_at.is_(None),
        Instance.id != instance.id,
    )
    return await session.scalar(wanted)


async def of_instance(session: AsyncSession, instance_id: UUID) -> Transfer:
    """The latest handover of a case."""
    wanted = select(Transfer).where(Transfer.instance_id == instance_id).order_by(Transfer.id.desc()).limit(1)
    found = (await session.scalars(wanted)).one_or_none()
    if found is None:
        raise NotFound("handover_not_found", f"Instance {instance_id} was never handed over to another school.")
    return found


async def choosable(session: AsyncSession, instance: Instance, choice: TransferChoice) -> Transfer:
    """The handover that waits for a choice; refused when another ladder of the key would stand in the way."""
    row = await of_instance(session, instance.id)
    if row.status not in {PENDING, choice.value}:  # the same choice again is answered by the case
        raise Conflict("transfer_settled", f"The handover of instance {instance.id} is {row.status}; nothing waits.")
    there = await running_there(session, instance, row.to_school_id) if choice in MOVES else None
    if there is not None:
        raise Conflict(
            "instance_open",
            f"The student is already on the ladder {instance.rule_set_key} at the receiving school: choose CLOSE.",
            current=str(there),
        )
    return row
