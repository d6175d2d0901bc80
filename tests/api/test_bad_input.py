"""Bad input is answered with what to do about it: the sentence is read here, not only its code."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from models.attendance import CalendarSession
from tests.api.district import District
from tests.api.test_attendance import MARKS, imported, register, sent, zipped
from tests.api.test_rules import RULES, document
from tests.api.test_rules import drafted as ruleset_drafted
from tests.api.test_templates import drafted, wording
from tests.api.walks import Walks, activate_general, walking
from tests.servers.kinds import TemporalDev

pytestmark = pytest.mark.servers
WHY = "For the autumn term."
ROW = "X1,new-1,S9,2026-11-16,AM,/,2026-11-19T09:10:00Z\r\n"


@pytest.fixture(scope="module")
def walks(district: District, temporal_dev: TemporalDev) -> Iterator[Walks]:
    activate_general(district)
    world = walking(district, temporal_dev.address)
    yield district.run(world.__aenter__())
    district.run(world.__aexit__(None, None, None))


def refused(answer: Any, status: int, code: str) -> str:
    """The sentence of a refusal and of every place it names."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    return " ".join([body["detail"], *(f"{place}: {what}" for place, what in body["fields"].items())])


LISTS_OF_A_SCHOOL = (
    "/interventions/queue",
    "/interventions/late-trips",
    "/interventions/corrections",
    "/interventions/backtests",
    "/interventions/rules/{version}/shadow",
    "/interventions/rules/{version}/shadow/students",
    "/cases",
    "/tasks",
    "/duties",
    "/plans",
    "/referrals",
    "/breakers",
    "/meetings",
    "/students",
    "/people",
    "/evidence-packs",
    "/incidents",
    "/letters/artifacts",
    "/attendance/students/{student}/summaries?from=2026-09-01&to=2026-09-30",
    "/attendance/students/{student}/marks?from=2026-09-01&to=2026-09-30",
    "/attendance/evaluations",
    "/analytics/compliance?from=2026-09-01&to=2026-09-30",
    "/analytics/fairness?from=2026-09-01&to=2026-09-30",
)


def test_the_lists_of_a_school_are_all_of_these(district: District) -> None:
    given = {
        path: verbs.get("get", {}).get("parameters", [])
        for path, verbs in district.get("/openapi.json").json()["paths"].items()
    }
    named = [path for path, them in given.items() if ("school_id", "query") in {(it["name"], it["in"]) for it in them}]
    assert len(named) == len(LISTS_OF_A_SCHOOL) + 1, "and /meetings/slots, which needs its school"


@pytest.mark.parametrize("whose", ["nobody's", "theirs"])
def test_an_unknown_school_says_where_schools_are_found(district: District, whose: str) -> None:
    nowhere = str(district.theirs.schools["oak"] if whose == "theirs" else uuid4())
    body = {"student_id": str(district.ours.students["ann"]), "rule_set_key": "general", "reason": WHY}
    answers = [
        district.post("/interventions/instances", json={**body, "school_id": nowhere}),
        district.post("/tasks", json={"kind": "CALL_BACK", "title": "Ring back", "school_id": nowhere}),
        district.get(f"/schools/{nowhere}/calendar?from=2026-09-01&to=2026-09-30"),
        district.put("/sending", json={"school_id": nowhere, "channel": None, "enabled": False, "reason": WHY}),
    ]
    version = ruleset_drafted(district, f"lists-{uuid4().hex[:6]}")
    for path in LISTS_OF_A_SCHOOL:
        asked = path.format(student=district.ours.students["ann"], version=version) + ("&" if "?" in path else "?")
        answers.append(district.get(f"{asked}school_id={nowhere}"))
    for answer in answers:
        told = refused(answer, 404, "school_not_found")
        assert nowhere in told
        assert "GET /schools" in told
        assert "schools.csv" in told


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("marks", f"{MARKS}{ROW.replace('S9', 'S404')}"),
        ("enrolments", "student_id,school_id,start_date,end_date,attends\r\nnew-1,S404,2026-09-01,,AM|PM\r\n"),
        ("calendar", "school_id,date,session\r\nS404,2026-11-16,AM\r\n"),
    ],
)
def test_a_row_of_an_unknown_school_is_kept_aside_with_advice(district: District, table: str, row: str) -> None:
    imported(district)
    report = sent(district, row.encode(), **{"as": table}).json()
    assert (report["run"]["rows_accepted"], report["run"]["rows_quarantined"]) == (0, 1)
    kept = district.get(f"/attendance/quarantine?import_id={report['run']['id']}").json()["items"]
    assert [(one["line"], one["problem"]) for one in kept] == [(2, "UNKNOWN_SCHOOL")]
    assert kept[0]["row"]["school_id"] == "S404"
    assert kept[0]["detail"] == "add the school to schools.csv, or correct the id"


@pytest.mark.parametrize(
    ("content", "place", "advice"),
    [
        (b"", "marks.csv", "a header row is needed"),
        (b"a,b\r\n1,2\r\n", "marks.csv, row 1, column school_id", "add it"),
        (f"{MARKS}X1,new-1\r\n".encode(), "marks.csv, row 2", "send it again whole"),
        (f"{MARKS}{ROW}".replace("X1", '"X1').encode(), "marks.csv, row 2", "check the quotes"),
        (f"{MARKS}{ROW}".replace("new", "n\xe9w").encode("latin-1"), "marks.csv, row 2", "save it as UTF-8"),
    ],
    ids=["empty", "columns", "torn", "quotes", "encoding"],
)
def test_a_broken_csv_names_the_row_and_what_to_mend(
    district: District, content: bytes, place: str, advice: str
) -> None:
    told = refused(sent(district, content, **{"as": "marks"}), 422, "csv_structure")
    assert place in told
    assert advice in told


def test_a_rule_set_with_an_unknown_leaf_names_it_and_what_is_known(district: District) -> None:
    entry = {"any": [document("leaf")["entry"], {"type": "MoonPhase", "params": {}}]}
    body = {"document": document("leaf", entry=entry), "reason": WHY}
    told = refused(district.post(RULES, json=body), 422, "ruleset_invalid")
    assert "entry.any[1]" in told
    assert "'MoonPhase'" in told
    assert "use all, any, not or one of AbsenceCountThreshold, " in told


def test_a_stale_proposal_names_the_one_to_decide_on(district: District, walks: Walks) -> None:
    instance_id, stale = walks.begin(), str(uuid4())
    current = walks.waiting(instance_id)["proposal_id"]
    answer = walks.say(instance_id, "approve", proposal_id=stale)
    told = refused(answer, 409, "stale_proposal")
    assert stale in told
    assert f"look at the case again and decide on {current}" in told
    assert answer.json()["current"] == current
    assert walks.say(instance_id, "approve", proposal_id=current).status_code == 200
    assert walks.say(instance_id, "stop", reason_code="OTHER_SUPPORT", reason=WHY).status_code == 200


def test_a_template_with_an_unknown_field_names_its_line_and_the_nearest_field(district: District) -> None:
    text = wording("<p>Dear family,</p>\n<p>{{ student_frist_name }}</p>")
    told = refused(drafted(district, "TYPO", text), 422, "template_invalid")
    assert "body line 2 column 4" in told
    assert "'student_frist_name' is not a merge field" in told
    assert "did you mean student_first_name" in told


def without_calendar(district: District) -> tuple[str, str]:
    """A student, and a school whose calendar never came; the import says so."""
    files = {name: text.replace("S9", "S10") for name, text in register("idle-1").items() if name != "calendar"}
    report = sent(district, zipped(**files)).json()
    told = report["issues"]["NO_CALENDAR"]
    assert (told["count"], told["first"]) == (1, [[None, "S10", None, None]])
    assert "calendar.csv" in told["advice"]
    assert report["issues"]["MARK_ON_CLOSED_SESSION"]["advice"]
    school = next(one["id"] for one in district.get("/schools").json()["items"] if one["source_id"] == "S10")
    return district.get("/students?search=idle-1").json()["items"][0]["id"], school


@pytest.mark.usefixtures("walks")  # a rule set is in force
def test_without_a_calendar_it_is_said_how_to_load_one(district: District) -> None:
    student, school = without_calendar(district)
    begin = {"student_id": student, "school_id": school, "rule_set_key": "general", "reason": WHY}
    told = refused(district.post("/interventions/instances", json=begin), 422, "no_calendar")
    assert f"School {school} has no calendar" in told
    assert "calendar.csv" in told
    assert "PUT /schools/{id}/calendar" in told
    marks = [{"date": "2026-11-16", "session": "AM", "code": "/"}]
    correction = {"school_id": school, "marks": marks, "reason": WHY}
    answer = district.post(f"/attendance/students/{student}/corrections", json=correction)
    assert "correct calendar or enrolment" in refused(answer, 422, "session_not_scheduled")


def test_an_evaluation_where_no_school_has_a_calendar_is_refused(district: District) -> None:
    async def forgotten() -> None:
        async with district.sessions.tenant(district.theirs.id) as session:
            await session.execute(delete(CalendarSession))

    district.run(forgotten())
    told = refused(district.post("/attendance/evaluations", tenancy=district.theirs), 422, "no_calendar")
    assert "No school here has a calendar" in told
    assert "calendar.csv" in told


@pytest.mark.parametrize("noticed_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_no_database_gives_back_is_refused_before_it_spoils_the_list(
    district: District, noticed_at: str
) -> None:
    ours = district.ours
    named = {"student_id": str(ours.students["ann"]), "school_id": str(ours.schools["oak"])}
    answer = district.post("/incidents", json={**named, "happened": "An envelope.", "noticed_at": noticed_at})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["body.noticed_at"])
    met = {**named, "starts_at": noticed_at, "ends_at": noticed_at, "room": "3"}
    answer = district.post("/meetings", json=met)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["body.starts_at", "body.ends_at"])
    assert district.get("/incidents").status_code == district.get("/meetings").status_code == 200
