"""Static checks refuse what is wrong whoever the student is, in words, at its place; a waiver lets most of it stand."""

from typing import Any

import pytest

from rules.errors import Invalid
from rules.rulesets.problems import Flaw, Problem
from rules.rulesets.ruleset import PACKS, load_pack, parse_ruleset, refuse_activation
from rules.rulesets.static_checks import findings, static_problems

CONTACT: dict[str, Any] = {"key": "contact", "type": "CONTACT"}
FLAG: dict[str, Any] = {"type": "ProtectedStatus", "params": {"kinds": ["bereaved"]}}


def count(days: float, window: Any = 30, **params: Any) -> dict[str, Any]:
    return {"type": "AbsenceCountThreshold", "params": {"count": days, "window": window, **params}}


def percent(below: float, **params: Any) -> dict[str, Any]:
    return {"type": "AttendancePercentThreshold", "params": {"below": below, **params}}


def age(first: int, last: int) -> dict[str, Any]:
    return {"type": "AgeBetween", "params": {"from": first, "to": last}}


def leaf(name: str, **params: Any) -> dict[str, Any]:
    return {"type": name, "params": params}


def found(**parts: Any) -> list[Problem]:
    document = {"key": "small", "title": "Small", "entry": count(5), "stages": [CONTACT], **parts}
    return list(static_problems(parse_ruleset(document)))


def rungs(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**CONTACT, "when": first}, {"key": "visit", "type": "CONTACT", "when": second}]


@pytest.mark.parametrize("name", PACKS)
def test_the_shipped_packs_are_clean(name: str) -> None:
    assert list(static_problems(load_pack(name))) == []


@pytest.mark.parametrize(
    ("parts", "pointer", "flaw", "words"),
    [
        (
            {"entry": {"all": [count(5), {"not": count(5)}]}},
            "/entry",
            Flaw.CONTRADICTION,
            "5 absence days or more in 30 calendar days, and not (5 absence days or more in 30 calendar days)",
        ),
        ({"entry": {"all": [count(8), {"not": count(6, 60)}]}}, "/entry", Flaw.CONTRADICTION, "contradicts itself"),
        ({"entry": {"all": [percent(80), {"not": percent(90)}]}}, "/entry", Flaw.CONTRADICTION, "below 80 %"),
        (
            {"stop": [{"key": "x", "when": {"all": [age(6, 9), age(10, 12)]}}]},
            "/stop/0/when",
            Flaw.CONTRADICTION,
            "aged 6 to 9",
        ),
        ({"entry": count(12, 10)}, "/entry", Flaw.NEVER_FIRES, "12 absence days or more in 10 calendar days"),
        ({"entry": percent(0)}, "/entry", Flaw.NEVER_FIRES, "below 0 %"),
        ({"watch": [{"key": "w", "when": leaf("MonthsIntoYear", at_least=12)}]}, "/watch/0/when", Flaw.NEVER_FIRES, ""),
        (
            {"entry": {"all": [count(5), age(17, 19)]}, "scope": {"ages": [6, 16]}},
            "/entry",
            Flaw.NEVER_FIRES,
            "the rule set's ages and dates",
        ),
        (
            {
                "watch": [{"key": "w", "when": leaf("DateWindow", **{"from": "2026-01-01", "to": "2026-02-01"})}],
                "effective_from": "2026-08-01",
            },
            "/watch/0/when",
            Flaw.NEVER_FIRES,
            "the date lies between 2026-01-01 and 2026-02-01",
        ),
        (
            {"stages": rungs(count(5), {"all": [count(6), {"not": leaf("NewAbsencesSinceStep", at_least=1)}]})},
            "/stages/1/when",
            Flaw.NEVER_FIRES,
            "can never be entered",
        ),
        ({"entry": {"any": [count(5), {"not": count(5)}]}}, "/entry", Flaw.ALWAYS_TRUE, "holds for everybody"),
        ({"entry": percent(100, inclusive=True)}, "/entry", Flaw.ALWAYS_TRUE, "at or below 100 %"),
        (
            {"stages": rungs(count(5), count(3))},
            "/stages/1/when",
            Flaw.EASIER_RUNG,
            "easier than the stage before it: 3 absence days or more in 30 calendar days, where contact asks: 5",
        ),
        ({"stages": rungs(count(5), count(5, 60))}, "/stages/1/when", Flaw.EASIER_RUNG, "60 calendar days"),
        ({"stages": rungs(percent(85), percent(90))}, "/stages/1/when", Flaw.EASIER_RUNG, "below 90 %"),
        (
            {"stages": [{**CONTACT, "when": count(9)}, {"key": "visit", "type": "CONTACT"}]},
            "/stages/1",
            Flaw.EASIER_RUNG,
            "where contact asks: 9",
        ),
        ({"stop": [{"key": "x", "when": count(2)}]}, "/stop/0/when", Flaw.STOP_COVERS, "holds whenever entry does"),
        (
            {"stages": [{**CONTACT, "when": count(8), "stop": [{"key": "own", "when": count(7)}]}]},
            "/stages/0/stop/0/when",
            Flaw.STOP_COVERS,
            "holds whenever stage contact does",
        ),
        ({"entry": {"any": [count(5), FLAG]}}, "/entry", Flaw.CARE_FLAG, "never start or harden"),
        ({"stages": [{**CONTACT, "statutory": True}]}, "/stages/0", Flaw.NO_CITATION, "cites none"),
    ],
)
def test_what_is_wrong_for_everybody_is_named(parts: dict[str, Any], pointer: str, flaw: Flaw, words: str) -> None:
    (problem,) = found(**parts)
    assert (problem.pointer, problem.flaw) == (pointer, flaw)
    assert words in problem.sentence


@pytest.mark.parametrize(
    "parts",
    [
        {"stages": rungs(count(5), count(6))},
        {"stages": rungs(count(5), count(5, 20, unit="SCHOOL"))},
        {"stages": rungs(count(5, exclude_codes="CODE_SET"), count(3))},
        {"stages": rungs(count(5), {"any": [count(7), percent(80)]})},
        {"stages": rungs({"any": [count(5), percent(90)]}, {"any": [count(5), percent(90)]})},
        {"entry": {"all": [count(5, 60), {"not": count(6, 30)}]}},
        {"entry": {"all": [count(5), {"not": count(5, kinds="UNAUTHORISED")}]}},
        {"entry": {"not": {"all": [percent(90), {"not": percent(80)}]}}},
        {"stop": [{"key": "x", "when": {"all": [count(2), {"not": count(4)}]}}]},
        {"stages": [{**CONTACT, "statutory": True, "cite": "s.21"}]},
        {
            "stages": [{**CONTACT, "statutory": True}],
            "citations": [{"authority": "statute", "text": "s.21", "checked_on": "2026-11-21"}],
        },
        {"watch": [{"key": "w", "when": FLAG}], "stop": [{"key": "x", "when": FLAG}]},
    ],
)
def test_what_may_be_right_is_left_alone(parts: dict[str, Any]) -> None:
    assert found(**parts) == []


def test_a_waiver_with_a_reason_lets_a_finding_stand_for_its_stage_only() -> None:
    stages = [*rungs(count(5), count(3)), {"key": "last", "type": "CONTACT", "when": count(2)}]
    waiver = {"check": "easier_rung", "stage": "visit", "reason": "agreed with the board"}
    (problem,) = found(stages=stages, waivers=[waiver])
    assert problem.pointer == "/stages/2/when"
    ruleset = parse_ruleset(
        {"key": "k", "title": "t", "entry": count(5), "stages": stages, "waivers": [{**waiver, "stage": None}]}
    )
    assert [one.waiver and one.waiver.reason for one in findings(ruleset)] == ["agreed with the board"] * 2


def test_no_reason_lets_a_care_flag_harden_a_step() -> None:
    waiver = {"check": "care_flag", "reason": "we would like to"}
    assert [one.flaw for one in found(entry={"any": [count(5), FLAG]}, waivers=[waiver])] == [Flaw.CARE_FLAG]


def test_a_finding_bars_activation() -> None:
    document = {"key": "small", "title": "Small", "entry": count(12, 10), "stages": [CONTACT]}
    with pytest.raises(Invalid, match="entry: can never hold") as caught:
        refuse_activation(parse_ruleset(document))
    assert caught.value.code == "ruleset_not_ready"
