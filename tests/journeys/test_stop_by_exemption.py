"""An exemption ends a case at once, whatever waits."""

from datetime import date

import pytest

from services import exemptions
from services.exemptions import PutExemptions, WantedExemption
from tests.journeys.conftest import Teller
from tests.journeys.story import Story

pytestmark = pytest.mark.servers


def agreed(first: date, last: date) -> WantedExemption:
    return WantedExemption("stop", "PART_TIME_TIMETABLE", "agreed", first, last, None)


def test_an_exemption_closes_the_case_at_once_and_withdraws_its_proposal(tell: Teller) -> None:
    async def story(s: Story) -> None:
        s.absent("2031-09-03", "2031-09-04", "2031-09-05")
        await s.evening("2031-09-04")
        assert not await s.cases()
        await s.evening("2031-09-05")
        assert await s.stands() == "AWAITING_APPROVAL contact"

        await s.day("2031-09-08")
        exempt = agreed(date(2031, 9, 8), date(2032, 7, 23))
        await s.office(exemptions.put, PutExemptions(await s.student(), [exempt], "agreed with the family"))

        assert await s.stands() == "CLOSED STOPPED EXEMPT"
        assert await s.proposals() == ["STEP contact WITHDRAWN"]
        assert s.mails() == []

    tell(story)


def test_an_exemption_that_begins_later_closes_the_case_on_the_evening_it_begins(tell: Teller) -> None:
    async def story(s: Story) -> None:
        s.absent("2031-09-03", "2031-09-04", "2031-09-05")
        await s.evening("2031-09-05")
        await s.day("2031-09-08")
        exempt = agreed(date(2031, 9, 10), date(2031, 10, 24))
        await s.office(exemptions.put, PutExemptions(await s.student(), [exempt], "agreed with the family"))
        await s.evening("2031-09-09")
        assert await s.stands() == "AWAITING_APPROVAL contact"
        await s.evening("2031-09-10")
        assert await s.stands() == "CLOSED STOPPED EXEMPT"

    tell(story)
