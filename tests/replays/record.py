"""Record histories of the present code: `python -m tests.replays.record BUILD [STORY]`; each release, keeping the old.

Recorded histories are never edited: a change of the workflow that breaks one needs `workflow.patched` (house style).
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from rules.ladder import commands
from rules.ladder.commands import DeliveryState, EnrolmentChanged, EnrolmentEnd, ReferralChange
from rules.ladder.state import Pause
from rules.ladder.words import PauseKind, Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import (
    ESCALATION,
    LETTER_1,
    LETTER_2,
    MEETING,
    NOTICE,
    PLAN,
    REFERRAL,
    Walk,
    ladder,
    walking,
)
from tests.workflows.test_nightly import FakeNight, begun
from tests.workflows.world import FATHER, MOTHER

HISTORIES = Path(__file__).parent / "histories"
NIGHTS = HISTORIES / "nights"
LADDER = ladder(LETTER_1, LETTER_2, MEETING, ESCALATION)
RUNGS = {
    "plan_agreed_then_escalated": ladder(PLAN, ESCALATION),
    "notice_that_one_guardian_gets_later": ladder(NOTICE, ESCALATION),
    "referral_sent_for_one_guardian_and_left_out_for_the_other": ladder(REFERRAL, ESCALATION),
}
"""The ladders of the stories that walk another one."""


async def letter_then_correction_rescinded(walk: Walk) -> None:
    await walk.approve("letter-1")
    await walk.until(lambda v: v.state.advance_at, "wait")
    walk.world.corrected = 2
    await walk.tell("attendance_changed", commands.AttendanceChanged(seq=1, corrected=True))
    await walk.phase(Phase.ON_HOLD)
    await walk.say("resolve_basis", commands.ResolveBasis, choice="rescind")


async def meeting_then_clean_follow_up(walk: Walk) -> None:
    await walk.pending("letter-1")
    await walk.say("escalate", commands.Escalate, to="meeting")
    await walk.approve("meeting")
    await walk.until(lambda v: v.state.meeting and v.state.meeting.invited, "invited")
    await walk.outcome("RESCHEDULE")
    await walk.until(lambda v: v.state.reschedules and v.state.meeting and v.state.meeting.invited, "invited")
    await walk.pass_days(8)
    await walk.outcome("RESOLVED")
    await walk.phase(Phase.EXIT_REVIEW)
    await walk.say("confirm_exit", commands.ConfirmExit)


async def nobody_reached_then_two_letters_then_withdrawn(walk: Walk) -> None:
    walk.world.deliveries = {MOTHER: DeliveryState.FAILED}
    await walk.pass_days(6)
    await walk.approve("letter-1")
    await walk.phase(Phase.NEEDS_STAFF)
    await walk.contacted()
    await walk.until(lambda v: v.state.advance_at, "wait")
    walk.world.deliveries = {}
    await walk.pass_days(20)
    await walk.pending("letter-2")
    await walk.say("hold", commands.HoldCase, until=await walk.today() + timedelta(days=3))
    await walk.until(lambda v: v.state.hold and v.state.hold.until_at, "hold")
    await walk.pass_days(5)
    await walk.approve("letter-2")
    await walk.until(lambda v: v.state.advance_at, "wait")
    await walk.tell("enrolment_changed", EnrolmentChanged(end=EnrolmentEnd.WITHDRAWN))


async def relapse_reopens_and_the_case_escalates(walk: Walk) -> None:
    walk.world.relapse_weeks = {1}
    await walk.pending("letter-1")
    await walk.attendance(true_stops={"improved": "EXIT_REVIEW"})
    await walk.until(lambda v: v.phase == "EXIT_REVIEW" and v.state.proposal, "exit review")
    await walk.say("confirm_exit", commands.ConfirmExit)
    await walk.until(lambda v: v.state.follow_up and v.state.follow_up.check_at, "week")
    await walk.pass_days(20)
    walk.world.true_stops = {}
    await walk.approve("escalation")
    await walk.until(lambda v: v.phase == "AWAITING_APPROVAL", "rung")
    await walk.approve("escalation")
    await walk.until(lambda v: v.state.advance_at, "wait")
    await walk.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")


async def posted_then_held_then_exempt(walk: Walk) -> None:
    walk.world.deliveries = {MOTHER: DeliveryState.AWAITING_POST}
    await walk.approve("letter-1")
    await walk.phase(Phase.WAITING)
    day = await walk.today()
    posted = {"guardian_id": MOTHER, "handed_over": True, "effective_day": day}
    await walk.say("record_delivery", commands.RecordDelivery, **posted)
    await walk.until(lambda v: v.state.advance_at, "wait")
    await walk.pass_days(20)
    await walk.pending("letter-2")
    await walk.say("hold", commands.HoldCase)
    await walk.pass_days(8)
    await walk.say("resume", commands.Resume)
    await walk.until(lambda v: v.state.proposal and v.state.proposal.reminded, "reminder")
    await walk.say("hold", commands.HoldCase)
    await walk.phase(Phase.ON_HOLD)
    walk.world.true_stops = {"exempt": "STOPPED"}
    await walk.tell("exemption_changed", commands.FactChanged())


async def held_for_the_register_then_by_an_exemption(walk: Walk) -> None:
    await walk.pending("letter-1")
    walk.world.pauses = (Pause(id=UUID(int=1), kind=PauseKind.AMEND_REGISTER),)
    await walk.tell("guardian_reason", commands.FactChanged())
    await walk.phase(Phase.ON_HOLD)
    await walk.pass_days(3)
    await walk.until(lambda _: walk.ports.count("open_task"), "reminder")
    walk.world.pauses, decided = (), walk.ports.count("decide")
    await walk.tell("attendance_changed", commands.AttendanceChanged(seq=1, corrected=True))
    await walk.until(lambda _: walk.ports.count("decide") == decided + 2, "freed, and looked at afresh")
    await walk.phase(Phase.AWAITING_APPROVAL)
    walk.world.pauses = (Pause(id=UUID(int=2), kind=PauseKind.EXEMPTION),)
    await walk.approve("letter-1")
    await walk.phase(Phase.ON_HOLD)
    await walk.say("resume", commands.Resume)
    await walk.approve("letter-1")
    await walk.until(lambda v: v.state.advance_at, "wait")
    await walk.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")


async def plan_agreed_then_escalated(walk: Walk) -> None:
    await walk.approve("plan")
    view = await walk.phase(Phase.WAITING)
    plan_id = view.state.steps[-1].plan_id
    assert plan_id is not None
    await walk.pass_days(12)
    await walk.tell("plan_agreed", commands.PlanAgreed(plan_id=plan_id, on=await walk.today()))
    await walk.until(lambda v: v.state.advance_at, "wait")
    await walk.pass_days(29)
    await walk.pending("escalation")
    await walk.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")


async def notice_that_one_guardian_gets_later(walk: Walk) -> None:
    walk.world.entitled = (MOTHER, FATHER)
    walk.world.deliveries = {FATHER: DeliveryState.AWAITING_POST}
    await walk.approve("notice")
    await walk.until(lambda v: v.state.advance_at, "wait")
    await walk.pass_days(7)
    day = await walk.today()
    given = {"guardian_id": FATHER, "handed_over": True, "effective_day": day}
    await walk.say("record_delivery", commands.RecordDelivery, **given)
    await walk.until(lambda v: v.state.steps[-1].effective_day == day, "the later day")
    await walk.pass_days(25)
    await walk.pending("escalation")
    await walk.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")


async def carried_into_a_new_year(walk: Walk) -> None:
    await walk.approve("letter-1")
    await walk.until(lambda v: v.state.advance_at, "wait")
    begins = await walk.today() + timedelta(days=21)
    walk.world.calendar.close(begins, begins + timedelta(days=13))
    await walk.tell("year_ends", commands.YearEnds(begins=begins))
    await walk.until(lambda v: v.state.year_end and v.state.year_end.begins_at, "asked")
    await walk.pass_days(15)
    await walk.pending("letter-2")
    await walk.say("choose_year_end", commands.ChooseYearEnd, choice="CARRY", begins=begins)
    await walk.pass_days(40)
    await walk.pending("letter-2")
    begins = await walk.today() + timedelta(days=2)
    await walk.tell("year_ends", commands.YearEnds(begins=begins))
    await walk.pass_days(3)
    await walk.phase(Phase.ON_HOLD)
    await walk.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")


async def referral_sent_for_one_guardian_and_left_out_for_the_other(walk: Walk) -> None:
    walk.world.entitled = (MOTHER, FATHER)
    await walk.approve("referral")
    await walk.phase(Phase.WAITING)
    for guardian, change in ((MOTHER, ReferralChange.SENT), (FATHER, ReferralChange.LEFT_OUT)):
        await walk.pass_days(7)
        mine = {"referral_id": walk.world.referral_of(guardian), "guardian_id": guardian}
        told = commands.ReferralChanged(**mine, change=change, on=await walk.today())
        await walk.tell("referral_changed", told)
    await walk.until(lambda v: v.state.advance_at, "wait")
    await walk.pass_days(15)
    await walk.pending("escalation")
    await walk.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")


STORIES: tuple[Callable[[Walk], Awaitable[None]], ...] = (
    letter_then_correction_rescinded,
    meeting_then_clean_follow_up,
    nobody_reached_then_two_letters_then_withdrawn,
    relapse_reopens_and_the_case_escalates,
    posted_then_held_then_exempt,
    held_for_the_register_then_by_an_exemption,
    plan_agreed_then_escalated,
    notice_that_one_guardian_gets_later,
    carried_into_a_new_year,
    referral_sent_for_one_guardian_and_left_out_for_the_other,
)


async def record_night(build: str) -> Path:
    """A pass of two versions over five schools."""
    with tempfile.TemporaryDirectory() as folder:
        async with begun(TimeSkipping(Path(folder)), FakeNight(schools=5)) as handle:
            await handle.result()
            history = await handle.fetch_history()
    target = NIGHTS / f"{build}-five_schools.json"
    target.write_text(history.to_json() + "\n")
    return target


async def record(story: Callable[[Walk], Awaitable[None]], build: str) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        async with walking(TimeSkipping(Path(folder)), RUNGS.get(story.__name__, LADDER)) as walk:
            await story(walk)
            await walk.result()
            history = await walk.handle.fetch_history()
    target = HISTORIES / f"{build}-{story.__name__}.json"
    target.write_text(history.to_json() + "\n")
    return target


def main(build: str = "0.1.0", name: str | None = None) -> None:
    NIGHTS.mkdir(parents=True, exist_ok=True)
    if name in {None, "night"}:
        print(asyncio.run(record_night(build)).name)
    for story in (story for story in STORIES if name in {None, story.__name__}):
        target = asyncio.run(record(story, build))
        print(target.name, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
