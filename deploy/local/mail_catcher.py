"""Catches every mail of the demo instead of delivering it, and shows them on a small loopback page.

Run as `python -m deploy.local.mail_catcher SMTP_PORT WEB_PORT FOLDER`; each mail is one .eml file of the folder.
"""

import http.server
import json
import signal
import sys
import time
import uuid
from email import message_from_bytes, policy
from email.message import EmailMessage
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from jinja2 import Environment, FileSystemLoader

PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True)
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
# What a mail brings along may neither run nor call home.
LOCKED_DOWN = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"


class MailFolder:
    """The caught mails, newest first; the name of a file begins with the nanosecond of its arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail; answered only after it is whole on disk."""
        content = envelope.original_content or b""
        recipients = ", ".join(envelope.rcpt_tos).encode()
        name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
        part = self._folder / f"{name}.part"
        part.write_bytes(b"X-Envelope-To: " + recipients + b"\r\n" + content)
        part.rename(self._folder / f"{name}.eml")
        return "250 OK"

    def names(self) -> list[str]:
        return sorted((place.stem for place in self._folder.glob("*.eml")), reverse=True)

    def raw(self, name: str) -> bytes | None:
        return (self._folder / f"{name}.eml").read_bytes() if name in self.names() else None

    def mail(self, name: str) -> EmailMessage | None:
        raw = self.raw(name)
        parsed = None if raw is None else message_from_bytes(raw, policy=policy.default)
        return parsed if isinstance(parsed, EmailMessage) else None


def summary(name: str, mail: EmailMessage) -> dict[str, object]:
    """Headers and attachments of one mail, as the list and GET /messages show them."""
    return {
        "id": name,
        "message_id": str(mail["Message-ID"] or ""),
        "envelope_to": str(mail["X-Envelope-To"] or ""),
        "from": str(mail["From"] or ""),
        "to": str(mail["To"] or ""),
        "subject": str(mail["Subject"] or "(no subject)"),
        "date": str(mail["Date"] or ""),
        "attachments": [part.get_filename() or "attachment" for part in mail.iter_attachments()],
    }


class Answer(NamedTuple):
    """One HTTP answer."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    policy: str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'"


MISSING = Answer(b"no such page", "text/plain", HTTPStatus.NOT_FOUND)


class MailPages(http.server.ThreadingHTTPServer):
    """The pages over one folder."""

    daemon_threads = True

    def __init__(self, port: int, folder: MailFolder) -> None:
        super().__init__(("127.0.0.1", port), _Request)
        self.folder = folder

    def answer(self, path: str) -> Answer:
        match path.strip("/").split("/"):
            case [""]:
                return Answer(PAGES.get_template("mails.html").render(mails=self._summaries()).encode())
            case ["messages"]:
                return Answer(json.dumps(self._summaries()).encode(), "application/json")
            case ["messages", name, *rest]:
                mail = self.folder.mail(name)
                return MISSING if mail is None else self._part(name, mail, rest)
        return MISSING

    def _summaries(self) -> list[dict[str, object]]:
        found = ((name, self.folder.mail(name)) for name in self.folder.names())
        return [summary(name, mail) for name, mail in found if mail is not None]

    def _part(self, name: str, mail: EmailMessage, rest: list[str]) -> Answer:
        body = mail.get_body(("plain",))
        rich = mail.get_body(("html",))
        match rest:
            case []:
                text = body.get_content() if body else ""
                page = PAGES.get_template("mail.html").render(
                    mail=summary(name, mail), text=text, rich=rich is not None
                )
                return Answer(page.encode())
            case ["raw"]:
                return Answer(self.folder.raw(name) or b"", "text/plain; charset=utf-8", policy=LOCKED_DOWN)
            case ["html"] if rich is not None:
                return Answer(rich.get_content().encode(), policy=LOCKED_DOWN)
            case ["attachments", number] if number.isdigit():
                return _attachment(mail, int(number))
        return MISSING


def _attachment(mail: EmailMessage, number: int) -> Answer:
    parts = list(mail.iter_attachments())
    if number >= len(parts):
        return MISSING
    content = parts[number].get_payload(decode=True)
    # A PDF opens in the browser's own viewer, which a sandbox would keep blank; anything else is inert bytes.
    pdf = parts[number].get_content_type() == "application/pdf"
    kind = "application/pdf" if pdf else "application/octet-stream"
    return Answer(
        content if isinstance(content, bytes) else b"", kind, policy="default-src 'none'" if pdf else LOCKED_DOWN
    )


class _Request(http.server.BaseHTTPRequestHandler):
    server: MailPages

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the letters in here are personal."""

    def do_GET(self) -> None:
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        # A page elsewhere whose name resolves to loopback must not read these mails.
        found = self.server.answer(self.path.partition("?")[0]) if host in LOOPBACK else MISSING
        self.send_response(found.status)
        self.send_header("Content-Type", found.kind)
        self.send_header("Content-Length", str(len(found.body)))
        self.send_header("Content-Security-Policy", found.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(found.body)


def main() -> None:
    smtp_port, web_port, folder = int(sys.argv[1]), int(sys.argv[2]), MailFolder(Path(sys.argv[3]))
    catcher = Controller(folder, hostname="127.0.0.1", port=smtp_port, data_size_limit=64 << 20)
    catcher.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        MailPages(web_port, folder).serve_forever()
    finally:
        catcher.stop()


if __name__ == "__main__":
    main()
