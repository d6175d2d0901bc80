"""After a restore nothing leaves until a person has released each class of disagreements (safeguards.md section 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.restores import RestoreHold
from rules.errors import Conflict
from services import audit
from services.audit import Act
from services.context import Actor
from services.signals import tell_of_sending


class HoldKind(StrEnum):
    """The classes that `handrail reconcile` compares, each released apart."""

    WORKFLOWS = "WORKFLOWS"
    SENT_BUT_UNKNOWN = "SENT_BUT_UNKNOWN"
    KNOWN_BUT_NOT_SENT = "KNOWN_BUT_NOT_SENT"
    IN_DOUBT = "IN_DOUBT"


class Cause(StrEnum):
    """Which part was set back, or that a person says so."""

    DATABASE_OLDER = "DATABASE_OLDER"
    TEMPORAL_OLDER = "TEMPORAL_OLDER"
    BY_HAND = "BY_HAND"


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore as it was found."""

    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class ReleaseClass:
    """A person has seen what `handrail reconcile` lists of this class: `findings` of them are left as they are."""

    kind: HoldKind
    findings: int
    reason: str


async def hold(session: AsyncSession, actor: Actor, restored: Restored, *, now: datetime) -> int:
    """Hold every class that is not held already; from the commit on nothing of this tenant leaves."""
    rows = [
        {"kind": kind.value, "cause": restored.cause.value, "detail": restored.detail, "found_at": now}
        for kind in HoldKind
    ]
    statement = insert(RestoreHold).values(rows).on_conflict_do_nothing().returning(RestoreHold.id)
    made = (await session.scalars(statement)).all()
    if made:
        after = {"cause": restored.cause.value, "classes": [kind.value for kind in HoldKind]}
        act = Act("hold_after_restore", "restore_hold", reason=restored.detail, after=after)
        await audit.record(session, actor, act, now=now)
    return len(made)


async def held(session: AsyncSession) -> Sequence[RestoreHold]:
    """The classes that still wait for a person."""
    waiting = select(RestoreHold).where(RestoreHold.released_at.is_(None)).order_by(RestoreHold.id)
    return (await session.scalars(waiting)).all()


async def release(session: AsyncSession, actor: Actor, command: ReleaseClass, *, now: datetime) -> int:
    """Release one class; after the last of them the cases that waited go on. Returns how many classes are left."""
    waiting = await held(session)
    row = next((one for one in waiting if one.kind == command.kind.value), None)
    if row is None:
        raise Conflict("nothing_held", f"{command.kind.value} is not held: there is nothing to release.")
    row.released_at, row.released_by = now, actor.person_id
    row.reason, row.findings = command.reason, command.findings
    after = {"class": row.kind, "findings": command.findings}
    act = Act("release_after_restore", "restore_hold", row.id, reason=command.reason, after=after)
    await audit.record(session, actor, act, now=now)
    await session.flush()
    if len(waiting) == 1:
        await tell_of_sending(session, on=True)
    return len(waiting) - 1
