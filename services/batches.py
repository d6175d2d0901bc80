"""Batches: more proposals of a stage in one day than usual are held for a leader, with what they share named."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Breaker
from models.queries import arrival, batches
from models.queries import breakers as days
from models.queries.batches import Where
from rules.breakers.batches import Batch, Common, batch_limit, common_cause
from rules.breakers.limits import HISTORY_DAYS, median
from services import breakers, school_days, tenant_settings
from services.breakers import BreakerKind, Tripped
from services.context import CaseRef
from services.suspect_days import school_day


@dataclass(frozen=True, slots=True)
class Held:
    """A held batch as it stands now: how many, how many would have passed, and what they have in common."""

    count: int
    limit: Fraction
    common: Common


async def look(session: AsyncSession, case: CaseRef, stage_key: str) -> bool:
    """Whether the batch that this case's proposal joins is held; it trips with the first proposal too many."""
    where = Where(case.school_id, stage_key, await school_days.today(session, case))
    await batches.alone(session, where)
    found = await _limit(session, case, where)
    count = found.today + 1
    row = await _row(session, where)
    if row is not None and row.status == "OPEN":
        return True
    seen = int(row.facts.get("released_at_count", 0)) if row is not None else 0
    if count <= found.limit + seen:
        return False
    common = await _common(session, where)
    facts = {"limit": str(found.limit)}
    what = Tripped(BreakerKind.BATCH, case.school_id, where.day, stage_key, common.cause, facts)
    await breakers.trip(session, case.actor, what, now=case.now)
    return True


@dataclass(frozen=True, slots=True)
class _Found:
    """The proposals of other cases so far today, and the most that pass."""

    today: int
    limit: Fraction


async def _limit(session: AsyncSession, case: CaseRef, where: Where) -> _Found:
    limits = await tenant_settings.breaker_limits(session, case.tenant_id)
    yesterday = where.day - timedelta(days=1)
    before = await arrival.latest_open_days(session, where.school_id, yesterday, HISTORY_DAYS)
    first = min([*before, where.day])
    since = await school_days.start_of(session, case, first)
    counts = await batches.counts(session, where, since, but=case.instance_id)
    held = await batches.held_days(session, where)
    history = [counts.get(day, 0) for day in before if day not in held]
    return _Found(counts.get(where.day, 0), batch_limit(history, limits))


async def _row(session: AsyncSession, where: Where) -> Breaker | None:
    wanted = select(Breaker).where(
        Breaker.kind == BreakerKind.BATCH,
        Breaker.school_id == where.school_id,
        Breaker.stage_key == where.stage_key,
        Breaker.date == where.day,
    )
    return (await session.scalars(wanted)).one_or_none()


async def held(session: AsyncSession, row: Breaker) -> Held:
    """What a leader sees of a held batch."""
    where = _where(row)
    members = await batches.members(session, where)
    return Held(len(members), Fraction(row.facts["limit"]), await _common(session, where))


def _where(row: Breaker) -> Where:
    assert row.school_id is not None
    assert row.stage_key is not None
    assert row.date is not None
    return Where(row.school_id, row.stage_key, row.date)


async def _common(session: AsyncSession, where: Where) -> Common:
    members = await batches.members(session, where)
    if not members:
        return common_cause(Batch(0))
    students = [one.student_id for one in members]
    passes = await batches.passes(session, where.school_id)
    digests = Counter(one.digest for one in members)
    leading = digests.most_common(1)[0][0]
    new = bool(passes) and not await batches.evaluated_before(session, where.school_id, leading, passes[0].date)
    corrected = await batches.corrected(session, where, students, passes[1]) if len(passes) > 1 else 0
    absent_on = await batches.absences(session, where, students)
    return common_cause(
        Batch(
            students=len(students),
            first_evaluation=len(passes) == 1,
            new_version=len(passes) > 1 and new,
            corrected=corrected,
            absent_on=absent_on,
            shares=await _shares(session, where, absent_on),
            conditions=Counter(one.condition for one in members if one.condition),
        )
    )


async def _shares(
    session: AsyncSession, where: Where, wanted: Mapping[date, Any]
) -> dict[date, tuple[Fraction, Fraction]]:
    """The whole school's absent share of these days, and the median of all that were counted lately."""
    rows = await days.days(session, {where.school_id: where.day}, 2 * HISTORY_DAYS)
    counted = {row.date: school_day(row).absent_share for row in rows if row.counted}
    usual = median(list(counted.values()))
    return {day: (counted[day], usual) for day in wanted if day in counted}
