"""Attendance has got better: the exit is recommended with its figures, a person confirms it, the family is told."""

import pytest

from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.district import GRACE
from tests.journeys.openings import letter_sent
from tests.journeys.story import Story, one_after_another

pytestmark = pytest.mark.servers


def test_two_weeks_without_a_day_away_recommend_the_exit_and_a_person_confirms_it(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_sent(s)
        await s.weeks("2031-10-03")
        await s.must_stand("EXIT_REVIEW letter-1")
        assert "TRIGGER_INVALIDATED" not in await s.events(), "time passing takes no reason away"
        exit_review = await s.proposal()
        better, away = exit_review.basis["leaves"]
        assert (exit_review.kind, better["truth"], away["truth"]) == ("EXIT", True, False)
        assert " points better over 20 school days (from " in better["sentence"]
        assert away["sentence"].startswith("0 absences in 10 school days (22 Sep - 3 Oct); threshold 0.5")

        await s.say("confirm_exit", commands.ConfirmExit, reason="He comes every day.")
        await s.must_stand("FOLLOW_UP letter-1")
        assert s.mailed_to() == [GRACE.email] * 2, "letter 1, then the good news"
        assert [event.stage_key for event in await s.told(kind="STAGE_ENTERED")] == ["contact", "letter-1"]
        assert one_after_another(await s.events(), "EXIT_RECOMMENDED", "EXIT_CONFIRMED")

    tell(story)


def test_a_day_away_in_the_last_two_weeks_is_no_improvement_yet(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_sent(s)
        s.absent("2031-09-26")
        await s.weeks("2031-10-03")
        await s.must_stand("AWAITING_APPROVAL letter-2")
        assert "EXIT_RECOMMENDED" not in await s.events()
        assert len(s.mails()) == 1

    tell(story)
