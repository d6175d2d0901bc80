"""A backtest on the whole product: asked for over HTTP, carried by the outbox, walked by the worker, read by name."""

from datetime import timedelta
from typing import Any

import pytest

from models.backtests import BacktestWalk
from models.instances import Instance
from models.reliability import Outbox
from rules.rulesets.ruleset import dump_ruleset, load_pack
from tests.live.town import ADMIN, Town, today

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]
PATH = "/interventions/backtests"
GENERAL = dump_ruleset(load_pack("general"))


def asked(town: Town, **more: Any) -> Any:
    span = {"from_date": str(today() - timedelta(days=60)), "to_date": str(today())}
    body = {"rule_sets": [{"version_id": town.rules}, {"document": GENERAL}], **span, **more}
    answer = town.district.post(PATH, ADMIN, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def read(town: Town, backtest_id: str) -> Any:
    return town.district.get(f"{PATH}/{backtest_id}", ADMIN).json()


def test_it_runs_to_its_figures_and_touches_nobody(town: Town) -> None:
    waiting = asked(town)
    assert (waiting["status"], waiting["students_total"]) == ("WAITING", None)
    done = town.until(lambda: read(town, waiting["id"]), lambda seen: seen["ended_at"], "the backtest's end")
    assert (done["status"], done["problem"], done["percent_done"]) == ("FINISHED", None, 100)
    assert done["students_done"] == done["students_total"] > 40
    assert done["figures"]["rule_sets"][0]["students_with_a_step"] > 40
    assert any(group["ratio"] for group in done["figures"]["groups"])
    listed = town.district.get(f"{PATH}/{done['id']}/students?limit=100", ADMIN).json()["items"]
    away = {str(one.student_id) for one in town.rows(BacktestWalk, BacktestWalk.stepped > 0)}
    assert {one["student_id"] for one in listed} == away
    assert {one["change"] for one in listed} <= {"ADDED", "DROPPED", "BOTH"}
    assert town.rows(Instance, Instance.rule_set_key == "general") == [], "rules that are only tried start nothing"
    assert len(town.audited("run_backtest", done["id"])) == len(town.audited("finish_backtest", done["id"])) == 1


def test_a_cancelled_one_has_ended_when_the_answer_comes(town: Town) -> None:
    going = asked(town, school_id=str(town.ours.schools["oak"]))
    answer = town.district.post(f"{PATH}/{going['id']}/cancel", ADMIN, json={"reason": "The wrong school."})
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED"), answer.text
    assert answer.json()["ended_by"] == str(town.ours.people[ADMIN])
    mine = Outbox.subject == f"backtest/{going['id']}"
    town.until(lambda: [one.status for one in town.rows(Outbox, mine)], lambda seen: seen == ["DELIVERED"] * 2, "word")
    assert read(town, going["id"])["status"] == "CANCELLED"
    assert town.rows(BacktestWalk, BacktestWalk.backtest_id == going["id"]) == []
    assert town.district.post(f"{PATH}/{going['id']}/cancel", ADMIN, json={"reason": "Again."}).status_code == 409
