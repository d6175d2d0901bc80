"""A Temporal Schedule per tenant and time zone runs the nightly pass; school holidays are found inside the pass."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)

from models.queries.outbox import active_tenants
from models.session import Sessions
from orchestration.carriers import NIGHTLY
from rules.ids import TenantId
from services.schools import time_zones
from workflows import identity
from workflows.nightly_evaluation import NightlyStart

# Local times between one and three may run twice or not at all when the clocks change.
EARLY = ScheduleCalendarSpec(hour=[ScheduleRange(4)], minute=[ScheduleRange(15)])
EVENING = ScheduleCalendarSpec(hour=[ScheduleRange(19)], minute=[ScheduleRange(15)])


async def ensure_schedules(sessions: Sessions, client: Client) -> int:
    """Make the schedules that are missing for every active tenant's zones; the number made."""
    made = 0
    async with sessions.untenanted() as session:
        tenants = await active_tenants(session)
    for tenant_id in tenants:
        async with sessions.tenant(tenant_id) as session:
            zones = await time_zones(session)
        for zone in zones:
            made += await _ensure(client, TenantId(tenant_id), zone)
    return made


async def _ensure(client: Client, tenant_id: TenantId, zone: str) -> int:
    name = identity.nightly_id(tenant_id, zone)
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            NIGHTLY,
            NightlyStart(tenant_id=tenant_id, time_zone=zone),
            id=name,
            task_queue=identity.TASK_QUEUE,
            priority=identity.sweep(tenant_id),
        ),
        spec=ScheduleSpec(calendars=[EARLY, EVENING], time_zone_name=zone, jitter=timedelta(minutes=10)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=12)),
    )
    try:
        await client.create_schedule(name, schedule)
    except ScheduleAlreadyRunningError:
        return 0
    return 1
