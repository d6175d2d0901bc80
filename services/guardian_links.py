"""Guardian links: narrowing holds at once, widening waits for a second person (safeguards.md section 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.guardians import Guardian, GuardianLink
from rules.access.guardian_links import widenings
from rules.errors import Conflict, Forbidden, NotFound
from services import audit
from services.audit import Act
from services.context import Actor

# A proposed widening begins so late that nobody who forgets to look at its confirmation can act on it. Links are never
# deleted: one such row per student and guardian is used again and again; it waits while it is proposed and unconfirmed.
PENDING: Final = date(9999, 12, 31)
FIELDS: Final = (
    "relationship",
    "priority",
    "parental_responsibility",
    "lives_with",
    "may_receive_letters",
    "may_use_portal",
    "may_attend_meetings",
    "may_receive_calls",
    "may_be_held_liable",
    "order_kind",
    "order_from",
    "order_to",
    "order_evidence",
    "address_confidential",
    "contact_via",
    "valid_to",
)


@dataclass(frozen=True, slots=True)
class LinkView:
    """A guardian of a student: the link in force, and the widening that waits for a second person."""

    guardian: Guardian
    link: GuardianLink | None
    aside: GuardianLink | None

    @property
    def pending(self) -> GuardianLink | None:
        """The row kept aside, if it waits."""
        row = self.aside
        waits = row is not None and row.widening_proposed_by is not None and row.widening_confirmed_by is None
        return row if waits else None

    @property
    def widening(self) -> frozenset[str]:
        """The fields that the waiting change widens."""
        return frozenset() if self.pending is None else widenings(values(self.link), values(self.pending))


@dataclass(frozen=True, slots=True)
class PutLink:
    """The link as it should be."""

    student_id: UUID
    guardian_id: UUID
    wanted: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class ConfirmLink:
    """A second person's agreement to a waiting widening."""

    student_id: UUID
    guardian_id: UUID
    reason: str


def values(link: GuardianLink | None) -> dict[str, Any]:
    """The fields people edit; nothing for a link that does not exist yet."""
    return {} if link is None else {name: getattr(link, name) for name in FIELDS}


async def of_student(session: AsyncSession, student_id: UUID, *, on: date) -> Sequence[LinkView]:
    """All guardians of a student whose link has not ended, by priority."""
    rows = await session.execute(
        select(Guardian, GuardianLink)
        .join(GuardianLink, GuardianLink.guardian_id == Guardian.id)
        .where(GuardianLink.student_id == student_id, or_(_not_ended(on), GuardianLink.valid_from == PENDING))
        .order_by(GuardianLink.priority.nulls_last(), Guardian.id)
    )
    views: dict[UUID, LinkView] = {}
    for guardian, link in rows:
        known = views.get(guardian.id, LinkView(guardian, None, None))
        aside = link.valid_from == PENDING
        views[guardian.id] = LinkView(guardian, known.link if aside else link, link if aside else known.aside)
    return list(views.values())


async def kept_from(session: AsyncSession, guardian_id: UUID) -> frozenset[UUID]:
    """A guardian's children with whom somebody else lives at a confidential address."""
    mine = select(GuardianLink.student_id).where(GuardianLink.guardian_id == guardian_id)
    confidential = select(GuardianLink.student_id).where(
        GuardianLink.student_id.in_(mine),
        GuardianLink.guardian_id != guardian_id,
        GuardianLink.address_confidential,
    )
    return frozenset(await session.scalars(confidential))


def _not_ended(on: date) -> Any:
    return or_(GuardianLink.valid_to.is_(None), GuardianLink.valid_to >= on)


async def view(session: AsyncSession, student_id: UUID, guardian_id: UUID, *, on: date) -> LinkView:
    """One guardian of one student; without a link only the guardian."""
    listed = await of_student(session, student_id, on=on)
    found = next((one for one in listed if one.guardian.id == guardian_id), None)
    if found is not None:
        return found
    guardian = await session.get(Guardian, guardian_id)
    if guardian is None:
        raise NotFound("guardian_not_found", f"There is no guardian {guardian_id} here.")
    return LinkView(guardian, None, None)


async def put(session: AsyncSession, actor: Actor, command: PutLink, *, now: datetime) -> LinkView:
    """Narrow at once; keep what widens aside until a second person confirms it."""
    present = await view(session, command.student_id, command.guardian_id, on=now.date())
    before = values(present.link)
    wider = widenings(before, command.wanted)
    at_once = {name: before.get(name) if name in wider else command.wanted[name] for name in FIELDS}
    link = present.link or await _new(session, command, valid_from=now.date())
    _set(link, {name: value for name, value in at_once.items() if value is not None or name in before})
    aside = present.aside
    if wider:
        aside = aside or await _new(session, command, valid_from=PENDING)
        _set(aside, command.wanted)
    if aside is not None:
        aside.widening_proposed_by, aside.widening_confirmed_by = actor.person_id if wider else None, None
    await session.flush()
    act = Act(
        verb="propose_guardian_link" if wider else "change_guardian_link",
        subject_kind="guardian_link",
        subject_id=link.id,
        student_id=command.student_id,
        reason=command.reason,
        before=before,
        after=dict(command.wanted),
    )
    await audit.record(session, actor, act, now=now)
    return await view(session, command.student_id, command.guardian_id, on=now.date())


async def _new(session: AsyncSession, command: PutLink, *, valid_from: date) -> GuardianLink:
    link = GuardianLink(student_id=command.student_id, guardian_id=command.guardian_id, valid_from=valid_from)
    session.add(link)
    return link


def _set(link: GuardianLink, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        setattr(link, name, value)


async def confirm(session: AsyncSession, actor: Actor, command: ConfirmLink, *, now: datetime) -> LinkView:
    """Put a waiting widening in force; the person who proposed it cannot."""
    present = await view(session, command.student_id, command.guardian_id, on=now.date())
    pending, link = present.pending, present.link
    if pending is None or link is None:
        raise Conflict("nothing_to_confirm", f"No change of the link to guardian {command.guardian_id} waits.")
    if pending.widening_proposed_by == actor.person_id:
        raise Forbidden("four_eyes", "A second person confirms: whoever proposed the change cannot.")
    before, after, proposed_by = values(link), values(pending), pending.widening_proposed_by
    _set(link, after)
    link.widening_proposed_by, link.widening_confirmed_by = proposed_by, actor.person_id
    pending.widening_confirmed_by = actor.person_id
    await session.flush()
    act = Act(
        verb="confirm_guardian_link",
        subject_kind="guardian_link",
        subject_id=link.id,
        student_id=command.student_id,
        reason=command.reason,
        before=before,
        after=after,
    )
    await audit.record(session, actor, act, now=now)
    return await view(session, command.student_id, command.guardian_id, on=now.date())
