"""Calendar files: one attendee each, a neutral summary, the same UID through every change."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import import_module

from rules.delivery.lock_screen import MEETING_SUMMARY


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
    """The `.ics`, the same bytes for the same invitation; the school is the place, its name the only one in it.

    Its library is loaded with the first one: a process that invites nobody does without.
    """
    content: bytes = import_module("gateways.calendar_drawing").drawn(invitation)
    return content
