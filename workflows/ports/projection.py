"""Port: make PostgreSQL see the case."""

from datetime import date, datetime

from temporalio import activity

from rules.ids import CaseId
from rules.ladder.events import LadderEvent
from rules.ladder.state import Hold, Proposal, State
from workflows.ports.common import Done, Order, PortModel


class Projection(PortModel):
    """The row as it should now be. `proposal` is the only pending one (phase ACTING: approved, not yet under way)."""

    revision: int
    status: str
    phase: str
    stage_key: str | None
    stage_index: int
    rule_set_key: str
    rule_set_version: int
    digest: str
    proposal: Proposal | None
    hold: Hold | None
    parked: str | None
    stop_reason: str | None
    due: date | None
    due_at: datetime | None
    verbs: tuple[str, ...]
    details: str
    effective_day: date | None = None
    follow_up_week: int | None = None


class ProjectOrder(Order):
    """The state after `events`, oldest first. `state` lacks the ladder, which the row pins; older histories lack it."""

    case_id: CaseId | None
    view: Projection
    events: tuple[LadderEvent, ...]
    state: State | None = None


@activity.defn
async def project(order: ProjectOrder) -> Done:
    """One transaction: instance row (only if `revision` is newer), the events, an audit row for each event with `by`,
    the domain events for the outbox, and the closing of every open proposal row of the case other than
    `view.proposal`.

    Once per key (events are not repeated). Retried for ever: it must not raise DomainErrors for anything in the
    order.
    """
    raise NotImplementedError(order)
