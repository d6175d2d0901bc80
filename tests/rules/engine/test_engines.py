"""durable-rules and the reference give one decision, whatever the rules and whoever the student."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rules.engine.compiling import MAX_RULES, compile_ruleset
from rules.engine.durable_rules import DurableEngine, engine_for
from rules.engine.protocol import DecisionEngine, ReferenceEngine
from rules.errors import Invalid
from rules.rulesets.comparisons import FactKey
from rules.rulesets.decision import Action, Position
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import load_pack, parse_ruleset
from tests.rules.rulesets.generating import POSITIONS, fact_values, metric_values, rulesets

GENERAL = load_pack("general")
COUNT = MetricKey.parse("absent_half_days/calendar:30/all/exclude=CODE_SET")
HALF_A_HALF_DAY: dict[MetricKey, Any] = {COUNT: 10.5}


def parsed(document: dict[str, Any]) -> RuleSet:
    try:
        return parse_ruleset(document)
    except Invalid as refused:
        assume("alternatives" not in refused.message)
        raise


# At most 60 compiled sets: each costs the process some 170 KiB for ever.
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rulesets(), st.data())
def test_both_engines_decide_alike(document: dict[str, Any], data: st.DataObject) -> None:
    ruleset = parsed(document)
    durable, reference = DurableEngine(ruleset), ReferenceEngine(ruleset)
    for _ in range(12):
        position = data.draw(POSITIONS)
        metrics, facts = data.draw(metric_values(ruleset.metric_keys())), data.draw(fact_values(ruleset.fact_keys()))
        assert durable.decide(position, metrics, facts) == reference.decide(position, metrics, facts)


@settings(max_examples=300, deadline=None)
@given(POSITIONS, metric_values(GENERAL.metric_keys()), fact_values(GENERAL.fact_keys()))
def test_both_engines_decide_alike_on_the_general_pack(position: Position, metrics: Any, facts: Any) -> None:
    engines: tuple[DecisionEngine, ...] = (engine_for(GENERAL), ReferenceEngine(GENERAL))
    one, two = (engine.decide(position, metrics, facts) for engine in engines)
    assert one == two


ABSENT = MetricKey.parse("absent_half_days/calendar:30/all")
ENOUGH = {MetricKey.parse("absent_sessions/step/all"): 2, MetricKey.parse("counted_sessions/step"): 40}
EXEMPT = FactKey.parse("exemption")
AFTER_CONTACT = Position(stage_index=0, previous_reached=True)


def absent(days: int) -> dict[str, Any]:
    return {"type": "AbsenceCountThreshold", "params": {"count": days, "window": 30}}


EVERY_OUTCOME = parse_ruleset(
    {
        "key": "outcomes",
        "title": "Every outcome",
        "entry": absent(5),
        "stages": [
            {"key": "contact", "type": "CONTACT", "stop": [{"key": "own", "when": absent(30)}]},
            {"key": "call", "type": "CONTACT", "when": {"any": [absent(6), absent(7)]}},
            {"key": "leader", "type": "ESCALATION"},
        ],
        "stop": [{"key": "exempt", "when": {"type": "ExemptionActive"}, "then": "STOPPED"}],
        "escalate": [{"key": "fast", "when": absent(20), "to": "leader"}],
    }
)


@pytest.mark.parametrize(
    ("position", "days", "exempt", "action", "stage", "by"),
    [
        (Position(), 4, 0, Action.WAIT, None, None),
        (Position(), 5, 0, Action.ADVANCE, "contact", "stage:contact"),
        (Position(wait_elapsed=False), 5, 0, Action.WAIT, None, None),
        (Position(), 30, 0, Action.ADVANCE, "contact", "stage:contact"),
        (AFTER_CONTACT, 8, 0, Action.ADVANCE, "call", "stage:call"),
        (AFTER_CONTACT, 20, 0, Action.ESCALATE, "leader", "escalate:fast"),
        (AFTER_CONTACT, 30, 0, Action.EXIT_REVIEW, None, "stop:own"),
        (replace(AFTER_CONTACT, exit_review_suppressed=True), 30, 0, Action.ESCALATE, "leader", "escalate:fast"),
        (replace(AFTER_CONTACT, stage_index=1), 30, 0, Action.ESCALATE, "leader", "escalate:fast"),
        (replace(AFTER_CONTACT, stage_index=2), 30, 0, Action.WAIT, None, None),
        (AFTER_CONTACT, 30, 1, Action.STOP, None, "stop:exempt"),
    ],
)
def test_each_outcome_has_its_rule_in_both_engines(
    position: Position, days: int, exempt: int, action: Action, stage: str | None, by: str | None
) -> None:
    for engine in (engine_for(EVERY_OUTCOME), ReferenceEngine(EVERY_OUTCOME)):
        found = engine.decide(position, {ABSENT: 2 * days, **ENOUGH}, {EXEMPT: exempt})
        assert (found.action, found.stage, found.by) == (action, stage, by), engine.name


def test_engines_name_themselves_and_their_content() -> None:
    durable, reference = engine_for(GENERAL), ReferenceEngine(GENERAL)
    assert (durable.name, reference.name) == ("durable-rules", "reference")
    assert durable.digest == reference.digest


def test_a_content_is_compiled_once_per_process() -> None:
    assert engine_for(GENERAL) is engine_for(load_pack("general"))


def test_only_integers_enter_and_the_engine_survives_the_refusal() -> None:
    engine = engine_for(GENERAL)
    with pytest.raises(TypeError, match="only integers"):
        engine.decide(Position(), HALF_A_HALF_DAY, {})
    assert engine.decide(Position(), {COUNT: 10}, {}).stage == "contact"


def test_an_error_in_a_consequent_is_raised_and_leaves_nothing_behind() -> None:
    class Broken(DurableEngine):
        def _leaf(self, rest: str, _: Any) -> None:
            raise ArithmeticError(rest)

    engine = Broken(GENERAL)
    with pytest.raises(ArithmeticError):
        engine.decide(Position(), {COUNT: 10}, {})
    assert engine._host.get_facts("ladder") == []


def test_threads_share_one_engine() -> None:
    engine, wrong = engine_for(GENERAL), []

    def work(half_days: int) -> None:
        for _ in range(100):
            stage = engine.decide(Position(), {COUNT: half_days}, {}).stage
            if stage != ("contact" if half_days >= 10 else None):
                wrong.append(half_days)

    threads = [threading.Thread(target=work, args=(half_days,)) for half_days in (8, 9, 10, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_set_that_the_package_could_not_compile_is_refused() -> None:
    leaf: dict[str, Any] = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}}
    many = [
        {
            "key": f"s{n}",
            "when": {"any": [{**leaf, "params": {**leaf["params"], "count": n * 20 + i + 1}} for i in range(20)]},
        }
        for n in range(MAX_RULES // 20 + 1)
    ]
    document = {"key": "k", "title": "t", "entry": leaf, "stages": [{"key": "a", "type": "CONTACT"}], "stop": many}
    with pytest.raises(Invalid, match="at most 200"):
        parse_ruleset(document)
    shorter = parse_ruleset({**document, "stop": many[:1]})
    wide = shorter.model_copy(
        update={"stop": RuleSet.model_validate({**document, "follow_up": {"relapse": leaf}}).stop}
    )
    with pytest.raises(ValueError, match="compiled rules"):
        compile_ruleset(wide)
