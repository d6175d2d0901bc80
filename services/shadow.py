"""Shadow mode: a candidate version is evaluated nightly beside the one in force; nothing starts by it (rules.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.keyset import Window, paged
from models.rulesets import RuleSetVersion, ShadowDifference, ShadowNight
from models.students import Student
from rules.errors import Conflict
from rules.rulesets.explanation import Wording, explain
from rules.rulesets.facts import NO_FACTS
from rules.rulesets.messages import SOURCE
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.recorded import sentence
from services import rulesets
from services.context import Actor
from services.governed import MoveVersion
from services.pinned import ruleset_of
from services.rulesets import RULE_SETS, Version
from services.scopes import Scope

CANDIDATES: Final = ("IN_REVIEW", "APPROVED")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which nights or students: within the caller's reach, perhaps of one day or with one change."""

    version_id: UUID
    scope: Scope
    on: date | None = None
    change: str | None = None


@dataclass(frozen=True, slots=True)
class Differs:
    """One student for whom a candidate and the version in force differ, and why by the candidate."""

    row: ShadowDifference
    student: Student
    sentence: str


async def begin(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> Version:
    """Put a candidate into the shadow of the version in force, from the next night on."""
    found = await rulesets.get(session, command.version_id, lock=True)
    if found.row.status not in CANDIDATES:
        status = found.row.status
        raise Conflict(
            "ruleset_state",
            f"Version {found.row.id} is {status}; a shadow is for one that is in review or approved.",
            status=status,
        )
    await _set(session, actor, found.row, now, command.reason, now=now)
    return found


async def end(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> Version:
    """Take a version out of the shadow; what its nights said stays to be read."""
    found = await rulesets.get(session, command.version_id, lock=True)
    await _set(session, actor, found.row, None, command.reason, now=now)
    return found


async def _set(
    session: AsyncSession, actor: Actor, row: RuleSetVersion, since: datetime | None, reason: str, *, now: datetime
) -> None:
    if (row.shadow_since is None) is (since is None):
        stands = "is not in shadow" if since is None else f"is in shadow since {row.shadow_since}"
        raise Conflict("ruleset_state", f"Version {row.id} {stands}.", status=row.status)
    row.shadow_since, row.reason = since, reason
    await session.flush()
    await RULE_SETS.record(session, actor, row, "begin_shadow" if since else "end_shadow", now=now)


async def nights(session: AsyncSession, asked: Asked, window: Window) -> Sequence[ShadowNight]:
    """A page of what the nights came to, school by school, the latest first."""
    await rulesets.get(session, asked.version_id)
    wanted = select(ShadowNight).where(ShadowNight.version_id == asked.version_id)
    if asked.scope.school_ids is not None:
        wanted = wanted.where(ShadowNight.school_id.in_(asked.scope.school_ids))
    if asked.on is not None:
        wanted = wanted.where(ShadowNight.date == asked.on)
    return (await session.scalars(paged(wanted, (ShadowNight.id,), window))).all()


async def students(session: AsyncSession, asked: Asked, window: Window, language: str = SOURCE) -> Sequence[Differs]:
    """A page of the students who differ on a night, by default the latest of each school, each with the reason."""
    version = await rulesets.get(session, asked.version_id)
    differs = ShadowDifference
    wanted = select(differs, Student).join(Student, Student.id == differs.student_id)
    wanted = wanted.where(differs.version_id == asked.version_id, Student.deleted_at.is_(None))
    wanted = wanted.where(*asked.scope.rows(differs.school_id, differs.student_id))
    if asked.change is not None:
        wanted = wanted.where(differs.change == asked.change)
    night = select(func.max(ShadowNight.date)).where(
        ShadowNight.version_id == differs.version_id, ShadowNight.school_id == differs.school_id
    )
    wanted = wanted.where(differs.date == (night.scalar_subquery() if asked.on is None else asked.on))
    ruleset = await ruleset_of(session, version.row.digest)
    rows = await session.execute(paged(wanted, (differs.id,), window))
    return [Differs(row, student, _why(ruleset, row, language)) for row, student in rows]


def _why(ruleset: RuleSet, row: ShadowDifference, language: str) -> str:
    """What the candidate's entry comes to; nothing where its scope leaves the student out."""
    if not row.metrics:
        return ""
    metrics = {MetricKey.parse(name): value for name, value in row.metrics.items()}
    return sentence(explain(ruleset.entry, metrics, NO_FACTS, Wording(language)))
