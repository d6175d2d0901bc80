"""Evidence packs: everybody else left out, released by two who saw the pages, recalled when the basis changes."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.evidence_packs import EvidencePack
from models.instances import Event, Instance
from models.privacy import Disclosure
from rules.ladder.events import EventType, LadderEvent
from services import projections
from services.context import CaseRef
from services.projections import CaseView
from tests.api.district import NOW, TODAY, District
from tests.api.families import Family, a_family, later, prepared, released, tasks_about, words
from tests.api.papers import stored
from tests.api.viewed import viewed
from tests.servers.kinds import Store

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("packs")]
HENRY = re.compile(r"Henry|Canarytwo|henry@|Hidden Road|0199|His own words", re.IGNORECASE)


@pytest.fixture(scope="module", autouse=True)
def _papers(district: District, s3: Store) -> Iterator[None]:
    with stored(district, s3):
        yield


@pytest.fixture(scope="module")
def family(district: District) -> Family:
    return district.run(a_family(district))


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


def about_pack(answer: Any, pack_id: str) -> list[str]:
    """The kinds of the listed tasks that are about this pack."""
    return [one["kind"] for one in answer.json()["items"] if one["details"].get("evidence_pack_id") == pack_id]


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
    asked = f"/tasks?student_id={family.student_id}&status="
    waits = {status: about_pack(district.get(f"{asked}{status}", "dpo"), pack["id"]) for status in ("OPEN", "DONE")}
    assert waits == {"OPEN": [], "DONE": ["RELEASE_PACK"]}, "whoever released it has done what was asked"
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


async def _audited(district: District, pack_id: UUID) -> list[str]:
    async with district.sessions.tenant(district.ours.id) as session:
        mine = select(AuditEntry.verb).where(AuditEntry.subject_id == pack_id).order_by(AuditEntry.seq)
        return list(await session.scalars(mine))
