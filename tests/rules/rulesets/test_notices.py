"""A notice: its time, what improvement is sufficient and not judged before it is over, and what it says in words."""

from datetime import date
from typing import Any

import pytest

from rules.rulesets.activation import activation_problems
from rules.rulesets.case_leaves import StageAge
from rules.rulesets.decision import Action, Position, decide
from rules.rulesets.facts import CaseFacts
from rules.rulesets.legal_limits import looser
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import ladder_snapshot, load_pack, parse_ruleset

ABSENCES = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30, "unit": "CALENDAR"}}
FEW = {"not": {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": 10, "unit": "SCHOOL"}}}
MANY = {"type": "AbsenceCountThreshold", "params": {"count": 4, "window": 5, "unit": "SCHOOL"}}
LETTER = {"key": "letter", "type": "LETTER", "template": "L1"}
NOTICE: dict[str, Any] = {
    "key": "notice",
    "type": "NOTICE",
    "template": "N",
    "cite": "s.1",
    "approval": "LEADER",
    "period_school_weeks": 3,
    "stop": [{"key": "enough", "when": FEW, "says": "no day is missed in ten school days."}],
    "escalate": [{"key": "early", "when": MANY, "to": "after", "says": "four days are missed in one week."}],
}
AFTER = {"key": "after", "type": "ESCALATION", "approval": "LEADER"}
STOPS = [
    {"key": "exempt", "when": {"type": "ExemptionActive", "params": {}}, "then": "STOPPED"},
]
COUNTS = {"5": "absent_half_days/calendar:30/all", "1": "absent_half_days/school:10/all"}
RECENT = MetricKey.parse("absent_half_days/school:10/all")
WEEK = MetricKey.parse("absent_half_days/school:5/all")


def ruleset(**changes: Any) -> RuleSet:
    document = {
        "key": "n",
        "title": "With a notice",
        "entry": ABSENCES,
        "stages": [LETTER, {**NOTICE, **changes}, AFTER],
        "stop": STOPS,
        "follow_up": {"relapse": ABSENCES},
        "citations": [{"authority": "statute", "text": "s.1", "source": "Act", "checked_on": "2026-11-01"}],
    }
    return parse_ruleset(document)


def under_notice(ruleset: RuleSet, *, age: int, recent: int, week: int = 0) -> Action:
    metrics: dict[MetricKey, int | None] = dict.fromkeys(ruleset.metric_keys(), 0)
    metrics |= {RECENT: recent, WEEK: week}
    facts = CaseFacts(day=date(2026, 11, 20), stage_age=age, exemption_active=False)
    position = Position(stage_index=1, wait_elapsed=age >= 15, previous_reached=True)
    return decide(ruleset, position, metrics, facts).action


@pytest.mark.parametrize(
    ("age", "recent", "week", "action"),
    [
        (14, 0, 0, Action.WAIT),  # improved, but the family has its whole time
        (15, 0, 0, Action.EXIT_REVIEW),
        (15, 2, 0, Action.WAIT),
        (3, 8, 8, Action.ESCALATE),  # grounds for an early end
        (15, 0, 8, Action.EXIT_REVIEW),  # what speaks for the family comes first
    ],
)
def test_whether_improvement_is_sufficient_is_judged_when_the_time_is_over(
    age: int, recent: int, week: int, action: Action
) -> None:
    assert under_notice(ruleset(), age=age, recent=recent, week=week) is action


def test_a_fact_that_a_person_entered_ends_the_notice_at_once() -> None:
    resolved = {"key": "resolved", "when": {"type": "CaseResolved", "params": {}}, "then": "STOPPED"}
    rules = ruleset(stop=[*NOTICE["stop"], resolved])
    stage = rules.stages[1]
    assert rules.to_stop(stage, stage.stop[1]) == stage.stop[1].when
    assert rules.to_stop(stage, stage.stop[0]) != stage.stop[0].when
    assert StageAge(type="StageAge", params={"school_days": 15}) in rules.leaf_index()


def test_a_school_week_is_five_school_days_and_a_longer_wait_stays() -> None:
    assert [ruleset(**more).stages[1].waits for more in ({}, {"wait_school_days": 20})] == [15, 20]
    stage = ladder_snapshot(ruleset(), 1).stages[1]
    assert (stage.wait_school_days, stage.period_school_weeks) == (15, 3)
    assert (stage.sufficient, stage.early) == (
        ("no day is missed in ten school days.",),
        ("four days are missed in one week.",),
    )
    assert stage.purpose == "notices"


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({}, []),
        ({"period_school_weeks": None}, ["stages[1].period_school_weeks"]),
        ({"stop": []}, ["stages[1].stop"]),
        ({"stop": [{"key": "enough", "when": FEW}]}, ["stages[1].stop[0].says"]),
        ({"escalate": [{"key": "early", "when": MANY, "to": "after"}]}, ["stages[1].escalate[0].says"]),
        ({"type": "LETTER"}, ["stages[1].period_school_weeks"]),
    ],
)
def test_what_a_notice_must_say_before_it_comes_into_force(changes: dict[str, Any], places: list[str]) -> None:
    assert [problem.place for problem in activation_problems(ruleset(**changes))] == places


def test_a_layer_may_not_shorten_the_time_of_a_notice() -> None:
    assert list(looser(ruleset(), ruleset(period_school_weeks=4))) == []
    assert [place for place, _ in looser(ruleset(), ruleset(period_school_weeks=2))] == [
        "stages/notice/period_school_weeks"
    ]


def test_the_english_notice_says_all_that_is_asked_of_it() -> None:
    pack = load_pack("gb-eng-2024")
    at = pack.index_of("notice-to-improve")
    assert len(pack.stages[at].elements) == 8
    assert not [one for one in activation_problems(pack) if one.place.startswith(f"stages[{at}]")]
