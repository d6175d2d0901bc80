"""A closed case starts again only when the condition was false at a run date and came true once more."""

import pytest

from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.openings import opened
from tests.journeys.story import Story

pytestmark = pytest.mark.servers


def test_a_closed_case_starts_again_only_after_a_new_edge(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.say("stop", commands.Stop, reason_code="OTHER_SUPPORT", reason="The family centre helps.")
        assert await s.stands() == "CLOSED STOPPED OTHER_SUPPORT"
        await s.weeks("2031-10-03")
        assert len(await s.cases()) == 1, "70 to 89 per cent since: still true, no new edge"
        await s.evening("2031-10-10")
        s.absent("2031-10-13", "2031-10-14", "2031-10-15")
        await s.evening("2031-10-14")
        await s.evening("2031-10-15")
        first, second = await s.cases()
        assert first.case_id == second.case_id
        assert await s.stands() == "AWAITING_APPROVAL contact"

    tell(story)
