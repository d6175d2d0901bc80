"""After the exit: six school weeks, a holiday that is no week, a relapse in week 4."""

import pytest

from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.openings import followed_up
from tests.journeys.story import Story

pytestmark = pytest.mark.servers


async def weeks_checked(s: Story) -> list[object]:
    return [event.data["week_ending"] for event in await s.told(kind="WEEK_CHECKED")]


def test_a_holiday_inside_the_follow_up_is_no_week(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await followed_up(s, "2031-09-19")
        await s.weeks("2031-11-07")
        assert (await s.case()).phase == "FOLLOW_UP"
        await s.day("2031-11-11")
        assert await s.stands() == "CLOSED COMPLETED"
        ends = ["2031-09-28", "2031-10-05", "2031-10-12", "2031-10-19", "2031-10-26", "2031-11-09"]
        assert await weeks_checked(s) == ends
        figures = (await s.told(kind="COMPLETED"))[0].data
        assert figures["after"] == 10_000
        assert figures["before"] < 10_000

    tell(story)


def test_a_relapse_in_week_4_goes_back_to_letter_2_when_staff_agree(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await followed_up(s, "2031-09-19")
        s.absent("2031-10-14", "2031-10-15")
        await s.weeks("2031-10-17")
        assert (await s.case()).phase == "FOLLOW_UP"
        await s.day("2031-10-21")
        assert len(await weeks_checked(s)) == 4
        pending = await s.proposal()
        assert (pending.kind, pending.stage_key) == ("RELAPSE", "letter-2")
        await s.approve("letter-2")
        assert await s.stands() == "AWAITING_APPROVAL letter-2"
        await s.approve("letter-2")
        assert await s.stands() == "WAITING letter-2"
        assert len(await s.letters()) >= 1

    tell(story)


def test_a_refused_relapse_lets_the_follow_up_go_on_to_its_end(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await followed_up(s, "2031-09-19")
        s.absent("2031-10-14", "2031-10-15")
        await s.weeks("2031-10-17")
        await s.day("2031-10-21")
        await s.say("skip", commands.Skip, reason="A funeral in the family.")
        assert (await s.case()).phase == "FOLLOW_UP"
        await s.weeks("2031-11-14")
        await s.day("2031-11-18")
        if (await s.case()).phase == "FOLLOW_UP":  # the ten-day window still held the two days in week 5
            await s.say("skip", commands.Skip, reason="The same two days.")
        assert await s.stands() == "CLOSED COMPLETED"

    tell(story)
