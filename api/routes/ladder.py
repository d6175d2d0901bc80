"""Every verb a person has on one walk: the case decides what happens next, and answers."""

from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter

from api.commands import HandrailRoute
from api.dependencies import Caller, Parts, permit
from api.ladder import Asked, Walk, not_held, still_open
from api.schemas.ladder import AnswerOut
from api.schemas.shared import ReasonIn
from api.schemas.verbs import (
    ApproveIn,
    BasisIn,
    ContactIn,
    DeliveryIn,
    EscalateIn,
    ExitIn,
    HoldIn,
    OnProposalIn,
    ReapplyIn,
    ReassignIn,
    ReopenIn,
    SkipIn,
    StopIn,
)
from rules.access.permissions import Permission
from rules.errors import Invalid
from rules.ids import GuardianId, MeetingId, PersonId, ProposalId
from rules.ladder import commands
from rules.ladder.verbs import Verb
from services import contacts, handovers, instances, people
from services.contacts import RecordContact
from services.delivery import HandOver
from services.instances import StartByHand

router = APIRouter(
    prefix="/interventions/instances/{instance_id:uuid}",
    tags=["ladder"],
    route_class=HandrailRoute,
    responses={202: {"model": AnswerOut, "description": "Accepted, not yet confirmed: send it again, same key."}},
)
CONTACTS = UUID("5b0c9d2e-91f4-5e0b-8a53-3d3e0f6b7a41")  # namespace: the same key finds the contact it wrote


@router.post("/approve")
async def approve(body: ApproveIn, caller: Annotated[Caller, permit(Permission.STEP_APPROVE)], walk: Walk) -> AnswerOut:
    """Approve the pending step; nothing leaves before the undo time is over."""
    found = await walk.reached(caller, Asked(consideration=body.consideration))
    not_held(found)
    command = commands.Approve(
        **walk.by(caller, body.reason),
        proposal_id=ProposalId(body.proposal_id),
        support_considered=body.consideration,
    )
    return await walk.tell(caller, found, Verb.APPROVE, command)


@router.post("/withdraw-approval")
async def withdraw_approval(
    body: OnProposalIn,
    caller: Annotated[Caller, permit(Permission.STEP_APPROVE)],
    walk: Walk,
) -> AnswerOut:
    """Take an approval back while the undo time runs."""
    found = await walk.reached(caller, Asked(consideration=body.reason))
    command = commands.WithdrawApproval(**walk.by(caller, body.reason), proposal_id=ProposalId(body.proposal_id))
    return await walk.tell(caller, found, Verb.WITHDRAW_APPROVAL, command)


@router.post("/skip")
async def skip(body: SkipIn, caller: Annotated[Caller, permit(Permission.STEP_SKIP)], walk: Walk) -> AnswerOut:
    """Leave the pending step out, refuse a relapse, or give a failed effect up."""
    found = await walk.reached(caller)
    proposal_id = None if body.proposal_id is None else ProposalId(body.proposal_id)
    command = commands.Skip(**walk.by(caller, body.reason), proposal_id=proposal_id)
    return await walk.tell(caller, found, Verb.SKIP, command)


@router.post("/hold")
async def hold(body: HoldIn, caller: Annotated[Caller, permit(Permission.INSTANCE_HOLD)], walk: Walk) -> AnswerOut:
    """Pause the walk, until a date or until somebody resumes."""
    found = await walk.reached(caller)
    if body.until is not None and body.until <= caller.now.date():
        later = {"body.until": "the first day on which the walk may go on: a day to come"}
        raise Invalid("hold_in_the_past", f"{body.until} has come already: nothing would be held.", fields=later)
    command = commands.HoldCase(**walk.by(caller, body.reason), until=body.until)
    return await walk.tell(caller, found, Verb.HOLD, command)


@router.post("/resume")
async def resume(body: ReasonIn, caller: Annotated[Caller, permit(Permission.INSTANCE_HOLD)], walk: Walk) -> AnswerOut:
    """Go on after a hold, or try a failed effect again."""
    return await walk.say(caller, Verb.RESUME, commands.Resume(**walk.by(caller, body.reason)))


@router.post("/stop")
async def stop(body: StopIn, caller: Annotated[Caller, permit(Permission.INSTANCE_STOP)], walk: Walk) -> AnswerOut:
    """End the walk."""
    return await walk.say(
        caller, Verb.STOP, commands.Stop(**walk.by(caller, body.reason), reason_code=body.reason_code)
    )


@router.post("/escalate")
async def escalate(
    body: EscalateIn,
    caller: Annotated[Caller, permit(Permission.INSTANCE_ESCALATE)],
    walk: Walk,
) -> AnswerOut:
    """Pass over rungs; the stages between are not sent."""
    return await walk.say(caller, Verb.ESCALATE, commands.Escalate(**walk.by(caller, body.reason), to=body.to))


@router.post("/reassign")
async def reassign(
    body: ReassignIn,
    caller: Annotated[Caller, permit(Permission.INSTANCE_REASSIGN)],
    walk: Walk,
    given: Parts,
) -> AnswerOut:
    """Let another person look after the case."""
    found = await walk.reached(caller)
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await people.active_person(session, body.assignee_id)
    command = commands.Reassign(**walk.by(caller, body.reason), assignee_id=PersonId(body.assignee_id))
    return await walk.tell(caller, found, Verb.REASSIGN, command)


@router.post("/reopen")
async def reopen(
    body: ReopenIn,
    caller: Annotated[Caller, permit(Permission.INSTANCE_REOPEN)],
    walk: Walk,
    given: Parts,
) -> AnswerOut:
    """Back onto the ladder; a closed walk is never reopened in place, a new one takes it up."""
    found = await walk.reached(caller)
    if found.instance.closed_at is not None:
        async with given.sessions.tenant(caller.actor.tenant_id) as session:
            again = _again(found.instance, body.reason)
            made = await instances.start_by_hand(session, caller.actor, again, now=caller.now)
        return AnswerOut(confirmed=True, instance_id=made.id, status=made.status, phase=made.phase)
    command = commands.Reopen(**walk.by(caller, body.reason), to_stage=_stage(body))
    return await walk.tell(caller, found, Verb.REOPEN, command)


def _again(closed: Any, reason: str) -> StartByHand:
    return StartByHand(closed.student_id, closed.lead_school_id, closed.rule_set_key, reason, closed.id)


def _stage(body: ReopenIn) -> str:
    if body.to_stage is None:
        missing = {"body.to_stage": "the key of a stage of this ladder"}
        raise Invalid("stage_missing", "Say at which stage the walk goes on: send to_stage.", fields=missing)
    return body.to_stage


@router.post("/exit-review")
async def decide_exit(body: ExitIn, caller: Annotated[Caller, permit(Permission.EXIT_DECIDE)], walk: Walk) -> AnswerOut:
    """Agree that the student may leave the ladder, or send the walk back to its rung."""
    found = await walk.reached(caller)
    confirmed = body.decision == "confirm"
    kind = commands.ConfirmExit if confirmed else commands.RejectExit
    verb = Verb.CONFIRM_EXIT if confirmed else Verb.REJECT_EXIT
    return await walk.tell(caller, found, verb, kind(**walk.by(caller, body.reason)))


@router.post("/basis")
async def resolve_basis(
    body: BasisIn,
    caller: Annotated[Caller, permit(Permission.BASIS_RESOLVE)],
    walk: Walk,
) -> AnswerOut:
    """Rescind or keep a step whose reason a correction has removed."""
    return await walk.say(
        caller, Verb.RESOLVE_BASIS, commands.ResolveBasis(**walk.by(caller, body.reason), choice=body.choice)
    )


@router.post("/ruleset")
async def reapply_ruleset(
    body: ReapplyIn,
    caller: Annotated[Caller, permit(Permission.RULESET_REAPPLY)],
    walk: Walk,
    given: Parts,
) -> AnswerOut:
    """Pin the walk to another version of its rule set, after its difference was seen."""
    found = await walk.reached(caller)
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        ladder = await instances.snapshot(session, found.instance, body.version_id)
    command = commands.ApplyRuleSetVersion(**walk.by(caller, body.reason), ladder=ladder, acknowledged=True)
    return await walk.tell(caller, found, Verb.APPLY_RULESET_VERSION, command)


@router.post("/contacts")
async def record_contact(
    body: ContactIn,
    caller: Annotated[Caller, permit(Permission.CONTACT_RECORD)],
    walk: Walk,
    given: Parts,
) -> AnswerOut:
    """Write a contact with the family down and tell the case."""
    found = await walk.reached(caller)
    still_open(found)
    contact_id = uuid5(CONTACTS, f"{caller.actor.tenant_id}:{walk.instance_id}:{walk.key}")
    wanted = RecordContact(**body.model_dump(), instance_id=walk.instance_id, contact_id=contact_id)
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        stored = await contacts.record_contact(session, caller.actor, wanted, now=caller.now)
    guardian = None if body.guardian_id is None else GuardianId(body.guardian_id)
    said = {"contact_id": stored.contact_id, "guardian_id": guardian, "reached": body.reached, "on": stored.on}
    command = commands.RecordContact(**walk.by(caller), **said)
    return await walk.tell(caller, found, Verb.RECORD_CONTACT, command)


@router.post("/delivery")
async def record_delivery(
    body: DeliveryIn,
    caller: Annotated[Caller, permit(Permission.DELIVERY_RECORD)],
    walk: Walk,
    given: Parts,
) -> AnswerOut:
    """Write down that a letter was posted or handed over; the wait counts from the day it arrives."""
    found = await walk.reached(caller)
    still_open(found)
    wanted = HandOver(instance_id=walk.instance_id, **body.model_dump())
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        done = await handovers.record(session, caller.actor, wanted, walk.key, now=caller.now)
    meeting_id = None if done.meeting_id is None else MeetingId(done.meeting_id)
    said = {"handed_over": done.handed_over, "effective_day": done.effective_day, "meeting_id": meeting_id}
    command = commands.RecordDelivery(**walk.by(caller), guardian_id=GuardianId(body.guardian_id), **said)
    return await walk.tell(caller, found, Verb.RECORD_DELIVERY, command)
