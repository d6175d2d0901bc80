"""Suspect days: the register of each school is measured before anything is decided on it (safeguards.md section 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import breakers as queries
from models.queries.breakers import DayRow
from rules.breakers.days import DayCause, Judging, SchoolDay, Suspicion, another, judged
from rules.breakers.limits import HISTORY_DAYS, Limits
from services import breakers, tenant_settings
from services.breakers import BreakerKind, Tripped
from services.context import Actor


@dataclass(frozen=True, slots=True)
class _Watch:
    """What one school's days are measured with: its last run, its evaluation date, and what is counted anew.

    `counted` maps the days of this pass to what they came to before; None for a day never counted.
    """

    limits: Limits
    since: date | None
    last: date
    counted: Mapping[date, SchoolDay | None]

    def new(self, day: date) -> bool:
        """Whether nothing has been decided on the day yet. The past of a first import is history: no day of it is."""
        return day == self.last or (self.since is not None and day > self.since)

    def looks_at(self, row: DayRow, day: SchoolDay) -> bool:
        """Days that are held, new ones, and old ones that a correction has made another."""
        if row.status == "OPEN":
            return True
        if row.date not in self.counted:
            return False
        was = self.counted[row.date]
        return self.new(row.date) if was is None else another(day, was.absent_share, was.complete)


async def judge(
    session: AsyncSession, actor: Actor, lasts: Mapping[UUID, date], *, known_at: datetime, now: datetime
) -> int:
    """Count what changed in the last school-days up to each school's date, then trip and clear; how many tripped."""
    limits = await tenant_settings.breaker_limits(session, actor.tenant_id)
    rows = await queries.days(session, lasts, HISTORY_DAYS + 1 + HISTORY_DAYS)
    new = [row for row in rows if not row.counted]
    if new:
        await queries.measure(session, [(row.school_id, row.date) for row in new], known_at)
        rows = await queries.days(session, lasts, HISTORY_DAYS + 1 + HISTORY_DAYS)
    since = await queries.last_runs(session, list(lasts))
    tripped = 0
    for school_id, days in groupby(rows, key=lambda row: row.school_id):
        counted = {row.date: school_day(row) if row.sums else None for row in new if row.school_id == school_id}
        watch = _Watch(limits, since.get(school_id), lasts[school_id], counted)
        tripped += await _school(session, actor, list(days), watch, now)
    return tripped


async def _school(session: AsyncSession, actor: Actor, rows: Sequence[DayRow], watch: _Watch, now: datetime) -> int:
    """In order, for a day under suspicion is no measure of those after it."""
    days = [school_day(row) for row in rows]
    suspect = {row.date for row in rows if row.status == "OPEN"}
    tripped = 0
    for at, row in enumerate(rows):
        if at < len(rows) - HISTORY_DAYS - 1 or not watch.looks_at(row, days[at]):
            continue
        before = [day for day in days[max(0, at - HISTORY_DAYS) : at] if day.students and day.day not in suspect]
        unproven = watch.since is None and row.date == watch.last
        wants_complete = watch.new(row.date) or row.status == "OPEN"
        found = judged(days[at], Judging(watch.limits, before, unproven, wants_complete))
        suspect -= {row.date}
        if found and await _tripped(session, actor, row, found, now):
            tripped += row.status != "OPEN"
            suspect |= {row.date}
        elif row.status == "OPEN" and row.breaker_id:
            await breakers.clear(session, actor, row.breaker_id, now=now)
    return tripped


async def _tripped(session: AsyncSession, actor: Actor, row: DayRow, found: Suspicion, now: datetime) -> bool:
    """Whether the day is held now: a released one only if it has become another than the one released."""
    if row.status == "OPEN":
        return True
    if row.status == "RELEASED":
        was = suspicion(row.facts)
        if not another(school_day(row), was.absent_share, was.complete):
            return False
    what = Tripped(BreakerKind.SUSPECT_DAY, row.school_id, row.date, cause=found.cause, facts=_kept(found))
    await breakers.trip(session, actor, what, now=now)
    return True


def school_day(row: DayRow) -> SchoolDay:
    """A counted row as the rules take it."""
    return SchoolDay(
        day=row.date,
        students=row.sums.get("students", 0),
        scheduled=row.sums.get("scheduled", 0),
        taken=row.sums.get("marked", 0),
        possible=row.sums.get("possible", 0),
        absent=row.sums.get("absent", 0),
        absent_codes=row.counts.get("absent", {}),
        attended_codes=row.counts.get("attended", {}),
        unmapped=row.counts.get("unmapped", {}),
        classes=[(possible, absent) for possible, absent in row.counts.get("classes", [])],
    )


def _kept(found: Suspicion) -> dict[str, Any]:
    shares = {name: str(getattr(found, name)) for name in ("absent_share", "limit", "usual", "complete", "of_jump")}
    return {**shares, "code": found.code, "classes": found.classes}


def suspicion(facts: Mapping[str, Any]) -> Suspicion:
    """What a suspect day's breaker keeps, as it was judged."""
    shares = {name: Fraction(facts[name]) for name in ("absent_share", "limit", "usual", "complete", "of_jump")}
    return Suspicion(cause=DayCause(facts["cause"]), code=facts["code"], classes=facts["classes"], **shares)
