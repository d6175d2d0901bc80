"""Rule sets: read, checked, named by their content, and the general pack as rules.md describes it."""

from typing import Any

import pytest

from rules.errors import Invalid, NotFound
from rules.rulesets.attached_tests import failure
from rules.rulesets.ruleset import (
    digest,
    dump_ruleset,
    ladder_snapshot,
    load_pack,
    parse_ruleset,
    refuse_activation,
)

COUNT: dict[str, Any] = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}}
LATE: dict[str, Any] = {"type": "TardyCountThreshold", "params": {"count": 1, "window": 5}}
FLAG: dict[str, Any] = {"type": "ProtectedStatus", "params": {"kinds": ["bereaved"]}}
NOTICES: dict[str, Any] = {
    "type": "PriorEvents",
    "params": {"kind": "penalty_notice", "at_least": 2, "within": {"value": 3, "unit": "year"}, "per": "guardian"},
}
DUTY: dict[str, Any] = {
    "key": "d",
    "deadline": {"n": 0, "unit": "school_day", "from": "trip"},
    "effect": "TASK",
    "cite": "s.21(4)(b)",
}
EVENT_DUTY: dict[str, Any] = {**DUTY, "key": "e", "on_event": "removed_from_register"}
ABSENT: dict[str, Any] = {"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}
DEEP: dict[str, Any] = {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": COUNT}}}}}}}}
DAY = "2026-09-01"
LETTER: dict[str, Any] = {"key": "letter-1", "type": "LETTER", "template": "LETTER_1_ATTENDANCE"}
SMALL: dict[str, Any] = {"key": "small", "title": "Small", "entry": COUNT, "stages": [LETTER]}


def changed(**parts: Any) -> dict[str, Any]:
    return {**SMALL, **parts}


def staged(**parts: Any) -> dict[str, Any]:
    return changed(stages=[{"key": "contact", "type": "CONTACT"}, {**LETTER, **parts}])


def alternatives(n: int) -> dict[str, Any]:
    return {"any": [{"type": "AbsenceCountThreshold", "params": {"count": i + 1, "window": 30}} for i in range(n)]}


def runs(i: int) -> list[dict[str, Any]]:
    return [{"type": "ConsecutiveAbsenceDays", "params": {"n": 30 * i + n + 1}} for n in range(30)]


def test_what_is_left_out_is_filled_in() -> None:
    ruleset = parse_ruleset(SMALL)
    stage = ruleset.stages[0]
    assert (ruleset.condition_of(stage), stage.approval, stage.wait_school_days) == (ruleset.entry, "STAFF", 0)
    assert [rule.key for rule in ruleset.stop] == ["improved", "exempt", "reason-accepted", "case-resolved"]
    assert (ruleset.follow_up.weeks, ruleset.register_query) == (6, "PAUSE")


def test_a_stage_may_have_its_own_condition() -> None:
    ruleset = parse_ruleset(staged(when={"type": "ConsecutiveAbsenceDays", "params": {"n": 3}}))
    assert ruleset.condition_of(ruleset.stages[1]) != ruleset.entry


def test_the_digest_names_the_content_and_not_its_spelling() -> None:
    ruleset = parse_ruleset(SMALL)
    assert digest(parse_ruleset(dump_ruleset(ruleset))) == digest(ruleset)
    assert digest(parse_ruleset(changed(watch=[], scope={"schools": None}))) == digest(ruleset)
    assert digest(parse_ruleset(changed(title="Other"))) != digest(ruleset)


def test_the_digest_of_the_general_pack_never_changes_unnoticed() -> None:
    assert digest(load_pack("general")) == "e487e5dfee514182bfc20073f8082fa8f6f40a52732877c680c2978e84bb9c5d"


def test_the_general_pack_is_the_ladder_of_the_design() -> None:
    pack = load_pack("general")
    snapshot = ladder_snapshot(pack, 3)
    assert [stage.stage_type for stage in snapshot.stages] == [
        "CONTACT",
        "LETTER_1",
        "LETTER_2",
        "MEETING",
        "ESCALATION",
    ]
    assert [stage.wait_school_days for stage in snapshot.stages] == [0, 10, 10, 0, 0]
    assert (snapshot.stages[4].approver, snapshot.stages[4].case_tier) == ("LEADER", 3)
    assert (snapshot.digest, snapshot.rule_set_version, snapshot.follow_up.relapse_to) == (digest(pack), 3, "letter-2")
    assert all(pack.condition_of(stage) == pack.entry for stage in pack.stages)
    refuse_activation(pack)


def test_a_second_step_of_one_kind_is_numbered() -> None:
    stages = [{"key": "a", "type": "CONTACT"}, {"key": "b", "type": "CONTACT"}]
    snapshot = ladder_snapshot(parse_ruleset(changed(stages=stages)), 1)
    assert [stage.stage_type for stage in snapshot.stages] == ["CONTACT", "CONTACT_2"]


def test_an_unknown_pack_is_not_found() -> None:
    with pytest.raises(NotFound, match="general"):
        load_pack("nowhere")


def test_leaves_are_numbered_once_over_the_whole_rule_set() -> None:
    pack = load_pack("general")
    index = pack.leaf_index()
    assert len(index) == len(set(index))
    assert [type(leaf).__name__ for leaf in index[:3]] == [
        "AbsenceCountThreshold",
        "AttendancePercentThreshold",
        "ConsecutiveAbsenceDays",
    ]
    assert [type(leaf).__name__ for leaf in index[-2:]] == ["NewAbsencesSinceStep", "PossibleSessionsSinceStep"]
    assert len(pack.metric_leaves()) == len(index) - 3
    assert [str(key) for key in pack.fact_keys()] == ["case_resolved", "exemption", "reason_accepted"]
    assert len(pack.metric_keys()) == 16


def test_guards_begin_with_the_second_stage_and_can_be_waived_by_name() -> None:
    waiver = {"check": "PossibleSessionsSinceStep", "stage": "letter-1", "reason": "agreed with the board"}
    ruleset = parse_ruleset({**staged(), "waivers": [waiver]})
    assert ruleset.guards(ruleset.stages[0]) == ()
    assert [type(leaf).__name__ for leaf in ruleset.guards(ruleset.stages[1])] == ["NewAbsencesSinceStep"]


@pytest.mark.parametrize(
    ("entry", "guard"),
    [
        ({"type": "UnauthorisedSessionsThreshold"}, "absent_sessions/step/unauthorised"),
        ({"any": [COUNT, {"type": "UnauthorisedSessionsThreshold"}]}, "absent_sessions/step/all"),
        (
            {
                "type": "AbsenceCountThreshold",
                "params": {"count": 5, "window": 30, "codes": ["I"], "exclude_codes": ["S"]},
            },
            "absent_sessions/step/all/codes=I/exclude=S",
        ),
        (
            {"type": "UnauthorisedSessionsThreshold", "params": {"across": "TENANT"}},
            "absent_sessions/step/unauthorised/across=tenant",
        ),
        (
            {"any": [{"type": "CaseResolved"}, LATE]},
            "absent_sessions/step/all",
        ),
    ],
)
def test_a_new_absence_is_one_that_the_condition_counts(entry: dict[str, Any], guard: str) -> None:
    ruleset = parse_ruleset({**staged(), "entry": entry})
    assert [str(key) for key in ruleset.guards(ruleset.stages[1])[0].needs()] == [guard]


@pytest.mark.parametrize(
    ("document", "place", "reason"),
    [
        ([], ".", "dictionary"),
        (changed(entry={"type": "Nope"}), "entry", "type 'Nope'"),
        (changed(colour="red"), "colour", "not known"),
        (changed(stages=[]), "stages", "at least one"),
        (changed(scope={"ages": [16, 6]}), "scope.ages", "swap them"),
        (
            changed(stages=[{**LETTER, "when": {"any": [{"type": "CaseResolved", "x": 1}]}}]),
            "stages[0].when.any[0].x",
            "not known",
        ),
        (changed(stages=[{"key": "a", "type": "LETTER"}]), "stages[0].template", "name the letter template"),
        (changed(stages=[LETTER, LETTER]), "stages", "'letter-1' is used twice"),
        (
            changed(stages=[{"key": "e", "type": "ESCALATION", "approval": "AUTO"}]),
            "stages[0].approval",
            "need a person",
        ),
        (changed(stages=[{**LETTER, "statutory": True, "approval": "AUTO"}]), "stages[0].approval", "need a person"),
        (
            changed(escalate=[{"key": "x", "when": COUNT, "to": "letter-1"}]),
            "escalate[0].to",
            "no stage after the first",
        ),
        (staged(escalate=[{"key": "x", "when": COUNT, "to": "contact"}]), "stages[1].escalate[0].to", "no later stage"),
        (changed(stop=[{"key": "x", "when": COUNT, "then": "STOPPED"}]), "stop[0].then", "use EXIT_REVIEW"),
        (staged(stop=[{"key": "x", "when": COUNT, "then": "STOPPED"}]), "stages[1].stop[0].then", "use EXIT_REVIEW"),
        (changed(follow_up={"relapse": COUNT, "relapse_to": "x"}), "follow_up.relapse_to", "no stage has the key 'x'"),
        (changed(waivers=[{"check": "x", "stage": "y", "reason": "z"}]), "waivers[0].stage", "no stage"),
        (changed(effective_from="2026-02-02", effective_to="2026-02-01"), "effective_to", "swap them"),
        (
            changed(
                duties=[
                    {"key": "d", "deadline": {"n": 0, "unit": "day", "from": "trip"}, "effect": "TASK", "cite": "s"}
                ]
            ),
            "duties[0]",
            "either 'when' or 'on_event'",
        ),
        (changed(verify=[{"key": "v", "note": "n", "duty": DUTY}]), "verify[0].duty", "either 'when' or 'on_event'"),
        (
            changed(verify=[{"key": "v", "note": "n", "watch": {"key": "w", "when": COUNT}, "effective_from": DAY}]),
            "verify[0]",
            "give each its own entry",
        ),
        (changed(verify=[{"key": "v", "note": "n"}, {"key": "v", "note": "m"}]), "verify", "used twice"),
        (
            changed(verify=[{"key": "v", "note": "n", "watch": {"key": "w", "when": DEEP}}]),
            "verify[0].watch.when",
            "at most 8",
        ),
        (changed(entry={"all": [alternatives(6), alternatives(6)]}), "entry", "more than 32 alternatives"),
        (changed(entry=DEEP), "entry", "at most 8"),
        (
            changed(watch=[{"key": f"w{i}", "when": alternatives(30)} for i in range(7)]),
            "entry",
            "at most 200",
        ),
        (
            changed(watch=[{"key": f"w{i}", "when": {"all": runs(i)}} for i in range(7)]),
            "entry",
            "at most 180",
        ),
    ],
)
def test_a_problem_is_named_by_its_place(document: Any, place: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_ruleset(document)
    assert reason in caught.value.fields[place]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (
            changed(stages=[LETTER, {"key": "referral", "type": "REFERRAL", "approval": "LEADER", "cite": "s.1"}]),
            "stages[1].recipient",
        ),
        (changed(duties=[{**DUTY, "on_event": "full_moon"}]), "duties[0].on_event"),
        (changed(entry={"any": [COUNT, {"type": "GoalReached", "params": {"checks": 2}}]}), "entry"),
        (
            changed(verify=[{"key": "start", "note": "the first day is from memory", "effective_from": DAY}]),
            "verify[0]",
        ),
        (changed(entry={"any": [COUNT, FLAG]}), "entry"),
        (changed(entry={"not": {"not": FLAG}}), "entry"),
        (changed(stop=[{"key": "x", "when": {"not": FLAG}}]), "stop[0].when"),
        (changed(tests=[{"name": "n", "given": {"exemption": 0}, "expect": {"decision": "STOP"}}]), "tests[0]"),
        (changed(tests=[{"name": "n", "given": {"nonsense": 0}, "expect": {"decision": "WAIT"}}]), "tests[0]"),
    ],
)
def test_what_cannot_be_carried_out_or_would_harm_is_not_activated(document: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as caught:
        refuse_activation(parse_ruleset(document))
    assert caught.value.code == "ruleset_not_ready"
    assert list(caught.value.fields) == [place]


def test_what_an_authority_did_about_each_guardian_is_recorded_and_may_be_asked_for() -> None:
    refuse_activation(parse_ruleset(changed(watch=[{"key": "w", "when": NOTICES}])))


def test_a_care_flag_may_hold_back_stop_and_be_watched() -> None:
    entry = {"all": [COUNT, {"not": FLAG}]}
    refuse_activation(
        parse_ruleset(changed(entry=entry, stop=[{"key": "x", "when": FLAG}], watch=[{"key": "w", "when": FLAG}]))
    )


def test_a_failing_test_says_what_came_out_instead() -> None:
    test = {"name": "five days", "given": {"absent_half_days/calendar:30/all": 10}, "expect": {"decision": "WAIT"}}
    with pytest.raises(Invalid, match="'five days' fails: decision is 'ADVANCE'"):
        refuse_activation(parse_ruleset(changed(tests=[test])))


OPENED: dict[str, Any] = {"absent_half_days/calendar:30/all": 10}


@pytest.mark.parametrize(
    ("given", "expect", "came"),
    [
        (OPENED, {"duties": ["d"]}, None),
        ({}, {"duties": ["d"]}, "duties is ()"),
        (OPENED, {"watch": []}, "watch is ('w',)"),
        (OPENED, {"watch": ["w"], "duties": ["d"]}, None),
    ],
)
def test_a_test_may_ask_for_duties_and_watches(given: dict[str, int], expect: dict[str, Any], came: str | None) -> None:
    beside = {"duties": [{**DUTY, "when": COUNT}, EVENT_DUTY], "watch": [{"key": "w", "when": COUNT}]}
    action = "ADVANCE" if given else "WAIT"
    test = {"name": "n", "given": given, "expect": {"decision": action, **expect}}
    ruleset = parse_ruleset(changed(**beside, tests=[test]))
    assert failure(ruleset, ruleset.tests[0]) == came


def test_what_waits_to_be_confirmed_is_not_evaluated() -> None:
    waiting = {"key": "v", "note": "from memory", "duty": {**DUTY, "when": ABSENT}}
    ruleset = parse_ruleset(changed(verify=[waiting, {"key": "w", "note": "x", "duty": EVENT_DUTY}]))
    assert [place for place, _ in ruleset.dormant()] == ["verify[0].duty.when"]
    assert not any(type(leaf).__name__ == "ConsecutiveAbsenceDays" for leaf in ruleset.leaf_index())
    refuse_activation(ruleset)


def test_an_override_stands_as_a_key() -> None:
    override = {"at": "stages/contact/when", "was": {"type": "x"}, "value": {"type": "y"}, "reason": "agreed"}
    first, again = (parse_ruleset(changed(overrides=[override])) for _ in range(2))
    assert {first: "compiled"}[again] == "compiled"


def test_a_citation_is_found_by_what_a_stage_cites() -> None:
    law = {"authority": "statute", "text": "s.1", "source": "the act", "checked_on": "2026-11-21"}
    ruleset = parse_ruleset(changed(citations=[law]))
    assert ruleset.citation("s.1") == ruleset.citations[0]
    assert ruleset.citation("s.2") is None


def test_the_same_content_is_the_same_key_attached_tests_included() -> None:
    first, again = load_pack("general"), load_pack("general")
    assert first.tests
    assert {first: "compiled"}[again] == "compiled"


def test_what_ages_are_the_leaves_that_dates_and_lasting_facts_decide() -> None:
    aged = {"any": [COUNT, {"type": "CaseResolved"}, {"type": "StageAge", "params": {"school_days": 20}}]}
    assert [type(leaf).__name__ for leaf in parse_ruleset(changed(entry=aged, stop=[])).ageing_leaves()] == ["StageAge"]
