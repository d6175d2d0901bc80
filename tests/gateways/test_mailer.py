"""Mail arrives whole, is the same on a retry, and a refusal is told apart from trouble."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Protocol

import pytest
from icalendar import Calendar

from gateways.calendar_invitation import Invitation, InvitationMethod, calendar_file
from gateways.mailer import SmtpAddress, SmtpMailer, compose
from gateways.ports import Attachment, MailDeferred, Mailer, MailOutcome, OutgoingMail
from rules.delivery.mail_text import letter_mail, message_id
from tests.gateways.fakes import FakeMailer
from tests.servers.kinds import MailServer

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
WORDS = letter_mail("Gaelscoil Átha Cliath", "Aoife Byrne", "+353 1 555 0134")
STARTS = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
INVITATION = Invitation(
    uid="abc@n.school.example",
    sequence=0,
    starts_at=STARTS,
    ends_at=STARTS + timedelta(minutes=30),
    school_name="Gaelscoil Átha Cliath",
    organizer_address="office@school.example",
    attendee_address="parent@home.example",
    stamp=datetime(2026, 11, 21, tzinfo=UTC),
)
MAIL = OutgoingMail(
    message_id=message_id("letter:1", "n.school.example"),
    sender_name="Gaelscoil Átha Cliath",
    sender_address="office@school.example",
    recipient="parent@home.example",
    subject=WORDS.subject,
    text=WORDS.text,
    html=WORDS.html,
    sent_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    reply_to="inbox@school.example",
    attachments=[Attachment("letter.pdf", PDF)],
    invitation=calendar_file(INVITATION),
)


class Scene(Protocol):
    mailer: Mailer

    def refuse(self, recipient: str, code: int) -> None: ...
    def arrived(self) -> list[bytes]: ...


class FakeScene:
    def __init__(self) -> None:
        self.fake = FakeMailer()
        self.mailer: Mailer = self.fake

    def refuse(self, recipient: str, code: int) -> None:
        self.fake.refusals[recipient] = code

    def arrived(self) -> list[bytes]:
        return self.fake.raw


class RealScene:
    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.mailer: Mailer = SmtpMailer(SmtpAddress(server.host, server.port))

    def refuse(self, recipient: str, code: int) -> None:
        self.server.refusals[recipient] = f"{code} no"

    def arrived(self) -> list[bytes]:
        return [caught.content for caught in self.server.messages()]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.servers)])
def scene(request: pytest.FixtureRequest) -> Scene:
    return FakeScene() if request.param == "fake" else RealScene(request.getfixturevalue("smtp"))


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, media_type: str) -> EmailMessage:
    found = [p for p in message.walk() if p.get_content_type() == media_type]
    assert len(found) == 1
    only = found[0]
    assert isinstance(only, EmailMessage)
    return only


def test_a_mail_arrives_whole(scene: Scene) -> None:
    receipt = asyncio.run(scene.mailer.send(MAIL))
    assert (receipt.outcome, receipt.message_id) == (MailOutcome.ACCEPTED, MAIL.message_id)
    message = parsed(scene.arrived()[0])
    assert message["Message-ID"] == MAIL.message_id
    assert message["Subject"] == "Gaelscoil Átha Cliath: a message about school for you"
    assert message["From"].addresses[0].display_name == "Gaelscoil Átha Cliath"
    assert (message["To"], message["Reply-To"]) == ("parent@home.example", "inbox@school.example")
    attached = part(message, "application/pdf")
    assert attached.get_payload(decode=True) == PDF
    assert attached.get_filename() == "letter.pdf"
    assert "ring Aoife Byrne" in part(message, "text/plain").get_content()
    assert "ring Aoife Byrne" in part(message, "text/html").get_content()


def test_an_invitation_arrives_as_one_calendars_can_read(scene: Scene) -> None:
    asyncio.run(scene.mailer.send(MAIL))
    calendar_part = part(parsed(scene.arrived()[0]), "text/calendar")
    assert calendar_part["Content-Type"].params["method"] == "REQUEST"
    assert Calendar.from_ical(calendar_part.get_content())["METHOD"] == "REQUEST"


def test_a_retry_sends_the_same_bytes(scene: Scene) -> None:
    asyncio.run(scene.mailer.send(MAIL))
    asyncio.run(scene.mailer.send(MAIL))
    first, second = scene.arrived()
    assert first == second


def test_a_refused_address_is_an_answer(scene: Scene) -> None:
    scene.refuse(MAIL.recipient, 550)
    receipt = asyncio.run(scene.mailer.send(MAIL))
    assert (receipt.outcome, receipt.code) == (MailOutcome.REFUSED, 550)
    assert scene.arrived() == []


def test_a_server_that_asks_to_wait_is_trouble_to_be_tried_again(scene: Scene) -> None:
    scene.refuse(MAIL.recipient, 451)
    with pytest.raises(MailDeferred) as caught:
        asyncio.run(scene.mailer.send(MAIL))
    assert caught.value.code == 451
    assert MAIL.recipient not in str(caught.value)


def test_no_connection_is_trouble_to_be_tried_again() -> None:
    with pytest.raises(MailDeferred) as caught:
        asyncio.run(SmtpMailer(SmtpAddress("127.0.0.1", 1)).send(MAIL))
    assert caught.value.code == 0


@pytest.mark.servers
def test_login_and_encryption_are_used_where_asked_for(smtp_server: Callable[..., MailServer]) -> None:
    server = smtp_server(login=("school", "open sesame"), tls=True)
    address = SmtpAddress(
        server.host, server.port, "school", "open sesame", starttls=True, certificate_file=server.certificate
    )
    assert asyncio.run(SmtpMailer(address).send(MAIL)).outcome is MailOutcome.ACCEPTED
    with pytest.raises(MailDeferred):
        asyncio.run(SmtpMailer(replace(address, password="wrong")).send(MAIL))
    with pytest.raises(MailDeferred):
        asyncio.run(SmtpMailer(replace(address, certificate_file=None)).send(MAIL))
    assert "sesame" not in repr(address)


def test_a_mail_without_extras_is_text_and_html() -> None:
    message = parsed(compose(replace(MAIL, reply_to="", attachments=(), invitation=None)))
    assert [p.get_content_type() for p in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_mail_about_a_cancelled_meeting_says_cancel() -> None:
    cancelled = calendar_file(replace(INVITATION, method=InvitationMethod.CANCEL, sequence=1))
    calendar_part = part(parsed(compose(replace(MAIL, invitation=cancelled))), "text/calendar")
    assert calendar_part["Content-Type"].params["method"] == "CANCEL"


def test_a_header_cannot_be_smuggled_in() -> None:
    with pytest.raises(ValueError, match=r"linefeed|carriage"):
        compose(replace(MAIL, subject="Hello\nBcc: other@home.example"))
