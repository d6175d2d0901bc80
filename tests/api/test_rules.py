"""Rule sets through the API: drafted, reviewed by a second person, activated."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rules.rulesets.ruleset import dump_ruleset, load_pack
from tests.api.district import District

pytestmark = pytest.mark.servers
WHY = {"reason": "For the autumn term."}
RULES = "/interventions/rules"


def document(key: str, **changes: Any) -> dict[str, Any]:
    return {**dump_ruleset(load_pack("general")), "key": key, **changes}


def drafted(district: District, key: str, **changes: Any) -> str:
    answer = district.post(RULES, "school_leader", json={"document": document(key, **changes), **WHY})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["version"]["id"])


def moved(district: District, version_id: str, *steps: tuple[str, str]) -> Any:
    for step, person in steps:
        answer = district.post(f"{RULES}/{version_id}/{step}", person, json=WHY)
        assert answer.status_code == 200, answer.text
    return answer.json()


STAGES = document("stages")["stages"]
IN_FORCE = (("submit", "school_leader"), ("approve", "school_leader-2"), ("activate", "district_admin"))


def test_a_version_goes_from_draft_to_active_by_two_people(district: District) -> None:
    first, second = drafted(district, "two-people"), drafted(district, "two-people", title="Second")
    assert moved(district, first, *IN_FORCE)["status"] == "ACTIVE"
    assert moved(district, second, *IN_FORCE)["version"] == 2
    states = {v["version"]: v["status"] for v in district.get(f"{RULES}?key=two-people").json()["items"]}
    assert states == {1: "RETIRED", 2: "ACTIVE"}
    assert moved(district, second, ("retire", "district_admin"))["retired_at"] is not None


def test_the_author_cannot_approve(district: District) -> None:
    version_id = drafted(district, "own-work")
    moved(district, version_id, ("submit", "school_leader"))
    answer = district.post(f"{RULES}/{version_id}/approve", "school_leader", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")


@pytest.mark.parametrize("step", ["approve", "activate", "retire"])
def test_a_draft_skips_no_step(district: District, step: str) -> None:
    version_id = drafted(district, f"skips-{step}")
    answer = district.post(f"{RULES}/{version_id}/{step}", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (409, "ruleset_state")
    assert answer.json()["present_status"] == "DRAFT"


def test_a_draft_is_edited_and_a_submitted_version_is_not(district: District) -> None:
    version_id = drafted(district, "edited")
    path = f"{RULES}/{version_id}"
    answer = district.change(path, {"document": document("edited", title="Renamed"), **WHY}, "specialist")
    assert answer.json()["version"]["title"] == "Renamed"
    other = district.change(path, {"document": document("another-key"), **WHY})
    assert (other.status_code, other.json()["code"]) == (422, "ruleset_key_fixed")
    moved(district, version_id, ("submit", "school_leader"))
    late = district.change(path, {"document": document("edited"), **WHY})
    assert (late.status_code, late.json()["code"]) == (409, "ruleset_state")


def test_an_unknown_leaf_is_refused_with_its_place(district: District) -> None:
    body = {"document": document("bad", entry={"type": "MoonPhase", "params": {}}), **WHY}
    answer = district.post(RULES, json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["flaw"]) == ("/entry", "unknown_condition")
    assert "use all, any, not or one of AbsenceCountThreshold" in error["remedy"]


def test_the_schema_of_the_document_is_served(district: District) -> None:
    schema = district.get(f"{RULES}/schema").json()
    Draft202012Validator(schema).validate(document("served"))


def test_a_failing_attached_test_keeps_a_version_from_approval(district: District) -> None:
    test = {"name": "a saint is left alone", "given": {}, "expect": {"decision": "ADVANCE"}}
    version_id = drafted(district, "tested", tests=[test])
    moved(district, version_id, ("submit", "school_leader"))
    answer = district.post(f"{RULES}/{version_id}/approve", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (422, "ruleset_tests_fail")
    assert "WAIT" in answer.json()["fields"]["tests[0]"]


def test_a_leaf_that_its_threshold_cannot_part_bars_approval(district: District) -> None:
    always = {"type": "MonthsIntoYear", "params": {"at_least": 0}}
    entry = {"all": [document("parted")["entry"], always]}
    version_id = drafted(district, "parted", entry=entry, tests=[])
    moved(district, version_id, ("submit", "school_leader"))
    answer = district.post(f"{RULES}/{version_id}/approve", "school_leader-2", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (422, "ruleset_tests_fail")
    assert "is always true, however near its threshold: 0 full months" in answer.json()["fields"]["entry"]


def test_what_is_wrong_for_everybody_is_told_and_bars_approval(district: District) -> None:
    days = {"type": "AbsenceCountThreshold", "params": {"count": 12, "window": 10}}
    flag = {"type": "ProtectedStatus", "params": {"kinds": ["bereaved"]}}
    watch = [{"key": "never", "when": days}, {"key": "waived", "when": days}]
    waived = {"check": "never_fires", "reason": "Kept until the summer."}
    version_id = drafted(district, "checked", entry={"any": [document("checked")["entry"], flag]}, watch=watch)
    told = district.get(f"{RULES}/{version_id}/checks", "school_leader").json()
    assert (told["clean"], told["waived"], told["failing_tests"], told["not_ready"]) == (False, [], [], [])
    assert [(one["pointer"], one["flaw"]) for one in told["findings"]] == [
        ("/watch/0/when", "never_fires"),
        ("/watch/1/when", "never_fires"),
        ("/entry", "care_flag"),
    ]
    near = {
        case["side"]: (case["given"], case["holds"])
        for case in told["boundary_cases"]
        if case["leaf"].startswith("5 abs")
    }
    assert near["below"] == ({"absent_half_days/calendar:30/all/exclude=CODE_SET": 9}, False)
    assert (near["at"][1], near["missing"]) == (True, ({}, None))
    moved(district, version_id, ("submit", "school_leader"))
    answer = district.post(f"{RULES}/{version_id}/approve", "school_leader-2", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (422, "ruleset_checks_fail")
    assert "12 absence days or more in 10 calendar days" in answer.json()["fields"]["watch[0].when"]
    mended = drafted(district, "checked", watch=watch, waivers=[waived])
    checked = district.get(f"{RULES}/{mended}/checks").json()
    assert (checked["clean"], [one["reason"] for one in checked["waived"]]) == (True, [waived["reason"]] * 2)
    assert moved(district, mended, *IN_FORCE[:2])["status"] == "APPROVED"


def test_a_version_is_compared_with_the_one_in_force_or_before_in_words(district: District) -> None:
    first = drafted(district, "compared")
    alone = district.get(f"{RULES}/{first}/diff")
    assert (alone.status_code, alone.json()["code"]) == (404, "nothing_to_compare")
    stages = [{**stage, "wait_school_days": 5} if stage["key"] == "letter-1" else stage for stage in STAGES]
    second = drafted(district, "compared", stages=stages)
    moved(district, first, *IN_FORCE)
    third = drafted(district, "compared", title="Third")
    told = district.get(f"{RULES}/{second}/diff").json()
    assert (told["against"]["id"], told["differences"]) == (
        first,
        [
            {
                "change": "changed",
                "pointer": "/stages/1/wait_school_days",
                "words": "stages letter-1, wait school days: 10 becomes 5",
            }
        ],
    )
    named = district.get(f"{RULES}/{third}/diff?against={second}").json()
    assert [one["pointer"] for one in named["differences"]] == ["/title", "/stages/1/wait_school_days"]
    assert district.get(f"{RULES}/{third}/diff").json()["against"]["id"] == first
    assert district.get(f"{RULES}/{third}/diff", tenancy=district.theirs).status_code == 404


def test_what_is_built_later_keeps_a_version_from_activation(district: District) -> None:
    watch = [{"key": "score", "when": {"type": "ScoreBelow", "params": {"measure": "reading", "value": 40}}}]
    version_id = drafted(district, "later", watch=watch, tests=[])
    moved(district, version_id, *IN_FORCE[:2])
    answer = district.post(f"{RULES}/{version_id}/activate", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (422, "ruleset_not_ready")
    assert "later" in next(iter(answer.json()["fields"].values()))


def test_a_version_of_another_tenant_does_not_exist(district: District) -> None:
    version_id = drafted(district, "ours-alone")
    assert district.get(f"{RULES}/{version_id}", tenancy=district.theirs).status_code == 404
    assert "ours-alone" not in district.get(RULES, tenancy=district.theirs).text


def test_the_packs_can_be_copied(district: District) -> None:
    packs = district.get(f"{RULES}/packs").json()["items"]
    assert packs[0]["name"] == "general"
    assert district.post(RULES, json={"document": packs[0]["document"], **WHY}).status_code == 201


def pasted(missed: int) -> dict[str, Any]:
    """Ten school days, the last ones missed."""
    days = [f"2026-11-{n:02d}" for n in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
    absent = set(days[len(days) - missed :])
    status = {day: "ABSENT" if day in absent else "PRESENT" for day in days}
    return {"days": [{"on": day, "am": said, "pm": said} for day, said in status.items()]}


def simulated(district: District, person: str = "attendance_officer", **body: Any) -> Any:
    span = {"from_date": "2026-11-02", "to_date": "2026-11-20"}
    return district.post("/interventions/simulate", person, json={**span, **body})


def test_what_if_answers_with_the_steps_and_their_reasons(district: District) -> None:
    answer = simulated(district, pasted=pasted(5), document=document("what-if"))
    assert answer.status_code == 200, answer.text
    first = answer.json()["steps"][0]
    assert (first["on"], first["what"], first["stage"]) == ("2026-11-11", "STEP", "contact")
    assert "3" in first["sentence"]
    assert answer.json()["assumed"]


def test_what_if_answers_in_the_readers_language(district: District) -> None:
    answer = simulated(district, pasted=pasted(5), document=document("what-if"), language="es").json()
    assert "días lectivos perdidos seguidos" in answer["steps"][0]["sentence"]
    assert "umbral" in answer["entry_on_last_day"]
    refused = simulated(district, pasted=pasted(5), document=document("what-if"), language="xx")
    assert (refused.status_code, refused.json()["fields"].keys()) == (422, {"body.language"})
    assert "'ga'" in refused.json()["fields"]["body.language"]


def test_what_if_says_how_far_away_a_quiet_student_is(district: District) -> None:
    found = simulated(district, pasted=pasted(1), document=document("what-if")).json()
    assert found["steps"] == []
    assert found["entry_on_last_day"]


def test_what_if_of_a_stored_version_and_a_real_student_writes_nothing(district: District) -> None:
    version_id = drafted(district, "stored-what-if")
    who = {"student_id": str(district.ours.students["ann"]), "school_id": str(district.ours.schools["oak"])}
    answer = simulated(district, version_id=version_id, **who)
    assert (answer.status_code, answer.json()["steps"]) == (200, [])
    other = {"student_id": str(district.ours.students["cat"]), "school_id": str(district.ours.schools["elm"])}
    assert simulated(district, version_id=version_id, **other).status_code == 403
    assert simulated(district, "teacher", version_id=version_id, **who).status_code == 403


def test_what_if_keeps_to_the_rule_sets_scope_and_says_so(district: District) -> None:
    nobody = document("scoped-what-if") | {"scope": {"ages": [3, 4]}}
    who = {"student_id": str(district.ours.students["ann"]), "school_id": str(district.ours.schools["oak"])}
    real = simulated(district, document=nobody, **who).json()
    assert real["steps"] == []
    assert real["scope"].startswith("Outside the rule set's scope (ages) on ")
    assert simulated(district, document=document("what-if"), **who).json()["scope"] == ""
    made_up = simulated(district, pasted=pasted(5), document=nobody).json()
    assert made_up["steps"]
    assert "left aside" in made_up["scope"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "ruleset_missing"),
        ({"document": {"key": "x"}}, "ruleset_invalid"),
        ({"document": document("what-if")}, "register_missing"),
        ({"document": document("what-if"), "pasted": pasted(1), "to_date": "2020-01-01"}, "bad_span"),
    ],
)
def test_what_if_asks_for_what_is_missing(district: District, body: dict[str, Any], code: str) -> None:
    answer = simulated(district, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_rule_set_whose_letters_have_no_approved_wording_is_not_put_in_force(district: District) -> None:
    document = dump_ruleset(load_pack("general")) | {"key": "wordless"}
    document["stages"][1]["template"] = "LETTER_NOBODY_WROTE"
    version_id = district.post("/interventions/rules", json={"document": document, "reason": "New."}).json()["version"][
        "id"
    ]
    path = f"/interventions/rules/{version_id}"
    for step, person in (("submit", "district_admin"), ("approve", "school_leader")):
        assert district.post(f"{path}/{step}", person, json={"reason": "Agreed."}).status_code == 200
    answer = district.post(f"{path}/activate", json={"reason": "Now."})
    assert (answer.status_code, answer.json()["code"]) == (422, "template_not_approved")
    assert answer.json()["fields"] == {"stages[1].template": "no version of LETTER_NOBODY_WROTE is approved"}
    assert "POST /letters/templates" in answer.json()["detail"]
    assert district.get(path).json()["version"]["status"] == "APPROVED"
