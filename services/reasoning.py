"""Says in a sentence with dates why a condition holds on a day, or how its values changed (rules.md, Explanation)."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.history import history_of
from models.queries.student_decisions import Moment
from rules.attendance.history import History
from rules.ladder.state import Basis
from rules.rulesets.comparisons import Comparison
from rules.rulesets.conditions import Condition, leaves
from rules.rulesets.evaluation import Metrics, comparison_of
from rules.rulesets.explanation import LeafExplanation, Wording, explain
from rules.rulesets.facts import CaseFacts
from rules.rulesets.makeup import made_up_of, spoken_make_up
from rules.rulesets.measuring import measured_day, window_first
from rules.rulesets.metrics import Measure, MetricKey

MADE_UP = frozenset({Measure.ABSENT_HALF_DAYS, Measure.ABSENT_SESSIONS, Measure.UNAUTHORISED_SESSIONS})


async def history_at(session: AsyncSession, who: tuple[UUID, UUID], moment: Moment) -> History:
    """The student's resolved sessions behind a moment."""
    return await history_of(session, who[0], who[1], moment.known_at, moment.on)


def explained(
    tree: Condition, metrics: Metrics, facts: CaseFacts, history: History, moment: Moment
) -> tuple[LeafExplanation, ...]:
    """Every leaf with value, threshold and distance, its days named."""
    spans = {key: span for key in metric_keys_of(tree) if (span := _span(history, key, moment))}
    return explain(tree, metrics, facts, Wording(spans=spans))


def sentence(found: tuple[LeafExplanation, ...]) -> str:
    """The leaves that hold, in words; if none does, how far away each is. Never a code or a reason."""
    holding = [leaf.sentence for leaf in found if leaf.truth]
    return "; ".join(dict.fromkeys(holding or [leaf.sentence for leaf in found]))


async def make_up(session: AsyncSession, who: tuple[UUID, UUID], basis: Basis) -> str:
    """`10: 6 illness, 3 not yet explained, 1 holiday` behind a basis's first count; empty where nothing was counted.

    For the queue's database row and for roles that may see reasons only: it never enters a workflow, event or letter.
    """
    keys = [MetricKey.parse(name) for name in basis.holding or basis.values]
    sized = [replace(key, measure=Measure.ABSENT_HALF_DAYS) for key in keys if key.measure is Measure.ATTENDED_SESSIONS]
    counted = [key for key in keys if key.measure in MADE_UP] + sized
    if basis.on is None or basis.known_at is None or not counted:
        return ""
    history = await history_of(session, who[0], who[1], basis.known_at, basis.on)
    parts = made_up_of(history, counted[0], basis.on)
    return spoken_make_up(parts) if parts else ""


def metric_keys_of(tree: Condition) -> list[MetricKey]:
    """The metrics a condition compares, once each, in the order they are written."""
    found = [key for leaf in leaves(tree) for key in _keys(comparison_of(leaf)) if isinstance(key, MetricKey)]
    return list(dict.fromkeys(found))


def _keys(comparison: Comparison) -> tuple[object, ...]:
    return tuple(comparison.keys())


def _span(history: History, key: MetricKey, moment: Moment) -> tuple[date, date] | None:
    on = measured_day(history, key.at, moment.on, moment.since)
    first = window_first(history, key, on, moment.since) if on else None
    return (first, on) if on and first else None


def changed(before: Metrics, after: Metrics) -> str:
    """`10 -> 8` for every value that moved, half days told as days."""
    said = []
    for key, old in before.items():
        new = after.get(key)
        if old != new:
            half = key.measure is Measure.ABSENT_HALF_DAYS
            noun = "absence days" if half else key.measure.replace("_", " ")
            said.append(f"{_shown(old, half=half)} -> {_shown(new, half=half)} {noun}")
    return ", ".join(said)


def _shown(value: int | None, *, half: bool) -> str:
    if value is None:
        return "unknown"
    return f"{value / 2:g}" if half else str(value)
