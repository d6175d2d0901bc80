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
    ScheduleState,
    ScheduleUpdate,
)

from models.session import Sessions
from orchestration.carriers import NIGHTLY
from rules.ids import TenantId
from services import tenants
from services.schools import time_zones
from workflows import identity
from workflows.nightly_evaluation import NightlyStart

# Local times between one and three may run twice or not at all when the clocks change.
EARLY = ScheduleCalendarSpec(hour=[ScheduleRange(4)], minute=[ScheduleRange(15)])
EVENING = ScheduleCalendarSpec(hour=[ScheduleRange(19)], minute=[ScheduleRange(15)])
JITTER = timedelta(minutes=10)
SUSPENDED = "Handrail: the tenant is suspended"


async def ensure_schedules(sessions: Sessions, client: Client) -> int:
    """Make, mend, pause or resume the schedules of every tenant's zones as they should be; how many were touched."""
    touched = 0
    async with sessions.untenanted() as session:
        known = await tenants.listed(session)
    for tenant in known:
        async with sessions.tenant(tenant.id) as session:
            zones = await time_zones(session)
        for zone in zones:
            wanted = nightly_schedule(TenantId(tenant.id), zone, suspended=tenant.status == "SUSPENDED")
            touched += await _ensure(client, identity.nightly_id(TenantId(tenant.id), zone), wanted)
    return touched


def nightly_schedule(tenant_id: TenantId, zone: str, *, suspended: bool) -> Schedule:
    """Early and in the evening by the zone's own clock; paused while the tenant is suspended."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            NIGHTLY,
            NightlyStart(tenant_id=tenant_id, time_zone=zone),
            id=identity.nightly_id(tenant_id, zone),
            task_queue=identity.TASK_QUEUE,
            priority=identity.sweep(tenant_id),
        ),
        spec=ScheduleSpec(calendars=[EARLY, EVENING], time_zone_name=zone, jitter=JITTER),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=12)),
        state=ScheduleState(paused=suspended, note=SUSPENDED if suspended else ""),
    )


async def _ensure(client: Client, name: str, wanted: Schedule) -> int:
    try:
        await client.create_schedule(name, wanted)
    except ScheduleAlreadyRunningError:
        return await _mend(client, name, wanted)
    return 1


async def _mend(client: Client, name: str, wanted: Schedule) -> int:
    """A schedule that a person paused stays paused: only our own pause is taken back."""
    handle = client.get_schedule_handle(name)
    found = (await handle.describe()).schedule
    by_hand = found.state.paused and found.state.note != SUSPENDED
    if by_hand and not wanted.state.paused:
        wanted.state.paused, wanted.state.note = True, found.state.note
    if found.state.paused == wanted.state.paused and _times(found.spec) == _times(wanted.spec):
        return 0
    await handle.update(lambda _: ScheduleUpdate(wanted))
    return 1


def _times(spec: ScheduleSpec) -> tuple[object, ...]:
    """What decides when it fires, in a form that survives the server's own way of writing it."""
    starts = sorted((one.hour[0].start, one.minute[0].start) for one in spec.calendars)
    return starts, spec.time_zone_name, spec.jitter
