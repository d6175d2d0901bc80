"""The sending switch: off stops every outgoing message of its scope at once (safeguards.md section 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import SendingSwitch
from services import audit, schools
from services.audit import Act
from services.context import Actor
from services.signals import tell_of_sending


@dataclass(frozen=True, slots=True)
class TurnSwitch:
    """Turn sending on or off for the tenant, one school, one channel, or one channel of one school."""

    school_id: UUID | None
    channel: str | None
    enabled: bool
    reason: str


async def switches(session: AsyncSession) -> Sequence[SendingSwitch]:
    """Every switch that was ever turned; what has none is on."""
    listed = select(SendingSwitch).order_by(SendingSwitch.school_id.nulls_first(), SendingSwitch.channel.nulls_first())
    return (await session.scalars(listed)).all()


async def turn(session: AsyncSession, actor: Actor, command: TurnSwitch, *, now: datetime) -> SendingSwitch:
    """Turn the switch and wake the cases that wait for it."""
    if command.school_id is not None:
        await schools.of_id(session, command.school_id)
    said = {"enabled": command.enabled, "reason": command.reason, "changed_by": actor.person_id, "changed_at": now}
    statement = insert(SendingSwitch).values(school_id=command.school_id, channel=command.channel, **said)
    switch = (
        await session.scalars(
            statement.on_conflict_do_update(index_elements=["tenant_id", "school_id", "channel"], set_=said).returning(
                SendingSwitch
            ),
            execution_options={"populate_existing": True},
        )
    ).one()
    act = Act(
        verb="resume_sending" if command.enabled else "pause_sending",
        subject_kind="sending_switch",
        subject_id=switch.id,
        reason=command.reason,
        after={"enabled": command.enabled},
    )
    await audit.record(session, actor, act, now=now)
    await tell_of_sending(session, on=command.enabled, school_id=command.school_id)
    return switch
