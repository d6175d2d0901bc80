"""Port: one backtest over the register of a school or a tenant."""

from datetime import datetime
from uuid import UUID

from temporalio import activity

from rules.ids import SchoolId, TenantId
from workflows.ports.common import PortModel


class BacktestOrder(PortModel):
    """Base: which backtest, and the workflow's time."""

    tenant_id: TenantId
    backtest_id: UUID
    now: datetime


class SchoolOrder(BacktestOrder):
    """One school of it."""

    school_id: SchoolId


class FailOrder(BacktestOrder):
    """Why it cannot come to an end; never a name."""

    problem: str


class BacktestPlan(PortModel):
    """The schools to walk, in order; `going` is false where it has ended already."""

    going: bool
    schools: tuple[SchoolId, ...] = ()


class SchoolWalked(PortModel):
    """Whether the backtest still goes."""

    going: bool


class Ended(PortModel):
    """How it ended, in the word of its row."""

    status: str


@activity.defn
async def plan_backtest(order: BacktestOrder) -> BacktestPlan:
    """Mark it as running and count whom it will walk. Safe to repeat."""
    raise NotImplementedError(order)


@activity.defn
async def walk_backtest_school(order: SchoolOrder) -> SchoolWalked:
    """Walk every student of the school who has no walk yet, some at a time, each some in one transaction.

    Safe to repeat: a second run finds what the first one wrote. Stops by itself when the backtest has ended.
    """
    raise NotImplementedError(order)


@activity.defn
async def sum_up_backtest(order: BacktestOrder) -> Ended:
    """Count all walks and store the figures; once ended, it stays as it ended."""
    raise NotImplementedError(order)


@activity.defn
async def fail_backtest(order: FailOrder) -> Ended:
    """Store why it failed and delete what was walked."""
    raise NotImplementedError(order)
