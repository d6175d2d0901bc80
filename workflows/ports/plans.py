"""Port: open a support plan for staff and family to write."""

from datetime import date
from uuid import UUID

from temporalio import activity

from rules.ladder.stages import Stage
from workflows.ports.common import Order, PortModel


class PlanStageOrder(Order):
    """The PLAN rung; to be agreed within `stage.within_school_days`."""

    stage: Stage


class OpenedPlan(PortModel):
    """The empty plan, and the local day until which it should be agreed."""

    plan_id: UUID
    due: date


@activity.defn
async def open_plan(order: PlanStageOrder) -> OpenedPlan:
    """Open the plan and the task to write it. Once per key; the signal `plan_agreed` tells that it is agreed."""
    raise NotImplementedError(order)
