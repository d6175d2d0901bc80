"""Events of the register that open duties: a name taken off the roll, a leader's opinion, a suspension."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.duties import Duty as DutyRecord
from models.instances import CaseFile
from models.people import School
from models.queries import calendar
from models.queries import duties as queries
from models.rulesets import RuleSetVersion
from models.students import Student
from rules.duties.words import LEADERS, OF_THE_CALENDAR, RegisterEvent
from rules.errors import Conflict, Forbidden, Invalid
from rules.rulesets.law import Duty
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import digest as digest_of
from rules.rulesets.ruleset import parse_ruleset
from rules.rulesets.scope import StudentAtSchool, reaches
from services import duties, ruleset_places, schools
from services.context import Actor
from services.duty_pass import Pass, announce, deadlines

BY_LEADERS = frozenset({RegisterEvent.PRINCIPAL_OPINION_IRREGULAR})
"""What the law leaves to the head's own opinion."""


@dataclass(frozen=True, slots=True)
class RaiseEvent:
    """Something happened to a student at a school on a day; a person says so, with the reason."""

    student_id: UUID
    school_id: UUID
    event: RegisterEvent
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class _Arises:
    """One duty of one student by an event; `by` and `reason` where a person said so."""

    ruleset: RuleSet
    duty: Duty
    student_id: UUID | None
    on: date
    by: UUID | None = None
    reason: str | None = None


async def raised(session: AsyncSession, actor: Actor, command: RaiseEvent, *, now: datetime) -> list[DutyRecord]:
    """The duties that arise from it, old and new; refused where no active rule set asks for any."""
    if command.event in BY_LEADERS and actor.role not in LEADERS:
        raise Forbidden("leader_only", "The law asks for the head's own opinion: ask a leader to record it.")
    if command.event in OF_THE_CALENDAR:
        told = {"body.event": "the calendar tells this by itself"}
        raise Invalid("event_unrecorded", f"{command.event} is not written down by hand.", fields=told)
    school = await schools.of_id(session, command.school_id)
    today = await calendar.local_date(session, school.id, now)
    if not today - timedelta(days=366) <= command.on <= today:
        told = {"body.on": f"a day of the last year, not after {today}"}
        raise Invalid("event_day", "The event lies in the future, or too far back.", fields=told)
    wanted = [
        _Arises(ruleset, duty, command.student_id, command.on, actor.person_id, command.reason)
        for ruleset, duty in await _asking(session, command)
    ]
    if not wanted:
        raise Conflict(
            "no_duty_asks",
            f"No active rule set for this student opens a duty on {command.event}: activate your pack first.",
        )
    found = [await _arisen(session, actor, school, one, now=now) for one in wanted]
    return [row for row, _ in found]


async def _asking(session: AsyncSession, command: RaiseEvent) -> list[tuple[RuleSet, Duty]]:
    student = (await session.scalars(select(Student).where(Student.id == command.student_id))).one()
    about = StudentAtSchool(command.school_id, student.year_group, student.dob)
    active = select(RuleSetVersion.content).where(RuleSetVersion.status == "ACTIVE").order_by(RuleSetVersion.id)
    rulesets = [parse_ruleset(content) for content in await session.scalars(active)]
    return [
        (ruleset, duty)
        for ruleset in rulesets
        if reaches(ruleset.scope, about, command.on)
        and await ruleset_places.opens(session, ruleset, command.school_id, command.on)
        for duty in ruleset.duties
        if duty.on_event == command.event
    ]


async def removals(run: Pass, actor: Actor, school: School) -> int:
    """Names taken off the roll since the rule set was first active; how many duties were opened."""
    asking = [duty for duty in run.ruleset.duties if duty.on_event == RegisterEvent.REMOVED_FROM_REGISTER]
    if not asking:
        return 0
    asked: dict[str, Any] = {
        "school": school.id,
        "day": run.given["day"],
        "since": await _first_active(run, school),
        "year_start": school.year_start,
    }
    made = 0
    for row in (await run.session.execute(queries.REMOVED, asked)).all():
        about = StudentAtSchool(school.id, row.year_group, row.dob)
        if not reaches(run.ruleset.scope, about, row.end_date):
            continue
        for duty in asking:
            arises = _Arises(run.ruleset, duty, row.student_id, row.end_date)
            made += (await _arisen(run.session, actor, school, arises, now=run.given["now"]))[1]
    return made


async def year_ends(run: Pass, actor: Actor, school: School) -> int:
    """What a school owes after the end of its school year, once; how many were opened."""
    asking = [duty for duty in run.ruleset.duties if duty.on_event == RegisterEvent.SCHOOL_YEAR_ENDED]
    if not asking:
        return 0
    asked: dict[str, Any] = {"school": school.id, "day": run.given["day"], "year_start": school.year_start}
    ended: date | None = await run.session.scalar(queries.YEAR_ENDED, asked)
    if ended is None or ended < await _first_active(run, school):
        return 0
    arising = [_Arises(run.ruleset, duty, None, ended) for duty in asking]
    return sum([(await _arisen(run.session, actor, school, one, now=run.given["now"]))[1] for one in arising])


async def _first_active(run: Pass, school: School) -> date:
    at = await run.session.scalar(queries.FIRST_ACTIVE, {"key": run.ruleset.key})
    return await calendar.local_date(run.session, school.id, at)


async def _arisen(
    session: AsyncSession, actor: Actor, school: School, one: _Arises, *, now: datetime
) -> tuple[DutyRecord, bool]:
    """The duty of this event and day, and whether it is new."""
    until = await deadlines(session, school, one.on, now=now)
    made = await session.scalar(
        insert(DutyRecord)
        .values(
            student_id=one.student_id,
            school_id=school.id,
            case_id=await _case(session, one.student_id, school.id) if one.student_id else None,
            rule_set_key=one.ruleset.key,
            digest=digest_of(one.ruleset),
            duty_key=one.duty.key,
            effect=one.duty.effect,
            cite=one.duty.cite,
            title=one.duty.title,
            report_to=one.duty.recipient,
            event=one.duty.on_event,
            tripped_on=one.on,
            known_at=now,
            checked_at=now,
            opened_at=now,
            opened_by=one.by,
            said=one.reason,
            due_on=until.of(one.duty, one.on),
        )
        .on_conflict_do_nothing()
        .returning(DutyRecord.id)
    )
    if made is None:
        same = select(DutyRecord).where(
            DutyRecord.student_id.is_not_distinct_from(one.student_id),
            DutyRecord.school_id == school.id,
            DutyRecord.rule_set_key == one.ruleset.key,
            DutyRecord.duty_key == one.duty.key,
            DutyRecord.tripped_on == one.on,
            DutyRecord.event.is_not(None),
        )
        return (await session.scalars(same)).one(), False
    row = await duties.get(session, made)
    await announce(session, actor, row, None, now=now)
    return row, True


async def _case(session: AsyncSession, student_id: UUID, school_id: UUID) -> UUID:
    who = {"student_id": student_id, "school_id": school_id}
    await session.execute(insert(CaseFile).values(**who).on_conflict_do_nothing())
    mine = select(CaseFile.id).where(
        CaseFile.student_id == student_id, CaseFile.school_id == school_id, CaseFile.status == "OPEN"
    )
    return (await session.scalars(mine)).one()
