"""Letters and contacts reach somebody, or a person takes over: posts, bounces, contact stops, broken effects."""

import asyncio
from typing import Any

import pytest

from rules.ladder import commands
from rules.ladder.commands import DeliveryState
from rules.ladder.state import Recipient
from rules.ladder.words import HoldKind, Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import CONTACT, ESCALATION, LETTER_1, LETTER_2, Walk, ladder, refused, walking
from tests.workflows.world import FATHER, MOTHER, World

pytestmark = pytest.mark.servers
TWO = ladder(LETTER_1, LETTER_2, ESCALATION)


async def recorded(walk: Walk, guardian: Any, *, handed_over: bool = True) -> None:
    day = await walk.today()
    await walk.say(
        "record_delivery", commands.RecordDelivery, guardian_id=guardian, handed_over=handed_over, effective_day=day
    )


def letters(view: Any) -> tuple[Recipient, ...]:
    step = view.state.last_step
    deliveries: tuple[Recipient, ...] = step.deliveries if step else ()
    return deliveries


def test_each_entitled_guardian_gets_one_letter_of_their_own(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, World(entitled=(MOTHER, FATHER))) as walk:
            await walk.approve("letter-1")
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert [r.state for r in letters(view)] == [DeliveryState.SENT, DeliveryState.SENT]
            keys = [order.key for order in walk.ports.orders("issue_letter")]
            assert len(set(keys)) == 2
            assert all(key.endswith(f"issue_letter/{g}") for key, g in zip(keys, (MOTHER, FATHER), strict=True))

    asyncio.run(story())


def test_a_posted_letter_counts_from_its_recorded_delivery(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        world = World(entitled=(MOTHER, FATHER), deliveries={MOTHER: DeliveryState.AWAITING_POST})
        async with walking(time_skipping, TWO, world) as walk:
            await walk.approve("letter-1")
            await walk.until(lambda v: v.state.advance_at, "the other guardian's e-mail starts the wait")
            await walk.pass_days(30)
            await walk.attendance()
            assert (await walk.view()).stage_key == "letter-1"
            assert "STEP_TAKEN" not in walk.ports.events(), "one letter is still to be posted"
            await recorded(walk, MOTHER)
            await walk.until(lambda v: not v.state.unreported and "STEP_TAKEN" in walk.ports.events(), "taken")
            await walk.attendance()
            await walk.pending("letter-2")

    asyncio.run(story())


def test_nobody_reached_parks_the_case_until_a_contact_reaches_somebody(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        world = World(deliveries={MOTHER: DeliveryState.AWAITING_POST})
        async with walking(time_skipping, TWO, world) as walk:
            await walk.approve("letter-1")
            await walk.phase(Phase.WAITING)
            await recorded(walk, MOTHER, handed_over=False)
            view = await walk.phase(Phase.NEEDS_STAFF)
            assert view.state.parked is not None
            assert view.state.parked.why == "family_not_reached"
            await walk.contacted(reached=False)
            assert (await walk.view()).phase == "NEEDS_STAFF"
            await walk.contacted()
            await walk.until(lambda v: v.phase == "WAITING" and v.state.advance_at, "wait")
            await walk.pass_days(20)
            await walk.pending("letter-2")

    asyncio.run(story())


def test_a_letter_that_reached_nobody_may_be_tried_again_under_the_same_key(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        world = World(deliveries={MOTHER: DeliveryState.FAILED})
        async with walking(time_skipping, TWO, world) as walk:
            await walk.approve("letter-1")
            await walk.phase(Phase.NEEDS_STAFF)
            world.deliveries = {}
            await walk.say("resume", commands.Resume)
            await walk.until(lambda v: v.state.advance_at, "wait")
            keys = [order.key for order in walk.ports.orders("deliver_letter")]
            assert len(keys) == 2
            assert len(set(keys)) == 1
            assert walk.ports.count("issue_letter") == 1

    asyncio.run(story())


def test_nobody_entitled_parks_the_case_and_skipping_leaves_the_rung_out(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, World(entitled=())) as walk:
            await walk.approve("letter-1")
            await walk.phase(Phase.NEEDS_STAFF)
            await walk.say("skip", commands.Skip)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert view.state.steps[0].result == "SKIPPED"
            await walk.pass_days(20)
            await walk.pending("letter-2")

    asyncio.run(story())


def test_a_later_bounce_opens_a_task_and_the_ladder_does_not_move_back(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.approve("letter-1")
            await walk.until(lambda v: v.state.advance_at, "wait")
            bounced = commands.DeliveryResult(guardian_id=MOTHER, state=DeliveryState.BOUNCED)
            await walk.tell("delivery_result", bounced)
            await walk.until(lambda v: walk.ports.count("open_task") == 1 and not v.state.unreported, "task")
            assert walk.ports.orders("open_task")[0].kind == "late_bounce"
            assert (await walk.view()).phase == "WAITING"

    asyncio.run(story())


def test_a_contact_counts_only_if_it_reached_somebody_and_is_missed_after_its_time(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, ladder(CONTACT, LETTER_1)) as walk:
            await walk.approve("contact")
            await walk.phase(Phase.WAITING)
            await walk.contacted(reached=False)
            await walk.pass_days(8)
            await walk.phase(Phase.NEEDS_STAFF)
            await walk.contacted()
            await walk.until(lambda v: v.phase == "WAITING" and v.state.advance_at, "wait")
            await walk.pass_days(4)
            await walk.pending("letter-1")

    asyncio.run(story())


def test_a_contact_made_before_the_approval_needs_no_second_one(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, ladder(CONTACT, LETTER_1)) as walk:
            await walk.pending("contact")
            await walk.contacted()
            await walk.approve("contact")
            await walk.until(lambda v: v.state.advance_at, "wait")
            assert walk.ports.count("open_contact") == 0

    asyncio.run(story())


def test_a_contact_stop_between_approval_and_letter_sends_nothing_until_lifted_and_approved_again(
    time_skipping: TimeSkipping,
) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, undo_seconds=60) as walk:
            await walk.approve("letter-1")
            walk.world.contact_stop = True
            await walk.until(lambda v: not v.state.unreported, "reported")
            await walk.pass_days(1)
            view = await walk.phase(Phase.ON_HOLD)
            assert view.state.hold is not None
            assert view.state.hold.kind is HoldKind.CONTACT_STOP
            with refused("verb_not_allowed"):
                await walk.say("resume", commands.Resume)
            walk.world.contact_stop = False
            await walk.tell("contact_stop_changed", commands.ContactStopChanged(active=False))
            await walk.say("resume", commands.Resume)
            await walk.pending("letter-1")
            assert walk.ports.count("plan_letters") == 0

    asyncio.run(story())


def test_a_contact_stop_holds_a_pending_proposal_at_once_and_one_opened_later(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            await walk.tell("contact_stop_changed", commands.ContactStopChanged(active=True, reason_code="bereavement"))
            await walk.phase(Phase.ON_HOLD)
            await walk.tell("contact_stop_changed", commands.ContactStopChanged(active=False))
            await walk.say("resume", commands.Resume)
            await walk.approve("letter-1")
            await walk.until(lambda v: v.state.advance_at, "wait")
            await walk.tell("contact_stop_changed", commands.ContactStopChanged(active=True))
            await walk.until(lambda v: v.state.contact_stop and not v.state.unreported, "stop")
            assert (await walk.view()).phase == "WAITING"
            await walk.pass_days(30)
            await walk.phase(Phase.ON_HOLD)

    asyncio.run(story())


def test_a_contact_stop_between_two_letters_withholds_the_second(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        world = World(entitled=(MOTHER, FATHER), deliveries={FATHER: DeliveryState.WITHHELD})
        async with walking(time_skipping, TWO, world) as walk:
            await walk.approve("letter-1")
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert [r.state for r in letters(view)] == [DeliveryState.SENT, DeliveryState.WITHHELD]
            assert "LETTER_NOT_DELIVERED" in walk.ports.events()

    asyncio.run(story())


def test_a_paused_sending_switch_delays_the_step_until_it_is_on_again(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, World(sending=False)) as walk:
            await walk.approve("letter-1")
            await walk.until(lambda v: v.state.sending_retry_at and not v.state.unreported, "paused")
            await walk.pass_days(0.1)
            assert walk.ports.count("plan_letters") == 0
            walk.world.sending = True
            await walk.tell("sending_changed", commands.SendingChanged(on=True))
            await walk.until(lambda v: v.state.advance_at, "wait")
            assert walk.ports.count("deliver_letter") == 1

    asyncio.run(story())


@pytest.mark.parametrize("effect", ["decide", "open_proposal", "plan_letters", "issue_letter", "deliver_letter"])
def test_a_broken_effect_parks_the_case_and_resumes_with_the_same_key(time_skipping: TimeSkipping, effect: str) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, World(broken={effect: "template_missing"})) as walk:
            if effect not in {"decide", "open_proposal"}:
                await walk.approve("letter-1")
            view = await walk.phase(Phase.NEEDS_STAFF)
            assert view.state.parked is not None
            assert "template_missing" in view.state.parked.error
            key = view.state.parked.key
            walk.world.broken.clear()
            await walk.say("resume", commands.Resume)
            if effect in {"decide", "open_proposal"}:
                await walk.approve("letter-1")
            await walk.until(lambda v: v.state.advance_at, "wait")
            assert walk.ports.tried.count(key) == 2
            assert walk.ports.count("deliver_letter") == 1

    asyncio.run(story())


def test_one_guardians_broken_letter_may_be_given_up_for_the_others(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, World(broken={"issue_letter": "no_glyph"})) as walk:
            walk.world.entitled = (MOTHER, FATHER)
            await walk.approve("letter-1")
            await walk.phase(Phase.NEEDS_STAFF)
            walk.world.broken.clear()
            await walk.say("skip", commands.Skip)
            view = await walk.until(lambda v: v.state.advance_at, "wait")
            assert [r.state for r in letters(view)] == [DeliveryState.GIVEN_UP, DeliveryState.SENT]

    asyncio.run(story())


def test_a_word_on_a_letter_nobody_sent_changes_nothing(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO) as walk:
            await walk.pending("letter-1")
            unknown = commands.DeliveryResult(guardian_id=MOTHER, state=DeliveryState.BOUNCED)
            await walk.tell("delivery_result", unknown)
            assert (await walk.view()).phase == "AWAITING_APPROVAL"

    asyncio.run(story())


def test_a_projection_that_fails_is_tried_again_and_never_parks_the_case(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, World(broken={"project": "bug"})) as walk:
            await walk.until(lambda _: any(key.endswith("/project") for key in walk.ports.tried), "first try")
            assert (await walk.view()).phase == "EVALUATING"
            walk.world.broken.clear()
            await walk.pass_days(0.1)
            await walk.pending("letter-1")

    asyncio.run(story())


def test_a_suspended_tenants_effects_flow_on_when_it_is_resumed(time_skipping: TimeSkipping) -> None:
    async def story() -> None:
        async with walking(time_skipping, TWO, World(broken={"plan_letters": "TENANT_SUSPENDED"})) as walk:
            await walk.approve("letter-1")
            await walk.until(lambda _: "plan_letters" in " ".join(walk.ports.tried), "first try")
            walk.world.broken.clear()
            await walk.pass_days(0.1)
            await walk.until(lambda v: v.state.advance_at, "wait")
            assert "NEEDS_STAFF" not in walk.ports.events()

    asyncio.run(story())
