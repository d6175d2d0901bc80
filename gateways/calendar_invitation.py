"""Calendar files: one attendee each, a neutral summary, the same UID through every change."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from icalendar import Calendar, Event, vCalAddress, vText

from rules.delivery.lock_screen import MEETING_SUMMARY, fill_line


class InvitationMethod(StrEnum):
    """What the file asks of the calendar that receives it."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class Invitation:
    """One meeting as one attendee sees it. Moving or cancelling it: the same `uid`, `sequence` one higher."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    school_name: str
    organizer_address: str
    attendee_address: str
    stamp: datetime
    method: InvitationMethod = InvitationMethod.REQUEST
    summary: str = MEETING_SUMMARY


def calendar_file(invitation: Invitation) -> bytes:
    """The `.ics`, the same bytes for the same invitation; the school is the place, its name the only one in it."""
    organizer = vCalAddress(f"mailto:{invitation.organizer_address}")
    organizer.params["CN"] = vText(invitation.school_name)
    attendee = vCalAddress(f"mailto:{invitation.attendee_address}")
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
    attendee.params["RSVP"] = vText("TRUE")
    cancelled = invitation.method is InvitationMethod.CANCEL
    event = Event()
    event.add("uid", invitation.uid)
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", invitation.stamp.astimezone(UTC))
    event.add("dtstart", invitation.starts_at.astimezone(UTC))
    event.add("dtend", invitation.ends_at.astimezone(UTC))
    event.add("summary", fill_line(invitation.summary, {"school_name": invitation.school_name}))
    event.add("location", invitation.school_name)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("organizer", organizer)
    event.add("attendee", attendee)
    calendar = Calendar()
    calendar.add("prodid", "-//Handrail//Meetings//EN")
    calendar.add("version", "2.0")
    calendar.add("method", invitation.method.value)
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
