"""The exit and after: the warm letter, and what attendance was before and after."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Event, Instance
from models.queries import calendar
from models.queries.absences import Whose, attended_of_possible
from models.queries.student_decisions import Moment
from rules.errors import DomainError, NotFound, Unavailable
from rules.ids import EvaluationId
from rules.ladder.follow_up import WeekFinding
from rules.ladder.state import Basis
from rules.rulesets.decision import RELAPSE
from rules.rulesets.evaluation import evaluate
from rules.rulesets.recorded import sentence
from services import delivery, letters, reasoning, school_days
from services.case_tasks import NewTask, open_task
from services.context import CaseRef
from services.evaluations import evaluate_student
from services.letter_merge import Writing
from services.letters import Planned, Wish
from services.means import Means
from services.pinned import ruleset_of

TEMPLATE: Final = "EXIT_CELEBRATION"
CELEBRATION: Final = "CELEBRATION"
FIGURES: Final = "FIGURES"
FOLLOW_UP_WEEKS: Final = timedelta(weeks=6)
LONGEST_LOOK_BACK: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class BeforeAndAfter:
    """Attendance in basis points in two equal windows of school days; None = nothing to count."""

    before: int | None
    after: int | None
    school_days: int


async def tell_family(means: Means, case: CaseRef) -> int:
    """A warm letter to each entitled guardian; good news that cannot be written becomes a task, never an error."""
    try:
        async with means.sessions.tenant(case.tenant_id) as session:
            planned = await letters.plan(session, case, Wish(TEMPLATE, kind=CELEBRATION))
            review = await school_days.today(session, case) + FOLLOW_UP_WEEKS
    except DomainError as refused:
        await _ask_to_tell(means, case, refused.code)
        return 0
    for one in planned:
        await _tell(means, replace(case, key=f"{case.key}/{one.guardian_id}"), one, review)
    return len(planned)


async def _tell(means: Means, case: CaseRef, one: Planned, review: date) -> None:
    writing = Writing(one.guardian_id, one.language, extra={"review_date": review.isoformat()})
    try:
        issued = await letters.issue(means, replace(case, key=f"{case.key}/issue"), one.message_id, writing)
        await delivery.deliver(means, replace(case, key=f"{case.key}/deliver"), issued.artifact_id)
    except Unavailable:
        raise
    except DomainError as refused:
        await _ask_to_tell(means, case, refused.code)


async def _ask_to_tell(means: Means, case: CaseRef, why: str) -> None:
    async with means.sessions.tenant(case.tenant_id) as session:
        due = await school_days.day_after(session, case, 1)
        title = "Tell the family the good news: the letter could not be written"
        await open_task(session, case, NewTask("tell_family_of_exit", title, due, details={"why": why}))


async def check_week(session: AsyncSession, case: CaseRef, digest: str, first: date, last: date) -> WeekFinding:
    """Possible sessions of the week, and whether `relapse` holds on its last school day; by the nightly SQL."""
    days = await calendar.open_days_between(session, case.school_id, first, last)
    if not days:
        return WeekFinding()
    whose = Whose(case.student_id, case.school_id, case.now)
    _, possible = await attended_of_possible(session, whose, days[0], days[-1])
    ruleset = await ruleset_of(session, digest)
    moment = Moment(days[-1], case.now)
    row = await evaluate_student(session, case, ruleset, digest, moment)
    relapse = ruleset.follow_up.relapse
    history = await reasoning.history_at(session, (case.student_id, case.school_id), moment)
    found = reasoning.explained(relapse, row.metrics, row.facts, history, moment)
    basis = Basis(
        evaluation_id=EvaluationId(row.id),
        digest=digest,
        fired=(RELAPSE,),
        on=row.on,
        known_at=row.known_at,
        values={str(key): row.metrics.get(key) for key in reasoning.metric_keys_of(relapse)},
        sentence=sentence(found),
    )
    holds = evaluate(relapse, row.metrics, row.facts)
    return WeekFinding(possible_sessions=possible, relapse=holds, basis=basis)


async def figures(
    session: AsyncSession, case: CaseRef, started_at: datetime | None, through: date | None
) -> BeforeAndAfter:
    """Compare the follow-up with as many school days before the case; kept as one event of the instance."""
    instance = await session.get(Instance, case.instance_id)
    if instance is None:
        raise NotFound("instance_not_found", f"There is no instance {case.instance_id} here.")
    first = await calendar.local_date(session, case.school_id, started_at or instance.started_at)
    last = through or await school_days.today(session, case)
    opened = instance.entry_date or await calendar.local_date(session, case.school_id, instance.started_at)
    after = await calendar.open_days_between(session, case.school_id, first + timedelta(days=1), last)
    earlier = await calendar.open_days_between(session, case.school_id, opened - LONGEST_LOOK_BACK, opened)
    many = min(len(after), len(earlier))
    if not many:
        return await _kept(session, case, instance, BeforeAndAfter(None, None, 0))
    whose = Whose(case.student_id, case.school_id, case.now)
    before = await _basis_points(session, whose, earlier[-many], earlier[-1])
    then = await _basis_points(session, whose, after[-many], after[-1])
    return await _kept(session, case, instance, BeforeAndAfter(before, then, many))


async def _basis_points(session: AsyncSession, whose: Whose, first: date, last: date) -> int | None:
    attended, possible = await attended_of_possible(session, whose, first, last)
    return attended * 10_000 // possible if possible else None


async def _kept(session: AsyncSession, case: CaseRef, instance: Instance, found: BeforeAndAfter) -> BeforeAndAfter:
    key = f"{case.key}/figures"
    await session.execute(
        insert(Event)
        .values(
            instance_id=instance.id,
            case_id=instance.case_id,
            student_id=case.student_id,
            school_id=case.school_id,
            type=FIGURES,
            occurred_at=case.now,
            data={"before": found.before, "after": found.after, "school_days": found.school_days},
            dedupe_key=key,
        )
        .on_conflict_do_nothing()
    )
    data = (await session.scalars(select(Event.data).where(Event.dedupe_key == key))).one()
    return BeforeAndAfter(data["before"], data["after"], data["school_days"])
