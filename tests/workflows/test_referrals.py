"""The REFERRAL rung: ESCALATED from entering, and counted from the day the last guardian's referral is sent."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from rules.ids import GuardianId
from rules.ladder import commands
from rules.ladder.commands import ReferralChange
from rules.ladder.stages import Approval
from rules.ladder.state import State
from rules.ladder.words import Phase, Status, StepResult
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, REFERRAL, Walk, ladder, walking
from tests.workflows.world import FATHER, MOTHER

pytestmark = pytest.mark.servers
LADDER = ladder(REFERRAL, ESCALATION)


async def opened(walk: Walk, *people: GuardianId) -> State:
    walk.world.entitled = people or (MOTHER,)
    await walk.approve("referral")
    return (await walk.phase(Phase.WAITING)).state


async def told(walk: Walk, guardian: GuardianId, change: ReferralChange, on: date | None = None) -> None:
    said: dict[str, Any] = {"referral_id": walk.world.referral_of(guardian), "guardian_id": guardian, "change": change}
    await walk.tell("referral_changed", commands.ReferralChanged(**said, on=on or await walk.today()))


async def events(walk: Walk, *wanted: str) -> Sequence[str]:
    await walk.until(lambda v: set(wanted) <= set(walk.ports.events()) and not v.state.unreported, str(wanted))
    return walk.ports.events()


def test_it_is_escalated_from_entering_and_a_leader_approves(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            view = await walk.pending("referral")
            assert view.status == Status.ESCALATED
            assert view.state.proposal is not None
            assert view.state.proposal.approver is Approval.LEADER
            assert walk.ports.count("open_referrals") == 0

    asyncio.run(story())


def test_the_wait_begins_when_the_last_guardians_referral_is_sent(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            state = await opened(walk, MOTHER, FATHER)
            assert state.due == walk.world.calendar.add(await walk.today(), 10)
            await told(walk, MOTHER, ReferralChange.SENT)
            await walk.pass_days(40)
            await walk.attendance(absences=9)
            await walk.contacted()
            state = (await walk.view()).state
            assert (state.phase, state.advance_at, state.steps[-1].reached) == (Phase.WAITING, None, False)
            day = await walk.today()
            await told(walk, FATHER, ReferralChange.SENT)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert (view.state.steps[-1].effective_day, view.state.due) == (day, walk.world.calendar.add(day, 10))
            await told(walk, FATHER, ReferralChange.SENT)  # said twice
            await told(walk, FATHER, ReferralChange.ACKNOWLEDGED)
            await told(walk, FATHER, ReferralChange.RESULT)
            await told(walk, MOTHER, ReferralChange.WITHDRAWN)
            seen = await events(walk, "REFERRAL_ACKNOWLEDGED", "REFERRAL_RESULT", "REFERRAL_WITHDRAWN")
            assert (seen.count("REFERRAL_OPENED"), seen.count("STEP_TAKEN")) == (2, 1)
            assert (await walk.view()).state.steps[-1].effective_day == day
            await walk.pass_days(15)
            assert (await walk.pending("escalation")).status == Status.ESCALATED

    asyncio.run(story())


def test_one_guardian_left_out_does_not_hold_up_the_other(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            await opened(walk, MOTHER, FATHER)
            sent = await walk.today()
            await told(walk, MOTHER, ReferralChange.SENT)
            await walk.pass_days(7)
            await told(walk, FATHER, ReferralChange.LEFT_OUT)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert view.state.steps[-1].effective_day == sent
            assert view.state.steps[-1].result is StepResult.TAKEN

    asyncio.run(story())


def test_when_nobody_is_referred_the_rung_is_left_out_and_the_wait_runs(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            await opened(walk, MOTHER, FATHER)
            await told(walk, MOTHER, ReferralChange.LEFT_OUT)
            await told(walk, FATHER, ReferralChange.LEFT_OUT)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            step = view.state.steps[-1]
            assert (step.result, step.reached) == (StepResult.SKIPPED, False)
            assert view.state.due == walk.world.calendar.add(await walk.today(), 10)
            await told(walk, FATHER, ReferralChange.LEFT_OUT)  # said twice
            seen = await events(walk, "SKIPPED")
            assert (seen.count("SKIPPED"), seen.count("STEP_TAKEN")) == (1, 0)
            await walk.pass_days(16)
            await walk.pending("escalation")

    asyncio.run(story())


def test_sent_before_the_case_knows_that_it_is_open(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            walk.world.shut("open_referrals")
            await walk.approve("referral")
            await walk.world.running("open_referrals")
            await told(walk, MOTHER, ReferralChange.SENT)
            await walk.until(lambda v: v.state.act.referred, "sent")
            walk.world.let_go("open_referrals")
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert view.state.steps[-1].reached

    asyncio.run(story())


def test_a_word_on_another_referral_moves_no_rung(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            await walk.pending("referral")
            await told(walk, MOTHER, ReferralChange.SENT)
            await opened(walk, MOTHER)
            await told(walk, FATHER, ReferralChange.SENT)
            await walk.until(lambda v: walk.ports.events().count("REFERRAL_SENT") == 2 and v, "told")
            state = (await walk.view()).state
            assert (state.phase, state.steps[-1].reached, state.advance_at) == (Phase.WAITING, False, None)

    asyncio.run(story())


def test_nobody_to_refer_waits_for_a_person_who_may_leave_it_out(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            walk.world.broken["open_referrals"] = "nobody_to_refer"
            await walk.approve("referral")
            view = await walk.phase(Phase.NEEDS_STAFF)
            assert view.state.parked is not None
            assert view.state.parked.error.startswith("nobody_to_refer")
            await walk.say("skip", commands.Skip)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert view.state.steps[-1].result is StepResult.SKIPPED

    asyncio.run(story())


def test_a_basis_lost_while_it_is_got_ready_holds_the_case(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            await opened(walk, MOTHER)
            walk.world.corrected = 3
            await walk.attendance(corrected=True)
            view = await walk.phase(Phase.ON_HOLD)
            assert view.state.hold is not None
            assert view.state.hold.kind == "basis"
            await walk.say("resolve_basis", commands.ResolveBasis, choice="rescind")
            assert (await walk.result()).status == Status.STOPPED

    asyncio.run(story())


def test_a_case_ends_while_its_referral_waits(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, LADDER) as walk:
            await opened(walk, MOTHER)
            await walk.attendance(true_stops={"exempt": "STOPPED"})
            assert (await walk.result()).status == Status.STOPPED

    asyncio.run(story())
