"""Facts about a case on one day, as the integers that conditions compare (S10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import floor
from typing import Final, Protocol

from dateutil.relativedelta import relativedelta

from rules.rulesets.comparisons import FactKey, FactName


class Facts(Protocol):
    """Anything that answers a fact key with an integer or unknown: CaseFacts, or a stored evaluation's mapping."""

    def get(self, key: FactKey, /) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known of a student's progress in a programme (mtss.md); None is unknown."""

    scores: Mapping[str, Decimal] = field(default_factory=dict)
    """Measure -> latest valid score; a measure that is not there has none."""
    consecutive_proficient: int | None = None
    goal_checks: int | None = None
    recommended: bool | None = None
    points_below_aimline: int | None = None
    """The latest data points in a row that lie below the aimline."""
    measured_points: int | None = None


NO_PROGRESS: Final = Progress()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What is known of a case on `day`; None is unknown, and unknown decides nothing."""

    day: date
    stage_age: int | None = None
    """Open school days since the stage was entered."""
    birth_date: date | None = None
    year_group: str | None = None
    care_flags: frozenset[str] | None = None
    """Kinds of the care flags that cover `day`."""
    exemption_active: bool | None = None
    reason_accepted: bool | None = None
    case_resolved: bool | None = None
    artifacts: frozenset[str] | None = None
    """Kinds of which the instance has a row."""
    prior_events: Mapping[str, tuple[date, ...]] | None = None
    """Kind -> dates; a kind that is not there never happened."""
    guardian_events: Mapping[str, Mapping[str, tuple[date, ...]] | None] | None = None
    """Each liable guardian -> kind -> dates; None where the authority's history is not recorded."""
    progress: Progress = NO_PROGRESS
    school_year_start: date | None = None
    known: Mapping[FactKey, int] = field(default_factory=dict)
    """Facts given directly, for tests attached to a rule set and for what-if."""

    def get(self, key: FactKey, /) -> int | None:
        if key in self.known:
            return self.known[key]
        value = _READ[key.name](self, key.about)
        return None if value is None else int(value)


def fact_values(facts: Facts, keys: tuple[FactKey, ...]) -> dict[FactKey, int | None]:
    """The facts that are asked for, as they are stored with an evaluation."""
    return {key: facts.get(key) for key in keys}


NO_FACTS: Final[Facts] = CaseFacts(day=date(1970, 1, 1))
"""Nothing is known."""


def age_on(birth_date: date, day: date) -> int:
    """Completed years; a child born on 29 February has its birthday on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def of_compulsory_age(jurisdiction: str, birth_date: date, day: date) -> bool | None:
    """Whether a child must be at school (facts/statutes.md); None where the birth date alone does not tell."""
    age = age_on(birth_date, day)
    if jurisdiction == "GB-ENG":
        return _first_term_after_five(birth_date) <= day <= _last_friday_of_june(birth_date)
    if jurisdiction == "IE" and age in {16, 17}:
        return None  # until three years of post-primary education are completed, if that is later
    first, last = {"IE": (6, 15), "US-TX": (6, 18)}.get(jurisdiction, (6, 17))
    return first <= age <= last


def _first_term_after_five(birth_date: date) -> date:
    """England: the first 1 January, 1 April or 1 September on or after the fifth birthday."""
    fifth = birth_date + relativedelta(years=5)
    starts = [date(fifth.year, 4, 1), date(fifth.year, 9, 1), date(fifth.year + 1, 1, 1)]
    return next(start for start in [date(fifth.year, 1, 1), *starts] if start >= fifth)


def _last_friday_of_june(birth_date: date) -> date:
    """England: of the school year (from 1 September) in which the child turns 16."""
    turns = birth_date + relativedelta(years=16)
    end = date(turns.year + (turns.month >= 9), 6, 30)
    return end - timedelta(days=(end.weekday() - 4) % 7)


def _born(facts: CaseFacts) -> date | None:
    """The birth date; one still to come is a slip of the pen and tells nothing."""
    return facts.birth_date if facts.birth_date is not None and facts.birth_date <= facts.day else None


def _age(facts: CaseFacts, _: tuple[str, ...]) -> int | None:
    born = _born(facts)
    return None if born is None else age_on(born, facts.day)


def _compulsory(facts: CaseFacts, about: tuple[str, ...]) -> bool | None:
    born = _born(facts)
    return None if born is None else of_compulsory_age(about[0], born, facts.day)


def _year_group(facts: CaseFacts, about: tuple[str, ...]) -> bool | None:
    return None if facts.year_group is None else facts.year_group in about


def _protected(facts: CaseFacts, about: tuple[str, ...]) -> bool | None:
    return None if facts.care_flags is None else not facts.care_flags.isdisjoint(about)


def _artifact(facts: CaseFacts, about: tuple[str, ...]) -> bool | None:
    return None if facts.artifacts is None else about[0] in facts.artifacts


def _prior_events(facts: CaseFacts, about: tuple[str, ...]) -> int | None:
    return _events_within(facts, facts.prior_events, about)


def _guardian_events(facts: CaseFacts, about: tuple[str, ...]) -> int | None:
    """The counter of the guardian who has most; one history that is not recorded leaves it unknown."""
    counted = [_events_within(facts, events, about) for events in (facts.guardian_events or {}).values()]
    known = [count for count in counted if count is not None]
    return max(known) if known and len(known) == len(counted) else None


def _events_within(
    facts: CaseFacts, events: Mapping[str, tuple[date, ...]] | None, about: tuple[str, ...]
) -> int | None:
    kind, within = about
    after = _window_opens(facts, within)
    if events is None or after is None:
        return None
    return sum(after < event <= facts.day for event in events.get(kind, ()))


def _score(facts: CaseFacts, about: tuple[str, ...]) -> int | None:
    score = facts.progress.scores.get(about[0])
    return None if score is None else floor(100 * score)


def _window_opens(facts: CaseFacts, within: str) -> date | None:
    if within == "school_year":
        return None if facts.school_year_start is None else facts.school_year_start - timedelta(days=1)
    value, _, unit = within.partition(":")
    return facts.day - _SPANS[unit](int(value))


_SPANS: Final[Mapping[str, Callable[[int], relativedelta]]] = {
    "day": lambda n: relativedelta(days=n),
    "week": lambda n: relativedelta(weeks=n),
    "month": lambda n: relativedelta(months=n),
    "year": lambda n: relativedelta(years=n),
}
_READ: Final[Mapping[FactName, Callable[[CaseFacts, tuple[str, ...]], int | None]]] = {
    FactName.STAGE_AGE: lambda facts, _: facts.stage_age,
    FactName.AGE: _age,
    FactName.COMPULSORY_AGE: _compulsory,
    FactName.YEAR_GROUP: _year_group,
    FactName.PROTECTED: _protected,
    FactName.EXEMPTION: lambda facts, _: facts.exemption_active,
    FactName.REASON_ACCEPTED: lambda facts, _: facts.reason_accepted,
    FactName.CASE_RESOLVED: lambda facts, _: facts.case_resolved,
    FactName.ARTIFACT: _artifact,
    FactName.PRIOR_EVENTS: _prior_events,
    FactName.GUARDIAN_EVENTS: _guardian_events,
    FactName.SCORE: _score,
    FactName.CONSECUTIVE_PROFICIENT: lambda facts, _: facts.progress.consecutive_proficient,
    FactName.GOAL_CHECKS: lambda facts, _: facts.progress.goal_checks,
    FactName.FACILITATOR_RECOMMENDS: lambda facts, _: facts.progress.recommended,
    FactName.POINTS_BELOW_AIMLINE: lambda facts, _: facts.progress.points_below_aimline,
    FactName.MEASURED_POINTS: lambda facts, _: facts.progress.measured_points,
}
