"""A ten-month ladder through every stage, in virtual time."""

import asyncio

import pytest

from rules.ladder import commands
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import CONTACT, ESCALATION, LETTER_1, LETTER_2, MEETING, ladder, walking

pytestmark = pytest.mark.servers


def test_a_case_walks_every_rung_and_completes_after_six_clean_school_weeks(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, ladder(CONTACT, LETTER_1, LETTER_2, MEETING, ESCALATION)) as walk:
            began = await walk.env.get_current_time()
            await walk.approve("contact")
            await walk.phase(Phase.WAITING)
            await walk.contacted()
            await walk.phase(Phase.WAITING)
            await walk.pass_days(25)
            await walk.approve("letter-1")
            await walk.phase(Phase.WAITING)
            await walk.pass_days(40)
            await walk.approve("letter-2")
            await walk.phase(Phase.WAITING)
            await walk.pass_days(40)
            await walk.approve("meeting")
            await walk.phase(Phase.MEETING)
            await walk.pass_days(10)
            await walk.outcome("SUPPORT_PLAN")
            await walk.phase(Phase.WAITING)
            await walk.pass_days(40)
            await walk.approve("escalation")
            view = await walk.phase(Phase.WAITING)
            assert view.status == "ESCALATED"
            await walk.pass_days(60)
            await walk.attendance(absences=0, true_stops={"improved": "EXIT_REVIEW"})
            await walk.phase(Phase.EXIT_REVIEW)
            await walk.say("confirm_exit", commands.ConfirmExit)
            view = await walk.until(lambda v: v.state.follow_up and v.state.follow_up.check_at, "follow-up week")
            assert view.status == "ACTIVE"
            view = await walk.result()
            assert (view.status, view.phase) == ("COMPLETED", "CLOSED")
            assert walk.ports.count("check_week") == 6
            history = await walk.handle.fetch_history()
            ended = history.events[-1].event_time.ToDatetime(began.tzinfo)
            assert 240 < (ended - began).days < 330
            for effect in (
                "open_contact",
                "book_meeting",
                "open_escalation",
                "tell_family_of_exit",
                "completed_figures",
            ):
                assert walk.ports.count(effect) == 1, effect
            assert walk.ports.count("deliver_letter") == walk.ports.count("issue_letter") == 2
            print(len(history.events), "events")

    asyncio.run(story())
