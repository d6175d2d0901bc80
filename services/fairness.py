"""The fairness page: whether some groups of students are reached more than others (safeguards.md section 12)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import fairness as queries
from models.queries.backtests import Span
from models.queries.fairness import Wait
from rules.errors import Invalid
from rules.fairness import Counts, Figures, Group, of_everybody, of_school, of_schools
from rules.small_cells import SMALLEST
from services import audit
from services.audit import Act
from services.context import Actor

LONGEST: Final = timedelta(days=400)
OPEN_KINDS: Final = ("year_group", "home_language")
THINGS: Final = ("ENTERED", "PROPOSED", "VETOED", "LETTER", "EXITED")
NOBODY: Final = Figures(Group("", 0, {}), [])


@dataclass(frozen=True, slots=True)
class Asked:
    """Whole months, both days included, and one school or (None) all of them."""

    first: date
    last: date
    school_id: UUID | None


@dataclass(frozen=True, slots=True)
class Kind:
    """The groups by one kind; `waits` has the median of days until a person decided, where enough were waited for."""

    by: str
    groups: Sequence[Group]
    waits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Page:
    """Everybody on roll in the span, and the groups by each kind of which there are at least two."""

    asked: Asked
    prepared_at: datetime
    everybody: Group
    kinds: Sequence[Kind]


async def drawn_up(session: AsyncSession, actor: Actor, asked: Asked, *, now: datetime) -> Page:
    """Count, hide what is about too few, and note who looked at which months."""
    _whole_months(asked, now)
    begin, end = _midnight(asked.first), _midnight(asked.last + timedelta(days=1))
    held = await queries.gather(session, Span(asked.first, asked.last, asked.first), begin, end)
    everybody, kinds = NOBODY.everybody, []
    for by in ([] if asked.school_id else ["school"]) + [*OPEN_KINDS, *held]:
        counts = await queries.counts(session, by, THINGS)
        figures = await asyncio.to_thread(_figures, counts, asked, by)
        kinds.append(_kind(by, figures, await queries.waits(session, asked.school_id)))
        everybody = figures.everybody
    span = {"first": asked.first.isoformat(), "last": asked.last.isoformat()}
    subject = ("tenant", actor.tenant_id) if asked.school_id is None else ("school", asked.school_id)
    await audit.record(session, actor, Act("read_fairness", *subject, after=span), now=now)
    return Page(asked, now, everybody, [kind for kind in kinds if len(kind.groups) > 1])


def _figures(counts: Counts, asked: Asked, by: str) -> Figures:
    if by == "school":
        return of_schools(counts)
    if asked.school_id is None:
        return of_everybody(counts)
    return of_school(counts, str(asked.school_id)) if str(asked.school_id) in counts.schools else NOBODY


def _kind(by: str, figures: Figures, waits: Mapping[str, Wait]) -> Kind:
    """A median tells of nobody once ten were waited for; a group that is hidden has none."""
    groups = [group for group in figures.groups if group.students != 0]
    told = {group.value for group in groups if group.students is not None}
    days = {value: wait.days for value, wait in waits.items() if value in told and wait.students >= SMALLEST}
    return Kind(by, groups, days)


def _whole_months(asked: Asked, now: datetime) -> None:
    """Spans that may begin and end on any day could be laid over each other until one student is left."""
    wrong: dict[str, str] = {}
    if asked.first.day != 1:
        wrong["query.from"] = "the first day of a month"
    if (asked.last + timedelta(days=1)).day != 1 or asked.last >= now.date():
        wrong["query.to"] = "the last day of a month that has ended"
    if not timedelta() < asked.last - asked.first <= LONGEST:
        wrong["query.to"] = f"after `from`, and at most {LONGEST.days} days after it"
    if wrong:
        raise Invalid("bad_span", "Fairness is counted over whole months that have ended.", fields=wrong)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
