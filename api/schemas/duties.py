"""Duties and the register events that open them, as the API takes and shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, Text, shown
from rules.duties.words import DutyArtifact, DutyBasis, DutyEffect, DutyState, RegisterEvent
from services.duties import DutyChoice, DutyRow

Short = Annotated[Text, Field(max_length=200)]
_DUTY: dict[str, Any] = {
    "id": SOME_ID,
    "student_id": OTHER_ID,
    "student_name": "Aoife Example",
    "year_group": "5",
    "school_id": OTHER_ID,
    "case_id": SOME_ID,
    "instance_id": None,
    "rule_set_key": "ie-ewa-2000",
    "duty_key": "s21-4-b",
    "effect": "REPORT",
    "cite": "s.21(4)(b)",
    "title": "Tell the education welfare officer in writing",
    "report_to": "the education welfare officer",
    "event": None,
    "tripped_on": "2026-11-19",
    "said": "20 absences in the school year so far; threshold 20",
    "opened_at": "2026-11-20T04:15:00Z",
    "due_on": "2026-11-20",
    "days_left": 0,
    "owner_id": None,
    "status": "OPEN",
    "basis": "HOLDS",
    "artifact_kind": None,
    "artifact_id": None,
    "recipient": None,
    "done_on": None,
    "reason": None,
    "evidence": None,
    "closed_at": None,
    "closed_by": None,
    "basis_reason": None,
}


class DutyOut(Body):
    """One duty: what the law asks about whom, until when, and how it ended."""

    model_config = shown(_DUTY)

    id: UUID
    student_id: UUID | None = Field(description="Null: a duty of the school, about nobody.")
    student_name: str | None
    year_group: str | None
    school_id: UUID
    case_id: UUID | None
    instance_id: UUID | None = Field(description="The walk that ran when it arose; duties stand beside any ladder.")
    rule_set_key: str
    duty_key: str
    effect: DutyEffect
    cite: str
    title: str | None
    report_to: str | None = Field(description="To whom the report goes, in the words of the rule set.")
    event: str | None = Field(description="The register's event that opened it; null where a condition did.")
    tripped_on: date
    said: str | None = Field(description="Why it arose, in words.")
    opened_at: datetime
    due_on: date
    days_left: int = Field(description="Calendar days until it is due; negative when it is late.")
    owner_id: UUID | None
    status: DutyState
    basis: DutyBasis = Field(description="LOST: a correction removed what it rests on, and a leader is asked.")
    artifact_kind: DutyArtifact | None
    artifact_id: UUID | None
    recipient: str | None
    done_on: date | None
    reason: str | None
    evidence: str | None
    closed_at: datetime | None
    closed_by: UUID | None
    basis_reason: str | None

    @classmethod
    def of(cls, row: DutyRow, today: date) -> Self:
        """As it stands on a day."""
        duty, student = row.duty, row.student
        beside = {"student_name", "year_group", "days_left"}
        kept = {name: getattr(duty, name) for name in cls.model_fields if name not in beside}
        parts = (student.first_name, student.last_name) if student else ()
        name = " ".join(part for part in parts if part) or None
        left = (duty.due_on - today).days
        return cls(**kept, student_name=name, year_group=student.year_group if student else None, days_left=left)


class DutyCloseIn(Body):
    """How it ended: DONE names the artifact and who got it, DONE_ELSEWHERE why and with what evidence; that it is
    NOT_APPLICABLE is a leader's word, with the reason.
    """

    model_config = shown(
        {
            "state": "DONE",
            "artifact_kind": "EVIDENCE_PACK",
            "artifact_id": SOME_ID,
            "recipient": "Educational welfare service, Dublin 8",
            "on": "2026-11-20",
        },
        {
            "state": "DONE_ELSEWHERE",
            "reason": "The school before us reported it.",
            "evidence": "Their letter of 12 November, in the office file.",
        },
    )

    state: Literal[DutyState.DONE, DutyState.DONE_ELSEWHERE, DutyState.NOT_APPLICABLE]
    artifact_kind: DutyArtifact | None = None
    artifact_id: UUID | None = None
    recipient: Short | None = None
    on: date | None = Field(None, description="The day it was done; left out, the day the artifact went out.")
    reason: Text | None = None
    evidence: Text | None = None


class DutyBasisIn(Body):
    """What a leader does with a duty whose basis a correction removed."""

    model_config = shown({"choice": "WITHDRAW", "reason": "Six days were re-coded as a school trip."})

    choice: DutyChoice
    reason: Reason


class RegisterEventIn(Body):
    """Something that happened on the register and opens the duties that name it."""

    model_config = shown(
        {
            "school_id": OTHER_ID,
            "event": "principal_opinion_irregular",
            "on": "2026-11-20",
            "reason": "Away most Mondays; two talks with the family changed nothing.",
        }
    )

    school_id: UUID
    event: RegisterEvent
    on: date
    reason: Reason


class DutiesOut(Body):
    """The duties that an event opened, those that were open already among them."""

    model_config = shown({"items": [_DUTY]})

    items: list[DutyOut]
