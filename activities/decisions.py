"""Ask the rules: durable-rules decides on the row that SQL wrote, and the two must agree."""

from collections.abc import Awaitable, Callable

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from rules.engine.durable_rules import engine_for
from rules.ladder.state import Decision, Verdict
from rules.rulesets import decision as deciding
from services import decisions
from services.decisions import Prepared, Question
from workflows.ports.decisions import BasisOrder, BasisReport, DecideOrder, PreflightOrder

InThread = Callable[[Callable[[], deciding.Decision]], Awaitable[deciding.Decision]]


class DecisionActivities:
    """Reads in one transaction, decides in the thread pool with none open, words the answer in another."""

    def __init__(self, sessions: Sessions, in_thread: InThread) -> None:
        self._sessions = sessions
        self._in_thread = in_thread

    @activity.defn
    async def decide(self, order: DecideOrder) -> Decision:
        case = case_of(order)
        asked = Question(
            order.digest,
            order.stage_key,
            may_advance=order.may_advance,
            previous_reached=order.previous_reached,
            since=order.since,
            evaluation_id=order.evaluation_id,
            muted_stops=order.muted_stops,
        )
        async with self._sessions.tenant(order.tenant_id) as session:
            prepared = await decisions.prepare(session, case, asked)
        decided = await self._in_thread(lambda: _decided(prepared, asked))
        async with self._sessions.tenant(order.tenant_id) as session:
            return await decisions.answer(session, case, prepared, decided, asked)

    @activity.defn
    async def check_basis(self, order: BasisOrder) -> BasisReport:
        async with self._sessions.tenant(order.tenant_id) as session:
            checks = await decisions.check(session, case_of(order), order.digest, order.bases)
        return BasisReport(checks=checks)

    @activity.defn
    async def preflight(self, order: PreflightOrder) -> Verdict:
        async with self._sessions.tenant(order.tenant_id) as session:
            return await decisions.preflight(
                session, case_of(order), order.digest, order.stage, order.basis, order.since
            )


def _decided(prepared: Prepared, asked: Question) -> deciding.Decision:
    engine, row = engine_for(prepared.ruleset), prepared.row
    muted = {f"stop:{key}" for key in asked.muted_stops}
    return deciding.unless_muted(lambda at: engine.decide(at, row.metrics, row.facts), prepared.position, muted)
