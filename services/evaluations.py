"""Evaluation rows: what the register said of one student at one moment, under one rule-set version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.student_decisions import Measured, Moment, measure_student
from models.rulesets import Evaluation
from rules.errors import NotFound
from rules.rulesets.evaluation import Bitmap, comparison_of, holds
from rules.rulesets.facts import CaseFacts, fact_values
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from services import facts as case_facts
from services import school_days
from services.context import CaseRef

STEP, AGEING = "since", "ageing"


@dataclass(frozen=True, slots=True)
class StudentEvaluation:
    """One stored evaluation with the facts of the case as they stand now."""

    id: UUID
    on: date
    known_at: datetime
    metrics: Mapping[MetricKey, int | None]
    bitmap: Bitmap
    facts: CaseFacts


async def evaluate_student(
    session: AsyncSession, case: CaseRef, ruleset: RuleSet, digest: str, moment: Moment
) -> StudentEvaluation:
    """Measure by the nightly pass's own SQL and keep the row; the same moment again finds it."""
    seen = await look(session, case, ruleset, moment)
    facts = await facts_now(session, case, ruleset, moment, seen)
    values = {str(key): value for key, value in fact_values(facts, ruleset.fact_keys()).items()}
    row = {
        "student_id": case.student_id,
        "school_id": case.school_id,
        "instance_id": case.instance_id,
        "digest": digest,
        "date": moment.on,
        "known_at": moment.known_at,
        "metrics": {str(key): value for key, value in seen.metrics.items()},
        "facts": {**values, AGEING: aged(ruleset, facts), STEP: moment.since.isoformat() if moment.since else None},
        "leaves_true": seen.leaves_true,
        "leaves_known": seen.leaves_known,
    }
    made: UUID | None = await session.scalar(
        insert(Evaluation).values(**row).on_conflict_do_nothing().returning(Evaluation.id)
    )
    if made is None:
        made = (await session.scalars(_same(case, digest, moment))).one()
    bitmap = Bitmap(seen.leaves_true, seen.leaves_known)
    return StudentEvaluation(made, moment.on, moment.known_at, seen.metrics, bitmap, facts)


def aged(ruleset: RuleSet, facts: CaseFacts) -> str:
    """The leaves that dates and facts decide, as the nightly pass writes them."""
    truths = [holds(comparison_of(leaf), {}, facts) for leaf in ruleset.ageing_leaves()]
    true = "".join("1" if truth else "0" for truth in truths)
    return f"{true}|{''.join('0' if truth is None else '1' for truth in truths)}"


async def stored(session: AsyncSession, case: CaseRef, ruleset: RuleSet, evaluation_id: UUID) -> StudentEvaluation:
    """Read a row exactly as it was written, with the facts of the case on its date as they stand now."""
    row = await session.get(Evaluation, evaluation_id)
    if row is None:
        raise NotFound("evaluation_not_found", f"There is no evaluation {evaluation_id} here.")
    metrics = {MetricKey.parse(name): value for name, value in row.metrics.items()}
    moment = Moment(row.date, row.known_at)
    seen = Measured(metrics, row.leaves_true, row.leaves_known)
    facts = await facts_now(session, case, ruleset, moment, seen)
    return StudentEvaluation(row.id, row.date, row.known_at, metrics, Bitmap(row.leaves_true, row.leaves_known), facts)


async def measured_since(session: AsyncSession, evaluation_id: UUID) -> date | None:
    """The effective day of the last step that a row's "since the step" metrics count from."""
    since = (
        await session.scalars(select(Evaluation.facts[STEP].as_string()).where(Evaluation.id == evaluation_id))
    ).one()
    return date.fromisoformat(since) if since else None


async def look(session: AsyncSession, case: CaseRef, ruleset: RuleSet, moment: Moment) -> Measured:
    """The same measurement without keeping a row."""
    return await measure_student(session, ruleset, (case.tenant_id, case.student_id, case.school_id), moment)


async def facts_at(
    session: AsyncSession,
    case: CaseRef,
    ruleset: RuleSet,
    moment: Moment,
    seen: Measured,
    *,
    decided_at: datetime | None = None,
) -> CaseFacts:
    """The facts of the case on the moment's date; of a step decided before, with the stage on which the case stood."""
    asked = case_facts.Asked(moment.on, moment.known_at, seen.metrics, decided_at=decided_at)
    return await case_facts.gather(session, case, ruleset, asked)


async def facts_now(
    session: AsyncSession, case: CaseRef, ruleset: RuleSet, moment: Moment, seen: Measured
) -> CaseFacts:
    """The facts that a decision taken now rests on: those of the moment's date, and what is in force today."""
    today = await school_days.today(session, case)
    asked = case_facts.Asked(moment.on, moment.known_at, seen.metrics, today)
    return await case_facts.gather(session, case, ruleset, asked)


def _same(case: CaseRef, digest: str, moment: Moment) -> Select[UUID]:
    return select(Evaluation.id).where(
        Evaluation.student_id == case.student_id,
        Evaluation.school_id == case.school_id,
        Evaluation.instance_id == case.instance_id,
        Evaluation.digest == digest,
        Evaluation.date == moment.on,
        Evaluation.known_at == moment.known_at,
    )
