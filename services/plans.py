"""Support plans: opened by a rung or a meeting, written, agreed, reviewed, and copied for one guardian at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance, Task
from models.letters import LetterArtifact
from models.plans import SupportPlan
from models.queries import calendar
from models.queries.keyset import Window, paged
from rules.errors import Conflict, Invalid, NotFound
from rules.ladder.commands import PlanAgreed
from rules.plans.content import PlanContent, PlanReview, PlanState, misnamed, missing
from services import letters, school_days, signals, tasks
from services.amendments import must_be_linked
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import Actor, CaseRef
from services.letters import GenerateLetter
from services.means import Means
from services.scopes import Scope
from services.tasks import CreateTask

WRITE, REVIEW, HAND_OVER = "write_plan", "review_plan", "hand_over_plan"
OFFICE: Final = "attendance_officer"
TEMPLATE: Final = "SUPPORT_PLAN"
COPIES: Final = UUID("01934f2e-7a00-7000-8000-00000000c0b1")
PARTS: Final = tuple(PlanContent.model_fields)


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """For which rung, within how many school days, and from which meeting."""

    within_school_days: int
    stage_key: str | None = None
    meeting_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PlanQuery:
    """Which plans: within the caller's reach, perhaps of one student or in one state."""

    scope: Scope
    student_id: UUID | None = None
    status: PlanState | None = None


@dataclass(frozen=True, slots=True)
class WritePlan:
    """What the plan says from now on, and why."""

    plan_id: UUID
    content: PlanContent
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """What a review came to: it goes on until another day, or ends; either with the reason."""

    plan_id: UUID
    result: PlanReview
    reason: str
    review_on: date | None = None


async def open_plan(session: AsyncSession, case: CaseRef, wanted: OpenPlan) -> SupportPlan:
    """An empty plan and the task to write it together with the family; once per effect key."""
    mine = select(SupportPlan).where(SupportPlan.effect_key == case.key)
    if found := (await session.scalars(mine)).first():
        return found
    instance = (await session.scalars(select(Instance).where(Instance.id == case.instance_id))).one()
    due = await school_days.day_after(session, case, wanted.within_school_days)
    made = await session.scalar(
        insert(SupportPlan)
        .values(
            student_id=case.student_id,
            school_id=case.school_id,
            case_id=instance.case_id,
            instance_id=case.instance_id,
            meeting_id=wanted.meeting_id,
            stage_key=wanted.stage_key,
            effect_key=case.key,
            opened_at=case.now,
            due_on=due,
        )
        .on_conflict_do_nothing()
        .returning(SupportPlan.id)
    )
    row = (await session.scalars(mine)).one()
    if made is not None:
        title = "Write the support plan together with the family, in their words, and agree on it"
        await open_task(session, case, NewTask(WRITE, title, due, str(row.id), OFFICE))
        await record(session, case.actor, Act("open_plan", "support_plan", row.id, row.student_id), now=case.now)
    return row


async def drop_drafts(session: AsyncSession, case: CaseRef, stage_keys: Sequence[str] | None, reason: str) -> int:
    """End what nobody has agreed on, of these rungs or of the whole case; how many. What was agreed stays promised."""
    mine = select(SupportPlan).where(SupportPlan.instance_id == case.instance_id, SupportPlan.status == PlanState.DRAFT)
    if stage_keys is not None:
        mine = mine.where(SupportPlan.stage_key.in_(stage_keys))
    rows = (await session.scalars(mine.with_for_update())).all()
    for row in rows:
        row.status, row.ended_at, row.reason, row.revision = PlanState.ENDED, case.now, reason, row.revision + 1
        await session.flush()
        await _done(session, row, WRITE, case.now, "CANCELLED")
        act = Act("end_plan", "support_plan", row.id, row.student_id, reason, after={"status": row.status})
        await record(session, case.actor, act, now=case.now)
    return len(rows)


async def listed(session: AsyncSession, asked: PlanQuery, window: Window) -> Sequence[SupportPlan]:
    """A page of plans, the newest first."""
    wanted = select(SupportPlan).where(*asked.scope.rows(SupportPlan.school_id, SupportPlan.student_id))
    for column, value in ((SupportPlan.student_id, asked.student_id), (SupportPlan.status, asked.status)):
        if value is not None:
            wanted = wanted.where(column == value)
    return (await session.scalars(paged(wanted, (SupportPlan.id,), window, latest_first=True))).all()


async def get(session: AsyncSession, plan_id: UUID, *, lock: bool = False) -> SupportPlan:
    """One plan."""
    found = await session.get(SupportPlan, plan_id, with_for_update=lock)
    if found is None:
        raise NotFound("plan_not_found", f"There is no support plan {plan_id} here.")
    return found


def content_of(row: SupportPlan) -> PlanContent:
    """What it says."""
    return PlanContent.model_validate({name: getattr(row, name) for name in PARTS})


async def write(session: AsyncSession, actor: Actor, command: WritePlan, *, now: datetime) -> SupportPlan:
    """Replace what the plan says; guardians it names must be the child's, and each part says whose it is."""
    row, content = await _open(session, command.plan_id), command.content
    if wrong := misnamed(content):
        raise Invalid("plan_parts", "A part does not say whose it is.", fields=wrong)
    named = {part.guardian_id for part in (*content.aims, *content.actions, *content.signatures) if part.guardian_id}
    for guardian_id in sorted(named):
        await must_be_linked(session, row.student_id, guardian_id)
    if row.status == PlanState.AGREED and (lacks := missing(content, await _today(session, row, now))):
        raise Invalid("plan_incomplete", "An agreed plan keeps what makes it one.", fields=lacks)
    said = content.model_dump(mode="json")
    before = {name: getattr(row, name) for name in PARTS if name != "review_on"}
    for name in PARTS:
        setattr(row, name, content.review_on if name == "review_on" else said[name])
    row.revision += 1
    await session.flush()
    act = Act("write_plan", "support_plan", row.id, row.student_id, command.reason, before=before, after=said)
    await record(session, actor, act, now=now)
    return row


async def agree(session: AsyncSession, actor: Actor, plan_id: UUID, on: date, *, now: datetime) -> SupportPlan:
    """Staff and family agree: the case counts from that day, and a review is due."""
    row = await _open(session, plan_id)
    if row.status != PlanState.DRAFT:
        raise Conflict("plan_agreed", f"Support plan {row.id} is {row.status} already.")
    today = await _today(session, row, now)
    opened_on = await calendar.local_date(session, row.school_id, row.opened_at)
    if not opened_on <= on <= today:
        told = {"body.on": f"a day from {opened_on} to {today}"}
        raise Invalid("agreed_on", "The day lies before the plan was opened, or in the future.", fields=told)
    content = content_of(row)
    if lacks := missing(content, on):
        raise Invalid("plan_incomplete", "The plan lacks what makes it one.", fields=lacks)
    assert content.review_on is not None
    row.status, row.agreed_on, row.agreed_by = PlanState.AGREED, on, actor.person_id
    row.revision += 1
    await session.flush()
    await _done(session, row, WRITE, now)
    await _ask_review(session, actor, row, content.review_on, now)
    await signals.tell(session, [row.instance_id], "plan_agreed", PlanAgreed(plan_id=row.id, on=on))
    act = Act("agree_plan", "support_plan", row.id, row.student_id, after={"agreed_on": on, "status": row.status})
    await record(session, actor, act, now=now)
    return row


async def review(session: AsyncSession, actor: Actor, command: ReviewPlan, *, now: datetime) -> SupportPlan:
    """Look at it together again: it goes on until another day, or ends."""
    row = await _open(session, command.plan_id)
    if row.status != PlanState.AGREED:
        raise Conflict("plan_not_agreed", f"Support plan {row.id} is {row.status}: agree on it first.")
    today = await _today(session, row, now)
    going_on = command.result is PlanReview.CONTINUE
    if going_on and (command.review_on is None or command.review_on <= today):
        told = {"body.review_on": f"a day after {today}"}
        raise Invalid("review_on", "Say when you look at it again.", fields=told)
    before = {"status": row.status, "review_on": row.review_on}
    await _done(session, row, REVIEW, now)
    if going_on:
        assert command.review_on is not None
        row.review_on = command.review_on
        await _ask_review(session, actor, row, command.review_on, now)
    else:
        row.status, row.ended_at, row.ended_by = PlanState.ENDED, now, actor.person_id
    row.reason, row.revision = command.reason, row.revision + 1
    await session.flush()
    after = {"status": row.status, "review_on": row.review_on}
    act = Act("review_plan", "support_plan", row.id, row.student_id, command.reason, before=before, after=after)
    await record(session, actor, act, now=now)
    return row


async def copy(
    means: Means, actor: Actor, plan_id: UUID, guardian_id: UUID, key: str, *, now: datetime
) -> LetterArtifact:
    """One guardian's own copy as a stored letter, and the task to hand it over; refused who may get no letters."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        row = await get(session, plan_id)
        if row.status == PlanState.DRAFT:
            raise Conflict("plan_not_agreed", f"Support plan {row.id} is a draft: copies are made of what was agreed.")
        values = _spelt(content_of(row).copy_for(guardian_id))
    command = GenerateLetter(row.student_id, row.school_id, guardian_id, TEMPLATE, f"plan/{key}", values)
    stored = await letters.generate(means, actor, command, now=now)
    async with means.sessions.tenant(actor.tenant_id) as session:
        await _hand_over(session, actor, row, stored, now)
    return stored


def _spelt(content: PlanContent) -> Mapping[str, Any]:
    """The fields of the template that only a plan fills."""
    actions = [f"{one.what} ({one.party.value.lower()}, by {one.due_on.isoformat()})" for one in content.actions]
    return {
        "plan_aims": [one.words for one in content.aims] or ["-"],
        "plan_actions": actions or ["-"],
        "plan_adjustments": list(content.adjustments) or ["-"],
        "review_date": content.review_on.isoformat() if content.review_on else None,
    }


async def _hand_over(
    session: AsyncSession, actor: Actor, row: SupportPlan, stored: LetterArtifact, now: datetime
) -> None:
    key = f"plan/{row.id}/{HAND_OVER}/{uuid5(COPIES, str(stored.id))}"
    if (await session.scalars(select(Task.id).where(Task.dedupe_key == key))).first():
        return
    wanted = CreateTask(
        kind=HAND_OVER,
        title="Print the copy of the support plan and hand it to the family",
        school_id=row.school_id,
        student_id=row.student_id,
        case_id=row.case_id,
        instance_id=row.instance_id,
        role=OFFICE,
        due_on=await _today(session, row, now),
        details={"artifact_id": str(stored.id), "guardian_id": str(stored.guardian_id)},
    )
    task = await tasks.create(session, actor, wanted, now=now)
    task.dedupe_key = key


async def _open(session: AsyncSession, plan_id: UUID) -> SupportPlan:
    row = await get(session, plan_id, lock=True)
    if row.status == PlanState.ENDED:
        raise Conflict("plan_ended", f"Support plan {row.id} has ended.")
    return row


async def _today(session: AsyncSession, row: SupportPlan, now: datetime) -> date:
    return await calendar.local_date(session, row.school_id, now)


async def _ask_review(session: AsyncSession, actor: Actor, row: SupportPlan, on: date, now: datetime) -> None:
    wanted = CreateTask(
        kind=REVIEW,
        title="Look at the support plan together with the family",
        school_id=row.school_id,
        student_id=row.student_id,
        case_id=row.case_id,
        instance_id=row.instance_id,
        role=OFFICE,
        due_on=on,
        details={"subject": str(row.id)},
    )
    await tasks.create(session, actor, wanted, now=now)


async def _done(session: AsyncSession, row: SupportPlan, kind: str, now: datetime, ended: str = "DONE") -> None:
    mine = update(Task).where(
        Task.kind == kind, Task.details["subject"].as_string() == str(row.id), Task.status == "OPEN"
    )
    await session.execute(mine.values(status=ended, done_at=now))
