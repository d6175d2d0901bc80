"""Shadow mode as the API shows it: what a candidate's nights came to beside the version in force, and for whom."""

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from services.shadow import Differs

Change = Literal["ADDED", "DROPPED"]


class ShadowNightOut(Body):
    """One school's night: for how many students each version's entry held, and for how many only one did."""

    model_config = shown(
        {
            "id": SOME_ID,
            "school_id": OTHER_ID,
            "date": "2026-11-20",
            "known_at": "2026-11-20T19:00:00Z",
            "against_digest": "0" * 64,
            "in_force": 31,
            "candidate": 36,
            "added": 7,
            "dropped": 2,
        }
    )

    id: UUID
    school_id: UUID
    date: date
    known_at: datetime
    against_digest: str | None = Field(description="The version that was in force; null: none was.")
    in_force: int
    candidate: int
    added: int = Field(description="Students of the candidate only.")
    dropped: int = Field(description="Students of the version in force only.")


class ShadowStudentOut(Body):
    """One student who would be treated differently."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "student_name": "Aoife Example",
            "school_id": OTHER_ID,
            "date": "2026-11-20",
            "change": "ADDED",
            "sentence": "4 absences in 30 calendar days; threshold 4",
        }
    )

    id: UUID
    student_id: UUID
    student_name: str
    school_id: UUID
    date: date
    change: Change
    sentence: str = Field(description="What the candidate counted; empty where its scope leaves the student out.")

    @classmethod
    def of(cls, found: Differs) -> Self:
        row, student = found.row, found.student
        shared = {name: getattr(row, name) for name in ("id", "student_id", "school_id", "date", "change")}
        name = " ".join(filter(None, (student.first_name, student.last_name)))
        return cls(**shared, student_name=name, sentence=found.sentence)
