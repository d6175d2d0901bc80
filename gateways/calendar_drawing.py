"""A calendar file drawn by icalendar; `calendar_invitation` loads this when it is needed."""

from datetime import UTC

from icalendar import Calendar, Event, vCalAddress, vText

from gateways.calendar_invitation import Invitation, InvitationMethod
from rules.delivery.lock_screen import fill_line


def drawn(invitation: Invitation) -> bytes:
    """The file's bytes; raises what `fill_line` raises for a summary that names anything else."""
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
