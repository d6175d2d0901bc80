"""Cases, tasks, contact stops, exemptions, reasons and the sending switch as the API shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Key, Reason, Text, shown
from rules.bounds import AnyDay
from services.contact_stops import StopCause, SubjectKind

_INSTANCE = {
    "id": OTHER_ID,
    "case_id": SOME_ID,
    "student_id": SOME_ID,
    "lead_school_id": OTHER_ID,
    "rule_set_key": "general",
    "status": "ACTIVE",
    "phase": "WAITING",
    "stage_key": "letter-1",
    "stage_type": "LETTER_1",
    "due_at": None,
    "started_at": "2026-11-02T06:00:00Z",
    "closed_at": None,
    "close_reason": None,
}
_CASE = {
    "id": SOME_ID,
    "student_id": SOME_ID,
    "school_id": OTHER_ID,
    "tier": 1,
    "status": "OPEN",
    "owner_id": None,
    "created_at": "2026-11-02T06:00:00Z",
    "resolved_at": None,
    "resolution": None,
}


class InstanceSummary(Body):
    """One walk up a ladder, in short."""

    model_config = shown(_INSTANCE)

    id: UUID
    case_id: UUID
    student_id: UUID
    lead_school_id: UUID
    rule_set_key: str
    status: str
    phase: str
    stage_key: str | None
    stage_type: str | None
    due_at: datetime | None
    started_at: datetime
    closed_at: datetime | None
    close_reason: str | None


class CaseOut(Body):
    """A student's file at a school."""

    model_config = shown(_CASE)

    id: UUID
    student_id: UUID
    school_id: UUID
    tier: int
    status: Literal["OPEN", "RESOLVED"]
    owner_id: UUID | None
    created_at: datetime
    resolved_at: datetime | None
    resolution: str | None


class CaseFileOut(Body):
    """A case with its walks."""

    model_config = shown({"case": _CASE, "instances": [_INSTANCE]})

    case: CaseOut
    instances: list[InstanceSummary]


class ResolveIn(Body):
    """Why the matter is settled."""

    model_config = shown({"resolution": "Bus pass arranged; full attendance since half-term."})

    resolution: Reason


class ContactStopIn(Body):
    """Whom not to contact, and why; a household is named by one of its students."""

    model_config = shown({"subject_kind": "STUDENT", "subject_id": SOME_ID, "reason_code": "BEREAVEMENT"})

    subject_kind: SubjectKind
    subject_id: UUID
    reason_code: StopCause
    note: Text | None = None


class ContactStopOut(Body):
    """A contact stop; a permanent one follows a death and is never lifted."""

    model_config = shown(
        {
            "id": OTHER_ID,
            "subject_kind": "STUDENT",
            "subject_id": SOME_ID,
            "reason_code": "BEREAVEMENT",
            "note": None,
            "permanent": False,
            "set_by": SOME_ID,
            "set_at": "2026-11-20T09:30:00Z",
            "lifted_at": None,
        }
    )

    id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    reason_code: StopCause
    note: str | None
    permanent: bool
    set_by: UUID | None
    set_at: datetime
    lifted_at: datetime | None


class SwitchIn(Body):
    """Turn sending off or on for the tenant, one school, one channel, or one channel of one school."""

    model_config = shown({"school_id": SOME_ID, "channel": None, "enabled": False, "reason": "Wrong template live."})

    school_id: UUID | None = None
    channel: Literal["EMAIL", "POST", "SMS", "PUSH", "IN_APP"] | None = None
    enabled: bool
    reason: Reason


class SwitchOut(Body):
    """One switch; where there is none, sending is on."""

    model_config = shown(
        {
            "school_id": SOME_ID,
            "channel": None,
            "enabled": False,
            "reason": "Wrong template live.",
            "changed_at": "2026-11-20T09:30:00Z",
        }
    )

    school_id: UUID | None
    channel: str | None
    enabled: bool
    reason: str | None
    changed_at: datetime


class RestoreHoldOut(Body):
    """A class of disagreements after a restore: while one is held nothing leaves, whatever the switches say."""

    model_config = shown(
        {
            "kind": "IN_DOUBT",
            "cause": "DATABASE_OLDER",
            "detail": "database at beat 5, Temporal at 9",
            "found_at": "2026-11-20T09:30:00Z",
        }
    )

    kind: str
    cause: str
    detail: str
    found_at: datetime


class SendingOut(Body):
    """Every switch that was ever turned, and what a restore holds back until a person releases it."""

    model_config = shown({"items": [], "held_after_restore": []})

    items: list[SwitchOut]
    held_after_restore: list[RestoreHoldOut] = Field(description="Released by `handrail reconcile`, class by class.")


class TaskIn(Body):
    """A task as a person writes it down."""

    model_config = shown(
        {"kind": "CALL_BACK", "title": "Ring back after 4 pm", "school_id": SOME_ID, "due_on": "2026-11-23"}
    )

    kind: Key
    title: Annotated[Text, Field(max_length=200)]
    school_id: UUID
    student_id: UUID | None = None
    case_id: UUID | None = None
    instance_id: UUID | None = None
    assignee_id: UUID | None = None
    role: Key | None = None
    due_on: AnyDay | None = None


class TaskOut(Body):
    """A task."""

    model_config = shown(
        {
            "id": OTHER_ID,
            "kind": "CALL_BACK",
            "title": "Ring back after 4 pm",
            "status": "OPEN",
            "school_id": SOME_ID,
            "student_id": None,
            "case_id": None,
            "instance_id": None,
            "assignee_id": None,
            "role": None,
            "due_on": "2026-11-23",
            "details": {},
            "done_at": None,
            "result": None,
        }
    )

    id: UUID
    kind: str
    title: str
    status: Literal["OPEN", "DONE", "CANCELLED"]
    school_id: UUID | None
    student_id: UUID | None
    case_id: UUID | None
    instance_id: UUID | None
    assignee_id: UUID | None
    role: str | None
    due_on: date | None
    details: dict[str, Any]
    done_at: datetime | None
    result: dict[str, Any] | None


class TaskDoneIn(Body):
    """What came of it."""

    model_config = shown({"result": "Spoke with the grandmother; back on Monday."})

    result: Text


class ExemptionFields(Body):
    """One exemption: `stop` ends a ladder, `hold` parks it."""

    model_config = shown(
        {
            "scope": "hold",
            "kind": "MEDICAL",
            "reason": "Operation; part-time return agreed.",
            "starts_on": "2026-11-23",
            "ends_on": "2026-12-18",
            "review_on": "2026-12-11",
        }
    )

    scope: Literal["stop", "hold"]
    kind: Key
    reason: Text
    starts_on: date
    ends_on: date | None = None
    review_on: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on: an exemption ends on or after the day it starts")
        return self


class ExemptionsIn(Body):
    """The whole list from now on; what is left out is withdrawn."""

    model_config = shown(
        {
            "exemptions": [
                {"scope": "hold", "kind": "MEDICAL", "reason": "Operation.", "starts_on": "2026-11-23"},
            ],
            "reason": "Letter from the hospital seen.",
        }
    )

    exemptions: Annotated[list[ExemptionFields], Field(max_length=50)]
    reason: Reason


class ExemptionsOut(Body):
    """The exemptions that were not withdrawn."""

    model_config = shown({"student_id": SOME_ID, "exemptions": []})

    student_id: UUID
    exemptions: list[ExemptionFields]


class ReasonSession(Body):
    """One absent session."""

    model_config = shown({"date": "2026-11-19", "session": "AM"})

    date: AnyDay
    session: Literal["AM", "PM"]


class AbsenceReasonIn(Body):
    """A reason for absent sessions; accepting it does not change the register."""

    model_config = shown(
        {
            "school_id": SOME_ID,
            "sessions": [{"date": "2026-11-19", "session": "AM"}],
            "reason": "Stomach bug",
            "status": "ACCEPTED",
            "given_by": OTHER_ID,
        }
    )

    school_id: UUID
    sessions: Annotated[list[ReasonSession], Field(min_length=1, max_length=400)]
    reason: Text
    status: Literal["GIVEN", "ACCEPTED", "REFUSED"]
    given_by: UUID | None = None


class AbsenceReasonOut(Body):
    """The reason on record for one session."""

    model_config = shown(
        {
            "id": OTHER_ID,
            "date": "2026-11-19",
            "session": "AM",
            "reason": "Stomach bug",
            "status": "ACCEPTED",
            "decided_at": "2026-11-20T09:30:00Z",
        }
    )

    id: UUID
    date: date
    session: str
    reason: str
    status: str
    decided_at: datetime | None


class AbsenceReasonsOut(Body):
    """What is now on record."""

    model_config = shown({"items": []})

    items: list[AbsenceReasonOut]
