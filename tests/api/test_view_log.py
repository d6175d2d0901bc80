"""The view log: everybody an answer shows to staff, nobody it does not, whatever comes of the request."""

import pytest

from tests.api.district import NOW, District
from tests.api.furnished import Furnished, furnish
from tests.api.viewed import disclosed, viewed, views

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def ours(district: District) -> Furnished:
    return district.run(furnish(district, district.ours))


def test_a_row_says_who_saw_whom_by_which_request_and_when(district: District, ours: Furnished) -> None:
    answer = district.get(f"/students/{ours.id('student_id')}/guardians", "attendance_officer")
    (row,) = views(district, answer)
    assert (row.actor_id, row.actor_role) == (district.ours.people["attendance_officer"], "attendance_officer")
    assert (row.actor_display, row.operation, row.at) == ("Attendance Officer", "list_guardians", NOW)
    assert str(row.student_id) not in answer.text, "let in to her guardians, the caller saw Ann"


def test_a_list_shows_its_page_and_not_the_row_fetched_to_know_of_the_next(district: District) -> None:
    answer = district.get("/students", params={"limit": 1})
    assert viewed(district, answer) == {district.ours.students["bob"], district.ours.students["ann"]} & {
        student_id for student_id in district.ours.students.values() if str(student_id) in answer.text
    }
    assert len(viewed(district, answer)) == 1
    everybody = district.get("/students")
    assert viewed(district, everybody) == set(district.ours.students.values())


def test_what_families_and_outsiders_read_is_a_disclosure_and_no_view(district: District, ours: Furnished) -> None:
    for person, name in (("guardian-elm", "cat"), ("student", "ann"), ("external", "ann")):
        student_id = district.ours.students[name]
        for path in (f"/students/{student_id}", "/students"):
            answer = district.get(path, person)
            assert answer.status_code == 200, answer.text
            assert viewed(district, answer) == set(), person
            assert disclosed(district, answer) == {student_id}, (person, path)


def test_whoever_is_refused_saw_nobody(district: District, ours: Furnished) -> None:
    path = f"/students/{ours.id('student_id')}"
    for person in ("teacher-2", "school_leader-elm", "school_leader-kin"):
        answer = district.get(path, person)
        assert answer.status_code == 403
        assert viewed(district, answer) == set(), person


def test_an_answer_that_was_not_given_showed_nobody(district: District, ours: Furnished) -> None:
    """Let in, then refused for the input: what was noted goes with the transaction."""
    answer = district.get(f"/interventions/instances/{ours.id('instance_id')}/timeline", params={"cursor": "nonsense"})
    assert answer.status_code == 422
    assert viewed(district, answer) == set()


def test_a_command_shows_the_student_it_is_about(district: District, ours: Furnished) -> None:
    body = {
        "kind": "CALL_BACK",
        "title": "Ring the family",
        "school_id": ours.id("school_id"),
        "student_id": ours.id("student_id"),
    }
    answer = district.post("/tasks", "attendance_officer", json=body)
    assert answer.status_code == 201
    assert viewed(district, answer) == {district.ours.students["ann"]}


def test_another_tenants_log_stays_apart(district: District, ours: Furnished) -> None:
    answer = district.get("/students")
    assert viewed(district, answer)
    assert viewed(district, answer, district.theirs) == set()
