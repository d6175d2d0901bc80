"""What a guardian asks for: their language, how letters come, what they need to read or hear them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.guardians import Guardian, GuardianLink
from models.students import Student
from rules.delivery.channels import channel_of, channels_of
from rules.errors import NotFound
from services import audit
from services.audit import Act
from services.context import Actor


@dataclass(frozen=True, slots=True)
class Preferences:
    """Language tag (None: the school's), preferred channel, channels declined, needs in words."""

    language: str | None
    preferred_channel: str | None
    opted_out_channels: Sequence[str]
    access_needs: Sequence[str]


@dataclass(frozen=True, slots=True)
class PutPreferences:
    """The preferences from now on."""

    guardian_id: UUID
    wanted: Preferences
    reason: str


async def of_guardian(session: AsyncSession, guardian_id: UUID, *, lock: bool = False) -> Guardian:
    """The guardian whose row holds the preferences."""
    found = await session.get(Guardian, guardian_id, with_for_update=lock or None)
    if found is None:
        raise NotFound("guardian_not_found", f"There is no guardian {guardian_id} here.")
    return found


async def children(session: AsyncSession, guardian_id: UUID) -> frozenset[UUID]:
    """Every student this guardian is or was linked to, merged ids as what they were merged into."""
    linked = select(GuardianLink.student_id).where(GuardianLink.guardian_id == guardian_id)
    present = select(func.coalesce(Student.merged_into_id, Student.id)).where(Student.id.in_(linked))
    return frozenset(await session.scalars(present))


async def put(session: AsyncSession, actor: Actor, command: PutPreferences, *, now: datetime) -> Guardian:
    """Replace the preferences; what is sent from now on follows them."""
    guardian = await of_guardian(session, command.guardian_id, lock=True)
    before = asdict(preferences(guardian))
    for name, value in asdict(command.wanted).items():
        setattr(guardian, name, value)
    await session.flush()
    act = Act(
        verb="set_preferences",
        subject_kind="guardian",
        subject_id=guardian.id,
        reason=command.reason,
        before=before,
        after=asdict(preferences(guardian)),
    )
    await audit.record(session, actor, act, now=now)
    return guardian


def preferences(guardian: Guardian) -> Preferences:
    """The preferences as they stand and are followed; a register's words for channels are its own."""
    return Preferences(
        guardian.language,
        channel_of(guardian.preferred_channel),
        channels_of(guardian.opted_out_channels),
        list(guardian.access_needs),
    )
