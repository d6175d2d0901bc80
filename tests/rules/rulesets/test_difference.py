"""The difference of two versions, told so that a leader can agree to it."""

from typing import Any

import pytest
from hypothesis import given

from rules.errors import Invalid
from rules.rulesets.difference import Change, Difference, differences
from rules.rulesets.ruleset import load_pack, parse_ruleset
from tests.rules.rulesets.generating import rulesets

CONTACT: dict[str, Any] = {"key": "contact", "type": "CONTACT"}
LETTER: dict[str, Any] = {"key": "letter", "type": "LETTER", "template": "L1"}


def count(days: float, window: Any = 30) -> dict[str, Any]:
    return {"type": "AbsenceCountThreshold", "params": {"count": days, "window": window}}


OLD: dict[str, Any] = {"key": "k", "title": "Autumn", "entry": count(5), "stages": [CONTACT, LETTER]}


def told(old: dict[str, Any], **parts: Any) -> list[Difference]:
    return list(differences(parse_ruleset({**OLD, **old}), parse_ruleset({**OLD, **old, **parts})))


RESOLVED: dict[str, Any] = {"type": "CaseResolved"}
JUMP: dict[str, Any] = {"key": "sudden", "when": count(9), "to": "letter"}
TEST: dict[str, Any] = {"name": "five", "given": {"exemption": 0}, "expect": {"decision": "WAIT"}}
WAIVER: dict[str, Any] = {"check": "easier_rung", "stage": "letter", "reason": "agreed"}


@pytest.mark.parametrize(
    ("old", "parts", "change", "pointer", "words"),
    [
        ({}, {"title": "The spring"}, Change.CHANGED, "/title", "title: Autumn becomes 'The spring'"),
        ({}, {"effective_from": "2026-09-01"}, Change.CHANGED, "/effective_from", "nothing becomes 2026-09-01"),
        (
            {},
            {"entry": count(6)},
            Change.CHANGED,
            "/entry",
            "becomes: 6 absence days or more in 30 calendar days (asks for more)",
        ),
        ({}, {"entry": count(5, 60)}, Change.CHANGED, "/entry", "(asks for less)"),
        ({}, {"entry": {"any": [count(5), count(6)]}}, Change.CHANGED, "/entry", "(the same in effect)"),
        ({}, {"entry": RESOLVED}, Change.CHANGED, "/entry", "becomes: the case is resolved"),
        ({}, {"scope": {"ages": [6, 16]}}, Change.CHANGED, "/scope/ages", "scope ages: nothing becomes 6, 16"),
        (
            {},
            {"stages": [CONTACT, {**LETTER, "wait_school_days": 10}]},
            Change.CHANGED,
            "/stages/1/wait_school_days",
            "stages letter, wait school days: 0 becomes 10",
        ),
        (
            {},
            {"stages": [CONTACT, {**LETTER, "when": count(8)}]},
            Change.CHANGED,
            "/stages/1/when",
            "stages letter, when: nothing becomes 8 absence days or more in 30 calendar days",
        ),
        ({}, {"stages": [CONTACT, {**LETTER, "statutory": True}]}, Change.CHANGED, "/stages/1/statutory", "no becomes"),
        ({}, {"stages": [LETTER]}, Change.REMOVED, "/stages/0", "stages: contact (CONTACT) is taken away"),
        (
            {},
            {"stages": [CONTACT, LETTER, {"key": "visit", "type": "CONTACT", "when": count(9)}]},
            Change.ADDED,
            "/stages/2",
            "stages: visit (CONTACT), when 9 absence days or more in 30 calendar days is added",
        ),
        ({}, {"stages": [LETTER, CONTACT]}, Change.MOVED, "/stages", "contact, letter becomes letter, contact"),
        ({"escalate": [JUMP]}, {"escalate": []}, Change.REMOVED, "/escalate/0", "sudden, when 9 absence days"),
        ({}, {"follow_up": {"relapse": count(2), "weeks": 6}}, Change.CHANGED, "/follow_up/relapse", "relapse: 2 abs"),
        (
            {"tests": [TEST]},
            {"tests": [{**TEST, "given": {"exemption": None}}]},
            Change.CHANGED,
            "/tests/0/given",
            "tests five, given: exemption = 0 becomes exemption = nothing",
        ),
        ({"waivers": [WAIVER]}, {"waivers": []}, Change.REMOVED, "/waivers/0", "easier_rung of letter"),
        (
            {},
            {"citations": [{"authority": "policy", "text": "Board, May"}]},
            Change.ADDED,
            "/citations/0",
            "citations: Board, May is added",
        ),
    ],
)
def test_each_kind_of_difference_is_told(
    old: dict[str, Any], parts: dict[str, Any], change: Change, pointer: str, words: str
) -> None:
    (difference,) = told(old, **parts)
    assert (difference.change, difference.pointer) == (change, pointer)
    assert words in difference.words
    assert difference.place


def test_the_same_content_has_no_difference() -> None:
    assert differences(load_pack("general"), load_pack("general")) == ()


@given(rulesets(), rulesets())
def test_any_two_versions_can_be_compared_and_only_equal_ones_are_alike(one: Any, two: Any) -> None:
    try:
        old, new = parse_ruleset(one), parse_ruleset(two)
    except Invalid:
        return
    assert (differences(old, new) == ()) is (old == new)
