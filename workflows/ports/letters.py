"""Port: letters, one per entitled guardian: plan, issue (render and store), deliver."""

from datetime import date

from temporalio import activity

from rules.ids import ArtifactId, GuardianId
from rules.ladder.commands import DeliveryState
from rules.ladder.stages import Stage
from rules.ladder.state import Basis
from workflows.ports.common import Order, PortModel


class PlanOrder(Order):
    """The rung's letter; `basis` is what its merge fields quote."""

    stage: Stage
    basis: Basis


class PlannedRecipient(PortModel):
    """One entitled guardian: channel and language are chosen, template version pinned in the database."""

    guardian_id: GuardianId
    channel: str
    language: str


class LetterPlan(PortModel):
    """Everybody who gets the letter; empty = nobody is entitled, which parks the case."""

    recipients: tuple[PlannedRecipient, ...]


class LetterOrder(Order):
    """One guardian's letter; the storage key is derived from `key`."""

    stage: Stage
    basis: Basis
    guardian_id: GuardianId
    language: str


class IssuedLetter(PortModel):
    """The stored letter."""

    artifact_id: ArtifactId
    sha256: str
    stored_sha256: str
    pages: int


class DeliveryOrder(Order):
    """Send one stored letter."""

    stage: Stage
    guardian_id: GuardianId
    artifact_id: ArtifactId
    channel: str


class Delivered(PortModel):
    """Where it stands now; `effective_day` (local) is set for SENT, DELIVERED and HANDED_OVER. `reason` is a code."""

    state: DeliveryState
    effective_day: date | None = None
    reason: str = ""


@activity.defn
async def plan_letters(order: PlanOrder) -> LetterPlan:
    """Choose recipients by entitlement (safeguards 2), language and channel by preference; stored once per key."""
    raise NotImplementedError(order)


@activity.defn
async def issue_letter(order: LetterOrder) -> IssuedLetter:
    """Render, encrypt, store write-once, record artifact and merge snapshot. A retry finds its own object by `key`."""
    raise NotImplementedError(order)


@activity.defn
async def deliver_letter(order: DeliveryOrder) -> Delivered:
    """Re-check contact stop, entitlement, address, enrolment and sending switch in this very second, then send.

    A failed check is WITHHELD with its reason, never silent. E-mail: Message-ID from `key`; handed to SMTP = SENT. No
    e-mail address or channel post: task "print and post", AWAITING_POST. FAILED and WITHHELD are not finished
    effects: the same key may be tried again; every other state is answered again without sending. Switch off:
    retryable ApplicationError SENDING_PAUSED.
    """
    raise NotImplementedError(order)
