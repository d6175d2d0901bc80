"""Two people at once, the same command twice, second thoughts within the undo."""

import asyncio

import pytest

from rules.errors import Conflict
from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.district import GRACE
from tests.journeys.openings import letter_proposed, opened
from tests.journeys.story import Story

pytestmark = pytest.mark.servers


async def decided(s: Story) -> list[str]:
    told = [event for event in await s.told() if event.stage_key == "letter-1"]
    return [event.type for event in told if event.type in {"APPROVED", "SKIPPED"}]


def test_of_two_people_deciding_at_once_one_is_told_that_it_is_decided(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        pending, staff = await s.proposal(), s.district.staff
        both = await asyncio.gather(
            s.says("approve", commands.Approve, proposal_id=pending.id, by=staff.officer),
            s.says("skip", commands.Skip, proposal_id=pending.id, by=staff.leader, reason="Not now."),
            return_exceptions=True,
        )
        await s.settled()
        refused = [answer for answer in both if isinstance(answer, BaseException)]
        assert len(refused) == 1
        assert isinstance(refused[0], Conflict)
        happened = await decided(s)
        assert len(happened) == 1
        assert len(s.mails()) == happened.count("APPROVED")

    tell(story)


def test_the_same_command_twice_is_answered_twice_and_carried_out_once(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        pending = await s.proposal()
        first = await s.say("approve", commands.Approve, proposal_id=pending.id, command_id="the-same")
        again = await s.say("approve", commands.Approve, proposal_id=pending.id, command_id="the-same")
        assert first.command_id == again.command_id == "the-same"
        assert await decided(s) == ["APPROVED"]
        assert s.mailed_to() == [GRACE.email]

    tell(story)


def test_an_approval_taken_back_within_the_undo_does_nothing(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await opened(s)
        await s.day("2031-09-08")
        pending = await s.proposal()
        answer = await s.says("approve", commands.Approve, proposal_id=pending.id, reason="")
        assert answer.undo_until is not None
        await s.say("withdraw_approval", commands.WithdrawApproval, proposal_id=pending.id, reason="Wrong child.")
        assert await s.stands() == "AWAITING_APPROVAL contact"
        await s.day("2031-09-09")
        assert await s.tasks() == []

        await s.says("approve", commands.Approve, proposal_id=pending.id, reason="")
        await s.day("2031-09-10")
        assert await s.tasks() == ["contact_family"]
        with pytest.raises(Conflict):
            await s.say("withdraw_approval", commands.WithdrawApproval, proposal_id=pending.id)

    tell(story, undo_seconds=600)
