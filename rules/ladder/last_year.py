"""What a new school year leaves of the last one: evidence stays, but no legal wording rests on last year's counts."""

from datetime import datetime

from rules.ladder.stages import Stage, StageType
from rules.ladder.state import Basis, State
from rules.rulesets.metrics import OF_THE_DAY, Measure, MetricKey, WindowKind

LEGAL = frozenset({StageType.NOTICE, StageType.REFERRAL})


def quiet(state: State, now: datetime) -> bool:
    """Whether the new year is too young to judge the case by: every window that is cut at the year is all but empty."""
    return state.new_year is not None and now < state.new_year.quiet_until


def rests_on_last_year(state: State, stage: Stage, basis: Basis) -> bool:
    """Whether a rung of the law would be proposed on counts of a school year that is over."""
    legal = stage.statutory or stage.type in LEGAL
    return legal and _counted_before(state, basis) and not spans_years(basis)


def _counted_before(state: State, basis: Basis) -> bool:
    return state.new_year is not None and basis.on is not None and basis.on < state.new_year.began


def spans_years(basis: Basis) -> bool:
    """Whether all that was counted looks back over the turn of the year by the law's own words (S7.5)."""
    counted = [key for key in map(_key, basis.holding or basis.values) if key is None or key.measure not in OF_THE_DAY]
    return bool(counted) and all(key is not None and _spans(key) for key in counted)


def _key(name: str) -> MetricKey | None:
    try:
        return MetricKey.parse(name)
    except ValueError:
        return None


def _spans(key: MetricKey) -> bool:
    return key.measure is Measure.UNAUTHORISED_SESSIONS and key.window.kind is WindowKind.WEEKS
