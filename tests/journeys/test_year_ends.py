"""The school year ends while a case runs: people choose, and the new year says nothing by the counts of the old."""

from datetime import date

import pytest
from sqlalchemy import update

from models.delivery import Message
from models.instances import Task
from models.people import School
from models.year_ends import YearEnd
from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.district import Child
from tests.journeys.openings import letter_proposed
from tests.journeys.story import Story

pytestmark = pytest.mark.servers
TWO = [Child("Sam"), Child("Una", ())]
BEGINS, EVE = date(2031, 10, 20), "2031-10-17"
TWENTY_LEFT = "2031-09-19"


async def asked(s: Story) -> None:
    """This school's year ends in October; letter 1 waits when everybody is asked, twenty school days before."""
    await letter_proposed(s)
    async with s.tenant() as session:
        await session.execute(update(School).values(year_start=f"{BEGINS:%m-%d}"))
    await s.evenings("2031-09-18")
    assert "choose_year_end" not in await s.tasks()
    await s.evening(TWENTY_LEFT)
    assert "choose_year_end" in await s.tasks()


async def chooses(s: Story, choice: str) -> None:
    await s.say("choose_year_end", commands.ChooseYearEnd, choice=choice, begins=BEGINS)


async def row(s: Story) -> YearEnd:
    (found,) = await s.rows(YearEnd)
    return found


def test_carried_the_letter_is_proposed_again_on_the_new_years_absences_alone(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await asked(s)
        assert (await row(s)).decide_by == date.fromisoformat(EVE)
        await chooses(s, "CARRY")
        await s.must_stand("AWAITING_APPROVAL letter-1")
        await s.weeks(EVE)
        await s.day("2031-10-20")
        await s.must_stand("WAITING contact")
        assert "STEP letter-1 WITHDRAWN" in await s.proposals()
        settled = await row(s)
        assert (settled.status, settled.chosen_by) == ("CARRY", s.district.staff.officer.person_id)
        s.absent(*(f"2031-10-{day}" for day in range(20, 25)))
        await s.evenings("2031-10-24")
        await s.must_stand("WAITING contact")
        await s.evening("2031-11-03")
        await s.must_stand("AWAITING_APPROVAL letter-1")
        waiting = (await s.view()).state.proposal
        assert waiting is not None
        assert waiting.basis.on is not None
        assert waiting.basis.on >= BEGINS
        await s.approve("letter-1")
        assert len(s.mails()) == 1
        (message,) = await s.rows(Message, Message.kind == "LETTER")
        told = message.data["merge"]
        assert (told["period_start"], told["absence_count"]) == (BEGINS.isoformat(), "5")
        assert all(one >= BEGINS.isoformat() for one in told["absence_dates"])

    tell(story, children=TWO)


def test_without_a_choice_it_waits_for_somebody_to_look_at_it(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await asked(s)
        await s.day("2031-10-21")
        assert await s.stands() == "ON_HOLD staff contact"
        assert "review_in_autumn" in await s.tasks()
        assert [task.due_on for task in await s.rows(Task, Task.kind == "review_in_autumn")] == [date(2031, 11, 7)]
        assert s.mails() == []
        await s.say("resume", commands.Resume)
        await s.must_stand("WAITING contact")

    tell(story, children=TWO)


def test_closed_with_a_summary_of_the_year(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await asked(s)
        await chooses(s, "CLOSE_WITH_SUMMARY")
        await s.day("2031-10-20")
        await s.must_stand("CLOSED STOPPED YEAR_END")
        summary = (await row(s)).summary
        assert summary is not None
        assert (summary["steps"], summary["contacts_reached"], summary["letters"]) == (["contact"], 1, 0)
        assert (summary["from"], summary["to"]) == ("2030-10-20", "2031-10-19")
        assert await s.tasks() == []
        assert s.mails() == []

    tell(story, children=TWO)
