"""The ladder over a district is the per-student reference, event for event."""

import os
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bulk.backtest import Backtest, Known, Replayed, backtest, refuse_strange_schools
from bulk.district import District, cohorts
from bulk.people import NOBODY_KNOWN, Profile
from bulk.vocabulary import as_date, as_day
from bulk.walking import WHAT
from cli.evaluate import load
from rules.attendance.history import History
from rules.errors import Invalid
from rules.rulesets.decision import rules_of
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import load_pack, parse_ruleset
from rules.rulesets.simulation import Assumed, Happened, simulate
from tests.bulk.test_agreement import histories
from tests.bulk.tiny import FIRST, district
from tests.rules.rulesets.generating import METRIC_LEAVES, rulesets

DAYS = 110
RUNS = settings(
    max_examples=int(os.environ.get("HANDRAIL_BACKTESTS", "25")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
Told = tuple[str, str, date, str, str | None, str | None, date | None]
PROFILES = (
    NOBODY_KNOWN,
    Profile(date(2016, 9, 1), "4", exemptions=(("stop", date(2024, 8, 20), date(2024, 9, 10)),)),
    Profile(date(2014, 8, 30), "5", care_flags=(("bereaved", FIRST, None),)),
)


EASY = st.sampled_from(
    [
        {"type": "AbsenceCountThreshold", "params": {"count": 0.5, "window": 10}},
        {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": 8, "unit": "SCHOOL", "across": "TENANT"}},
        {"type": "ConsecutiveAbsenceDays", "params": {"n": 1}},
        {"type": "AttendancePercentThreshold", "params": {"below": 95, "min_school_days": 2}},
    ]
)


@st.composite
def ladders(draw: st.DrawFn) -> RuleSet:
    """Any rule set, with waits, a scope, a follow-up of its own and leaves that look back to the last step."""
    document = draw(rulesets())
    for stage in document["stages"]:
        stage["wait_school_days"] = draw(st.integers(0, 4))
    weeks = draw(st.integers(1, 3))
    document["follow_up"] = {"weeks": weeks, "relapse": draw(METRIC_LEAVES)}
    if draw(st.booleans()):
        document["follow_up"]["relapse_to"] = "letter"
    scope: dict[str, Any] = draw(st.sampled_from([{}, {}, {}, {"year_groups": ["4", "5"]}, {"ages": [7, 8]}]))
    if draw(st.integers(0, 3)) != 0:  # else hardly anything would ever happen
        document["entry"] = {"any": [draw(EASY), document["entry"]]}
        document["stages"][1]["when"] = draw(EASY)
        document["stop"][0]["when"] = {"all": [{"not": draw(EASY)}, {"type": "StageAge", "params": {"school_days": 2}}]}
    better: dict[str, Any] = {"type": "Improvement", "params": {"points": 0, "over_school_days": 4, "min_sessions": 2}}
    if draw(st.integers(0, 3)) == 0:
        document["stop"][0]["when"] = better
    return parse_ruleset(document | {"scope": scope})


def known(data: District, random: Random) -> Known:
    """Anybody may be known in any way."""
    return Known(PROFILES, np.array([random.randrange(len(PROFILES)) for _ in data.pair_student], np.int64))


def told(data: District, ruleset: RuleSet, replayed: Replayed) -> list[Told]:
    """The vector form's events in the reference's words."""
    rules = rules_of(ruleset)
    columns = [getattr(replayed, name).tolist() for name in Replayed.__slots__]
    return [
        (
            data.pair_student[pair],
            data.schools[int(data.pair_school[pair])].school_id,
            as_date(day),
            WHAT[what].value,
            None if stage < 0 else ruleset.stages[stage].key,
            None if rule < 0 else rules[rule].name,
            None if acts < 0 else as_date(acts),
        )
        for pair, day, what, stage, rule, acts in zip(*columns, strict=True)
    ]


def reference(
    data: District, past: dict[tuple[str, str], History], who: Known, ruleset: RuleSet, asked: Backtest
) -> list[Told]:
    """Every student on their own, by the pure rules."""
    found: list[Told] = []
    span = (as_date(asked.first), as_date(asked.last))
    for cohort in cohorts(data):
        school = cohort.school.school_id
        for pair in cohort.pairs.tolist():
            profile, mine = who.profiles[int(who.who[pair])], data.spans.pair == pair
            until = int(data.spans.last[mine].max()) if mine.any() else -1
            assumed = Assumed(
                in_scope=starts(ruleset, past[data.pair_student[pair], school], profile),
                approval_school_days=asked.approval_school_days,
                enrolled_until=as_date(until),
            )
            history = past[data.pair_student[pair], school]
            steps = simulate(ruleset, history, profile.on, span, assumed)
            found += [(data.pair_student[pair], school, s.on, s.what.value, s.stage, s.by, s.acts_on) for s in steps]
    return found


def starts(ruleset: RuleSet, history: History, profile: Profile) -> Any:
    """Scheduled that day, and inside the scope."""
    scope, scheduled = ruleset.scope, set(history.days())

    def inside(on: date) -> bool:
        groups = scope.year_groups is None or profile.year_group in scope.year_groups
        return on in scheduled and groups and (scope.ages is None or profile.of_age(scope.ages, on))

    return inside


@RUNS
@given(st.randoms(use_true_random=False), ladders(), st.integers(0, 3))
def test_any_ladder_over_any_district_is_the_reference_event_for_event(
    random: Random, ruleset: RuleSet, approval: int
) -> None:
    with TemporaryDirectory() as folder:
        files = district(Path(folder), random, DAYS, 700)
        data = load(files).build()
        past = histories(data, files, None)
    asked = Backtest((ruleset,), as_day(FIRST + timedelta(days=3)), as_day(FIRST + timedelta(days=DAYS - 5)), approval)
    who = known(data, random)
    expected = reference(data, past, who, ruleset, asked)
    for what in {one[3] for one in expected}:
        event(what)
    found = told(data, ruleset, backtest(data, who, asked).replayed[0])
    assert sorted(found, key=_order) == sorted(expected, key=_order)


def test_in_a_long_enough_year_everything_happens_and_is_the_reference(tmp_path: Path) -> None:
    """The shipped pack and one of its own kind, so that no sort of happening goes untried."""
    easy = {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": 10}}
    stages = [
        {"key": "letter", "type": "LETTER", "template": "L1", "wait_school_days": 5},
        {"key": "meeting", "type": "MEETING", "wait_school_days": 3},
        {"key": "escalation", "type": "ESCALATION", "case_tier": 3},
    ]
    quick = parse_ruleset(
        {
            "key": "quick",
            "title": "Quick",
            "entry": easy,
            "stages": stages,
            "stop": [
                {"key": "better", "when": {"all": [{"not": easy}, {"type": "StageAge", "params": {"school_days": 4}}]}},
                {"key": "exempt", "when": {"type": "ExemptionActive"}, "then": "STOPPED"},
            ],
            "escalate": [
                {"key": "gone", "when": {"type": "ConsecutiveAbsenceDays", "params": {"n": 2}}, "to": "escalation"}
            ],
            "follow_up": {"weeks": 2, "relapse": easy, "relapse_to": "meeting"},
        }
    )
    happened: Counter[str] = Counter()
    for seed in range(6):
        random = Random(seed)
        files = district(tmp_path / str(seed), random, DAYS, 700)
        data = load(files).build()
        past, who = histories(data, files, None), known(data, random)
        for ruleset in (quick, load_pack("general")):
            asked = Backtest((ruleset,), as_day(FIRST), as_day(FIRST + timedelta(days=DAYS)), seed % 2)
            expected = reference(data, past, who, ruleset, asked)
            found = told(data, ruleset, backtest(data, who, asked).replayed[0])
            assert sorted(found, key=_order) == sorted(expected, key=_order)
            happened.update(one[3] for one in expected)
    assert set(happened) == set(Happened)


def test_two_rule_sets_are_walked_side_by_side_and_progress_is_told(tmp_path: Path) -> None:
    data = load(district(tmp_path, Random(1), DAYS, 700)).build()
    rules = load_pack("general")
    done: list[int] = []
    span = (as_day(FIRST), as_day(FIRST + timedelta(days=DAYS)))
    outcome = backtest(data, Known.nothing(data), Backtest((rules, rules), *span), done.append)
    first, second = (told(data, rules, one) for one in outcome.replayed)
    assert first == second
    assert sum(done) == len(data.pair_student)
    assert outcome.student_days > 0


def test_a_scope_that_names_no_school_of_the_district_is_refused(tmp_path: Path) -> None:
    data = load(district(tmp_path, Random(1))).build()
    general = load_pack("general")
    strange = general.model_copy(
        update={"scope": general.scope.model_copy(update={"schools": ("01a1fde2-6b02-70ed-b058-836a7560a4b8",)})}
    )
    refuse_strange_schools(general, data)
    with pytest.raises(Invalid, match="None of the rule set's schools"):
        refuse_strange_schools(strange, data)


def _order(one: Told) -> tuple[str, str, date]:
    return one[:3]
