"""Behaviour, predictions and timetables as the API shows them: what other systems told, and nothing beside it."""

import datetime as dt
from decimal import Decimal
from typing import Any, Final, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from services.inbound_records import Timetabled

_LESSON: Final[dict[str, Any]] = {"weekday": 1, "starts": "09:00:00", "ends": "10:00:00", "room": "12"}


class BehaviourOut(Body):
    """One behaviour event of a student, in words of the source's list."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "school_id": SOME_ID,
            "occurred_at": "2026-11-20T09:30:00Z",
            "category": "LATE",
            "severity": 2,
            "points": -1,
            "withdrawn": False,
        }
    )

    id: UUID
    student_id: UUID
    school_id: UUID
    occurred_at: dt.datetime
    category: str
    severity: int | None
    points: int | None
    withdrawn: bool = Field(description="The source took it back: it may not be held against the student.")


class PredictionOut(Body):
    """A risk score that a model gave a student: it feeds risk lists, no rule reads it and nothing starts by it."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "model": "attendance-risk",
            "model_version": "3.2",
            "score": "0.81250000",
            "band": "HIGH",
            "horizon_days": 30,
            "predicted_at": "2026-11-20T05:00:00Z",
        }
    )

    id: UUID
    student_id: UUID
    model: str
    model_version: str
    score: Decimal = Field(description="Between 0 and 1.")
    band: str | None
    horizon_days: int | None
    predicted_at: dt.datetime


class LessonOut(Body):
    """When and where a section meets each week; Monday is 1."""

    model_config = shown(_LESSON)

    weekday: int
    starts: dt.time
    ends: dt.time
    room: str | None


class SectionOut(Body):
    """A section of the timetable; who sits in it is not told here, only how many."""

    model_config = shown(
        {
            "id": SOME_ID,
            "source_key": "8B-MATHS",
            "school_id": OTHER_ID,
            "name": "Mathematics 8B",
            "course": "Mathematics",
            "valid_from": "2026-09-01",
            "valid_to": None,
            "staff_keys": ["T-17"],
            "students": 27,
            "meetings": [_LESSON],
        }
    )

    id: UUID
    source_key: str
    school_id: UUID
    name: str
    course: str | None
    valid_from: dt.date
    valid_to: dt.date | None
    staff_keys: list[str] = Field(description="The source's own ids of who teaches it.")
    students: int
    meetings: list[LessonOut]

    @classmethod
    def of(cls, told: Timetabled) -> Self:
        """A section with its week."""
        own = {name: getattr(told.section, name) for name in cls.model_fields if hasattr(told.section, name)}
        lessons = [LessonOut.model_validate(one) for one in told.meetings]
        return cls(**own, staff_keys=list(told.staff_keys), students=told.students, meetings=lessons)
