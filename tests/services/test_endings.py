"""Taking back and closing: told once each, nothing pending left, history kept."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import update

from models.delivery import Message
from models.instances import Task
from models.letters import LetterArtifact
from models.meetings import Booking, Meeting
from models.plans import SupportPlan
from models.referrals import Referral
from rules.ladder.commands import Command
from rules.ladder.stages import ReferredTo
from rules.ladder.state import Basis
from services import artifacts, delivery, endings, letters, plans, referral_readiness, referrals
from services.endings import TakeBack
from services.letter_merge import Writing
from services.letters import Wish
from services.plans import OpenPlan
from services.referrals import OpenReferrals
from tests.servers.kinds import MailServer
from tests.services.seeding import NOW, Family, Parent, World, grace, henry
from tests.services.test_meetings import booked
from tests.services.writing import whole, words

pytestmark = pytest.mark.servers
BY = Command(command_id="c-2", role="attendance_officer", reason="the register was wrong")


def sent_letters(world: World, family: Family) -> tuple[UUID, ...]:
    return tuple(letter.artifact_id for letter, _ in world.run(whole(world.means, family)))


def second_letters(world: World, family: Family) -> tuple[UUID, ...]:
    async def story() -> list[UUID]:
        wish = Wish("LETTER_2_ATTENDANCE", "letter-2")
        async with world.sessions.tenant(family.tenant_id) as session:
            planned = await letters.plan(session, family.case("w/20"), wish)
        done = []
        for one in planned:
            case = family.case(f"w/21/{one.guardian_id}")
            issued = await letters.issue(
                world.means, case, one.message_id, Writing(one.guardian_id, "en", Basis(on=date(2026, 11, 19)))
            )
            await delivery.deliver(world.means, family.case(f"w/22/{one.guardian_id}"), issued.artifact_id)
            done.append(issued.artifact_id)
        return done

    return tuple(world.run(story()))


def rescinded(world: World, family: Family, artifact_ids: tuple[UUID, ...]) -> int:
    wanted = TakeBack(("letter-1", "letter-2"), artifact_ids, BY)
    return world.run(endings.rescind(world.means, family.case("w/30"), wanted))


def test_whoever_got_letters_hears_once_for_all_of_them_that_they_are_taken_back(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace(), henry())
    both = sent_letters(world, family) + second_letters(world, family)
    before = len(smtp.messages())
    assert rescinded(world, family, both) == rescinded(world, family, both) == 2
    told = smtp.messages()[before:]
    assert sorted(mail.recipients[0].split(".")[0] for mail in told) == ["grace", "henry"]
    rows = {row.id: row for row in world.rows(family, LetterArtifact)}
    for artifact_id in both:
        assert rows[artifact_id].rescinded_at == NOW
        newer = rows[artifact_id].superseded_by
        assert newer
        assert rows[newer].guardian_id == rows[artifact_id].guardian_id
        pdf = world.run(artifacts.content(world.means, family.case().actor, newer, now=NOW))
        assert "take back" in words(pdf)
        own = rows[newer].merge_data["guardian_name"]
        other = "Canarytwo" if "Canaryone" in own else "Canaryone"
        assert other not in words(pdf)


def test_a_letter_not_yet_posted_is_withdrawn_and_nobody_is_told_of_it(world: World, smtp: MailServer) -> None:
    family = world.family(Parent("Pat Postal"))
    waiting = sent_letters(world, family)
    assert rescinded(world, family, waiting) == 0
    assert world.task_kinds(family) == []
    assert [row.status for row in world.rows(family, Message)] == ["SUPERSEDED"]
    assert smtp.messages() == []


def test_a_taking_back_is_withheld_under_a_contact_stop(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    letters_sent = sent_letters(world, family)
    world.stop_contact(family, "STUDENT", family.student_id)
    rescinded(world, family, letters_sent)
    assert len(smtp.messages()) == 1


def closed(world: World, family: Family, reason: str | None = "WITHDRAWN", key: str = "w/40") -> None:
    async def close() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await endings.close(session, family.case(key), "STOPPED", reason)

    world.run(close())


def test_a_closed_case_leaves_no_task_message_or_slot_pending(world: World) -> None:
    family = world.family(Parent("Pat Postal"))
    sent_letters(world, family)
    booked(world, family, "w/41")
    for _ in range(2):
        closed(world, family)
    assert world.task_kinds(family) == []
    assert [(row.status, row.withheld_reason) for row in world.rows(family, Message)] == [("CANCELLED", "case_closed")]
    assert [row.status for row in world.rows(family, Meeting)] == ["CANCELLED"]
    assert all(row.cancelled for row in world.rows(family, Booking))
    assert len(world.rows(family, LetterArtifact)) == 1


def plan(world: World, family: Family, stage: str) -> UUID:
    async def opened() -> UUID:
        async with world.sessions.tenant(family.tenant_id) as session:
            row = await plans.open_plan(session, family.case(f"w/plan/{stage}"), OpenPlan(10, stage))
            return row.id

    return world.run(opened())


def test_a_plan_nobody_agreed_on_ends_with_its_step_or_its_case(world: World) -> None:
    family = world.family(grace())
    taken_back, other = plan(world, family, "letter-1"), plan(world, family, "plan")
    assert world.task_kinds(family) == ["write_plan", "write_plan"]
    rescinded(world, family, ())
    rows = {row.id: (row.status, row.reason) for row in world.rows(family, SupportPlan)}
    assert rows == {taken_back: ("ENDED", "rescinded"), other: ("DRAFT", None)}
    assert world.task_kinds(family) == ["write_plan"]
    closed(world, family)
    rows = {row.id: (row.status, row.reason) for row in world.rows(family, SupportPlan)}
    assert rows[other] == ("ENDED", "case_closed")


def test_closing_spares_the_letter_that_takes_another_one_back(world: World) -> None:
    family = world.family(Parent("Pat Postal"))
    (artifact_id,) = sent_letters(world, family)
    hand_over(world, family)
    assert rescinded(world, family, (artifact_id,)) == 1
    closed(world, family, "BASIS_REMOVED")
    (task,) = world.rows(family, Task, Task.status == "OPEN")
    assert task.details["letter_kind"] == "RESCISSION"
    closed(world, family, "DECEASED", key="w/42")
    assert world.task_kinds(family) == []


def hand_over(world: World, family: Family) -> None:
    async def write() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            command = delivery.HandOver(family.instance_id, family.guardians["pat"], on=date(2026, 11, 20))
            await delivery.record_handover(session, family.case().actor, command, now=NOW)

    world.run(write())


def referrals_of(world: World, family: Family, stage: str) -> dict[UUID, Referral]:
    wanted = OpenReferrals(stage, "The attendance service", ReferredTo.AUTHORITY, 10)
    opened = world.run(referrals.open_all(world.means, family.case(f"w/{stage}"), wanted))
    return {row.guardian_id: row for row in opened}


def states(world: World, family: Family) -> dict[UUID, tuple[str, str | None]]:
    return {row.id: (row.status, row.reason) for row in world.rows(family, Referral)}


def sent(world: World, row: Referral) -> None:
    """Shown as it stands once a leader has sent it."""

    async def shown() -> None:
        async with world.sessions.tenant(row.tenant_id) as session:
            pack = await referral_readiness.latest_pack(session, row)
            mine = update(Referral).where(Referral.id == row.id)
            await session.execute(mine.values(status="SENT", sent_on=NOW.date(), sent_by_way="portal", pack_id=pack))

    world.run(shown())


def test_a_step_taken_back_asks_its_referrals_back_and_leaves_those_of_others(world: World) -> None:
    family = world.family(grace(), henry())
    mine, others = referrals_of(world, family, "letter-1"), referrals_of(world, family, "referral")
    gone, waits = mine[family.guardians["grace"]], mine[family.guardians["henry"]]
    sent(world, gone)
    for _ in range(2):
        rescinded(world, family, ())
    left = {row.id: ("PREPARING", None) for row in others.values()}
    taken_back = {gone.id: ("WITHDRAWN", "rescinded"), waits.id: ("LEFT_OUT", "rescinded")}
    assert states(world, family) == left | taken_back
    assert [kind for kind in world.task_kinds(family) if kind == "ask_referral_back"] == ["ask_referral_back"]


def test_a_closed_case_sends_no_referral_and_asks_none_back(world: World) -> None:
    family = world.family(grace(), henry())
    rows = referrals_of(world, family, "referral")
    there, waits = rows[family.guardians["grace"]], rows[family.guardians["henry"]]
    sent(world, there)
    for _ in range(2):
        closed(world, family)
    assert states(world, family) == {there.id: ("SENT", None), waits.id: ("LEFT_OUT", "case_closed")}
    assert "prepare_referral" not in world.task_kinds(family)


def test_a_case_that_goes_to_another_school_prepares_no_referral_here(world: World) -> None:
    family = world.family(grace())
    (row,) = referrals_of(world, family, "referral").values()

    async def away() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await endings.put_away(session, family.case("w/50"), "transfer")

    world.run(away())
    assert states(world, family) == {row.id: ("LEFT_OUT", "transfer")}
    assert "prepare_referral" not in world.task_kinds(family)
