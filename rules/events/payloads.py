"""What every payload keeps to, and the payloads of programmes: ids, statuses, stage keys, dates; never a name or text.

safeguards.md section 6: events carry status, never a register code or a reason.
"""

import datetime as dt
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from rules.breakers.batches import BatchCause
from rules.breakers.days import DayCause


class Payload(BaseModel):
    """The `data` of one event; a field nobody published is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TierEscalatedData(Payload):
    """A student's case was raised to a higher tier."""

    escalation_id: UUID
    case_id: UUID
    instance_id: UUID
    student_id: UUID
    school_id: UUID
    stage_key: str
    from_tier: int = Field(ge=1, le=3)
    to_tier: int = Field(ge=1, le=3)
    occurred_at: datetime


class DutyData(Payload):
    """A duty set by law, as it stands after what happened: opened, closed, its basis lost or decided."""

    duty_id: UUID
    student_id: UUID | None = Field(description="Null: a duty of the school.")
    school_id: UUID
    rule_set_key: str
    duty_key: str
    effect: Literal["TASK", "REPORT", "BLOCK"]
    status: Literal["OPEN", "DONE", "DONE_ELSEWHERE", "NOT_APPLICABLE"]
    basis: Literal["HOLDS", "LOST", "KEPT", "WITHDRAWN"]
    due_on: date
    occurred_at: datetime


class DutyOpenedData(DutyData):
    """A duty set by law arose for a student."""


class DutyClosedData(DutyData):
    """A duty was done, done elsewhere, or found not to apply."""


class DutyBasisLostData(DutyData):
    """A correction of the register removed what a duty rests on; a leader is asked."""


class DutyBasisDecidedData(DutyData):
    """A duty whose basis was gone holds again, was kept or was withdrawn."""


class ProgrammeData(Payload):
    """What the events of a programme have in common."""

    intervention_id: UUID
    occurred_at: datetime


class InterventionCreatedData(ProgrammeData):
    """A programme with its schedule was made."""

    school_id: UUID
    tier: int = Field(ge=1, le=3)
    sessions: int = Field(ge=0, description="How many sessions were made.")
    first_session_on: date | None
    last_session_on: date | None


class StudentEnrolledInInterventionData(ProgrammeData):
    """A student was enrolled in a programme."""

    enrolment_id: UUID
    student_id: UUID
    school_id: UUID
    source: Literal["manual", "risk_list"]
    starts_on: date


class AttendanceCounts(Payload):
    """How many students had each status in one session."""

    present: int = Field(ge=0)
    absent: int = Field(ge=0)
    late: int = Field(ge=0)
    excused: int = Field(ge=0)


class InterventionAttendanceRecordedData(ProgrammeData):
    """The attendance of one session was recorded; counts, not who was away or why."""

    session_id: UUID
    school_id: UUID
    held_on: date
    counts: AttendanceCounts


class ProgressNoteAddedData(ProgrammeData):
    """A progress note was added; notes are confidential, so only that there is one."""

    note_id: UUID
    student_id: UUID
    noted_on: date


class StudentExitedInterventionData(ProgrammeData):
    """A student's exit from a programme was confirmed."""

    enrolment_id: UUID
    student_id: UUID
    school_id: UUID
    result: Literal["goal_met", "withdrawn", "ended"]
    exited_on: date


class InterventionCompletedData(ProgrammeData):
    """A programme has held its last session."""

    school_id: UUID
    completed_on: date


class BreakerData(Payload):
    """What the events of a breaker have in common: what is held, never whom or by which register code."""

    breaker_id: UUID
    kind: Literal["SUSPECT_DAY", "BATCH", "CAP"]
    school_id: UUID | None = Field(description="Null: it holds the whole tenant.")
    date: dt.date
    stage_key: str | None
    occurred_at: datetime


class BreakerOpenedData(BreakerData):
    """Something looks wrong and is held until a person releases it: a school-day, a batch of proposals, messages."""

    cause: DayCause | BatchCause | None = Field(description="What it looks like; a person decides what it was.")


class BreakerClosedData(BreakerData):
    """What was held flows again: a person released it, or a correction of the register has cleared it."""

    status: Literal["RELEASED", "CLEARED"]
