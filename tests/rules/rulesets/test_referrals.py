"""A referral as a rule set says it: to whom it goes, and that a leader agrees to it."""

from typing import Any

import pytest

from rules.errors import Invalid
from rules.ladder.stages import Approval, ReferredTo, StageType
from rules.rulesets.activation import activation_problems
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import OF_LAW, digest, ladder_snapshot, load_pack, parse_ruleset

ABSENCES = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30, "unit": "CALENDAR"}}
REFERRAL = {
    "key": "referral",
    "type": "REFERRAL",
    "cite": "s.1",
    "approval": "LEADER",
    "recipient": "the attendance service",
}


def ruleset(**changes: Any) -> RuleSet:
    stage = {name: value for name, value in {**REFERRAL, **changes}.items() if value is not None}
    document = {
        "key": "r",
        "title": "With a referral",
        "entry": ABSENCES,
        "stages": [{"key": "letter", "type": "LETTER", "template": "L1"}, stage],
        "stop": [{"key": "exempt", "when": {"type": "ExemptionActive", "params": {}}, "then": "STOPPED"}],
        "follow_up": {"relapse": ABSENCES},
        "citations": [{"authority": "statute", "text": "s.1", "source": "Act", "checked_on": "2026-11-01"}],
    }
    return parse_ruleset(document)


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({}, []),
        ({"referred_to": "COURT"}, []),
        ({"approval": "DISTRICT"}, []),
        ({"recipient": None}, ["stages[1].recipient"]),
        ({"approval": "STAFF"}, ["stages[1].approval"]),
        ({"approval": None}, ["stages[1].approval"]),
        ({"type": "ESCALATION"}, ["stages[1].recipient"]),
        ({"type": "ESCALATION", "recipient": None, "referred_to": "COURT"}, ["stages[1].referred_to"]),
    ],
)
def test_what_a_referral_must_say_before_it_comes_into_force(changes: dict[str, Any], places: list[str]) -> None:
    assert [problem.place for problem in activation_problems(ruleset(**changes))] == places


def test_a_referral_is_never_automatic() -> None:
    with pytest.raises(Invalid) as caught:
        ruleset(approval="AUTO")
    assert "stages[1].approval" in caught.value.fields


def test_a_running_case_knows_to_whom_it_goes() -> None:
    stage = ladder_snapshot(ruleset(referred_to="COURT"), 1).stages[1]
    assert (stage.recipient, stage.referred_to) == ("the attendance service", ReferredTo.COURT)
    assert (stage.stage_type, stage.approver) == ("REFERRAL", Approval.LEADER)


def test_a_new_field_left_at_its_default_changes_no_digest() -> None:
    assert digest(ruleset(referred_to="AUTHORITY")) == digest(ruleset())


@pytest.mark.parametrize("name", OF_LAW)
def test_every_referral_of_law_names_its_recipient_and_its_approver(name: str) -> None:
    pack = load_pack(name)
    at = [i for i, stage in enumerate(pack.stages) if stage.type is StageType.REFERRAL]
    assert at
    assert not [p for p in activation_problems(pack) for i in at if p.place.startswith(f"stages[{i}]")]
