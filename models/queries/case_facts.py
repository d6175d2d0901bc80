"""Facts about a case as the rules ask for them: exemptions, reasons, flags, artifacts, events (attendance.md S10)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CalendarSession
from models.instances import CaseFile, Contact, Event, Instance
from models.letters import LetterArtifact
from models.meetings import Meeting
from models.students import CareFlag, Exemption

# Absent sessions in the span under the marks known at K, less those of the family list, and how many of them have an
# accepted reason.
REASONS = text("""
select count(*) as absent, count(r.id) as accepted
from session_fact f
left join absence_reason r on r.tenant_id = f.tenant_id and r.student_id = f.student_id and r.school_id = f.school_id
    and r.date = f.date and r.session = f.session and r.status = 'ACCEPTED'
where f.student_id = :student and f.school_id = :school and f.date between :first and :last
    and f.known_from <= :known_at and f.known_to > :known_at
    and f.status in ('AUTHORISED_ABSENT', 'UNAUTHORISED_ABSENT', 'ABSENT') and not f.code = any(:excluded)
""")

UNCONFIRMED = text("""
select r.id
from absence_reason r
join session_fact f on f.student_id = r.student_id and f.school_id = r.school_id and f.date = r.date
    and f.session = r.session and f.known_to = 'infinity' and f.status in ('UNAUTHORISED_ABSENT', 'ABSENT')
where r.student_id = :student and r.school_id = :school and r.status = 'ACCEPTED' and r.date >= :since
order by r.id
""")


async def exempt(session: AsyncSession, student_id: UUID, on: date) -> bool:
    """Whether an exemption of scope `stop` covers a day."""
    return bool(await covering(session, student_id, on, "stop"))


async def covering(session: AsyncSession, student_id: UUID, on: date, scope: str) -> Sequence[Exemption]:
    """The exemptions of a scope that cover a day."""
    wanted = select(Exemption).where(
        Exemption.student_id == student_id,
        Exemption.scope == scope,
        Exemption.withdrawn_at.is_(None),
        Exemption.starts_on <= on,
        or_(Exemption.ends_on.is_(None), Exemption.ends_on >= on),
    )
    return (await session.scalars(wanted.order_by(Exemption.id))).all()


async def unconfirmed_reasons(session: AsyncSession, who: tuple[UUID, UUID], since: date) -> Sequence[UUID]:
    """Accepted reasons whose session the register still has as unauthorised or unexplained."""
    given = {"student": who[0], "school": who[1], "since": since}
    return (await session.scalars(UNCONFIRMED, given)).all()


async def flags(session: AsyncSession, student_id: UUID, on: date) -> frozenset[str]:
    """Kinds of care flags that cover a day."""
    covering = select(CareFlag.kind).where(
        CareFlag.student_id == student_id,
        CareFlag.starts_on <= on,
        or_(CareFlag.ends_on.is_(None), CareFlag.ends_on >= on),
    )
    return frozenset((await session.scalars(covering)).all())


async def reasons_accepted(
    session: AsyncSession, who: tuple[UUID, UUID], span: tuple[date, date], known_at: datetime, excluded: list[str]
) -> bool:
    """Whether there are absences in the span and an accepted reason covers every one of them."""
    found = await session.execute(
        REASONS,
        {
            "student": who[0],
            "school": who[1],
            "first": span[0],
            "last": span[1],
            "known_at": known_at,
            "excluded": excluded,
        },
    )
    absent, accepted = found.one()
    return bool(absent and absent == accepted)


async def resolved(session: AsyncSession, instance: Instance) -> bool:
    """Whether the instance's case file is resolved."""
    status = (await session.scalars(select(CaseFile.status).where(CaseFile.id == instance.case_id))).one()
    return status == "RESOLVED"


async def artifact_kinds(session: AsyncSession, instance_id: UUID) -> frozenset[str]:
    """Kinds of which the instance has a row, as rules write them: letters, documents, contacts made, meetings held."""
    kinds = set(
        (await session.scalars(select(LetterArtifact.kind).where(LetterArtifact.instance_id == instance_id))).all()
    )
    contacts = select(Contact.mode).where(Contact.instance_id == instance_id, Contact.reached)
    kinds |= {"CONTACT" for _ in (await session.scalars(contacts.limit(1))).all()}
    held = select(Meeting.status).where(Meeting.instance_id == instance_id, Meeting.status.in_(("HELD", "NO_SHOW")))
    kinds |= {"CONFERENCE_ATTEMPTED" for _ in (await session.scalars(held.limit(1))).all()}
    return frozenset(kind.lower() for kind in kinds)


async def event_dates(
    session: AsyncSession, student_id: UUID, zone: str, known_at: datetime
) -> dict[str, tuple[date, ...]]:
    """Local dates of everything that happened to the student, by event type as rules write it."""
    local = func.date(func.timezone(zone, Event.occurred_at))
    rows = await session.execute(
        select(Event.type, local).where(Event.student_id == student_id, Event.occurred_at <= known_at)
    )
    found: dict[str, list[date]] = {}
    for kind, day in rows.all():
        found.setdefault(kind.lower(), []).append(day)
    return {kind: tuple(days) for kind, days in found.items()}


async def stage_entered_before(session: AsyncSession, instance_id: UUID, before: datetime) -> datetime | None:
    """When the instance entered the stage on which it stood just before an instant."""
    entered = select(func.max(Event.occurred_at)).where(
        Event.instance_id == instance_id, Event.type == "STAGE_ENTERED", Event.occurred_at < before
    )
    return (await session.scalars(entered)).one()


async def open_days_since(session: AsyncSession, school_id: UUID, after: date, through: date) -> int:
    """School days in (after, through]."""
    days = select(func.count(CalendarSession.date.distinct())).where(
        CalendarSession.school_id == school_id, CalendarSession.date > after, CalendarSession.date <= through
    )
    return (await session.execute(days)).scalar_one()
