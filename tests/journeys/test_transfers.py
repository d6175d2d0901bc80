"""A student goes to another school of the district: nothing is sent until that school's leader has chosen."""

from uuid import UUID

import pytest
from sqlalchemy import update

from models.attendance import Enrolment
from models.instances import CaseFile, Task
from models.people import School
from models.transfers import Transfer
from rules.errors import Conflict
from rules.ids import SchoolId
from rules.ladder import commands
from services import handover_pages, instances
from services.handover_pages import Handover
from services.instances import StartByHand
from tests.journeys.conftest import Teller
from tests.journeys.district import CALENDAR, FIRST_DAY, HALVES, LAST_DAY, SCHOOLS, ZONE, Child
from tests.journeys.openings import letter_proposed, opened
from tests.journeys.story import Story, day

pytestmark = pytest.mark.servers
TWO = [Child("Sam"), Child("Una", ())]
ENROLMENTS = "student_id,school_id,start_date,end_date,attends,registration"


async def elm(s: Story) -> SchoolId:
    """A second school with the same terms."""
    await s.district.take("schools", SCHOOLS, [["elm", "Elm School", ZONE, "UK", "EXCLUDE", 2, "08-01"]], s.now)
    days = s.register.open_days(FIRST_DAY, LAST_DAY)
    await s.district.take("calendar", CALENDAR, [["elm", one, half] for one in days for half in HALVES], s.now)
    school = (await s.rows(School, School.source_id == "elm"))[0]
    async with s.tenant() as session:
        given = {"phone": "0113 496 0200", "address": ["Elm School", "4 Elm Road", "Leeds", "LS1 3BB"]}
        await session.execute(update(School).where(School.id == school.id).values(settings=given))
    return SchoolId(school.id)


async def enrolled(s: Story, *rows: tuple[str, object, object, str]) -> None:
    """What the register says of Sam now: school, first day, last day, registration."""
    for school, _, last, _ in rows:
        if school == "oak" and last:
            s.register.gone["Sam"] = day(str(last))
    written = [["Sam", school, first, last, "", kind] for school, first, last, kind in rows]
    await s.district.take("enrolments", ENROLMENTS, written, s.now)
    await s.flow()


async def moves(s: Story, last: str, first: str) -> None:
    await enrolled(s, ("oak", FIRST_DAY, last, "MAIN"), ("elm", first, "", "MAIN"))


async def handed_over(s: Story) -> Handover:
    async with s.tenant() as session:
        return await handover_pages.page(session, await instances.get(session, (await s.case()).id), now=s.now)


async def chooses(s: Story, choice: str, there: SchoolId) -> None:
    leader = s.district.staff.leader
    await s.say("choose_transfer", commands.ChooseTransfer, choice=choice, to_school_id=there, by=leader)


async def leads(s: Story) -> UUID:
    return (await s.case()).lead_school_id


def test_the_case_waits_and_goes_on_at_the_new_school_with_the_evidence_of_the_old(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        oak, there = await s.school_id(), await elm(s)
        await s.day("2031-09-16")
        await moves(s, "2031-09-15", "2031-09-16")
        assert await s.stands() == "TRANSFER_PENDING letter-1"
        assert "STEP letter-1 WITHDRAWN" in await s.proposals()
        asked = [task for task in await s.rows(Task, Task.status == "OPEN") if task.kind == "choose_transfer"]
        assert [(task.school_id, task.role) for task in asked] == [(there, "school_leader")]
        seen = await handed_over(s)
        assert (seen.from_school, seen.to_school, seen.row.status) == ("Oak School", "Elm School", "PENDING")
        assert seen.row.decide_by == day("2031-10-14")
        assert [one.reached for one in seen.contacts] == [True]
        start = StartByHand(await s.student(), there, "general", "They asked.")
        with pytest.raises(Conflict, match="comes with the student"):
            await s.office(instances.start_by_hand, start)
        await s.day("2031-09-22")
        assert s.mails() == []
        await chooses(s, "CONTINUE", there)
        await s.must_stand("AWAITING_APPROVAL letter-1")
        assert await leads(s) == there
        assert [file.school_id for file in await s.rows(CaseFile)] == [there]
        assert (await s.view()).state.draft is None
        basis = (await s.view()).state.proposal
        assert basis is not None
        assert basis.basis.school_id == oak
        await s.approve("letter-1")
        await s.must_stand("WAITING letter-1")
        assert len(s.mails()) == 1
        assert [task.kind for task in await s.rows(Task, Task.status == "DONE")].count("choose_transfer") == 1
        settled = (await handed_over(s)).row
        assert (settled.status, settled.moved) == ("CONTINUE", True)

    tell(story, children=TWO)


def test_with_support_only_no_letter_follows_and_a_task_asks_for_contact_and_a_plan(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        there = await elm(s)
        await s.day("2031-09-16")
        await moves(s, "2031-09-15", "2031-09-16")
        await chooses(s, "SUPPORT_ONLY", there)
        assert (await s.stands()).startswith("WAITING")
        await s.day("2031-10-20")
        assert s.mails() == []
        assert "support_only" in await s.tasks()

    tell(story, children=TWO)


def test_when_nobody_chooses_it_closes_and_a_task_is_left(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await elm(s)
        await s.day("2031-09-08")
        await moves(s, "2031-09-05", "2031-09-08")
        assert await s.stands() == "TRANSFER_PENDING contact"
        await s.day("2031-10-06")
        assert await s.stands() == "TRANSFER_PENDING contact", "the twentieth school day"
        await s.day("2031-10-07")
        assert await s.stands() == "CLOSED STOPPED TRANSFERRED"
        assert await s.tasks() == ["transfer_lapsed"]
        assert s.mails() == []

    tell(story, children=TWO)


def test_a_guest_elsewhere_stays_and_who_is_only_a_guest_here_goes_until_it_is_corrected(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        there = await elm(s)
        await s.day("2031-09-08")
        await enrolled(s, ("elm", "2031-09-08", "", "SUBSIDIARY"))
        assert await s.stands() == "AWAITING_APPROVAL contact"
        start = StartByHand(await s.student(), there, "general", "They asked.")
        with pytest.raises(Conflict, match="leads"):
            await s.office(instances.start_by_hand, start)
        await enrolled(s, ("oak", FIRST_DAY, "", "SUBSIDIARY"), ("elm", "2031-09-08", "", "MAIN"))
        assert await s.stands() == "TRANSFER_PENDING contact"
        assert len(await s.rows(Enrolment, Enrolment.school_id == there)) == 1
        await enrolled(s, ("oak", FIRST_DAY, "", "MAIN"), ("elm", "2031-09-08", "", "SUBSIDIARY"))
        assert await s.stands() == "AWAITING_APPROVAL contact"
        assert [row.status for row in await s.rows(Transfer)] == ["UNDONE"]

    tell(story, children=TWO)
