"""What a nightly pass does about duties: opens and ends them, looks again after corrections, and reminds."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.duties import Duty as DutyRecord
from models.people import School
from models.queries import calendar
from models.queries import duties as queries
from models.queries.nightly import Compiled, for_listed, reaching, statement_of
from rules.duties.deadlines import LEADER_FROM_REMINDER, due_on, forthwith, reminders_due
from rules.duties.words import DutyBasis, DutyEffect, DutyState
from rules.rulesets.conditions import Condition, metric_keys
from rules.rulesets.explanation import Wording, explain
from rules.rulesets.facts import NO_FACTS
from rules.rulesets.law import Duty
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from services import duties, pack_recalls
from services.context import Actor
from services.duties import BASIS_TASK, LEADER, OFFICE, REMINDER, TASK, DutyTask, News, next_school_day
from services.facts import year_start

FAR: Final = timedelta(days=800)
"""How far a school's calendar is read for a deadline: two school years."""
TITLES: Final[Mapping[DutyEffect, str]] = {
    DutyEffect.TASK: "Do what the law asks",
    DutyEffect.REPORT: "Report to the authority",
    DutyEffect.BLOCK: "Settle what keeps the next steps back",
}


class Pass(Protocol):
    """One version over one school with everything its statements take (services/nightly.py)."""

    @property
    def session(self) -> AsyncSession: ...
    @property
    def ruleset(self) -> RuleSet: ...
    @property
    def given(self) -> dict[str, Any]: ...

    async def decide(self, compiled: Compiled, **subjects: object) -> int: ...


@dataclass(frozen=True, slots=True)
class Deadlines:
    """A school's open days around a day, and the local day on which something becomes known."""

    open_days: Sequence[date]
    year_ends: date | None
    opened_on: date

    def of(self, duty: Duty, start: date) -> date:
        """The last day in time for a duty that arose on `start`."""
        ends = duty.deadline.starts == "school_year_end"
        due = due_on(duty.deadline, (self.year_ends or start) if ends else start, self.open_days)
        return forthwith(duty.deadline, due, self.opened_on)


async def deadlines(session: AsyncSession, school: School, day: date, *, now: datetime) -> Deadlines:
    """What deadlines of duties that arise at a school on a day are counted with."""
    begins = year_start(school.year_start, day)
    days = await calendar.open_days_between(session, school.id, begins, day + FAR)
    ends = year_start(school.year_start, begins + timedelta(days=370))
    this_year = [one for one in days if one < ends]
    today = await calendar.local_date(session, school.id, now)
    return Deadlines([one for one in days if one >= day], this_year[-1] if this_year else None, today)


def judged(ruleset: RuleSet) -> Iterator[tuple[int, Duty, Condition]]:
    """The duties with a condition, each with its bit in `duties_true`."""
    owed = ((duty, duty.when) for duty in ruleset.duties if duty.when is not None)
    return ((bit, duty, when) for bit, (duty, when) in enumerate(owed))


async def opened(run: Pass, actor: Actor, school: School) -> int:
    """Everybody scheduled: what arises opens once, what is false again may arise anew; how many were opened."""
    asked = {"school": school.id, "digest": run.given["digest"], "day": run.given["day"]}
    if not run.ruleset.duties or await run.session.scalar(queries.LATER, asked):
        return 0
    day, now = run.given["day"], run.given["now"]
    until = await deadlines(run.session, school, day, now=now)
    made = 0
    for bit, duty, when in judged(run.ruleset):
        keys = metric_keys(when)
        given = run.given | {
            "bit": bit,
            "duty": duty.key,
            "effect": duty.effect,
            "cite": duty.cite,
            "title": duty.title,
            "report_to": duty.recipient,
            "mine": [str(key) for key in keys],
            "due": until.of(duty, day),
        }
        await run.session.execute(statement_of(queries.END), given)
        await run.session.execute(statement_of(queries.OPEN_CASES), given)
        rows = (await run.session.scalars(statement_of(queries.OPEN), given)).all()
        for duty_id in rows:
            await announce(run.session, actor, await duties.get(run.session, duty_id), when, now=now)
        made += len(rows)
    return made


async def announce(
    session: AsyncSession, actor: Actor, row: DutyRecord, when: Condition | None, *, now: datetime
) -> None:
    """Say in words why it arose, open its task and tell whoever listens."""
    if when is not None:
        row.said = _sentence(when, row.metrics)
    title = f"{row.title or TITLES[DutyEffect(row.effect)]} ({row.cite})"
    await duties.open_task(session, actor, row, DutyTask(TASK, title, OFFICE, row.due_on), now=now)
    after = {"duty_key": row.duty_key, "due_on": row.due_on, "tripped_on": row.tripped_on}
    await duties.tell(session, actor, row, News("DUTY_OPENED", "open_duty", row.event, after=after), now=now)


def _sentence(when: Condition, values: Mapping[str, int | None]) -> str:
    """The leaves that hold, in words; never a code or a reason."""
    metrics: dict[MetricKey, int | None] = {key: values.get(str(key)) for key in metric_keys(when)}
    return "; ".join(dict.fromkeys(leaf.sentence for leaf in explain(when, metrics, NO_FACTS, Wording()) if leaf.truth))


async def looked_again(run: Pass, actor: Actor, school_id: UUID) -> int:
    """Duties whose register was corrected since: does the condition still hold for its own day; how many lost it."""
    if not run.ruleset.duties:
        return 0
    touched = await _corrected(run, school_id)
    bits = {duty.key: bit for bit, duty, _ in judged(run.ruleset)}
    lost = 0
    for day, rows in touched.items():
        students = sorted({row.student_id for row in rows})
        schools, steps = [school_id] * len(students), [None] * len(students)
        await run.decide(for_listed(run.ruleset), day=day, students=students, schools=schools, steps=steps)
        found = await run.session.execute(queries.TRUE_THEN)
        true_then = {row.student_id: row.duties_true for row in found}
        for row in rows:
            holds = bool(true_then.get(row.student_id, 0) >> bits[row.duty_key] & 1)
            lost += await _judged_again(run, actor, row.id, holds=holds)
    return lost


async def _corrected(run: Pass, school_id: UUID) -> Mapping[date, Sequence[Row[Any]]]:
    asked = {"digest": run.given["digest"], "school": school_id, "known_at": run.given["known_at"]}
    wide = reaching(run.ruleset, queries.CORRECTED)
    by_day: defaultdict[date, list[Row[Any]]] = defaultdict(list)
    for row in await run.session.execute(statement_of(wide), asked):
        by_day[row.tripped_on].append(row)
    return by_day


async def _judged_again(run: Pass, actor: Actor, duty_id: UUID, *, holds: bool) -> int:
    row = await duties.get(run.session, duty_id, lock=True)
    row.checked_at = run.given["known_at"]
    await run.session.flush()
    now, was = run.given["now"], DutyBasis(row.basis)
    if was is DutyBasis.HOLDS and not holds:
        row.basis = DutyBasis.LOST
        due = await next_school_day(run.session, row.school_id, now)
        title = f"The register was corrected: keep the duty under {row.cite}, or withdraw it with the authority"
        await duties.open_task(run.session, actor, row, DutyTask(BASIS_TASK, title, LEADER, due), now=now)
        news = News("DUTY_BASIS_LOST", "lose_duty_basis", None, {"basis": was}, {"basis": row.basis})
        await duties.tell(run.session, actor, row, news, now=now)
        assert row.student_id is not None
        await pack_recalls.ask_back(run.session, actor, row.student_id, now=now)
        return 1
    if was is DutyBasis.LOST and holds:
        row.basis = DutyBasis.HOLDS
        await duties.end_tasks(run.session, row, (BASIS_TASK,), done=False, now=now)
        news = News("DUTY_BASIS_RESTORED", "restore_duty_basis", None, {"basis": was}, {"basis": row.basis})
        await duties.tell(run.session, actor, row, news, now=now)
    return 0


async def reminded(session: AsyncSession, actor: Actor, school_ids: Sequence[UUID], *, now: datetime) -> int:
    """Remind the owner before and on the day, then the leader again and again; how many reminders were opened."""
    found = 0
    for school_id in school_ids:
        today = await calendar.local_date(session, school_id, now)
        mine = select(DutyRecord).where(
            DutyRecord.school_id == school_id,
            DutyRecord.status == DutyState.OPEN,
            DutyRecord.due_on <= today + timedelta(days=30),
        )
        rows = (await session.scalars(mine.order_by(DutyRecord.due_on, DutyRecord.id).with_for_update())).all()
        if not rows:
            continue
        first = min(row.due_on for row in rows) - timedelta(days=60)
        days = await calendar.open_days_between(session, school_id, first, max(rows[-1].due_on, today))
        for row in rows:
            found += await _reminded(session, actor, row, reminders_due(row.due_on, today, days), now)
    return found


async def _reminded(session: AsyncSession, actor: Actor, row: DutyRecord, many: int, now: datetime) -> int:
    if many <= row.reminded:
        return 0
    row.reminded = many
    late = many >= LEADER_FROM_REMINDER
    title = f"A duty under {row.cite} is late" if late else f"A duty under {row.cite} is due soon"
    due = row.due_on if not late else await next_school_day(session, row.school_id, now)
    task = DutyTask(REMINDER, title, LEADER if late else OFFICE, due, many)
    await duties.open_task(session, actor, row, task, now=now)
    return 1
