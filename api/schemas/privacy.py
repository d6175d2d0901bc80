"""Disclosures, amendment requests and incidents as the API takes and shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, Text, shown
from rules.bounds import AnyDay, Instant
from rules.privacy.disclosures import DisclosurePurpose, Party
from rules.privacy.incidents import IncidentKind, RegulatorDecision

Short = Annotated[Text, Field(max_length=200)]
SubjectKind = Literal["MARK", "LETTER", "CONTACT", "MEETING", "CASE", "STUDENT", "OTHER"]


class DisclosureIn(Body):
    """Something handed over outside the school by other ways than Handrail: by telephone, on paper, at a meeting."""

    model_config = shown(
        {
            "party": "EDUCATION_AUTHORITY",
            "purpose": "REFERRAL",
            "what": "attendance of the autumn term",
            "recipient": "Educational welfare service, Dublin 8",
            "interest": "They asked under the referral of 12 November.",
        }
    )

    party: Party
    purpose: DisclosurePurpose
    what: Annotated[Short, Field(description="Which kinds of records, without what they say.")]
    guardian_id: UUID | None = None
    recipient: Short
    interest: Text


class DisclosureOut(Body):
    """One line of the log; to a guardian without the names and words of staff, without what tells of others."""

    model_config = shown(
        {
            "id": SOME_ID,
            "at": "2026-11-20T09:30:00Z",
            "party": "EDUCATION_AUTHORITY",
            "purpose": "REFERRAL",
            "what": "attendance of the autumn term",
            "guardian_id": None,
            "recipient": "Educational welfare service, Dublin 8",
            "interest": "They asked under the referral of 12 November.",
            "released_by": OTHER_ID,
            "person_id": None,
        }
    )

    id: UUID
    at: datetime
    party: Party
    purpose: DisclosurePurpose
    what: str
    guardian_id: UUID | None
    recipient: str
    interest: str
    released_by: UUID | None
    person_id: UUID | None


class DisclosuresOut(Body):
    """The log of one student, or the part of it that one guardian may read; `next_cursor` goes on."""

    model_config = shown({"student_id": SOME_ID, "guardian_view": False, "items": [], "next_cursor": None})

    student_id: UUID
    guardian_view: bool
    items: list[DisclosureOut]
    next_cursor: str | None


_AMENDMENT: dict[str, Any] = {
    "subject_kind": "MARK",
    "subject_id": None,
    "subject_on": "2026-11-09",
    "wrong": "She was at the dentist, you have her as absent without leave.",
    "wanted": "Medical appointment on the morning of 9 November.",
}


class AmendmentIn(Body):
    """What is wrong in which record, and what should stand there, in the family's own words."""

    model_config = shown({"school_id": OTHER_ID, "guardian_id": SOME_ID, **_AMENDMENT})

    school_id: UUID
    guardian_id: UUID | None = Field(default=None, description="Who asks; a signed-in guardian asks for themselves.")
    subject_kind: SubjectKind
    subject_id: UUID | None = None
    subject_on: AnyDay | None = None
    wrong: Text
    wanted: Text


class AmendmentOut(Body):
    """A request to put the record right; `hearing` says what rights follow a refusal."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "school_id": OTHER_ID,
            "guardian_id": SOME_ID,
            **_AMENDMENT,
            "regime": "GDPR",
            "requested_at": "2026-11-20T09:30:00Z",
            "due_on": "2026-12-20",
            "status": "OPEN",
            "decided_at": None,
            "reason": None,
            "statement": None,
            "hearing": "",
            "hearing_checked": False,
        }
    )

    id: UUID
    student_id: UUID
    school_id: UUID
    guardian_id: UUID | None
    subject_kind: str
    subject_id: UUID | None
    subject_on: date | None
    wrong: str | None
    wanted: str | None
    regime: str
    requested_at: datetime
    due_on: date
    status: Literal["OPEN", "GRANTED", "REFUSED"]
    decided_at: datetime | None
    reason: str | None
    statement: str | None
    hearing: str
    hearing_checked: bool = Field(description="False: have somebody compare the text with the law before it is sent.")


class AmendmentDecisionIn(Body):
    """Granted or refused, why, and the family's own statement, which stays with the record."""

    model_config = shown({"granted": False, "reason": "The register was checked with the class teacher."})

    granted: bool
    reason: Reason
    statement: Text | None = None


_INCIDENT: dict[str, Any] = {
    "kind": "WRONG_PERSON",
    "student_id": SOME_ID,
    "school_id": OTHER_ID,
    "happened": "The letter went to the former address.",
    "noticed_at": "2026-11-20T09:00:00Z",
    "message_id": OTHER_ID,
    "artifact_id": None,
    "wrong_guardian_id": None,
}


class IncidentIn(Body):
    """Something went to the wrong person: which message or document, and the guardian if it was one we know."""

    model_config = shown(_INCIDENT)

    kind: IncidentKind = IncidentKind.WRONG_PERSON
    student_id: UUID
    school_id: UUID
    happened: Text
    noticed_at: Instant
    message_id: UUID | None = None
    artifact_id: UUID | None = None
    wrong_guardian_id: UUID | None = None


class IncidentOut(Body):
    """An incident with what was stopped, the proposed letter of recall, and its 72-hour clock."""

    model_config = shown(
        {
            "id": SOME_ID,
            **_INCIDENT,
            "status": "OPEN",
            "clock_ends_at": "2026-11-23T09:00:00Z",
            "hours_left": 71.5,
            "recalled": {"messages_cancelled": [OTHER_ID], "contact_stop_id": None},
            "recall_text": "Oak School\n\nOn 19 November 2026 something reached you that was not meant for you.",
            "regulator": None,
            "regulator_at": None,
            "regulator_reason": None,
            "family_told_at": None,
            "family_reason": None,
            "outcome": None,
            "closed_at": None,
        }
    )

    id: UUID
    kind: str
    status: Literal["OPEN", "CLOSED"]
    student_id: UUID
    school_id: UUID
    message_id: UUID | None
    artifact_id: UUID | None
    wrong_guardian_id: UUID | None
    happened: str | None
    noticed_at: datetime
    clock_ends_at: datetime
    hours_left: float = Field(description="Hours until the clock ends; negative when it has ended.")
    recalled: dict[str, Any]
    recall_text: str | None
    regulator: str | None
    regulator_at: datetime | None
    regulator_reason: str | None
    family_told_at: datetime | None
    family_reason: str | None
    outcome: str | None
    closed_at: datetime | None


class IncidentCloseIn(Body):
    """Every answer an incident ends with."""

    model_config = shown(
        {
            "regulator": "NOT_NEEDED",
            "regulator_at": None,
            "regulator_reason": "The envelope came back unopened.",
            "family_told_at": "2026-11-20T15:00:00Z",
            "family_reason": "Rung by the head of year.",
            "outcome": "The letter is back in the school.",
        }
    )

    regulator: RegulatorDecision
    regulator_at: Instant | None = None
    regulator_reason: Reason
    family_told_at: Instant | None = None
    family_reason: Annotated[Reason, Field(description="How the family was told, or why not.")]
    outcome: Reason
