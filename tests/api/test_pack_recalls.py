"""A pack that was given out is on the recall list as soon as the register says anything else of what it tells."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from models.guardians import GuardianLink
from models.instances import CaseFile
from models.meetings import Meeting, MeetingAttendee
from rules.ids import TenantId
from services.attendance_import import Imported, roll_back
from services.context import Actor, system
from tests.api.district import NOW, TODAY, District
from tests.api.families import EARLIER, Family, a_family, later, prepared, released, tasks_about, words
from tests.api.papers import stored
from tests.servers.kinds import Store
from tests.services.districts import take_in, write

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("pack-recalls")]
YESTERDAY = TODAY - timedelta(days=1)
OUT = {"kind": "AUTHORITY_REFERRAL", "recipient": "Welfare service", "interest": "Referred."}


@pytest.fixture(scope="module", autouse=True)
def _papers(district: District, s3: Store) -> Iterator[None]:
    with stored(district, s3):
        yield


@pytest.fixture(scope="module")
def family(district: District) -> Family:
    return district.run(a_family(district))


@pytest.fixture
def imported(district: District, tmp_path: Path) -> Callable[..., Imported]:
    """Takes marks of Sam in, as the feed sends them: day, session, code, minute of the entry, taken out."""
    acting = _feed(district)

    def take(*marks: tuple[Any, ...]) -> Imported:
        rows = [
            [f"{day}{half}{minute}", "sam", "oak", day, half, code, NOW + timedelta(minutes=minute), "", out]
            for day, half, code, minute, out in marks
        ]
        at = NOW + timedelta(minutes=max(minute for *_, minute, _ in marks))
        done = district.run(take_in(district.sessions, acting, write(tmp_path, marks=rows), at))
        assert (done.accepted, done.quarantined) == (len(marks), 0), done
        return done

    return take


def _feed(district: District) -> Actor:
    return system(TenantId(district.ours.id), "cli", "r-1")


def to_recall(district: District) -> list[str]:
    return [one["id"] for one in district.get("/evidence-packs?to_recall=true", "dpo").json()["items"]]


def out(district: District, family: Family, minute: int) -> str:
    """A pack that was given out at that minute."""
    with later(district, minute):
        return str(released(district, prepared(district, family, **OUT).json())["id"])


def test_an_import_that_amends_an_entry_puts_the_pack_on_the_list(
    district: District, family: Family, imported: Callable[..., Imported]
) -> None:
    before = out(district, family, 1)
    imported((TODAY, "AM", "I", 2, 0))  # the same again
    imported((TODAY, "PM", "O", 3, 0))  # a session that the pack could not tell of
    assert to_recall(district) == []
    assert tasks_about(district, family, before) == []
    imported((TODAY, "AM", "O", 4, 0))
    assert to_recall(district) == [before]
    assert tasks_about(district, family, before) == ["CHECK_PACK"]
    imported((TODAY, "AM", "I", 5, 0))
    assert tasks_about(district, family, before) == ["CHECK_PACK"], "one task is enough"
    after = out(district, family, 6)
    assert to_recall(district) == [before]
    assert not district.get(f"/evidence-packs/{after}", "dpo").json()["to_recall"]


def test_a_late_entry_of_an_earlier_day_and_one_taken_out_put_it_there(
    district: District, family: Family, imported: Callable[..., Imported]
) -> None:
    first = out(district, family, 10)
    imported((YESTERDAY, "AM", "/", 11, 0))  # there, as the pack says by saying nothing
    assert first not in to_recall(district)
    imported((YESTERDAY, "PM", "O", 12, 0))
    assert first in to_recall(district)
    second = out(district, family, 13)
    imported((YESTERDAY, "PM", "O", 14, 1))
    assert second in to_recall(district)
    with later(district, 15):
        pack = prepared(district, family, **OUT).json()
        assert "entry taken out of the register" in " ".join(words(district, pack["id"]).split())


def test_an_import_taken_back_and_another_meaning_of_a_code_put_it_there(
    district: District, family: Family, imported: Callable[..., Imported]
) -> None:
    done = imported((YESTERDAY, "AM", "O", 20, 0))
    first = out(district, family, 21)
    now = NOW + timedelta(minutes=22)
    district.run(roll_back(district.sessions, _feed(district), done.import_id, now=now))
    assert first in to_recall(district)
    second = out(district, family, 23)
    maps = district.get("/attendance/code-maps/UK")
    codes = [one | {"status": "AUTHORISED_ABSENT"} if one["code"] == "O" else one for one in maps.json()["codes"]]
    answer = district.put(
        "/attendance/code-maps/UK",
        json={"codes": codes, "reason": "The ministry says so."},
        headers={"If-Match": maps.headers["ETag"]},
    )
    assert answer.status_code == 200, answer.text
    assert second in to_recall(district)


def test_a_draft_that_was_overtaken_is_not_released(
    district: District, family: Family, imported: Callable[..., Imported]
) -> None:
    with later(district, 30):
        draft = prepared(district, family, **OUT).json()
        words(district, draft["id"])
    imported((TODAY, "AM", "/", 31, 0))
    with later(district, 32):
        seen = {"sha256": draft["sha256"]}
        stale = district.post(f"/evidence-packs/{draft['id']}/release", "school_leader", json=seen)
    assert (stale.status_code, stale.json()["code"]) == (409, "basis_changed")
    assert tasks_about(district, family, draft["id"]) == [], "nobody has it"


def test_a_reason_that_is_accepted_later_puts_it_there(district: District, family: Family) -> None:
    pack = out(district, family, 40)
    with later(district, 41):
        body = {
            "school_id": str(district.ours.schools["oak"]),
            "sessions": [{"date": str(TODAY), "session": "AM"}],
            "reason": "Migraine",
            "status": "ACCEPTED",
        }
        answer = district.post(f"/students/{family.student_id}/absence-reasons", json=body)
        assert answer.status_code == 201, answer.text
    assert pack in to_recall(district)
    assert tasks_about(district, family, pack) == ["CHECK_PACK"]


def test_a_pack_for_a_meeting_of_the_school_says_which_staff_have_it(district: District, family: Family) -> None:
    with later(district, 50):
        wish = {"kind": "INTERNAL_MEETING", "recipient": "The attendance team", "interest": "Their meeting."}
        pack = prepared(district, family, **wish).json()
        path = f"/evidence-packs/{pack['id']}/recipients"
        assert district.get(path, "dpo").json()["items"] == []
        released(district, pack)
    with later(district, 51):
        words(district, pack["id"], "attendance_officer")
    told = district.get(path, "dpo").json()["items"]
    assert [(one["party"], one["recipient"]) for one in told] == [
        ("STAFF", "The attendance team"),
        ("STAFF", "School Leader"),
        ("STAFF", "Dpo"),
        ("STAFF", "Attendance Officer"),
    ]
    assert told[-1]["person_id"] == str(district.ours.people["attendance_officer"])


def test_a_family_copy_does_not_tell_that_there_is_anybody_else(district: District, family: Family) -> None:
    """Of two families whose records differ by what concerns the other guardian alone, both read the same."""
    with later(district, 60):
        before = words(district, prepared(district, family).json()["id"])

    async def more_of_the_other() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            own: dict[str, Any] = {"student_id": family.student_id, "school_id": district.ours.schools["oak"]}
            apart = Meeting(**own, instance_id=family.instance_id, starts_at=EARLIER, status="HELD")
            session.add(apart)
            await session.flush()
            session.add(MeetingAttendee(meeting_id=apart.id, kind="GUARDIAN", attendee_id=family.henry))

    district.run(more_of_the_other())
    with later(district, 61):
        his = words(district, prepared(district, family, guardian_id=str(family.henry)).json()["id"])
        after = words(district, prepared(district, family).json()["id"])
    assert _undated(after) == _undated(before)
    assert "held" in his
    for telling in ("left out]", "other guardian", "guardians", "Left out", "agreed", "sibling", "safeguarding"):
        assert telling not in after, telling
    assert "A later start" in after
    assert "Sentences that name anybody else are left out." in " ".join(after.split())


def test_a_family_of_one_guardian_reads_the_same_note(district: District) -> None:
    alone = district.run(_alone(district))
    body = {"kind": "FAMILY_COPY", "guardian_id": str(alone[1]), "recipient": "Them", "interest": "Asked."}
    pack = district.post(f"/cases/{alone[0]}/evidence-packs", "school_leader", json=body).json()
    text = " ".join(words(district, pack["id"]).split())
    assert "Sentences that name anybody else are left out." in text
    assert "guardians" not in text


async def _alone(district: District) -> tuple[UUID, UUID]:
    from_one = district.ours
    async with district.sessions.tenant(from_one.id) as session:
        case = CaseFile(student_id=from_one.students["ann"], school_id=from_one.schools["oak"])
        session.add(case)
        await session.flush()
        own = GuardianLink.guardian_id == from_one.guardians["ann"]
        await session.execute(update(GuardianLink).where(own).values(may_use_portal=True))
        return case.id, from_one.guardians["ann"]


def _undated(text: str) -> str:
    """Without the reference, which is another for each pack."""
    return re.sub(r"[0-9A-F]{4}-[0-9A-F]{4}\S*", "", text)
