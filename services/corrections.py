"""Walks held because a correction took a step's reason away: what each choice would do, and who would hear of it.

A term of corrections may shake many walks at once: they are looked at together before anybody is told (ladder.md,
Basis, bulk corrections).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.guardians import Guardian
from models.instances import Event, Instance
from models.people import School
from models.queries.keyset import Window, paged
from models.students import Student
from rules.ids import InstanceId, SchoolId, StudentId, TenantId
from rules.ladder.events import EventType
from rules.ladder.state import Basis, Step
from rules.ladder.transitions import back_to, to_rescind
from rules.ladder.words import HoldKind, Phase
from services import decisions, endings, entitlement
from services.context import CaseRef
from services.scopes import Scope

STEPS: Final = TypeAdapter(tuple[Step, ...])
PREVIEW: Final = "preview"


@dataclass(frozen=True, slots=True)
class Shaken:
    """A held walk with the event that says why: its id is what a decision is about."""

    event: Event
    instance: Instance
    student: Student
    school_name: str


@dataclass(frozen=True, slots=True)
class Hearer:
    """A guardian who would be told that letters are taken back; `since` is the day of the first of them."""

    guardian_id: UUID
    name: str
    language: str
    channel: str
    since: date


@dataclass(frozen=True, slots=True)
class Rescission:
    """What taking back would do today. `back_to` is the rung whose reason still holds; None ends the walk.

    `not_told` got a letter and would not hear of it, each with the reason in words of `entitlement`.
    """

    stage_keys: tuple[str, ...]
    back_to: str | None
    hears: tuple[Hearer, ...]
    not_told: dict[UUID, str]


def _newest() -> ScalarSelect[UUID]:
    """The event that says last why a walk lost its reason."""
    mine = select(Event.id).where(Event.instance_id == Instance.id, Event.type == EventType.TRIGGER_INVALIDATED)
    return mine.order_by(Event.occurred_at.desc(), Event.id.desc()).limit(1).correlate(Instance).scalar_subquery()


async def held(session: AsyncSession, scope: Scope, window: Window) -> Sequence[Shaken]:
    """A page of the walks on hold for their basis, the longest held first."""
    wanted = (
        select(Event, Instance, Student, School.name)
        .join(Instance, Instance.id == Event.instance_id)
        .join(Student, Student.id == Instance.student_id)
        .join(School, School.id == Instance.lead_school_id)
        .where(Instance.closed_at.is_(None), Instance.phase == Phase.ON_HOLD, Instance.hold_kind == HoldKind.BASIS)
        .where(Event.id == _newest(), *scope.rows(Instance.lead_school_id, Instance.student_id))
    )
    rows = await session.execute(paged(wanted, (Event.occurred_at, Event.id), window))
    return [Shaken(*row) for row in rows]


async def newest(session: AsyncSession, instance_id: UUID) -> UUID | None:
    """The event that a decision must be about; None for a walk whose reason was never lost."""
    found: UUID | None = await session.scalar(select(_newest()).where(Instance.id == instance_id))
    return found


async def count(session: AsyncSession, scope: Scope) -> int:
    """How many walks wait for such a decision."""
    waiting = select(func.count()).where(
        Instance.closed_at.is_(None),
        Instance.phase == Phase.ON_HOLD,
        Instance.hold_kind == HoldKind.BASIS,
        *scope.rows(Instance.lead_school_id, Instance.student_id),
    )
    return int(await session.scalar(waiting) or 0)


async def rescission(session: AsyncSession, instance: Instance, *, now: datetime) -> Rescission:
    """What taking back would do, by the reasons, letters and entitlements of this moment; nothing is written."""
    case = CaseRef(
        TenantId(instance.tenant_id),
        SchoolId(instance.lead_school_id),
        StudentId(instance.student_id),
        InstanceId(instance.id),
        PREVIEW,
        now,
    )
    steps = STEPS.validate_python((instance.state or {}).get("steps", ()))
    holding = await _holding(session, case, instance.digest, [step.basis for step in steps])
    gone = to_rescind(steps, holding)
    kept = back_to(steps, holding)
    got = await endings.who_got(session, case, [artifact for step in gone for artifact in step.artifacts])
    hears, not_told = await _told(session, case, got)
    keys = tuple(step.stage_key for step in gone)
    return Rescission(keys, None if kept is None else kept.stage_key, hears, not_told)


async def _holding(session: AsyncSession, case: CaseRef, digest: str, bases: Sequence[Basis]) -> tuple[bool, ...]:
    checks = await decisions.check(session, case, digest, bases) if bases else ()
    return tuple(basis.kept or check.holds is not False for basis, check in zip(bases, checks, strict=True))


async def _told(
    session: AsyncSession, case: CaseRef, got: dict[UUID, date]
) -> tuple[tuple[Hearer, ...], dict[UUID, str]]:
    if not got:
        return (), {}
    wish = endings.TAKES_BACK
    entitled = await entitlement.recipients(session, case, wish.purpose, wish.channels)
    people = (await session.scalars(select(Guardian).where(Guardian.id.in_(got)))).all()
    names = {one.id: one.name for one in people}
    hears = tuple(
        Hearer(one.guardian_id, names[one.guardian_id], one.language, one.channel, got[one.guardian_id])
        for one in entitled.allowed
        if one.guardian_id in got
    )
    refused = entitled.unknown | entitled.withheld
    told = {one.guardian_id for one in hears}
    return hears, {guardian: refused.get(guardian, "not_linked") for guardian in got if guardian not in told}
