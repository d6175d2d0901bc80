"""What a meeting decides is what happens next."""

from datetime import timedelta

import pytest

from models.instances import CaseFile
from models.meetings import Meeting
from models.students import Exemption
from rules.errors import Conflict
from tests.journeys.conftest import Teller
from tests.journeys.openings import met
from tests.journeys.story import Story, day

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("outcome", ["RESOLVED", "NO_ACTION"])
def test_a_meeting_that_settles_it_recommends_the_exit(tell: Teller, outcome: str) -> None:
    async def story(s: Story) -> None:
        await met(s)
        assert "record_meeting_outcome" in await s.tasks()
        await s.outcome(outcome, held_at=s.now - timedelta(hours=1))
        assert await s.stands() == "EXIT_REVIEW meeting"
        assert (await s.rows(Meeting))[0].status == "HELD"
        assert "record_meeting_outcome" not in await s.tasks()

    tell(story)


def test_a_medical_plan_holds_the_case_until_it_ends(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await met(s)
        await s.outcome("MEDICAL_PLAN", held_at=s.now, until=day("2031-10-10"))
        assert await s.stands() == "ON_HOLD staff meeting"
        exemption = (await s.rows(Exemption))[0]
        assert (exemption.scope, exemption.ends_on) == ("hold", day("2031-10-10"))
        s.absent("2031-09-16", "2031-09-17", "2031-09-22", "2031-09-29")
        await s.weeks("2031-10-09")
        assert await s.stands() == "ON_HOLD staff meeting"
        await s.weeks("2031-10-13")
        assert (await s.case()).phase != "ON_HOLD"

    tell(story)


def test_a_support_plan_is_looked_at_again_and_the_ladder_waits(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await met(s)
        await s.outcome("SUPPORT_PLAN", held_at=s.now)
        assert await s.stands() == "WAITING meeting"
        assert "support_plan_follow_up" in await s.tasks()

    tell(story)


def test_a_meeting_may_decide_to_escalate(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await met(s)
        await s.outcome("ESCALATE", held_at=s.now)
        assert await s.stands() == "AWAITING_APPROVAL escalation"
        await s.approve("escalation")
        assert ((await s.case()).status, (await s.rows(CaseFile))[0].tier) == ("ESCALATED", 3)

    tell(story)


def test_a_third_rescheduling_proposes_to_escalate(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await met(s)
        for _ in range(2):
            await s.outcome("RESCHEDULE")
            assert await s.stands() == "MEETING meeting"
        await s.outcome("RESCHEDULE")
        assert await s.stands() == "AWAITING_APPROVAL escalation"
        assert [meeting.status for meeting in await s.rows(Meeting)] == ["CANCELLED"] * 3

    tell(story)


def test_a_family_that_did_not_come_is_offered_another_way_before_anything_harder(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await met(s)
        await s.outcome("NO_SHOW", no_show="FAMILY")
        assert await s.stands() == "MEETING meeting"
        assert "reschedule_or_escalate" in await s.tasks()
        with pytest.raises(Conflict) as refused:
            await s.outcome("ESCALATE")
        assert refused.value.code == "other_mode_first"
        await s.outcome("ESCALATE", other_mode_offered=True)
        assert await s.stands() == "AWAITING_APPROVAL escalation"
        assert "reschedule_or_escalate" not in await s.tasks()

    tell(story)
