"""A class was marked wrongly for a week: every walk that rested on it is looked at once, before anybody is told."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from models.delivery import Message
from services.mailing import RESCISSION
from tests.live.town import OFFICER, Town

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]
SAFEGUARDING = "safeguarding_lead"
CORRECTIONS = "/interventions/corrections"
WHY = "A week of marks was put on the wrong class."


def listed(town: Town, *walks: str) -> dict[str, Any]:
    """The held walks among these, as the list shows them."""
    answer = town.district.get(CORRECTIONS, OFFICER)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["waiting"] >= len(found["items"]) > 0
    return {item["instance_id"]: item for item in found["items"] if item["instance_id"] in walks}


def decide(town: Town, *rows: dict[str, str]) -> list[Any]:
    answer = town.command(f"{CORRECTIONS}/decisions", {"reason": WHY, "rows": list(rows)})
    assert answer.status_code == 200, answer.text
    return [(one["status"], one["code"]) for one in answer.json()["results"]]


def test_many_walks_are_decided_together(town: Town) -> None:
    written, kept, flagged = (town.take() for _ in range(3))
    town.jump(written, "letter-1")
    town.approve(written, "letter-1")
    town.happened(written, "LETTER_SENT")
    town.stands(written, "WAITING", "letter-1")
    for walk in (written, kept, flagged):
        town.put_right(walk)
        town.stands(walk, "ON_HOLD")

    items = listed(town, written, kept, flagged)
    assert set(items) == {written, kept, flagged}
    shown = items[written]
    assert shown["before"] != shown["after"], "both values, the one it rested on and the one that counts now"
    assert shown["because"].endswith("the condition no longer holds")
    assert (shown["rescinding"]["stage_keys"], shown["rescinding"]["back_to"]) == (["letter-1"], None)
    (hears,) = shown["rescinding"]["hears"]
    student = town.seen(written)["instance"]["student_id"]
    assert (hears["channel"], hears["language"]) == ("email", "en")
    assert items[kept]["rescinding"] == {"stage_keys": [], "back_to": None, "hears": [], "not_told": {}}

    flag = {"care_flags": [{"kind": "BEREAVED", "starts_on": "2020-01-01"}], "reason": "Told by the family."}
    child = town.seen(flagged)["instance"]["student_id"]
    assert town.district.change(f"/students/{child}/care-flags", flag, SAFEGUARDING).status_code == 200
    rows = [
        {"instance_id": walk, "event_id": items[walk]["event_id"], "choice": choice}
        for walk, choice in ((written, "rescind"), (kept, "keep"), (flagged, "rescind"))
    ]
    old = {**rows[1], "event_id": str(uuid4())}
    assert decide(town, old) == [(409, "stale_correction")]
    assert decide(town, *rows) == [(200, None), (200, None), (403, "flagged_in_bulk")]

    ended = town.stands(written, "CLOSED")["instance"]
    assert (ended["status"], ended["close_reason"]) == ("STOPPED", "BASIS_REMOVED")
    told = town.rows(Message, Message.student_id == student, Message.kind == RESCISSION)
    assert [str(one.guardian_id) for one in told] == [hears["guardian_id"]], "whom the preview named, once"
    town.stands(kept, "AWAITING_APPROVAL", "contact")
    for walk, act in ((written, "step_rescinded"), (kept, "basis_kept")):
        entries = town.until(partial(town.audited, act, walk), bool, f"audit entry {act}")
        assert [(one.actor_id, one.reason) for one in entries] == [(town.ours.people[OFFICER], WHY)]
    assert set(listed(town, written, kept, flagged)) == {flagged}
    town.said(flagged, "basis", "step_rescinded", choice="rescind", reason=WHY)
    town.stands(flagged, "CLOSED")
