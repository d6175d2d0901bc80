"""What an evidence pack says: the record of one case for one recipient, with everybody else left out.

Contents as safeguards.md section 9 lists them, also what speaks for the family.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from letters.chronology import Fact
from letters.evidence import Evidence, Section
from models.delivery import Message
from models.guardians import ContactStop, Guardian, GuardianLink
from models.instances import CaseFile, Contact, Event, Instance
from models.letters import LetterArtifact
from models.meetings import Meeting, MeetingAttendee
from models.people import Person as Staff
from models.people import School
from models.privacy import AmendmentRequest
from models.queries import calendar
from models.students import AbsenceReason, CareFlag, Student
from rules.errors import NotFound
from rules.privacy.packs import BASIS_EVENTS, PackKind, PackPart
from rules.privacy.redaction import Person, Redactor, called
from services import evidence_register
from services.chronology import MODES, TOLD
from services.pinned import ruleset_of

TITLES: Final = {
    PackKind.INTERNAL_MEETING: "Evidence for a meeting of the school",
    PackKind.AUTHORITY_REFERRAL: "Evidence for a referral",
    PackKind.COURT: "Evidence for a court",
    PackKind.FAMILY_COPY: "What the school has recorded",
}
DISPUTES: Final = ("REGISTER_QUERIED", "REGISTER_ANSWERED")
HELP: Final = frozenset(TOLD) - BASIS_EVENTS - frozenset(DISPUTES)
OF_A_FAMILY: Final = (
    "This copy is about the child and about what you and the school told each other. "
    "Sentences that name anybody else are left out."
)
ARRIVED: Final = frozenset({"SENT", "DELIVERED"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pack: of what kind, about which guardian's dealings, with which parts switched on."""

    case_id: UUID
    kind: PackKind
    guardian_id: UUID | None
    recipient: str
    parts: frozenset[PackPart]
    reference: str


@dataclass(frozen=True, slots=True)
class _Look:
    """What every section works with."""

    session: AsyncSession
    wanted: Wanted
    student: Student
    instances: list[UUID]
    staff: dict[UUID, str]
    redacted: Redactor
    zone: ZoneInfo
    until: datetime

    def on(self, at: datetime | None) -> str:
        return at.astimezone(self.zone).date().isoformat() if at else ""

    def by(self, person_id: UUID | None) -> str:
        """Staff by name and title; to families by title only."""
        return self.staff.get(person_id, "Handrail") if person_id else "Handrail"

    def has(self, part: PackPart) -> bool:
        return part in self.wanted.parts

    def for_family(self) -> bool:
        return self.wanted.kind is PackKind.FAMILY_COPY

    def said(self, text: str | None) -> str:
        """Free text with everybody else left out; a family is not even shown that somebody was."""
        return self.redacted.sentences(text) if self.for_family() else self.redacted(text)

    def whose(self, column: Any) -> list[ColumnElement[bool]]:
        """The dealings with the guardian of this pack; whose they are must be known, or they may be another's."""
        if self.wanted.guardian_id is None or self.has(PackPart.OTHER_GUARDIAN):
            return []
        return [column == self.wanted.guardian_id]


async def gathered(session: AsyncSession, wanted: Wanted, *, now: datetime) -> Evidence:
    """Everything recorded up to now, section by section."""
    case = await session.get(CaseFile, wanted.case_id)
    if case is None:
        raise NotFound("case_not_found", f"There is no case {wanted.case_id} here.")
    student = await session.get_one(Student, case.student_id)
    school = await session.get_one(School, case.school_id)
    zone = await calendar.time_zone(session, case.school_id)
    mine = (await session.scalars(select(Instance.id).where(Instance.case_id == case.id))).all()
    hidden = await _hidden(session, wanted, student)
    look = _Look(session, wanted, student, list(mine), await _staff(session, wanted), hidden, zone, now)
    return Evidence(
        title=TITLES[wanted.kind],
        school_name=school.name,
        reference=wanted.reference,
        prepared_on=now.astimezone(zone).date(),
        facts=await _facts(look, case),
        sections=[section for section in [await one(look) for one in _SECTIONS] if section is not None],
        notes=_notes(look),
    )


async def _staff(session: AsyncSession, wanted: Wanted) -> dict[UUID, str]:
    people = (await session.scalars(select(Staff))).all()
    if wanted.kind is PackKind.FAMILY_COPY:
        return {one.id: one.title or "Staff of the school" for one in people}
    return {one.id: ", ".join(part for part in (one.display_name, one.title) if part) for one in people}


async def _hidden(session: AsyncSession, wanted: Wanted, student: Student) -> Redactor:
    """Other guardians and siblings as they may stand in free text."""
    linked = select(Guardian, GuardianLink.relationship).join(GuardianLink, GuardianLink.guardian_id == Guardian.id)
    rows = (await session.execute(linked.where(GuardianLink.student_id == student.id))).all()
    adults = [row[0] for row in rows]
    hidden: list[Person] = []
    if PackPart.OTHER_GUARDIAN not in wanted.parts:
        hidden += [_adult(one) for one in adults if one.id != wanted.guardian_id]
    if wanted.kind is PackKind.FAMILY_COPY:
        related = {one.id: relation or "" for one, relation in rows}
        own = related.pop(wanted.guardian_id, "") if wanted.guardian_id else ""
        hidden.append(Person("", called(related.values(), own)))
    if PackPart.SIBLINGS not in wanted.parts:
        hidden += [_child(one) for one in await _siblings(session, student.id, [one.id for one in adults])]
    shown = [_child(student), *(Person(one.name) for one in adults if one.id == wanted.guardian_id)]
    known = [_adult(one) for one in adults if one.id == wanted.guardian_id and PackPart.ADDRESSES not in wanted.parts]
    return Redactor((*hidden, *(Person("", one.known_by) for one in known)), tuple(shown))


def _adult(row: Guardian) -> Person:
    lines = (row.address or "").splitlines()
    return Person(row.name, tuple(one for one in (row.email, row.phone, row.address, *lines) if one))


def _child(row: Student) -> Person:
    return Person(f"{row.first_name or ''} {row.last_name or ''}".strip())


async def _siblings(session: AsyncSession, student_id: UUID, adults: Sequence[UUID]) -> Sequence[Student]:
    shared = select(GuardianLink.student_id).where(GuardianLink.guardian_id.in_(adults))
    return (await session.scalars(select(Student).where(Student.id.in_(shared), Student.id != student_id))).all()


async def _facts(look: _Look, case: CaseFile) -> list[Fact]:
    facts = [
        Fact("Student", _child(look.student).name or look.student.source_id),
        Fact("Year group", look.student.year_group or "-"),
        Fact("For", look.said(look.wanted.recipient)),
        Fact("Case opened", look.on(case.created_at)),
    ]
    if look.wanted.guardian_id is not None:
        adult = await look.session.get_one(Guardian, look.wanted.guardian_id)
        facts.append(Fact("Guardian", adult.name))
        if look.has(PackPart.ADDRESSES) and not await _confidential(look):
            facts.append(Fact("Address", adult.address or "-"))
    return facts


async def _confidential(look: _Look) -> bool:
    mine = select(GuardianLink.id).where(
        GuardianLink.student_id == look.student.id, GuardianLink.address_confidential.is_(True)
    )
    return (await look.session.scalars(mine.limit(1))).first() is not None


def _notes(look: _Look) -> list[str]:
    """What a reader must know of what is missing: the same words whether or not there was any of it."""
    if look.for_family():
        return [OF_A_FAMILY]
    left_out = [part.value.replace("_", " ").lower() for part in PackPart if not look.has(part)]
    return [f"Left out wherever there is any: {', '.join(left_out)}."] if left_out else []


async def _events(look: _Look, types: Iterable[str]) -> Sequence[Event]:
    mine = select(Event).where(Event.instance_id.in_(look.instances), Event.occurred_at <= look.until)
    wanted = mine.where(Event.type.in_(list(types))).order_by(Event.occurred_at, Event.id)
    return (await look.session.scalars(wanted)).all()


def _told(look: _Look, rows: Sequence[Event]) -> list[list[str]]:
    """Staff's own words about a step stay within schools and agencies: a family is told what was done."""
    with_words = not look.for_family()
    return [
        [
            look.on(row.occurred_at),
            TOLD.get(row.type, row.type.replace("_", " ").capitalize()),
            look.by(row.actor_id),
            look.said(row.reason) if with_words else "",
        ]
        for row in rows
    ]


STEPS: Final = ("Date", "What", "By", "Reason")


async def _offered(look: _Look) -> Section:
    rows = _told(look, await _events(look, HELP))
    met = select(Meeting).where(Meeting.instance_id.in_(look.instances), Meeting.starts_at <= look.until)
    if look.wanted.guardian_id is not None and not look.has(PackPart.OTHER_GUARDIAN):
        met = met.where(Meeting.id.not_in(_anothers(look)))
    for meeting in (await look.session.scalars(met.order_by(Meeting.starts_at))).all():
        outcome = (meeting.outcome_code or meeting.status).replace("_", " ").lower()
        rows.append([look.on(meeting.starts_at), "Meeting", look.by(meeting.created_by), outcome])
    return Section("What was offered and done to help", STEPS, sorted(rows, key=lambda row: row[0]))


def _anothers(look: _Look) -> Select[UUID]:
    """Meetings that another guardian was asked to and this one was not: separated guardians are met apart."""
    asked = select(MeetingAttendee.meeting_id).where(MeetingAttendee.kind == "GUARDIAN")
    own = asked.where(MeetingAttendee.attendee_id == look.wanted.guardian_id)
    return asked.where(MeetingAttendee.meeting_id.not_in(own))


async def _adjustments(look: _Look) -> Section:
    rows = [
        [look.on(row.occurred_at), look.by(row.actor_id), said]
        for row in await _events(look, ["APPROVED"])
        if (said := look.said(str(row.data.get("considered") or "")))
    ]
    return Section("Adjustments and support that were considered", ("Date", "By", "What"), rows)


async def _contacts(look: _Look) -> Sequence[Contact]:
    mine = select(Contact).where(Contact.student_id == look.student.id, Contact.contacted_at <= look.until)
    wanted = mine.where(*look.whose(Contact.guardian_id)).order_by(Contact.contacted_at, Contact.id)
    return (await look.session.scalars(wanted)).all()


async def _barriers(look: _Look) -> Section:
    rows = [
        [look.on(row.contacted_at), said]
        for row in await _contacts(look)
        if (said := look.said("; ".join(row.barriers)))
    ]
    return Section("What stands in the way", ("Date", "Barriers"), rows)


async def _words(look: _Look) -> Section:
    rows = [
        [
            look.on(row.contacted_at),
            MODES[row.mode],
            look.said(row.said) or ("Reached" if row.reached else "Not reached"),
            look.said(row.next_step),
        ]
        for row in await _contacts(look)
    ]
    return Section("In the family's and the child's own words", ("Date", "How", "Said", "Next"), rows)


async def _reasons(look: _Look) -> Section:
    mine = select(AbsenceReason).where(AbsenceReason.student_id == look.student.id)
    rows = []
    for row in (await look.session.scalars(mine.order_by(AbsenceReason.date, AbsenceReason.session))).all():
        own = look.wanted.guardian_id in {None, row.given_by} or look.has(PackPart.OTHER_GUARDIAN)
        said = look.said(row.reason) if look.has(PackPart.HEALTH) and own else "A reason was given"
        rows.append([row.date.isoformat(), row.session, said, row.status.lower()])
    return Section("Reasons given for absence", ("Date", "Session", "Reason", "Result"), rows)


async def _disputes(look: _Look) -> Section:
    mine = select(AmendmentRequest).where(AmendmentRequest.student_id == look.student.id)
    own = mine.where(*look.whose(AmendmentRequest.guardian_id)).order_by(AmendmentRequest.requested_at)
    requests = (await look.session.scalars(own)).all()
    told = await _events(look, DISPUTES)
    if look.for_family():  # a question names nobody who asked it: to a family only their own are known to be theirs
        theirs = {str(row.id) for row in requests}
        told = [event for event in told if event.data.get("query_id") in theirs]
    rows = [[*row[:3], row[3], ""] for row in _told(look, told)]
    for row in requests:
        said = look.said(". ".join(part for part in (row.wrong, row.wanted) if part))
        result = look.said(". ".join(part for part in (row.status.lower(), row.reason, row.statement) if part))
        rows.append([look.on(row.requested_at), "The record is said to be wrong", "Family", said, result])
    return Section("Disputes and their results", ("Date", "What", "By", "Said", "Result"), rows)


async def _letters(look: _Look) -> Section:
    mine = (
        select(Message, LetterArtifact.rescinded_at)
        .outerjoin(LetterArtifact, LetterArtifact.id == Message.artifact_id)
        .where(Message.student_id == look.student.id, Message.created_at <= look.until)
        .where(or_(Message.status.not_in(ARRIVED), LetterArtifact.rescinded_at.is_not(None)))
        .where(*look.whose(Message.guardian_id))
        .order_by(Message.created_at, Message.id)
    )
    rows = [
        [look.on(row.created_at), row.kind.lower(), "taken back" if rescinded else row.status.replace("_", " ").lower()]
        for row, rescinded in (await look.session.execute(mine)).all()
    ]
    return Section("Letters taken back or not delivered", ("Date", "What", "State"), rows)


async def _basis(look: _Look) -> Section:
    return Section("When the reason for a step changed", STEPS, _told(look, await _events(look, BASIS_EVENTS)))


async def _rules(look: _Look) -> Section:
    digests = select(Instance.digest).where(Instance.id.in_(look.instances)).distinct().order_by(Instance.digest)
    rows = []
    for digest in (await look.session.scalars(digests)).all():
        ruleset = await ruleset_of(look.session, digest)
        rows.append([ruleset.title, f"version {digest[:12]}", "", ""])
        for one in ruleset.citations:
            checked = one.checked_on.isoformat() if one.checked_on else "not checked"
            rows.append([one.text, one.authority.replace("_", " "), one.source or "", checked])
        for change in ruleset.overrides:
            said = f"changed here: {change.at}, for: {change.reason}"
            rows.append([said, "policy", change.source or "", change.on.isoformat() if change.on else "not checked"])
    return Section("Rule, source, and when it was checked", ("Rule", "Authority", "Source", "Checked on"), rows)


async def _safeguarding(look: _Look) -> Section | None:
    if not look.has(PackPart.SAFEGUARDING):
        return None
    flags = select(CareFlag).where(CareFlag.student_id == look.student.id).order_by(CareFlag.starts_on)
    rows = [
        [one.starts_on.isoformat(), one.kind.replace("_", " ").lower(), one.ends_on.isoformat() if one.ends_on else ""]
        for one in (await look.session.scalars(flags)).all()
    ]
    stops = select(ContactStop).where(ContactStop.subject_id == look.student.id).order_by(ContactStop.set_at)
    rows += [
        [
            look.on(one.set_at),
            f"contact stop: {one.reason_code.lower()}; {look.said(one.note)}",
            look.on(one.lifted_at),
        ]
        for one in (await look.session.scalars(stops)).all()
    ]
    return Section("Safeguarding", ("From", "What", "Until"), rows)


async def _register(look: _Look) -> Section:
    rows = await evidence_register.extract(look.session, look.student.id, health=look.has(PackPart.HEALTH))
    told = [
        [
            one.date.isoformat(),
            one.session,
            "amended" if one.amended else "original",
            one.what,
            look.on(one.recorded_at),
            one.title if look.for_family() else one.who,
            look.said(one.why),
        ]
        for one in rows
    ]
    columns = ("Date", "Session", "Entry", "What", "Recorded", "By", "Why")
    return Section("Register: sessions not attended, original and amended entries", columns, told)


_SECTIONS: Final[tuple[Callable[[_Look], Any], ...]] = (
    _register,
    _offered,
    _adjustments,
    _barriers,
    _words,
    _reasons,
    _disputes,
    _letters,
    _basis,
    _rules,
    _safeguarding,
)
