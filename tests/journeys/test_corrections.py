"""A corrected register takes the reason of a step away: a person decides; time passing alone never does that."""

import pytest

from models.letters import LetterArtifact
from rules.errors import Conflict
from rules.ladder import commands
from rules.ladder.commands import BasisChoice
from services import attendance
from services.attendance import SetCalendar
from tests.journeys.conftest import Teller
from tests.journeys.district import GRACE, PRESENT, Child
from tests.journeys.openings import FIRST_ABSENCES, letter_proposed, letter_sent, opened, spoken
from tests.journeys.story import Story, day, one_after_another

pytestmark = pytest.mark.servers


async def they_were_here(s: Story) -> None:
    for missed in FIRST_ABSENCES:
        await s.correct(missed, PRESENT)


def test_before_the_letter_the_pending_step_is_held_and_rescinding_takes_it_back(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await they_were_here(s)
        await s.evening("2031-09-16")
        assert await s.stands() == "ON_HOLD basis letter-1"
        assert (await s.proposal()).status == "HELD"
        with pytest.raises(Conflict):
            await s.say("approve", commands.Approve, proposal_id=(await s.proposal()).id)
        values = (await s.told(kind="TRIGGER_INVALIDATED"))[-1].data
        assert any(key.startswith("before ") for key in values)
        assert any(key.startswith("after ") for key in values)

        await s.day("2031-09-17")
        await s.say("resolve_basis", commands.ResolveBasis, choice=BasisChoice.RESCIND)
        assert await s.stands() == "CLOSED STOPPED BASIS_REMOVED", "a percentage nobody knows holds no step up"
        assert s.mails() == [], "nobody had got anything"

    tell(story)


def test_after_the_letter_rescinding_tells_whoever_got_it_once_and_ends_a_case_without_any_reason(
    tell: Teller,
) -> None:
    async def story(s: Story) -> None:
        s.absent("2031-09-17", "2031-09-18", "2031-09-26")
        await s.evening("2031-09-18")
        await s.day("2031-09-19")
        await s.approve("contact")
        await s.speaks_with_family()
        await s.evening("2031-09-26")
        await s.day("2031-09-29")
        await s.approve("letter-1")
        await s.day("2031-09-30")
        for missed in ("2031-09-17", "2031-09-18"):
            await s.correct(missed, PRESENT)
        await s.evening("2031-09-30")
        assert await s.stands() == "ON_HOLD basis letter-1"

        await s.day("2031-10-01")
        await s.say("resolve_basis", commands.ResolveBasis, choice=BasisChoice.RESCIND)
        assert await s.stands() == "CLOSED STOPPED BASIS_REMOVED"
        assert s.mailed_to() == [GRACE.email] * 2
        first, taken_back = await s.rows(LetterArtifact, LetterArtifact.kind == "LETTER")
        assert (first.superseded_by, first.rescinded_at is not None) == (taken_back.id, True)
        assert one_after_another(await s.events(), "TRIGGER_INVALIDATED", "STEP_RESCINDED", "STOPPED")

    tell(story)


def test_after_the_letter_a_step_may_be_kept_with_a_reason(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_sent(s)
        await s.day("2031-09-18")
        await they_were_here(s)
        await s.evening("2031-09-18")
        await s.day("2031-09-19")
        await s.say("resolve_basis", commands.ResolveBasis, choice=BasisChoice.KEEP, reason="The family wants help.")
        assert await s.stands() == "WAITING letter-1"
        assert (await s.told(kind="BASIS_KEPT"))[0].reason == "The family wants help."
        await s.weeks("2031-09-26")
        assert await s.stands() == "WAITING letter-1"
        assert s.mailed_to() == [GRACE.email]

    tell(story)


def test_a_correction_that_is_taken_back_clears_the_hold_by_itself(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        await they_were_here(s)
        await s.evening("2031-09-16")
        assert await s.stands() == "ON_HOLD basis letter-1"
        await s.day("2031-09-17")
        for missed in FIRST_ABSENCES:
            await s.correct(missed, "O")
        await s.evening("2031-09-17")
        assert await s.stands() == "AWAITING_APPROVAL letter-1"

    tell(story)


def test_time_passing_alone_never_removes_a_basis(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.weeks("2031-10-24")
        assert await s.stands() == "AWAITING_APPROVAL contact"
        assert "TRIGGER_INVALIDATED" not in await s.events()
        assert "NO_LONGER_AT_THRESHOLD" in await s.events()
        await s.approve("contact")
        assert await s.stands() == "WAITING contact"

    tell(story)


def test_a_correction_of_another_day_changes_nothing(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await spoken(s)
        await s.correct("2031-09-02", "O")
        await s.evening("2031-09-09")
        assert await s.stands() == "WAITING contact"
        assert "TRIGGER_INVALIDATED" not in await s.events()

    tell(story)


def test_a_closure_entered_late_takes_the_reason_away_at_once(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        closed = day("2031-09-04")
        await s.office(attendance.set_calendar, SetCalendar(await s.school_id(), closed, closed, (), "a burst pipe"))
        assert await s.stands() == "ON_HOLD basis contact", "two days away are not three"

    tell(story)


def test_an_enrolment_that_began_later_takes_the_reason_away(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        await s.district.take_enrolments([["Sam", "oak", "2031-09-04", "", ""]], s.now)
        await s.flow()
        assert await s.stands() == "ON_HOLD basis contact"

    tell(story)


def test_two_ids_of_one_child_who_was_there_take_the_reason_away(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        await s.district.take("student_merges", "old_id,new_id", [["Una", "Sam"]], s.now)
        await s.flow()
        assert await s.stands() == "ON_HOLD basis contact"

    tell(story, children=[Child("Sam"), Child("Una", ())])
