"""Nobody of the family was reached: the ladder stops for a person, and goes on once somebody was."""

import pytest

from models.delivery import Message
from tests.journeys.conftest import Teller
from tests.journeys.district import GRACE, Child, Parent
from tests.journeys.openings import letter_proposed, opened
from tests.journeys.story import Story

pytestmark = pytest.mark.servers


def test_a_contact_that_reached_nobody_in_three_school_days_needs_staff(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        await s.approve("contact")
        await s.speaks_with_family(reached=False)
        await s.evening("2031-09-11")
        assert await s.stands() == "WAITING contact"
        await s.evening("2031-09-12")
        assert await s.stands() == "NEEDS_STAFF contact"
        await s.speaks_with_family()
        assert await s.stands() == "WAITING contact"

    tell(story)


def test_a_letter_that_no_address_took_needs_staff_until_it_is_handed_over(tell: Teller) -> None:
    async def story(s: Story) -> None:
        s.mail.refusals[GRACE.email or ""] = "550 5.1.1 no such user"
        await letter_proposed(s)
        await s.day("2031-09-16")
        await s.approve("letter-1")
        assert await s.stands() == "NEEDS_STAFF letter-1"
        assert "no_reachable_channel" in await s.tasks()
        await s.weeks("2031-09-19")
        assert await s.stands() == "NEEDS_STAFF letter-1", "the ladder does not go on by itself"
        await s.hands_over_the_letter()
        assert await s.stands() == "WAITING letter-1"
        assert s.mails() == []

    tell(story)


def test_a_letter_by_post_counts_from_its_posting(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await s.approve("letter-1")
        assert await s.stands() == "WAITING letter-1"
        assert "print_and_post" in await s.tasks()
        assert (await s.view()).state.advance_at is None
        await s.day("2031-09-18")
        await s.hands_over_the_letter(posted=True)
        assert (await s.told(kind="WAIT_STARTED"))[-1].data["until"] == "2031-10-07", "ten school days from the 23rd"
        assert [message.status for message in await s.rows(Message)] == ["SENT"]

    tell(story, children=[Child("Sam", (Parent("Grace Green"),))])
