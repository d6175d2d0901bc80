"""The arithmetic of a backtest's part, by the form that replays district folders.

It needs numpy: `backtest_walks` loads this when the first part is walked, so that a worker without a backtest has
neither (docs/performance.md, memory of the embedded stack).
"""

from collections.abc import Mapping
from uuid import UUID

import numpy as np

from bulk.backtest import Backtest as Replay
from bulk.backtest import Known, Replayed, backtest, events_of
from bulk.district import District
from bulk.loading import Loading
from bulk.people import NOBODY_KNOWN, Profile
from bulk.vocabulary import as_day
from models.queries.backtests import Table
from rules.rulesets.model import RuleSet
from services.backtest_parts import Part, Step, Walked


def walk_part(part: Part) -> Walked:
    """Every student of the part under every rule set, by the form that replays district folders."""
    district = _district(part.tables)
    here = str(part.school_id)
    asked = Replay(
        part.rulesets,
        as_day(part.span.first),
        as_day(part.span.last),
        part.approval_school_days,
        frozenset({here}),
    )
    outcome = backtest(district, _known(district, part.profiles), asked)
    steps: dict[UUID, list[list[Step]]] = {student: [[] for _ in part.rulesets] for student in part.students}
    for at, ruleset in enumerate(part.rulesets):
        _told(steps, at, district, ruleset, outcome.replayed[at])
    return Walked(steps, outcome.student_days)


def _told(
    steps: Mapping[UUID, list[list[Step]]], at: int, district: District, ruleset: RuleSet, replayed: Replayed
) -> None:
    for event in events_of(ruleset, replayed):
        acts = None if event.acts_on is None else event.acts_on.isoformat()
        step: Step = [event.on.isoformat(), event.what.value, event.stage, acts]
        steps[UUID(district.pair_student[event.person])][at].append(step)


def _district(tables: Mapping[str, Table]) -> District:
    loading = Loading(built_in=False)
    loading.schools("school", [tables["schools"]])
    loading.code_map("code_map", [tables["code_map"]])
    loading.calendar("calendar_session", [tables["calendar"]])
    loading.enrolments("enrolment", [tables["enrolments"]])
    loading.marks("mark", [tables["marks"]])
    return loading.build()


def _known(district: District, profiles: Mapping[str, Profile]) -> Known:
    numbers: dict[Profile, int] = {NOBODY_KNOWN: 0}
    found = [profiles.get(student, NOBODY_KNOWN) for student in district.pair_student]
    who = [numbers.setdefault(profile, len(numbers)) for profile in found]
    return Known(tuple(numbers), np.array(who, np.int64))
