"""A tenant's layer over a pack: what may differ, who said it, and the law that stays."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from rules.errors import Invalid
from rules.rulesets.activation import activation_problems
from rules.rulesets.attached_tests import failing_tests
from rules.rulesets.boundaries import boundary_problems
from rules.rulesets.difference import differences
from rules.rulesets.evaluation import evaluate
from rules.rulesets.layers import Author, is_layer, layered, whole
from rules.rulesets.metrics import MetricKey
from rules.rulesets.problems import Flaw
from rules.rulesets.ruleset import digest, dump_ruleset, load_pack, parse_ruleset
from rules.rulesets.static_checks import findings

ANNA, BEN = UUID(int=1), UUID(int=2)
TODAY = date(2026, 11, 22)
BY_ANNA = Author(ANNA, TODAY)


def change(at: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"at": at, "value": value, "reason": "Agreed with the board.", **more}


def layer(pack: str, *changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"pack": pack, "overrides": list(changes), **more}


def occasions(count: int, **params: Any) -> dict[str, Any]:
    return {"type": "OccasionCountThreshold", "params": {"count": count, "over_minutes": 30, **params}}


def of_age(*trees: dict[str, Any]) -> dict[str, Any]:
    return {"all": [{"type": "CompulsorySchoolAge", "params": {"jurisdiction": "US-CA"}}, *trees]}


def sessions(count: int, **params: Any) -> dict[str, Any]:
    given = {"sessions": count, "codes": ["G", "N", "O", "U"], "across": "TENANT", **params}
    return {"type": "UnauthorisedSessionsThreshold", "params": given}


def capped(count: int) -> dict[str, Any]:
    within = {"value": 3, "unit": "year"}
    prior = {"kind": "penalty_notice", "at_least": count, "within": within, "per": "guardian"}
    return {"all": [sessions(10), {"type": "PriorEvents", "params": prior}]}


def test_a_layer_says_what_it_changed_who_and_why_and_still_cites() -> None:
    wait = change("stages/letter-2/wait_school_days", 5)
    content = layered(layer("us-ca", wait, change("stages/truancy-notice/template", "OUR_NOTICE_CA")), BY_ANNA)
    pack = load_pack("us-ca")
    assert (content.stages[1].wait_school_days, content.stages[0].template) == (5, "OUR_NOTICE_CA")
    assert content.citations == pack.citations
    assert content.pack is not None
    assert (content.pack.name, content.pack.digest) == ("us-ca", digest(pack))
    first, second = content.overrides
    assert (first.at, first.was, first.value, first.by, first.on) == (wait["at"], 10, 5, ANNA, TODAY)
    assert (second.was, second.reason) == ("NOTICE_OF_TRUANCY_CA", "Agreed with the board.")
    assert parse_ruleset(dump_ruleset(content)) == content
    assert [*failing_tests(content), *boundary_problems(content), *findings(content)] == []


def test_what_an_earlier_version_said_keeps_its_author() -> None:
    wait = change("stages/letter-2/wait_school_days", 5)
    first = layered(layer("us-ca", wait), BY_ANNA)
    later = Author(BEN, date(2027, 1, 5), first.overrides)
    second = layered(layer("us-ca", wait, change("stages/conference/within_school_days", 5)), later)
    assert [(one.by, one.on) for one in second.overrides] == [(ANNA, TODAY), (BEN, date(2027, 1, 5))]
    other = layered(layer("us-ca", change("stages/letter-2/wait_school_days", 6)), later)
    assert [one.by for one in other.overrides] == [BEN]


def test_a_pack_in_short_is_the_pack() -> None:
    content = layered({"pack": "gb-eng-2024"}, BY_ANNA)
    assert dump_ruleset(content) | {"pack": None} == dump_ruleset(load_pack("gb-eng-2024")) | {"pack": None}
    named = layered({"pack": "gb-eng-2024", "key": "harrowby-england", "title": "Harrowby"}, BY_ANNA)
    assert (named.key, named.title) == ("harrowby-england", "Harrowby")


LOOSER: list[tuple[str, dict[str, Any], str]] = [
    ("us-ca", change("entry", of_age(occasions(2))), "where the law does not allow it yet"),
    ("us-ca", change("stages/truancy-notice/when", of_age(occasions(2))), "where the law does not allow it yet"),
    ("us-ca", change("entry", occasions(3)), "it says: of compulsory school age in US-CA, and 3 unexcused days"),
    ("us-ca", change("entry", of_age(occasions(3, across="TENANT"))), "does not allow it yet"),
    ("us-ca", change("stages/truancy-notice/wait_school_days", 9), "gives the family 10 school days, not fewer"),
    ("us-ca", change("stages/review-board/approval", "LEADER"), "DISTRICT agrees, or higher"),
    ("us-ca", change("duties/report-1/when", of_age(occasions(4))), "would not be what the law asks"),
    ("us-ca", change("duties/report-1/when", of_age(occasions(2))), "would not be what the law asks"),
    ("us-ca", change("duties/report-1/deadline/n", 1), "is due within 0 school_day, not later"),
    ("us-ca", change("watch/chronic-absentee/when", occasions(3)), "is defined by its source"),
    ("gb-eng-2024", change("stages/notice-to-improve/when", sessions(9)), "does not allow it yet"),
    ("gb-eng-2024", change("stages/notice-to-improve/when", sessions(10, weeks=11)), "does not allow it yet"),
    ("gb-eng-2024", change("duties/pn-cap/when", capped(3)), "would not be what the law asks"),
    ("gb-eng-2024", change("duties/la-return/when", sessions(10)), "would not be what the law asks"),
]


def _errors(refused: Invalid) -> list[dict[str, Any]]:
    found: Any = refused.extra["errors"]
    return list(found)


@pytest.mark.parametrize(("pack", "looser", "wrong"), LOOSER)
def test_the_law_is_not_made_looser(pack: str, looser: dict[str, Any], wrong: str) -> None:
    harmless = change("stages/" + load_pack(pack).stages[1].key + "/within_school_days", 4)
    written = layer(pack, harmless, looser)
    with pytest.raises(Invalid) as caught:
        layered(written, BY_ANNA)
    assert caught.value.code == "law_loosened"
    assert wrong in caught.value.fields["overrides[1].value"]
    assert [error["flaw"] for error in _errors(caught.value)] == [Flaw.LOOSER_THAN_LAW]


@pytest.mark.parametrize(
    ("pack", "stricter"),
    [
        ("us-ca", change("stages/truancy-notice/wait_school_days", 15)),
        ("us-ca", change("entry", of_age(occasions(4)))),
        ("us-ca", change("stages/letter-2/when", of_age(occasions(5)))),
        ("gb-eng-2024", change("duties/pn-cap/when", capped(1))),
        ("gb-eng-2024", change("duties/la-return/deadline/n", 0)),
        ("gb-eng-2024", change("stages/penalty-notice-request/channels", ["post"])),
        ("gb-eng-2024", change("scope/schools", [str(UUID(int=7))])),
        ("gb-eng-2024", change("follow_up/weeks", 8)),
        ("gb-eng-2024", change("register_query", "CONTINUE")),
    ],
)
def test_what_is_policy_or_gives_more_may_differ(pack: str, stricter: dict[str, Any]) -> None:
    content = layered(layer(pack, stricter), BY_ANNA)
    assert [one.at for one in content.overrides] == [stricter["at"]]
    told = [one for one in differences(load_pack(pack), content) if one.steps[0] not in {"pack", "overrides"}]
    assert len(told) == 1


def test_an_event_of_law_is_not_made_a_condition() -> None:
    with pytest.raises(Invalid) as caught:
        layered(layer("ie-ewa-2000", change("duties/s21-4-c/when", occasions(1))), BY_ANNA)
    assert caught.value.fields == {"duties[2]": "has both 'when' and 'on_event': give either 'when' or 'on_event'"}


PACE = {"title": "Ours", "when": occasions(2)}


@pytest.mark.parametrize(
    ("at", "value", "field", "wrong"),
    [
        ("stages/letter-9/template", "X", "at", "names no item of stages: letter-9: use one of truancy-notice"),
        ("stages/letter-2/statutory", False, "at", "cannot be changed in a pack"),
        ("citations", [], "at", "cannot be changed in a pack"),
        ("scope/ages", [6, 10], "at", "cannot be changed in a pack"),
        ("duties/report-1/effect", "TASK", "at", "cannot be changed in a pack"),
        ("watch/habitual", PACE, "at", "is a watch of the pack"),
        ("watch/ours", {**PACE, "authority": "statute"}, "value", "claims to be law"),
        ("watch/ours", 5, "value", "claims to be law"),
        ("verify/report-2", True, "source", "is missing"),
        ("verify/nothing", True, "at", "names no item of verify"),
    ],
)
def test_what_cannot_be_changed_is_named(at: str, value: Any, field: str, wrong: str) -> None:
    with pytest.raises(Invalid) as caught:
        layered(layer("us-ca", change(at, value)), BY_ANNA)
    assert wrong in caught.value.fields[f"overrides[0].{field}"]


def test_a_key_that_no_item_has_is_named_where_the_pack_has_none_at_all() -> None:
    with pytest.raises(Invalid, match="use one of none"):
        layered(layer("us-oh-hb96", change("duties/early-notice/deadline/n", 1)), BY_ANNA)


def test_a_policy_of_ones_own_is_shown_beside_the_law() -> None:
    content = layered(layer("us-ca", change("watch/ours", PACE)), BY_ANNA)
    assert [watch.authority for watch in content.watch if watch.key == "ours"] == ["policy"]
    first = layered(layer("us-oh-hb96", change("watch/ours", PACE)), BY_ANNA)
    assert [watch.key for watch in first.watch] == ["ours"]


READ = {"source": "the Act's commencement order, read on eISB"}


def test_what_is_confirmed_comes_into_force_with_its_source() -> None:
    content = layered(layer("us-ca", change("verify/report-2", True, source="EC 48261, leginfo")), BY_ANNA)
    assert [duty.key for duty in content.duties] == ["report-1", "report-2"]
    citation = content.citation("EC 48261")
    assert citation is not None
    assert (citation.source, citation.checked_on) == ("EC 48261, leginfo", TODAY)
    assert "report-2" not in {item.key for item in content.verify}
    at_four = {MetricKey.parse("occasions:30/ytd"): 4}
    (duty,) = (duty for duty in content.duties if duty.key == "report-2")
    assert duty.when is not None
    assert evaluate(duty.when, at_four) is None, "the age is not known"
    watched = layered(layer("us-oh-hb96", change("verify/chronic", True, source="ORC 3321")), BY_ANNA)
    assert [watch.key for watch in watched.watch] == ["chronic"]


@pytest.mark.parametrize(("value", "first"), [(True, date(2002, 7, 5)), ("2002-07-06", date(2002, 7, 6))])
def test_a_confirmed_first_day_lets_the_pack_be_activated(value: object, first: date) -> None:
    content = layered(layer("ie-ewa-2000", change("verify/in-force-since", value, **READ)), BY_ANNA)
    assert content.effective_from == first
    assert not [one for one in activation_problems(content) if one.flaw is Flaw.UNCONFIRMED]


def test_a_note_is_confirmed_by_saying_so() -> None:
    content = layered(layer("us-ca", change("verify/same-day", True, **READ)), BY_ANNA)
    assert content.overrides[0].was.startswith("A day counts as a full day or as occasions")
    with pytest.raises(Invalid, match="say true once it is confirmed"):
        layered(layer("us-ca", change("verify/same-day", "maybe", **READ)), BY_ANNA)


def test_a_register_names_its_own_codes_and_year_groups() -> None:
    coded = change("verify/suspension-code", ["D", "DX"], **READ)
    years = change("verify/post-primary-years", ["Y1", "Y2", "Y3"], **READ)
    content = layered(layer("ie-ewa-2000", coded, years, tests=_without("ie-ewa-2000")), BY_ANNA)
    duties = {duty["key"]: duty for duty in dump_ruleset(content)["duties"]}
    assert duties["s21-4-a"]["when"]["params"] == {"n": 6, "codes": ["D", "DX"]}
    assert duties["s21-4-b"]["when"]["all"][1]["any"][1]["all"][1]["params"] == {"in": ["Y1", "Y2", "Y3"]}
    with pytest.raises(Invalid, match="names nothing"):
        layered(layer("ie-ewa-2000", change("verify/suspension-code", [], **READ)), BY_ANNA)
    medical = layered(layer("us-oh-hb410", change("verify/medical-codes", ["M"], **READ)), BY_ANNA)
    assert '"exclude_codes": ["M"]' in str(dump_ruleset(medical)["duties"]).replace("'", '"')


def _without(name: str) -> list[dict[str, Any]]:
    """The pack's tests, each to be replaced by one that asks for nothing."""
    return [{"name": test.name, "given": {}, "expect": {"decision": "WAIT"}} for test in load_pack(name).tests]


def test_an_own_test_stands_in_for_the_packs_of_the_same_name() -> None:
    later = change("entry", of_age(occasions(4)))
    failing = layered(layer("us-ca", later), BY_ANNA)
    (problem,) = failing_tests(failing)
    assert "three occasions are: notice and report" in problem.wrong
    given = {"occasions:30/ytd": 4, "compulsory_age/US-CA": 1}
    own = {"name": "three occasions are: notice and report", "given": given, "expect": {"decision": "ADVANCE"}}
    mine = {"name": "ours", "given": {}, "expect": {"decision": "WAIT"}}
    content = layered(layer("us-ca", later, tests=[own, mine]), BY_ANNA)
    assert list(failing_tests(content)) == []
    assert [test.name for test in content.tests][-1] == "ours"
    assert len(content.tests) == len(load_pack("us-ca").tests) + 1


def test_a_whole_document_reads_back_as_the_layer_it_is() -> None:
    mine = {"name": "ours", "given": {}, "expect": {"decision": "WAIT"}}
    content = layered(layer("us-ca", change("stages/letter-2/wait_school_days", 5), tests=[mine]), BY_ANNA)
    again = whole(dump_ruleset(content), Author(BEN, TODAY, content.overrides))
    assert again == content
    forged = dump_ruleset(content)
    forged["stages"][1]["wait_school_days"] = 1
    with pytest.raises(Invalid) as caught:
        whole(forged, Author(BEN, TODAY, content.overrides))
    assert caught.value.code == "ruleset_pack_fixed"
    signed = dump_ruleset(content)
    signed["overrides"][0]["by"] = str(BEN)
    assert whole(signed, Author(BEN, TODAY, content.overrides)).overrides[0].by == ANNA


def test_the_key_of_a_pack_of_law_is_for_the_pack_alone() -> None:
    pack = dump_ruleset(load_pack("us-tx"))
    assert whole(pack, BY_ANNA) == layered({"pack": "us-tx"}, BY_ANNA)
    with pytest.raises(Invalid, match="is the key of a pack of law"):
        whole({**pack, "title": "Texas, our way"}, BY_ANNA)
    own = whole({**pack, "key": "texas-our-way"}, BY_ANNA)
    assert own.pack is None
    named = {**dump_ruleset(layered({"pack": "us-tx"}, BY_ANNA)), "pack": None}
    assert whole({**named, "overrides": []}, BY_ANNA).pack is not None
    stray = {**pack, "overrides": [{"at": "title", "value": "x", "reason": "y"}]}
    with pytest.raises(Invalid, match="cannot be changed in a pack"):
        whole(stray, BY_ANNA)


@pytest.mark.parametrize(
    ("document", "short"),
    [({"pack": "us-ca"}, True), (dump_ruleset(load_pack("us-ca")), False), ({"pack": {"name": "us-ca"}}, False)],
)
def test_a_layer_is_told_by_naming_its_pack(document: dict[str, Any], short: bool) -> None:  # noqa: FBT001
    assert is_layer(document) is short


def test_a_layer_that_reads_badly_points_into_itself() -> None:
    with pytest.raises(Invalid) as caught:
        layered({"pack": "us-ca", "overrides": [{"at": "entry", "value": 1}]}, BY_ANNA)
    assert set(caught.value.fields) == {"overrides[0].reason"}
