"""The decision log: what was decided, on what, in which words; a row is enough to take the decision again for ever."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.student_decisions import Moment
from models.rulesets import DecisionRow
from rules.errors import NotFound
from rules.rulesets.comparisons import FactKey
from rules.rulesets.decision import Action, Decision, Position
from rules.rulesets.evaluation import Bitmap
from rules.rulesets.facts import fact_values
from rules.rulesets.messages import SOURCE
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.recorded import Difference, Grounds, Taken, day_span, differences, explained_by, told
from services import reasoning
from services.context import CaseRef
from services.evaluations import StudentEvaluation
from services.pinned import ruleset_of


@dataclass(frozen=True, slots=True)
class Asked:
    """On what a case was decided."""

    ruleset: RuleSet
    digest: str
    position: Position
    muted_stops: tuple[str, ...]
    moment: Moment
    row: StudentEvaluation


@dataclass(frozen=True, slots=True)
class Replayed:
    """One row of the log, and what comes out otherwise when it is decided again; nothing, as long as all is well."""

    row: DecisionRow
    told: Taken | None
    """In another language than English, from the same grounds; None: the row's own words."""
    differences: tuple[Difference, ...]


async def record(session: AsyncSession, case: CaseRef, asked: Asked, decided: Decision, *, agreed: bool) -> None:
    """Write a decision down; asked again in the same words, as after a retry, it stands there already."""
    grounds = await _grounds(session, case, asked, decided)
    said = told(asked.ruleset, grounds, decided)
    values = {
        "instance_id": case.instance_id,
        "student_id": case.student_id,
        "school_id": case.school_id,
        "evaluation_id": asked.row.id,
        "digest": asked.digest,
        "date": asked.moment.on,
        "known_at": asked.moment.known_at,
        "since": asked.moment.since,
        "position": _position(asked),
        "metrics": {str(key): value for key, value in grounds.metrics.items()},
        "facts": {str(key): value for key, value in grounds.facts.items()},
        "spans": {str(key): [day.isoformat() for day in span] for key, span in grounds.spans.items()},
        "action": decided.action.value,
        "stage_key": decided.stage,
        "rule": decided.by,
        "fired": list(decided.fired),
        "held_back": list(decided.held_back),
        "leaves_true": decided.leaves.true,
        "leaves_known": decided.leaves.known,
        "engines_agree": agreed,
        "sentence": said.sentence,
        "leaves": [leaf.data() for leaf in said.leaves],
    }
    last = (await session.scalars(_latest(case.instance_id))).first()
    if last is None or any(getattr(last, name) != value for name, value in values.items()):
        session.add(DecisionRow(**values))
        await session.flush()


def _latest(instance_id: UUID) -> Any:
    mine = select(DecisionRow).where(DecisionRow.instance_id == instance_id)
    return mine.order_by(DecisionRow.id.desc()).limit(1)


def _position(asked: Asked) -> dict[str, Any]:
    stages, at = asked.ruleset.stages, asked.position.stage_index
    return {
        "stage": None if at < 0 else stages[at].key,
        "wait_elapsed": asked.position.wait_elapsed,
        "previous_reached": asked.position.previous_reached,
        "muted": list(asked.muted_stops),
    }


async def _grounds(session: AsyncSession, case: CaseRef, asked: Asked, decided: Decision) -> Grounds:
    """With the days behind each metric of the condition that is explained."""
    tree = explained_by(asked.ruleset, asked.position, decided)
    spans = {}
    if tree is not None:
        history = await reasoning.history_at(session, (case.student_id, case.school_id), asked.moment)
        spans = reasoning.spans_of(tree, history, asked.moment)
    facts = fact_values(asked.row.facts, asked.ruleset.fact_keys())
    muted = frozenset(f"stop:{key}" for key in asked.muted_stops)
    return Grounds(asked.position, muted, asked.row.metrics, facts, spans)


async def get(session: AsyncSession, decision_id: UUID) -> DecisionRow:
    """A decision by its own id, or the latest on an evaluation by that one's."""
    named = or_(DecisionRow.id == decision_id, DecisionRow.evaluation_id == decision_id)
    row = (await session.scalars(select(DecisionRow).where(named).order_by(DecisionRow.id.desc()).limit(1))).first()
    if row is None:
        advice = "take the id of a decision, or of the evaluation that a step's basis names"
        raise NotFound("decision_not_found", f"There is no decision {decision_id} here: {advice}.")
    return row


async def replay(session: AsyncSession, row: DecisionRow, language: str = SOURCE) -> Replayed:
    """Decide again with the stored rule-set version on what the row holds, and tell what differs."""
    ruleset = await ruleset_of(session, row.digest)
    grounds, recorded = _read_grounds(ruleset, row), _read_taken(row)
    said = None if language == SOURCE else told(ruleset, grounds, recorded.decision, language)
    return Replayed(row, said, differences(ruleset, row.digest, grounds, recorded))


def _read_grounds(ruleset: RuleSet, row: DecisionRow) -> Grounds:
    place: Mapping[str, Any] = row.position
    stage = place["stage"]
    position = Position(
        stage_index=-1 if stage is None else ruleset.index_of(stage),
        wait_elapsed=place["wait_elapsed"],
        previous_reached=place["previous_reached"],
    )
    return Grounds(
        position,
        frozenset(f"stop:{key}" for key in place["muted"]),
        {MetricKey.parse(name): value for name, value in row.metrics.items()},
        {FactKey.parse(name): value for name, value in row.facts.items()},
        {MetricKey.parse(name): day_span(days) for name, days in row.spans.items()},
    )


def _read_taken(row: DecisionRow) -> Taken:
    bits = Bitmap(row.leaves_true, row.leaves_known)
    action, fired, held_back = Action(row.action), tuple(row.fired), tuple(row.held_back)
    return Taken(Decision(action, row.stage_key, row.rule, fired, held_back, bits), row.sentence)
