"""Port: the nightly pass of one tenant and time zone."""

from datetime import date, datetime

from temporalio import activity

from rules.ids import SchoolId, TenantId
from workflows.ports.common import PortModel


class NightlyOrder(PortModel):
    """Base: one tenant, one time zone (IANA name), the workflow's time."""

    tenant_id: TenantId
    time_zone: str
    now: datetime


class DueSchool(PortModel):
    """A school and the evaluation date: its last school day whose cut-off has passed and whose register has arrived;
    `catching_up` is a night that was missed, evaluated before the latest.
    """

    school_id: SchoolId
    on: date
    catching_up: bool = False


class DueSchools(PortModel):
    """Schools with something to evaluate, after the nights they missed, in order; those whose date was already
    evaluated under the same known marks are left out.
    """

    schools: tuple[DueSchool, ...]


class RefreshOrder(NightlyOrder):
    """The schools whose summaries must be current."""

    schools: tuple[DueSchool, ...]


class Version(PortModel):
    """A rule-set version that is ACTIVE (whole scope), only pinned by open instances (those students only), or in the
    shadow of the one in force (whole scope, nothing starts).
    """

    digest: str
    active: bool
    shadow: bool = False


class Versions(PortModel):
    """Versions to run tonight."""

    versions: tuple[Version, ...]


class EvaluateOrder(NightlyOrder):
    """One batch: one version over some schools; `key` = tenant/zone/date/digest/batch."""

    version: Version
    schools: tuple[DueSchool, ...]
    key: str


class Reminded(PortModel):
    """How many reminders were opened."""

    reminders: int = 0


class Evaluated(PortModel):
    """Counts of one batch."""

    students: int = 0
    changed: int = 0
    opened: int = 0
    signalled: int = 0


@activity.defn
async def due_schools(order: NightlyOrder) -> DueSchools:
    """The evaluation date of each school of the zone; never the running day, nor one from a suspect day on
    (safeguards.md 7). Clears suspect days that a correction has made ordinary; safe to repeat.
    """
    raise NotImplementedError(order)


@activity.defn
async def remind_of_duties(order: NightlyOrder) -> Reminded:
    """Reminders of duties that are due soon or late at the zone's schools, on holidays too; each once."""
    raise NotImplementedError(order)


@activity.defn
async def refresh_summaries(order: RefreshOrder) -> Evaluated:
    """Bring summaries and totals up to date, set-based, only for changed students; then measure each school-day, and
    hold those that look wrong. Heartbeats; safe to repeat.
    """
    raise NotImplementedError(order)


@activity.defn
async def versions_to_run(order: NightlyOrder) -> Versions:
    """Every version that is ACTIVE, pinned by an open instance of the tenant, or in shadow. Reads only."""
    raise NotImplementedError(order)


@activity.defn
async def evaluate_batch(order: EvaluateOrder) -> Evaluated:
    """One compiled statement per (version, school, date): evaluation rows, trips, instances to start and cases to
    signal.

    Idempotent by (school, date, digest): a second run finds its rows and changes nothing. Only *changed* decisions
    reach the outbox (`instance.start`, `instance.signal` attendance_changed with a growing seq). Heartbeats the last
    school done.
    """
    raise NotImplementedError(order)
