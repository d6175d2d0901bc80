"""Says in a sentence with dates why a condition holds on a day, or how its values changed (rules.md, Explanation)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.history import history_of
from models.queries.student_decisions import Moment
from rules.attendance.history import History, ResolvedSession
from rules.ladder.state import Basis
from rules.rulesets.comparisons import Comparison
from rules.rulesets.conditions import Condition, leaves
from rules.rulesets.decision import condition_named
from rules.rulesets.evaluation import Metrics, comparison_of
from rules.rulesets.explanation import LeafExplanation, Span, Wording, explain
from rules.rulesets.facts import CaseFacts
from rules.rulesets.makeup import made_up_of, sessions_behind, spoken_make_up
from rules.rulesets.measuring import counted_span, measured_day
from rules.rulesets.messages import LANGUAGES, SOURCE
from rules.rulesets.metrics import Measure, MetricKey
from services.context import CaseRef
from services.evaluations import measured_since, stored
from services.pinned import ruleset_of

NOUNS: Final[Mapping[Measure, tuple[str, str]]] = {
    Measure.ABSENT_HALF_DAYS: ("day of absence", "days of absence"),
    Measure.ABSENT_SESSIONS: ("half day missed", "half days missed"),
    Measure.UNAUTHORISED_SESSIONS: ("unauthorised half day", "unauthorised half days"),
    Measure.CONSECUTIVE_DAYS: ("school day missed in a row", "school days missed in a row"),
    Measure.LATE_SESSIONS: ("late arrival", "late arrivals"),
    Measure.LATE_OR_AFTER_CLOSE_SESSIONS: ("late arrival", "late arrivals"),
    Measure.ATTENDED_SESSIONS: ("half day attended", "half days attended"),
    Measure.POSSIBLE_SESSIONS: ("half day to come to", "half days to come to"),
    Measure.POSSIBLE_DAYS: ("school day", "school days"),
    Measure.COUNTED_SESSIONS: ("half day to come to", "half days to come to"),
    Measure.OCCASIONS: ("unexcused day or occasion", "unexcused days or occasions"),
    Measure.DAYS_OR_PARTS: ("day with an unexcused part", "days with an unexcused part"),
    Measure.MINUTES_MISSED: ("hour missed", "hours missed"),
    Measure.EVALUATION_DAY: ("day", "days"),
    Measure.MONTHS_INTO_YEAR: ("full month of the school year", "full months of the school year"),
}
SINGLE: Final[Mapping[Measure, int]] = {Measure.ABSENT_HALF_DAYS: 2, Measure.MINUTES_MISSED: 60}
"""How many of a metric's integers make one of its noun, where it is not one."""
MADE_UP = frozenset({Measure.ABSENT_HALF_DAYS, Measure.ABSENT_SESSIONS, Measure.UNAUTHORISED_SESSIONS})
COUNTS_ABSENCE = MADE_UP | {Measure.OCCASIONS, Measure.DAYS_OR_PARTS, Measure.MINUTES_MISSED}
"""Measures by which absence counts against a family."""


async def history_at(session: AsyncSession, who: tuple[UUID, UUID], moment: Moment) -> History:
    """The student's resolved sessions behind a moment."""
    return await history_of(session, who[0], who[1], moment.known_at, moment.on)


def explained(
    tree: Condition, metrics: Metrics, facts: CaseFacts, history: History, moment: Moment, language: str = SOURCE
) -> tuple[LeafExplanation, ...]:
    """Every leaf with value, threshold and distance, its days named."""
    return explain(tree, metrics, facts, Wording(language, spans_of(tree, history, moment)))


def spans_of(tree: Condition, history: History, moment: Moment) -> dict[MetricKey, Span]:
    """The first and the last day behind each metric of a condition."""
    return {key: span for key in metric_keys_of(tree) if (span := _span(history, key, moment))}


@dataclass(frozen=True, slots=True)
class Spelt:
    """A basis for the queue's row: every leaf of its condition with figures, days and sentences; what was counted."""

    leaves: tuple[Mapping[str, Any], ...] = ()
    make_up: Mapping[str, str] = field(default_factory=dict)


async def spelt(session: AsyncSession, case: CaseRef, basis: Basis) -> Spelt:
    """What a step rests on, leaf by leaf in the order of its condition; nothing where no condition decided.

    Sentences are kept in every language (`sentences` beside `sentence`), so that a page of the queue explains nothing
    anew. `make_up` is `10: 6 illness, 3 not yet explained, 1 holiday` behind the basis's first count, by language. It
    is for the queue's database row and for roles that may see reasons only: never in a workflow, event or letter.
    """
    if basis.on is None or basis.known_at is None:
        return Spelt()
    history = await history_of(session, case.student_id, case.school_id, basis.known_at, basis.on)
    return Spelt(await _leaves(session, case, basis, history), _make_up(basis, history))


async def _leaves(
    session: AsyncSession, case: CaseRef, basis: Basis, history: History
) -> tuple[Mapping[str, Any], ...]:
    if basis.evaluation_id is None or not basis.fired:
        return ()
    ruleset = await ruleset_of(session, basis.digest)
    when = condition_named(ruleset, basis.fired)
    if when is None:
        return ()
    row = await stored(session, case, ruleset, basis.evaluation_id)
    moment = Moment(row.on, row.known_at, await measured_since(session, basis.evaluation_id))
    return in_every_language(when, row.metrics, row.facts, spans_of(when, history, moment))


def in_every_language(
    tree: Condition, metrics: Metrics, facts: CaseFacts, spans: Mapping[MetricKey, Span]
) -> tuple[Mapping[str, Any], ...]:
    """Every leaf as data, with its sentence by language under `sentences`."""
    told = {language: explain(tree, metrics, facts, Wording(language, spans)) for language in LANGUAGES}
    said = [{language: told[language][at].sentence for language in LANGUAGES} for at in range(len(told[SOURCE]))]
    return tuple({**leaf.data(), "sentences": words} for leaf, words in zip(told[SOURCE], said, strict=True))


def absences_behind(basis: Basis, history: History) -> tuple[ResolvedSession, ...] | None:
    """The absent sessions that any count of the basis rests on, each once; None where there is a count and none is
    found. A basis that counts nothing (a step by hand, reports made before) rests on none.
    """
    keys = [MetricKey.parse(name) for name in basis.holding or basis.values]
    wanted = [key for key in keys if key.measure in COUNTS_ABSENCE]
    if basis.on is None or not wanted:
        return ()
    found = {(one.day, one.session): one for key in wanted for one in sessions_behind(history, key, basis.on)}
    return tuple(found[at] for at in sorted(found)) or None


def _make_up(basis: Basis, history: History) -> dict[str, str]:
    keys = [MetricKey.parse(name) for name in basis.holding or basis.values]
    sized = [replace(key, measure=Measure.ABSENT_HALF_DAYS) for key in keys if key.measure is Measure.ATTENDED_SESSIONS]
    counted = [key for key in keys if key.measure in MADE_UP] + sized
    if basis.on is None or not counted:
        return {}
    parts = made_up_of(history, counted[0], basis.on)
    return {language: spoken_make_up(parts, language) for language in LANGUAGES} if parts else {}


def metric_keys_of(tree: Condition) -> list[MetricKey]:
    """The metrics a condition compares, once each, in the order they are written."""
    found = [key for leaf in leaves(tree) for key in _keys(comparison_of(leaf)) if isinstance(key, MetricKey)]
    return list(dict.fromkeys(found))


def _keys(comparison: Comparison) -> tuple[object, ...]:
    return tuple(comparison.keys())


def _span(history: History, key: MetricKey, moment: Moment) -> tuple[date, date] | None:
    on = measured_day(history, key.at, moment.on, moment.since)
    return counted_span(history, key, on, moment.since) if on else None


def changed(before: Metrics, after: Metrics) -> str:
    """`8 days of absence instead of 10` for every value that moved, each told as people count it."""
    moved = ((key, old, after.get(key)) for key, old in before.items())
    said = [f"{_counted(key, new)} instead of {_amount(key, old)}" for key, old, new in moved if old != new]
    return ", ".join(dict.fromkeys(said))


def _counted(key: MetricKey, value: int | None) -> str:
    one, many = NOUNS[key.measure]
    of = " of" if value is None else ""
    return f"{_amount(key, value)}{of} {one if value == SINGLE.get(key.measure, 1) else many}"


def _amount(key: MetricKey, value: int | None) -> str:
    if value is None:
        return "an unknown number"
    return f"{value / SINGLE.get(key.measure, 1):g}"
