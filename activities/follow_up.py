"""The exit, its weekly checks, and the figures at the end."""

from temporalio import activity

from activities.boundary import case_of
from rules.ladder.follow_up import WeekFinding
from services import follow_up
from services.means import Means
from workflows.ports.common import Done
from workflows.ports.follow_up import ExitOrder, Figures, FiguresOrder, WeekCheckOrder


class FollowUpActivities:
    """A warm letter, then what became of it."""

    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn
    async def tell_family_of_exit(self, order: ExitOrder) -> Done:
        await follow_up.tell_family(self._means, case_of(order))
        return Done()

    @activity.defn
    async def check_week(self, order: WeekCheckOrder) -> WeekFinding:
        async with self._means.sessions.tenant(order.tenant_id) as session:
            return await follow_up.check_week(session, case_of(order), order.digest, order.first, order.last)

    @activity.defn
    async def completed_figures(self, order: FiguresOrder) -> Figures:
        async with self._means.sessions.tenant(order.tenant_id) as session:
            found = await follow_up.figures(session, case_of(order), order.opened_at, order.through)
        return Figures(before=found.before, after=found.after, school_days=found.school_days)
