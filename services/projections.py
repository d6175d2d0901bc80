"""PostgreSQL's view of a running case: one transaction moves the instance row forward and writes what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Event, Instance
from models.instances import Proposal as ProposalRow
from models.rulesets import RuleSetVersion
from rules.events.catalogue import OF_LADDER
from rules.events.ladder import MODELS, published
from rules.ladder.events import EventType, LadderEvent
from rules.ladder.state import Hold, Proposal
from rules.ladder.words import Phase
from rules.privacy.packs import BASIS_EVENTS
from services import pack_recalls
from services.audit import Act, record
from services.context import Actor, CaseRef
from services.effects import once
from services.events import emit
from services.people import display_name
from services.pinned import stage_types

OPEN_PROPOSAL = ("PENDING", "HELD", "APPROVED")
FINAL_STATUS = {
    EventType.SKIPPED: "SKIPPED",
    EventType.PROPOSAL_WITHDRAWN: "WITHDRAWN",
    EventType.JUMPED: "SUPERSEDED",
    EventType.ESCALATED: "SUPERSEDED",
    EventType.RELAPSE_REFUSED: "SKIPPED",
    EventType.EXIT_REJECTED: "SKIPPED",
    EventType.EXIT_CONFIRMED: "DONE",
    EventType.REOPENED: "DONE",
}


@dataclass(frozen=True, slots=True)
class CaseView:
    """The instance as its workflow now sees it; `proposal` is the only open one (APPROVED while ACTING)."""

    revision: int
    status: str
    phase: str
    stage_key: str | None
    stage_index: int
    rule_set_version: int
    digest: str
    proposal: Proposal | None
    hold: Hold | None
    stop_reason: str | None
    due: date | None
    due_at: datetime | None
    effective_day: date | None
    follow_up_week: int | None
    shown: dict[str, Any]
    state: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Fact:
    number: int
    revision: int
    stage_type: str | None


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the timeline as it was written."""

    id: UUID
    case_id: UUID
    fact: _Fact


async def project(session: AsyncSession, case: CaseRef, view: CaseView, events: Sequence[LadderEvent]) -> None:
    """Write the view (never backwards) and its events, with an audit entry for each a person caused. Once per key."""
    if not await once(session, case.key, "project"):
        return
    await _move_forward(session, case, view, events)
    await _settle_proposals(session, case, view, events)
    names = await stage_types(session, case.instance_id)
    mine = update(Instance).where(Instance.id == case.instance_id, Instance.revision == view.revision)
    await session.execute(mine.values(stage_type=names.get(view.stage_key or "")))
    for number, event in enumerate(events):
        await _append(session, case, _Fact(number, view.revision, names.get(event.stage_key or "")), event)
    if any(event.type in BASIS_EVENTS for event in events):
        await pack_recalls.ask_back(session, case.actor, case.student_id, now=case.now)


async def _move_forward(session: AsyncSession, case: CaseRef, view: CaseView, events: Sequence[LadderEvent]) -> None:
    entered = [event.at for event in events if event.type is EventType.STAGE_ENTERED]
    closed = view.phase == Phase.CLOSED
    values: dict[str, Any] = {
        "revision": view.revision,
        "status": view.status,
        "phase": view.phase,
        "stage_key": view.stage_key,
        "stage_index": view.stage_index,
        "digest": view.digest,
        "hold_kind": view.hold.kind if view.hold else None,
        "hold_until": view.hold.until_at if view.hold else None,
        "hold_reason": view.hold.reason if view.hold else None,
        "awaiting_approval": view.proposal is not None and view.phase != Phase.ACTING,
        "proposal_id": view.proposal.id if view.proposal else None,
        "due_on": view.due,
        "due_at": view.due_at,
        "effective_day": view.effective_day,
        "follow_up_week": view.follow_up_week,
        "close_reason": view.stop_reason if closed else None,
        "closed_at": case.now if closed else None,
        "view": view.shown,
        "state": None if closed else view.state,
    }
    if entered:
        values["last_stage_at"] = entered[-1]
    if reassigned := _assignee(events):
        values["assignee_id"] = reassigned
    if any(event.type is EventType.RULESET_APPLIED for event in events):
        applied = select(RuleSetVersion.id).where(RuleSetVersion.digest == view.digest)
        values["rule_set_version_id"] = applied.order_by(RuleSetVersion.version.desc()).limit(1).scalar_subquery()
    forward = update(Instance).where(Instance.id == case.instance_id, Instance.revision < view.revision)
    await session.execute(forward.values(**values))


def _assignee(events: Sequence[LadderEvent]) -> UUID | None:
    named = [event.facts.get("assignee_id") for event in events if event.type is EventType.REASSIGNED]
    return UUID(str(named[-1])) if named and named[-1] else None


async def _settle_proposals(
    session: AsyncSession, case: CaseRef, view: CaseView, events: Sequence[LadderEvent]
) -> None:
    mine = select(ProposalRow).where(ProposalRow.instance_id == case.instance_id, ProposalRow.status.in_(OPEN_PROPOSAL))
    said = [FINAL_STATUS[event.type] for event in events if event.type in FINAL_STATUS]
    by = next((event.by for event in reversed(events) if event.by), None)
    for row in (await session.scalars(mine.with_for_update())).all():
        if view.proposal and row.id == view.proposal.id:
            row.status = _open_status(view)
            row.basis = {**row.basis, "kept": view.proposal.basis.kept}
        else:
            row.status = "DONE" if row.status == "APPROVED" and not said else (said[-1] if said else "WITHDRAWN")
        if by and row.status not in {"PENDING", "HELD", "DONE"}:
            row.decided_by, row.decided_role = by.actor_id, by.role
            row.decided_at, row.decision_reason = case.now, by.reason or None
    await session.flush()


def _open_status(view: CaseView) -> str:
    if view.phase == Phase.ACTING:
        return "APPROVED"
    return "HELD" if view.phase == Phase.ON_HOLD else "PENDING"


async def _append(session: AsyncSession, case: CaseRef, fact: _Fact, event: LadderEvent) -> None:
    by = event.by
    made = (
        await session.execute(
            insert(Event)
            .values(
                instance_id=case.instance_id,
                student_id=case.student_id,
                school_id=case.school_id,
                case_id=select(Instance.case_id).where(Instance.id == case.instance_id).scalar_subquery(),
                type=event.type,
                stage_key=event.stage_key,
                stage_type=fact.stage_type,
                artifact_id=_uuid(event.facts.get("artifact_id")),
                occurred_at=event.at,
                actor_id=by.actor_id if by else None,
                actor_role=by.role if by else None,
                reason=(by.reason or None) if by else None,
                data=event.facts,
                revision=fact.revision,
                dedupe_key=f"{case.key}/{fact.number}",
            )
            .on_conflict_do_nothing()
            .returning(Event.id, Event.case_id)
        )
    ).one_or_none()
    if made is None:
        return
    assert made.case_id is not None, "an instance has a case"
    await _tell_the_world(session, case, _Line(made.id, made.case_id, fact), event)
    if by:
        name = await display_name(session, by.actor_id, by.role)
        actor = Actor(case.tenant_id, by.actor_id, by.role, name, by.command_id, "workflow")
        act = Act(event.type.lower(), "instance", case.instance_id, case.student_id, by.reason or None)
        await record(session, actor, act, now=event.at)


async def _tell_the_world(session: AsyncSession, case: CaseRef, line: _Line, event: LadderEvent) -> None:
    data = MODELS[event.type].model_validate(
        {
            "event_id": line.id,
            "instance_id": case.instance_id,
            "case_id": line.case_id,
            "student_id": case.student_id,
            "school_id": case.school_id,
            "revision": line.fact.revision,
            "stage_key": event.stage_key,
            "stage_type": line.fact.stage_type,
            "actor_id": event.by.actor_id if event.by else None,
            "actor_role": event.by.role if event.by else None,
            "occurred_at": event.at,
            **published(event),
        }
    )
    await emit(session, OF_LADDER[event.type], case.instance_id, data, at=event.at)


def _uuid(text: object) -> UUID | None:
    return UUID(text) if isinstance(text, str) and text else None
