"""Run a rung's effects. Each finished effect is in the state, so an act that was interrupted goes on where it was."""

from collections.abc import Awaitable, Callable, Mapping

from rules.ladder import acting, referrals
from rules.ladder.events import EventType
from rules.ladder.parts import Referred
from rules.ladder.stages import Stage, StageType
from rules.ladder.state import RETRIABLE, Recipient, State, Step
from rules.ladder.steps import CarryOutAfterEffects, MissContact, MonthlyTask, ResolveWait, TakeStep
from workflows.case import Case
from workflows.ports.calendar import DeadlineOrder, Deadlines, school_deadlines
from workflows.ports.contacts import ContactOrder, open_contact
from workflows.ports.escalations import EscalationOrder, open_escalation
from workflows.ports.letters import (
    DeliveryOrder,
    LetterOrder,
    PlanOrder,
    deliver_letter,
    issue_letter,
    plan_letters,
)
from workflows.ports.plans import PlanStageOrder, open_plan
from workflows.ports.referrals import ReferralOrder, open_referrals
from workflows.ports.tasks import TaskKind, TaskOrder, open_task
from workflows.retry import PDF, READ
from workflows.walk.meeting import book

A_MONTH = 20


async def contact(case: Case, stage: Stage) -> None:
    """A person contacts the family; a contact already made counts."""
    step = Step(stage_key=stage.key)
    if case.state.act.reached_on is None:
        asked = await case.perform(open_contact, ContactOrder(**case.order("open_contact"), stage=stage), lasting=True)
        case.state = case.state.noting(EventType.CONTACT_ASKED, case.now, due=asked.due.isoformat()).but(due=asked.due)
        step = step.but(contact_by=asked.due_at)
    case.state = acting.step_taken(case.state, step, case.now)


async def letters(case: Case, stage: Stage) -> None:
    """One letter per entitled guardian: plan, then issue and deliver each."""
    if not case.state.act.planned:
        order = PlanOrder(**case.order("plan_letters"), stage=stage, basis=case.state.act.basis)
        plan = await case.perform(plan_letters, order, lasting=True)
        people = tuple(Recipient(**planned.model_dump()) for planned in plan.recipients)
        case.state = case.state.but(act=case.state.act.but(planned=True, recipients=people))
    for recipient in case.state.act.recipients:
        await letter(case, stage, recipient)
    step = acting.written(case.state, case.state.act.recipients)
    case.state = acting.step_taken(case.state, step, case.now)


async def letter(case: Case, stage: Stage, recipient: Recipient) -> None:
    """One guardian's letter; what was already done stays done."""
    if recipient.state is not None and recipient.state not in RETRIABLE:
        return
    guardian = recipient.guardian_id
    if recipient.artifact_id is None:
        order = LetterOrder(
            **case.order(f"issue_letter/{guardian}"),
            stage=stage,
            basis=case.state.act.basis,
            guardian_id=guardian,
            language=recipient.language,
        )
        issued = await case.perform(issue_letter, order, PDF, lasting=True)
        recipient = recipient.but(artifact_id=issued.artifact_id)
        case.state = acting.with_recipient(case.state, recipient).noting(
            EventType.LETTER_ISSUED, case.now, artifact_id=str(issued.artifact_id), guardian_id=str(guardian)
        )
    assert recipient.artifact_id is not None
    sending = DeliveryOrder(
        **case.order(f"deliver_letter/{guardian}"),
        stage=stage,
        guardian_id=guardian,
        artifact_id=recipient.artifact_id,
        channel=recipient.channel,
    )
    done = await case.perform(deliver_letter, sending, lasting=True)
    recipient = recipient.but(state=done.state, effective_day=done.effective_day)
    case.state = acting.letter_delivered(case.state, recipient, done.reason, case.now)


async def plan(case: Case, stage: Stage) -> None:
    """Staff and family write a support plan; the step counts from the day it is agreed."""
    opened = await case.perform(open_plan, PlanStageOrder(**case.order("open_plan"), stage=stage), lasting=True)
    told = {"plan_id": str(opened.plan_id), "due": opened.due.isoformat()}
    case.state = case.state.noting(EventType.PLAN_OPENED, case.now, None, **told).but(due=opened.due)
    case.state = acting.step_taken(case.state, Step(stage_key=stage.key, plan_id=opened.plan_id), case.now)


async def refer(case: Case, stage: Stage) -> None:
    """Staff get each guardian's referral ready and send it; the step counts from the day the last one is sent."""
    order = ReferralOrder(**case.order("open_referrals"), stage=stage, basis=case.state.act.basis)
    done = await case.perform(open_referrals, order, PDF, lasting=True)
    people = tuple(Referred(id=one.referral_id, guardian_id=one.guardian_id) for one in done.referrals)
    case.state = referrals.opened(case.state, people, done.due, case.now)


async def escalate(case: Case, stage: Stage) -> None:
    """The next tier, with everything that was tried."""
    state = case.state
    order = EscalationOrder(**case.order("open_escalation"), stage=stage, basis=state.act.basis, steps=state.steps)
    opened = await case.perform(open_escalation, order, PDF, lasting=True)
    case.state = case.state.noting(EventType.ESCALATED, case.now, escalation_id=opened.escalation_id)
    step = Step(stage_key=stage.key, reached=True, effective_day=opened.on)
    case.state = acting.step_taken(case.state, step, case.now)


TAKEN: Mapping[StageType, Callable[[Case, Stage], Awaitable[None]]] = {
    StageType.CONTACT: contact,
    StageType.LETTER: letters,
    StageType.MEETING: book,
    StageType.PLAN: plan,
    StageType.NOTICE: letters,
    StageType.ESCALATION: escalate,
    StageType.REFERRAL: refer,
}


async def take_step(case: Case, _step: TakeStep) -> None:
    """The rung's effects, by its kind."""
    stage = case.state.stage
    assert stage is not None
    await TAKEN[stage.type](case, stage)


async def carry_out_after_effects(case: Case, _step: CarryOutAfterEffects) -> None:
    """The hold or stop that was said while effects were running."""
    case.state = acting.after_effects(case.state)


async def resolve_wait(case: Case, _step: ResolveWait) -> None:
    """School days of waiting, at least one: one rung per student and day at most. At the end of the ladder, a month."""
    state = case.state
    wanted = A_MONTH if state.ended else max(1, state.stage.wait_school_days if state.stage else 1)
    from_day = None if state.ended else state.wait_from
    order = DeadlineOrder(**case.order("wait"), from_day=from_day, school_days=(wanted,))

    def resolved(now: State, found: Deadlines) -> State:
        return acting.wait_resolved(now, found.days[0], found.counted_from, found.instants[0], case.now)

    await case.settle(school_deadlines, order, resolved, READ, about=lambda now: (now.turn, now.wait_from))


async def miss_contact(case: Case, _step: MissContact) -> None:
    """The time for contact is over and nobody was reached."""
    case.state = acting.not_reached(case.state, case.now)


async def open_monthly_task(case: Case, _step: MonthlyTask) -> None:
    """The ladder has no further rung: a person looks at it once a month."""
    order = TaskOrder(**case.order("monthly_task"), kind=TaskKind.LADDER_END, due_school_days=5)
    await case.settle(open_task, order, lambda now, _: acting.monthly_task_opened(now))
