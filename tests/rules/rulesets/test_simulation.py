"""What-if for one student, as examples over a made-up register."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from rules.attendance.codes import Status
from rules.attendance.history import History, ResolvedSession, SchoolSettings, SessionName
from rules.rulesets.facts import CaseFacts
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import dump_ruleset, load_pack, parse_ruleset
from rules.rulesets.simulation import Assumed, Happened, everybody, simulate
from rules.school_calendar import SchoolCalendar

FIRST = date(2026, 9, 7)
WEEKDAYS = [day for n in range(210) if (day := FIRST + timedelta(n)).weekday() < 5]
FIVE_IN_THIRTY = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}}


def rules(**changes: Any) -> RuleSet:
    stages = [
        {"key": "letter-1", "type": "LETTER", "template": "LETTER_1_ATTENDANCE", "wait_school_days": 10},
        {"key": "meeting", "type": "MEETING"},
    ]
    plain = {"key": "plain", "title": "Plain", "entry": FIVE_IN_THIRTY, "stages": stages, "stop": []}
    return parse_ruleset(plain | changes)


def attending(*missed: date) -> History:
    """Present on every weekday but these."""
    sessions = tuple(
        ResolvedSession(day, half, Status.ABSENT if day in missed else Status.PRESENT)
        for day in WEEKDAYS
        for half in SessionName
    )
    return History(SchoolSettings(), SchoolCalendar(tuple(WEEKDAYS)), sessions)


def walked(
    ruleset: RuleSet,
    history: History,
    until: date = WEEKDAYS[-1],
    in_scope: Callable[[date], bool] = everybody,
    **assumed: Any,
) -> list[tuple[date, str, str | None]]:
    found = simulate(ruleset, history, nothing_entered, (FIRST, until), Assumed(in_scope=in_scope, **assumed))
    return [(step.on, step.what.value, step.stage) for step in found]


def test_the_first_step_comes_on_the_day_the_entry_turns_true() -> None:
    assert walked(rules(), attending(*WEEKDAYS[10:15]), WEEKDAYS[20]) == [(WEEKDAYS[14], "STEP", "letter-1")]


def test_outside_the_scope_nothing_starts_and_what_has_started_goes_on() -> None:
    missed = attending(*WEEKDAYS[10:15], WEEKDAYS[18])
    assert walked(rules(), missed, in_scope=lambda _: False) == []
    late = walked(rules(), missed, WEEKDAYS[20], lambda on: on >= WEEKDAYS[16])
    assert late == [(WEEKDAYS[16], "STEP", "letter-1")]
    left = walked(rules(), missed, in_scope=lambda on: on <= WEEKDAYS[14])
    assert [stage for _, _, stage in left] == ["letter-1", "meeting"]


def test_a_student_who_attends_sees_nothing_happen() -> None:
    assert walked(rules(), attending()) == []


def test_the_second_step_waits_and_needs_a_new_absence() -> None:
    quiet = attending(*WEEKDAYS[10:15])
    assert [stage for _, _, stage in walked(rules(), quiet)] == ["letter-1"]
    again = attending(*WEEKDAYS[10:15], WEEKDAYS[18])
    assert walked(rules(), again)[1][:2] == (WEEKDAYS[24], "STEP")


@pytest.mark.parametrize(("then", "what"), [("EXIT_REVIEW", "EXIT")])
def test_an_improvement_leads_to_the_exit_and_six_clean_weeks_to_the_end(then: str, what: str) -> None:
    better = {"key": "better", "when": {"not": FIVE_IN_THIRTY}, "then": then}
    found = walked(rules(stop=[better]), attending(*WEEKDAYS[10:15]))
    assert [kind for _, kind, _ in found] == ["STEP", what, "COMPLETED"]
    assert (found[2][0] - found[1][0]).days >= 6 * 7


def test_absences_in_the_follow_up_bring_the_student_back() -> None:
    better = {"key": "better", "when": {"not": FIVE_IN_THIRTY}, "then": "EXIT_REVIEW"}
    relapse = {"type": "AbsenceCountThreshold", "params": {"count": 2, "window": 10, "unit": "SCHOOL"}}
    follow_up = {"weeks": 6, "relapse": relapse, "relapse_to": "meeting"}
    left = walked(rules(stop=[better], follow_up=follow_up), attending(*WEEKDAYS[10:15]))[1][0]
    missed = [day for day in WEEKDAYS if day > left][8:10]
    found = walked(rules(stop=[better], follow_up=follow_up), attending(*WEEKDAYS[10:15], *missed))
    assert ("RELAPSE", "meeting") in {(kind, stage) for _, kind, stage in found}


def test_an_escalation_passes_over_rungs() -> None:
    sudden = {"type": "ConsecutiveAbsenceDays", "params": {"n": 8}}
    stages = [*dump_ruleset(rules())["stages"], {"key": "escalation", "type": "ESCALATION", "case_tier": 3}]
    ruleset = rules(stages=stages, escalate=[{"key": "sudden", "when": sudden, "to": "escalation"}])
    found = walked(ruleset, attending(*WEEKDAYS[10:20]), WEEKDAYS[19])
    assert found[-1] == (WEEKDAYS[17], Happened.ESCALATED.value, "escalation")


def test_a_stop_ends_the_walk_until_the_entry_was_false_again() -> None:
    resolved = {"key": "resolved", "when": {"type": "CaseResolved", "params": {}}, "then": "STOPPED"}
    ruleset, history = rules(stop=[resolved]), attending(*WEEKDAYS[10:16], *WEEKDAYS[60:65])

    def facts(on: date, age: int | None) -> CaseFacts:
        return CaseFacts(day=on, stage_age=age, case_resolved=on == WEEKDAYS[15])

    found = [(step.on, step.what.value) for step in simulate(ruleset, history, facts, (FIRST, WEEKDAYS[70]))]
    assert found[:2] == [(WEEKDAYS[14], "STEP"), (WEEKDAYS[15], "STOPPED")]
    assert found[2][0] >= WEEKDAYS[60]


def test_the_general_pack_walks_to_its_end_when_nothing_gets_better() -> None:
    gone = [day for n, day in enumerate(WEEKDAYS) if n % 3 == 0]
    stages = [stage for _, kind, stage in walked(load_pack("general"), attending(*gone)) if kind == "STEP"]
    assert stages == ["contact", "letter-1", "letter-2", "meeting", "escalation"]


def test_approval_that_takes_days_puts_the_wait_off_and_holds_everything_meanwhile() -> None:
    always = attending(*WEEKDAYS[10:])
    found = walked(rules(), always, approval_school_days=3)
    assert [on for on, _, _ in found] == [WEEKDAYS[14], WEEKDAYS[14 + 3 + 10]]
    steps = simulate(rules(), always, nothing_entered, (FIRST, WEEKDAYS[-1]), Assumed(approval_school_days=3))
    assert [step.acts_on for step in steps] == [WEEKDAYS[17], WEEKDAYS[30]]


def test_an_approval_beyond_the_calendar_never_comes() -> None:
    late = attending(*WEEKDAYS[-5:])
    step, *more = simulate(rules(), late, nothing_entered, (FIRST, WEEKDAYS[-1]), Assumed(approval_school_days=3))
    assert (step.on, step.acts_on, more) == (WEEKDAYS[-1], None, [])


def test_a_student_who_leaves_ends_the_walk() -> None:
    always = attending(*WEEKDAYS[10:])
    found = walked(rules(), always, enrolled_until=WEEKDAYS[20])
    assert found == [(WEEKDAYS[14], "STEP", "letter-1"), (WEEKDAYS[21], "LEFT", None)]
    assert walked(rules(), always, enrolled_until=WEEKDAYS[12]) == []


def nothing_entered(on: date, age: int | None) -> CaseFacts:
    return CaseFacts(day=on, stage_age=age, exemption_active=False, reason_accepted=False, case_resolved=False)
