"""Meetings: never twice for one person, one invitation each with nobody else in it, outcomes carried out once."""

import asyncio
from datetime import UTC, date, datetime
from itertools import pairwise
from uuid import uuid4

import pytest
from icalendar import Calendar
from sqlalchemy import update

from models.delivery import Message
from models.instances import Task
from models.letters import LetterTemplateVersion
from models.meetings import Booking, Meeting, MeetingAttendee
from models.plans import SupportPlan
from models.students import Exemption
from rules.ids import MeetingId, PersonId
from rules.ladder.commands import RecordMeetingOutcome
from rules.meetings.outcomes import MeetingStatus, NoShow, Outcome
from services import invitations, meeting_outcomes, meetings
from services.context import CaseRef
from services.invitations import Invited
from services.meeting_outcomes import Decided
from tests.servers.kinds import Caught, MailServer
from tests.services.seeding import Family, Parent, World, grace, henry

pytestmark = pytest.mark.servers


def booked(world: World, family: Family, key: str = "w/1") -> meetings.Booked:
    async def book() -> meetings.Booked:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await meetings.book_for_case(session, family.case(key), 10, "meeting")

    return world.run(book())


def invited(world: World, family: Family, booking: meetings.Booked, key: str = "w/2") -> Invited:
    return world.run(invitations.invite(world.means, family.case(key), booking.meeting_id))


def applied(world: World, case: CaseRef, said: RecordMeetingOutcome) -> date:
    async def apply() -> date:
        async with world.sessions.tenant(case.tenant_id) as session:
            on = await meeting_outcomes.apply(session, case, Decided(said.meeting_id, said, counted=False))
        await invitations.tell_released(world.means, case, said.meeting_id)
        return on

    return world.run(apply())


def outcome(family: Family, booking: meetings.Booked, what: Outcome, **more: object) -> RecordMeetingOutcome:
    said = {"command_id": f"c-{what}", "actor_id": PersonId(family.officer_id), "role": "attendance_officer"}
    return RecordMeetingOutcome.model_validate(
        {**said, "meeting_id": MeetingId(booking.meeting_id), "outcome": what, **more}
    )


def entry(mail: Caught) -> str:
    (part,) = [one for one in mail.message.walk() if one.get_content_type() == "text/calendar"]
    content = part.get_content()
    return content if isinstance(content, str) else content.decode()


def test_each_attendee_gets_one_mail_with_one_attendee_in_its_calendar_file(world: World, smtp: MailServer) -> None:
    family = world.family(grace(), henry())
    booking = booked(world, family)
    assert booking.status is MeetingStatus.SCHEDULED
    assert invited(world, family, booking) == invited(world, family, booking) == Invited(3, delivered=True)
    assert sorted(mail.recipients[0] for mail in smtp.messages()) == [
        "grace.canaryone@example.org",
        "henry.canarytwo@example.org",
        "olive@oak.example.org",
    ]
    uids = set()
    for mail in smtp.messages():
        event = Calendar.from_ical(entry(mail)).walk("VEVENT")[0]
        assert event["ATTENDEE"] == f"mailto:{mail.recipients[0]}"
        assert event["SUMMARY"] == "Oak School: meeting at school"
        uids.add(str(event["UID"]))
    assert len(uids) == 3
    assert [row.invitation_delivered for row in world.rows(family, MeetingAttendee)] == [True] * 3


def test_nothing_of_the_other_guardian_stands_in_an_invitation(world: World, smtp: MailServer) -> None:
    family = world.family(grace(address_confidential=True), henry())
    invited(world, family, booked(world, family))
    mine = {mail.recipients[0].split(".")[0]: mail for mail in smtp.messages()}
    for name, others in (("grace", ("canarytwo", "hidden", "henry")), ("henry", ("canaryone", "harbour", "grace"))):
        said = (mine[name].content.decode("latin-1") + entry(mine[name])).lower()
        (row,) = world.rows(family, Message, Message.guardian_id == family.guardians[name])
        said += str(row.data).lower()
        assert not [word for word in others if word in said]


def test_the_lines_a_lock_screen_shows_are_neutral(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    invited(world, family, booked(world, family))
    for mail in smtp.messages():
        shown = f"{mail.message['Subject']} {mail.message['From']} {entry(mail)}".lower()
        assert not [word for word in ("sam", "surname", "absen", "attendance of") if word in shown]


def test_without_an_approved_letter_the_mail_carries_the_calendar_entry_alone(world: World, smtp: MailServer) -> None:
    family = world.family(grace(), Parent("Pat Postal"))
    world.change(family, update(LetterTemplateVersion).values(status="RETIRED"))
    assert invited(world, family, booked(world, family)).delivered
    mails = [mail for mail in smtp.messages() if "grace" in mail.recipients[0]]
    assert not list(mails[0].message.iter_attachments())
    assert entry(mails[0])
    assert world.task_kinds(family) == ["tell_by_phone"]


def test_a_guardian_who_may_not_come_any_more_is_withheld_and_the_others_are_invited(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace(), henry())
    booking = booked(world, family)
    world.stop_contact(family, "GUARDIAN", family.guardians["henry"])
    assert invited(world, family, booking).delivered
    assert not [mail for mail in smtp.messages() if "henry" in mail.recipients[0]]
    states = {row.guardian_id: (row.status, row.withheld_reason) for row in world.rows(family, Message)}
    assert states[family.guardians["henry"]] == ("WITHHELD", "contact_stop")


def test_a_family_reached_by_post_only_is_not_yet_invited(world: World) -> None:
    family = world.family(Parent("Pat Postal"))
    assert not invited(world, family, booked(world, family)).delivered
    (task,) = world.rows(family, Task)
    assert task.kind == "print_and_post"
    assert task.details["artifact_id"]


def test_a_moved_meeting_is_announced_again_under_the_same_uid_with_the_next_sequence(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace())
    booking = booked(world, family)
    invited(world, family, booking)

    async def move() -> None:
        later = (datetime(2026, 12, 1, 14, 0, tzinfo=UTC), datetime(2026, 12, 1, 14, 30, tzinfo=UTC))
        case = family.case()
        async with world.sessions.tenant(family.tenant_id) as session:
            await meetings.move(
                session, case.actor, meetings.MoveMeeting(booking.meeting_id, *later, "The family asked."), now=case.now
            )

    world.run(move())
    invited(world, family, booking, key="w/5")
    events = [
        Calendar.from_ical(entry(mail)).walk("VEVENT")[0] for mail in smtp.messages() if "grace" in mail.recipients[0]
    ]
    assert events[0]["UID"] == events[1]["UID"]
    assert [str(event["SEQUENCE"]) for event in events] == ["0", "1"]


def test_a_cancelled_meeting_frees_its_slot_and_tells_each_invited_attendee_once(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace(), Parent("Pat Postal"))
    booking = booked(world, family)
    invited(world, family, booking)
    before = len(smtp.messages())
    for _ in range(2):
        world.run(invitations.cancel(world.means, family.case("w/9"), booking.meeting_id, "case_moved_on"))
    told = smtp.messages()[before:]
    assert sorted(mail.recipients[0].split("@")[0] for mail in told) == ["grace.canaryone", "olive"]
    assert all("METHOD:CANCEL" in entry(mail) for mail in told)
    assert [row.status for row in world.rows(family, Meeting)] == ["CANCELLED"]
    assert all(row.cancelled for row in world.rows(family, Booking))
    assert world.task_kinds(family) == []  # the letter nobody has posted yet is withdrawn
    world.run(invitations.cancel(world.means, family.case("w/10"), booking.meeting_id, "again"))
    assert len(smtp.messages()) == before + 2


def test_of_eight_cases_that_book_at_once_no_two_share_the_officer_or_a_time(world: World) -> None:
    first = world.family(grace())
    families = [first, *[world.family(grace(), tenant_id=first.tenant_id) for _ in range(7)]]

    async def book(family: Family) -> meetings.Booked:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await meetings.book_for_case(session, family.case(f"w/{uuid4()}"), 10, "meeting")

    async def race() -> list[meetings.Booked]:
        return await asyncio.gather(*[book(family) for family in families])

    done = world.run(race())
    taken = [one.starts_at for one in done if one.status is MeetingStatus.SCHEDULED]
    assert len(taken) == len(set(taken)) == 8
    officers = world.rows(first, Booking, Booking.resource_kind == "STAFF")
    spans = sorted((row.during.lower, row.during.upper) for row in officers)
    assert all(
        earlier[1] is not None and later[0] is not None and earlier[1] <= later[0] for earlier, later in pairwise(spans)
    )


HELD_AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def test_a_medical_plan_holds_the_ladder_until_its_end(world: World) -> None:
    family = world.family(grace())
    booking = booked(world, family)
    said = outcome(family, booking, Outcome.MEDICAL_PLAN, held_at=HELD_AT, until=date(2027, 1, 15))
    for _ in range(2):
        assert applied(world, family.case("w/6"), said) == date(2026, 11, 25)
    (exemption,) = world.rows(family, Exemption)
    assert (exemption.scope, exemption.starts_on, exemption.ends_on) == ("hold", date(2026, 11, 25), date(2027, 1, 15))
    (meeting,) = world.rows(family, Meeting)
    assert (meeting.status, meeting.outcome_code, meeting.held_at) == ("HELD", "MEDICAL_PLAN", HELD_AT)


@pytest.mark.parametrize(
    ("what", "more", "status", "task", "due"),
    [
        (Outcome.SUPPORT_PLAN, {"held_at": HELD_AT}, "HELD", "support_plan_follow_up", date(2026, 12, 18)),
        (Outcome.NO_SHOW, {"no_show": NoShow.FAMILY}, "NO_SHOW", "reschedule_or_escalate", date(2026, 11, 27)),
    ],
)
def test_an_outcome_opens_its_task_once(
    world: World, what: Outcome, more: dict[str, object], status: str, task: str, due: date
) -> None:
    family = world.family(grace())
    booking = booked(world, family)
    for _ in range(2):
        applied(world, family.case("w/6"), outcome(family, booking, what, **more))
    (opened,) = world.rows(family, Task, Task.kind != "write_plan")
    assert (opened.kind, opened.due_on) == (task, due)
    assert [row.status for row in world.rows(family, Meeting)] == [status]
    written = [(row.status, row.due_on) for row in world.rows(family, SupportPlan)]
    assert written == ([("DRAFT", date(2026, 11, 27))] if what is Outcome.SUPPORT_PLAN else [])


def test_a_meeting_put_off_before_it_was_held_gives_its_slot_back_and_tells_the_family(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace())
    booking = booked(world, family)
    invited(world, family, booking)
    before = len(smtp.messages())
    for _ in range(2):
        applied(world, family.case("w/6"), outcome(family, booking, Outcome.RESCHEDULE))
    assert [row.status for row in world.rows(family, Meeting)] == ["CANCELLED"]
    assert all(row.cancelled for row in world.rows(family, Booking))
    assert len(smtp.messages()) == before + 2


def test_a_no_show_stays_a_no_show_when_it_is_escalated_and_answers_its_task(world: World, smtp: MailServer) -> None:
    family = world.family(grace())
    booking = booked(world, family)
    applied(world, family.case("w/6"), outcome(family, booking, Outcome.NO_SHOW, no_show=NoShow.FAMILY))
    applied(world, family.case("w/7"), outcome(family, booking, Outcome.ESCALATE))
    (meeting,) = world.rows(family, Meeting)
    assert (meeting.status, meeting.outcome_code) == ("NO_SHOW", "ESCALATE")
    assert world.task_kinds(family) == []
    assert world.task_kinds(family, "DONE") == ["reschedule_or_escalate"]
    assert smtp.messages() == []
