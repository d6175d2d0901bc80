"""Ask the rules, look at the basis, open what they propose, look once more just before acting."""

from temporalio import workflow

from rules.ids import ProposalId
from rules.ladder import acting, transitions
from rules.ladder.stages import Approval, Stage
from rules.ladder.state import Decision, Draft, Proposal, State
from rules.ladder.steps import CheckBasis, Decide, Preflight, Propose
from rules.ladder.words import ProposalKind
from workflows.case import Case
from workflows.ports.calendar import DeadlineOrder, school_deadlines
from workflows.ports.decisions import BasisOrder, DecideOrder, PreflightOrder, check_basis, decide, preflight
from workflows.ports.proposals import ProposalOrder, open_proposal
from workflows.retry import READ


async def ask_the_rules(case: Case, step: Decide) -> None:
    """One decision; if a person changed the case meanwhile, it is asked again."""
    state = case.state = transitions.mute_over(case.state, case.now)
    after = state.ladder.at(state.index + 1)
    order = DecideOrder(
        **case.order("decide"),
        digest=state.ladder.digest,
        stage_key=state.stage_key,
        next_stage_key=after.key if after else None,
        may_advance=step.may_advance,
        previous_reached=state.previous_reached,
        since=state.last_step.effective_day if state.last_step else None,
        evaluation_id=state.evaluation_id,
        muted_stops=(state.exit.muted_key,) if state.exit.muted_key else (),
    )
    case.state = case.state.but(decide_due=False, evaluation_id=None)

    def decided(now: State, decision: Decision) -> State:
        return transitions.decided(now, decision, case.now, may_advance=step.may_advance)

    await case.settle(decide, order, decided)


async def look_at_basis(case: Case, _step: CheckBasis) -> None:
    """What the pending or the last step rests on, under the marks known now."""
    bases = (transitions.basis_of(case.state),)
    order = BasisOrder(**case.order("check_basis"), digest=case.state.ladder.digest, bases=bases)
    case.state = case.state.but(check_due=False)
    await case.settle(
        check_basis, order, lambda now, report: transitions.basis_checked(now, report.checks[0], case.now), READ
    )


async def propose(case: Case, _step: Propose) -> None:
    """Open the drafted proposal, with its reminders; it is withdrawn by the next projection if it came too late."""
    draft, proposal_id = _with_id(case)
    turn, stage = case.state.turn, _stage_of(case, draft)
    asked = ProposalOrder(
        **case.order("open_proposal"),
        proposal_id=proposal_id,
        kind=draft.kind,
        stage=stage,
        approver=_approver(case, draft, stage),
        basis=draft.basis,
        note=draft.note,
    )
    opened = await case.perform(open_proposal, asked)
    days = case.settings.remind_school_days
    deadlines = await case.perform(
        school_deadlines, DeadlineOrder(**case.order("reminders"), from_day=None, school_days=days), READ
    )
    if case.state.turn != turn:
        return
    proposal = Proposal(
        id=proposal_id,
        kind=draft.kind,
        stage_key=stage.key if stage else None,
        approver=opened.approver,
        basis=draft.basis,
        opened_at=case.now,
        due=opened.due,
        remind_at=deadlines.instants,
        note=draft.note,
    )
    automatic = opened.automatic and _approver(case, draft, stage) is Approval.AUTO
    case.state = transitions.proposed(case.state, proposal, case.now, automatic=automatic)


def _with_id(case: Case) -> tuple[Draft, ProposalId]:
    draft = case.state.draft
    assert draft is not None
    proposal_id = draft.id or ProposalId(workflow.uuid4())
    case.state = case.state.but(draft=draft.but(id=proposal_id))
    return draft, proposal_id


def _stage_of(case: Case, draft: Draft) -> Stage | None:
    ladder = case.state.ladder
    match draft.kind:
        case ProposalKind.STEP | ProposalKind.EXTEND_MEETING:
            return case.state.stage
        case ProposalKind.RELAPSE:
            return ladder.at(ladder.index_of(ladder.follow_up.relapse_to or "") or 0)
        case _:
            return None


def _approver(case: Case, draft: Draft, stage: Stage | None) -> Approval:
    if draft.kind is ProposalKind.STEP and stage:
        return stage.approver
    return case.state.ladder.exit_approval if draft.kind is ProposalKind.EXIT else Approval.STAFF


async def look_before_acting(case: Case, _step: Preflight) -> None:
    """Basis, today's stop conditions, contact stop, entitlement and the sending switch, seconds before the act."""
    state = case.state
    assert state.stage is not None
    order = PreflightOrder(
        **case.order("preflight"),
        digest=state.ladder.digest,
        stage=state.stage,
        basis=transitions.basis_of(state),
        since=state.last_step.effective_day if state.last_step else None,
    )
    verdict = await case.perform(preflight, order)
    if case.state.turn == state.turn and not case.state.after_effects.stop:
        case.state = acting.cleared(case.state, verdict, case.now)
