"""The queue, bulk decisions, and walks as they are read and begun."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api import reach
from api.bulk import in_bulk
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.ladder import ACCEPTED, Asked, Cases, not_held
from api.languages import InLanguage
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.cases import InstanceSummary
from api.schemas.ladder import (
    BulkIn,
    BulkOut,
    BulkResult,
    BulkRow,
    EventOut,
    InstanceOut,
    InstancesOut,
    LateTripOut,
    StartedOut,
    StartIn,
)
from api.schemas.queue import QueueItem, Seen
from models.queries.keyset import Window
from orchestration.handles import Told
from rules.access.permissions import Permission
from rules.bounds import AnyDay
from rules.errors import Invalid
from rules.ids import ProposalId
from rules.ladder.commands import Approve, Skip
from rules.ladder.verbs import Verb
from rules.rulesets.messages import SOURCE, Language
from services import filters, instances
from services.instances import NEVER, QueueQuery, Risk, StartByHand
from services.starting import starting

router = APIRouter(prefix="/interventions", tags=["ladder"], route_class=HandrailRoute)
StepType = Literal[
    "CONTACT", "LETTER", "MEETING", "PLAN", "NOTICE", "ESCALATION", "REFERRAL", "EXIT_REVIEW", "FOLLOW_UP"
]


def _seen(caller: Caller, language: Language) -> Seen:
    return Seen(caller.now.date(), reach.sees_codes(caller), language)


@router.get("/queue")
async def read_queue(
    caller: Annotated[Caller, permit(Permission.QUEUE_READ)],
    session: Work,
    school_id: UUID | None = None,
    stage_key: Annotated[str | None, Query(max_length=48)] = None,
    assignee_id: UUID | None = None,
    kind_of_act: Annotated[StepType | None, Query(alias="type")] = None,
    due_by: Annotated[AnyDay | None, Query(description="Only steps due on this day or before.")] = None,
    risk_flags: Annotated[list[Risk], Query(description="Only steps of which all of these are true.")] = [],  # noqa: B006
    language: InLanguage = SOURCE,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[QueueItem]:
    """The steps that wait for a person: where the law asks for something too, those first; then the most urgent."""
    await filters.must_exist(session, assignee_id=assignee_id)
    asked = QueueQuery(
        await reach.scope(session, caller, school_id), stage_key, assignee_id, kind_of_act, due_by, risk_flags
    )
    rows = await instances.queue(session, asked, Window(limit, after(cursor)))
    names = await instances.guardian_names(session, rows)
    return page(
        rows,
        limit,
        lambda row: QueueItem.of(row, names, _seen(caller, language)),
        lambda row: (row.duty_due_on or NEVER, row.proposal.due_on or NEVER, row.proposal.id),
    )


@router.post(
    "/queue/decisions",
    responses={202: {"model": BulkOut, "description": "Some rows are not yet confirmed: send them again, same key."}},
)
async def decide_in_bulk(
    body: BulkIn, caller: Annotated[Caller, permit(Permission.STEP_APPROVE)], key: CommandKey, cases: Cases
) -> BulkOut:
    """Decide on many steps of one stage; each row has its own result, one refusal stops no other."""

    async def tell(row: BulkRow) -> Told:
        who = {"command_id": f"{key}:{row.proposal_id}", "actor_id": caller.actor.person_id, "role": caller.actor.role}
        about = {"proposal_id": ProposalId(row.proposal_id), "reason": row.reason}
        found = await cases.reached(caller, row.instance_id, Asked(rows=max(2, len(body.rows))))
        if found.proposal is not None and found.proposal.stage_key != body.stage_key:
            raise Invalid("other_stage", f"This step belongs to {found.proposal.stage_key}, not to {body.stage_key}.")
        if row.decision == "skip":
            return await cases.tell(caller, found, Verb.SKIP, Skip(**who, **about))
        not_held(found)
        return await cases.tell(caller, found, Verb.APPROVE, Approve(**who, **about))

    outcomes = await in_bulk(cases, body.rows, lambda row: row.instance_id, tell)
    told = zip(body.rows, outcomes, strict=True)
    return BulkOut(results=[BulkResult.of(one, proposal_id=row.proposal_id) for row, one in told])


@router.post("/instances", status_code=ACCEPTED)
async def start_instance(
    body: StartIn,
    caller: Annotated[Caller, permit(Permission.INSTANCE_START)],
    _key: CommandKey,
    given: Parts,
) -> StartedOut:
    """Put a student on a ladder by hand; stored at once, running as soon as the case engine answers."""
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        await reach.student(session, caller, body.student_id)
        await reach.school(session, caller, body.school_id)
        command = StartByHand(**body.model_dump())
        made = await instances.start_by_hand(session, caller.actor, command, now=caller.now)
        ready = await starting(session, made.id)
    running = given.cases is not None and await given.cases.start(ready)
    return StartedOut(instance=InstanceSummary.model_validate(made), running=running)


@router.get("/instances/{instance_id:uuid}")
async def read_instance(
    instance_id: UUID,
    caller: Annotated[Caller, permit(Permission.INSTANCE_READ)],
    session: Work,
    language: InLanguage = SOURCE,
) -> InstanceOut:
    """One walk: where it stands, why, what may be done now."""
    row = await instances.get(session, instance_id)
    reach.of_school(caller, row.lead_school_id, row.student_id)
    waits = await instances.waiting(session, instance_id)
    names = await instances.guardian_names(session, [waits] if waits else [])
    return InstanceOut.of(row, QueueItem.of(waits, names, _seen(caller, language)) if waits else None)


@router.get("/instances/{instance_id:uuid}/timeline")
async def read_timeline(
    instance_id: UUID,
    caller: Annotated[Caller, permit(Permission.INSTANCE_READ)],
    session: Work,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[EventOut]:
    """Everything that happened in a walk, in order."""
    row = await instances.get(session, instance_id)
    reach.of_school(caller, row.lead_school_id, row.student_id)
    events = await instances.timeline(session, instance_id, Window(limit, after(cursor)))
    return page(events, limit, EventOut.model_validate, lambda event: (event.occurred_at.isoformat(), event.id))


@router.get("/students/{student_id:uuid}")
async def list_student_instances(
    student_id: UUID, caller: Annotated[Caller, permit(Permission.INSTANCE_READ)], session: Work
) -> InstancesOut:
    """All walks of a student, the latest first."""
    file = await reach.student(session, caller, student_id)
    rows = await instances.of_student(session, file.student.id)
    return InstancesOut(items=[InstanceSummary.model_validate(row) for row in rows])


@router.get("/late-trips")
async def list_late_trips(
    caller: Annotated[Caller, permit(Permission.QUEUE_READ)],
    session: Work,
    school_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[LateTripOut]:
    """Conditions that a late correction made true for a past day only; they start nothing."""
    rows = await instances.late_trips(
        session, await reach.scope(session, caller, school_id), Window(limit, after(cursor))
    )
    return page(rows, limit, LateTripOut.model_validate, lambda row: (row.id,))
