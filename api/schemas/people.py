"""Schools, calendars, students and guardians as the API shows them."""

from datetime import time
from uuid import UUID

from api.schemas.shared import Body, shown

SCHOOL_ID = "01934f2e-7a00-7000-8000-0000000000a1"


class SchoolOut(Body):
    """A school with the settings its attendance arithmetic uses."""

    model_config = shown(
        {
            "id": SCHOOL_ID,
            "source_id": "S01",
            "name": "Oak Primary",
            "phase": "PRIMARY",
            "timezone": "Europe/Dublin",
            "code_set": "UK",
            "missing_mark_policy": "EXCLUDE",
            "sessions_per_day": 2,
            "year_start": "08-01",
            "day_basis": "SESSIONS",
            "evaluate_after": "18:00:00",
        }
    )

    id: UUID
    source_id: str
    name: str
    phase: str | None
    timezone: str
    code_set: str
    missing_mark_policy: str
    sessions_per_day: int
    year_start: str
    day_basis: str
    evaluate_after: time
