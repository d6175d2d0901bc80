"""What a person has entered holds a case while it lasts: an accepted reason until the register agrees, an exemption."""

from datetime import date

import pytest

from rules.ladder import commands
from services import exemptions, register
from services.exemptions import PutExemptions, WantedExemption
from services.register import Coded, PutCodeMap
from tests.journeys.conftest import Teller
from tests.journeys.district import ILL
from tests.journeys.openings import FIRST_ABSENCES, letter_proposed, letter_sent, opened
from tests.journeys.story import Story
from tests.journeys.test_stop_by_fact import accept

pytestmark = pytest.mark.servers


async def plans(s: Story, *spans: tuple[date, date]) -> None:
    wanted = [WantedExemption("hold", "MEDICAL", "agreed", first, last, None) for first, last in spans]
    await s.office(exemptions.put, PutExemptions(await s.student(), wanted, "agreed with the family"))


def test_an_accepted_reason_holds_the_case_until_the_register_agrees(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        await accept(s, FIRST_ABSENCES[0])
        await s.must_stand("ON_HOLD staff contact")
        assert (await s.case()).hold_reason == "amend_register"
        assert await s.tasks() == ["AMEND_REGISTER"]
        assert await s.proposals() == ["STEP contact HELD"]
        await s.evenings("2031-09-10")
        assert "amend_register_reminder" in await s.tasks(), "two days later staff are asked again"
        await s.must_stand("ON_HOLD staff contact")
        await s.correct(FIRST_ABSENCES[0], ILL)
        await s.evening("2031-09-11")
        assert (await s.case()).hold_reason is None
        assert "RESUMED" in await s.events()

    tell(story)


def test_an_accepted_reason_that_the_register_already_shows_holds_nothing(tell: Teller) -> None:
    async def story(s: Story) -> None:
        for day in FIRST_ABSENCES:
            s.absent(day, code=ILL)
        await s.evening("2031-09-05")
        await s.must_stand("AWAITING_APPROVAL contact")
        await s.day("2031-09-08")
        await accept(s, FIRST_ABSENCES[0])
        await s.must_stand("AWAITING_APPROVAL contact")

    tell(story)


def test_an_exemption_of_scope_hold_holds_a_running_case_and_lets_it_go_on_when_withdrawn(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await plans(s, (date(2031, 9, 16), date(2031, 10, 10)))
        await s.must_stand("ON_HOLD staff letter-1")
        assert (await s.case()).hold_reason == "exemption"
        await plans(s)
        await s.must_stand("AWAITING_APPROVAL letter-1")
        assert s.mails() == []

    tell(story)


def test_an_exemption_that_begins_later_holds_from_that_evening_through_its_last_day(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_sent(s)
        await plans(s, (date(2031, 9, 22), date(2031, 9, 26)))
        await s.evenings("2031-09-19")
        await s.must_stand("WAITING letter-1")
        await s.evening("2031-09-22")
        await s.must_stand("ON_HOLD staff letter-1")
        await s.evenings("2031-09-26")
        await s.must_stand("ON_HOLD staff letter-1")
        await s.evening("2031-09-29")
        assert ((await s.case()).phase != "ON_HOLD", "RESUMED" in await s.events()) == (True, True)

    tell(story)


def test_staff_may_resume_over_an_exemption(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await plans(s, (date(2031, 9, 16), date(2031, 10, 10)))
        await s.say("resume", commands.Resume, reason="The family asked for the letter.")
        await s.must_stand("AWAITING_APPROVAL letter-1")

    tell(story)


def test_a_code_that_means_something_else_takes_the_reason_away_at_once(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        async with s.tenant() as session:
            rows = await register.code_map(session, "UK")
            codes = [Coded(one.code, "PRESENT" if one.code == "O" else one.status, one.is_tardy) for one in rows]
            wish = PutCodeMap("UK", codes, "O means out on a visit here")
            touched = await register.put_code_map(session, s.district.staff.officer, wish, now=s.now)
        assert touched == {(await s.case()).id}
        await register.recompute(s.means.sessions, s.district.staff.officer, touched, now=s.now)
        await s.flow()
        await s.must_stand("ON_HOLD basis contact")
        assert "0 days of absence instead of 3" in (await s.told(kind="TRIGGER_INVALIDATED"))[0].data["because"]

    tell(story)
