"""Letter 1, then the child comes every day: no second letter, and an exit is recommended instead."""

import pytest

from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.openings import letter_sent
from tests.journeys.story import Story, day

pytestmark = pytest.mark.servers


def test_thirty_days_of_full_attendance_after_letter_1_give_no_letter_2(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_sent(s)
        assert (await s.case()).effective_day == day("2031-09-16")
        assert (await s.events()).count("INSTANCE_OPENED") == 1
        assert [event.artifact_id for event in await s.told(kind="LETTER_SENT")] == [(await s.letters())[0].id]
        await s.weeks("2031-09-26")
        assert await s.stands() == "WAITING letter-1"
        await s.weeks("2031-10-17")
        assert await s.stands() == "EXIT_REVIEW letter-1"
        assert [event.stage_key for event in await s.told(kind="STAGE_ENTERED")] == ["contact", "letter-1"]
        assert len(s.mails()) == len(await s.letters()) == 1

        await s.say("reject_exit", commands.RejectExit, reason="We want to see half term first.")
        assert await s.stands() == "WAITING letter-1"
        await s.weeks("2031-11-07")
        assert await s.stands() == "WAITING letter-1", "a rejected exit keeps silent"

    tell(story)
