"""What other systems may say: times of a school without an offset, stretches that run forward, each once."""

from typing import Any

import pytest
from pydantic import ValidationError

from rules.events.inbound import StaffAbsenceData, StaffHoursData, student_named

MONDAY = {"weekday": 1, "starts": "09:00", "ends": "12:00"}


def hours(*stretches: dict[str, Any]) -> StaffHoursData:
    said = {"staff_id": "olive", "school_id": "oak", "valid_from": "2026-09-01", "hours": list(stretches)}
    return StaffHoursData.model_validate(said)


def away(first: str, last: str) -> StaffAbsenceData:
    return StaffAbsenceData.model_validate(
        {"absence_id": "1", "staff_id": "olive", "first_day": first, "last_day": last, "starts": "10:00"}
    )


def test_a_working_week_and_an_absence_are_taken_as_they_are() -> None:
    assert len(hours(MONDAY, MONDAY | {"starts": "13:00", "ends": "15:00"}).hours) == 2
    assert away("2026-11-20", "2026-11-20").cancelled is False


@pytest.mark.parametrize(
    ("stretches", "why"),
    [
        ([MONDAY | {"ends": "09:00"}], "ends must be after starts"),
        ([MONDAY | {"starts": "09:00+02:00"}], "without an offset"),
        ([MONDAY, MONDAY], "each stretch of a weekday once"),
    ],
)
def test_hours_that_cannot_be_are_refused(stretches: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        hours(*stretches)


def test_an_absence_runs_forward() -> None:
    with pytest.raises(ValidationError, match="last_day must not be before first_day"):
        away("2026-11-20", "2026-11-19")


@pytest.mark.parametrize(
    ("entity", "student"),
    [
        ("students/S1", "S1"),
        ("students/S1/guardians/G1", "S1"),
        ("students/S/1/schools/oak", "S/1"),
        ("students/S1/predictions/m/2026-11-20T05:00:00+00:00", "S1"),
        ("guardians/G1", None),
        ("behaviour/students/S1", None),
        ("", None),
    ],
)
def test_an_entity_names_its_student(entity: str, student: str | None) -> None:
    assert student_named(entity) == student
