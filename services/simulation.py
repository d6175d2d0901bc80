"""What-if for one student: a stored version or a draft, over the register or pasted days; nothing is written."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import guardian_histories
from models.queries.history import history_of
from models.queries.student_decisions import Moment
from models.students import CareFlag, Exemption, Student
from rules.attendance.codes import Status
from rules.attendance.history import DayBasis, History, ResolvedSession, SchoolSettings, SessionName
from rules.errors import Invalid, NotFound
from rules.rulesets.facts import CaseFacts
from rules.rulesets.guardian_histories import histories
from rules.rulesets.messages import SOURCE
from rules.rulesets.model import RuleSet, Scope
from rules.rulesets.recorded import sentence
from rules.rulesets.ruleset import parse_ruleset
from rules.rulesets.scope import StudentAtSchool, limits_missed
from rules.rulesets.simulation import Assumed, FactsOn, SimulatedStep, measured, simulate
from rules.school_calendar import SchoolCalendar
from services import rulesets
from services.reasoning import explained

MOST_DAYS: Final = 800
ASSUMED: Final = (
    "Every step is approved, taken and delivered on the day it is proposed.",
    "A recommended exit is confirmed at once.",
    "The register counts as it is known now.",
)
PASTED_IS_EVERYBODY: Final = "The rule set's scope is left aside: pasted days have no school, year group or age."


@dataclass(frozen=True, slots=True)
class PastedDay:
    """One day as pasted: a half that is not scheduled is left out."""

    on: date
    am: str | None
    pm: str | None
    am_code: str = ""
    pm_code: str = ""


@dataclass(frozen=True, slots=True)
class Pasted:
    """A made-up register with the school's settings."""

    days: Sequence[PastedDay]
    sessions_per_day: int = 2
    day_basis: str = "SESSIONS"
    code_set: str = "UK"


@dataclass(frozen=True, slots=True)
class Span:
    """The days looked at, both inclusive."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Told:
    """One simulated step in words."""

    step: SimulatedStep
    sentence: str
    leaves: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """The timeline, how far away the entry is on the last day, and on which days the scope leaves the student out."""

    steps: Sequence[Told]
    entry_on_last_day: str
    scope: str


@dataclass(frozen=True, slots=True)
class _Case:
    history: History
    facts_on: FactsOn
    student: StudentAtSchool | None = None
    """Whom the scope is asked about; nobody where the days are pasted."""
    language: str = SOURCE

    def missed(self, scope: Scope, on: date) -> tuple[str, ...]:
        return limits_missed(scope, self.student, on) if self.student else ()


async def ruleset_for(session: AsyncSession, version_id: UUID | None, document: Mapping[str, Any] | None) -> RuleSet:
    """A stored version of any state, or a draft that was never stored."""
    if (version_id is None) == (document is None):
        fields = {"body.version_id": "send this or document", "body.document": "send this or version_id"}
        raise Invalid("ruleset_missing", "Name a stored version or send a document, not both.", fields=fields)
    if document is not None:
        return parse_ruleset(dict(document))
    assert version_id is not None
    return parse_ruleset((await rulesets.get(session, version_id)).row.content)


async def of_student(
    session: AsyncSession,
    who: tuple[UUID, UUID],
    ruleset: RuleSet,
    span: Span,
    *,
    now: datetime,
    language: str = SOURCE,
) -> Simulation:
    """What would have happened to a student at a school under these rules."""
    _check(span)
    student = await session.get(Student, who[0])
    if student is None:
        raise NotFound("student_not_found", f"There is no student {who[0]} here.")
    history = await history_of(session, who[0], who[1], now, span.last)
    whose = StudentAtSchool(who[1], student.year_group, student.dob)
    case = _Case(history, await _facts(session, student, now), whose, language)
    return await asyncio.to_thread(_simulated, ruleset, case, span, now)


async def of_pasted(
    pasted: Pasted, ruleset: RuleSet, span: Span, *, now: datetime, language: str = SOURCE
) -> Simulation:
    """What would happen to a made-up student; nothing is known of them but the register."""
    _check(span)
    sessions = [
        ResolvedSession(day.on, SessionName(half), Status(status), code)
        for day in pasted.days
        for half, status, code in (("AM", day.am, day.am_code), ("PM", day.pm, day.pm_code))
        if status is not None
    ]
    settings = SchoolSettings(
        code_set=pasted.code_set, sessions_per_day=pasted.sessions_per_day, day_basis=DayBasis(pasted.day_basis)
    )
    ordered = tuple(sorted(sessions, key=lambda one: (one.day, one.session)))
    history = History(settings, SchoolCalendar.of({one.day for one in sessions}), ordered)
    case = _Case(history, lambda on, age: CaseFacts(day=on, stage_age=age), language=language)
    return await asyncio.to_thread(_simulated, ruleset, case, span, now)


def _check(span: Span) -> None:
    if not timedelta() <= span.last - span.first < timedelta(days=MOST_DAYS):
        problem = f"at most {MOST_DAYS} days, the first before the last"
        raise Invalid("bad_span", "The span cannot be simulated.", fields={"body.to_date": problem})


async def _facts(session: AsyncSession, student: Student, now: datetime) -> FactsOn:
    guardians = await guardian_histories.liable(session, [student.id], now)
    flags = (await session.scalars(select(CareFlag).where(CareFlag.student_id == student.id))).all()
    mine = select(Exemption).where(Exemption.student_id == student.id, Exemption.withdrawn_at.is_(None))
    exemptions = (await session.scalars(mine.where(Exemption.scope == "stop"))).all()

    def on_day(on: date, age: int | None) -> CaseFacts:
        return CaseFacts(
            day=on,
            stage_age=age,
            birth_date=student.dob,
            year_group=student.year_group,
            care_flags=frozenset(one.kind for one in flags if _covers(one, on)),
            exemption_active=any(_covers(one, on) for one in exemptions),
            reason_accepted=False,
            case_resolved=False,
            artifacts=frozenset(),
            prior_events={},
            guardian_events=histories(guardians.get(student.id, ()), on),
        )

    return on_day


def _covers(dated: CareFlag | Exemption, on: date) -> bool:
    return dated.starts_on <= on and (dated.ends_on is None or on <= dated.ends_on)


def _simulated(ruleset: RuleSet, case: _Case, span: Span, now: datetime) -> Simulation:
    days = (span.first, span.last)
    assumed = Assumed(in_scope=lambda on: not case.missed(ruleset.scope, on))
    steps = simulate(ruleset, case.history, case.facts_on, days, assumed)
    told = [_told(step, case, now) for step in steps]
    return Simulation(told, _entry(ruleset, case, span, now), _scope(ruleset.scope, case, span))


def _scope(scope: Scope, case: _Case, span: Span) -> str:
    if case.student is None:
        return "" if scope == Scope() else PASTED_IS_EVERYBODY
    days = [day for day in case.history.calendar.open_days if span.first <= day <= span.last]
    missed = [limits for day in days if (limits := case.missed(scope, day))]
    if not missed:
        return ""
    named = ", ".join(dict.fromkeys(limit for found in missed for limit in found))
    return f"Outside the rule set's scope ({named}) on {len(missed)} of {len(days)} school days: nothing starts then."


def _told(step: SimulatedStep, case: _Case, now: datetime) -> Told:
    if step.condition is None:
        return Told(step, "", ())
    moment = Moment(step.on, now, step.since)
    found = explained(step.condition, step.metrics, step.facts, case.history, moment, case.language)
    return Told(step, sentence(found), tuple(leaf.data() for leaf in found))


def _entry(ruleset: RuleSet, case: _Case, span: Span, now: datetime) -> str:
    last = case.history.calendar.last_open(span.last)
    if last is None or last < span.first:
        return ""
    day = measured(ruleset, case.history, case.facts_on, last, None)
    return sentence(
        explained(ruleset.entry, day.metrics, day.facts, case.history, Moment(last, now, None), case.language)
    )
