"""The hourly cap: what would leave beyond it waits its turn, and a person is told (safeguards.md section 7)."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Breaker
from models.queries import sends
from rules.errors import Unavailable
from services import breakers, tenant_settings
from services.breakers import BreakerKind, Tripped
from services.context import CaseRef
from services.means import Means

CAPPED: Final = "SENDING_CAPPED"
HOUR: Final = timedelta(hours=1)


async def refuse_beyond(means: Means, session: AsyncSession, case: CaseRef, message_id: UUID) -> None:
    """Raise what the workflow retries while the tenant has sent its hour's share; a release lifts the day's cap."""
    cap = (await tenant_settings.breaker_limits(session, case.tenant_id)).sends_per_hour
    if await sends.others_since(session, case.tenant_id, case.now - HOUR, but=message_id) < cap:
        return
    today = case.now.date()
    wanted = select(Breaker.status).where(Breaker.kind == BreakerKind.CAP, Breaker.date == today)
    status = await session.scalar(wanted)
    if status == "RELEASED":
        return
    if status is None:
        # apart: this transaction ends with the refusal, and the alarm must stay
        async with means.sessions.tenant(case.tenant_id) as apart:
            await breakers.trip(
                apart, case.actor, Tripped(BreakerKind.CAP, None, today, facts={"cap": cap}), now=case.now
            )
    raise Unavailable(CAPPED, f"{cap} messages have left within an hour: message {message_id} waits its turn.")
