"""Mail by SMTP: the same mail gives the same bytes, a refusal is an answer, trouble is raised."""

from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path

import aiosmtplib

from gateways.ports import MailDeferred, MailOutcome, MailReceipt, OutgoingMail

PERMANENT = 500


@dataclass(frozen=True)
class SmtpAddress:
    """The mail server. `starttls` None uses it where offered; `certificate_file` is trusted besides the system's."""

    host: str
    port: int = 25
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    starttls: bool | None = None
    certificate_file: Path | None = None
    timeout_seconds: float = 30


class SmtpMailer:
    """One connection per mail: letters are few, and a connection kept open is one more thing that dies unseen."""

    def __init__(self, address: SmtpAddress) -> None:
        self._address = address

    async def send(self, mail: OutgoingMail) -> MailReceipt:
        """Hand the mail over. MailDeferred: send the same one again; its Message-ID lets the receiver see one mail."""
        client = self._client()
        try:
            await client.connect()
            _, answer = await client.sendmail(mail.sender_address, [mail.recipient], compose(mail))
            with suppress(aiosmtplib.SMTPException, OSError):  # the mail is theirs already
                await client.quit()
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            return _refused(mail, refusal.recipients[0])
        except aiosmtplib.SMTPDataError as refusal:
            return _refused(mail, refusal)
        except aiosmtplib.SMTPResponseException as refusal:  # greeting, login, sender: ours to mend
            raise MailDeferred(refusal.code) from None
        except (aiosmtplib.SMTPException, OSError) as trouble:
            raise MailDeferred(0) from trouble
        finally:
            client.close()
        return MailReceipt(MailOutcome.ACCEPTED, mail.message_id, 250, answer)

    def _client(self) -> aiosmtplib.SMTP:
        at = self._address
        return aiosmtplib.SMTP(
            hostname=at.host,
            port=at.port,
            username=at.username or None,
            password=at.password or None,
            use_tls=at.tls,
            start_tls=False if at.tls else at.starttls,
            cert_bundle=str(at.certificate_file) if at.certificate_file else None,
            timeout=at.timeout_seconds,
        )


def _refused(mail: OutgoingMail, refusal: aiosmtplib.SMTPResponseException) -> MailReceipt:
    """Decide by the answer's class. The server's own words repeat the address, so they go into no error."""
    if refusal.code < PERMANENT:
        raise MailDeferred(refusal.code) from None
    return MailReceipt(MailOutcome.REFUSED, mail.message_id, refusal.code, refusal.message)


def compose(mail: OutgoingMail) -> bytes:
    """The mail as it is sent: headers, text and HTML, the invitation beside them, attachments after."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(display_name=mail.sender_name, addr_spec=mail.sender_address)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.sent_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    if mail.reply_to:
        message["Reply-To"] = Address(addr_spec=mail.reply_to)
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    if mail.invitation is not None:
        method = "CANCEL" if b"METHOD:CANCEL" in mail.invitation else "REQUEST"
        message.add_alternative(mail.invitation.decode(), subtype="calendar", params={"method": method})
    for attachment in mail.attachments:
        kind, _, subtype = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=attachment.filename)
    _fix_boundaries(message, mail.message_id)
    return message.as_bytes()


def _fix_boundaries(message: EmailMessage, message_id: str) -> None:
    """Derive the parts' boundaries from the Message-ID: left alone they are random, and a retry differs."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(sha256(f"{message_id}:{number}".encode()).hexdigest()[:40])
