"""The register is corrected: a step's reason falls away, or comes back, or was never touched by mere time."""

import asyncio

import pytest

from rules.ladder import commands
from rules.ladder.words import HoldKind, Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import ESCALATION, LETTER_1, LETTER_2, MEETING, Walk, ladder, walking

pytestmark = pytest.mark.servers
TWO = ladder(LETTER_1, LETTER_2, ESCALATION)


async def correct(walk: Walk, removed: int) -> None:
    walk.world.corrected = removed
    walk.seq += 1
    await walk.tell("attendance_changed", commands.AttendanceChanged(seq=walk.seq, corrected=True))


async def on_hold_for_basis(walk: Walk) -> None:
    view = await walk.phase(Phase.ON_HOLD)
    assert view.state.hold is not None
    assert view.state.hold.kind is HoldKind.BASIS
    assert "5 -> 3" in view.details


def test_a_correction_before_the_letter_holds_it_and_rescinding_stops_the_case(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await correct(walk, 2)
            await on_hold_for_basis(walk)
            await walk.say("resolve_basis", commands.ResolveBasis, choice="rescind")
            view = await walk.result()
            assert (view.status, view.state.stop_reason) == ("STOPPED", "BASIS_REMOVED")
            assert walk.ports.count("deliver_letter") == walk.ports.count("rescind_steps") == 0

    asyncio.run(story())


def test_a_correction_before_the_letter_may_be_kept_with_a_reason(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await correct(walk, 2)
            await on_hold_for_basis(walk)
            await walk.say("resolve_basis", commands.ResolveBasis, choice="keep")
            await walk.approve("letter-1")
            await walk.phase(Phase.WAITING)
            assert walk.ports.count("deliver_letter") == 1
            await correct(walk, 3)
            await walk.until(lambda v: v.state.last_seq == 2 and not v.state.check_due, "second look")
            assert (await walk.view()).phase == "WAITING"

    asyncio.run(story())


def test_a_later_correction_clears_the_hold_by_itself(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await correct(walk, 2)
            await on_hold_for_basis(walk)
            await correct(walk, 0)
            await walk.pending("letter-1")
            assert "BASIS_RESTORED" in walk.ports.events()

    asyncio.run(story())


def test_a_correction_after_the_letter_asks_and_rescinding_tells_everybody_once(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.approve("letter-1")
            await walk.phase(Phase.WAITING)
            await correct(walk, 2)
            await on_hold_for_basis(walk)
            await walk.say("resolve_basis", commands.ResolveBasis, choice="rescind")
            view = await walk.result()
            assert view.state.stop_reason == "BASIS_REMOVED"
            order = walk.ports.orders("rescind_steps")[0]
            assert [step.stage_key for step in order.steps] == ["letter-1"]
            assert order.steps[0].artifacts
            assert order.by.reason == "because"

    asyncio.run(story())


def test_rescinding_goes_back_to_the_last_step_whose_basis_holds(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            walk.world.absences = 9
            await walk.attendance()
            await walk.approve("letter-1")
            await walk.until(lambda v: v.state.advance_at, "wait")
            walk.world.absences = 5
            await walk.pass_days(25)
            await walk.approve("letter-2")
            await walk.until(lambda v: v.state.advance_at, "wait")
            await correct(walk, 2)
            await on_hold_for_basis(walk)
            await walk.say("resolve_basis", commands.ResolveBasis, choice="rescind")
            view = await walk.until(lambda v: v.phase == "WAITING" and v.state.advance_at, "back")
            assert view.stage_key == "letter-1"
            assert [(s.stage_key, s.result.value) for s in view.state.steps] == [
                ("letter-1", "TAKEN"),
                ("letter-2", "RESCINDED"),
            ]
            walk.world.corrected = 0
            await walk.pass_days(40)
            await walk.attendance()
            await walk.pending("letter-2")

    asyncio.run(story())


def test_keeping_a_letter_already_sent_lets_the_wait_go_on(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.approve("letter-1")
            await walk.until(lambda v: v.state.advance_at, "wait")
            await correct(walk, 2)
            await on_hold_for_basis(walk)
            await walk.say("resolve_basis", commands.ResolveBasis, choice="keep")
            await walk.phase(Phase.WAITING)
            walk.world.corrected, walk.world.absences = 0, 6
            await walk.pass_days(25)
            await walk.pending("letter-2")

    asyncio.run(story())


def test_time_passing_alone_never_removes_a_basis_and_the_proposal_says_so(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.pass_days(30)
            await walk.attendance(absences=4)
            view = await walk.until(lambda v: "no longer at threshold today (4 of 5)" in v.details, "words")
            assert view.phase == "AWAITING_APPROVAL"
            await walk.approve("letter-1")
            await walk.phase(Phase.WAITING)
            assert walk.ports.count("deliver_letter") == 1
            assert "TRIGGER_INVALIDATED" not in walk.ports.events()

    asyncio.run(story())


def test_a_correction_between_approval_and_letter_is_found_just_before_acting(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, undo_seconds=60) as walk:
            await walk.approve("letter-1")
            walk.world.corrected = 2
            await walk.until(lambda v: not v.state.unreported, "reported")
            await walk.pass_days(1)
            await on_hold_for_basis(walk)
            assert walk.ports.count("plan_letters") == 0
            await walk.say("skip", commands.Skip)
            await walk.phase(Phase.WAITING)

    asyncio.run(story())


def test_a_correction_in_the_meeting_phase_leaves_it_booked_until_somebody_rescinds(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, ladder(MEETING, ESCALATION)) as walk:
            await walk.approve("meeting")
            await walk.phase(Phase.MEETING)
            await correct(walk, 2)
            await on_hold_for_basis(walk)
            assert walk.ports.count("cancel_meeting") == 0
            await walk.say("resolve_basis", commands.ResolveBasis, choice="rescind")
            assert (await walk.result()).state.stop_reason == "BASIS_REMOVED"
            assert walk.ports.count("cancel_meeting") == 1

    asyncio.run(story())


def test_a_staff_hold_becomes_a_basis_hold(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.say("hold", commands.HoldCase)
            await walk.phase(Phase.ON_HOLD)
            await correct(walk, 2)
            await walk.until(lambda v: v.state.hold and v.state.hold.kind is HoldKind.BASIS, "basis")
            await walk.say("resolve_basis", commands.ResolveBasis, choice="keep")
            await walk.pending("letter-1")

    asyncio.run(story())


def test_engines_that_differ_hold_the_case_until_somebody_resumes(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.attendance(engines_differ=True)
            view = await walk.until(lambda v: v.phase == "ON_HOLD", "hold")
            assert view.state.hold is not None
            assert view.state.hold.kind is HoldKind.ENGINES_DIFFER
            assert "resume" in view.verbs
            walk.world.engines_differ = False
            await walk.say("resume", commands.Resume)
            await walk.pending("letter-1")
            await walk.attendance(engines_differ=True)
            await walk.until(lambda v: v.phase == "ON_HOLD" and not v.state.unreported, "hold again")
            walk.world.engines_differ = False
            await walk.say("skip", commands.Skip)
            await walk.phase(Phase.WAITING)

    asyncio.run(story())


def test_a_late_or_repeated_signal_is_dropped(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.tell("attendance_changed", commands.AttendanceChanged(seq=5))
            await walk.until(lambda v: v.state.last_seq == 5 and not v.state.decide_due, "newer")
            decided = walk.ports.count("decide")
            await walk.tell("attendance_changed", commands.AttendanceChanged(seq=5))
            await walk.tell("attendance_changed", commands.AttendanceChanged(seq=4))
            await walk.view()
            assert walk.ports.count("decide") == decided

    asyncio.run(story())


def test_a_family_that_questions_the_register_stops_the_clock_until_it_is_answered(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            view = await walk.pending("letter-1")
            query = view.instance_id
            await walk.tell("register_query", commands.RegisterQueried(query_id=query, opened=True))
            await walk.phase(Phase.ON_HOLD)
            await walk.tell("register_query", commands.RegisterQueried(query_id=query, opened=False))
            await walk.pending("letter-1")

    asyncio.run(story())
