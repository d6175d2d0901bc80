"""What a backtest says in numbers, by hand over a few made-up walks."""

from datetime import date

from rules.rulesets.backtest_figures import Event, Frame, Person, Run, document
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import parse_ruleset
from rules.rulesets.simulation import Happened

FIRST, LAST = date(2026, 9, 7), date(2026, 10, 30)
PEOPLE = [Person(f"s{n}", {"school": "North" if n < 60 else "South", "send": "K" if n % 2 else ""}) for n in range(100)]
FRAME = Frame(FIRST, LAST, PEOPLE, 3_900, 2)


def rules(title: str = "Plain") -> RuleSet:
    entry = {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}
    stages = [{"key": "letter", "type": "LETTER", "template": "L1"}, {"key": "meeting", "type": "MEETING"}]
    return parse_ruleset({"key": "plain", "title": title, "entry": entry, "stages": stages})


def letters(people: range, on: date = FIRST, acts_on: date | None = FIRST) -> list[Event]:
    return [Event(person, on, Happened.STEP, "letter", acts_on) for person in people]


def test_entries_stand_by_stage_and_month_with_small_ones_hidden() -> None:
    events = letters(range(30)) + letters(range(30, 35), date(2026, 10, 5)) + letters(range(40, 52), date(2026, 10, 6))
    found = document(FRAME, [Run(rules(), events)])
    letter, meeting = found["entries"]
    assert letter == {"rule_set": 0, "stage": "letter", "total": 47, "months": {"2026-09": 30, "2026-10": 17}}
    assert meeting["months"] == {"2026-09": 0, "2026-10": 0}
    few = document(FRAME, [Run(rules(), events[:35])])["entries"][0]
    assert few["months"] == {"2026-09": None, "2026-10": None}
    assert few["total"] == 35
    assert few["rule_set"] == 0


def test_two_rule_sets_tell_who_is_added_and_who_is_dropped() -> None:
    first, second = letters(range(40)), letters(range(20, 55))
    changes = document(FRAME, [Run(rules(), first), Run(rules("Other"), second)])["changes"]
    told = {"first": 40, "second": 35, "both": 20, "added": 15, "dropped": 20}
    assert changes[0] == {"stage": "", **told}
    assert changes[1] == {"stage": "letter", **told}
    assert changes[2] == {"stage": "meeting", "first": 0, "second": 0, "both": 0, "added": 0, "dropped": 0}
    near = document(FRAME, [Run(rules(), first), Run(rules("Other"), letters(range(43)))])["changes"][0]
    assert near == {"stage": "", "first": 40, "second": 43, "both": None, "added": None, "dropped": None}


def test_work_falls_on_the_week_it_is_done_and_is_added_up_from_what_is_shown() -> None:
    done = date(2026, 9, 16)
    events = [*letters(range(30), acts_on=done), Event(3, LAST, Happened.EXIT, None, LAST)]
    events += [Event(n, LAST, Happened.ESCALATED, "meeting", None) for n in range(12)]
    weeks = {week["monday"]: week for week in document(FRAME, [Run(rules(), events)])["weeks"]}
    assert weeks["2026-09-14"]["steps"] == [{"EXIT_REVIEW": 0, "LETTER": 30}]
    assert weeks["2026-09-14"]["hours"] == [5.0]
    assert weeks["2026-10-26"]["steps"] == [{"EXIT_REVIEW": None, "LETTER": 0}]
    assert weeks["2026-10-26"]["hours"] == [1.2]
    assert next(iter(weeks)) == "2026-09-07"


def test_work_after_the_last_day_still_has_its_week() -> None:
    late = document(FRAME, [Run(rules(), letters(range(12), LAST, date(2026, 11, 12)))])["weeks"]
    assert late[-1]["monday"] == "2026-11-09"


def test_groups_stand_beside_everybody_else() -> None:
    groups = document(FRAME, [Run(rules(), letters(range(50)))])["groups"]
    north, south, plain, helped = groups
    assert (north["by"], north["value"], north["students"]) == ("school", "North", 60)
    assert (north["with_a_step"], north["percent"], north["ratio"], north["letters"]) == ([50], [83.3], [None], [50])
    assert south["with_a_step"] == [0]
    assert (south["percent"], south["ratio"]) == ([0.0], [0.0])
    assert [row["with_a_step"] for row in (plain, helped)] == [[25], [25]]
    assert helped["ratio"] == [1.0]


def test_a_hidden_group_has_no_share_and_hides_another() -> None:
    events = letters(range(15)) + letters(range(60, 64))
    north, south = document(FRAME, [Run(rules(), events)])["groups"][:2]
    for row in (north, south):
        assert (row["with_a_step"], row["percent"], row["ratio"], row["letters"]) == ([None], [None], [None], [None])


def test_what_happened_is_counted_and_nothing_small_is_told() -> None:
    events = [*letters(range(30)), Event(1, LAST, Happened.STOPPED, None, LAST)]
    events += [Event(n, LAST, Happened.RELAPSE, "letter", LAST) for n in range(11)]
    summary = document(FRAME, [Run(rules(), events)])["rule_sets"][0]
    assert summary["students_with_a_step"] == 30
    assert (summary["happened"]["STEP"], summary["happened"]["STOPPED"], summary["happened"]["RELAPSE"]) == (
        30,
        None,
        11,
    )
    assert summary["steps"] == {"LETTER": 41}
    assert summary["stages"][1] == {"key": "meeting", "type": "MEETING"}


def test_nobody_and_nothing_is_a_document_too() -> None:
    found = document(Frame(FIRST, LAST, [], 0), [Run(rules(), [])])
    assert found["groups"] == []
    assert {week["hours"][0] for week in found["weeks"]} == {0.0}
