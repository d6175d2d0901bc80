"""Some students of a school to be walked together in a backtest, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bulk.people import Profile
from models.queries.backtests import Span, Table
from rules.rulesets.model import RuleSet

Step = list[str | None]


@dataclass(frozen=True, slots=True)
class Part:
    """Some students of a school with their register and what else is known of them."""

    school_id: UUID
    students: Sequence[UUID]
    rulesets: Sequence[RuleSet]
    tables: Mapping[str, Table]
    profiles: Mapping[str, Profile]
    span: Span
    approval_school_days: int


@dataclass(frozen=True, slots=True)
class Walked:
    """What happened to each of the students, per rule set, and how many student-days were looked at."""

    steps: Mapping[UUID, Sequence[Sequence[Step]]]
    student_days: int
