"""Incidents: something about a child reached the wrong person; what is done at once, and until when."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

REGULATOR_WITHIN: Final = timedelta(hours=72)  # GDPR and UK GDPR Art. 33(1), counted from becoming aware


class IncidentKind(StrEnum):
    """What went wrong."""

    WRONG_PERSON = "WRONG_PERSON"
    WRONG_CONTENT = "WRONG_CONTENT"
    LOST = "LOST"
    SEEN_BY_OTHERS = "SEEN_BY_OTHERS"


class RegulatorDecision(StrEnum):
    """Whether the regulator was told; only a person decides it."""

    TOLD = "TOLD"
    NOT_NEEDED = "NOT_NEEDED"


def clock_ends(noticed_at: datetime) -> datetime:
    """Until when the regulator must have been told, if it must be told."""
    return noticed_at + REGULATOR_WITHIN


RECALL_TEXT: Final = """\
{school_name}

On {sent_on} something reached you that was not meant for you. That was our mistake, and we are sorry.

Please do not read it, copy it, or pass it on. If it came on paper, put it back into its envelope: we will collect it,
or you can hand it in at the school. If it came by e-mail, please delete it, also from the deleted items.

Please tell us that you have done so: {contact_name}, {contact_phone}. You need not do anything else.
"""


def recall_text(*, school_name: str, sent_on: date, contact_name: str, contact_phone: str) -> str:
    """A letter to whoever got it: says nothing of the child, the family, or what the thing was about."""
    return RECALL_TEXT.format(
        school_name=school_name,
        sent_on=f"{sent_on.day} {sent_on:%B %Y}",
        contact_name=contact_name,
        contact_phone=contact_phone,
    )
