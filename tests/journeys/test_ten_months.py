"""A whole school year: every rung of the general ladder, exit review, six weeks of follow-up, completed."""

import pytest

from models.instances import CaseFile, Escalation
from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.district import FRED, GRACE, Child
from tests.journeys.story import Story, one_after_another

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def test_a_case_walks_every_rung_leaves_and_is_completed(tell: Teller) -> None:
    async def story(s: Story) -> None:
        s.absent("2031-09-03", "2031-09-04", "2031-09-05")
        await s.evening("2031-09-05")
        await s.day("2031-09-08")
        await s.approve("contact")
        await s.speaks_with_family()
        assert await s.stands() == "WAITING contact"

        s.absent("2031-09-15", "2031-09-22")
        await s.evening("2031-09-15")
        assert await s.stands() == "AWAITING_APPROVAL letter-1"
        await s.day("2031-09-16")
        await s.approve("letter-1")
        assert await s.stands() == "WAITING letter-1"
        assert sorted(s.mailed_to()) == [FRED.email, GRACE.email]

        await s.evening("2031-09-22")
        await s.evening("2031-09-29")
        assert await s.stands() == "WAITING letter-1", "ten school days are not over"
        await s.evening("2031-10-01")
        assert await s.stands() == "AWAITING_APPROVAL letter-2"
        await s.day("2031-10-02")
        await s.approve("letter-2")
        assert len(s.mails()) == len(await s.letters()) == 4

        s.absent("2031-10-13", "2031-10-20", "2031-11-03")
        await s.evening("2031-10-17")
        await s.evening("2031-10-24")
        await s.day("2031-11-03")
        assert await s.stands() == "AWAITING_APPROVAL meeting"
        await s.approve("meeting")
        assert await s.stands() == "MEETING meeting"
        assert {GRACE.email, FRED.email} <= set(s.mailed_to()[4:])

        held = (await s.view()).state.meeting
        assert held is not None
        assert held.ends_at is not None
        await s.until(held.ends_at)
        assert "record_meeting_outcome" in await s.tasks()
        await s.outcome("SUPPORT_PLAN", held_at=held.starts_at)
        assert "support_plan_follow_up" in await s.tasks()
        assert await s.stands() == "WAITING meeting"

        s.absent("2031-11-17", "2031-11-24", "2031-12-01", "2031-12-08", "2031-12-15")
        await s.evening("2031-12-05")
        await s.evening("2031-12-15")
        assert await s.stands() == "AWAITING_APPROVAL escalation"
        await s.day("2031-12-16")
        await s.approve("escalation")
        case = await s.case()
        assert (case.status, (await s.rows(CaseFile))[0].tier) == ("ESCALATED", 3)
        assert (await s.rows(Escalation))[0].artifact_id is not None
        assert {"escalation_chronology", "escalation_meeting", "escalation_review"} <= set(await s.tasks())

        await s.evening("2032-01-09")
        await s.evening("2032-01-23")
        await s.evening("2032-01-30")
        assert await s.stands() == "EXIT_REVIEW escalation"
        await s.day("2032-02-02")
        await s.say("confirm_exit", commands.ConfirmExit, reason="He comes every day now.")
        assert await s.stands() == "FOLLOW_UP escalation"
        assert sorted(s.mailed_to()[-2:]) == [FRED.email, GRACE.email]

        for friday in ("2032-02-13", "2032-02-27", "2032-03-05", "2032-03-12", "2032-03-19"):
            await s.evening(friday)
        await s.evening("2032-03-25")
        await s.day("2032-04-20")
        assert await s.stands() == "CLOSED COMPLETED"

        happened = await s.events()
        rungs = ("contact", "letter-1", "letter-2", "meeting", "escalation")
        assert [event.stage_key for event in await s.told(kind="STAGE_ENTERED")] == list(rungs)
        assert happened.count("WEEK_CHECKED") == 6
        assert one_after_another(happened, "ESCALATED", "EXIT_RECOMMENDED", "EXIT_CONFIRMED", "COMPLETED")

    tell(story, children=[Child("Sam", (GRACE, FRED))])
