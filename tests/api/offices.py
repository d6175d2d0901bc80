"""An office that leads guardians to letters: mail and a store, and a letter about Sam to each of his parents."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import update

from models.attendance import Enrolment
from models.evidence_packs import EvidencePack
from models.guardians import Guardian, GuardianLink
from models.instances import CaseFile
from models.students import Student
from services import artifacts
from services.artifacts import Paper, Shelved
from services.context import system
from services.means import Means
from services.student_keys import data_key
from tests.api.browser import HOME, Browser
from tests.api.district import NOW, District
from tests.servers.kinds import Caught, MailServer

LETTER = b"%PDF-1.4 Dear Grace Green, Sam was away."
HIS = b"%PDF-1.4 Dear Henry Canarytwo, Sam was away."
NOBODY = UUID(int=0)


def words(mail: Caught) -> str:
    """The text of a mail."""
    part = mail.message.get_body(("plain",))
    assert part
    return str(part.get_content())


@dataclass
class Office:
    """The district with mail and a store; Grace and Henry, separated, and a letter about Sam to each of them."""

    district: District
    mail: MailServer
    means: Means
    now: datetime = NOW
    browsers: int = 0
    sam: UUID = NOBODY
    grace: UUID = NOBODY
    henry: UUID = NOBODY
    letter: UUID = NOBODY
    his: UUID = NOBODY

    def browser(self) -> Browser:
        """A window at an address of its own, so that nobody counts against another's limit."""
        self.browsers += 1
        return Browser(self.district, address=f"10.9.0.{self.browsers}")

    def made(self, person: str = "attendance_officer", **more: Any) -> httpx.Response:
        body = {"kind": "LETTER", "thing_id": str(self.letter), "days": 7} | more
        return self.district.post(f"/guardians/{self.grace}/links", person, json=body)

    def path(self, **more: Any) -> str:
        """A new link as its guardian opens it."""
        answer = self.made(**more)
        assert answer.status_code == 201, answer.text
        address: str = answer.json()["address"]
        assert address.startswith(f"{HOME}/g/")
        return address.removeprefix(HOME)

    def code(self, browser: Browser, path: str) -> str:
        """Ask for a code and read it in the mail."""
        answer = browser.post(f"{path}/code", data={"channel": "EMAIL"})
        assert answer.status_code == 200, answer.text
        found = re.search(r"is (\d{6})\.", words(self.mail.messages()[-1]))
        assert found
        return found[1]

    def opened(self, browser: Browser, path: str) -> None:
        answer = browser.post(f"{path}/open", data={"code": self.code(browser, path)})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}/item"), answer.text

    def change(self, statement: Any) -> None:
        async def write() -> None:
            async with self.district.sessions.tenant(self.district.ours.id) as session:
                await session.execute(statement)

        self.district.run(write())

    def link(self, **values: Any) -> None:
        """Change what Grace may know of Sam."""
        mine = (GuardianLink.guardian_id == self.grace, GuardianLink.student_id == self.sam)
        self.change(update(GuardianLink).where(*mine).values(**values))

    def only(self, browser: Browser, path: str) -> tuple[int, str]:
        """What a link answers, the request's own number apart."""
        answer = browser.get(path)
        return answer.status_code, re.sub(r"Request [\w-]+", "", answer.text)


async def family(office: Office) -> None:
    district, name = office.district, uuid4().hex
    async with district.sessions.tenant(district.ours.id) as session:
        sam = Student(source_id=name, first_name="Sam", last_name="Green")
        grace = Guardian(source_id=f"grace-{name}", name="Grace Green", email=f"grace-{name}@example.org")
        henry = Guardian(source_id=f"henry-{name}", name="Henry Canarytwo", email=f"henry-{name}@example.org")
        session.add_all([sam, grace, henry])
        await session.flush()
        for adult in (grace, henry):
            session.add(GuardianLink(student_id=sam.id, guardian_id=adult.id, may_use_portal=True))
        oak = district.ours.schools["oak"]
        session.add(Enrolment(student_id=sam.id, school_id=oak, start_date=district.ours.enrolled_on))
        office.sam, office.grace, office.henry = sam.id, grace.id, henry.id
    office.letter = await letter(office, office.grace, LETTER)
    office.his = await letter(office, office.henry, HIS)


async def shelved_as(office: Office, content: bytes) -> Shelved:
    means, tenant_id = office.means, office.district.ours.id
    async with means.sessions.tenant(tenant_id) as session:
        key = await data_key(session, means.keyring, tenant_id, office.sam, "letters")
    return await artifacts.shelve(means, tenant_id, key, Paper(uuid4(), 2026, content, 1, "test"), now=NOW)


async def letter(office: Office, guardian_id: UUID, content: bytes) -> UUID:
    shelved, ours = await shelved_as(office, content), office.district.ours
    facts = {
        "student_id": office.sam,
        "school_id": ours.schools["oak"],
        "guardian_id": guardian_id,
        "language": "en",
        "effect_key": str(uuid4()),
    }
    async with office.means.sessions.tenant(ours.id) as session:
        actor = system(ours.id, "cli", "pointers")  # type: ignore[arg-type]  # ids of rows are plain UUIDs
        return (await artifacts.enter(session, actor, shelved, facts, now=NOW)).id


async def a_copy(office: Office) -> UUID:
    """A released copy of the record for Grace; its pages are her letter."""
    shelved, ours = await shelved_as(office, LETTER), office.district.ours
    async with office.means.sessions.tenant(ours.id) as session:
        case = CaseFile(student_id=office.sam, school_id=ours.schools["oak"])
        session.add(case)
        await session.flush()
        pack = EvidencePack(
            id=shelved.artifact_id,
            student_id=office.sam,
            school_id=ours.schools["oak"],
            case_id=case.id,
            kind="FAMILY_COPY",
            guardian_id=office.grace,
            status="RELEASED",
            key_id=shelved.key_id,
            storage_path=shelved.path,
            sha256=shelved.sha256,
            stored_sha256=shelved.stored_sha256,
            size_bytes=shelved.size_bytes,
            pages=1,
            engine="test",
            prepared_at=NOW,
            released_at=NOW,
            expires_at=NOW + timedelta(days=90),
        )
        session.add(pack)
    return shelved.artifact_id
