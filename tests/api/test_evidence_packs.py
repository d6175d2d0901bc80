"""Evidence packs: everybody else left out, released by two who saw the pages, recalled when the basis changes."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pypdf import PdfReader
from sqlalchemy import insert, select

from models.access import GuardianAccount
from models.attendance import CodeMap, Enrolment, Mark
from models.audit import AuditEntry
from models.delivery import Message
from models.evidence_packs import EvidencePack
from models.guardians import Guardian, GuardianLink
from models.instances import CaseFile, Contact, Event, Instance, Task
from models.privacy import Disclosure
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Session
from models.students import AbsenceReason, CareFlag, Student
from rules.ladder.events import EventType, LadderEvent
from rules.rulesets.ruleset import digest, dump_ruleset, load_pack
from services import projections
from services.context import CaseRef
from services.projections import CaseView
from tests.api.district import NOW, TODAY, District
from tests.api.papers import stored
from tests.api.viewed import viewed
from tests.servers.kinds import Store

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("packs")]
HENRY = re.compile(r"Henry|Canarytwo|henry@|Hidden Road|0199|His own words", re.IGNORECASE)
EARLIER = NOW - timedelta(days=3)
PACK = load_pack("general")


@dataclass(frozen=True)
class Family:
    """Sam at Oak School with his mother Grace, his father Henry and his sister Wilhelmina, and Sam's case."""

    student_id: UUID
    case_id: UUID
    instance_id: UUID
    grace: UUID
    henry: UUID


@pytest.fixture(scope="module", autouse=True)
def _papers(district: District, s3: Store) -> Iterator[None]:
    with stored(district, s3):
        yield


@pytest.fixture(scope="module")
def family(district: District) -> Family:
    return district.run(_settled(district))


async def _settled(district: District) -> Family:
    async with district.sessions.tenant(district.ours.id) as session:
        sam = Student(source_id="sam", first_name="Sam", last_name="Green", year_group="7")
        sister = Student(source_id="mina", first_name="Wilhelmina", last_name="Green")
        grace = Guardian(source_id="grace", name="Grace Green", email="grace@example.org", address="1 Oak Lane")
        henry = Guardian(source_id="henry", name="Henry Canarytwo", email="henry@example.org", phone="+44 20 5550 0199")
        henry.address = "99 Hidden Road, Cork"
        session.add_all([sam, sister, grace, henry])
        await session.flush()
        for child in (sam, sister):
            for adult in (grace, henry):
                session.add(GuardianLink(student_id=child.id, guardian_id=adult.id, may_use_portal=True))
            session.add(
                Enrolment(student_id=child.id, school_id=district.ours.schools["oak"], start_date=date(2026, 9, 1))
            )
        session.add(GuardianAccount(person_id=district.ours.people["guardian"], guardian_id=grace.id))
        session.add(GuardianAccount(person_id=district.ours.people["guardian-2"], guardian_id=henry.id))
        return await _recorded(district, session, sam, (grace.id, henry.id))


async def _recorded(district: District, session: Session, sam: Student, adults: tuple[UUID, UUID]) -> Family:
    grace, henry = adults
    school_id = district.ours.schools["oak"]
    rules = RuleSet(key="packed", title="The rule of this case")
    case = CaseFile(student_id=sam.id, school_id=school_id)
    session.add_all([rules, case])
    await session.flush()
    version = RuleSetVersion(
        rule_set_id=rules.id, version=1, digest=digest(PACK), content=dump_ruleset(PACK), status="ACTIVE"
    )
    session.add(version)
    await session.flush()
    walk = Instance(
        school_year="2026-27",
        student_id=sam.id,
        lead_school_id=school_id,
        case_id=case.id,
        rule_set_key="packed",
        rule_set_version_id=version.id,
        digest=version.digest,
        status="ACTIVE",
        started_at=EARLIER,
    )
    session.add(walk)
    await session.flush()
    own: dict[str, Any] = {"student_id": sam.id, "school_id": school_id}
    event: dict[str, Any] = {**own, "instance_id": walk.id, "occurred_at": EARLIER}
    contact: dict[str, Any] = {"student_id": sam.id, "mode": "CALL", "reached": True, "contacted_at": EARLIER}
    session.add_all(
        [
            Event(**event, type="APPROVED", data={"considered": "A later start; Henry Canarytwo agreed."}),
            Event(**event, type="HELD", reason="Henry rang from +44 20 5550 0199 about Wilhelmina."),
            Event(**event, type="TRIGGER_INVALIDATED", reason="The register was wrong."),
            Contact(**contact, guardian_id=grace, said="The bus comes late.", barriers=["transport"]),
            Contact(**contact, guardian_id=henry, said="His own words."),
            Contact(**contact, guardian_id=None, said="Somebody said, his own words perhaps."),
            AbsenceReason(**own, date=TODAY, session="AM", reason="Migraine", status="GIVEN", given_by=grace),
            CareFlag(student_id=sam.id, kind="SOCIAL_WORKER", starts_on=TODAY),
        ]
    )
    for adult in adults:
        sent: dict[str, Any] = {"dedupe_key": str(uuid4()), "kind": "LETTER", "student_id": sam.id}
        session.add(Message(**sent, guardian_id=adult, status="BOUNCED", created_at=EARLIER))
    session.add_all([CodeMap(code_set="UK", code="O", status="UNAUTHORISED_ABSENT")])
    session.add_all([CodeMap(code_set="UK", code="I", status="AUTHORISED_ABSENT")])
    marked = {**own, "date": TODAY, "session": "AM", "recorded_by": "A. Byrne", "recorded_by_title": "Class teacher"}
    for number, code, why in ((1, "O", None), (2, "I", "Migraine")):
        row = {"row_key": uuid4(), "mark_id": f"m{number}", "code": code, "amend_reason": why, "ingest_seq": number}
        at = {"recorded_at": EARLIER + timedelta(hours=number)}
        await session.execute(insert(Mark).values(**marked, **row, **at))
    return Family(sam.id, case.id, walk.id, grace, henry)


def prepared(district: District, family: Family, person: str = "school_leader", **changes: Any) -> Any:
    body = {
        "kind": "FAMILY_COPY",
        "guardian_id": str(family.grace),
        "recipient": "Grace Green",
        "interest": "She asked to see the record.",
    }
    return district.post(f"/cases/{family.case_id}/evidence-packs", person, json=body | changes)


def words(district: District, pack_id: str, person: str = "school_leader") -> str:
    answer = district.get(f"/evidence-packs/{pack_id}/pages", person)
    assert answer.status_code == 200, answer.text
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    return text.replace("\u2068", "").replace("\u2069", "")


def released(district: District, pack: Any) -> Any:
    for person in ("school_leader", "dpo"):
        words(district, pack["id"], person)
        answer = district.post(f"/evidence-packs/{pack['id']}/release", person, json={"sha256": pack["sha256"]})
        assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_family_copy_holds_the_record_and_nothing_of_the_other_guardian(district: District, family: Family) -> None:
    pack = prepared(district, family).json()
    text = words(district, pack["id"])
    assert "Handrail is not the statutory register." in text
    for said in (
        "Sam Green",
        "The bus comes late.",
        "transport",
        "A later start",
        "absent, not authorised",
        "absent, authorised",
        "original",
        "amended",
        "Class teacher",
        "A reason was given",
        "bounced",
        "no longer holds",
        "Page 1 of",
    ):
        assert said in re.sub(r"\s+", " ", text), said
    assert HENRY.search(text) is None, HENRY.search(text)
    for left_out in ("Wilhelmina", "Migraine", "grace@example.org", "1 Oak Lane", "A. Byrne", "social worker"):
        assert left_out not in text, left_out
    his = prepared(district, family, kind="INTERNAL_MEETING", guardian_id=str(family.henry)).json()
    assert "His own words." in words(district, his["id"])  # the search sees him where he belongs
    assert "The bus comes late." not in words(district, his["id"])


def test_an_agency_reads_who_recorded_what_and_why_with_the_others_left_out(district: District, family: Family) -> None:
    pack = prepared(district, family, kind="AUTHORITY_REFERRAL", recipient="Welfare service").json()
    text = re.sub(r"\s+", " ", words(district, pack["id"]))
    assert "A. Byrne, Class teacher" in text
    assert "[left out] rang from [left out] about [left out]." in text
    assert HENRY.search(text) is None


def test_only_the_safeguarding_lead_puts_in_what_is_left_out(district: District, family: Family) -> None:
    wish: dict[str, Any] = {
        "kind": "COURT",
        "recipient": "The court",
        "switched_on": {"HEALTH": "Ordered on 3 November."},
    }
    refused = prepared(district, family, **wish)
    assert (refused.status_code, refused.json()["code"]) == (403, "safeguarding_lead_only")
    pack = prepared(district, family, "safeguarding_lead", **wish).json()
    assert pack["parts"] == ["HEALTH"]
    text = words(district, pack["id"])
    assert "Migraine" in text
    assert "social worker" not in text
    wish["switched_on"] = {"SAFEGUARDING": "Ordered.", "OTHER_GUARDIAN": "Ordered.", "SIBLINGS": "Ordered."}
    whole = words(district, prepared(district, family, "safeguarding_lead", **wish).json()["id"])
    assert "social worker" in whole
    assert "His own words." in whole
    assert "Wilhelmina" in whole


def test_a_family_copy_never_holds_another_guardian_whoever_asks(district: District, family: Family) -> None:
    refused = prepared(district, family, "safeguarding_lead", switched_on={"OTHER_GUARDIAN": "He agrees."})
    assert (refused.status_code, refused.json()["code"]) == (422, "never_for_families")
    stranger = prepared(district, family, guardian_id=str(district.ours.guardians["bob"]))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "guardian_not_found")


def test_the_stored_pages_are_verified_without_counting_as_seen(district: District, family: Family) -> None:
    pack = prepared(district, family).json()
    path = f"/evidence-packs/{pack['id']}"
    assert district.get(f"{path}/verification", "attendance_officer").json()["verified"] is True
    release = district.post(f"{path}/release", "school_leader", json={"sha256": pack["sha256"]})
    assert release.json()["code"] == "pages_not_seen"
    assert district.get(f"{path}/verification", "guardian").status_code == 403

    async def changed() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            (await session.get_one(EvidencePack, UUID(pack["id"]))).stored_sha256 = "0" * 64

    district.run(changed())
    found = district.get(f"{path}/verification", "attendance_officer").json()
    assert (found["verified"], found["problem"]) == (False, "the stored object has another SHA-256")


def test_two_people_release_what_they_have_seen(district: District, family: Family) -> None:
    pack = prepared(district, family).json()
    path, seen = f"/evidence-packs/{pack['id']}/release", {"sha256": pack["sha256"]}
    assert district.post(path, "school_leader", json=seen).json()["code"] == "pages_not_seen"
    words(district, pack["id"])
    assert district.post(path, "school_leader", json={"sha256": "0" * 64}).json()["code"] == "other_pages"
    assert district.get(f"/evidence-packs/{pack['id']}", "guardian").status_code == 404
    assert district.post(path, "school_leader", json=seen).json()["status"] == "SIGNED"
    alone = district.post(path, "school_leader", json=seen)
    assert (alone.status_code, alone.json()["code"]) == (403, "four_eyes")
    assert district.post(path, "dpo", json=seen).json()["code"] == "pages_not_seen"
    words(district, pack["id"], "dpo")
    out = district.post(path, "dpo", json=seen).json()
    assert (out["status"], out["expires_at"]) == ("RELEASED", "2027-02-18T09:30:00Z")
    assert district.post(path, "dpo", json=seen).json()["code"] == "pack_decided"
    assert "The bus comes late." in words(district, pack["id"], "guardian")
    look = district.get(f"/evidence-packs/{pack['id']}/pages", "school_leader")
    assert viewed(district, look) == {family.student_id}
    other = district.get(f"/evidence-packs/{pack['id']}/pages", "guardian-2")
    assert other.status_code in {403, 404}

    async def logged() -> list[tuple[str, UUID | None]]:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = select(Disclosure).where(Disclosure.what_id == UUID(pack["id"]))
            return [(row.party, row.guardian_id) for row in (await session.scalars(mine)).all()]

    assert district.run(logged()) == [("GUARDIAN", family.grace)]


def test_the_clock_of_the_regime_runs_for_a_family_that_asked(district: District, family: Family) -> None:
    pack = prepared(district, family, asked_on="2026-11-18").json()
    assert pack["due_on"] == "2026-12-18"
    record = district.get(f"/students/{family.student_id}/record", "school_leader").json()
    assert (record["regime"], record["due_on"]) == ("GDPR", "2026-12-20")
    assert pack["id"] in [one["id"] for one in record["copies"]]
    theirs = district.get(f"/students/{family.student_id}/record", "guardian").json()["copies"]
    assert pack["id"] not in [one["id"] for one in theirs]
    released(district, pack)
    theirs = district.get(f"/students/{family.student_id}/record", "guardian").json()["copies"]
    assert pack["id"] in [one["id"] for one in theirs]
    his = district.get(f"/students/{family.student_id}/record", "guardian-2").json()["copies"]
    assert his == []


def test_it_is_asked_back_when_the_basis_changes(district: District, family: Family) -> None:
    pack = released(district, prepared(district, family, kind="AUTHORITY_REFERRAL").json())
    draft = prepared(district, family).json()
    words(district, draft["id"])
    to_recall = "/evidence-packs?to_recall=true"
    assert district.get(to_recall, "dpo").json()["items"] == []

    async def corrected() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            own = {"student_id": family.student_id, "school_id": district.ours.schools["oak"]}
            later = NOW + timedelta(minutes=1)
            session.add(Event(**own, instance_id=family.instance_id, type="TRIGGER_INVALIDATED", occurred_at=later))

    district.run(corrected())
    listed = district.get(to_recall, "dpo").json()["items"]
    assert pack["id"] in [one["id"] for one in listed]
    assert all(one["to_recall"] for one in listed)
    stale = district.post(f"/evidence-packs/{draft['id']}/release", "school_leader", json={"sha256": draft["sha256"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "basis_changed")
    path = f"/evidence-packs/{pack['id']}/recall"
    assert district.post(path, "dpo", json={"reason": "The register was wrong."}).json()["status"] == "RECALLED"
    assert district.get(f"/evidence-packs/{pack['id']}/pages", "dpo").json()["code"] == "pack_recalled"
    assert pack["id"] not in [one["id"] for one in district.get(to_recall, "dpo").json()["items"]]
    kinds = [one["kind"] for one in district.get(f"/tasks?student_id={family.student_id}", "dpo").json()["items"]]
    assert "RECALL_PACK" in kinds
    did = [
        "prepare_evidence_pack",
        "read_evidence_pack",
        "sign_evidence_pack",
        "read_evidence_pack",
        "release_evidence_pack",
        "recall_evidence_pack",
    ]
    assert district.run(_audited(district, UUID(pack["id"]))) == did


@contextmanager
def later(district: District, minutes: int) -> Iterator[datetime]:
    """The same district some minutes on."""
    before, now = district.app.state.parts, NOW + timedelta(minutes=minutes)
    district.app.state.parts = replace(before, clock=lambda: now)
    yield now
    district.app.state.parts = before


def amended(district: District, family: Family, _: datetime) -> None:
    body = {
        "school_id": str(district.ours.schools["oak"]),
        "guardian_id": str(family.grace),
        "subject_kind": "OTHER",
        "wrong": "The bus was cancelled.",
        "wanted": "Say so.",
    }
    request = district.post(f"/students/{family.student_id}/amendment-requests", "attendance_officer", json=body).json()
    decision = {"granted": True, "reason": "The company confirmed it."}
    answer = district.post(f"/amendment-requests/{request['id']}/decision", "dpo", json=decision)
    assert answer.status_code == 200, answer.text


def corrected(district: District, family: Family, _: datetime) -> None:
    body = {
        "school_id": str(district.ours.schools["oak"]),
        "marks": [{"date": TODAY.isoformat(), "session": "AM", "code": "I"}],
        "reason": "The note was found.",
    }
    answer = district.post(f"/attendance/students/{family.student_id}/corrections", json=body)
    assert answer.status_code == 201, answer.text


def lost(district: District, family: Family, now: datetime) -> None:
    """The case finds that a step's basis is gone, as its workflow writes it down."""

    async def projected() -> None:
        ours = district.ours
        async with district.sessions.tenant(ours.id) as session:
            walk = await session.get_one(Instance, family.instance_id)
            case: Any = (ours.id, ours.schools["oak"], family.student_id, family.instance_id, str(uuid4()), now)
            view = CaseView(walk.revision + 1, "ACTIVE", "ON_HOLD", None, 0, 1, walk.digest, *(None,) * 7, {})
            event = LadderEvent(type=EventType.TRIGGER_INVALIDATED, at=now)
            await projections.project(session, CaseRef(*case), view, [event])

    district.run(projected())


@pytest.mark.parametrize("change", [amended, corrected, lost])
def test_a_change_after_the_release_opens_one_task_and_lists_who_has_the_pack(
    district: District, family: Family, change: Callable[[District, Family, datetime], None]
) -> None:
    minutes = {"amended": 10, "corrected": 20, "lost": 30}[change.__name__]
    with later(district, minutes):
        wish = {"kind": "AUTHORITY_REFERRAL", "recipient": f"Welfare service {minutes}", "interest": "Referred."}
        pack = released(district, prepared(district, family, **wish).json())
        assert tasks_about(district, family, pack["id"]) == []
    for more in (1, 2):
        with later(district, minutes + more) as now:
            change(district, family, now)
            assert tasks_about(district, family, pack["id"]) == ["CHECK_PACK"]
            assert district.get(f"/evidence-packs/{pack['id']}", "dpo").json()["to_recall"]
            told = district.get(f"/evidence-packs/{pack['id']}/recipients", "dpo")
    (line,) = told.json()["items"]
    assert (line["party"], line["recipient"]) == ("EDUCATION_AUTHORITY", f"Welfare service {minutes}")
    assert viewed(district, told) == {family.student_id}
    anew = prepared(district, family, **wish).json()
    drawn = re.sub(r"\s+", " ", words(district, anew["id"]))
    assert change is not corrected or "District Admin, district admin" in drawn
    assert district.get(f"/evidence-packs/{pack['id']}/recipients", "guardian").status_code == 403


def tasks_about(district: District, family: Family, pack_id: str) -> list[str]:
    """What waits to be done about a pack that is out."""

    async def read() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = select(Task).where(Task.student_id == family.student_id, Task.status == "OPEN")
            rows = (await session.scalars(mine)).all()
            about = [row for row in rows if row.details.get("evidence_pack_id") == pack_id]
            return [row.kind for row in about if row.kind != "RELEASE_PACK"]

    return district.run(read())


async def _audited(district: District, pack_id: UUID) -> list[str]:
    async with district.sessions.tenant(district.ours.id) as session:
        mine = select(AuditEntry.verb).where(AuditEntry.subject_id == pack_id).order_by(AuditEntry.seq)
        return list(await session.scalars(mine))
