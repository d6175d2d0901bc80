"""What ends a case whatever its phase, and what changes under it: enrolment, stops, rule-set versions."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from rules.ladder import commands
from rules.ladder.commands import DeliveryState, EnrolmentChanged, EnrolmentEnd
from rules.ladder.state import Pause
from rules.ladder.words import PauseKind, Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, LETTER_1, LETTER_2, MEETING, Walk, ladder, refused, walking
from tests.workflows.world import World

pytestmark = pytest.mark.servers
PLAN = ladder(LETTER_1, MEETING, ESCALATION)


async def awaiting(walk: Walk) -> None:
    await walk.pending("letter-1")


async def held(walk: Walk) -> None:
    await walk.pending("letter-1")
    await walk.say("hold", commands.HoldCase)
    await walk.phase(Phase.ON_HOLD)


async def acting(walk: Walk) -> None:
    await walk.approve("letter-1")


async def waiting(walk: Walk) -> None:
    await walk.approve("letter-1")
    await walk.until(lambda v: v.state.advance_at, "wait")


async def in_meeting(walk: Walk) -> None:
    await walk.pending("letter-1")
    await walk.say("escalate", commands.Escalate, to="meeting")
    await walk.approve("meeting")
    await walk.until(lambda v: v.state.meeting and v.state.meeting.invited, "meeting")


async def exit_review(walk: Walk) -> None:
    await walk.pending("letter-1")
    await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
    await walk.until(lambda v: v.phase == "EXIT_REVIEW" and v.state.proposal, "exit review")


async def follow_up(walk: Walk) -> None:
    await exit_review(walk)
    await walk.say("confirm_exit", commands.ConfirmExit)
    await walk.until(lambda v: v.state.follow_up and v.state.follow_up.check_at, "follow-up")


async def needs_staff(walk: Walk) -> None:
    walk.world.deliveries = dict.fromkeys(walk.world.entitled, DeliveryState.FAILED)
    await walk.approve("letter-1")
    await walk.phase(Phase.NEEDS_STAFF)


PHASES = [awaiting, held, acting, waiting, in_meeting, exit_review, follow_up, needs_staff]


@pytest.mark.parametrize("reach", PHASES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("end", [EnrolmentEnd.WITHDRAWN])
def test_a_withdrawal_closes_the_case_in_every_phase(
    time_skipping: TimeSkipping, reach: Callable[[Walk], Awaitable[None]], end: EnrolmentEnd
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, undo_seconds=60 if reach is acting else 0) as walk:
            await reach(walk)
            await walk.tell("enrolment_changed", EnrolmentChanged(end=end))
            view = await walk.result()
            assert (view.status, view.phase, view.state.stop_reason) == ("STOPPED", "CLOSED", end.value)
            assert (view.state.proposal, view.verbs) == (None, ())
            assert walk.ports.count("close_case") == 1
            assert walk.ports.count("cancel_meeting") == (1 if reach is in_meeting else 0)
            assert walk.ports.projections[-1].view.phase == "CLOSED"

    asyncio.run(story())


def test_a_withdrawal_while_effects_run_finishes_the_running_one_and_starts_no_other(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, World(broken={"deliver_letter": "TENANT_SUSPENDED"})) as walk:
            await walk.approve("letter-1")
            await walk.until(lambda _: len(walk.ports.tried) and walk.ports.tried[-1].count("deliver_letter"), "send")
            await walk.tell("enrolment_changed", EnrolmentChanged(end=EnrolmentEnd.DECEASED))
            view = await walk.result()
            assert view.state.stop_reason == "DECEASED"
            assert walk.ports.count("deliver_letter") == 0

    asyncio.run(story())


@pytest.mark.parametrize("signal", ["guardian_reason", "exemption_changed", "case_resolved"])
def test_a_fact_that_a_person_entered_stops_the_case_when_the_rules_say_so(
    time_skipping: TimeSkipping, signal: str
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await waiting(walk)
            walk.world.true_stops = {signal: "STOPPED"}
            await walk.tell(signal, commands.FactChanged())
            assert (await walk.result()).status == "STOPPED"

    asyncio.run(story())


@pytest.mark.parametrize("reach", [held, exit_review, follow_up, needs_staff], ids=lambda f: f.__name__)
def test_a_fact_that_a_person_entered_stops_a_case_that_stands_still(
    time_skipping: TimeSkipping, reach: Callable[[Walk], Awaitable[None]]
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await reach(walk)
            walk.world.true_stops = {"exempt": "STOPPED"}
            await walk.tell("exemption_changed", commands.FactChanged())
            assert (await walk.result()).status == "STOPPED"

    asyncio.run(story())


def test_a_case_held_for_the_register_asks_again_after_two_days_and_goes_on_when_it_agrees(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await walk.pending("letter-1")
            walk.world.pauses = (Pause(id=UUID(int=1), kind=PauseKind.AMEND_REGISTER),)
            await walk.tell("guardian_reason", commands.FactChanged())
            await walk.phase(Phase.ON_HOLD)
            await walk.pass_days(2.1)
            await walk.until(lambda v: walk.ports.count("open_task") == 1 and not v.state.unreported, "reminder")
            assert walk.ports.orders("open_task")[0].kind == "amend_register_reminder"
            walk.world.pauses = ()
            await walk.tell("attendance_changed", commands.AttendanceChanged(seq=1, corrected=True))
            await walk.phase(Phase.AWAITING_APPROVAL)

    asyncio.run(story())


def test_a_held_proposal_that_waits_again_keeps_its_due_day_and_its_reminders(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            due = (await walk.pending("letter-1")).due_at
            assert due is not None
            await walk.say("hold", commands.HoldCase)
            await walk.phase(Phase.ON_HOLD)
            await walk.say("resume", commands.Resume)
            view = await walk.pending("letter-1")
            projected = walk.ports.projections[-1].view
            assert (view.due_at, projected.due_at) == (due, due)
            assert view.state.proposal is not None
            assert projected.due == view.state.proposal.due
            await walk.pass_days(4)
            await walk.until(lambda v: v.state.proposal and v.state.proposal.reminded == 1, "reminder")

    asyncio.run(story())


def test_a_stop_condition_found_just_before_acting_sends_nothing(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, undo_seconds=60) as walk:
            await walk.approve("letter-1")
            walk.world.true_stops = {"exempt": "STOPPED"}
            assert (await walk.result()).status == "STOPPED"
            assert walk.ports.count("plan_letters") == 0

    asyncio.run(story())


def test_staff_stop_a_case_for_a_known_reason_only(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await walk.pending("letter-1")
            with refused("unknown_stop_reason"):
                await walk.say("stop", commands.Stop, reason_code="IMPROVED")
            await walk.say("stop", commands.Stop, reason_code="OPENED_BY_MISTAKE")
            assert (await walk.result()).state.stop_reason == "OPENED_BY_MISTAKE"
            stopped = [e for order in walk.ports.projections for e in order.events if e.type == "STOPPED"]
            assert stopped[0].by is not None
            assert stopped[0].by.reason == "because"

    asyncio.run(story())


def test_a_newer_rule_set_version_is_applied_only_with_the_difference_seen(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN) as walk:
            await waiting(walk)
            newer = ladder(LETTER_1, LETTER_2, ESCALATION, version=2)
            with refused("acknowledge_difference"):
                await walk.say("apply_ruleset_version", commands.ApplyRuleSetVersion, ladder=newer, acknowledged=False)
            with refused("rung_missing"):
                await walk.say(
                    "apply_ruleset_version", commands.ApplyRuleSetVersion, ladder=ladder(LETTER_2), acknowledged=True
                )
            other = newer.model_copy(update={"rule_set_key": "other"})
            with refused("other_rule_set"):
                await walk.say("apply_ruleset_version", commands.ApplyRuleSetVersion, ladder=other, acknowledged=True)
            assert walk.ports.orders("decide")[-1].digest == "d1"
            await walk.say("apply_ruleset_version", commands.ApplyRuleSetVersion, ladder=newer, acknowledged=True)
            await walk.pass_days(20)
            await walk.pending("letter-2")
            assert walk.ports.orders("decide")[-1].digest == "d2"
            assert walk.ports.projections[-1].view.rule_set_version == 2

    asyncio.run(story())
