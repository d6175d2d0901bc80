"""Port: the exit, its weekly checks, and the figures at the end."""

from datetime import date, datetime

from temporalio import activity

from rules.ladder.follow_up import WeekFinding
from workflows.ports.common import Done, Order, PortModel


class ExitOrder(Order):
    """The confirmed exit."""

    stop_key: str | None


class WeekCheckOrder(Order):
    """The week to judge against the rule set's `relapse`; `again` = after a correction."""

    digest: str
    first: date
    last: date
    again: bool


class FiguresOrder(Order):
    """The follow-up that ended clean."""

    opened_at: datetime | None
    through: date | None


class Figures(PortModel):
    """Attendance in basis points (9412 = 94.12 %) in equal windows of school days before the case and in the follow-
    up; None = unknown.
    """

    before: int | None
    after: int | None
    school_days: int


@activity.defn
async def tell_family_of_exit(order: ExitOrder) -> Done:
    """The warm letter to every entitled guardian, by the letter pipeline with its own sub-keys. Withheld ones are
    recorded, not raised.
    """
    raise NotImplementedError(order)


@activity.defn
async def check_week(order: WeekCheckOrder) -> WeekFinding:
    """Possible sessions of the student in the week, and whether `relapse` holds on its last school day, with the basis.

    Writes its own evaluation row by the same SQL. Once per key; `relapse` None if unknown.
    """
    raise NotImplementedError(order)


@activity.defn
async def completed_figures(order: FiguresOrder) -> Figures:
    """Attendance before and after, stored with the instance; shown beside untreated students, never called causal.
    Reads and one row.
    """
    raise NotImplementedError(order)
