"""Who receives a step of this case now, by which channel and language; contact stops and the sending switch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import SendingSwitch
from models.guardians import ContactStop, Guardian, GuardianLink
from models.restores import RestoreHold
from models.transfers import Transfer
from rules.delivery.channels import Channel, channel_of, channels_of
from rules.delivery.entitlement import Entitlement, Link, Order, Purpose, Standing, all_of, entitlement
from services import school_days
from services.context import CaseRef

BASE_LANGUAGE = "en"
GRANTS: Mapping[Purpose, Callable[[GuardianLink], bool | None]] = {
    Purpose.LETTERS: lambda link: link.may_receive_letters,
    Purpose.NOTICES: lambda link: all_of(link.may_receive_letters, link.may_be_held_liable),
    Purpose.MEETINGS: lambda link: link.may_attend_meetings,
    Purpose.PORTAL: lambda link: link.may_use_portal,
    Purpose.CALLS: lambda link: link.may_receive_calls,
}
"""What a link says of each purpose; a notice is for whoever may be held liable and may receive letters."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One entitled guardian; `channel` is `email` or `post`."""

    guardian_id: UUID
    channel: str
    language: str


@dataclass(frozen=True, slots=True)
class Entitled:
    """Everybody linked to the student, by what may be done; the values of the last two are reasons."""

    allowed: list[Recipient] = field(default_factory=list)
    unknown: dict[UUID, str] = field(default_factory=dict)
    withheld: dict[UUID, str] = field(default_factory=dict)


async def recipients(session: AsyncSession, case: CaseRef, purpose: str, channels: Sequence[str] = ()) -> Entitled:
    """Look at every guardian link of the student today; order of `allowed` is the links' priority."""
    on = await school_days.today(session, case)
    stopped = await stopped_guardians(session, case.student_id)
    found = Entitled()
    for link, guardian in await _links(session, case.student_id):
        answer = _standing(link, guardian, Purpose(purpose), on)
        if guardian.id in stopped:
            found.withheld[guardian.id] = "contact_stop"
        elif answer.standing is Standing.ENTITLED:
            found.allowed.append(
                Recipient(guardian.id, _channel(link, guardian, channels), guardian.language or BASE_LANGUAGE)
            )
        elif answer.standing is Standing.UNKNOWN:
            found.unknown[guardian.id] = answer.reason
        else:
            found.withheld[guardian.id] = answer.reason
    return found


async def children(session: AsyncSession, guardian_id: UUID, *, on: date) -> frozenset[UUID]:
    """The students whose record a guardian may open: entitled to the portal, no order and no contact stop in force."""
    joined = (
        select(GuardianLink, Guardian)
        .join(Guardian, Guardian.id == GuardianLink.guardian_id)
        .where(GuardianLink.guardian_id == guardian_id)
    )
    open_to = set()
    for link, guardian in (await session.execute(joined)).all():
        entitled = _standing(link, guardian, Purpose.PORTAL, on).standing is Standing.ENTITLED
        if entitled and not await _closed(session, link.student_id, guardian_id):
            open_to.add(link.student_id)
    return frozenset(open_to)


async def linked_guardians(session: AsyncSession, student_id: UUID, on: date) -> Sequence[UUID]:
    """The living guardians whose link to the student is in force on a day, whatever they may receive."""
    found = [
        guardian.id
        for link, guardian in await _links(session, student_id)
        if (link.valid_from is None or link.valid_from <= on)
        and (link.valid_to is None or on <= link.valid_to)
        and guardian.deceased_on is None
    ]
    return list(dict.fromkeys(found))


async def _closed(session: AsyncSession, student_id: UUID, guardian_id: UUID) -> bool:
    stopped = await contact_stopped(session, student_id)
    return stopped or guardian_id in await stopped_guardians(session, student_id)


async def may_send(session: AsyncSession, case: CaseRef, guardian_id: UUID, purpose: str) -> str | None:
    """The look in the very second of sending: None when it may go, else the reason it is withheld."""
    if await contact_stopped(session, case.student_id):
        return "contact_stop"
    if await _between_schools(session, case.instance_id):
        return "transfer_pending"
    now = await recipients(session, case, purpose)
    if any(one.guardian_id == guardian_id for one in now.allowed):
        return None
    return now.withheld.get(guardian_id) or now.unknown.get(guardian_id) or "no_link"


async def _between_schools(session: AsyncSession, instance_id: UUID) -> bool:
    """Whether the case waits for the choice of another school: nothing of it is sent meanwhile."""
    waits = select(Transfer.id).where(Transfer.instance_id == instance_id, Transfer.status == "PENDING").limit(1)
    return (await session.scalars(waits)).first() is not None


async def contact_stopped(session: AsyncSession, student_id: UUID) -> bool:
    """Whether a stop on the student or the household is in force."""
    return bool((await session.scalars(_stops(student_id, await _household(session, student_id)))).first())


async def stopped_guardians(session: AsyncSession, student_id: UUID) -> set[UUID]:
    """Guardians of the student on whom a stop of their own is in force."""
    mine = select(GuardianLink.guardian_id).where(GuardianLink.student_id == student_id)
    stops = select(ContactStop.subject_id).where(
        ContactStop.subject_kind == "GUARDIAN", ContactStop.lifted_at.is_(None), ContactStop.subject_id.in_(mine)
    )
    return set((await session.scalars(stops)).all())


async def sending_on(session: AsyncSession, school_id: UUID, channel: str | None = None) -> bool:
    """Whether no sending switch that covers the school (and channel) is off, and no restore waits for a release."""
    covers = or_(SendingSwitch.school_id.is_(None), SendingSwitch.school_id == school_id)
    named = [SendingSwitch.channel == channel.upper()] if channel else []
    same = or_(SendingSwitch.channel.is_(None), *named)
    off = select(SendingSwitch.id).where(covers, same, SendingSwitch.enabled.is_(False)).limit(1)
    held = select(RestoreHold.id).where(RestoreHold.released_at.is_(None)).limit(1)
    return (await session.scalars(off.union_all(held).limit(1))).first() is None


async def _links(session: AsyncSession, student_id: UUID) -> Sequence[tuple[GuardianLink, Guardian]]:
    joined = (
        select(GuardianLink, Guardian)
        .join(Guardian, Guardian.id == GuardianLink.guardian_id)
        .where(GuardianLink.student_id == student_id)
        .order_by(GuardianLink.priority.nulls_last(), GuardianLink.id)
    )
    return [(link, guardian) for link, guardian in (await session.execute(joined)).all()]


def _standing(link: GuardianLink, guardian: Guardian, purpose: Purpose, on: date) -> Entitlement:
    order = Order(link.order_kind, link.order_from, link.order_to) if link.order_kind else None
    facts = Link(
        may_receive=GRANTS[purpose](link),
        parental_responsibility=link.parental_responsibility,
        valid_from=link.valid_from,
        valid_to=link.valid_to,
        order=order,
        deceased=guardian.deceased_on is not None,
        widening_unconfirmed=link.widening_proposed_by is not None and link.widening_confirmed_by is None,
    )
    return entitlement(facts, on)


def _channel(link: GuardianLink, guardian: Guardian, channels: Sequence[str]) -> str:
    wanted = channels_of(channels) if channels else [Channel.EMAIL, Channel.POST]
    if Channel.POST in wanted and channel_of(guardian.preferred_channel) is Channel.POST:
        return "post"
    own = link.contact_via == "self" and not guardian.unreachable
    declined = Channel.EMAIL in channels_of(guardian.opted_out_channels)
    if Channel.EMAIL in wanted and guardian.email and own and not declined:
        return "email"
    return "post"


async def _household(session: AsyncSession, student_id: UUID) -> set[UUID]:
    mine = select(GuardianLink.guardian_id).where(GuardianLink.student_id == student_id)
    linked = select(GuardianLink.student_id, GuardianLink.guardian_id).where(
        GuardianLink.guardian_id.in_(mine), GuardianLink.lives_with.is_(True)
    )
    return {person for row in (await session.execute(linked)).all() for person in row}


def _stops(student_id: UUID, household: set[UUID]) -> Select[UUID]:
    return select(ContactStop.id).where(
        ContactStop.lifted_at.is_(None),
        or_(
            (ContactStop.subject_kind == "STUDENT") & (ContactStop.subject_id == student_id),
            (ContactStop.subject_kind == "HOUSEHOLD") & ContactStop.subject_id.in_([student_id, *household]),
        ),
    )
