"""A family with two guardians apart, for tests of what a pack tells whom, and how packs are made in them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pypdf import PdfReader
from sqlalchemy import insert, select

from models.access import GuardianAccount
from models.attendance import CodeMap, Enrolment, Mark
from models.delivery import Message
from models.guardians import Guardian, GuardianLink
from models.instances import CaseFile, Contact, Event, Instance, Task
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Session
from models.students import AbsenceReason, CareFlag, Student
from rules.rulesets.ruleset import digest, dump_ruleset, load_pack
from tests.api.district import NOW, TODAY, District

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


async def a_family(district: District) -> Family:
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
    session.add_all([CodeMap(code_set="UK", code="/", status="PRESENT")])
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


@contextmanager
def later(district: District, minutes: int) -> Iterator[datetime]:
    """The same district some minutes on."""
    before, now = district.app.state.parts, NOW + timedelta(minutes=minutes)
    district.app.state.parts = replace(before, clock=lambda: now)
    yield now
    district.app.state.parts = before


def tasks_about(district: District, family: Family, pack_id: str) -> list[str]:
    """What waits to be done about a pack that is out."""

    async def read() -> list[str]:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = select(Task).where(Task.student_id == family.student_id, Task.status == "OPEN")
            rows = (await session.scalars(mine)).all()
            about = [row for row in rows if row.details.get("evidence_pack_id") == pack_id]
            return [row.kind for row in about if row.kind != "RELEASE_PACK"]

    return district.run(read())
