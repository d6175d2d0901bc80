"""What a mail says around its letter: neutral, because the first line shows on a lock screen too."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape

from rules.delivery.lock_screen import DEFAULT_SUBJECT, fill_line

ATTACHMENT_NAME = "letter.pdf"
LINES = (
    "There is a letter for you from {school_name}. It is attached to this message.",
    "If you would like to talk, please ring {contact_name} on {contact_phone}.",
    "If this message is not for you, please tell us and delete it.",
)


@dataclass(frozen=True)
class MailText:
    """Subject, text and HTML of one mail, the same words in both."""

    subject: str
    text: str
    html: str


def letter_mail(school_name: str, contact_name: str, contact_phone: str, *, subject: str = DEFAULT_SUBJECT) -> MailText:
    """The mail that carries one letter; everything personal is inside the attachment."""
    values = {"school_name": school_name, "contact_name": contact_name, "contact_phone": contact_phone}
    return _mail([line.format(**values) for line in LINES], fill_line(subject, values))


def _mail(lines: Sequence[str], subject: str) -> MailText:
    paragraphs = "\n".join(f"<p>{escape(line)}</p>" for line in lines)
    html = f'<html lang="en"><head><meta charset="utf-8"></head><body>\n{paragraphs}\n</body></html>\n'
    return MailText(subject, "\n\n".join(lines) + "\n", html)


CODE_LINES = (
    "The code for the message from {school_name} is {code}. It can be used for ten minutes.",
    "Nobody from the school will ask you for it. If you did not ask for a code, please ring {phone}.",
)


def code_mail(school_name: str, code: str, phone: str) -> MailText:
    """The mail with the code of a link; its subject says no more than any other mail's."""
    values = {"school_name": school_name, "code": code, "phone": phone or "the school"}
    return _mail([line.format(**values) for line in CODE_LINES], fill_line(DEFAULT_SUBJECT, values))


def message_id(effect_key: str, domain: str) -> str:
    """The Message-ID of one effect: a retry sends the same, so that the receiver sees one mail; it tells nothing."""
    return f"<{sha256(effect_key.encode()).hexdigest()[:40]}@{domain}>"


def invitation_uid(meeting_id: object, attendee_id: object, domain: str) -> str:
    """One calendar entry per attendee, the same through every change; neither sees the other's."""
    return f"{sha256(f'{meeting_id}:{attendee_id}'.encode()).hexdigest()[:40]}@{domain}"
