"""The end of the school year: the proposal for each running case, what was chosen, and the summary of a closed one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from models.instances import Contact, Event, Instance, Task
from models.meetings import Meeting
from models.people import School
from models.queries import calendar
from models.queries.absences import Whose, attended_of_possible
from models.queries.year_ends import NEARS
from models.rows import affected
from models.year_ends import YearEnd
from rules.errors import Conflict, NotFound
from rules.ladder.commands import Command
from rules.ladder.events import EventType
from rules.ladder.words import YearEndChoice
from services import endings, school_days
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import CaseRef
from services.effects import once
from services.facts import year_start

SCHOOL_DAYS_BEFORE: Final = 20
LONGEST_BEFORE: Final = 120
QUIET_SCHOOL_DAYS: Final = 5
WITHOUT_CALENDAR: Final = timedelta(days=42)
REVIEW_SCHOOL_DAYS: Final = 10
CHOOSE_TASK, REVIEW_TASK = "choose_year_end", "review_in_autumn"
PENDING: Final = "PENDING"
TITLES: Final = {
    CHOOSE_TASK: "The school year ends: choose whether the case is carried on, closed with a summary or reviewed",
    REVIEW_TASK: "A case from last school year is on hold: look at it with the family's new year in mind, then resume",
}
ASKED_OF: Final = "attendance_officer"
ARRIVED: Final = ("SENT", "DELIVERED")


@dataclass(frozen=True, slots=True)
class Settle:
    """What becomes of a case; `by` chose it, or None when it happens by itself. `put_down` = nothing of it that still
    waits to be sent goes out.
    """

    begins: date
    choice: YearEndChoice
    by: Command | None
    put_down: bool


@dataclass(frozen=True, slots=True)
class Began:
    """The new year's first open day, and from when it says enough to judge a case by."""

    first_open: date
    quiet_until: datetime


async def tell_nearing(session: AsyncSession, instance_ids: Sequence[UUID], day: date) -> int:
    """Tell those of these open cases whose school has at most 20 school days left after `day`; how many."""
    asked = {"instances": list(instance_ids), "day": day, "days": LONGEST_BEFORE, "school_days": SCHOOL_DAYS_BEFORE}
    return affected(await session.execute(NEARS, asked)) if instance_ids else 0


async def ask(session: AsyncSession, case: CaseRef, begins: date) -> datetime:
    """Show the proposal and ask whoever looks after the case; the instant at which the new year begins."""
    if await once(session, case.key, "ask_year_end"):
        today = await school_days.today(session, case)
        left = await calendar.open_days_between(session, case.school_id, today, begins - timedelta(days=1))
        decide_by = left[-1] if left else max(today, begins - timedelta(days=1))
        ids = {"instance_id": case.instance_id, "student_id": case.student_id}
        new = insert(YearEnd).values(**ids, begins=begins, opened_at=case.now, decide_by=decide_by)
        made = await session.scalar(new.returning(YearEnd.id))
        await open_task(session, case, NewTask(CHOOSE_TASK, TITLES[CHOOSE_TASK], decide_by, str(begins), ASKED_OF))
        after = {"begins": begins, "decide_by": decide_by}
        act = Act("ask_year_end", "year_end", made, case.student_id, after=after)
        await record(session, case.actor, act, now=case.now)
    return await school_days.start_of(session, case, begins)


async def settle(session: AsyncSession, case: CaseRef, wanted: Settle) -> Began:
    """Write down what became of the case, and do what goes with it."""
    days = await calendar.open_days_from(session, case.school_id, wanted.begins, REVIEW_SCHOOL_DAYS)
    if await once(session, case.key, "settle_year_end"):
        row = await _row(session, case.instance_id, wanted.begins)
        row.status, row.settled_at = wanted.choice.value, case.now
        row.chosen_by, row.chosen_role = (wanted.by.actor_id, wanted.by.role) if wanted.by else (None, None)
        if wanted.choice is YearEndChoice.CLOSE_WITH_SUMMARY:
            row.summary = await _summary(session, case, wanted.begins)
        await session.flush()
        if wanted.put_down:
            await endings.put_away(session, case, "year_ended")
        await _end_task(session, case, "DONE" if wanted.by else "CANCELLED")
        if wanted.choice is YearEndChoice.REVIEW_IN_AUTUMN:
            due = days[-1] if days else wanted.begins + WITHOUT_CALENDAR
            await open_task(session, case, NewTask(REVIEW_TASK, TITLES[REVIEW_TASK], due, str(row.begins), ASKED_OF))
        after = {"choice": wanted.choice.value, "begins": wanted.begins}
        act = Act("settle_year_end", "year_end", row.id, case.student_id, after=after)
        await record(session, case.actor, act, now=case.now)
    first_open = days[0] if days else wanted.begins
    enough = days[QUIET_SCHOOL_DAYS] if len(days) > QUIET_SCHOOL_DAYS else wanted.begins + WITHOUT_CALENDAR
    return Began(first_open, await school_days.start_of(session, case, enough))


async def _row(session: AsyncSession, instance_id: UUID, begins: date) -> YearEnd:
    mine = select(YearEnd).where(YearEnd.instance_id == instance_id, YearEnd.begins == begins)
    return (await session.scalars(mine.with_for_update())).one()


async def _end_task(session: AsyncSession, case: CaseRef, status: str) -> None:
    mine = update(Task).where(Task.instance_id == case.instance_id, Task.kind == CHOOSE_TASK, Task.status == "OPEN")
    await session.execute(mine.values(status=status, done_at=case.now))


async def _summary(session: AsyncSession, case: CaseRef, begins: date) -> dict[str, Any]:
    """What was done and how attendance was in the year that ends: counts, days and rungs, nobody's words."""
    last = begins - timedelta(days=1)
    school = await session.get_one(School, case.school_id)
    first = year_start(school.year_start, last)
    whose = Whose(case.student_id, case.school_id, case.now)
    attended, possible = await attended_of_possible(session, whose, first, last)
    taken = select(Event.stage_key).where(
        Event.instance_id == case.instance_id, Event.type == EventType.STEP_TAKEN.value, Event.stage_key.is_not(None)
    )
    spoken = select(func.count(), func.count().filter(Contact.reached)).where(Contact.instance_id == case.instance_id)
    contacts, reached = (await session.execute(spoken)).one()
    sent = select(func.count()).where(
        Message.instance_id == case.instance_id, Message.kind == "LETTER", Message.status.in_(ARRIVED)
    )
    held = select(func.count()).where(Meeting.instance_id == case.instance_id, Meeting.status == "HELD")
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "steps": list((await session.scalars(taken.order_by(Event.occurred_at, Event.id))).all()),
        "letters": await session.scalar(sent),
        "contacts": contacts,
        "contacts_reached": reached,
        "meetings_held": await session.scalar(held),
        "attended_sessions": attended,
        "possible_sessions": possible,
    }


async def of_instance(session: AsyncSession, instance_id: UUID) -> YearEnd:
    """The latest year's end that a case was asked about."""
    wanted = select(YearEnd).where(YearEnd.instance_id == instance_id).order_by(YearEnd.begins.desc()).limit(1)
    found = (await session.scalars(wanted)).one_or_none()
    if found is None:
        raise NotFound("year_end_not_found", f"Instance {instance_id} was not asked about the end of a school year.")
    return found


async def choosable(session: AsyncSession, instance: Instance) -> YearEnd:
    """The proposal that is open; refused once the new year has begun."""
    row = await of_instance(session, instance.id)
    if row.status != PENDING:
        message = f"The year that ended before {row.begins} is settled for instance {instance.id}: {row.status}."
        raise Conflict("year_end_settled", message)
    return row
