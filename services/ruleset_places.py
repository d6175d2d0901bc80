"""Where and when a rule set is law: at which of a tenant's schools, and on which days."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from models.tenants import Tenant
from rules.rulesets.model import RuleSet
from rules.rulesets.problems import Problem
from rules.rulesets.scope import governs, in_effect, place_problems, reaches_school, time_problems
from services import jurisdictions


async def problems(session: AsyncSession, content: RuleSet, today: date) -> list[Problem]:
    """Why a rule set may not be put in force here and now; empty for one that claims no law."""
    return [*time_problems(content, today), *place_problems(content, await _places(session, content))]


async def opens(session: AsyncSession, content: RuleSet, school_id: UUID, on: date) -> bool:
    """Whether the rule set may start a case at a school on a day: in its scope, its place and its time."""
    if not reaches_school(content.scope, school_id) or not in_effect(content, on):
        return False
    return content.jurisdiction is None or governs(
        content.jurisdiction, await jurisdictions.of_school(session, school_id)
    )


async def _places(session: AsyncSession, content: RuleSet) -> list[tuple[str, str | None]]:
    """Every school in the scope with its jurisdiction; of a tenant without schools, the tenant."""
    if content.jurisdiction is None:
        return []
    schools = (await session.execute(select(School.id, School.name).order_by(School.name, School.id))).all()
    found = [
        (name, await jurisdictions.of_school(session, school_id))
        for school_id, name in schools
        if reaches_school(content.scope, school_id)
    ]
    if found or schools:
        return found
    tenants = (await session.scalars(select(Tenant))).all()
    return [(tenant.name, tenant.settings.get("jurisdiction") or tenant.country) for tenant in tenants]
