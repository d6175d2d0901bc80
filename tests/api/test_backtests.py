"""Backtests through the API: whose they are, who reads figures, who reads names, and what is refused with advice."""

from typing import Any
from uuid import UUID

import pytest

from models.access import Kinship
from models.backtests import Backtest, BacktestWalk
from rules.rulesets.ruleset import dump_ruleset, load_pack
from tests.api.district import NOW, TODAY, District
from tests.api.test_cases import audited
from tests.api.viewed import viewed

pytestmark = pytest.mark.servers
PATH = "/interventions/backtests"
GENERAL = dump_ruleset(load_pack("general"))
STEP = [TODAY.isoformat(), "STEP", "contact", TODAY.isoformat()]
WHERE = {"ann": "oak", "bob": "oak", "cat": "elm"}


def stored(district: District, where: str | None = None, **more: Any) -> str:
    """A finished backtest in which Ann is added, Bob dropped, and Cat of Elm School has a step under both."""
    steps = {"ann": (2, [[], [STEP]]), "bob": (1, [[STEP], []]), "cat": (3, [[STEP], [STEP]])}

    async def made() -> UUID:
        async with district.sessions.tenant(district.ours.id) as session:
            rules = {"version_id": None, "key": "general", "digest": "0" * 64, "document": GENERAL}
            given: dict[str, Any] = {"status": "FINISHED", "figures": {"groups": []}, "ended_at": NOW, **more}
            row = Backtest(
                school_id=where and district.ours.schools[where],
                first_on=TODAY,
                last_on=TODAY,
                minutes={},
                rulesets=[rules, rules],
                **given,
            )
            session.add(row)
            await session.flush()
            for name, (bits, told) in steps.items():
                if where in (None, WHERE[name]):
                    who = {"student_id": district.ours.students[name], "school_id": district.ours.schools[WHERE[name]]}
                    session.add(BacktestWalk(backtest_id=row.id, **who, stepped=bits, steps=told))
            return row.id

    return str(district.run(made()))


def body(**more: Any) -> dict[str, Any]:
    return {"rule_sets": [{"document": GENERAL}], "from_date": "2026-09-01", "to_date": "2026-11-20", **more}


def names(district: District, backtest_id: str, person: str, query: str = "") -> set[str]:
    answer = district.get(f"{PATH}/{backtest_id}/students{query}", person)
    assert answer.status_code == 200, answer.text
    shown = {one["student_id"] for one in answer.json()["items"]}
    assert {str(one) for one in viewed(district, answer)} == shown, "whoever is named stands in the view log"
    return {name for name, student_id in district.ours.students.items() if str(student_id) in shown}


def test_names_are_told_by_what_changes_and_only_within_reach(district: District) -> None:
    whole = stored(district)
    assert names(district, whole, "district_admin") == {"ann", "bob", "cat"}
    assert names(district, whole, "district_admin", "?change=ADDED") == {"ann"}
    assert names(district, whole, "district_admin", "?change=DROPPED") == {"bob"}
    oak = stored(district, "oak")
    assert names(district, oak, "school_leader") == {"ann", "bob"}
    first = district.get(f"{PATH}/{oak}/students?limit=1", "school_leader").json()
    rest = district.get(f"{PATH}/{oak}/students?limit=1&cursor={first['next_cursor']}", "school_leader").json()
    assert len({one["items"][0]["student_id"] for one in (first, rest)}) == 2


def test_nobody_reads_what_their_own_kin_would_have_got(district: District) -> None:
    oak = stored(district, "oak")
    assert "bob" in names(district, oak, "attendance_officer-2")
    kin = Kinship(
        person_id=district.ours.people["attendance_officer-2"],
        student_id=district.ours.students["bob"],
        relation="RELATIVE",
    )
    district.run(added(district, kin))
    assert names(district, oak, "attendance_officer-2") == {"ann"}
    district.run(removed(district, kin))


async def added(district: District, row: Any) -> None:
    async with district.sessions.tenant(district.ours.id) as session:
        session.add(row)


async def removed(district: District, row: Any) -> None:
    async with district.sessions.tenant(district.ours.id) as session:
        await session.delete(row)


def test_a_school_sees_its_own_and_the_whole_tenant_is_for_those_of_every_school(district: District) -> None:
    whole, elm = stored(district), stored(district, "elm")
    for backtest_id, code in ((whole, "whole_tenant"), (elm, "other_school")):
        for path in (f"{PATH}/{backtest_id}", f"{PATH}/{backtest_id}/students"):
            assert district.get(path, "school_leader").json()["code"] == code
        answer = district.post(f"{PATH}/{backtest_id}/cancel", "school_leader", json={"reason": "No."})
        assert answer.json()["code"] == code
    assert district.post(PATH, "school_leader", json=body()).json()["code"] == "whole_tenant"
    elsewhere = body(school_id=str(district.ours.schools["elm"]))
    assert district.post(PATH, "school_leader", json=elsewhere).json()["code"] == "other_school"
    listed = {one["id"] for one in district.get(f"{PATH}?limit=200", "school_leader").json()["items"]}
    assert not {whole, elm} & listed
    everything = district.get(f"{PATH}?limit=200&status=FINISHED", "district_admin").json()["items"]
    assert {whole, elm} <= {one["id"] for one in everything}
    assert [one["asked_at"] for one in everything] == sorted((one["asked_at"] for one in everything), reverse=True)


def test_figures_are_for_privacy_officers_too_names_are_not(district: District) -> None:
    whole = stored(district)
    assert district.get(f"{PATH}/{whole}", "dpo").status_code == 200
    assert district.get(f"{PATH}/{whole}/students", "dpo").json()["code"] == "role_not_allowed"
    assert district.post(PATH, "dpo", json=body()).json()["code"] == "role_not_allowed"
    assert district.get(f"{PATH}/{whole}", "teacher").json()["code"] == "role_not_allowed"


def test_it_is_stored_with_its_rule_sets_and_told_to_the_audit(district: District) -> None:
    answer = district.post(
        PATH, "school_leader", json=body(school_id=str(district.ours.schools["oak"]), minutes={"LETTER": 15})
    )
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["status"], told["percent_done"], told["minutes"]["LETTER"]) == ("WAITING", 0, 15)
    assert told["school_names"] == {str(district.ours.schools["oak"]): "Oak School"}
    assert [one["key"] for one in told["rule_sets"]] == ["general"]
    cancelled = district.post(f"{PATH}/{told['id']}/cancel", "school_leader", json={"reason": "The wrong term."})
    assert cancelled.json()["status"] == "CANCELLED"
    for verb, reason in (("run_backtest", None), ("cancel_backtest", "The wrong term.")):
        mine = [one for one in audited(district, verb) if str(one.subject_id) == told["id"]]
        assert [(one.actor_role, one.reason) for one in mine] == [("school_leader", reason)]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"rule_sets": []}, "body.rule_sets"),
        ({"rule_sets": [{}]}, "body.document"),
        ({"to_date": "2026-08-31"}, "body.to_date"),
        ({"minutes": {"LETTRE": 3}}, "body.minutes"),
        ({"approval_school_days": 61}, "body.approval_school_days"),
        ({"rule_sets": [{"document": {**GENERAL, "entry": {"type": "Nothing"}}}]}, ""),
    ],
)
def test_what_cannot_be_replayed_says_where(district: District, wrong: dict[str, Any], place: str) -> None:
    given = body(school_id=str(district.ours.schools["oak"]), **wrong)
    answer = district.post(PATH, "school_leader", json=given)
    assert answer.status_code == 422, answer.text
    assert place in "".join(answer.json()["fields"])
