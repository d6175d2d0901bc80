"""A school whose rule set asks for duties, and what is read of them: what the duty tests share."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from models.delivery import Message
from models.duties import Duty
from models.evidence_packs import EvidencePack
from models.guardians import Guardian
from models.instances import Event, Task
from models.letters import LetterArtifact
from models.people import Person
from models.reliability import Outbox
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Session, Sessions
from rules.ids import PersonId
from rules.rulesets.ruleset import digest, dump_ruleset, parse_ruleset
from services.context import Actor
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write
from tests.services.test_nightly import marks

DAYS = school_days(date(2026, 9, 1), 12)
THREE_DAYS = {"type": "AbsenceCountThreshold", "params": {"count": 3, "window": "YTD"}}
NEVER = {"type": "AbsenceCountThreshold", "params": {"count": 90, "window": "YTD"}}
REPORT = {"key": "report", "when": THREE_DAYS, "effect": "REPORT", "cite": "s.1(1)"}
SOON = {"n": 3, "unit": "school_day", "from": "trip"}
REMOVAL = {"key": "removal", "on_event": "removed_from_register", "effect": "TASK", "cite": "s.1(2)"}
OPINION = {"key": "opinion", "on_event": "principal_opinion_irregular", "effect": "BLOCK", "cite": "s.1(3)"}
ALL = [{**one, "deadline": SOON} for one in (REPORT, REMOVAL, OPINION)]
Story = Callable[[], Coroutine[Any, Any, None]]


async def activate(sessions: Sessions, actor: Actor, owed: list[dict[str, Any]], **more: Any) -> None:
    """An active version that starts no case and asks for these duties."""
    stages = [{"key": "contact", "type": "CONTACT"}]
    document = {"key": "law", "title": "Law", "entry": NEVER, "stages": stages, "duties": owed, **more}
    ruleset = parse_ruleset(document)
    async with sessions.tenant(actor.tenant_id) as session:
        row = RuleSet(key="law", title="Law")
        session.add(row)
        await session.flush()
        version = {"rule_set_id": row.id, "version": 1, "status": "ACTIVE", "digest": digest(ruleset)}
        at = datetime.combine(DAYS[0], datetime.min.time(), UTC)
        session.add(RuleSetVersion(**version, content=dump_ruleset(ruleset), activated_at=at))


async def a_school(sessions: Sessions, folder: Path, codes: str, *, ends: object = "", **more: Any) -> Actor:
    """One student with a code a day, and a person who acts."""
    actor = await a_tenant(sessions)
    tables = {"schools": [school()], "calendar": calendar(DAYS), "marks": marks(codes)}
    write(folder, **tables, enrolments=[["a", "S", DAYS[0], ends, ""]])
    await take_in(sessions, actor, folder)
    await activate(sessions, actor, ALL, **more)
    async with sessions.tenant(actor.tenant_id) as session:
        leader = Person(subject="leader", display_name="Lee Leader")
        session.add(leader)
    return replace(actor, person_id=PersonId(leader.id), role="school_leader", source="api")


async def rows(sessions: Sessions, actor: Actor) -> list[Duty]:
    async with sessions.tenant(actor.tenant_id) as session:
        return list(await session.scalars(select(Duty).order_by(Duty.opened_at, Duty.id)))


async def the_duty(sessions: Sessions, actor: Actor) -> Duty:
    (row,) = await rows(sessions, actor)
    return row


async def open_tasks(sessions: Sessions, actor: Actor) -> list[tuple[str, str | None]]:
    async with sessions.tenant(actor.tenant_id) as session:
        wanted = select(Task.kind, Task.role).where(Task.status == "OPEN").order_by(Task.id)
        return [(kind, role) for kind, role in await session.execute(wanted)]


async def told(sessions: Sessions, actor: Actor) -> tuple[list[str], list[str]]:
    """What stands in the timeline, and what the world was told."""
    async with sessions.tenant(actor.tenant_id) as session:
        lines = (await session.scalars(select(Event.type).where(Event.type.like("DUTY%")).order_by(Event.id))).all()
        outbox = await session.scalars(select(Outbox.payload).where(Outbox.kind == "event").order_by(Outbox.id))
        return list(lines), [one["type"].split(".")[2] for one in outbox]


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=hour)


async def released(session: Session, duty: Duty, **changed: Any) -> UUID:
    pack = {
        "student_id": duty.student_id,
        "school_id": duty.school_id,
        "case_id": duty.case_id,
        "kind": "AUTHORITY_REFERRAL",
        "status": "RELEASED",
        "storage_path": f"packs/{uuid4()}",
        "sha256": "0" * 64,
        "stored_sha256": "0" * 64,
        "size_bytes": 1,
        "pages": 1,
        "engine": "test",
        "prepared_at": at(DAYS[3]),
        "released_at": at(DAYS[4]),
        **changed,
    }
    row = EvidencePack(**pack)
    session.add(row)
    await session.flush()
    return row.id


async def a_letter(session: Session, duty: Duty, status: str = "SENT", **changed: Any) -> UUID:
    guardian = Guardian(source_id=str(uuid4()), name="Gwen Guardian")
    session.add(guardian)
    await session.flush()
    about = {"student_id": duty.student_id, "guardian_id": guardian.id}
    stored = {"storage_path": str(uuid4()), "sha256": "0", "stored_sha256": "0", "size_bytes": 1, "pages": 1}
    made = {"language": "en", "engine": "test", "generated_at": at(DAYS[3]), **changed}
    letter = LetterArtifact(**about, school_id=duty.school_id, **stored, **made)
    session.add(letter)
    await session.flush()
    sent = at(DAYS[4]) if status == "SENT" else None
    session.add(
        Message(**about, dedupe_key=str(uuid4()), kind="LETTER", artifact_id=letter.id, status=status, sent_at=sent)
    )
    await session.flush()
    return letter.id
