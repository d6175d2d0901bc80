"""A student leaves for a school outside: days and figures are handed over, nothing else, and it stays provable."""

import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pypdf import PdfReader
from sqlalchemy import func, insert, select, update

from models.attendance import SessionFact
from models.delivery import Message
from models.guardians import GuardianLink
from models.instances import Contact, Instance
from models.letters import LetterArtifact
from models.meetings import Meeting
from models.plans import SupportPlan
from models.privacy import Disclosure
from rules.ids import TenantId
from services import transfer_summaries
from services.context import system
from services.means import Means
from services.transfer_summaries import MakeSummary
from tests.api.district import NOW, TODAY, District
from tests.api.families import EARLIER, Family, a_family
from tests.api.papers import stored
from tests.api.viewed import recorded, viewed
from tests.servers.kinds import Store

pytestmark = pytest.mark.servers
TO: dict[str, str] = {"recipient": "Hill School, Galway", "interest": "Sam goes there from Monday."}
NOT_TOLD = re.compile(
    r"Grace|Henry|Wilhelmina|bus comes|own words|Migraine|social worker|Byrne|Hidden|Oak Lane|transport|Hard at home"
    r"|Room for aims|Hill School|Monday|general|packed",
    re.IGNORECASE,
)


@pytest.fixture(scope="module", autouse=True)
def means(district: District, s3: Store) -> Iterator[Means]:
    with stored(district, s3) as means:
        yield means


@pytest.fixture(scope="module")
def family(district: District) -> Family:
    family = district.run(a_family(district))
    district.run(helped(district, family))
    return family


async def helped(district: District, family: Family) -> None:
    """What was done for Sam: a letter to both homes, one taken back, a call, a meeting, two plans; four sessions."""
    school_id = district.ours.schools["oak"]
    who: dict[str, Any] = {"student_id": family.student_id, "instance_id": family.instance_id}
    plan: dict[str, Any] = {**who, "school_id": school_id, "case_id": family.case_id, "opened_at": EARLIER}
    async with district.sessions.tenant(district.ours.id) as session:
        for stage, adult, taken_back in (
            ("letter-1", family.grace, False),
            ("letter-1", family.henry, False),
            ("letter-2", family.grace, True),
        ):
            paper = LetterArtifact(
                **who, school_id=school_id, language="en", storage_path=str(uuid4()), sha256="0", stored_sha256="0",
                size_bytes=1, pages=1, engine="e", generated_at=EARLIER, rescinded_at=NOW if taken_back else None,
            )  # fmt: skip
            session.add(paper)
            await session.flush()
            sent: dict[str, Any] = {"kind": "LETTER", "status": "SENT", "effective_day": date(2026, 11, 18)}
            to: dict[str, Any] = {"guardian_id": adult, "artifact_id": paper.id, "dedupe_key": str(uuid4())}
            session.add(Message(**who, **sent, **to, stage_key=stage))
        called: dict[str, Any] = {"mode": "VISIT", "said": "Hard at home.", "contacted_at": EARLIER}
        session.add_all(
            [
                Contact(**who, **called, reached=True, guardian_id=family.grace),
                Contact(**who, **called, reached=False, guardian_id=family.henry),
                Meeting(**who, school_id=school_id, status="HELD", held_at=EARLIER, notes="Hard at home."),
                Meeting(**who, school_id=school_id, status="NO_SHOW", starts_at=EARLIER),
                SupportPlan(**plan, effect_key="p/1", due_on=TODAY, status="AGREED", agreed_on=date(2026, 11, 10),
                    aims=["Room for aims"]),
                SupportPlan(**plan, effect_key="p/2", due_on=TODAY, status="ENDED", agreed_on=date(2026, 10, 1),
                    ended_at=EARLIER),
                SupportPlan(**plan, effect_key="p/3", due_on=TODAY),
            ]
        )  # fmt: skip
        known = {"student_id": family.student_id, "school_id": school_id, "known_from": EARLIER, "session": "AM"}
        for days, status, code in ((1, "PRESENT", "/"), (2, "PRESENT", "/"), (3, "AUTHORISED_ABSENT", "I")):
            fact = {"date": TODAY - timedelta(days=days), "status": status, "code": code}
            await session.execute(insert(SessionFact).values(**known, **fact))
        mine = update(Instance).where(Instance.id == family.instance_id)
        await session.execute(mine.values(status="COMPLETED", phase="CLOSED", closed_at=NOW))


def asked(district: District, family: Family, person: str = "attendance_officer", **changes: Any) -> Any:
    body = {"school_id": str(district.ours.schools["oak"]), **TO, **changes}
    return district.post(f"/students/{family.student_id}/transfer-summaries", person, json=body)


def words(district: District, artifact_id: str) -> str:
    answer = district.get(f"/letters/artifacts/{artifact_id}", "attendance_officer")
    assert answer.status_code == 200, answer.text
    said = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    return re.sub(r"\s+", " ", said.replace("\u2068", "").replace("\u2069", ""))


def test_it_is_stored_and_its_handing_over_recorded(district: District, family: Family) -> None:
    answer = asked(district, family)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    entries = {row.verb: row for row in recorded(district, answer.headers["X-Request-Id"])}
    assert {"store_artifact", "disclose"} <= set(entries)
    assert {row.student_id for row in entries.values()} == {family.student_id}
    assert viewed(district, answer) == {family.student_id}
    log = district.get(f"/students/{family.student_id}/disclosures", "dpo").json()["items"]
    (line,) = [one for one in log if one["id"] == made["disclosure_id"]]
    assert (line["party"], line["purpose"], line["what"]) == ("OTHER_SCHOOL", "TRANSFER", transfer_summaries.WHAT)
    assert {name: line[name] for name in TO} == TO
    assert line["released_by"] == str(district.ours.people["attendance_officer"])
    checked = district.get(f"/letters/artifacts/{made['artifact_id']}/verification", "attendance_officer").json()
    assert (checked["verified"], checked["sha256"]) == (True, made["sha256"])


def test_it_tells_days_and_figures_and_nothing_else(district: District, family: Family) -> None:
    said = words(district, asked(district, family).json()["artifact_id"])
    for told in (
        "Sam Green",
        "Handrail is not the statutory register.",
        "2 of 3",
        "A case was opened",
        "The case was closed",
        "Home visit",
        "Not reached",
        "Meeting with the family",
        "In force",
        "Ended on",
    ):
        assert told in said, (told, said)
    counted = [said.count(one) for one in ("Letter to the family", "Support plan agreed", "Meeting with the family")]
    assert counted == [1, 2, 1]
    assert NOT_TOLD.search(said) is None, NOT_TOLD.search(said)


def test_the_same_key_answers_the_same_summary_and_one_line(district: District, family: Family, means: Means) -> None:
    tenant_id = TenantId(district.ours.id)
    command = MakeSummary(family.student_id, district.ours.schools["oak"], **TO, key="again")

    async def twice() -> list[tuple[UUID, UUID]]:
        made = [await transfer_summaries.make(means, system(tenant_id, "cli", "r"), command, now=NOW) for _ in "12"]
        return [(one.artifact.id, one.disclosure_id) for one in made]

    first, second = district.run(twice())
    assert first == second

    async def lines() -> int | None:
        async with district.sessions.tenant(district.ours.id) as session:
            return await session.scalar(select(func.count()).where(Disclosure.what_id == first[0]))

    assert district.run(lines()) == 1


def test_only_the_school_that_the_student_leaves_hands_over(district: District, family: Family) -> None:
    assert asked(district, family, "teacher").json()["code"] == "role_not_allowed"
    assert asked(district, family, "guardian").json()["code"] == "role_not_allowed"
    assert asked(district, family, "attendance_officer-elm").json()["code"] == "other_school"
    elm = str(district.ours.schools["elm"])
    assert asked(district, family, "district_admin", school_id=elm).json()["code"] == "not_their_school"
    assert asked(district, family, recipient=" ").status_code == 422
    path = f"/students/{family.student_id}/transfer-summaries"
    body = {"school_id": str(district.theirs.schools["oak"]), **TO}
    assert district.post(path, "school_leader", tenancy=district.theirs, json=body).status_code == 404


def test_a_move_stays_hidden_from_whoever_may_not_know_where_the_child_lives(
    district: District, family: Family
) -> None:
    assert asked(district, family).status_code == 201

    def told(guardian_id: UUID) -> list[str]:
        path = f"/students/{family.student_id}/disclosures?guardian_id={guardian_id}"
        return [one["purpose"] for one in district.get(path, "dpo").json()["items"]]

    assert "TRANSFER" in told(family.henry)

    async def hide() -> None:
        hers = update(GuardianLink).where(GuardianLink.guardian_id == family.grace)
        async with district.sessions.tenant(district.ours.id) as session:
            await session.execute(hers.values(address_confidential=True))

    district.run(hide())
    assert "TRANSFER" not in told(family.henry)
    assert "TRANSFER" in told(family.grace)
