"""A student leaves for a school outside: a summary of days and figures to hand over, written down as disclosed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from letters.chronology import Chronology, ChronologyEvent, Fact, render_chronology
from models.attendance import Enrolment
from models.delivery import Message
from models.instances import Contact, Instance
from models.letters import LetterArtifact
from models.meetings import Meeting
from models.people import School
from models.plans import SupportPlan
from models.privacy import Disclosure
from models.queries import calendar
from models.queries.absences import Whose, attended_of_possible
from models.students import Student
from rules.letters.wording import said_date
from rules.privacy.disclosures import DisclosurePurpose, Party
from services import artifacts, disclosures
from services.artifacts import Paper, artifact_id_for
from services.chronology import MODES
from services.context import Actor
from services.disclosures import Disclose
from services.facts import year_start
from services.letter_merge import reference
from services.means import Means
from services.student_keys import DataKey, data_key

WHAT: Final = "summary of attendance and support"
TITLE: Final = "Summary for another school"
LANGUAGE: Final = "en"
LEFT_OUT: Final = (
    "This summary holds days and figures only. Notes, reasons, health, what the family said, and who belongs to it "
    "are left out: ask the family."
)
ARRIVED: Final = ("SENT", "DELIVERED")


@dataclass(frozen=True, slots=True)
class MakeSummary:
    """Who leaves which school, to whom it is handed over and why; the same `key` answers the same summary."""

    student_id: UUID
    school_id: UUID
    recipient: str
    interest: str
    key: str


@dataclass(frozen=True, slots=True)
class Made:
    """The stored summary and the line that says to whom it went."""

    artifact: LetterArtifact
    disclosure_id: UUID


@dataclass(frozen=True, slots=True)
class _Look:
    """One student at one school, as known now; whoever was merged into the student is the same child."""

    session: AsyncSession
    student: Student
    school: School
    students: Sequence[UUID]
    instances: Sequence[UUID]
    zone: ZoneInfo
    now: datetime

    def day(self, at: datetime) -> date:
        """The school's own date."""
        return at.astimezone(self.zone).date()


async def make(means: Means, actor: Actor, command: MakeSummary, *, now: datetime) -> Made:
    """Draw, seal and store the summary, and write down that it is handed over."""
    effect = f"transfer-summary/{command.student_id}/{command.key}"
    async with means.sessions.tenant(actor.tenant_id) as session:
        if row := await artifacts.by_effect(session, effect):
            return Made(row, await _handed_over(session, means, actor, command, row, now))
        told = await _told(session, command, effect, now)
        key = await data_key(session, means.keyring, actor.tenant_id, command.student_id)
    drawn = await means.threads.run(lambda: render_chronology(told))
    own_id = artifact_id_for(f"{effect}/{sha256(drawn.content).hexdigest()}")
    paper = Paper(own_id, told.prepared_on.year, drawn.content, drawn.pages, drawn.engine)
    return await _stored(means, actor, command, (effect, key, paper), now)


async def _stored(
    means: Means, actor: Actor, command: MakeSummary, drawn: tuple[str, DataKey, Paper], now: datetime
) -> Made:
    effect, key, paper = drawn
    shelved = await artifacts.shelve(means, actor.tenant_id, key, paper, now=now)
    facts = {
        "kind": "CHRONOLOGY",
        "student_id": command.student_id,
        "school_id": command.school_id,
        "language": LANGUAGE,
        "effect_key": effect,
    }
    async with means.sessions.tenant(actor.tenant_id) as session:
        row = await artifacts.enter(session, actor, shelved, facts, now=now)
        return Made(row, await _handed_over(session, means, actor, command, row, now))


async def _handed_over(
    session: AsyncSession, means: Means, actor: Actor, command: MakeSummary, row: LetterArtifact, now: datetime
) -> UUID:
    """The disclosure of this summary, written once."""
    mine = select(Disclosure.id).where(Disclosure.student_id == row.student_id, Disclosure.what_id == row.id)
    if (found := await session.scalar(mine)) is not None:
        return found
    given = Disclose(
        student_id=row.student_id,
        party=Party.OTHER_SCHOOL,
        purpose=DisclosurePurpose.TRANSFER,
        what=WHAT,
        what_id=row.id,
        recipient=command.recipient,
        interest=command.interest,
    )
    return await disclosures.give(session, means.keyring, actor, given, now=now)


async def _told(session: AsyncSession, command: MakeSummary, effect: str, now: datetime) -> Chronology:
    look = await _look(session, command, now)
    return Chronology(
        title=TITLE,
        school_name=look.school.name,
        reference=reference(effect, look.student.id),
        prepared_on=look.day(now),
        facts=[*_who(look), *await _on_roll(look), *await _attendance(look)],
        events=[*await _cases(look), *await _contacts(look), *await _letters(look), *await _agreed(look)],
        summary=[LEFT_OUT],
        language=LANGUAGE,
    )


async def _look(session: AsyncSession, command: MakeSummary, now: datetime) -> _Look:
    student = await session.get_one(Student, command.student_id)
    school = await session.get_one(School, command.school_id)
    same = select(Student.id).where(or_(Student.id == student.id, Student.merged_into_id == student.id))
    students = (await session.scalars(same)).all()
    led = select(Instance.id).where(Instance.student_id.in_(students), Instance.lead_school_id == school.id)
    instances = (await session.scalars(led.where(Instance.kind == "ATTENDANCE"))).all()
    zone = await calendar.time_zone(session, school.id)
    return _Look(session, student, school, students, instances, zone, now)


def _who(look: _Look) -> list[Fact]:
    student = look.student
    name = f"{student.first_name or ''} {student.last_name or ''}".strip() or student.source_id
    return [Fact("Student", name), Fact("Year group", student.year_group or "-")]


async def _on_roll(look: _Look) -> list[Fact]:
    mine = select(Enrolment).where(Enrolment.student_id.in_(look.students), Enrolment.school_id == look.school.id)
    return [
        Fact("On roll", f"{_said(row.start_date)} - {_said(row.end_date) if row.end_date else ''}".rstrip())
        for row in await look.session.scalars(mine.order_by(Enrolment.start_date, Enrolment.id))
    ]


def _said(day: date) -> str:
    return said_date(day, LANGUAGE)


async def _attendance(look: _Look) -> list[Fact]:
    """Of this school year and the one before, as known now; nothing where no session was possible."""
    today = look.day(look.now)
    this = year_start(look.school.year_start, today)
    last = this - timedelta(days=1)
    whose = Whose(look.student.id, look.school.id, look.now)
    found = []
    for first, until in ((year_start(look.school.year_start, last), last), (this, today)):
        attended, possible = await attended_of_possible(look.session, whose, first, until)
        if possible:
            span = f"{_said(first)} - {_said(until)}"
            found.append(Fact("Sessions attended", f"{attended} of {possible} ({span})"))
    return found


def _event(look: _Look, on: date, what: str, result: str = "") -> ChronologyEvent:
    """By the school: who of its staff did it is nobody's business outside."""
    return ChronologyEvent(on, what, look.school.name, result)


async def _cases(look: _Look) -> list[ChronologyEvent]:
    mine = select(Instance).where(Instance.id.in_(look.instances)).order_by(Instance.started_at, Instance.id)
    found = []
    for row in (await look.session.scalars(mine)).all():
        found.append(_event(look, look.day(row.started_at), "A case was opened"))
        if row.closed_at:
            found.append(_event(look, look.day(row.closed_at), "The case was closed"))
    return found


async def _contacts(look: _Look) -> list[ChronologyEvent]:
    mine = select(Contact).where(Contact.instance_id.in_(look.instances)).order_by(Contact.contacted_at, Contact.id)
    return [
        _event(look, look.day(row.contacted_at), MODES[row.mode], "Reached" if row.reached else "Not reached")
        for row in (await look.session.scalars(mine)).all()
    ]


async def _letters(look: _Look) -> list[ChronologyEvent]:
    """One line a rung, however many homes it went to; a letter that was taken back counts for nothing."""
    sent = (
        select(func.min(Message.effective_day))
        .join(LetterArtifact, LetterArtifact.id == Message.artifact_id)
        .where(
            Message.instance_id.in_(look.instances),
            Message.kind == "LETTER",
            Message.status.in_(ARRIVED),
            Message.effective_day.is_not(None),
            LetterArtifact.rescinded_at.is_(None),
        )
        .group_by(Message.instance_id, Message.stage_key)
    )
    days = (await look.session.scalars(sent.order_by(func.min(Message.effective_day)))).all()
    return [_event(look, day, "Letter to the family") for day in days if day]


async def _agreed(look: _Look) -> list[ChronologyEvent]:
    """Meetings that were held and plans that were agreed."""
    met = select(Meeting.held_at).where(Meeting.instance_id.in_(look.instances), Meeting.status == "HELD")
    held = await look.session.scalars(met.order_by(Meeting.held_at))
    found = [_event(look, look.day(at), "Meeting with the family") for at in held if at]
    plans = select(SupportPlan).where(SupportPlan.instance_id.in_(look.instances), SupportPlan.agreed_on.is_not(None))
    for row in (await look.session.scalars(plans.order_by(SupportPlan.agreed_on, SupportPlan.id))).all():
        assert row.agreed_on is not None
        until = f"Ended on {_said(look.day(row.ended_at))}" if row.ended_at else "In force"
        found.append(_event(look, row.agreed_on, "Support plan agreed", until))
    return found
