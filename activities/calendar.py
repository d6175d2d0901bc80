"""School days and school weeks for the ladder's deadlines."""

from datetime import datetime

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from rules.ladder.follow_up import Week
from services import school_days
from workflows.ports.calendar import DayOrder, DeadlineOrder, Deadlines, WeekOrder


class CalendarActivities:
    """Reads the school's calendar; writes nothing."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def school_deadlines(self, order: DeadlineOrder) -> Deadlines:
        async with self._sessions.tenant(order.tenant_id) as session:
            found = await school_days.count(session, case_of(order), order.from_day, order.school_days)
        return Deadlines(counted_from=found.counted_from, days=found.days, instants=found.instants)

    @activity.defn
    async def start_of_day(self, order: DayOrder) -> datetime:
        async with self._sessions.tenant(order.tenant_id) as session:
            return await school_days.start_of(session, case_of(order), order.day)

    @activity.defn
    async def next_school_week(self, order: WeekOrder) -> Week:
        async with self._sessions.tenant(order.tenant_id) as session:
            week = await school_days.next_week(session, case_of(order), order.after)
        return Week(first=week.first, last=week.last, check_at=week.check_at)
