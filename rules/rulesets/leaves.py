"""Leaves of a condition: one pydantic model per type, each brought down to one exact comparison (S7, S9, S10)."""

from fractions import Fraction
from math import ceil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rules.rulesets.comparisons import Comparison, Key, Term, at_least
from rules.rulesets.metrics import RUN, SINCE_STEP, At, Measure, MetricKey, Window, WindowKind
from rules.rulesets.parameters import (
    Amount,
    Count,
    Counting,
    DateSpan,
    Days,
    KindsWord,
    Leaf,
    NoCodes,
    Params,
    Percent,
    Unit,
    Windowed,
    WindowParam,
    epoch_day,
)


class AbsenceCountParams(Windowed):
    count: Amount
    count_unit: Literal["DAYS", "SESSIONS"] = "DAYS"
    kinds: KindsWord = "ALL"


class AbsenceCountThreshold(Leaf):
    """At least `count` absence days (or sessions) within `window` (S7.1)."""

    type: Literal["AbsenceCountThreshold"]
    params: AbsenceCountParams

    def comparison(self) -> Comparison:
        p = self.params
        if p.count_unit == "SESSIONS":
            return at_least(p.key(Measure.ABSENT_SESSIONS, p.span(), kinds=p.kinds), ceil(p.count))
        return at_least(p.key(Measure.ABSENT_HALF_DAYS, p.span(), kinds=p.kinds), ceil(2 * p.count))


class AttendancePercentParams(Windowed):
    below: Percent
    window: WindowParam = "YTD"
    unit: Unit = "SCHOOL"
    min_school_days: Annotated[int, Field(strict=True, ge=0, le=400)] = 10
    inclusive: bool = False
    codes: NoCodes = ()


class AttendancePercentThreshold(Leaf):
    """Attendance below (`inclusive`: at or below) a percentage, once enough days were possible (S7.2)."""

    type: Literal["AttendancePercentThreshold"]
    params: AttendancePercentParams

    def comparison(self) -> Comparison:
        p = self.params
        attended, possible = (p.key(m, p.span()) for m in (Measure.ATTENDED_SESSIONS, Measure.POSSIBLE_SESSIONS))
        limit = Fraction(p.below)
        terms = (Term(100 * limit.denominator, (attended,)), Term(-limit.numerator, (possible,)))
        guards: tuple[tuple[Key, int], ...] = ((possible, 1),)
        if p.min_school_days:
            guards += ((p.key(Measure.POSSIBLE_DAYS, p.span()), p.min_school_days),)
        return Comparison(terms, high=0 if p.inclusive else -1, guards=guards)


class ConsecutiveParams(Counting):
    n: Days
    kinds: KindsWord = "ALL"


class ConsecutiveAbsenceDays(Leaf):
    """A run of at least `n` absence days up to now (S7.3)."""

    type: Literal["ConsecutiveAbsenceDays"]
    params: ConsecutiveParams

    def comparison(self) -> Comparison:
        p = self.params
        return at_least(p.key(Measure.CONSECUTIVE_DAYS, RUN, kinds=p.kinds), p.n)


class TardyCountParams(Windowed):
    count: Count
    include_after_close: bool = False


class TardyCountThreshold(Leaf):
    """At least `count` late sessions within `window` (S7.4)."""

    type: Literal["TardyCountThreshold"]
    params: TardyCountParams

    def comparison(self) -> Comparison:
        p = self.params
        late = Measure.LATE_OR_AFTER_CLOSE_SESSIONS if p.include_after_close else Measure.LATE_SESSIONS
        return at_least(p.key(late, p.span()), p.count)


class UnauthorisedSessionsParams(Counting):
    sessions: Count = 10
    weeks: Annotated[int, Field(strict=True, ge=1, le=60)] = 10


class UnauthorisedSessionsThreshold(Leaf):
    """At least `sessions` unauthorised sessions in rolling school weeks, across terms and years (S7.5)."""

    type: Literal["UnauthorisedSessionsThreshold"]
    params: UnauthorisedSessionsParams = Field(default_factory=UnauthorisedSessionsParams)

    def comparison(self) -> Comparison:
        p = self.params
        return at_least(p.key(Measure.UNAUTHORISED_SESSIONS, Window(WindowKind.WEEKS, p.weeks)), p.sessions)


class OccasionCountParams(Windowed):
    count: Count
    over_minutes: Annotated[int, Field(strict=True, ge=0, le=600)] = 30
    window: WindowParam = "YTD"


class OccasionCountThreshold(Leaf):
    """Full unauthorised days plus, on other days, sessions missed for more than `over_minutes` (S9.2)."""

    type: Literal["OccasionCountThreshold"]
    params: OccasionCountParams

    def comparison(self) -> Comparison:
        p = self.params
        return at_least(p.key(Measure.OCCASIONS, p.span(), over_minutes=p.over_minutes), p.count)


class DaysOrPartsParams(Windowed):
    count: Count


class DaysOrPartsThreshold(Leaf):
    """At least `count` days with any unauthorised session (S9.2)."""

    type: Literal["DaysOrPartsThreshold"]
    params: DaysOrPartsParams

    def comparison(self) -> Comparison:
        p = self.params
        return at_least(p.key(Measure.DAYS_OR_PARTS, p.span()), p.count)


class HoursMissedParams(Windowed):
    hours: Amount
    may_follow_run: ClassVar[bool] = True
    window: WindowParam = "YTD"
    kinds: KindsWord = "ALL"


class HoursMissedThreshold(Leaf):
    """At least `hours` missed within `window`, or in the present run of absence days (S9.2)."""

    type: Literal["HoursMissedThreshold"]
    params: HoursMissedParams

    def comparison(self) -> Comparison:
        p = self.params
        return at_least(p.key(Measure.MINUTES_MISSED, p.span(), kinds=p.kinds), ceil(60 * p.hours))


class DateWindow(Leaf):
    """The evaluation date lies between two dates (S9.3)."""

    type: Literal["DateWindow"]
    params: DateSpan

    def comparison(self) -> Comparison:
        day = Term(1, (MetricKey(Measure.EVALUATION_DAY),))
        return Comparison((day,), low=epoch_day(self.params.first), high=epoch_day(self.params.last))


class MonthsParams(Params):
    at_least: Annotated[int, Field(strict=True, ge=0, le=12)]


class MonthsIntoYear(Leaf):
    """Full months since the school year began (S10)."""

    type: Literal["MonthsIntoYear"]
    params: MonthsParams

    def comparison(self) -> Comparison:
        return at_least(MetricKey(Measure.MONTHS_INTO_YEAR), self.params.at_least)


class ImprovementParams(Counting):
    points: Percent
    over_school_days: Days
    min_sessions: Annotated[int, Field(strict=True, ge=1, le=800)] | None = None
    codes: NoCodes = ()

    def sessions_needed(self) -> int:
        return min(20, self.over_school_days) if self.min_sessions is None else self.min_sessions


class Improvement(Leaf):
    """The percent over the last school days is `points` above that before the last executed step (S10)."""

    type: Literal["Improvement"]
    params: ImprovementParams

    def comparison(self) -> Comparison:
        p, window = self.params, Window(WindowKind.SCHOOL, self.params.over_school_days)
        wanted = (Measure.ATTENDED_SESSIONS, Measure.POSSIBLE_SESSIONS, Measure.COUNTED_SESSIONS)
        attended, possible, counted = (p.key(measure, window) for measure in wanted)
        attended_then, possible_then, counted_then = (
            key.measured(At.BEFORE_STEP) for key in (attended, possible, counted)
        )
        gain, unit = Fraction(p.points), 100 * Fraction(p.points).denominator
        return Comparison(
            (
                Term(unit, (attended, possible_then)),
                Term(-unit, (attended_then, possible)),
                Term(-gain.numerator, (possible, possible_then)),
            ),
            low=0,
            guards=((counted, p.sessions_needed()), (counted_then, p.sessions_needed())),
        )


class SinceStepParams(Counting):
    at_least: Count
    kinds: KindsWord = "ALL"


class NewAbsencesSinceStep(Leaf):
    """Absent sessions dated after the effective day of the last step (S10)."""

    type: Literal["NewAbsencesSinceStep"]
    params: SinceStepParams

    def comparison(self) -> Comparison:
        p = self.params
        return at_least(p.key(Measure.ABSENT_SESSIONS, SINCE_STEP, kinds=p.kinds), p.at_least)


class PossibleSinceStepParams(Counting):
    at_least: Count
    codes: NoCodes = ()


class PossibleSessionsSinceStep(Leaf):
    """The student's own possible sessions dated after the effective day of the last step (S10)."""

    type: Literal["PossibleSessionsSinceStep"]
    params: PossibleSinceStepParams

    def comparison(self) -> Comparison:
        return at_least(self.params.key(Measure.COUNTED_SESSIONS, SINCE_STEP), self.params.at_least)


CountingLeaf = Annotated[
    AbsenceCountThreshold
    | AttendancePercentThreshold
    | TardyCountThreshold
    | UnauthorisedSessionsThreshold
    | OccasionCountThreshold
    | DaysOrPartsThreshold
    | HoursMissedThreshold
    | ConsecutiveAbsenceDays,
    Field(discriminator="type"),
]


class PriorYearParams(Params):
    leaf: CountingLeaf


class PriorYear(Leaf):
    """A counting leaf as it stood on the last day of the school year before (S10)."""

    type: Literal["PriorYear"]
    params: PriorYearParams

    def comparison(self) -> Comparison:
        now = self.params.leaf.comparison()
        terms = tuple(Term(term.coefficient, tuple(map(_last_year, term.keys))) for term in now.terms)
        return Comparison(terms, now.low, now.high, tuple((_last_year(key), least) for key, least in now.guards))


def _last_year(key: Key) -> Key:
    return key.measured(At.PRIOR_YEAR) if isinstance(key, MetricKey) else key
