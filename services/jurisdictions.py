"""Which law of data protection holds for a school, and when its clocks end there."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from models.queries import calendar
from models.tenants import Tenant
from rules.privacy.regimes import Limit, Regime, due, limits_for, regime_of
from services import schools

LONGEST_IN_SCHOOL_DAYS = 40


@dataclass(frozen=True, slots=True)
class Clock:
    """Until when a request must be answered, under which regime, where that is written, and what nobody checked."""

    regime: Regime
    asked_on: date
    due_on: date
    cites: tuple[str, ...]
    unchecked: tuple[str, ...]


async def of_school(session: AsyncSession, school_id: UUID) -> str | None:
    """The school's own jurisdiction, else the tenant's, else its country."""
    found = (
        await session.execute(
            select(School.settings, Tenant.settings, Tenant.country)
            .join(Tenant, Tenant.id == School.tenant_id)
            .where(School.id == school_id)
        )
    ).one_or_none()
    if found is None:
        raise schools.unknown(school_id)
    mine, tenant, country = found
    said: str | None = mine.get("jurisdiction") or tenant.get("jurisdiction") or country
    return said


async def inspection_clock(session: AsyncSession, school_id: UUID, now: datetime) -> Clock:
    """The clock of a request to see the record, asked for now."""
    regime = regime_of(await of_school(session, school_id))
    school = await session.get(School, school_id)
    maintained = None if school is None else school.settings.get("maintained")
    return await _clock(session, school_id, regime, limits_for(regime, maintained=maintained), now)


async def amendment_clock(session: AsyncSession, school_id: UUID, now: datetime) -> Clock:
    """The clock of a request to put the record right, asked for now."""
    regime = regime_of(await of_school(session, school_id))
    return await _clock(session, school_id, regime, (regime.amendment_within,), now)


async def _clock(
    session: AsyncSession, school_id: UUID, regime: Regime, limits: tuple[Limit, ...], now: datetime
) -> Clock:
    asked_on = await calendar.local_date(session, school_id, now)
    after = asked_on + timedelta(days=1)
    days = await calendar.open_days_from(session, school_id, after, LONGEST_IN_SCHOOL_DAYS)
    unchecked = tuple(limit.cite for limit in limits if limit.checked_on is None)
    return Clock(regime, asked_on, due(limits, asked_on, days), tuple(limit.cite for limit in limits), unchecked)
