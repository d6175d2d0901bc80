"""What leaves and what does not: withheld, paused, posted, bounced, and sent once in spite of a crash."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from gateways.ports import MailDeferred, OutgoingMail
from models.delivery import Message, MessageAttempt, SendingSwitch
from models.guardians import ContactStop, Guardian, GuardianLink
from models.instances import Task
from models.students import Student
from rules.errors import Conflict, Unavailable
from rules.ladder.commands import DeliveryState
from services import contact_stops, delivery
from services.contact_stops import SetContactStop, StopCause, SubjectKind
from services.context import Actor
from services.delivery import HandOver
from services.mailing import Outcome
from services.means import Means
from tests.servers.kinds import MailServer
from tests.services.seeding import NOW, TODAY, Parent, World, grace
from tests.services.writing import WISH, issued, plan, sent, whole

pytestmark = pytest.mark.servers


def test_a_guardian_whose_order_begins_before_sending_gets_nothing(world: World, smtp: MailServer) -> None:
    family = world.family(grace())

    async def story() -> Outcome:
        (one,) = await plan(world.means, family.case("w/1"))
        letter = await issued(world.means, family, one)
        async with world.sessions.tenant(family.tenant_id) as session:
            await session.execute(update(GuardianLink).values(order_kind="no contact", order_from=TODAY))
        return await sent(world.means, family, letter.artifact_id)

    assert world.run(story()) == Outcome(DeliveryState.WITHHELD, reason="order_in_force")
    assert smtp.messages() == []


def test_a_contact_stop_between_plan_and_delivery_withholds_and_lifted_the_same_key_sends(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace())
    (one,) = world.run(plan(world.means, family.case("w/1")))
    letter = world.run(issued(world.means, family, one))
    world.stop_contact(family, "STUDENT", family.student_id)
    outcome = world.run(sent(world.means, family, letter.artifact_id))
    assert outcome == Outcome(DeliveryState.WITHHELD, reason="contact_stop")
    assert [row.withheld_reason for row in world.rows(family, Message)] == ["contact_stop"]
    assert smtp.messages() == []
    world.change(family, update(ContactStop).values(lifted_at=NOW))
    assert world.run(sent(world.means, family, letter.artifact_id)).state is DeliveryState.SENT
    assert len(smtp.messages()) == 1


def test_a_student_who_has_left_gets_no_letter(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    (one,) = world.run(plan(world.means, family.case("w/1")))
    letter = world.run(issued(world.means, family, one))
    world.change(family, update(Student).values(deceased_on=TODAY))
    assert world.run(sent(world.means, family, letter.artifact_id)).reason == "student_gone"
    assert smtp.messages() == []


def test_a_switch_that_is_off_is_unavailable_and_on_again_the_same_key_sends(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    (one,) = world.run(plan(world.means, family.case("w/1")))
    letter = world.run(issued(world.means, family, one))

    async def switch() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add(SendingSwitch(school_id=family.school_id, channel="EMAIL", enabled=False, changed_at=NOW))

    world.run(switch())
    with pytest.raises(Unavailable) as paused:
        world.run(sent(world.means, family, letter.artifact_id))
    assert paused.value.code == "SENDING_PAUSED"
    assert world.rows(family, MessageAttempt) == []
    world.change(family, update(SendingSwitch).values(enabled=True))
    assert world.run(sent(world.means, family, letter.artifact_id)).state is DeliveryState.SENT


def test_without_an_address_the_letter_waits_to_be_posted_and_counts_three_working_days_on(world: World) -> None:
    family = world.family(Parent("Pat Postal"))
    ((letter, outcome),) = world.run(whole(world.means, family))
    assert outcome == Outcome(DeliveryState.AWAITING_POST)
    (task,) = world.rows(family, Task)
    assert (task.kind, task.details["artifact_id"]) == ("print_and_post", str(letter.artifact_id))
    actor = Actor(family.tenant_id, None, "attendance_officer", "Olive", "r-1", "api")
    command = HandOver(family.instance_id, family.guardians["pat"], on=TODAY)

    async def posted() -> delivery.HandedOver:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await delivery.record_handover(session, actor, command, now=NOW)

    assert world.run(posted()).effective_day.isoformat() == "2026-11-25"  # Friday and three working days
    assert world.task_kinds(family) == []
    again = world.run(sent(world.means, family, letter.artifact_id))
    assert again.state is DeliveryState.HANDED_OVER
    with pytest.raises(Conflict):
        world.run(posted())


def test_a_contact_stop_after_the_print_run_was_made_withdraws_the_print(world: World) -> None:
    family = world.family(Parent("Pat Postal"))
    ((letter, _),) = world.run(whole(world.means, family))
    command = SetContactStop(SubjectKind.STUDENT, family.student_id, StopCause.BEREAVEMENT)

    async def stop() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await contact_stops.put(session, family.case().actor, command, now=NOW)

    world.run(stop())
    assert world.task_kinds(family) == []
    again = world.run(sent(world.means, family, letter.artifact_id))
    assert again == Outcome(DeliveryState.WITHHELD, reason="contact_stop")


@pytest.mark.parametrize(
    ("word", "channel"), [("letter", "post"), ("POST", "post"), ("email", "email"), (None, "email")]
)
def test_a_guardian_who_wishes_letters_on_paper_gets_them_however_the_register_says_so(
    world: World, word: str | None, channel: str
) -> None:
    family = world.family(grace())
    world.change(family, update(Guardian).values(preferred_channel=word))
    (planned,) = world.run(plan(world.means, family.case(), WISH))
    assert planned.channel == channel


def test_an_address_that_refuses_is_a_bounce_with_a_task_and_the_next_letter_is_posted(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace())
    smtp.refusals["grace.canaryone@example.org"] = "550 5.1.1 no such user"
    ((letter, outcome),) = world.run(whole(world.means, family))
    assert outcome == Outcome(DeliveryState.BOUNCED, reason="smtp_550")
    assert world.task_kinds(family) == ["no_reachable_channel"]
    assert world.run(sent(world.means, family, letter.artifact_id)).state is DeliveryState.BOUNCED
    (later,) = world.run(plan(world.means, family.case("w/9"), replace(WISH, stage_key="letter-2")))
    assert later.channel == "post"
    world.change(family, update(Guardian).values(email="new@example.org"))
    (fresh,) = world.run(plan(world.means, family.case("w/10"), replace(WISH, stage_key="letter-3")))
    assert fresh.channel == "email"


class Dying:
    """A mail server that takes the mail, and then our process dies before it hears so."""

    def __init__(self, real: Means) -> None:
        self._real = real

    async def send(self, mail: OutgoingMail) -> None:
        await self._real.mailer.send(mail)
        raise MailDeferred(0)


def test_a_crash_between_sending_and_recording_sends_the_same_message_again(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    (one,) = world.run(plan(world.means, family.case("w/1")))
    letter = world.run(issued(world.means, family, one))
    dying: Means = replace(world.means, mailer=Dying(world.means))  # type: ignore[arg-type]  # it never answers
    with pytest.raises(MailDeferred):
        world.run(sent(dying, family, letter.artifact_id))
    assert world.run(sent(world.means, family, letter.artifact_id)).state is DeliveryState.SENT
    first, second = smtp.messages()
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.content == second.content
    assert [row.status for row in world.rows(family, MessageAttempt)] == ["FAILED", "SENT"]
