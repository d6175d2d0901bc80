"""The compliance report: what was done, by whom, within which time; what is open; and whether the trail is whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import compliance
from models.queries.compliance import Span
from rules import csv_lines
from rules.errors import Invalid
from rules.ids import SchoolId
from services.audit_verification import ChainReport

LONGEST: Final = timedelta(days=400)
NOBODY: Final = "Handrail"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which days (in UTC, both included) and which schools (None: all)."""

    first: date
    last: date
    school_ids: frozenset[SchoolId] | None


@dataclass(frozen=True, slots=True)
class Owed:
    """A step to decide on, or a task: since when, due when, and by whom and when it was done if it was."""

    kind: str
    what: str
    school: str
    who: str
    role: str
    since: date
    due_on: date | None
    done_on: date | None
    instance_id: UUID | None
    today: date

    @property
    def days(self) -> int:
        """How long it took, or has waited."""
        return ((self.done_on or self.today) - self.since).days

    @property
    def late_by(self) -> int:
        """Days after its due day; 0 when in time, or when nothing says by when."""
        return max(0, ((self.done_on or self.today) - self.due_on).days) if self.due_on else 0


@dataclass(frozen=True, slots=True)
class Tally:
    """One line of a table of counts."""

    name: str
    done: int
    late: int
    without_due: int
    median_days: float


@dataclass(frozen=True, slots=True)
class Compliance:
    """What the report rests on; `chain` is None when the trail was not verified for it."""

    wanted: Wanted
    prepared_at: datetime
    done: Sequence[Owed]
    open: Sequence[Owed]
    chain: ChainReport | None = None

    @property
    def late(self) -> list[Owed]:
        """What was done after its due day, the latest first."""
        return sorted((one for one in self.done if one.late_by), key=lambda one: -one.late_by)

    @property
    def overdue(self) -> list[Owed]:
        """What is open after its due day, the longest first."""
        return sorted((one for one in self.open if one.late_by), key=lambda one: -one.late_by)

    def verified(self, chain: ChainReport) -> "Compliance":
        """The same, with the state of the trail."""
        return replace(self, chain=chain)

    def by_kind(self) -> list[Tally]:
        """What was done, counted by what it was."""
        return _tallied(self.done, lambda one: one.what)

    def by_person(self) -> list[Tally]:
        """What was done, counted by who did it."""
        return _tallied(self.done, lambda one: f"{one.who}, {one.role.replace('_', ' ')}" if one.role else one.who)


async def drawn_up(session: AsyncSession, wanted: Wanted, *, now: datetime) -> Compliance:
    """Read what was done in the span, and what is open now."""
    if not timedelta() <= wanted.last - wanted.first <= LONGEST:
        days = {"query.to": f"not before `from`, and at most {LONGEST.days} days after it"}
        raise Invalid("bad_span", "The days of the report are the wrong way round, or too many.", fields=days)
    span = Span(_midnight(wanted.first), _midnight(wanted.last + timedelta(days=1)), wanted.school_ids)
    steps, tasks = await compliance.decided(session, span), await compliance.done(session, span)
    waiting, unfinished = await compliance.waiting(session, span), await compliance.unfinished(session, span)
    done = [*(_step(row, now) for row in steps), *(_task(row, now) for row in tasks)]
    left = [*(_step(row, now) for row in waiting), *(_task(row, now) for row in unfinished)]
    return Compliance(wanted, now, done, left)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _step(row: Row[Any], now: datetime) -> Owed:
    step, zone = row.Proposal, ZoneInfo(row.timezone)
    decided = step.decided_at is not None
    return Owed(
        kind="step",
        what=_step_name(step.stage_type, step.stage_key),
        school=row.name,
        who=row.display_name or (NOBODY if decided else ""),
        role=step.decided_role or "",
        since=step.proposed_at.astimezone(zone).date(),
        due_on=step.due_on,
        done_on=step.decided_at.astimezone(zone).date() if decided else None,
        instance_id=step.instance_id,
        today=now.astimezone(zone).date(),
    )


def _task(row: Row[Any], now: datetime) -> Owed:
    task, zone = row.Task, ZoneInfo(row.timezone or "UTC")
    return Owed(
        kind="task",
        what=f"Task: {_said(task.kind).lower()}",
        school=row.name or "",
        who=row.display_name or (NOBODY if task.done_at else ""),
        role=task.role or "",
        since=task.created_at.astimezone(zone).date(),
        due_on=task.due_on,
        done_on=task.done_at.astimezone(zone).date() if task.done_at else None,
        instance_id=task.instance_id,
        today=now.astimezone(zone).date(),
    )


def _step_name(kind: str, key: str) -> str:
    """`Letter 1`, with the stage's own key where that says more."""
    name, own = _said(kind), _said(key)
    return name if name == own else f"{name}: {own.lower()}"


def _said(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


def _tallied(owed: Sequence[Owed], named: Callable[[Owed], str]) -> list[Tally]:
    groups: dict[str, list[Owed]] = {}
    for one in owed:
        groups.setdefault(named(one), []).append(one)
    return [
        Tally(
            name,
            len(group),
            sum(1 for one in group if one.late_by),
            sum(1 for one in group if one.due_on is None),
            float(median(one.days for one in group)),
        )
        for name, group in sorted(groups.items())
    ]


COLUMNS: Final = (
    "state", "kind", "what", "school", "who", "role", "since", "due_on", "done_on", "days", "late_by", "instance_id",
)  # fmt: skip


def csv(report: Compliance) -> Iterator[str]:
    """The report as lines of CSV: what was done, what is open, then the state of the trail."""
    yield csv_lines.line(COLUMNS)
    for state, owed in (("done", report.done), ("open", report.open)):
        yield from (csv_lines.line((state, *(getattr(one, name) for name in COLUMNS[1:]))) for one in owed)
    chain = report.chain
    if chain is None:
        return
    yield csv_lines.line(("trail", "verification", "whole" if chain.whole else "touched", *[None] * 9))
    yield csv_lines.line(("trail", "unsealed", chain.unsealed, *[None] * 9))
    for found in chain.findings:
        yield csv_lines.line(
            ("trail", "fault", f"{found.fault} {found.position or ''} {found.entry_id or ''}", *[None] * 9)
        )
