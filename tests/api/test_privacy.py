"""Disclosures, amendment requests and incidents through the API."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from api.dependencies import Caller
from api.view_log import write_down
from models.delivery import Message
from models.guardians import ContactStop, Guardian, GuardianLink
from models.instances import Task
from models.letters import StudentKey
from models.privacy import Disclosure
from rules.access.permissions import Permission, Role
from rules.access.policy import Principal, Resource
from rules.ids import GuardianId, PersonId, SchoolId, StudentId, TenantId
from services.context import system
from tests.api.district import NOW, District
from tests.api.papers import stored
from tests.servers.kinds import Store

pytestmark = pytest.mark.servers
HANDED_OVER = {
    "party": "SOCIAL_CARE",
    "purpose": "PROTECTION",
    "what": "attendance of the term",
    "recipient": "Canary Socialworker",
    "interest": "Canary interest in words",
}


@pytest.fixture(scope="module", autouse=True)
def _papers(district: District, s3: Store) -> Iterator[None]:
    with stored(district, s3):
        yield


def family(district: District) -> tuple[UUID, UUID, UUID]:
    """A student with two guardians."""

    async def made() -> tuple[UUID, UUID, UUID]:
        student_id = await district.newcomer()
        async with district.sessions.tenant(district.ours.id) as session:
            link = select(GuardianLink.guardian_id).where(GuardianLink.student_id == student_id)
            first = (await session.scalars(link)).one()
            second = Guardian(source_id=str(uuid4()), name="Henry Canarytwo")
            session.add(second)
            await session.flush()
            session.add(GuardianLink(student_id=student_id, guardian_id=second.id))
        return student_id, first, second.id

    return district.run(made())


def handed(district: District, student_id: UUID, **changes: Any) -> Any:
    answer = district.post(f"/students/{student_id}/disclosures", "dpo", json=HANDED_OVER | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_staff_see_everything_and_a_guardian_nothing_of_others(district: District) -> None:
    student_id, grace, henry = family(district)
    handed(district, student_id)
    handed(district, student_id, party="GUARDIAN", purpose="OWN_RECORD", guardian_id=str(henry))
    handed(district, student_id, party="COURT", purpose="COURT_PROCEEDINGS")
    everything = district.get(f"/students/{student_id}/disclosures", "dpo").json()
    assert [line["party"] for line in everything["items"]] == ["SOCIAL_CARE", "GUARDIAN", "COURT"]
    assert everything["items"][0]["recipient"] == "Canary Socialworker"
    told = district.get(f"/students/{student_id}/disclosures?guardian_id={grace}", "dpo")
    assert [line["party"] for line in told.json()["items"]] == ["COURT"]
    assert "Canary" not in told.text
    assert str(district.ours.people["dpo"]) not in told.text
    assert str(henry) not in told.text
    assert "Canary" in str(everything)  # the search sees a leak when there is one


def test_the_log_comes_in_pages(district: District) -> None:
    student_id, _, _ = family(district)
    for _ in range(3):
        handed(district, student_id)
    first = district.get(f"/students/{student_id}/disclosures?limit=2", "dpo").json()
    rest = district.get(f"/students/{student_id}/disclosures?limit=2&cursor={first['next_cursor']}", "dpo").json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


def test_its_words_are_sealed_and_gone_with_the_key(district: District) -> None:
    student_id, _, _ = family(district)
    handed(district, student_id)

    async def kept() -> bytes:
        async with district.sessions.tenant(district.ours.id) as session:
            row = (await session.scalars(select(Disclosure).where(Disclosure.student_id == student_id))).one()
            key = await session.get_one(StudentKey, row.key_id)
            key.wrapped_key = None
            return row.words or b""

    assert b"Canary" not in district.run(kept())
    (line,) = district.get(f"/students/{student_id}/disclosures", "dpo").json()["items"]
    assert (line["recipient"], line["party"]) == ("(erased)", "SOCIAL_CARE")


@pytest.mark.parametrize("statement", ["update disclosure set what = 'x'", "delete from disclosure"])
def test_the_log_is_insert_only(district: District, statement: str) -> None:
    async def change() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            await session.execute(text(statement))

    with pytest.raises(Exception, match="permission denied"):
        district.run(change())


@pytest.mark.parametrize(
    ("role", "method", "party"),
    [
        (Role.GUARDIAN, "GET", ["GUARDIAN"]),
        (Role.EXTERNAL, "GET", ["EXTERNAL"]),
        (Role.STUDENT, "GET", ["STUDENT"]),
        (Role.DPO, "GET", []),
        (Role.EXTERNAL, "POST", []),
    ],
)
def test_what_outsiders_are_shown_is_written_down_by_itself(
    district: District, role: Role, method: str, party: list[str]
) -> None:
    student_id, grace, _ = family(district)
    tenant_id = TenantId(district.ours.id)
    school = frozenset({SchoolId(district.ours.schools["oak"])})
    mine = frozenset({StudentId(student_id)})
    principal = Principal(tenant_id, PersonId(uuid4()), role, school, mine, guardian_id=GuardianId(grace))
    caller = Caller(replace(system(tenant_id, "cli", "r"), source="api"), principal, Permission.STUDENT_READ, NOW)

    async def shown() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            await write_down(session, caller, "download_artifact", mine, read=method == "GET")

    district.run(shown())

    async def written() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            rows = await session.scalars(select(Disclosure).where(Disclosure.student_id == student_id))
            return [row.party for row in rows.all()]

    assert district.run(written()) == party


def test_a_caller_remembers_whom_the_policy_let_them_reach(district: District) -> None:
    tenant_id, student = TenantId(district.ours.id), StudentId(uuid4())
    caller = Caller(system(tenant_id, "cli", "r"), Principal(tenant_id, None, Role.DPO), Permission.STUDENT_READ, NOW)
    caller.must(Resource(tenant_id, student_id=student))
    assert caller.reached == {student}


def asked(district: District, student_id: UUID, guardian_id: UUID | None, **changes: Any) -> Any:
    body = {
        "school_id": str(district.ours.schools["oak"]),
        "guardian_id": None if guardian_id is None else str(guardian_id),
        "subject_kind": "MARK",
        "subject_on": "2026-11-09",
        "wrong": "She was at the dentist.",
        "wanted": "A medical appointment.",
    }
    return district.post(f"/students/{student_id}/amendment-requests", "attendance_officer", json=body | changes)


def test_a_refused_family_is_told_its_rights_and_its_statement_stays(district: District) -> None:
    student_id, grace, _ = family(district)
    request = asked(district, student_id, grace).json()
    assert (request["status"], request["due_on"], request["hearing"]) == ("OPEN", "2026-12-20", "")
    said = {"granted": False, "reason": "Checked with the teacher.", "statement": "We showed you the card."}
    refused = district.post(f"/amendment-requests/{request['id']}/decision", "dpo", json=said).json()
    assert refused["status"] == "REFUSED"
    assert refused["statement"] == "We showed you the card."
    assert "complain" in refused["hearing"]
    again = district.post(f"/amendment-requests/{request['id']}/decision", "dpo", json=said)
    assert (again.status_code, again.json()["code"]) == (409, "amendment_decided")
    listed = district.get(f"/students/{student_id}/amendment-requests", "dpo").json()["items"]
    assert [one["status"] for one in listed] == ["REFUSED"]


def test_a_granted_amendment_becomes_a_task_in_the_register_system(district: District) -> None:
    student_id, grace, _ = family(district)
    request = asked(district, student_id, grace).json()
    said = {"granted": True, "reason": "The appointment card was shown."}
    assert district.post(f"/amendment-requests/{request['id']}/decision", "dpo", json=said).json()["hearing"] == ""
    kinds = [one["kind"] for one in district.get(f"/tasks?student_id={student_id}", "dpo").json()["items"]]
    assert sorted(kinds) == ["AMEND_RECORD", "DECIDE_AMENDMENT"]


def test_an_amendment_is_asked_by_a_linked_guardian_at_the_childs_school(district: District) -> None:
    student_id, _, _ = family(district)
    stranger = asked(district, student_id, district.ours.guardians["bob"])
    assert (stranger.status_code, stranger.json()["code"]) == (404, "guardian_not_found")
    elsewhere = asked(district, student_id, None, school_id=str(district.ours.schools["elm"]))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "not_their_school")


def posted(district: District, student_id: UUID, guardian_id: UUID) -> tuple[UUID, UUID]:
    """A letter that waits to be printed, and its task."""

    async def made() -> tuple[UUID, UUID]:
        async with district.sessions.tenant(district.ours.id) as session:
            waiting = Message(
                dedupe_key=str(uuid4()), kind="LETTER", student_id=student_id, guardian_id=guardian_id, status="QUEUED"
            )
            session.add(waiting)
            await session.flush()
            task = Task(kind="print_and_post", title="Print", details={"message_id": str(waiting.id)}, status="OPEN")
            session.add(task)
            await session.flush()
            return waiting.id, task.id

    return district.run(made())


def reported(district: District, student_id: UUID, **changes: Any) -> Any:
    body = {
        "student_id": str(student_id),
        "school_id": str(district.ours.schools["oak"]),
        "happened": "It went to the former address.",
        "noticed_at": "2026-11-20T08:00:00Z",
    }
    return district.post("/incidents", "attendance_officer", json=body | changes)


def test_it_went_to_the_wrong_person(district: District) -> None:
    student_id, _, henry = family(district)
    message_id, task_id = posted(district, student_id, henry)
    answer = reported(district, student_id, message_id=str(message_id), wrong_guardian_id=str(henry))
    assert answer.status_code == 201, answer.text
    incident = answer.json()
    assert (incident["clock_ends_at"], incident["hours_left"]) == ("2026-11-23T08:00:00Z", 70.5)
    assert incident["recalled"]["messages_cancelled"] == [str(message_id)]
    assert "Oak School" in incident["recall_text"]
    assert "New" not in incident["recall_text"]  # the child's name begins so

    async def after() -> tuple[str, str, int]:
        async with district.sessions.tenant(district.ours.id) as session:
            message = await session.get_one(Message, message_id)
            task = await session.get_one(Task, task_id)
            stops = select(func.count()).where(ContactStop.subject_id == henry, ContactStop.lifted_at.is_(None))
            return message.status, task.status, (await session.execute(stops)).scalar_one()

    assert district.run(after()) == ("CANCELLED", "CANCELLED", 1)
    kinds = [one["kind"] for one in district.get(f"/tasks?student_id={student_id}", "dpo").json()["items"]]
    assert sorted(kinds) == ["INCIDENT_ASSESS", "INCIDENT_FAMILY", "INCIDENT_RECALL"]
    open_now = district.get("/incidents?status=OPEN", "dpo").json()["items"]
    assert incident["id"] in [one["id"] for one in open_now]
    assert district.get(f"/incidents/{incident['id']}", "auditor").json()["id"] == incident["id"]


def test_an_incident_closes_once_with_every_answer(district: District) -> None:
    student_id, _, _ = family(district)
    incident = reported(district, student_id).json()
    answers = {
        "regulator": "TOLD",
        "regulator_reason": "The envelope had been opened.",
        "family_reason": "Rung by the head of year.",
        "outcome": "It is back in the school.",
    }
    path = f"/incidents/{incident['id']}/close"
    early = district.post(path, "dpo", json=answers)
    assert (early.status_code, early.json()["fields"]) == (422, {"regulator_at": "when the regulator was told"})
    told = answers | {"regulator_at": "2026-11-20T09:00:00Z"}
    assert district.post(path, "dpo", json=told).json()["status"] == "CLOSED"
    assert district.post(path, "dpo", json=told).json()["code"] == "incident_closed"


def test_an_incident_names_what_belongs_to_the_child_and_was_noticed_before_now(district: District) -> None:
    student_id, _, _ = family(district)
    other, _, henry = family(district)
    message_id, _ = posted(district, other, henry)
    assert reported(district, student_id, message_id=str(message_id)).json()["code"] == "not_this_student"
    assert reported(district, student_id, noticed_at="2026-11-21T08:00:00Z").json()["code"] == "noticed_later"


def test_strangers_and_other_schools_are_kept_out(district: District) -> None:
    student_id, _, _ = family(district)
    incident = reported(district, student_id).json()
    assert district.get(f"/incidents/{incident['id']}", "school_leader-elm").status_code == 403
    assert district.get(f"/incidents/{incident['id']}", "dpo", tenancy=district.theirs).status_code == 404
    assert district.get(f"/students/{student_id}/disclosures", "teacher").status_code == 403
    assert district.get(f"/students/{student_id}/disclosures", "dpo", tenancy=district.theirs).status_code == 404
