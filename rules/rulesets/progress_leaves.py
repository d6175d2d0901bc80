"""Leaves about progress in a programme of support (mtss.md): scores, proficiency, the own goal, the aimline."""

from decimal import Decimal
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from rules.rulesets.comparisons import Comparison, FactKey, FactName, Term, at_least, is_true
from rules.rulesets.parameters import Leaf, Params, Plain, Word

Score = Annotated[Decimal, Field(ge=-1_000_000, le=1_000_000, decimal_places=2), Plain]
Few = Annotated[int, Field(strict=True, ge=1, le=50)]
HUNDREDTHS = 100


class ScoreBelowParams(Params):
    measure: Word
    value: Score


class ScoreBelow(Leaf):
    """The latest score of a measure lies below a value; without a valid score it is unknown."""

    type: Literal["ScoreBelow"]
    params: ScoreBelowParams

    def comparison(self) -> Comparison:
        latest = Term(1, (FactKey(FactName.SCORE, (self.params.measure,)),))
        return Comparison((latest,), high=ceil(HUNDREDTHS * self.params.value) - 1)


class ConsecutiveProficientParams(Params):
    n: Few


class ConsecutiveProficient(Leaf):
    """The latest `n` assessed sessions in a row were proficient."""

    type: Literal["ConsecutiveProficient"]
    params: ConsecutiveProficientParams

    def comparison(self) -> Comparison:
        return at_least(FactKey(FactName.CONSECUTIVE_PROFICIENT), self.params.n)


class GoalReachedParams(Params):
    checks: Few


class GoalReached(Leaf):
    """The student's own goal was reached and kept for the latest `checks` checks."""

    type: Literal["GoalReached"]
    params: GoalReachedParams

    def comparison(self) -> Comparison:
        return at_least(FactKey(FactName.GOAL_CHECKS), self.params.checks)


class FacilitatorRecommends(Leaf):
    """The facilitator recommends the exit; unknown until the facilitator has said so or said no."""

    type: Literal["FacilitatorRecommends"]
    params: Params = Params()

    def comparison(self) -> Comparison:
        return is_true(FactKey(FactName.FACILITATOR_RECOMMENDS))


class TrendBelowAimlineParams(Params):
    points: Few = 4
    min_points: Few


class TrendBelowAimline(Leaf):
    """The latest `points` data points all lie below the aimline; unknown under `min_points` data points in all."""

    type: Literal["TrendBelowAimline"]
    params: TrendBelowAimlineParams

    def comparison(self) -> Comparison:
        below = Term(1, (FactKey(FactName.POINTS_BELOW_AIMLINE),))
        enough = (FactKey(FactName.MEASURED_POINTS), self.params.min_points)
        return Comparison((below,), low=self.params.points, guards=(enough,))


PROGRESS_LEAVES = (ScoreBelow, ConsecutiveProficient, GoalReached, FacilitatorRecommends, TrendBelowAimline)
