"""Referrals as the API takes and shows them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from rules.ladder.stages import ReferredTo
from rules.referrals.readiness import Blocker, ReferralResult, ReferralState, ReferralWay

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class ReferralOut(Body):
    """One guardian's referral, for staff."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "school_id": OTHER_ID,
            "case_id": SOME_ID,
            "instance_id": OTHER_ID,
            "guardian_id": OTHER_ID,
            "stage_key": "referral",
            "referred_to": "AUTHORITY",
            "recipient": "The attendance service",
            "status": "ACKNOWLEDGED",
            "revision": 2,
            "opened_at": "2026-11-16T09:30:00Z",
            "due_on": "2026-11-30",
            "pack_id": SOME_ID,
            "sent_on": "2026-11-24",
            "sent_by_way": "portal",
            "acknowledged_on": "2026-11-25",
            "reference": "AS-2026-117",
            "result": None,
            "result_on": None,
            "result_note": None,
            "reason": None,
        }
    )

    id: UUID
    student_id: UUID
    school_id: UUID
    case_id: UUID
    instance_id: UUID
    guardian_id: UUID
    stage_key: str
    referred_to: ReferredTo
    recipient: str
    status: ReferralState
    revision: int
    opened_at: datetime
    due_on: date
    pack_id: UUID | None
    sent_on: date | None
    sent_by_way: ReferralWay | None
    acknowledged_on: date | None
    reference: str | None
    result: ReferralResult | None
    result_on: date | None
    result_note: str | None
    reason: str | None


class BlockerOut(Body):
    """One thing that is missing, in words for staff."""

    model_config = shown({"code": "UNEXPLAINED", "says": "3 of 10 not yet explained"})

    code: Blocker
    says: str


class ReadinessOut(Body):
    """Whether a referral may be sent now with a pack, and what is missing."""

    model_config = shown(
        {
            "referral_id": SOME_ID,
            "pack_id": OTHER_ID,
            "ready": False,
            "missing": [{"code": "UNEXPLAINED", "says": "3 of 10 not yet explained"}],
        }
    )

    referral_id: UUID
    pack_id: UUID | None = Field(description="The pack looked at: the one named, else the newest for this referral.")
    ready: bool
    missing: list[BlockerOut]

    @classmethod
    def of(cls, referral_id: UUID, pack_id: UUID | None, missing: Mapping[Blocker, str]) -> Self:
        """From what the rules found."""
        told = [BlockerOut(code=code, says=says) for code, says in missing.items()]
        return cls(referral_id=referral_id, pack_id=pack_id, ready=not told, missing=told)


class ReferralIn(Body):
    """To whom it goes, as its papers name them, and why that changes."""

    model_config = shown({"recipient": "The attendance service, Harrowby", "reason": "They took it over in September."})

    recipient: Name
    reason: Reason


class ReferralSendIn(Body):
    """That it goes out: with which released pack, how, and on which day."""

    model_config = shown({"pack_id": SOME_ID, "way": "portal", "on": "2026-11-20"})

    pack_id: UUID
    way: ReferralWay
    on: date


class ReferralAcknowledgeIn(Body):
    """That the recipient has it, perhaps under a reference of their own."""

    model_config = shown({"on": "2026-11-20", "reference": "AS-2026-117"})

    on: date
    reference: Name | None = None


class ReferralAnswerIn(Body):
    """What the recipient came to."""

    model_config = shown(
        {"result": "SUPPORT", "on": "2026-11-20", "note": "A family support worker visits on Mondays."}
    )

    result: ReferralResult
    on: date
    note: Note = ""
