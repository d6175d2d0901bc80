"""What a case does next, rule by rule of the ladder."""

from dataclasses import replace
from typing import Any

import pytest

from rules.rulesets.comparisons import FactKey, FactName
from rules.rulesets.conditions import AllOf
from rules.rulesets.decision import RELAPSE, Action, Decision, Position, condition_named, decide, rules_of
from rules.rulesets.metrics import MetricKey
from rules.rulesets.ruleset import load_pack, parse_ruleset

GENERAL = load_pack("general")
AFTER_LETTER_1 = Position(stage_index=1, previous_reached=True)
EXEMPT = {FactKey(FactName.EXEMPTION): 1}
X = "exclude=CODE_SET"
AT_THRESHOLD = {
    f"absent_half_days/calendar:30/all/{X}": 10,
    f"absent_sessions/step/all/{X}": 1,
    f"counted_sessions/step/{X}": 10,
}


def metrics(values: dict[str, int]) -> dict[MetricKey, int | None]:
    return {MetricKey.parse(text): value for text, value in values.items()}


def general(position: Position, **changes: int) -> Decision:
    values = AT_THRESHOLD | {key: changes[word] for word, key in NAMED.items() if word in changes}
    return decide(GENERAL, position, metrics(values))


NAMED = {
    "absent": f"absent_half_days/calendar:30/all/{X}",
    "new": f"absent_sessions/step/all/{X}",
    "chances": f"counted_sessions/step/{X}",
}


def test_entry_opens_the_first_stage_without_guards() -> None:
    decision = decide(GENERAL, Position(), metrics({NAMED["absent"]: 10}))
    assert (decision.action, decision.stage, decision.by) == (Action.ADVANCE, "contact", "stage:contact")
    assert decision.leaves.true[0] == "1"


def test_one_rung_at_most_though_every_stage_holds() -> None:
    decision = general(AFTER_LETTER_1)
    assert (decision.action, decision.stage) == (Action.ADVANCE, "letter-2")
    assert decision.fired[-1] == "stage:escalation"


@pytest.mark.parametrize(
    ("position", "changes", "why"),
    [
        (AFTER_LETTER_1, {"absent": 9}, ("condition",)),
        (AFTER_LETTER_1, {"new": 0}, ("NewAbsencesSinceStep",)),
        (AFTER_LETTER_1, {"chances": 9}, ("PossibleSessionsSinceStep",)),
        (replace(AFTER_LETTER_1, wait_elapsed=False), {}, ("wait",)),
        (replace(AFTER_LETTER_1, previous_reached=False), {}, ("PreviousStepReachedSomebody",)),
        (replace(AFTER_LETTER_1, stage_index=4), {}, ("end_of_ladder",)),
    ],
)
def test_what_holds_a_step_back_is_named(position: Position, changes: dict[str, int], why: tuple[str, ...]) -> None:
    decision = general(position, **changes)
    assert (decision.action, decision.held_back) == (Action.WAIT, why)


def test_what_a_person_has_entered_stops_before_anything_else() -> None:
    decision = decide(GENERAL, AFTER_LETTER_1, metrics(AT_THRESHOLD), EXEMPT)
    assert (decision.action, decision.by, decision.stage) == (Action.STOP, "stop:exempt", None)


def improved() -> dict[MetricKey, int | None]:
    names = ("attended_sessions", "possible_sessions", "counted_sessions")
    now = dict(zip(names, (40, 40, 40), strict=True))
    then = dict(zip(names, (30, 40, 40), strict=True))
    values = {f"{name}/school:20/{X}": value for name, value in now.items()}
    values |= {f"{name}/school:20/{X}@before_step": value for name, value in then.items()}
    return metrics({**AT_THRESHOLD, **values, f"absent_half_days/school:10/all/{X}": 0})


def test_improvement_recommends_an_exit_review_once() -> None:
    assert decide(GENERAL, AFTER_LETTER_1, improved()).action is Action.EXIT_REVIEW
    rejected = replace(AFTER_LETTER_1, exit_review_suppressed=True)
    assert decide(GENERAL, rejected, improved()).action is Action.ADVANCE


RUN: dict[str, Any] = {"type": "ConsecutiveAbsenceDays", "params": {"n": 5}}
LADDER = parse_ruleset(
    {
        "key": "sudden",
        "title": "Sudden",
        "entry": {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}},
        "stages": [
            {"key": "contact", "type": "CONTACT", "escalate": [{"key": "own", "when": RUN, "to": "meeting"}]},
            {
                "key": "letter-1",
                "type": "LETTER",
                "template": "L1",
                "stop": [{"key": "settled", "when": {"not": RUN}}],
            },
            {"key": "meeting", "type": "MEETING"},
        ],
        "escalate": [{"key": "sudden", "when": RUN, "to": "letter-1"}],
        "waivers": [{"check": "PreviousStepReachedSomebody", "stage": "letter-1", "reason": "same household"}],
    }
)
LONG, SHORT = metrics({"consecutive_days/all": 5}), metrics({"consecutive_days/all": 4})


def test_a_stages_own_rules_come_first_and_only_there() -> None:
    at_contact = decide(LADDER, Position(stage_index=0), LONG)
    assert (at_contact.action, at_contact.stage, at_contact.by) == (Action.ESCALATE, "meeting", "escalate:own")
    assert decide(LADDER, Position(stage_index=1), SHORT).by == "stop:settled"
    assert decide(LADDER, Position(stage_index=0), SHORT).action is Action.WAIT


def test_escalation_never_goes_back_and_never_starts_a_case() -> None:
    assert decide(LADDER, Position(stage_index=1), LONG).action is Action.WAIT
    assert decide(LADDER, Position(), LONG).action is Action.WAIT


def test_a_waived_check_is_not_asked() -> None:
    values = {"absent_half_days/calendar:30/all": 10, "absent_sessions/step/all": 1, "counted_sessions/step": 10}
    assert decide(LADDER, Position(stage_index=0), metrics(values)).stage == "letter-1"


def test_no_data_decides_nothing() -> None:
    decision = decide(GENERAL, AFTER_LETTER_1, {})
    assert (decision.action, decision.fired, set(decision.leaves.true)) == (Action.WAIT, (), {"0"})


def test_what_time_alone_makes_true_escalates_only_with_a_new_absence_since_the_step() -> None:
    old = {"type": "StageAge", "params": {"school_days": 20}}
    few = {"type": "AbsenceCountThreshold", "params": {"count": "3", "window": 30}}
    document = {
        "key": "ages",
        "title": "Ages",
        "entry": few,
        "stages": [{"key": "contact", "type": "CONTACT"}, {"key": "up", "type": "ESCALATION"}],
        "escalate": [{"key": "stale", "when": old, "to": "up"}, {"key": "many", "when": few, "to": "up"}],
    }
    ruleset = parse_ruleset(document)
    rules = {rule.name: rule.when for rule in rules_of(ruleset)}
    since = ruleset.guards(ruleset.stages[1])[0]
    assert rules["escalate:stale"] == AllOf(children=(ruleset.escalate[0].when, since.model_copy()))
    assert rules["escalate:many"] == ruleset.escalate[1].when
    assert since in ruleset.leaf_index()
    waived = parse_ruleset(
        {**document, "waivers": [{"check": "NewAbsencesSinceStep", "reason": "The governors asked for it."}]}
    )
    assert {rule.name: rule.when for rule in rules_of(waived)}["escalate:stale"] == waived.escalate[0].when


def test_the_condition_behind_what_fired_is_found_by_its_name() -> None:
    assert condition_named(GENERAL, ("stage:letter-1",)) == GENERAL.entry
    assert condition_named(GENERAL, (RELAPSE,)) == GENERAL.follow_up.relapse
    assert condition_named(GENERAL, ("stage:unheard-of",)) is None
