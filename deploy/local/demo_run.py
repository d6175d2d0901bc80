"""One morning of the demo through the API alone: read the queue, approve letters, wait, check every byte that left."""

import hashlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PAGE: Final = 100
POLL: Final = 0.5
PATIENCE: Final = 120.0
LETTER: Final = "letter-1"
SENT, TO_POST, NOT_DELIVERED = "LETTER_SENT", "LETTER_TO_POST", "LETTER_NOT_DELIVERED"
ANSWERED: Final = frozenset({SENT, TO_POST, NOT_DELIVERED})


class DemoShort(Exception):
    """Something of the morning is missing; the message says what, and where to look."""


@dataclass(frozen=True)
class Api:
    """The HTTP API as one member of staff."""

    base: str
    token: str

    def get(self, path: str) -> bytes:
        """The body of an answer; DemoShort with the problem's words otherwise."""
        return self._ask(self._request(path, None, self._headers()))

    def read(self, path: str) -> Any:
        return json.loads(self.get(path))

    def all(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            more = f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""
            page = self.read(f"{path}{'&' if '?' in path else '?'}limit={PAGE}{more}")
            yield from page["items"]
            cursor = page["next_cursor"]

    def post(self, path: str, body: Mapping[str, Any], key: str) -> Any:
        """A decision; the key makes a repeat the same decision."""
        headers = {**self._headers(), "Idempotency-Key": key, "Content-Type": "application/json"}
        data = json.dumps(body).encode()
        return json.loads(self._ask(self._request(path, data, headers)))

    def _request(self, path: str, data: bytes | None, headers: Mapping[str, str]) -> urllib.request.Request:
        where = f"{self.base}/api/v1{path}"
        return urllib.request.Request(where, data, dict(headers))  # noqa: S310 - our own loopback address

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _ask(self, request: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own loopback address
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as refusal:
            said = refusal.read().decode(errors="replace")
            raise DemoShort(f"{request.get_method()} {request.full_url} answered {refusal.code}: {said}") from None
        except OSError as away:
            raise DemoShort(f"{request.full_url} did not answer: {away}") from None


@dataclass(frozen=True)
class Approved:
    """A step that was approved: whose school, why, and how many guardians get a letter by which way."""

    instance_id: str
    school: str
    reason: str
    make_up: str
    guardians: int


@dataclass(frozen=True)
class Letter:
    """A stored letter, downloaded and checked."""

    artifact_id: str
    school: str
    sha256: str
    pages: int
    size_bytes: int
    way: str
    verified: bool


@dataclass(frozen=True)
class Mail:
    """A caught mail; `sha256` is that of the file attached."""

    recipient: str
    subject: str
    sha256: str


@dataclass(frozen=True)
class Morning:
    """What happened."""

    students: int
    queue: Sequence[Mapping[str, Any]]
    approved: Sequence[Approved]
    letters: Sequence[Letter]
    mails: Sequence[Mail]

    def line(self) -> dict[str, Any]:
        """The account for machines."""
        return {
            "students": self.students,
            "proposals": len(self.queue),
            "approved": len(self.approved),
            "letters": len(self.letters),
            "mails": len(self.mails),
            "to_post": sum(letter.way == TO_POST for letter in self.letters),
            "sha256_verified": all(letter.verified for letter in self.letters),
        }

    def shortfall(self) -> str | None:
        """What is missing, if anything is."""
        by_mail = sorted(letter.sha256 for letter in self.letters if letter.way == SENT)
        if not self.letters or len(self.letters) != sum(step.guardians for step in self.approved):
            return f"{len(self.letters)} letters for {sum(step.guardians for step in self.approved)} guardians"
        if wrong := [letter.artifact_id for letter in self.letters if not letter.verified]:
            return f"the SHA-256 of {', '.join(wrong)} is not the recorded one"
        if by_mail != sorted(mail.sha256 for mail in self.mails):
            return f"{len(by_mail)} letters left by e-mail, but {len(self.mails)} mails with other files were caught"
        if not by_mail:
            return "no letter left by e-mail"
        return None


def spend_morning(officer: Api, district: Api, mail_url: str, *, approve: int, tell: Callable[[str], None]) -> Morning:
    """Approve some letters as the officer and follow each until it left; `district` may count what is everywhere."""
    students = sum(1 for _ in district.all("/students"))
    queue = list(district.all("/interventions/queue"))
    tell(f"{students} students, {len(queue)} steps wait for a person")
    steps = [step for step in officer.all(f"/interventions/queue?stage_key={LETTER}") if _plain(step)][:approve]
    if not steps:
        raise DemoShort("No letter waits in the queue: the evaluation found nobody; see log/worker.log.")
    approved = [_approve(officer, step) for step in steps]
    tell(f"{len(approved)} letters approved by an attendance officer; waiting until they have left")
    letters = [letter for step in approved for letter in _letters(officer, step)]
    return Morning(students, queue, approved, letters, _mails(mail_url))


def _plain(step: Mapping[str, Any]) -> bool:
    """A step one person may approve without a second look, with somebody to write to."""
    return not step["second_look"] and not step["held"] and bool(step["recipients"])


def _approve(officer: Api, step: Mapping[str, Any]) -> Approved:
    path = f"/interventions/instances/{step['instance_id']}/approve"
    officer.post(path, {"proposal_id": step["proposal_id"]}, f"demo-once-{step['proposal_id']}")
    return Approved(
        step["instance_id"], step["school_name"], step["reason"], step["make_up"] or "", len(step["recipients"])
    )


def _letters(officer: Api, step: Approved) -> Iterator[Letter]:
    ways = _answered(officer, step)
    for row in officer.all(f"/letters/artifacts?instance_id={step.instance_id}"):
        found = hashlib.sha256(officer.get(f"/letters/artifacts/{row['id']}")).hexdigest()
        checked = officer.read(f"/letters/artifacts/{row['id']}/verification")
        verified = found == row["sha256"] and checked["verified"]
        way = ways.get(row["id"], NOT_DELIVERED)
        yield Letter(row["id"], step.school, row["sha256"], row["pages"], row["size_bytes"], way, verified)


def _answered(officer: Api, step: Approved) -> dict[str, str]:
    """Which way each letter went, once every guardian's has an answer."""
    end = time.monotonic() + PATIENCE
    while True:
        events = list(officer.all(f"/interventions/instances/{step.instance_id}/timeline"))
        ways = {event["data"]["artifact_id"]: event["type"] for event in events if event["type"] in ANSWERED}
        if len(ways) >= step.guardians:
            return ways
        if time.monotonic() > end:
            seen = ", ".join(event["type"] for event in events)
            raise DemoShort(f"Instance {step.instance_id} did not write to every guardian. It went: {seen}.")
        time.sleep(POLL)


def _mails(mail_url: str) -> list[Mail]:
    with urllib.request.urlopen(f"{mail_url}/messages", timeout=30) as answer:  # noqa: S310 - our own loopback address
        caught = json.loads(answer.read())
    found = []
    for mail in caught:
        where = f"{mail_url}/messages/{mail['id']}/attachments/0"
        with urllib.request.urlopen(where, timeout=30) as answer:  # noqa: S310 - our own loopback address
            found.append(Mail(mail["envelope_to"], mail["subject"], hashlib.sha256(answer.read()).hexdigest()))
    return found
