"""A backtest as the worker carries it out: some students at a time, each written once, then the figures of all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bulk.people import Dated, Profile
from models.backtests import Backtest, BacktestWalk
from models.queries import backtests as queries
from models.queries import guardian_histories, protected_attributes
from models.queries.backtests import Span
from models.session import Sessions
from models.students import CareFlag, Exemption, Student
from rules.rulesets.backtest_figures import ENTERING, Event, Frame, Person, Run, document
from rules.rulesets.backtests import LOOKS_BACK_DAYS, BacktestStatus, stepped
from rules.rulesets.ruleset import parse_ruleset
from rules.rulesets.simulation import Happened
from services import backtests
from services.audit import Act, record
from services.backtest_parts import Part, Step, Walked
from services.context import Actor

AT_A_TIME: Final = 250
"""Students read, walked and written together: a second or two of work, so that a cancelled backtest ends soon."""
Threaded = Callable[[Callable[[], Walked]], Awaitable[Walked]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which backtest, and one school of it."""

    backtest_id: UUID
    school_id: UUID


async def plan(session: AsyncSession, backtest_id: UUID, *, now: datetime) -> list[UUID] | None:
    """Begin: count who is to be walked, and name the schools; None when it has ended already."""
    row = await backtests.get(session, backtest_id, lock=True)
    if row.ended_at is not None:
        return None
    found = await queries.on_roll(session, row.school_id, _span(row))
    if row.status == BacktestStatus.WAITING:
        row.status, row.started_at, row.students_total = BacktestStatus.RUNNING, now, sum(found.values())
    return list(found)


async def walk_school(sessions: Sessions, actor: Actor, asked: Asked, run: Threaded, *, now: datetime) -> bool:
    """Walk whoever of the school has no walk yet; False as soon as the backtest has ended."""
    while True:
        async with sessions.tenant(actor.tenant_id) as session:
            row = await backtests.get(session, asked.backtest_id)
            if row.ended_at is not None:
                return False
            part = await _part(session, row, asked.school_id, now)
        if not part.students:
            return True
        walked = await run(partial(_walk, part))
        async with sessions.tenant(actor.tenant_id) as session:
            if not await _write(session, asked, walked):
                return False


def _walk(part: Part) -> Walked:
    """Loaded here: what every process of ours imports at its start is memory of all of them, and this has numpy."""
    walked: Walked = import_module("services.backtest_replays").walk_part(part)
    return walked


async def _part(session: AsyncSession, row: Backtest, school_id: UUID, now: datetime) -> Part:
    span = _span(row)
    students = await queries.not_walked(session, row.id, school_id, span, many=AT_A_TIME)
    rulesets = [parse_ruleset(one["document"]) for one in row.rulesets]
    pooled = any(key.pooled for ruleset in rulesets for key in ruleset.metric_keys())
    schools = await queries.schools_of(session, students) if pooled else [school_id]
    tables = await queries.register(session, students, schools, span) if students else {}
    known = await profiles(session, students, now)
    return Part(school_id, students, rulesets, tables, known, span, row.approval_school_days)


async def profiles(session: AsyncSession, students: Sequence[UUID], now: datetime) -> dict[str, Profile]:
    """What rules may ask about each student beside the register, by id."""
    rows = (await session.scalars(select(Student).where(Student.id.in_(students)))).all()
    flags = await _dated(session, select(CareFlag).where(CareFlag.student_id.in_(students)), lower=True)
    stopped = select(Exemption).where(Exemption.student_id.in_(students), Exemption.withdrawn_at.is_(None))
    exempt = await _dated(session, stopped.where(Exemption.scope == "stop"), lower=False)
    liable = await guardian_histories.liable(session, students, now)
    return {
        str(row.id): Profile(
            row.dob,
            row.year_group,
            tuple(flags.get(row.id, ())),
            tuple(exempt.get(row.id, ())),
            tuple(liable.get(row.id, ())),
        )
        for row in rows
    }


async def _dated(session: AsyncSession, wanted: Any, *, lower: bool) -> dict[UUID, list[Dated]]:
    found: dict[UUID, list[Dated]] = {}
    for row in await session.scalars(wanted):
        kind = row.kind.lower() if lower else row.kind
        found.setdefault(row.student_id, []).append((kind, row.starts_on, row.ends_on))
    return found


async def _write(session: AsyncSession, asked: Asked, walked: Walked) -> bool:
    """Each student once, whoever walked them; nothing at all once the backtest has ended."""
    row = await backtests.get(session, asked.backtest_id, lock=True)
    if row.ended_at is not None:
        return False
    mine = [BacktestWalk.backtest_id == row.id, BacktestWalk.school_id == asked.school_id]
    written = select(func.count()).where(*mine, BacktestWalk.student_id.in_(walked.steps))
    if await session.scalar(written):
        return True  # another try of this activity was quicker
    values = [_row(asked, student, steps) for student, steps in walked.steps.items()]
    await session.execute(insert(BacktestWalk), values)
    row.students_done += len(values)
    row.student_days += walked.student_days
    return True


def _row(asked: Asked, student_id: UUID, steps: Sequence[Sequence[Step]]) -> dict[str, Any]:
    bits = stepped([any(step[1] in ENTERING for step in one) for one in steps])
    return {
        "backtest_id": asked.backtest_id,
        "student_id": student_id,
        "school_id": asked.school_id,
        "stepped": bits,
        "steps": [list(one) for one in steps],
    }


async def sum_up(session: AsyncSession, actor: Actor, backtest_id: UUID, *, now: datetime) -> BacktestStatus:
    """Count everything once all are walked; the figures are those of a folder's backtest."""
    row = await backtests.get(session, backtest_id, lock=True)
    if row.ended_at is not None:
        return BacktestStatus(row.status)
    people, events = await _everybody(session, row)
    runs = [Run(parse_ruleset(one["document"]), said) for one, said in zip(row.rulesets, events, strict=True)]
    frame = Frame(row.first_on, row.last_on, people, row.student_days, row.approval_school_days, row.minutes)
    row.figures = await asyncio.to_thread(document, frame, runs)
    row.status, row.ended_at = BacktestStatus.FINISHED, now
    row.students_done = row.students_total = len(people)
    await session.flush()
    after = {"status": row.status, "students": len(people)}
    await record(session, actor, Act("finish_backtest", "backtest", row.id, after=after), now=now)
    return BacktestStatus.FINISHED


async def give_up(
    session: AsyncSession, actor: Actor, backtest_id: UUID, problem: str, *, now: datetime
) -> BacktestStatus:
    """It cannot come to an end: say why, and keep nothing of it."""
    row = await backtests.get(session, backtest_id, lock=True)
    if row.ended_at is not None:
        return BacktestStatus(row.status)
    row.status, row.ended_at, row.problem = BacktestStatus.FAILED, now, problem
    await session.execute(delete(BacktestWalk).where(BacktestWalk.backtest_id == row.id))
    await session.flush()
    act = Act("fail_backtest", "backtest", row.id, reason=problem, after={"status": row.status})
    await record(session, actor, act, now=now)
    return BacktestStatus.FAILED


async def _everybody(session: AsyncSession, row: Backtest) -> tuple[list[Person], list[list[Event]]]:
    wanted = select(BacktestWalk, Student.year_group, Student.home_language).join(
        Student, Student.id == BacktestWalk.student_id
    )
    wanted = wanted.where(BacktestWalk.backtest_id == row.id)
    found = (await session.execute(wanted.order_by(BacktestWalk.student_id, BacktestWalk.school_id))).all()
    beside = await protected_attributes.of_walked(session, row.id)
    people: list[Person] = []
    events: list[list[Event]] = [[] for _ in row.rulesets]
    for number, (walk, year_group, language) in enumerate(found):
        groups = {"school": str(walk.school_id), "year_group": year_group or "", "home_language": language or ""}
        people.append(Person(str(walk.student_id), groups | beside.get(walk.student_id, {})))
        for at, steps in enumerate(walk.steps):
            events[at] += [_event(number, step) for step in steps]
    return people, events


def _event(number: int, step: Step) -> Event:
    on, what, stage, acts = step
    assert on is not None
    acts_on = None if acts is None else date.fromisoformat(acts)
    return Event(number, date.fromisoformat(on), Happened(what or ""), stage, acts_on)


def _span(row: Backtest) -> Span:
    return Span(row.first_on, row.last_on, row.first_on - timedelta(days=LOOKS_BACK_DAYS))
