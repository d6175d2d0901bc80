"""What a person says with each verb on one walk: the bodies of `api/routes/ladder.py`."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.shared import SOME_ID, Body, Reason, Text, shown
from rules.bounds import AnyDay
from rules.ladder.commands import BasisChoice
from rules.ladder.words import StopReason, YearEndChoice


class ApproveIn(Body):
    """Which proposal; for a student with a care flag also what support or adjustment was considered."""

    model_config = shown({"proposal_id": SOME_ID}, {"proposal_id": SOME_ID, "consideration": "Later start agreed."})

    proposal_id: UUID
    consideration: Annotated[str, Field(max_length=2000)] = ""
    reason: Annotated[str, Field(max_length=2000)] = ""


class OnProposalIn(Body):
    """A decision on one proposal, with the reason."""

    model_config = shown({"proposal_id": SOME_ID, "reason": "Sent to the wrong step."})

    proposal_id: UUID
    reason: Reason


class SkipIn(Body):
    """Leave the step out; in NEEDS_STAFF without a proposal: give the effect up."""

    model_config = shown({"proposal_id": SOME_ID, "reason": "Family already called us."})

    proposal_id: UUID | None = None
    reason: Reason


class HoldIn(Body):
    """Pause, until a date or until somebody resumes."""

    model_config = shown({"until": "2026-12-04", "reason": "In hospital."})

    until: AnyDay | None = None
    reason: Reason


class StopIn(Body):
    """End the walk."""

    model_config = shown({"reason_code": "OTHER_SUPPORT", "reason": "Social worker leads now."})

    reason_code: StopReason
    reason: Reason


class EscalateIn(Body):
    """Pass over rungs to `to`; left out: the first escalation."""

    model_config = shown({"to": "escalation", "reason": "Safety plan needed."})

    to: Annotated[str | None, Field(max_length=48)] = None
    reason: Reason


class ReassignIn(Body):
    """Another person looks after the case."""

    model_config = shown({"assignee_id": SOME_ID})

    assignee_id: UUID
    reason: Annotated[str, Field(max_length=2000)] = ""


class ReopenIn(Body):
    """Back onto the ladder; a closed walk is taken up by a new one with the same case."""

    model_config = shown({"to_stage": "letter-2", "reason": "Absent again since Monday."})

    to_stage: Annotated[str | None, Field(max_length=48)] = None
    reason: Reason


class ExitIn(Body):
    """Agree or disagree that the student may leave the ladder."""

    model_config = shown({"decision": "confirm", "reason": "Five weeks of full attendance."})

    decision: Literal["confirm", "reject"]
    reason: Reason


class BasisIn(Body):
    """What to do with a step whose reason a correction has removed."""

    model_config = shown({"choice": "rescind", "reason": "The register was wrong."})

    choice: BasisChoice
    reason: Reason


class ReapplyIn(Body):
    """Another version of the same rule set; the difference was seen."""

    model_config = shown({"version_id": SOME_ID, "acknowledged": True, "reason": "New waits from January."})

    version_id: UUID
    acknowledged: Literal[True]
    reason: Reason


class TransferIn(Body):
    """What becomes of a case whose student has come from another school: on the same rung, with support only (contact
    and plan, no letters), or closed.
    """

    model_config = shown({"choice": "SUPPORT_ONLY", "reason": "A new start: we speak with the family first."})

    choice: Literal["CONTINUE", "SUPPORT_ONLY", "CLOSE"]
    reason: Reason


class YearEndIn(Body):
    """What becomes of a walk when the school year ends: on the same rung with waits from the first open day, closed
    with a summary, or on hold until somebody has looked at it in autumn.
    """

    model_config = shown({"choice": "CARRY", "reason": "The plan runs until October."})

    choice: YearEndChoice
    reason: Reason


class ContactIn(Body):
    """A contact with the family; what they said comes first. A visit names a second person or a check-in."""

    model_config = shown(
        {"mode": "CALL", "reached": True, "guardian_id": SOME_ID, "said": "Bus was late all week.", "barriers": ["bus"]}
    )

    mode: Literal["CALL", "VISIT", "GATE", "TEXT"]
    reached: bool
    guardian_id: UUID | None = None
    said: Annotated[str, Field(max_length=4000)] = ""
    barriers: Annotated[tuple[Text, ...], Field(max_length=20)] = ()
    next_step: Annotated[str, Field(max_length=2000)] = ""
    second_name: Annotated[str, Field(max_length=200)] = ""
    checked_in: bool = False


class DeliveryIn(Body):
    """What staff did with a letter: posted or handed over on a day, or could not deliver it."""

    model_config = shown({"guardian_id": SOME_ID, "on": "2026-11-20", "posted": True, "delivered": True})

    guardian_id: UUID
    on: AnyDay
    posted: bool = True
    delivered: bool = True
    artifact_id: UUID | None = None
