"""The queue shows a decision the moment it is answered, and finds steps by what they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.live.town import ADMIN, LEADER, LEAVING, OFFICER, Town, today

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]
WHY = "As agreed with the family."


@contextmanager
def projection_waits(town: Town, walk: str) -> Iterator[None]:
    """Somebody else has the walk's row: the case decides, and its projection cannot follow yet."""
    with psycopg.connect(town.database) as other:
        other.execute("select set_config('app.current_tenant', %s, true)", [str(town.ours.id)])
        assert other.execute("select id from instance where id = %s for update", [walk]).fetchone()
        yield


def escalated(town: Town, walk: str) -> Any:
    return town.confirmed("POST", f"/interventions/instances/{walk}/escalate", LEADER, {"reason": WHY})


def told(verb: str, **body: Any) -> Callable[[Town, str], Any]:
    def tell(town: Town, walk: str) -> Any:
        step = {"proposal_id": town.seen(walk)["waiting"]["proposal_id"]} if verb in {"approve", "skip"} else {}
        return town.confirmed("POST", f"/interventions/instances/{walk}/{verb}", OFFICER, {**step, **body})

    return tell


@pytest.mark.parametrize(
    ("year", "decide", "left"),
    [
        ("5", told("approve"), None),
        ("5", told("skip", reason=WHY), None),
        ("5", told("stop", reason_code="STAFF_DECISION", reason=WHY), None),
        ("5", escalated, None),
        ("5", told("hold", reason=WHY), True),
        (LEAVING, told("exit-review", decision="confirm", reason=WHY), None),
    ],
    ids=["approve", "skip", "stop", "escalate", "hold", "exit"],
)
def test_a_decision_shows_before_its_projection(
    town: Town, year: str, decide: Callable[[Town, str], Any], *, left: bool | None
) -> None:
    walk = town.take(year)
    step = town.queue()[walk]["proposal_id"]
    with projection_waits(town, walk):
        answer = decide(town, walk)
        assert answer.status_code == 200, answer.text
        queued = town.queue().get(walk)
        assert (queued and queued["held"]) == left
        waiting = town.seen(walk)["waiting"]
        assert (waiting and waiting["held"]) == left
    town.until(
        lambda: town.queue().get(walk),
        lambda item: item is None or item["held"] or item["proposal_id"] != step,
        "the projection says the same",
    )


def test_a_resumed_step_is_decided_again_before_its_projection(town: Town) -> None:
    walk = town.take()
    assert town.say(walk, "hold", reason=WHY).status_code == 200
    town.stands(walk, "ON_HOLD")
    with projection_waits(town, walk):
        path = f"/interventions/instances/{walk}/resume"
        assert town.confirmed("POST", path, OFFICER, {"reason": WHY}).status_code == 200
        seen = town.queue().get(walk)
        assert seen is None or seen["held"] is False
    town.stands(walk, "AWAITING_APPROVAL")


def test_steps_are_found_by_what_they_are(town: Town) -> None:
    letter, held, exit_review = town.take(), town.take(), town.take(LEAVING)
    town.jump(letter, "letter-1")
    assert town.say(held, "hold", reason=WHY).status_code == 200
    letters = town.queue(type="LETTER")
    assert letter in letters
    assert {item["type"] for item in letters.values()} == {"LETTER"}
    assert exit_review in town.queue(type="EXIT_REVIEW")
    assert held in town.queue(risk_flags="ON_HOLD")
    assert letter not in town.queue(risk_flags="ON_HOLD")
    assert not {letter, held} & set(town.queue(risk_flags="SECOND_LOOK"))
    due = town.queue()[letter]["due_on"]
    assert letter in town.queue(due_by=due)
    assert letter not in town.queue(due_by=today().isoformat())
    assert letter in town.queue(school_id=str(town.ours.schools["oak"]), stage_key="letter-1")
    assert letter not in town.queue(school_id=str(town.ours.schools["elm"]))
    in_a_row = next(leaf for leaf in town.queue()[held]["basis"]["leaves"] if leaf["leaf"] == "ConsecutiveAbsenceDays")
    assert in_a_row["truth"] is True
    assert in_a_row["sentence"].startswith(f"{in_a_row['value']} school days missed in a row (")
    polish = town.queue(language="pl")[held]
    assert "opuszczon" in polish["reason"]
    assert any("opuszczon" in leaf["sentence"] for leaf in polish["basis"]["leaves"])
    one = town.district.get(f"/interventions/instances/{held}?language=ar").json()["waiting"]
    assert "أيام الدراسة الفائتة على التوالي" in one["reason"]
    odd = town.district.get("/interventions/queue?type=POEM", ADMIN)
    assert (odd.status_code, list(odd.json()["fields"])) == (422, ["query.type"])
