"""Port: school days and school weeks, resolved to dates and instants; holidays and closures move them."""

from datetime import date, datetime

from temporalio import activity

from rules.ladder.follow_up import Week
from workflows.ports.common import Order, PortModel


class DeadlineOrder(Order):
    """For each n of `school_days`: the nth school day after `from_day` (None = the school's local date of `now`)."""

    from_day: date | None
    school_days: tuple[int, ...]


class DayOrder(Order):
    """A local calendar day to turn into an instant."""

    day: date


class Deadlines(PortModel):
    """`days[i]` and its start at the school (00:00 local, aware UTC) `instants[i]`; `counted_from` = the day counted
    from.
    """

    counted_from: date
    days: tuple[date, ...]
    instants: tuple[datetime, ...]


class WeekOrder(Order):
    """The next school week that lies wholly after `after` (None = after the local date of `now`)."""

    after: date | None


@activity.defn
async def school_deadlines(order: DeadlineOrder) -> Deadlines:
    """Count open school days in the school's calendar (into the next year's if it is loaded); reads only.

    0 = the first open day on or after `from_day`. No calendar: DomainError `no_calendar`, the case parks and says so.
    """
    raise NotImplementedError(order)


@activity.defn
async def start_of_day(order: DayOrder) -> datetime:
    """00:00 of a local date at the school, as an aware UTC instant; reads only."""
    raise NotImplementedError(order)


@activity.defn
async def next_school_week(order: WeekOrder) -> Week:
    """The next Monday-Sunday week that begins after `after` and has an open session for which the student is
    enrolled; reads only.

    `check_at` = when that week's registers can be judged: the start of the Tuesday after it (feeds arrive on Monday).
    """
    raise NotImplementedError(order)
