"""Backtests as people deal with them: asked for, listed, cancelled; whom two rule sets treat differently, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.backtests import Backtest, BacktestWalk
from models.people import School
from models.queries.keyset import Window, paged
from models.students import Student
from rules.errors import Conflict, Invalid, NotFound
from rules.ids import SchoolId
from rules.rulesets.backtest_figures import MINUTES
from rules.rulesets.backtests import AT_ONCE, GOING, MOST_DAYS, BacktestStatus, StepChange, bits_of
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import digest, dump_ruleset
from services import outbox, schools, simulation
from services.audit import Act, record
from services.context import Actor
from services.scopes import Scope

START, CANCEL = "backtest.start", "backtest.cancel"


@dataclass(frozen=True, slots=True)
class NamedRules:
    """A stored version of any state, or a document that was never stored."""

    version_id: UUID | None
    document: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class OpenBacktest:
    """One or two rule sets over a span at a school, or (None) at every school; minutes per step where they differ."""

    school_id: UUID | None
    rulesets: Sequence[NamedRules]
    first: date
    last: date
    approval_school_days: int
    minutes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WalkedStudent:
    """A student and what would have happened to them."""

    walk: BacktestWalk
    student: Student


async def begin(session: AsyncSession, actor: Actor, command: OpenBacktest, *, now: datetime) -> Backtest:
    """Store what is asked and hand it to the case engine; nothing about a student is changed by it."""
    _check(command)
    await schools.refuse_without_calendar(session, command.school_id)
    rulesets = [await simulation.ruleset_for(session, one.version_id, one.document) for one in command.rulesets]
    await _refuse_strange_schools(session, rulesets, command.school_id)
    await _refuse_too_many(session, actor)
    row = Backtest(
        school_id=command.school_id,
        asked_by=actor.person_id,
        first_on=command.first,
        last_on=command.last,
        approval_school_days=command.approval_school_days,
        minutes={**MINUTES, **command.minutes},
        rulesets=[_stored(named, found) for named, found in zip(command.rulesets, rulesets, strict=True)],
        created_at=now,
    )
    session.add(row)
    await session.flush()
    told = {"digests": [one["digest"] for one in row.rulesets], "from": str(row.first_on), "to": str(row.last_on)}
    await record(session, actor, Act("run_backtest", "backtest", row.id, after=told), now=now)
    await outbox.enqueue(session, START, f"backtest/{row.id}", {"backtest_id": str(row.id)})
    await session.refresh(row)
    return row


def _stored(named: NamedRules, ruleset: RuleSet) -> dict[str, Any]:
    version = None if named.version_id is None else str(named.version_id)
    content = dump_ruleset(ruleset)
    return {"version_id": version, "key": ruleset.key, "digest": digest(ruleset), "document": content}


def _check(command: OpenBacktest) -> None:
    if not timedelta() <= command.last - command.first < timedelta(days=MOST_DAYS):
        problem = f"at most {MOST_DAYS} days, the first before the last"
        raise Invalid("bad_span", "The span cannot be replayed.", fields={"body.to_date": problem})
    strange = sorted(set(command.minutes) - set(MINUTES))
    if strange:
        problem = f"{', '.join(strange)}: write minutes for {', '.join(MINUTES)}"
        raise Invalid("unknown_step_type", "There is no such kind of step.", fields={"body.minutes": problem})


async def _refuse_strange_schools(session: AsyncSession, rulesets: Sequence[RuleSet], school_id: UUID | None) -> None:
    """A scope without any school that is looked at would answer every question with nobody."""
    for at, ruleset in enumerate(rulesets):
        named = set(ruleset.scope.schools or ())
        here = {school_id} if school_id else set(await session.scalars(select(School.id).where(School.id.in_(named))))
        if named and not named & here:
            place = f"body.rule_sets[{at}].document.scope.schools"
            advice = "name schools of this backtest by their ids (GET /schools), or leave `schools` out"
            raise Invalid(
                "scope_without_schools", "None of the rule set's schools is looked at.", fields={place: advice}
            )


async def _refuse_too_many(session: AsyncSession, actor: Actor) -> None:
    lock = func.pg_advisory_xact_lock(func.hashtext("handrail-backtests"), func.hashtext(str(actor.tenant_id)))
    await session.execute(select(lock))
    going = await session.scalar(select(func.count()).select_from(Backtest).where(Backtest.ended_at.is_(None)))
    if (going or 0) >= AT_ONCE:
        raise Conflict(
            "backtests_going", f"{going} backtests are going already: wait for one, or cancel one, and ask again."
        )


async def get(session: AsyncSession, backtest_id: UUID, *, lock: bool = False) -> Backtest:
    """One backtest."""
    found = await session.get(Backtest, backtest_id, with_for_update=lock)
    if found is None:
        raise NotFound("backtest_not_found", f"There is no backtest {backtest_id} here.")
    return found


async def listed(
    session: AsyncSession, within: frozenset[SchoolId] | None, status: BacktestStatus | None, window: Window
) -> Sequence[Backtest]:
    """A page of the backtests of these schools (None: all, those of the whole tenant too), the latest first."""
    wanted = select(Backtest)
    if within is not None:
        wanted = wanted.where(Backtest.school_id.in_(within))
    if status is not None:
        wanted = wanted.where(Backtest.status == status)
    return (await session.scalars(paged(wanted, (Backtest.created_at, Backtest.id), window, latest_first=True))).all()


async def cancel(session: AsyncSession, actor: Actor, backtest_id: UUID, reason: str, *, now: datetime) -> Backtest:
    """End it at once: what was walked so far is deleted, and nothing more is written."""
    row = await get(session, backtest_id, lock=True)
    if row.status not in GOING:
        raise Conflict("backtest_ended", f"Backtest {row.id} is {row.status} already: there is nothing to cancel.")
    before = {"status": row.status, "students_done": row.students_done}
    row.status, row.ended_at, row.ended_by = BacktestStatus.CANCELLED, now, actor.person_id
    await session.execute(delete(BacktestWalk).where(BacktestWalk.backtest_id == row.id))
    await session.flush()
    after = {"status": row.status}
    act = Act("cancel_backtest", "backtest", row.id, reason=reason, before=before, after=after)
    await record(session, actor, act, now=now)
    await outbox.enqueue(session, CANCEL, f"backtest/{row.id}", {"backtest_id": str(row.id)})
    return row


async def students(
    session: AsyncSession, row: Backtest, scope: Scope, change: StepChange | None, window: Window
) -> Sequence[WalkedStudent]:
    """A page of those with any step under a rule set; `change`: only those whom the second treats so."""
    if row.status != BacktestStatus.FINISHED:
        raise Conflict("backtest_not_finished", f"Backtest {row.id} is {row.status}: it names nobody yet.")
    if change is not None and len(row.rulesets) == 1:
        problem = {"query.change": "leave it out, or ask for a backtest with two rule sets"}
        raise Invalid("one_rule_set", "With one rule set nobody is added or dropped.", fields=problem)
    wanted = select(BacktestWalk, Student).join(Student, Student.id == BacktestWalk.student_id)
    wanted = wanted.where(BacktestWalk.backtest_id == row.id, Student.erased_at.is_(None))
    wanted = wanted.where(*scope.rows(BacktestWalk.school_id, BacktestWalk.student_id))
    wanted = wanted.where(BacktestWalk.stepped > 0 if change is None else BacktestWalk.stepped == bits_of(change))
    order = (BacktestWalk.student_id, BacktestWalk.school_id)
    return [WalkedStudent(*found) for found in await session.execute(paged(wanted, order, window))]


async def school_names(session: AsyncSession, rows: Sequence[Backtest]) -> dict[str, str]:
    """The names of the schools that these backtests or their figures tell of, by id."""
    told = {row.school_id for row in rows if row.school_id}
    figured = {
        group["value"] for row in rows for group in (row.figures or {}).get("groups", ()) if group["by"] == "school"
    }
    ids = told | {UUID(one) for one in figured}
    named = await session.execute(select(School.id, School.name).where(or_(School.id.in_(ids))))
    return {str(school_id): name for school_id, name in named}
