"""A contact stop between the approval and the sending: nothing leaves."""

from datetime import timedelta

import pytest

from rules.ladder import commands
from services import contact_stops
from services.contact_stops import LiftContactStop, SetContactStop, StopCause, SubjectKind
from tests.journeys.conftest import Teller
from tests.journeys.district import GRACE
from tests.journeys.openings import letter_proposed
from tests.journeys.story import Story

pytestmark = pytest.mark.servers


def test_a_stop_set_within_the_undo_holds_the_letter_until_it_is_lifted_and_somebody_approves_again(
    tell: Teller,
) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        pending = await s.proposal()
        await s.says("approve", commands.Approve, proposal_id=pending.id, reason="")
        stop = await s.office(
            contact_stops.put, SetContactStop(SubjectKind.STUDENT, await s.student(), StopCause.BEREAVEMENT)
        )
        assert await s.stands() == "ON_HOLD contact_stop letter-1"
        await s.until(s.now + timedelta(hours=2))
        assert s.mails() == []

        await s.office(
            contact_stops.lift, LiftContactStop(stop.id, "They asked us to write."), by=s.district.staff.leader
        )
        assert await s.stands() == "ON_HOLD contact_stop letter-1"
        await s.say("resume", commands.Resume, reason="Lifted.")
        await s.approve("letter-1")
        await s.until(s.now + timedelta(hours=1))
        assert await s.stands() == "WAITING letter-1"
        assert s.mailed_to() == [GRACE.email]

    tell(story, undo_seconds=60)
