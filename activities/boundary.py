"""Around every activity: signs of life, a suspended tenant waits, a DomainError is told to the workflow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from models.session import Sessions
from rules.errors import DomainError, Unavailable
from services.context import CaseRef
from services.tenants import is_suspended
from workflows.ports.common import Order

SUSPENDED = "TENANT_SUSPENDED"
BEAT_SECONDS = 5.0


def case_of(order: Order) -> CaseRef:
    """The case an order is about, as services take it."""
    return CaseRef(order.tenant_id, order.school_id, order.student_id, order.instance_id, key=order.key, now=order.now)


@asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    """Tell the server that this process lives: the work of a killed one is taken up after a short silence."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    beats = asyncio.create_task(beat())
    try:
        yield
    finally:
        beats.cancel()


class Boundary(Interceptor):
    """Installed once in the worker, so that no activity can forget it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Checked(next, self._sessions)


class _Checked(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, sessions: Sessions) -> None:
        super().__init__(following)
        self._sessions = sessions

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        tenant_id = getattr(input.args[0], "tenant_id", None) if input.args else None
        if tenant_id is not None and await is_suspended(self._sessions, tenant_id):
            raise ApplicationError(f"tenant {tenant_id} is suspended: its cases wait", type=SUSPENDED)
        try:
            async with _beating():
                return await super().execute_activity(input)
        except Unavailable as away:
            raise ApplicationError(away.message, type=away.code) from away
        except DomainError as refused:
            raise ApplicationError(refused.message, type=refused.code, non_retryable=True) from refused
