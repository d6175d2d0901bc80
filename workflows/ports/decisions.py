"""Port: ask the rules, look at a basis again, look at everything just before acting."""

from datetime import date

from temporalio import activity

from rules.ids import EvaluationId
from rules.ladder.stages import Stage
from rules.ladder.state import Basis, BasisCheck, Decision, Verdict
from workflows.ports.common import Order, PortModel


class DecideOrder(Order):
    """What the case asks. `since` = effective day of the last step (None before the first): NewAbsencesSinceStep and
    PossibleSessionsSinceStep count from it, and StageAge too. `previous_reached` False forbids ADVANCE.
    `evaluation_id` = the row to read exactly; None = write one for this student first, by the same SQL as the
    nightly pass.
    """

    digest: str
    stage_key: str | None
    next_stage_key: str | None
    may_advance: bool
    previous_reached: bool
    since: date | None
    evaluation_id: EvaluationId | None
    muted_stops: tuple[str, ...] = ()


class BasisOrder(Order):
    """The bases to look at: those of the pending step first, else of the steps behind, oldest first."""

    digest: str
    bases: tuple[Basis, ...]


class BasisReport(PortModel):
    """One answer per basis, in the order asked."""

    checks: tuple[BasisCheck, ...]


class PreflightOrder(Order):
    """The approved step, seconds before it happens."""

    digest: str
    stage: Stage
    basis: Basis
    since: date | None


@activity.defn
async def decide(order: DecideOrder) -> Decision:
    """Decide with durable-rules on one evaluation row; compare its bitmap of metric leaves with SQL's.

    Returns ADVANCE, WAIT, STOP (`stop` set: key, then, reason, sentence) or ESCALATE (`to` set), each with the basis
    of what fired (evaluation id, digest, leaves, date B, known_at, values, sentence). Stop conditions named in
    `muted_stops` are not answered with STOP, but `true_stops` lists every stop condition that is true today. Bitmaps
    differ: ENGINES_DIFFER and an alarm, never an action. Unknown is WAIT. ADVANCE only if `may_advance`, the next
    stage's `when` holds and, from the second stage on, the built-in leaves hold too. Stored under the evaluation:
    running twice gives the same answer.
    """
    raise NotImplementedError(order)


@activity.defn
async def check_basis(order: BasisOrder) -> BasisReport:
    """Evaluate each basis's condition on its own date B under the marks known now; no row is written, safe to repeat.

    `holds` only while it is true there: false and unknown do not hold, and only a correction makes them so, never
    time, because the date stays B. `before`/`after` = metric values then and now, `sentence` says both ("8 days of
    absence instead of 10: the condition no longer holds"). `today` is empty while the condition is also true today,
    else "no longer at threshold today (4 of 5)". A basis without a date (a step by hand) always holds.
    """
    raise NotImplementedError(order)


@activity.defn
async def preflight(order: PreflightOrder) -> Verdict:
    """Look at basis, stop conditions of today, contact stop, entitled guardians and the sending switch; writes
    nothing.

    `entitled` = guardians who may get this kind of step now. `sending` False while a switch that covers the school is
    off (the case asks again later); True for steps that send nothing.
    """
    raise NotImplementedError(order)
