"""The school year ends for running cases: over HTTP people read what is asked of them, and choose."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from rules.ladder.commands import YearEnds
from services import signals
from tests.live.town import LEADER, OFFICER, Town, today

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("live")]
WHY = "The plan runs until October."


def nears(town: Town, walk: str) -> str:
    """The nightly pass says so; the new year's first day."""
    begins = today() + timedelta(days=40)

    async def tell() -> None:
        async with town.district.sessions.tenant(town.ours.id) as session:
            await signals.tell(session, [UUID(walk)], "year_ends", YearEnds(begins=begins))

    town.district.run(tell())
    return begins.isoformat()


def test_the_officer_carries_a_case_into_the_new_year(town: Town) -> None:
    walk = town.take()
    path = f"/interventions/instances/{walk}/year-end"
    assert town.district.get(path, OFFICER).json()["code"] == "year_end_not_found"
    body = {"choice": "CARRY", "reason": WHY}
    assert town.say(walk, "year-end", OFFICER, **body).json()["code"] == "year_end_not_found"
    begins = nears(town, walk)
    ask = partial(town.district.get, path, OFFICER)
    page = town.until(ask, lambda answer: answer.is_success, "the proposal").json()
    assert (page["begins"], page["status"], page["chosen"]) == (begins, "PENDING", None)
    assert page["choices"] == ["CARRY", "CLOSE_WITH_SUMMARY", "REVIEW_IN_AUTUMN"]
    assert town.district.get(path, "attendance_officer-elm").json()["code"] == "other_school"
    assert town.say(walk, "year-end", "attendance_officer-elm", **body).json()["code"] == "other_school"
    town.until(lambda: town.seen(walk), lambda seen: "choose_year_end" in seen["verbs"], "the verb")
    told = town.said(walk, "year-end", "year_end_chosen", OFFICER, **body)
    assert told["phase"] == "AWAITING_APPROVAL"
    town.until(ask, lambda answer: answer.json()["chosen"] == "CARRY", "the choice")
    again = town.say(walk, "year-end", LEADER, choice="CLOSE_WITH_SUMMARY", reason=WHY)
    assert again.status_code == 200, again.text
    town.until(ask, lambda answer: answer.json()["chosen"] == "CLOSE_WITH_SUMMARY", "the other choice")
