"""What leaves are made of: strict models, windows, codes and amounts, and the base of every leaf."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PlainSerializer, Tag, model_validator

from rules.rulesets.comparisons import Comparison, Key
from rules.rulesets.metrics import CODE_SET, RUN, YTD, Across, Kinds, Measure, MetricKey, Window, WindowKind, codes_key

Count = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Days = Annotated[int, Field(strict=True, ge=1, le=400)]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def _plain(number: Decimal) -> int | float:
    """One JSON form per value, so that 90 and 90.0 have one digest; four decimals survive a float."""
    return int(number) if number == int(number) else float(number)


Plain = PlainSerializer(_plain, return_type=int | float)
"""How an exact number is written."""
Amount = Annotated[Decimal, Field(gt=0, le=10_000, decimal_places=4), Plain]
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=4), Plain]
NoCodes = Annotated[tuple[Code, ...], Field(max_length=0)]
KindsWord = Literal["ALL", "UNAUTHORISED", "AUTHORISED"]
Unit = Literal["CALENDAR", "SCHOOL", "WEEKS", "MONTHS"]


class Strict(BaseModel):
    """Immutable, and no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class DateSpan(Strict):
    """A window between two fixed dates, both inclusive."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("'to' is before 'from': swap them")
        return self


class NamedTerm(Strict):
    """A window that a school's calendar of terms names."""

    term: Word


def _window_shape(given: Any) -> str:
    if isinstance(given, str):
        return "word"
    if isinstance(given, dict | DateSpan | NamedTerm):
        return "term" if isinstance(given, NamedTerm) or (isinstance(given, dict) and "term" in given) else "dates"
    return "days"


WindowParam = Annotated[
    Annotated[Days, Tag("days")]
    | Annotated[Literal["YTD", "CONSECUTIVE"], Tag("word")]
    | Annotated[DateSpan, Tag("dates")]
    | Annotated[NamedTerm, Tag("term")],
    Discriminator(_window_shape),
]


class Params(Strict):
    """The parameters of one leaf."""


class Leaf(Strict):
    """A condition without children."""

    def comparison(self) -> Comparison:
        """What is compared; every form of the tree is derived from it."""
        raise NotImplementedError

    def needs(self) -> tuple[Key, ...]:
        """The metrics and facts this leaf needs."""
        return self.comparison().keys()

    def metric_keys(self) -> tuple[MetricKey, ...]:
        return tuple(key for key in self.needs() if isinstance(key, MetricKey))

    def is_metric(self) -> bool:
        """True if the register and the calendar alone decide it (bitmaps compare these)."""
        return len(self.metric_keys()) == len(self.needs())


class Counting(Params):
    """What every counting leaf may narrow (S9.4)."""

    codes: tuple[Code, ...] = ()
    exclude_codes: Literal["CODE_SET"] | tuple[Code, ...] = ()
    across: Literal["SCHOOL", "TENANT"] = "SCHOOL"

    def excluded(self) -> tuple[str, ...]:
        return (CODE_SET,) if self.exclude_codes == CODE_SET else codes_key(list(self.exclude_codes))

    def key(
        self, measure: Measure, window: Window = YTD, *, kinds: KindsWord = "ALL", over_minutes: int = 0
    ) -> MetricKey:
        """The metric of this leaf's codes and schools."""
        return MetricKey(
            measure,
            window,
            Kinds(kinds.lower()),
            codes_key(self.codes),
            self.excluded(),
            over_minutes,
            Across(self.across.lower()),
        )


class Windowed(Counting):
    """A counting leaf over a window; `unit` says what a number of days counts."""

    may_follow_run: ClassVar[bool] = False
    window: WindowParam
    unit: Unit = "CALENDAR"

    @model_validator(mode="after")
    def _known_window(self) -> Self:
        if isinstance(self.window, NamedTerm):
            raise ValueError("named terms are not yet supported: give {'from', 'to'} dates instead")  # noqa: TRY004
        if self.window == "CONSECUTIVE" and not self.may_follow_run:
            raise ValueError("'window: CONSECUTIVE' is for HoursMissedThreshold: use ConsecutiveAbsenceDays")
        return self

    def span(self) -> Window:
        return window_of(self.window, self.unit)


def window_of(window: WindowParam, unit: Unit) -> Window:
    """The window of a parameter; numbers count `unit`."""
    if isinstance(window, DateSpan):
        return Window(WindowKind.DATES, 0, window.first, window.last)
    if isinstance(window, int):
        return Window(WindowKind(unit.lower()), window)
    return RUN if window == "CONSECUTIVE" else YTD


def epoch_day(day: date) -> int:
    """Days since 1970-01-01, the integer that stands for a date."""
    return day.toordinal() - date(1970, 1, 1).toordinal()
