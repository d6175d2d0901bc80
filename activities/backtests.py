"""A backtest over the register: planned, walked school by school on a thread, summed up."""

from temporalio import activity

from models.session import Sessions
from rules.ids import SchoolId
from services import backtest_walks
from services.backtest_walks import Asked, Threaded
from services.context import Actor, system
from workflows.ports.backtests import BacktestOrder, BacktestPlan, Ended, FailOrder, SchoolOrder, SchoolWalked


class BacktestActivities:
    """Short transactions; the arithmetic of some students at a time runs on a thread."""

    def __init__(self, sessions: Sessions, run: Threaded) -> None:
        self._sessions = sessions
        self._run = run

    @activity.defn
    async def plan_backtest(self, order: BacktestOrder) -> BacktestPlan:
        async with self._sessions.tenant(order.tenant_id) as session:
            found = await backtest_walks.plan(session, order.backtest_id, now=order.now)
        return BacktestPlan(going=found is not None, schools=tuple(map(SchoolId, found or ())))

    @activity.defn
    async def walk_backtest_school(self, order: SchoolOrder) -> SchoolWalked:
        asked = Asked(order.backtest_id, order.school_id)
        going = await backtest_walks.walk_school(self._sessions, _actor(order), asked, self._run, now=order.now)
        return SchoolWalked(going=going)

    @activity.defn
    async def sum_up_backtest(self, order: BacktestOrder) -> Ended:
        async with self._sessions.tenant(order.tenant_id) as session:
            ended = await backtest_walks.sum_up(session, _actor(order), order.backtest_id, now=order.now)
        return Ended(status=ended.value)

    @activity.defn
    async def fail_backtest(self, order: FailOrder) -> Ended:
        async with self._sessions.tenant(order.tenant_id) as session:
            ended = await backtest_walks.give_up(
                session, _actor(order), order.backtest_id, order.problem, now=order.now
            )
        return Ended(status=ended.value)


def _actor(order: BacktestOrder) -> Actor:
    return system(order.tenant_id, "workflow", activity.info().workflow_id or "backtest")
