"""Schools, calendars, students and guardians through the API."""

import pytest

from tests.api.district import District

pytestmark = pytest.mark.servers


def test_a_school_bound_person_sees_their_own_schools_only(district: District) -> None:
    assert [s["name"] for s in district.get("/schools", "attendance_officer").json()["items"]] == ["Oak School"]
    assert [s["name"] for s in district.get("/schools").json()["items"]] == ["Elm School", "Oak School"]
