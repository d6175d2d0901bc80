"""A calendar file is for one person and says nothing about why."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from icalendar import Calendar

from gateways.calendar_invitation import Invitation, InvitationMethod, calendar_file
from rules.errors import Invalid

INVITATION = Invitation(
    uid="abc@n.school.example",
    sequence=2,
    starts_at=datetime(2026, 12, 1, 14, 30, tzinfo=UTC),
    ends_at=datetime(2026, 12, 1, 15, 0, tzinfo=UTC),
    school_name="Scoil Bhríde",
    organizer_address="office@school.example",
    attendee_address="parent@home.example",
    stamp=datetime(2026, 11, 21, tzinfo=UTC),
)


def test_an_invitation_holds_time_place_and_one_attendee() -> None:
    calendar = Calendar.from_ical(calendar_file(INVITATION))
    (event,) = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["UID"], event["SEQUENCE"], event["STATUS"]) == (
        "REQUEST",
        "abc@n.school.example",
        2,
        "CONFIRMED",
    )
    assert event.decoded("DTSTART") == INVITATION.starts_at
    assert event.decoded("DTEND") == INVITATION.ends_at
    assert str(event["ATTENDEE"]) == "mailto:parent@home.example"
    assert (event["SUMMARY"], event["LOCATION"]) == ("Scoil Bhríde: meeting at school", "Scoil Bhríde")


def test_a_cancelled_meeting_keeps_its_uid() -> None:
    cancelled = replace(INVITATION, method=InvitationMethod.CANCEL, sequence=3)
    calendar = Calendar.from_ical(calendar_file(cancelled))
    (event,) = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["UID"], event["STATUS"]) == ("CANCEL", "abc@n.school.example", "CANCELLED")


def test_the_same_invitation_is_the_same_bytes() -> None:
    assert calendar_file(INVITATION) == calendar_file(replace(INVITATION))


@pytest.mark.parametrize("summary", ["Attendance meeting", "Meeting about {student_name}", "Tier 2 review"])
def test_a_summary_that_says_why_is_refused(summary: str) -> None:
    with pytest.raises(Invalid, match="lock screen"):
        calendar_file(replace(INVITATION, summary=summary))
