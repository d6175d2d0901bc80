"""A backtest over the register: plan, school after school, then the figures; a person may cancel it at any time."""

import asyncio
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from rules.ids import SchoolId, TenantId
from rules.rulesets.backtests import BacktestStatus
from workflows.ports.backtests import (
    BacktestOrder,
    FailOrder,
    SchoolOrder,
    fail_backtest,
    plan_backtest,
    sum_up_backtest,
    walk_backtest_school,
)
from workflows.retry import NIGHTLY, READ, RECORD, shown

UNFINISHED = "It could not be carried out for hours; ask whoever runs this installation to look at the worker's log."


class BacktestStart(BaseModel):
    """The row that was stored before."""

    model_config = ConfigDict(frozen=True)

    tenant_id: TenantId
    backtest_id: UUID


@workflow.defn(name="Backtest")
class Backtest:
    """PostgreSQL says whether it still goes: whatever runs late writes nothing once it has ended there."""

    @workflow.init
    def __init__(self, start: BacktestStart) -> None:
        self._start = start
        self._cancelled = False

    @workflow.run
    async def run(self, start: BacktestStart) -> str:  # noqa: ARG002 - Temporal gives it to both
        """How it ended. Cancelled, it leaves what runs to find that out by itself."""
        replaying = asyncio.create_task(self._replayed())
        await workflow.wait_condition(lambda: self._cancelled or replaying.done())
        if replaying.done():
            return await replaying
        replaying.cancel()
        with suppress(asyncio.CancelledError, ActivityError):
            await replaying
        return BacktestStatus.CANCELLED.value

    @workflow.signal
    def cancel(self) -> None:
        """The row says already that it was cancelled."""
        self._cancelled = True

    async def _replayed(self) -> str:
        try:
            return await self._walked()
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            problem = FailOrder(**self._asking(), problem=_said(error))
            ended = await workflow.execute_activity(fail_backtest, args=[problem], **shown(RECORD, "failed"))
            return ended.status

    async def _walked(self) -> str:
        order = BacktestOrder(**self._asking())
        plan = await workflow.execute_activity(plan_backtest, args=[order], **shown(READ, "plan"))
        going = plan.going
        for number, school_id in enumerate(plan.schools):
            if not going:
                break
            going = await self._school(school_id, f"school {number + 1} of {len(plan.schools)}")
        order = BacktestOrder(**self._asking())
        ended = await workflow.execute_activity(sum_up_backtest, args=[order], **shown(NIGHTLY, "figures"))
        return ended.status

    async def _school(self, school_id: SchoolId, summary: str) -> bool:
        order = SchoolOrder(**self._asking(), school_id=school_id)
        walked = await workflow.execute_activity(walk_backtest_school, args=[order], **shown(NIGHTLY, summary))
        return walked.going

    def _asking(self) -> dict[str, TenantId | UUID | datetime]:
        return {
            "tenant_id": self._start.tenant_id,
            "backtest_id": self._start.backtest_id,
            "now": workflow.now(),
        }


def _said(error: ActivityError) -> str:
    """What a person can do something about; everything else stays in the log."""
    cause = error.cause
    return cause.message if isinstance(cause, ApplicationError) and cause.non_retryable else UNFINISHED
