"""The facts of a case on one day, as conditions ask for them (attendance.md S10)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance
from models.people import School
from models.queries import calendar, case_facts, guardian_histories
from models.students import Student
from rules.attendance.codes import family_exclusions
from rules.rulesets.conditions import leaves
from rules.rulesets.evaluation import Metrics, comparison_of, holds
from rules.rulesets.facts import CaseFacts
from rules.rulesets.guardian_histories import histories
from rules.rulesets.metrics import MetricKey, WindowKind
from rules.rulesets.model import RuleSet
from rules.school_calendar import months_window_start
from services.context import CaseRef

LONGEST_RUN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """The moment the facts are about, and what the entry rested on (its metrics name the absences to be excused).

    `today` is the day of a decision: the register is that of `on`, but an exemption in force today counts today.
    """

    on: date
    known_at: datetime
    metrics: Metrics
    today: date | None = None
    decided_at: datetime | None = None
    """When a step was decided whose basis is looked at again: its stage is the one the case stood on then."""


async def gather(session: AsyncSession, case: CaseRef, ruleset: RuleSet, asked: Asked) -> CaseFacts:
    """Read every fact once; what is not recorded is unknown and decides nothing."""
    student = (await session.scalars(select(Student).where(Student.id == case.student_id))).one()
    school = (await session.scalars(select(School).where(School.id == case.school_id))).one()
    instance = await session.get(Instance, case.instance_id)
    events = await case_facts.event_dates(session, case.student_id, school.timezone, asked.known_at)
    liable = await guardian_histories.liable(session, [case.student_id], asked.known_at)
    return CaseFacts(
        day=asked.on,
        stage_age=await _stage_age(session, case, instance, asked),
        birth_date=student.dob,
        year_group=student.year_group,
        care_flags=frozenset(kind.lower() for kind in await case_facts.flags(session, case.student_id, asked.on)),
        exemption_active=await _exempt(session, case, asked),
        reason_accepted=await _reasons(session, case, ruleset, school, asked),
        case_resolved=await case_facts.resolved(session, instance) if instance else None,
        artifacts=await case_facts.artifact_kinds(session, case.instance_id) if instance else None,
        prior_events=events,
        guardian_events=histories(liable.get(case.student_id, ()), asked.on),
        school_year_start=year_start(school.year_start, asked.on),
    )


async def _exempt(session: AsyncSession, case: CaseRef, asked: Asked) -> bool:
    days = {asked.on, asked.today or asked.on}
    return any([await case_facts.exempt(session, case.student_id, day) for day in days])


def year_start(month_day: str, on: date) -> date:
    """The latest start of the school year on or before a day (S5.5)."""
    month, day = (int(part) for part in month_day.split("-"))
    this = date(on.year, month, day)
    return this if this <= on else date(on.year - 1, month, day)


async def _stage_age(session: AsyncSession, case: CaseRef, instance: Instance | None, asked: Asked) -> int | None:
    if instance is None:
        return None
    at = instance.last_stage_at
    if asked.decided_at is not None:
        at = await case_facts.stage_entered_before(session, instance.id, asked.decided_at)
    if at is None:
        return None
    entered = await calendar.local_date(session, case.school_id, at)
    return await case_facts.open_days_since(session, case.school_id, entered, asked.on)


async def _reasons(session: AsyncSession, case: CaseRef, ruleset: RuleSet, school: School, asked: Asked) -> bool | None:
    """Accepted reasons cover every absence the entry counts: the longest window among its leaves that hold."""
    starts = [await _window_start(session, case, school, key, asked.on) for key in _fired_keys(ruleset, asked.metrics)]
    if not starts:
        return None
    excluded = sorted(family_exclusions(school.code_set))
    who = (case.student_id, case.school_id)
    return await case_facts.reasons_accepted(session, who, (min(starts), asked.on), asked.known_at, excluded)


def _fired_keys(ruleset: RuleSet, metrics: Metrics) -> list[MetricKey]:
    fired = [leaf for leaf in leaves(ruleset.entry) if leaf.is_metric() and holds(comparison_of(leaf), metrics)]
    return [key for leaf in fired for key in comparison_of(leaf).keys() if isinstance(key, MetricKey)]  # noqa: SIM118 - a method of ours


async def _window_start(session: AsyncSession, case: CaseRef, school: School, key: MetricKey, on: date) -> date:
    year = year_start(school.year_start, on)
    match key.window.kind:
        case WindowKind.CALENDAR:
            return max(year, date.fromordinal(on.toordinal() - key.window.n + 1))
        case WindowKind.MONTHS:
            return max(year, months_window_start(on, key.window.n))
        case WindowKind.SCHOOL | WindowKind.RUN:
            many = key.window.n or LONGEST_RUN_DAYS
            days = await calendar.open_days_between(session, case.school_id, year, on)
            return days[-many:][0] if days else year
        case _:
            return year
