"""The register through the API: imported, read, corrected, and what was not taken in."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from models.rulesets import NightlyRun
from orchestration.client import TemporalAddress, connect
from orchestration.handles import CaseHandles
from tests.api.district import District
from tests.api.viewed import recorded
from tests.api.walks import CODEC
from tests.servers.kinds import TemporalDev

pytestmark = pytest.mark.servers
MARKS = "mark_id,student_id,school_id,date,session,code,recorded_at\r\n"
DAYS = [f"2026-11-{day:02d}" for day in (16, 17, 18, 19)]


def zipped(**files: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"autumn/{name}.csv", text)
    return held.getvalue()


def register(student: str = "new-1") -> dict[str, str]:
    """One school, one student, four days: the last one missed."""
    calendar = "".join(f"S9,{day},{half}\r\n" for day in DAYS for half in ("AM", "PM"))
    marks = "".join(
        f"{student}-{day}-{half},{student},S9,{day},{half},{'I' if day == DAYS[-1] else '/'},{day}T09:10:00Z\r\n"
        for day in DAYS
        for half in ("AM", "PM")
    )
    return {
        "schools": "school_id,name,code_set,missing_mark_policy,sessions_per_day,year_start\r\n"
        "S9,New School,UK,EXCLUDE,2,08-01\r\n",
        "calendar": f"school_id,date,session\r\n{calendar}",
        "students": f"student_id,first_name,last_name,year_group\r\n{student},Nia,Example,4\r\n",
        "enrolments": f"student_id,school_id,start_date,end_date,attends\r\n{student},S9,2026-09-01,,AM|PM\r\n",
        "marks": f"{MARKS}{marks}",
    }


def sent(district: District, content: bytes, person: str = "district_admin", **fields: str) -> Any:
    return district.post("/attendance/imports", person, files={"file": ("autumn.zip", content)}, data=fields)


def imported(district: District, name: str = "new-1") -> tuple[str, str]:
    """Ids of the imported student and their school."""
    answer = sent(district, zipped(**register(name)))
    assert answer.status_code == 201, answer.text
    school = next(s["id"] for s in district.get("/schools").json()["items"] if s["source_id"] == "S9")
    student = district.get(f"/students?search={name}").json()["items"][0]["id"]
    return student, school


def days(district: District, student: str, person: str = "district_admin") -> Any:
    return district.get(f"/attendance/students/{student}/summaries?from=2026-11-16&to=2026-11-20", person).json()


def test_a_district_folder_is_imported_and_a_second_time_changes_nothing(district: District) -> None:
    student, _ = imported(district)
    again = sent(district, zipped(**register())).json()
    assert again["run"]["status"] == "FINISHED"
    assert again["run"]["rows_duplicate"] == 8
    assert district.get(f"/attendance/imports/{again['run']['id']}").json() == again
    assert [one["date"] for one in days(district, student)["items"]] == DAYS
    last = days(district, student)["items"][-1]
    assert (last["am_status"], last["attendance_percent"], last["total_absence_days_ytd"]) == (
        "AUTHORISED_ABSENT",
        "75.00",
        "1.0",
    )


def test_register_codes_are_shown_to_few(district: District) -> None:
    student, _ = imported(district)
    assert days(district, student, "district_admin")["items"][-1]["am_code"] is None
    assert days(district, student, "dpo")["items"][-1]["am_code"] is None
    path = f"/attendance/students/{student}/marks?from=2026-11-19&to=2026-11-19"
    assert {mark["code"] for mark in district.get(path).json()["items"]} == {None}


def test_a_correction_is_a_later_mark_and_moves_the_totals(district: District) -> None:
    student, school = imported(district)
    path = f"/attendance/students/{student}/corrections"
    body = {
        "school_id": school,
        "marks": [{"date": DAYS[-1], "session": half, "code": "/"} for half in ("AM", "PM")],
        "reason": "The child was in the library.",
    }
    assert district.post(path, "attendance_officer", json=body).status_code == 403
    answer = district.post(path, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["run"]["kind"] == "correction"
    assert days(district, student)["items"][-1]["attendance_percent"] == "100.00"
    marks = district.get(f"/attendance/students/{student}/marks?from={DAYS[-1]}&to={DAYS[-1]}").json()["items"]
    assert len(marks) == 4
    closed = {**body, "marks": [{"date": DAYS[-1], "session": "AM", "code": "?!"}]}
    odd = district.post(path, json=closed)
    assert (odd.status_code, odd.json()["code"]) == (422, "code_unknown")


@pytest.mark.parametrize(
    ("content", "fields", "code"),
    [
        (b"PK\x03\x04 not a zip at all", {}, "archive_refused"),
        (zipped(poem="roses"), {}, "archive_refused"),
        (zipped(marks="0" * 50_000_000), {}, "archive_refused"),
        (b"a,b\r\n1,2\r\n", {}, "table_missing"),
        (b"a,b\r\n1,2\r\n", {"as": "poems"}, "table_missing"),
        (b"a,b\r\n1,2\r\n", {"as": "marks", "source": "{"}, "source_invalid"),
        (b"a,b\r\n1,2\r\n", {"as": "marks", "colour": "red"}, "invalid_request"),
    ],
)
def test_what_is_not_a_register_is_refused(
    district: District, content: bytes, fields: dict[str, str], code: str
) -> None:
    answer = sent(district, content, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_broken_table_says_what_is_missing(district: District) -> None:
    answer = sent(district, b"a,b\r\n1,2\r\n", **{"as": "marks"})
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_an_import_is_for_people_of_every_school(district: District) -> None:
    assert sent(district, zipped(**register()), "attendance_officer").status_code == 403
    assert sent(district, zipped(**register("new-2")), "integration").status_code == 201
    assert sent(district, zipped(**register()), "teacher").status_code == 403


def test_a_bad_row_waits_in_quarantine_until_somebody_settles_it(district: District) -> None:
    imported(district)
    bad = f"{MARKS}X1,new-1,S9,2026-13-45,AM,/,2026-11-19T09:10:00Z\r\n".encode()
    report = sent(district, bad, **{"as": "marks"}).json()
    assert report["run"]["rows_quarantined"] == 1
    path = f"/attendance/quarantine?import_id={report['run']['id']}"
    row = district.get(path).json()["items"][0]
    settle = f"/attendance/quarantine/{row['id']}/resolve"
    body = {"status": "DISMISSED", "reason": "A typing error at the source."}
    assert district.post(settle, json=body).json()["status"] == "DISMISSED"
    assert district.get(path).json()["items"] == []
    assert district.post(settle, json=body).status_code == 409


def test_a_code_map_is_changed_as_a_whole_and_totals_follow(district: District) -> None:
    student, _ = imported(district, "new-3")
    path = "/attendance/code-maps/UK"
    codes = district.get(path).json()["codes"]
    wanted = [{**one, "status": "NOT_POSSIBLE"} if one["code"] == "I" else one for one in codes]
    answer = district.change(path, {"codes": wanted, "reason": "For a test."})
    assert answer.status_code == 200, answer.text
    assert days(district, student)["items"][-1]["am_status"] == "NOT_POSSIBLE"
    assert district.change(path, {"codes": codes, "reason": "And back."}).status_code == 200
    assert district.get("/attendance/code-maps/NOWHERE").status_code == 404


def test_a_closed_day_leaves_the_totals(district: District) -> None:
    student, school = imported(district)
    path = f"/schools/{school}/calendar"
    span = f"{path}?from={DAYS[0]}&to={DAYS[0]}"
    body = {"from_date": DAYS[0], "to_date": DAYS[0], "sessions": [], "reason": "The heating failed."}
    tag = district.get(span).headers["ETag"]
    answer = district.put(path, json=body, headers={"If-Match": tag})
    assert answer.json()["sessions"] == []
    assert DAYS[0] not in {one["date"] for one in days(district, student)["items"]}
    outside = {**body, "sessions": [{"date": DAYS[1], "session": "AM"}]}
    wrong = district.put(path, json=outside, headers={"If-Match": district.get(span).headers["ETag"]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "calendar_invalid")


def test_a_pass_by_hand_runs_once_per_key(district: District, temporal_dev: TemporalDev) -> None:
    without = district.post("/attendance/evaluations")
    assert (without.status_code, without.json()["code"]) == (503, "temporal_unavailable")
    client = district.run(connect(TemporalAddress(temporal_dev.address), CODEC))
    parts = district.app.state.parts
    district.app.state.parts = replace(parts, cases=CaseHandles(client))
    answer = district.post("/attendance/evaluations", headers={"Idempotency-Key": "by-hand-0001"})
    district.app.state.parts = parts
    assert answer.status_code == 202
    run = answer.json()["runs"][0]
    assert run.startswith("nightly:")
    (entry,) = recorded(district, answer.headers["X-Request-Id"])
    assert (entry.verb, entry.actor_id) == ("run_evaluation", district.ours.people["district_admin"])

    async def ended() -> None:
        await client.get_workflow_handle(run).terminate("the tests are over")

    district.run(ended())


def test_what_a_pass_came_to_is_told_for_the_schools_in_reach(district: District) -> None:
    oak, elm = (district.ours.schools[name] for name in ("oak", "elm"))
    counts = {"students": 3, "changed": 0, "opened": 1, "signalled": 0, "absorbed": 0, "late_trips": 0, "duties": 2}
    known_at = datetime(2026, 11, 19, 19, tzinfo=UTC)

    async def evaluated() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            about = {"digest": "f" * 64, "date": date(2026, 11, 19), "known_at": known_at}
            session.add_all(NightlyRun(school_id=one, counts=counts, **about) for one in (oak, elm))

    district.run(evaluated())

    def told(person: str, **query: str) -> list[dict[str, Any]]:
        answer = district.get("/attendance/evaluations", person, params=query)
        assert answer.status_code == 200, answer.text
        return [one for one in answer.json()["items"] if one.pop("id") and one["digest"] == "f" * 64]

    expected = {**counts, "digest": "f" * 64, "evaluated_on": "2026-11-19", "known_at": "2026-11-19T19:00:00Z"}
    assert told("district_admin") == [{**expected, "school_id": str(school)} for school in (elm, oak)]
    assert told("district_admin", school_id=str(oak)) == [{**expected, "school_id": str(oak)}]
    assert told("attendance_officer") == [{**expected, "school_id": str(oak)}]
    assert told("school_leader-elm") == [{**expected, "school_id": str(elm)}]
    refused = district.get("/attendance/evaluations", "school_leader-elm", params={"school_id": str(oak)})
    assert refused.json()["code"] == "other_school"
    assert district.get("/attendance/evaluations", "teacher").json()["code"] == "role_not_allowed"
