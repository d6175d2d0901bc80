"""A recorded decision comes out again, and whatever was changed since is told."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.rulesets.comparisons import FactKey
from rules.rulesets.decision import Action, Decision, Position, decide, unless_muted
from rules.rulesets.evaluation import Bitmap
from rules.rulesets.metrics import MetricKey
from rules.rulesets.recorded import Grounds, Taken, day_span, differences, taken
from rules.rulesets.ruleset import digest, load_pack, parse_ruleset
from tests.rules.rulesets.generating import POSITIONS, fact_values, metric_values, rulesets

PACK = load_pack("general")
ABSENT = MetricKey.parse("absent_half_days/calendar:30/all/exclude=CODE_SET")
SPAN = (date(2026, 10, 22), date(2026, 11, 20))


def grounds(half_days: int, position: Position | None = None, **muted: str) -> Grounds:
    values: dict[MetricKey, int | None] = dict.fromkeys(PACK.metric_keys())
    facts: dict[FactKey, int | None] = dict.fromkeys(PACK.fact_keys())
    return Grounds(
        position or Position(), frozenset(muted.values()), values | {ABSENT: half_days}, facts, {ABSENT: SPAN}
    )


def test_a_decision_says_why_with_the_days_it_was_written_down_with() -> None:
    found = taken(PACK, grounds(10))
    assert (found.decision.action, found.decision.by) == (Action.ADVANCE, "stage:contact")
    assert found.sentence == "5 absences in 30 calendar days (22 Oct - 20 Nov); threshold 5"


def test_while_nothing_is_decided_the_next_stage_is_told() -> None:
    found = taken(PACK, grounds(8))
    assert found.decision.action is Action.WAIT
    assert "4 absences" in found.sentence


def test_at_the_end_of_the_ladder_there_is_nothing_to_tell() -> None:
    found = taken(PACK, grounds(8, Position(stage_index=4)))
    assert (found.sentence, found.leaves) == ("", ())


def test_what_stands_as_it_was_differs_in_nothing() -> None:
    on = grounds(10)
    assert differences(PACK, digest(PACK), on, taken(PACK, on)) == ()


def test_everything_that_is_otherwise_is_told() -> None:
    on = grounds(10)
    was = taken(PACK, on)
    other = Decision(Action.WAIT, None, None, (), ("condition",), Bitmap("0", "0"))
    told = differences(PACK, "0" * 64, on, Taken(other, "4 absences"))
    assert [one.what for one in told] == [
        "digest",
        "action",
        "stage",
        "by",
        "fired",
        "held_back",
        "true",
        "known",
        "sentence",
    ]
    assert (told[1].recorded, told[1].now) == (Action.WAIT, Action.ADVANCE)
    assert (told[-1].recorded, told[-1].now) == ("4 absences", was.sentence)


@pytest.mark.parametrize("half_days", [9, 11, None])
def test_another_figure_does_not_pass_unseen(half_days: int | None) -> None:
    on = grounds(10)
    tampered = replace(on, metrics={**on.metrics, ABSENT: half_days})
    assert differences(PACK, digest(PACK), tampered, taken(PACK, on))


def test_a_rejected_exit_stays_silent() -> None:
    better = {"key": "better", "when": {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": 30}}}
    stages = [{"key": "contact", "type": "CONTACT"}]
    entry = better["when"]
    rules = parse_ruleset({"key": "r", "title": "R", "entry": entry, "stages": stages, "stop": [better]})
    metrics = dict.fromkeys(rules.metric_keys(), 10)
    loud = Grounds(Position(), frozenset(), metrics, {}, {})
    assert taken(rules, loud).decision.action is Action.EXIT_REVIEW
    quiet = replace(loud, muted=frozenset({"stop:better"}))
    assert taken(rules, quiet).decision.action is Action.ADVANCE
    other = unless_muted(lambda at: decide(rules, at, metrics), Position(), {"stop:other"})
    assert other.action is Action.EXIT_REVIEW


def test_days_are_read_as_they_are_stored() -> None:
    assert day_span(["2026-10-22", "2026-11-20"]) == SPAN


@settings(max_examples=60, deadline=None)
@given(rulesets(), POSITIONS, st.data())
def test_any_decision_of_any_rule_set_comes_out_again(
    document: dict[str, object], position: Position, data: st.DataObject
) -> None:
    ruleset = parse_ruleset(document)
    metrics, facts = data.draw(metric_values(ruleset.metric_keys())), data.draw(fact_values(ruleset.fact_keys()))
    on = Grounds(position, frozenset(), metrics, facts, {})
    assert differences(ruleset, digest(ruleset), on, taken(ruleset, on)) == ()
