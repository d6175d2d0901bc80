"""A referral through the API: what is missing is said, a leader sends it, the recipient's word is recorded."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from models.guardians import GuardianLink
from models.instances import Instance, Proposal
from models.referrals import Referral
from rules.ids import GuardianId
from rules.ladder.parts import Referred
from rules.ladder.state import Basis, State, Step
from rules.rulesets.ruleset import digest
from tests.api.district import NOW, TODAY, District
from tests.api.families import PACK, Family, a_family, prepared, released
from tests.api.papers import stored
from tests.api.test_cases import audited
from tests.api.viewed import viewed
from tests.servers.kinds import Store

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("packs")]
TO = "The attendance service"
ON = TODAY.isoformat()


@pytest.fixture(scope="module", autouse=True)
def _papers(district: District, s3: Store) -> Iterator[None]:
    with stored(district, s3):
        yield


@pytest.fixture(scope="module")
def family(district: District) -> Family:
    return district.run(a_family(district))


@pytest.fixture(scope="module")
def path(district: District, family: Family) -> str:
    """Grace's referral, which the case waits for."""

    async def opened() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            row = Referral(
                student_id=family.student_id,
                school_id=district.ours.schools["oak"],
                case_id=family.case_id,
                instance_id=family.instance_id,
                guardian_id=family.grace,
                stage_key="referral",
                effect_key="w/referral",
                referred_to="AUTHORITY",
                recipient="The authority",
                opened_at=NOW,
                due_on=TODAY,
            )
            session.add(row)
            await session.flush()
            mine = Referred(id=row.id, guardian_id=GuardianId(family.grace))
            step = Step(stage_key="referral", basis=Basis(digest=digest(PACK)), referrals=(mine,))
            state = State(steps=(step,)).model_dump(mode="json", exclude={"ladder"})
            shown = update(Instance).where(Instance.id == family.instance_id).values(phase="WAITING", state=state)
            liable = update(GuardianLink).where(GuardianLink.guardian_id == family.grace)
            await session.execute(shown)
            await session.execute(liable.values(may_be_held_liable=True))
            return row.id

    return f"/referrals/{district.run(opened())}"


def missing(district: District, path: str) -> dict[str, str]:
    answer = district.get(f"{path}/readiness", "attendance_officer")
    assert answer.status_code == 200, answer.text
    assert answer.json()["ready"] is (not answer.json()["missing"])
    return {one["code"]: one["says"] for one in answer.json()["missing"]}


def history(district: District, family: Family) -> None:
    there = f"/students/{family.student_id}/guardians/{family.grace}/prior-events"
    tag = district.get(there, "district_admin").headers["ETag"]
    body = {"events": [], "source": "The authority's letter", "checked_on": ON, "reason": "Asked."}
    for answer in (
        district.put(there, "attendance_officer", json=body, headers={"If-Match": tag}),
        district.post(f"{there}/confirm", "school_leader", json={"reason": "Read the letter."}),
    ):
        assert answer.status_code == 200, answer.text


def say(district: District, path: str, verb: str, person: str, **body: Any) -> dict[str, Any]:
    answer = district.post(f"{path}/{verb}", person, json=body)
    told: dict[str, Any] = answer.json()
    return told


def test_a_leader_sends_it_once_everything_is_there(district: District, family: Family, path: str) -> None:
    assert set(missing(district, path)) == {"HISTORY", "PACK"}
    looked = district.get(f"{path}/readiness", "attendance_officer")
    assert viewed(district, looked) == {family.student_id}
    unknown = district.get(f"{path}/readiness?pack_id={uuid4()}", "attendance_officer")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "pack_not_found")
    tag = district.get(path, "attendance_officer").headers["ETag"]
    body = {"recipient": TO, "reason": "As its papers name it."}
    assert district.put(path, "attendance_officer", json=body, headers={"If-Match": '"old"'}).status_code == 412
    assert district.put(path, "attendance_officer", json=body, headers={"If-Match": tag}).json()["recipient"] == TO
    pack = prepared(district, family, kind="AUTHORITY_REFERRAL", recipient=TO).json()
    wish = {"pack_id": pack["id"], "way": "portal", "on": ON}
    refused = say(district, path, "send", "school_leader", **wish)
    assert (refused["status"], refused["code"]) == (409, "referral_not_ready")
    assert "not confirmed" in refused["detail"]
    history(district, family)
    released(district, pack)
    assert missing(district, path) == {}
    for person in ("attendance_officer", "specialist", "dpo", "teacher", "guardian"):
        assert say(district, path, "send", person, **wish)["code"] == "role_not_allowed", person
    sent = say(district, path, "send", "school_leader", **wish)
    assert (sent["status"], sent["pack_id"], sent["sent_on"]) == ("SENT", pack["id"], ON)
    arrived = say(district, path, "acknowledge", "attendance_officer", on=ON, reference="AS-17")
    assert (arrived["status"], arrived["reference"]) == ("ACKNOWLEDGED", "AS-17")
    answered = say(district, path, "answer", "attendance_officer", on=ON, result="SUPPORT", note="A mentor.")
    assert (answered["status"], answered["result"]) == ("DECIDED", "SUPPORT")
    again = say(district, path, "end", "school_leader", reason="Too late.")
    assert (again["status"], again["code"]) == (409, "referral_state")
    for verb in ("write_referral", "send_referral", "acknowledge_referral", "answer_referral"):
        assert [one.student_id for one in audited(district, verb)] == [family.student_id], verb
    listed = district.get(f"/referrals?student_id={family.student_id}&status=DECIDED", "attendance_officer")
    assert [one["result"] for one in listed.json()["items"]] == ["SUPPORT"]
    assert viewed(district, listed) == {family.student_id}


def test_the_queue_shows_what_is_missing_before_the_step_is_approved(district: District, family: Family) -> None:
    told = [{"code": "UNEXPLAINED", "says": "3 of 10 not yet explained"}]

    async def proposed() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            step = {"type": "REFERRAL", "missing": told, "does": "Prepares a referral."}
            kind = {"stage_index": -1, "stage_key": "referral", "stage_type": "REFERRAL", "approval": "LEADER"}
            session.add(Proposal(instance_id=family.instance_id, proposed_at=NOW, due_on=TODAY, step=step, **kind))

    district.run(proposed())
    items = district.get("/interventions/queue?type=REFERRAL", "school_leader").json()["items"]
    (item,) = [one for one in items if one["instance_id"] == str(family.instance_id)]
    assert (item["missing"], item["approving"]) == (told, "Prepares a referral.")


def test_who_may_not(district: District, path: str) -> None:
    for person in ("teacher", "guardian", "liaison", "auditor"):
        assert district.get(path, person).json()["code"] == "role_not_allowed", person
        assert district.get("/referrals", person).json()["code"] == "role_not_allowed", person
    assert say(district, path, "end", "attendance_officer", reason="No.")["code"] == "role_not_allowed"
    for verb, body in (("acknowledge", {"on": ON}), ("answer", {"on": ON, "result": "SUPPORT"})):
        assert say(district, path, verb, "dpo", **body)["code"] == "role_not_allowed"
