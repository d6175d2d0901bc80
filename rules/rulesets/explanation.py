"""Why a condition fired, or did not and how far away it is: as data, and as a sentence a parent could read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final

from rules.rulesets.case_leaves import AgeBetween, Artifact, PriorEvents, StageAge
from rules.rulesets.comparisons import FactKey
from rules.rulesets.conditions import Condition, leaves
from rules.rulesets.evaluation import Metrics, Truth, amount, comparison_of, holds
from rules.rulesets.facts import NO_FACTS, Facts
from rules.rulesets.leaves import (
    AbsenceCountThreshold,
    AttendancePercentThreshold,
    ConsecutiveAbsenceDays,
    DateWindow,
    DaysOrPartsThreshold,
    HoursMissedThreshold,
    Improvement,
    MonthsIntoYear,
    NewAbsencesSinceStep,
    OccasionCountThreshold,
    PossibleSessionsSinceStep,
    PriorYear,
    TardyCountThreshold,
    UnauthorisedSessionsThreshold,
)
from rules.rulesets.messages import counted, named, said_number, say, spoken_day, spoken_number
from rules.rulesets.metrics import MetricKey, WindowKind
from rules.rulesets.parameters import Leaf
from rules.rulesets.progress_leaves import (
    HUNDREDTHS,
    ConsecutiveProficient,
    GoalReached,
    ScoreBelow,
    TrendBelowAimline,
)

Span = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Wording:
    """How to say it: the language, the days behind each metric, and what the step is called."""

    language: str = "en"
    spans: Mapping[MetricKey, Span] = field(default_factory=dict)
    step: str | None = None

    def say(self, message: str, *, of: Fraction | int | None = None, **values: object) -> str:
        return say(self.language, message, of=of, **values)

    def number(self, amount: Fraction | int, places: int = 2) -> str:
        return said_number(self.language, amount, places)


@dataclass(frozen=True, slots=True)
class LeafExplanation:
    """One leaf with its value, its threshold, how far away it is, and the sentence."""

    leaf: str
    keys: tuple[str, ...]
    truth: Truth
    value: Fraction | None
    threshold: Fraction | None
    distance: Fraction | None
    """What is missing until it holds, in the unit of the value; 0 where it holds, None where that means nothing."""
    unknown: tuple[str, ...]
    """Metrics and facts that are missing."""
    sentence: str
    span: Span | None = None
    """The first and the last day that were counted; None where the leaf counts no days."""

    def data(self) -> dict[str, Any]:
        """As it is stored with a decision."""
        numbers = {"value": self.value, "threshold": self.threshold, "distance": self.distance}
        return {
            "leaf": self.leaf,
            "keys": list(self.keys),
            "truth": self.truth,
            **{name: None if number is None else spoken_number(number, 4) for name, number in numbers.items()},
            "first_day": self.span[0].isoformat() if self.span else None,
            "last_day": self.span[1].isoformat() if self.span else None,
            "unknown": list(self.unknown),
            "sentence": self.sentence,
        }


def explain(
    tree: Condition | Leaf, metrics: Metrics, facts: Facts = NO_FACTS, wording: Wording | None = None
) -> tuple[LeafExplanation, ...]:
    """Every leaf of a condition, in the order they are written."""
    return tuple(explain_leaf(leaf, metrics, facts, wording or Wording()) for leaf in leaves(tree))


def explain_leaf(leaf: Leaf, metrics: Metrics, facts: Facts, wording: Wording) -> LeafExplanation:
    """One leaf; `unknown` says what is missing."""
    if isinstance(leaf, PriorYear):
        inner = explain_leaf(leaf.params.leaf, _of_last_year(leaf, metrics), facts, wording)
        return _renamed(leaf, inner, wording)
    truth = holds(comparison_of(leaf), metrics, facts)
    missing = tuple(str(key) for key in leaf.needs() if _value(key, metrics, facts) is None)
    value, threshold, distance = _numbers(leaf, truth, metrics, facts)
    seen = _Seen(leaf, truth, value, distance, metrics)
    sentence = _unknown(seen, missing, wording) if truth is None else _sentence(seen, wording)
    keys = tuple(str(key) for key in leaf.needs())
    numbers = (value, threshold, distance)
    span = _span_of(leaf, wording)
    return LeafExplanation(type(leaf).__name__, keys, truth, *numbers, missing, sentence, span)


@dataclass(frozen=True, slots=True)
class _Seen:
    leaf: Leaf
    truth: Truth
    value: Fraction | None
    distance: Fraction | None
    metrics: Metrics


def _value(key: Any, metrics: Metrics, facts: Facts) -> int | None:
    return metrics.get(key) if isinstance(key, MetricKey) else facts.get(key)


def _of_last_year(leaf: PriorYear, metrics: Metrics) -> dict[MetricKey, int | None]:
    now, then = leaf.params.leaf.metric_keys(), leaf.metric_keys()
    return {key: metrics.get(old) for key, old in zip(now, then, strict=True)}


def _renamed(leaf: PriorYear, inner: LeafExplanation, wording: Wording) -> LeafExplanation:
    keys = tuple(str(key) for key in leaf.needs())
    unknown = tuple(str(key) for key in leaf.needs() if inner.truth is None)
    sentence = wording.say("last_year", sentence=inner.sentence)
    numbers = (inner.value, inner.threshold, inner.distance)
    return LeafExplanation(type(leaf).__name__, keys, inner.truth, *numbers, unknown, sentence, _span_of(leaf, wording))


def _span_of(leaf: Leaf, wording: Wording) -> Span | None:
    return next((wording.spans[key] for key in leaf.metric_keys() if key in wording.spans), None)


_SCALES: Final[Mapping[type[Leaf], int]] = {AbsenceCountThreshold: 2, HoursMissedThreshold: 60}
"""How many of a leaf's integers make one of what people count."""


def _scale(leaf: Leaf) -> int:
    in_sessions = isinstance(leaf, AbsenceCountThreshold) and leaf.params.count_unit == "SESSIONS"
    return 1 if in_sessions else _SCALES.get(type(leaf), 1)


def _numbers(
    leaf: Leaf, truth: Truth, metrics: Metrics, facts: Facts
) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    """Value, threshold and distance, in the unit a person thinks in."""
    if isinstance(leaf, AttendancePercentThreshold):
        value = _percent(leaf, metrics)
        return value, Fraction(leaf.params.below), None if truth is None else _sessions_away(leaf, metrics)
    if isinstance(leaf, Improvement):
        return _improvement(leaf, truth, metrics)
    if isinstance(leaf, ScoreBelow):
        return _score(leaf, facts)
    comparison, scale = comparison_of(leaf), _scale(leaf)
    total = amount(comparison, metrics, facts)
    if total is None or comparison.low is None:
        return None, _over(comparison.low, scale), None
    return Fraction(total, scale), _over(comparison.low, scale), Fraction(max(0, comparison.low - total), scale)


def _score(leaf: ScoreBelow, facts: Facts) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    """How far the latest score would have to fall: to the hundredth below the value."""
    limit, latest = Fraction(leaf.params.value), _over(facts.get(_fact_of(leaf)), HUNDREDTHS)
    if latest is None:
        return None, limit, None
    return latest, limit, Fraction(0) if latest < limit else latest - limit + Fraction(1, HUNDREDTHS)


def _fact_of(leaf: Leaf) -> FactKey:
    return next(key for key in leaf.needs() if isinstance(key, FactKey))


def _over(number: int | None, scale: int) -> Fraction | None:
    return None if number is None else Fraction(number, scale)


def _percent(leaf: AttendancePercentThreshold, metrics: Metrics) -> Fraction | None:
    attended, possible = (metrics.get(key) for key in leaf.metric_keys()[:2])
    return Fraction(100 * attended, possible) if attended is not None and possible else None


def _sessions_away(leaf: AttendancePercentThreshold, metrics: Metrics) -> Fraction | None:
    """How many more missed sessions would bring the percent down to the threshold; None if none ever could."""
    attended, possible = (metrics.get(key) or 0 for key in leaf.metric_keys()[:2])
    limit = Fraction(leaf.params.below)
    if limit == 0:
        return None
    needed = 100 * attended / limit
    whole = -(-needed.numerator // needed.denominator) if leaf.params.inclusive else needed // 1 + 1
    return Fraction(max(0, whole - possible))


def _improvement(
    leaf: Improvement, truth: Truth, metrics: Metrics
) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    limit = Fraction(leaf.params.points)
    if truth is None:
        return None, limit, None
    now, then = _before_and_after(leaf, metrics)
    return now - then, limit, max(Fraction(0), limit - (now - then))


def _before_and_after(leaf: Improvement, metrics: Metrics) -> tuple[Fraction, Fraction]:
    attended, possible_then, attended_then, possible, *_ = (metrics.get(key) or 0 for key in leaf.metric_keys())
    return Fraction(100 * attended, max(1, possible)), Fraction(100 * attended_then, max(1, possible_then))


def _unknown(seen: _Seen, missing: tuple[str, ...], wording: Wording) -> str:
    if isinstance(seen.leaf, AttendancePercentThreshold) and not missing:
        return wording.say("percent.too_few", n=seen.leaf.params.min_school_days)
    if isinstance(seen.leaf, TrendBelowAimline) and not missing:
        return wording.say("aimline.too_few", n=seen.leaf.params.min_points)
    if isinstance(seen.leaf, Improvement) and not missing:
        return wording.say("improved.too_few", n=seen.leaf.params.sessions_needed())
    kind = type(seen.leaf).__name__
    return wording.say("unknown", what=named(wording.language, f"leaf.{kind}", kind))


def _sentence(seen: _Seen, wording: Wording) -> str:
    if isinstance(seen.leaf, AttendancePercentThreshold):
        return _spoken_percent(seen.leaf, seen, wording)
    if isinstance(seen.leaf, Improvement):
        return _spoken_improvement(seen.leaf, seen, wording)
    if isinstance(seen.leaf, DateWindow):
        days = {"first": seen.leaf.params.first, "last": seen.leaf.params.last}
        said: dict[str, Any] = {name: spoken_day(wording.language, day) for name, day in days.items()}
        return wording.say(f"dates.{'inside' if seen.truth else 'outside'}", **said)
    if isinstance(seen.leaf, ScoreBelow):
        said = {"measure": seen.leaf.params.measure.replace("_", " "), "score": wording.number(seen.value or 0)}
        return wording.say("score", **said, limit=wording.number(Fraction(seen.leaf.params.value)))
    if isinstance(seen.leaf, AgeBetween):
        ages = seen.leaf.params
        return wording.say("age", amount=wording.number(seen.value or 0), low=ages.from_age, high=ages.to_age)
    if word := _WORDS.get(type(seen.leaf)):
        return _spoken_count(seen, word(seen.leaf), wording)
    return _spoken_flag(seen, wording)


def _spoken_count(seen: _Seen, word: str, wording: Wording) -> str:
    value, threshold = seen.value or Fraction(0), _over(comparison_of(seen.leaf).low, _scale(seen.leaf))
    said = {
        "amount": wording.number(value),
        "what": counted(wording.language, word, value),
        "threshold": wording.number(threshold or 0),
    }
    sentence = _spoken_amount(seen.leaf, said, wording)
    if not seen.distance:
        return sentence
    return wording.say("more", sentence=sentence, distance=wording.number(seen.distance))


def _spoken_amount(leaf: Leaf, said: Mapping[str, Any], wording: Wording) -> str:
    if window := _spoken_window(leaf, wording):
        return wording.say("count", **said, window=window)
    span = _span_of(leaf, wording)
    if span is None:
        return wording.say("row", **said)
    return wording.say("row.dated", **said, span=_spoken_span(span, wording))


def _spoken_window(leaf: Leaf, wording: Wording) -> str:
    key = next(iter(leaf.metric_keys()), None)
    if key is None or isinstance(leaf, ConsecutiveAbsenceDays | MonthsIntoYear):
        return ""
    window = wording.say(f"window.{key.window.kind}", of=key.window.n, n=key.window.n)
    window = wording.say("across", window=window) if key.pooled else window
    span = wording.spans.get(key)
    if span is None or key.window.kind is WindowKind.STEP:
        return window
    return wording.say("dated", window=window, span=_spoken_span(span, wording))


def _spoken_span(span: Span, wording: Wording) -> str:
    first, last = (spoken_day(wording.language, day) for day in span)
    return wording.say("span", first=first, last=last)


def _spoken_percent(leaf: AttendancePercentThreshold, seen: _Seen, wording: Wording) -> str:
    sentence = wording.say(
        "percent",
        percent=wording.number(seen.value or 0, 1),
        step=wording.step or wording.say("percent.step"),
        below=wording.say("percent.inclusive" if leaf.params.inclusive else "percent.below"),
        limit=wording.number(Fraction(leaf.params.below)),
    )
    if seen.truth or not seen.distance:
        return sentence
    return wording.say("percent.more", of=seen.distance, sentence=sentence, n=wording.number(seen.distance))


def _spoken_improvement(leaf: Improvement, seen: _Seen, wording: Wording) -> str:
    now, then = _before_and_after(leaf, seen.metrics)
    return wording.say(
        "improved",
        points=wording.number(now - then, 1),
        now=wording.number(now, 1),
        then=wording.number(then, 1),
        n=leaf.params.over_school_days,
        limit=wording.number(Fraction(leaf.params.points)),
    )


def _spoken_flag(seen: _Seen, wording: Wording) -> str:
    key = _fact_of(seen.leaf)
    holds_now = seen.truth if not isinstance(seen.leaf, Artifact) else seen.truth is seen.leaf.params.done
    about = " ".join(key.about).replace("_", " ")
    return wording.say(f"{key.name}.{'yes' if holds_now else 'no'}", about=about)


def _absences(leaf: Any) -> str:
    in_sessions = isinstance(leaf, AbsenceCountThreshold) and leaf.params.count_unit == "SESSIONS"
    words = {"ALL": "half_day", "UNAUTHORISED": "unauthorised_half_day"} if in_sessions else {"ALL": "absence"}
    kinds: str = leaf.params.kinds
    return words.get(kinds, kinds.lower())


_WORDS: Final[Mapping[type[Leaf], Callable[[Leaf], str]]] = {
    AbsenceCountThreshold: _absences,
    NewAbsencesSinceStep: _absences,
    ConsecutiveAbsenceDays: lambda _: "in_a_row",
    TardyCountThreshold: lambda _: "late",
    UnauthorisedSessionsThreshold: lambda _: "unauthorised_half_day",
    OccasionCountThreshold: lambda _: "occasion",
    DaysOrPartsThreshold: lambda _: "part_day",
    HoursMissedThreshold: lambda _: "hour",
    PossibleSessionsSinceStep: lambda _: "possible",
    MonthsIntoYear: lambda _: "month",
    StageAge: lambda _: "school_day",
    PriorEvents: lambda _: "event",
    ConsecutiveProficient: lambda _: "proficient",
    GoalReached: lambda _: "goal_check",
    TrendBelowAimline: lambda _: "below_aimline",
}
