"""What a workflow needs to start, or to go on after it was lost: the instance row, which always comes first."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance
from models.rulesets import RuleSetVersion
from models.tenants import Tenant
from rules.errors import NotFound
from rules.ladder.stages import LadderSnapshot
from rules.rulesets.ruleset import ladder_snapshot
from services.pinned import ruleset_of


@dataclass(frozen=True, slots=True)
class Starting:
    """One instance as its workflow starts: the tenant's settings, pinned for this walk, and how far it came before."""

    tenant_id: UUID
    school_id: UUID
    student_id: UUID
    instance_id: UUID
    case_id: UUID
    school_year: str
    evaluation_id: UUID | None
    closed: bool
    ladder: LadderSnapshot
    settings: dict[str, object]
    state: dict[str, Any] | None = None


async def starting(session: AsyncSession, instance_id: UUID) -> Starting:
    """Read one instance; NotFound if this tenant has none of that id."""
    found = (
        await session.execute(
            select(Instance, RuleSetVersion.version, Tenant.settings)
            .join(RuleSetVersion, RuleSetVersion.id == Instance.rule_set_version_id)
            .join(Tenant, Tenant.id == Instance.tenant_id)
            .where(Instance.id == instance_id)
        )
    ).one_or_none()
    if found is None:
        raise NotFound("instance_not_found", f"There is no instance {instance_id} here.")
    instance, version, settings = found
    ruleset = await ruleset_of(session, instance.digest)
    return Starting(
        tenant_id=instance.tenant_id,
        school_id=instance.lead_school_id,
        student_id=instance.student_id,
        instance_id=instance.id,
        case_id=instance.case_id,
        school_year=instance.school_year,
        evaluation_id=instance.entry_evaluation_id,
        closed=instance.closed_at is not None,
        ladder=ladder_snapshot(ruleset, version),
        settings=settings.get("ladder", {}),
        state=instance.state,
    )
