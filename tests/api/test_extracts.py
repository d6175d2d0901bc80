"""The extract of one student's trail and the compliance report: what stands in them, for whom, as PDF and CSV."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from models.instances import Instance, Proposal, Task
from rules.ids import PersonId, TenantId
from services import audit
from services.audit import Act
from services.context import Actor, system
from services.means import Means
from tests.api.district import NOW, TODAY, District
from tests.api.furnished import CANARY, Furnished, furnish
from tests.api.papers import stored
from tests.api.viewed import recorded, viewed
from tests.letters.pages import texts
from tests.servers.kinds import Store

pytestmark = pytest.mark.servers
CONFIDENTIAL = "The grandmother drinks."


@pytest.fixture(scope="module")
def ours(district: District) -> Furnished:
    return district.run(furnish(district, district.ours))


@pytest.fixture(scope="module", autouse=True)
def means(district: District, s3: Store) -> Iterator[Means]:
    with stored(district, s3) as means:
        yield means


@pytest.fixture(scope="module")
def student(district: District) -> UUID:
    """A student about whom enough was done."""
    student_id = district.run(district.newcomer())
    officer = Actor(
        TenantId(district.ours.id),
        PersonId(district.ours.people["attendance_officer"]),
        "attendance_officer",
        "Aoife Byrne",
        "r",
        "api",
    )
    machine = system(TenantId(district.ours.id), "workflow", "w")
    done = {"status": "DONE", "result": CONFIDENTIAL}
    acts: list[tuple[Actor, Act]] = [
        (officer, Act("approved", "instance", uuid4(), student_id, "=1+1 agreed by phone")),
        (machine, Act("send_message", "message", uuid4(), student_id, CONFIDENTIAL)),
        (officer, Act("complete_task", "task", uuid4(), student_id, before={"status": "OPEN"}, after=done)),
        (officer, Act("note_meeting", "meeting", uuid4(), student_id, "Left out.", after={"notes": CONFIDENTIAL})),
        (officer, Act("set_exemptions", "student", student_id, student_id, CONFIDENTIAL)),
        (officer, Act("change_guardian_link", "guardian_link", uuid4(), student_id, CONFIDENTIAL)),
        (officer, Act("set_contact_stop", "contact_stop", uuid4(), student_id, CONFIDENTIAL)),
    ]

    async def write() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            for number, (actor, act) in enumerate(acts):
                await audit.record(session, actor, act, now=NOW + timedelta(minutes=number))

    district.run(write())
    return student_id


def extract(district: District, student_id: UUID, person: str = "specialist", **query: Any) -> httpx.Response:
    return district.get("/audit/extract", person, params={"student_id": str(student_id), "use": "IEP", **query})


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(answer.text, newline="")))


def test_the_extract_tells_what_was_done_by_whom_and_why(district: District, student: UUID) -> None:
    told = rows(extract(district, student, format="csv"))
    assert [row["done"] for row in told] == [
        "Step approved",
        "Letter or message sent",
        "Task done",
        "Meeting notes written",
        "Exemptions changed",
    ]
    assert [row["by"] for row in told[:2]] == ["Aoife Byrne", "Handrail"]
    assert told[0]["why"] == "'=1+1 agreed by phone", "no cell calculates"
    assert told[2]["changed"] == "status: open to done; also: result"
    assert "guardian_link" not in str(told)


@pytest.mark.parametrize("form", ["pdf", "csv"])
def test_the_extract_keeps_confidences(district: District, student: UUID, form: str) -> None:
    answer = extract(district, student, format=form)
    said = " ".join(texts(answer.content)) if form == "pdf" else answer.text
    assert "Step approved" in said, "the control: it does tell of acts"
    assert "grandmother" not in said


def test_the_extract_as_a_document(district: District, student: UUID) -> None:
    answer = extract(district, student, "inclusion_lead", use="REFERRAL")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].endswith('.pdf"')
    (page,) = texts(answer.content)
    for words in ("Extract for a referral", "Oak School", "Inclusion Lead", "20 Nov 2026, 09:30", "Aoife Byrne"):
        assert words in page, words
    assert "not the statutory register" in page
    assert re.search(r"[2-9] more about this student left out", page)


def test_taking_an_extract_out_is_an_act_and_a_view(district: District, student: UUID) -> None:
    answer = extract(district, student, "dpo")
    (entry,) = recorded(district, answer.headers["X-Request-Id"])
    assert (entry.verb, entry.student_id, entry.reason) == ("extract_audit", student, "IEP")
    assert viewed(district, answer) == {student}
    assert "extract_audit" not in extract(district, student, format="csv").text, "looks are not what was done"


def test_an_extract_is_for_a_span_of_days(district: District, student: UUID) -> None:
    assert rows(extract(district, student, format="csv", **{"from": "2026-11-21"})) == []
    assert len(rows(extract(district, student, format="csv", to="2026-11-20"))) == 5
    (page,) = texts(extract(district, student, to="2026-11-19").content)
    assert "Nothing has been recorded in this period." in page


@pytest.mark.parametrize("person", ["attendance_officer", "teacher", "liaison", "integration", "guardian", "external"])
def test_an_extract_is_not_for_everybody(district: District, student: UUID, person: str) -> None:
    assert extract(district, student, person).json()["code"] == "role_not_allowed"


def compliance(district: District, person: str = "auditor", **query: Any) -> httpx.Response:
    span = {"from": "2026-11-01", "to": "2026-11-30"}
    answer = district.get("/analytics/compliance", person, params={**span, **query})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture(scope="module")
def decided(district: District, ours: Furnished) -> UUID:
    """A step decided three days after its due day, and a task overdue since yesterday."""
    officer = district.ours.people["attendance_officer"]

    async def write() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            walk = (await session.scalars(select(Instance).where(Instance.id == ours.things["instance_id"]))).one()
            step = Proposal(
                instance_id=walk.id,
                stage_index=1,
                stage_key="letter-1",
                stage_type="LETTER_1",
                approval="STAFF",
                status="DONE",
                proposed_at=NOW - timedelta(days=9),
                due_on=TODAY - timedelta(days=5),
                decided_by=officer,
                decided_role="attendance_officer",
                decided_at=NOW - timedelta(days=2),
            )
            task = Task(kind="CALL_BACK", title=CANARY, school_id=walk.lead_school_id, due_on=TODAY - timedelta(days=1))
            session.add_all([step, task])
            await session.flush()
            return walk.id

    return district.run(write())


def test_the_report_says_what_was_done_by_whom_and_within_which_time(district: District, decided: UUID) -> None:
    said = compliance(district).json()
    assert said["by_kind"] == [{"name": "Letter 1", "done": 1, "late": 1, "without_due": 0, "median_days": 7.0}]
    (person,) = said["by_person"]
    assert (person["name"], person["done"]) == ("Attendance Officer, attendance officer", 1)
    (step,) = said["done"]
    assert (step["since"], step["due_on"], step["done_on"], step["late_by"]) == (
        "2026-11-11",
        "2026-11-15",
        "2026-11-18",
        3,
    )
    assert (step["school"], step["instance_id"]) == ("Oak School", str(decided))


def test_the_report_says_what_is_still_open(district: District, decided: UUID) -> None:
    still = compliance(district).json()["open"]
    assert ("step", "Contact", 0) in [(one["kind"], one["what"], one["late_by"]) for one in still]
    assert ("task", "Task: call back", 1) in [(one["kind"], one["what"], one["late_by"]) for one in still]


def test_the_report_says_whether_the_trail_is_whole(district: District, decided: UUID) -> None:
    chain = compliance(district).json()["chain"]
    assert chain["whole"] is True
    assert chain["unsealed"] > 0, "nobody seals here: it says so"
    assert compliance(district, verify=False).json()["chain"] is None
    trail = [row for row in rows(compliance(district, format="csv")) if row["state"] == "trail"]
    assert {row["kind"]: row["what"] for row in trail} == {"verification": "whole", "unsealed": str(chain["unsealed"])}


def test_the_report_as_a_document_names_staff_and_cases_and_no_student(district: District, decided: UUID) -> None:
    said = " ".join(texts(compliance(district, "school_leader", format="pdf").content))
    for words in ("Compliance report", "A district", "Letter 1", "Attendance Officer", str(decided)[-8:], "7"):
        assert words in said, words
    assert "entries wait for their seal" in said
    for form in ("pdf", "csv", "json"):
        answer = compliance(district, format=form)
        assert CANARY not in (" ".join(texts(answer.content)) if form == "pdf" else answer.text)
        assert viewed(district, answer) == set()


def test_the_report_of_a_school_is_that_schools(district: District, decided: UUID) -> None:
    elm = {"school_id": str(district.ours.schools["elm"])}
    assert compliance(district, **elm).json()["done"] == []
    assert compliance(district, "school_leader-elm").json()["done"] == []
    said = " ".join(texts(compliance(district, format="pdf", verify=False, **elm).content))
    assert "Elm School" in said
    assert "Nothing was decided or done in this period." in said
    assert "was not verified for this report" in said
    oak = {"from": "2026-11-01", "to": "2026-11-30", "school_id": str(district.ours.schools["oak"])}
    refused = district.get("/analytics/compliance", "school_leader-elm", params=oak)
    assert refused.json()["code"] == "other_school"


@pytest.mark.parametrize(
    "span", [{"from": "2026-11-30", "to": "2026-11-01"}, {"from": "2020-01-01", "to": "2026-11-01"}]
)
def test_a_span_that_is_none_is_refused(district: District, span: dict[str, str]) -> None:
    answer = district.get("/analytics/compliance", "auditor", params=span)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_span")


@pytest.mark.parametrize("person", ["attendance_officer", "teacher", "specialist", "integration", "guardian"])
def test_the_report_is_for_those_who_answer_for_the_house(district: District, person: str) -> None:
    answer = district.get("/analytics/compliance", person, params={"from": "2026-11-01", "to": "2026-11-30"})
    assert answer.json()["code"] == "role_not_allowed"


def test_a_document_without_its_parts_is_not_given(district: District, student: UUID) -> None:
    parts = district.app.state.parts
    district.app.state.parts = replace(parts, means=None)
    try:
        assert extract(district, student).status_code == 503
        assert extract(district, student, format="csv").status_code == 200
    finally:
        district.app.state.parts = parts
