"""Batches in SQL: the proposals of a school, stage and day, those of the days before, and what their students share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.breakers import ABSENT

ABSENCES_OF_DAYS: Final = 30
# One at a time for a school and stage: otherwise two that propose together would both count too few.
ALONE = text("select pg_advisory_xact_lock(hashtextextended('batch:' || cast(:school as text) || :stage, 0))")
OF_STAGE = """
from proposal p join instance i on i.id = p.instance_id join school h on h.id = i.lead_school_id
where i.lead_school_id = :school and p.stage_key = :stage and p.kind = 'STEP' and p.status <> 'SUPERSEDED'
"""
COUNTS = text(f"""
select (p.proposed_at at time zone h.timezone)::date as day, count(distinct p.instance_id) as many
{OF_STAGE} and p.instance_id <> :but and p.proposed_at >= :since group by 1
""")
HELD_DAYS = text("""
select date from breaker where kind = 'BATCH' and status = 'OPEN' and school_id = :school and stage_key = :stage
""")
MEMBERS = text(f"""
select i.student_id, i.digest, p.basis -> 'fired' ->> 0 as condition
{OF_STAGE} and (p.proposed_at at time zone h.timezone)::date = :day
""")
ABSENCES = text(f"""
select f.date, count(distinct f.student_id) as many from session_fact f
where f.school_id = :school and f.student_id = any(cast(:students as uuid[])) and f.known_to = 'infinity'
    and f.status in {ABSENT} and f.date > cast(:day as date) - {ABSENCES_OF_DAYS} and f.date <= :day
group by f.date
""")
CORRECTED = text("""
select count(distinct f.student_id) from session_fact f
where f.school_id = :school and f.student_id = any(cast(:students as uuid[])) and f.date <= :before
    and (f.known_from > :since or (f.known_to > :since and f.known_to < 'infinity'))
""")
PASSES = text("""
select date, max(known_at) as known_at, array_agg(distinct digest) as digests from nightly_run
where school_id = :school group by date order by date desc limit 2
""")
OTHER_DAYS = text("""
select exists (select from nightly_run where school_id = :school and digest = :digest and date < :day)
""")


@dataclass(frozen=True, slots=True)
class Where:
    """A school, one of its stages, and a local day."""

    school_id: UUID
    stage_key: str
    day: date

    @property
    def asked(self) -> dict[str, Any]:
        """As the statements take it."""
        return {"school": self.school_id, "stage": self.stage_key, "day": self.day}


async def alone(session: AsyncSession, where: Where) -> None:
    """Wait until nobody else counts this stage's proposals; until this transaction ends nobody else does."""
    await session.execute(ALONE, {"school": where.school_id, "stage": where.stage_key})


async def counts(session: AsyncSession, where: Where, since: datetime, *, but: UUID) -> dict[date, int]:
    """Proposals of the stage by local day, without those of one instance."""
    asked = {"school": where.school_id, "stage": where.stage_key, "since": since, "but": but}
    return {row.day: row.many for row in await session.execute(COUNTS, asked)}


async def held_days(session: AsyncSession, where: Where) -> frozenset[date]:
    """The days whose batch of this stage waits for a leader."""
    asked = {"school": where.school_id, "stage": where.stage_key}
    return frozenset(await session.scalars(HELD_DAYS, asked))


async def members(session: AsyncSession, where: Where) -> Sequence[Any]:
    """Student, rule-set digest and first fired condition of each proposal of the batch."""
    return (await session.execute(MEMBERS, where.asked)).all()


async def absences(session: AsyncSession, where: Where, students: Sequence[UUID]) -> dict[date, int]:
    """On which of the last thirty days how many of these students were absent."""
    asked = {"school": where.school_id, "day": where.day, "students": list(students)}
    return {row.date: row.many for row in await session.execute(ABSENCES, asked)}


async def passes(session: AsyncSession, school_id: UUID) -> Sequence[Any]:
    """The last two days the school was evaluated for, the latest first."""
    return (await session.execute(PASSES, {"school": school_id})).all()


async def corrected(session: AsyncSession, where: Where, students: Sequence[UUID], before: Any) -> int:
    """Of how many of these students a day of an earlier pass has been changed since that pass."""
    asked = {"school": where.school_id, "students": list(students), "before": before.date, "since": before.known_at}
    return int(await session.scalar(CORRECTED, asked) or 0)


async def evaluated_before(session: AsyncSession, school_id: UUID, digest: str, day: date) -> bool:
    """Whether a version was run at the school for an earlier day."""
    return bool(await session.scalar(OTHER_DAYS, {"school": school_id, "digest": digest, "day": day}))
