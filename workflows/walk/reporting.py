"""Tell the world where the case stands: PostgreSQL, the Temporal UI, the assignee; and wait."""

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

from rules.ladder import transitions
from rules.ladder.describing import details
from rules.ladder.stages import LadderSnapshot
from rules.ladder.state import State
from rules.ladder.steps import Idle, Remind, Report, due_at, next_step
from rules.ladder.words import Phase
from workflows.case import Case
from workflows.identity import AWAITING_APPROVAL, DUE_AT, PHASE, RULE_SET, SCHOOL, STAGE, TENANT
from workflows.ports.projection import Projection, ProjectOrder, project
from workflows.ports.proposals import ReminderOrder, remind
from workflows.retry import RECORD


async def report(case: Case, _step: Report) -> None:
    """Show the state in the UI, then project it with the facts that led to it; the revision only grows."""
    case.state = case.state.but(revision=case.state.revision + 1)
    show(case)
    facts = case.state.unreported
    order = case.order("project")
    await case.perform(
        project,
        ProjectOrder(**order, case_id=case.start.case_id, view=projection(case), events=facts, state=kept(case)),
        RECORD,
    )
    case.state = case.state.reported(len(facts))


def kept(case: Case) -> State:
    """The state from which a lost workflow goes on: all told, without this report's key and without the ladder."""
    state = case.state.reported(len(case.state.unreported))
    keys = {name: key for name, key in state.keys.items() if name != "project"}
    return state.but(keys=keys, ladder=LadderSnapshot())


def projection(case: Case) -> Projection:
    """The row as it should now be."""
    state, due = case.state, due_at(case.state, case.now)
    return Projection(
        revision=state.revision,
        status=state.status.value,
        phase=state.phase.value,
        stage_key=state.stage_key,
        stage_index=state.index,
        rule_set_key=state.ladder.rule_set_key,
        rule_set_version=state.ladder.rule_set_version,
        digest=state.ladder.digest,
        proposal=state.proposal,
        hold=state.hold,
        parked=state.parked.why.value if state.parked else None,
        stop_reason=state.stop_reason.value if state.stop_reason else None,
        due=state.due,
        due_at=due,
        verbs=case.verbs(),
        details=details(state, due),
        effective_day=state.last_step.effective_day if state.last_step else None,
        follow_up_week=state.follow_up.assessed if state.follow_up else None,
    )


def show(case: Case) -> None:
    """Search attributes and current details. `HandrailDueAt` keeps its last value when nothing is due."""
    state, due = case.state, due_at(case.state, case.now)
    workflow.upsert_search_attributes(_attributes(case, state, due))
    workflow.set_current_details(details(state, due))


def _attributes(case: Case, state: State, due: datetime | None) -> list[SearchAttributeUpdate[Any]]:
    waiting = state.proposal is not None and state.phase is not Phase.ACTING
    shown: list[SearchAttributeUpdate[Any]] = [
        TENANT.value_set(str(case.start.tenant_id)),
        SCHOOL.value_set(str(case.school_id)),
        STAGE.value_set(state.stage_key or "none"),
        PHASE.value_set(state.phase.value),
        RULE_SET.value_set(f"{state.ladder.rule_set_key}:{state.ladder.rule_set_version}"),
        AWAITING_APPROVAL.value_set(waiting),
    ]
    return [*shown, DUE_AT.value_set(due)] if due else shown


async def remind_people(case: Case, _step: Remind) -> None:
    """One reminder more."""
    proposal = case.state.proposal
    assert proposal is not None
    nth = proposal.reminded + 1
    common = case.order(f"remind/{nth}")
    order = ReminderOrder(**common, proposal_id=proposal.id, nth=nth, of=len(proposal.remind_at))
    await case.settle(remind, order, lambda now, _: transitions.reminded(now, case.now))


async def idle(case: Case, step: Idle) -> None:
    """Nothing to do: roll a long history over, else sleep until the instant or the next message."""
    if must_roll(case):
        await roll(case)
    timeout = step.until - case.now if step.until else None
    try:
        await workflow.wait_condition(
            lambda: must_roll(case) or next_step(case.state, case.now) != step,
            timeout=timeout,
            timeout_summary=step.why,
        )
    except TimeoutError:
        return


def must_roll(case: Case) -> bool:
    """Whether this run's history has grown enough, or a newer build of the worker should take over."""
    info = workflow.info()
    return (
        info.is_continue_as_new_suggested()
        or info.get_current_history_length() > case.settings.history_budget
        or info.is_target_worker_deployment_version_changed()
    )


async def roll(case: Case) -> None:
    """Continue as new with the whole state, once every handler has answered."""
    await workflow.wait_condition(workflow.all_handlers_finished)
    state = case.state.but(runs=case.state.runs + 1)
    workflow.continue_as_new(
        case.start.model_copy(update={"state": state}),
        initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
    )
