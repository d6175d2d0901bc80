"""What a person has entered ends a case: accepted reasons, a resolved case, a student who left."""

import pytest

from models.meetings import Meeting
from rules.errors import Conflict
from services import absence_reasons, cases, contact_stops
from services.absence_reasons import RecordReason
from services.cases import ResolveCase
from services.contact_stops import LiftContactStop, SetContactStop, StopCause, SubjectKind
from tests.journeys.conftest import Teller
from tests.journeys.district import CALENDAR, FIRST_DAY, GRACE, SCHOOLS, ZONE, Child
from tests.journeys.openings import FIRST_ABSENCES, letter_proposed, opened
from tests.journeys.story import Story, day

pytestmark = pytest.mark.servers


async def accept(s: Story, *days: str) -> None:
    sessions = [(day(one), half) for one in days for half in ("AM", "PM")]
    said = RecordReason(await s.student(), await s.school_id(), sessions, "a hospital stay", "ACCEPTED", None)
    await s.office(absence_reasons.record, said)


def test_when_reasons_for_every_absence_are_accepted_the_case_stops(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        await accept(s, *FIRST_ABSENCES[:2])
        assert await s.stands() == "ON_HOLD staff contact", "one absence is still unexplained, two are to be amended"
        await accept(s, FIRST_ABSENCES[2])
        assert await s.stands() == "CLOSED STOPPED GUARDIAN_REASON_ACCEPTED"
        assert "AMEND_REGISTER" in await s.tasks()

    tell(story)


def test_a_resolved_case_stops_its_ladder(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.office(cases.resolve, ResolveCase((await s.case()).case_id, "He has moved in with his aunt."))
        assert await s.stands() == "CLOSED STOPPED CASE_RESOLVED"
        assert "STEP letter-1 WITHDRAWN" in await s.proposals()
        assert s.mails() == []

    tell(story)


def test_a_student_who_left_has_no_case_any_more_and_the_meeting_is_called_off(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        await s.escalates("meeting")
        await s.approve("meeting")
        assert s.mailed_to().count(GRACE.email or "") == 1
        await s.leaves("2031-09-09")
        await s.evening("2031-09-09")
        assert await s.stands() == "MEETING meeting", "still on roll today"
        await s.evening("2031-09-10")
        assert await s.stands() == "CLOSED STOPPED WITHDRAWN"
        assert [meeting.status for meeting in await s.rows(Meeting)] == ["CANCELLED"]
        assert s.mailed_to().count(GRACE.email or "") == 2, "the family hears that it is called off"

    tell(story, children=[Child("Sam"), Child("Una", ())])


def test_a_death_ends_the_case_at_once_writes_to_nobody_and_is_never_lifted(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        assert (await s.case()).entry_reason, "the case says why it was opened"
        await s.day("2031-09-08")
        await s.escalates("meeting")
        await s.approve("meeting")
        told = s.mailed_to().count(GRACE.email or "")
        died = SetContactStop(SubjectKind.STUDENT, await s.student(), StopCause.DECEASED)
        stop = await s.office(contact_stops.put, died)
        assert await s.stands() == "CLOSED STOPPED DECEASED"
        assert [meeting.status for meeting in await s.rows(Meeting)] == ["CANCELLED"]
        assert await s.tasks() == []
        with pytest.raises(Conflict):
            await s.office(contact_stops.lift, LiftContactStop(stop.id, "a mistake"), by=s.district.staff.leader)
        s.absent("2031-09-10", "2031-09-11", "2031-09-12")
        await s.evening("2031-09-12")
        assert len(await s.cases()) == 1
        assert s.mailed_to().count(GRACE.email or "") == told

    tell(story, children=[Child("Sam"), Child("Una", ())])


def test_a_student_taken_off_the_district_s_list_has_no_case_any_more(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        gone = [["Sam", "Sam", "Green", "5", "2031-09-16T08:00:00Z"]]
        await s.day("2031-09-16")
        await s.district.take("students", "student_id,first_name,last_name,year_group,deleted_at", gone, s.now)
        await s.evening("2031-09-16")
        assert await s.stands() == "CLOSED STOPPED STUDENT_REMOVED"
        assert "STEP letter-1 WITHDRAWN" in await s.proposals()
        assert s.mails() == []

    tell(story, children=[Child("Sam"), Child("Una", ())])


def test_the_case_of_an_id_that_was_merged_away_closes(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await s.district.take("student_merges", "old_id,new_id", [["Sam", "Una"]], s.now)
        await s.evening("2031-09-16")
        assert await s.stands() == "CLOSED STOPPED MERGED"
        assert "STEP letter-1 WITHDRAWN" in await s.proposals()
        assert s.mails() == []

    tell(story, children=[Child("Sam"), Child("Una", ())])


async def elm_joins(s: Story) -> None:
    """A second school of the district, open from mid-September."""
    await s.district.take("schools", SCHOOLS, [["elm", "Elm School", ZONE, "UK", "EXCLUDE", 2, "08-01"]], s.now)
    terms = s.register.open_days(day("2031-09-15"), day("2031-12-19"))
    sessions: list[list[object]] = [["elm", on, half] for on in terms for half in ("AM", "PM")]
    await s.district.take("calendar", CALENDAR, sessions, s.now)


def test_a_student_who_goes_on_at_another_school_has_no_step_at_the_old_one_from_that_night_on(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await elm_joins(s)
        s.register.gone["Sam"] = day("2031-09-16")
        moved: list[list[object]] = [["Sam", "oak", FIRST_DAY, "2031-09-16", ""], ["Sam", "elm", "2031-09-17", "", ""]]
        await s.district.take_enrolments(moved, s.now)
        await s.evening("2031-09-16")
        assert await s.stands() == "AWAITING_APPROVAL letter-1", "still on roll today"
        await s.evening("2031-09-17")
        assert await s.stands() == "TRANSFER_PENDING letter-1", "tests/journeys/test_transfers.py goes on from here"
        assert "STEP letter-1 WITHDRAWN" in await s.proposals()
        assert s.mails() == []

    tell(story, children=[Child("Sam"), Child("Una", ())])


def test_a_student_who_goes_on_outside_the_district_is_withdrawn_whatever_visits_remain(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await elm_joins(s)
        s.register.gone["Sam"] = day("2031-09-16")
        left: list[object] = ["Sam", "oak", FIRST_DAY, "2031-09-16", "MAIN"]
        visits: list[object] = ["Sam", "elm", "2031-09-15", "", "GUEST"]
        await s.district.take(
            "enrolments", "student_id,school_id,start_date,end_date,registration", [left, visits], s.now
        )
        await s.evening("2031-09-16")
        assert await s.stands() == "AWAITING_APPROVAL letter-1", "still on roll today"
        await s.evening("2031-09-17")
        assert await s.stands() == "CLOSED STOPPED WITHDRAWN"
        assert (await s.told(kind="STOPPED"))[-1].data["reason"] == "WITHDRAWN"
        assert "STEP letter-1 WITHDRAWN" in await s.proposals()
        assert s.mails() == []

    tell(story, children=[Child("Sam"), Child("Una", ())])
