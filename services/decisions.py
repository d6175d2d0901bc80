"""Decide a case's next step on one evaluation row, look at a basis again, and look once more just before acting."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance, Proposal
from models.queries.student_decisions import Moment
from rules.access.permissions import Role
from rules.errors import Invalid
from rules.ids import EvaluationId
from rules.ladder.stages import Stage, StageType
from rules.ladder.state import Basis, BasisCheck, Decision, StopFound, Verdict
from rules.ladder.words import Action as Does
from rules.ladder.words import StopReason, StopThen
from rules.rulesets import decision as deciding
from rules.rulesets.case_leaves import CaseResolved, ExemptionActive, GuardianReasonAccepted
from rules.rulesets.conditions import Condition, leaves
from rules.rulesets.decision import Action, Position, Rule, rules_of
from rules.rulesets.evaluation import Bitmap, evaluate
from rules.rulesets.metrics import MetricKey, WindowKind
from rules.rulesets.model import RuleSet
from rules.rulesets.recorded import sentence
from services import breakers, decision_log, pauses, reasoning
from services.case_tasks import NewTask, open_task
from services.context import CaseRef
from services.entitlement import contact_stopped, recipients, sending_on
from services.evaluation_days import evaluation_date
from services.evaluations import StudentEvaluation, evaluate_student, facts_at, facts_now, look, measured_since, stored
from services.pinned import ruleset_of

log = logging.getLogger("handrail.decisions")
REASONS = (
    (ExemptionActive, StopReason.EXEMPT),
    (GuardianReasonAccepted, StopReason.GUARDIAN_REASON_ACCEPTED),
    (CaseResolved, StopReason.CASE_RESOLVED),
)
ALARM = NewTask(
    "ENGINES_DIFFER",
    "Two engines decided differently on a case, which is held: compare its last decision with the register, tell"
    " whoever runs Handrail, then resume or stop it",
    role=Role.DISTRICT_ADMIN,
)
SENDS = frozenset({StageType.LETTER, StageType.MEETING, StageType.NOTICE})


@dataclass(frozen=True, slots=True)
class Question:
    """What a case asks; `since` = effective day of its last step, `evaluation_id` = the row to read exactly."""

    digest: str
    stage_key: str | None
    may_advance: bool
    previous_reached: bool
    since: date | None
    evaluation_id: UUID | None
    muted_stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything the engine needs, read in one transaction; the engine itself runs outside of it."""

    ruleset: RuleSet
    position: Position
    row: StudentEvaluation


async def prepare(session: AsyncSession, case: CaseRef, asked: Question) -> Prepared:
    """Read the evaluation row, or write one for this student by the nightly SQL first."""
    ruleset = await ruleset_of(session, asked.digest)
    row = await _row(session, case, ruleset, asked)
    position = Position(
        stage_index=ruleset.index_of(asked.stage_key) if asked.stage_key else deciding.BEFORE_THE_LADDER,
        wait_elapsed=asked.may_advance,
        previous_reached=asked.previous_reached,
    )
    return Prepared(ruleset, position, row)


async def _row(session: AsyncSession, case: CaseRef, ruleset: RuleSet, asked: Question) -> StudentEvaluation:
    if asked.evaluation_id:
        row = await stored(session, case, ruleset, asked.evaluation_id)
        if not _counts_steps(ruleset) or await measured_since(session, asked.evaluation_id) == asked.since:
            return row
        moment = Moment(row.on, case.now, asked.since)
    else:
        on = await evaluation_date(session, case.school_id, case.now)
        if on is None:
            raise Invalid(
                "no_register",
                f"No register of school {case.school_id} has arrived in its last school days: import it, then resume.",
            )
        moment = Moment(on, case.now, asked.since)
    return await evaluate_student(session, case, ruleset, asked.digest, moment)


def _counts_steps(ruleset: RuleSet) -> bool:
    return any(_since_step(key) for key in ruleset.metric_keys())


def _since_step(key: MetricKey) -> bool:
    return key.window.kind is WindowKind.STEP or key.at == "before_step"


def engines_agree(decided: deciding.Decision, row: StudentEvaluation) -> bool:
    """The ladder engine's bitmap of metric leaves against SQL's on the same row."""
    return decided.leaves == Bitmap(row.bitmap.true, row.bitmap.known)


async def answer(
    session: AsyncSession, case: CaseRef, prepared: Prepared, decided: deciding.Decision, asked: Question
) -> Decision:
    """What the engine said, as the case takes it: with its basis, and the stop conditions that are true whatever."""
    agreed = engines_agree(decided, prepared.row)
    moment = Moment(prepared.row.on, prepared.row.known_at, asked.since)
    on = decision_log.Asked(prepared.ruleset, asked.digest, prepared.position, asked.muted_stops, moment, prepared.row)
    await decision_log.record(session, case, on, decided, agreed=agreed)
    if not agreed:
        log.error("engines differ on evaluation %s (%s)", prepared.row.id, asked.digest[:12])
        await open_task(session, case, replace(ALARM, subject=str(prepared.row.id)))
        return Decision(action=Does.ENGINES_DIFFER, basis=Basis(evaluation_id=EvaluationId(prepared.row.id)))
    by_name = {rule.name: rule for rule in rules_of(prepared.ruleset)}
    true_stops = tuple(name.removeprefix("stop:") for name in decided.fired if name.startswith("stop:"))
    by = by_name.get(decided.by or "")
    if asked.stage_key is None:
        await _remember_entry(session, case, prepared)
    basis = (
        await _basis(session, case, prepared, by, asked) if by else Basis(evaluation_id=EvaluationId(prepared.row.id))
    )
    said = Decision(basis=basis, true_stops=true_stops, pauses=await pauses.in_force(session, case))
    match decided.action:
        case Action.ADVANCE:
            return said.but(action=Does.ADVANCE)
        case Action.ESCALATE:
            return said.but(action=Does.ESCALATE, to=decided.stage)
        case Action.STOP | Action.EXIT_REVIEW:
            assert by is not None
            return said.but(action=Does.STOP, stop=_stop(by, basis.sentence))
        case _:
            return said


async def _remember_entry(session: AsyncSession, case: CaseRef, prepared: Prepared) -> None:
    """The nightly pass opens a case without words; its first look says why, once and for good."""
    row = prepared.row
    if evaluate(prepared.ruleset.entry, row.metrics, row.facts) is not True:
        return
    moment = Moment(row.on, row.known_at)
    history = await reasoning.history_at(session, (case.student_id, case.school_id), moment)
    found = reasoning.explained(prepared.ruleset.entry, row.metrics, row.facts, history, moment)
    mine = update(Instance).where(Instance.id == case.instance_id, Instance.entry_reason.is_(None))
    await session.execute(mine.values(entry_reason=sentence(found)))


def _stop(rule: Rule, sentence: str) -> StopFound:
    assert rule.stop is not None
    then = StopThen(rule.stop.then)
    kinds = {type(leaf) for leaf in leaves(rule.when)}
    known = next((reason for kind, reason in REASONS if kind in kinds), StopReason.STOP_CONDITION)
    reason = StopReason.IMPROVED if then is StopThen.EXIT_REVIEW else known
    return StopFound(key=rule.stop.key, then=then, reason=reason, sentence=sentence)


async def _basis(session: AsyncSession, case: CaseRef, prepared: Prepared, rule: Rule, asked: Question) -> Basis:
    row, moment = prepared.row, Moment(prepared.row.on, prepared.row.known_at, asked.since)
    history = await reasoning.history_at(session, (case.student_id, case.school_id), moment)
    found = reasoning.explained(rule.when, row.metrics, row.facts, history, moment)
    named = {str(key) for key in reasoning.metric_keys_of(rule.when)}
    return Basis(
        evaluation_id=EvaluationId(row.id),
        digest=asked.digest,
        fired=(rule.name,),
        on=row.on,
        known_at=row.known_at,
        values={str(key): row.metrics.get(key) for key in reasoning.metric_keys_of(rule.when)},
        holding=tuple(dict.fromkeys(name for leaf in found if leaf.truth for name in leaf.keys if name in named)),
        sentence=sentence(found),
    )


async def check(session: AsyncSession, case: CaseRef, digest: str, bases: Sequence[Basis]) -> tuple[BasisCheck, ...]:
    """Each basis's condition on its own date under the marks known now; nothing is written."""
    ruleset = await ruleset_of(session, digest)
    return tuple([await _checked(session, case, ruleset, basis) for basis in bases])


async def _checked(session: AsyncSession, case: CaseRef, ruleset: RuleSet, basis: Basis) -> BasisCheck:
    when = deciding.condition_named(ruleset, basis.fired)
    if basis.school_id:  # a case that has moved: its reason is in the register of the school before
        case = replace(case, school_id=basis.school_id)
    if basis.on is None or basis.kept or when is None:
        return BasisCheck(holds=True)
    then = Moment(basis.on, case.now)
    seen = await look(session, case, ruleset, then)
    facts = await facts_at(session, case, ruleset, then, seen, decided_at=basis.known_at)
    before = {MetricKey.parse(name): value for name, value in basis.values.items()}
    # "since the step" cannot be measured anew from here: what it was then, it still is
    then_known = {key: value for key, value in before.items() if _since_step(key)}
    now_known = {**seen.metrics, **then_known}
    after = {key: now_known.get(key) for key in before}
    holds = evaluate(when, now_known, facts) is True  # ladder.md: it holds if it is true; unknown is not true
    said = reasoning.changed(before, after)
    return BasisCheck(
        holds=holds,
        before=basis.values,
        after={str(key): value for key, value in after.items()},
        sentence=said if holds or not said else f"{said}: the condition no longer holds",
        today=await _today(session, case, ruleset, when),
    )


async def _today(session: AsyncSession, case: CaseRef, ruleset: RuleSet, when: Condition) -> str:
    on = await evaluation_date(session, case.school_id, case.now)
    if on is None:
        return ""
    moment = Moment(on, case.now)
    seen = await look(session, case, ruleset, moment)
    facts = await facts_at(session, case, ruleset, moment, seen)
    if evaluate(when, seen.metrics, facts) is not False:
        return ""
    history = await reasoning.history_at(session, (case.student_id, case.school_id), moment)
    found = reasoning.explained(when, seen.metrics, facts, history, moment)
    return "no longer at threshold today: " + sentence(found)


async def preflight(
    session: AsyncSession, case: CaseRef, digest: str, stage: Stage, basis: Basis, since: date | None
) -> Verdict:
    """Basis, today's stop conditions, contact stop, entitled guardians, breakers and sending switch, in one reading."""
    ruleset = await ruleset_of(session, digest)
    entitled = await recipients(session, case, stage.purpose, stage.channels)
    sends = stage.type in SENDS
    return Verdict(
        basis=await _checked(session, case, ruleset, basis),
        stop=await _stop_today(session, case, ruleset, stage, since),
        contact_stop=await contact_stopped(session, case.student_id),
        pauses=await pauses.in_force(session, case),
        entitled=len(entitled.allowed),
        sending=(not sends or await sending_on(session, case.school_id)) and not await _held(session, case, stage),
    )


async def _held(session: AsyncSession, case: CaseRef, stage: Stage) -> bool:
    """Whether a breaker has tripped over the step since it was approved: it waits as while sending is switched off."""
    mine = select(Proposal.id).where(Proposal.instance_id == case.instance_id, Proposal.stage_key == stage.key)
    latest = await session.scalar(mine.order_by(Proposal.id.desc()).limit(1))
    return latest is not None and await breakers.holding(session, latest) is not None


async def _stop_today(
    session: AsyncSession, case: CaseRef, ruleset: RuleSet, stage: Stage, since: date | None
) -> StopFound | None:
    on = await evaluation_date(session, case.school_id, case.now)
    if on is None:
        return None
    moment = Moment(on, case.now, since)
    seen = await look(session, case, ruleset, moment)
    facts = await facts_now(session, case, ruleset, moment, seen)
    here = ruleset.index_of(stage.key)
    for rule in rules_of(ruleset):
        if rule.stop and rule.applies_at(here) and evaluate(rule.when, seen.metrics, facts) is True:
            history = await reasoning.history_at(session, (case.student_id, case.school_id), moment)
            return _stop(rule, sentence(reasoning.explained(rule.when, seen.metrics, facts, history, moment)))
    return None
