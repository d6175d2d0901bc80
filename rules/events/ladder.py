"""The ladder's facts as payloads: of each fact only what may leave is listed; everything else stays inside."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from pydantic import Field, create_model

from rules.events.payloads import Payload
from rules.ladder.commands import DeliveryState
from rules.ladder.events import EventType, LadderEvent
from rules.ladder.stages import StageType
from rules.ladder.words import ProposalKind, StopReason, TransferChoice, YearEndChoice


class LadderData(Payload):
    """What every event of a case carries."""

    event_id: UUID = Field(description="The line of the case's timeline.")
    instance_id: UUID
    case_id: UUID
    student_id: UUID
    school_id: UUID
    revision: int = Field(description="Which state of the case this fact belongs to.")
    stage_key: str | None
    stage_type: str | None
    actor_id: UUID | None = Field(description="The person who did it; null when Handrail did.")
    actor_role: str | None
    occurred_at: datetime


class CaseOutcome(StrEnum):
    """How a case ended, as far as others may know: why a student left, or that one died, stays inside."""

    IMPROVED = "IMPROVED"
    RESOLVED = "RESOLVED"
    ENDED = "ENDED"


class MeetingResult(StrEnum):
    """What a meeting decided, without saying of what kind a plan is: a medical plan would tell of an illness."""

    RESOLVED = "RESOLVED"
    PLAN_AGREED = "PLAN_AGREED"
    ESCALATE = "ESCALATE"
    RESCHEDULE = "RESCHEDULE"
    NO_ACTION = "NO_ACTION"


Facts = Mapping[str, Any]
_WHEN: Final[Any] = date | datetime
# Only these facts of an event leave; `because`, `error`, figures and free words do not.
PUBLISHED: Final[Mapping[EventType, Facts]] = MappingProxyType(
    {
        EventType.STAGE_ENTERED: {"type": StageType},
        EventType.PROPOSED: {"proposal_id": UUID, "kind": ProposalKind, "automatic": bool},
        EventType.PROPOSAL_WITHDRAWN: {"proposal_id": UUID},
        EventType.APPROVED: {"proposal_id": UUID},
        EventType.APPROVAL_WITHDRAWN: {"proposal_id": UUID},
        EventType.REMINDED: {"count": int},
        EventType.JUMPED: {"over": str, "to": str},
        EventType.HELD: {"until": _WHEN},
        EventType.REASSIGNED: {"assignee_id": UUID},
        EventType.CONTACT_ASKED: {"due": _WHEN},
        EventType.CONTACT_RECORDED: {"contact_id": UUID, "reached": bool},
        EventType.LETTER_ISSUED: {"artifact_id": UUID, "guardian_id": UUID},
        EventType.LETTER_SENT: {"guardian_id": UUID, "state": DeliveryState},
        EventType.LETTER_TO_POST: {"guardian_id": UUID, "state": DeliveryState},
        EventType.LETTER_NOT_DELIVERED: {"guardian_id": UUID, "state": DeliveryState},
        EventType.DELIVERY_RECORDED: {"guardian_id": UUID, "state": DeliveryState},
        EventType.MEETING_BOOKED: {"meeting_id": UUID},
        EventType.MEETING_PROPOSED: {"meeting_id": UUID},
        EventType.MEETING_INVITED: {"delivered": bool},
        EventType.MEETING_CANCELLED: {"meeting_id": UUID},
        EventType.MEETING_OUTCOME_RECORDED: {"result": MeetingResult},
        EventType.PLAN_OPENED: {"plan_id": UUID, "due": _WHEN},
        EventType.PLAN_AGREED: {"plan_id": UUID},
        EventType.NOTICE_RUNS: {"until": _WHEN, "weeks": int},
        EventType.REFERRAL_OPENED: {"referral_id": UUID, "guardian_id": UUID, "due": _WHEN},
        EventType.REFERRAL_SENT: {"referral_id": UUID, "guardian_id": UUID},
        EventType.REFERRAL_ACKNOWLEDGED: {"referral_id": UUID, "guardian_id": UUID},
        EventType.REFERRAL_RESULT: {"referral_id": UUID, "guardian_id": UUID},
        EventType.REFERRAL_LEFT_OUT: {"referral_id": UUID, "guardian_id": UUID},
        EventType.REFERRAL_WITHDRAWN: {"referral_id": UUID, "guardian_id": UUID},
        EventType.ESCALATED: {"to": str, "escalation_id": UUID},
        EventType.STEP_TAKEN: {"reached": bool},
        EventType.WAIT_STARTED: {"until": _WHEN},
        EventType.REGISTER_QUERIED: {"query_id": UUID},
        EventType.REGISTER_ANSWERED: {"query_id": UUID},
        EventType.FOLLOW_UP_STARTED: {"weeks": int},
        EventType.WEEK_CHECKED: {"week_ending": date, "assessable": bool, "relapse": bool},
        EventType.RELAPSED: {"to": str},
        EventType.FOLLOW_UP_INCONCLUSIVE: {"assessed": int, "checked": int},
        EventType.REOPENED: {"to": str},
        EventType.COMPLETED: {"outcome": CaseOutcome},
        EventType.STOPPED: {"outcome": CaseOutcome},
        EventType.RULESET_APPLIED: {"old": int, "new": int},
        EventType.TRANSFER_STARTED: {"to_school_id": UUID},
        EventType.TRANSFER_CHOSEN: {"choice": TransferChoice},
        EventType.CASE_MOVED: {"support_only": bool},
        EventType.YEAR_END_ASKED: {"begins": date},
        EventType.YEAR_END_CHOSEN: {"choice": YearEndChoice},
        EventType.YEAR_ENDED: {"choice": YearEndChoice, "begins": date},
        EventType.STEP_OF_LAST_YEAR: {"to": str},
    }
)
_OUTCOMES: Final = {
    None: CaseOutcome.IMPROVED,  # a case that is COMPLETED has no stop reason
    StopReason.IMPROVED: CaseOutcome.IMPROVED,
    StopReason.CASE_RESOLVED: CaseOutcome.RESOLVED,
}
_RESULTS: Final = {
    "MEDICAL_PLAN": MeetingResult.PLAN_AGREED,
    "SUPPORT_PLAN": MeetingResult.PLAN_AGREED,
    **{result.value: result for result in MeetingResult},
}


def event_name(event_type: EventType) -> str:
    """`STAGE_ENTERED` as `StageEntered`."""
    return "".join(part.title() for part in event_type.split("_"))


def _model(event_type: EventType) -> type[LadderData]:
    fields: dict[str, Any] = {
        name: (kind | None, None) for name, kind in PUBLISHED.get(event_type, MappingProxyType({})).items()
    }
    says = f"The case's timeline got a line {event_type.value}."
    return create_model(f"{event_name(event_type)}Data", __base__=LadderData, __doc__=says, **fields)


MODELS: Final[Mapping[EventType, type[LadderData]]] = MappingProxyType({one: _model(one) for one in EventType})


def published(event: LadderEvent) -> dict[str, Any]:
    """The facts of an event that may leave, in the words that may leave."""
    facts: dict[str, Any] = dict(event.facts)
    if event.type in {EventType.COMPLETED, EventType.STOPPED}:
        reason = facts.get("reason")
        facts["outcome"] = _OUTCOMES.get(StopReason(reason) if reason else None, CaseOutcome.ENDED)
    if event.type is EventType.MEETING_OUTCOME_RECORDED:
        facts["result"] = _RESULTS.get(str(facts.get("outcome")))
    return {name: facts.get(name) for name in PUBLISHED.get(event.type, MappingProxyType({}))}
