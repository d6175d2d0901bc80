"""The acts of a case as its workflow orders them: orders in, answers out, the same order twice the same answer."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.boundary import Boundary
from activities.letters import LetterActivities
from activities.registry import ActivityDependencies, build
from models.delivery import SendingSwitch
from models.letters import LetterArtifact
from models.tenants import Tenant
from rules.errors import Conflict, Unavailable
from rules.ids import GuardianId, MeetingId
from rules.ladder.commands import Command, DeliveryState, RecordMeetingOutcome
from rules.ladder.stages import Stage, StageType
from rules.ladder.state import Recipient, Step
from rules.meetings.outcomes import MeetingStatus, Outcome
from services.means import Means
from tests.architecture.test_ports import stubs
from tests.servers.kinds import MailServer
from tests.services.seeding import BASIS, DIGEST, LETTER_1, NOW, TODAY, Family, World, grace
from workflows.ports.endings import CloseOrder, RescissionOrder
from workflows.ports.escalations import EscalationOrder
from workflows.ports.follow_up import ExitOrder, FiguresOrder, WeekCheckOrder
from workflows.ports.letters import DeliveryOrder, LetterOrder, PlanOrder
from workflows.ports.meetings import BookingOrder, CancellationOrder, InvitationOrder, OutcomeOrder

pytestmark = pytest.mark.servers
MEETING = Stage(key="meeting", type=StageType.MEETING, stage_type="MEETING", within_school_days=10)
ESCALATION = Stage(key="escalation", type=StageType.ESCALATION, stage_type="ESCALATION", case_tier=3)


def dependencies(means: Means) -> ActivityDependencies:
    return ActivityDependencies(
        sessions=means.sessions,
        store=means.store,
        mailer=means.mailer,
        keyring=means.keyring,
        threads=means.threads,
        sender=means.sender,
    )


class Cast:
    """Runs activities by name, each order twice: the second answer must be the first."""

    def __init__(self, world: World, family: Family) -> None:
        self.world, self.family = world, family
        self.built = {one.__name__: one for one in build(dependencies(world.means))}

    def order(self, key: str) -> dict[str, Any]:
        family = self.family
        return {
            "tenant_id": family.tenant_id,
            "school_id": family.school_id,
            "student_id": family.student_id,
            "instance_id": family.instance_id,
            "key": key,
            "now": NOW,
        }

    def act(self, name: str, order: Any) -> Any:
        environment = ActivityEnvironment()
        first = self.world.run(environment.run(self.built[name], order))
        assert self.world.run(environment.run(self.built[name], order)) == first
        return first

    def letter(self) -> tuple[Recipient, ...]:
        plan = self.act("plan_letters", PlanOrder(**self.order("w/1/plan"), stage=LETTER_1, basis=BASIS))
        return tuple(self.one_letter(planned.guardian_id, planned.channel) for planned in plan.recipients)

    def one_letter(self, guardian_id: GuardianId, channel: str) -> Recipient:
        mine = {"stage": LETTER_1, "guardian_id": guardian_id}
        order = LetterOrder(**self.order(f"w/2/issue/{guardian_id}"), **mine, basis=BASIS, language="en")
        issued = self.act("issue_letter", order)
        sending = DeliveryOrder(
            **self.order(f"w/3/deliver/{guardian_id}"), **mine, artifact_id=issued.artifact_id, channel=channel
        )
        there = self.act("deliver_letter", sending)
        return Recipient(
            guardian_id=guardian_id,
            channel=channel,
            artifact_id=issued.artifact_id,
            state=there.state,
            effective_day=there.effective_day,
        )


@pytest.fixture
def cast(world: World) -> Cast:
    return Cast(world, world.family(grace()))


def test_the_worker_registers_an_activity_for_every_port(cast: Cast) -> None:
    assert set(cast.built) == set(stubs())


def test_a_letter_ordered_twice_is_one_letter_and_one_mail(cast: Cast, smtp: MailServer) -> None:
    (there,) = cast.letter()
    assert (there.state, there.effective_day) == (DeliveryState.SENT, TODAY)
    assert len(smtp.messages()) == len(cast.world.rows(cast.family, LetterArtifact)) == 1


def test_a_step_is_taken_back_and_the_case_closed(cast: Cast, smtp: MailServer) -> None:
    step = Step(stage_key=LETTER_1.key, deliveries=cast.letter(), reached=True)
    by = Command(command_id="c", role="attendance_officer", reason="corrected")
    cast.act("rescind_steps", RescissionOrder(**cast.order("w/4"), steps=(step,), by=by))
    cast.act("close_case", CloseOrder(**cast.order("w/5"), status="STOPPED", reason="BASIS_REMOVED"))
    assert len(smtp.messages()) == 2


def test_a_meeting_is_booked_announced_held_and_never_cancelled_after(cast: Cast, smtp: MailServer) -> None:
    booking = cast.act("book_meeting", BookingOrder(**cast.order("w/6"), stage=MEETING, nth=0, after=None))
    assert booking.status is MeetingStatus.SCHEDULED
    meeting_id = MeetingId(booking.meeting_id)
    invited = cast.act("invite_attendees", InvitationOrder(**cast.order("w/7"), meeting_id=meeting_id))
    assert (invited.attendees, invited.delivered) == (2, True)
    said = RecordMeetingOutcome(
        command_id="c", meeting_id=meeting_id, outcome=Outcome.RESOLVED, held_at=booking.starts_at
    )
    order = OutcomeOrder(**cast.order("w/8"), meeting_id=meeting_id, stage=MEETING, outcome=said, counted=False)
    assert cast.act("apply_outcome", order).on == booking.starts_at.date()
    cast.act("cancel_meeting", CancellationOrder(**cast.order("w/9"), meeting_id=meeting_id, reason="case_closed"))
    assert len(smtp.messages()) == 2


def test_escalation_exit_and_follow_up_answer_their_orders(cast: Cast, smtp: MailServer) -> None:
    order = EscalationOrder(**cast.order("w/10"), stage=ESCALATION, basis=BASIS, steps=())
    assert cast.act("open_escalation", order).on == TODAY
    cast.act("tell_family_of_exit", ExitOrder(**cast.order("w/11"), stop_key="improved"))
    assert len(smtp.messages()) == 1
    week = {"first": date(2026, 11, 9), "last": date(2026, 11, 15), "again": False}
    found = cast.act("check_week", WeekCheckOrder(**cast.order("w/12"), digest=DIGEST, **week))
    assert found.possible_sessions == 10
    figures = FiguresOrder(**cast.order("w/13"), opened_at=NOW, through=date(2026, 11, 27))
    assert cast.act("completed_figures", figures).school_days == 5


class Refusing(ActivityInboundInterceptor):
    """Stands for an activity that raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        raise self._error


def refused(cast: Cast, error: Exception) -> ApplicationError:
    order = CloseOrder(**cast.order("w/14"), status="STOPPED", reason=None)
    inbound = Boundary(cast.world.sessions).intercept_activity(Refusing(error))
    given = ExecuteActivityInput(fn=cast.built["close_case"], args=[order], executor=None, headers={})
    with pytest.raises(ApplicationError) as told:
        cast.world.run(inbound.execute_activity(given))
    return told.value


def test_what_may_pass_is_retried_and_what_a_person_must_mend_is_not(cast: Cast) -> None:
    paused, stale = refused(cast, Unavailable("SENDING_PAUSED", "off")), refused(cast, Conflict("stale", "moved on"))
    assert (paused.type, paused.non_retryable) == ("SENDING_PAUSED", False)
    assert (stale.type, stale.non_retryable) == ("stale", True)


def test_a_suspended_tenants_case_waits(cast: Cast) -> None:
    async def suspend() -> None:
        async with cast.world.sessions.untenanted() as session:
            await session.execute(update(Tenant).where(Tenant.id == cast.family.tenant_id).values(status="SUSPENDED"))

    cast.world.run(suspend())
    told = refused(cast, AssertionError("must not run"))
    assert (told.type, told.non_retryable) == ("TENANT_SUSPENDED", False)


def test_a_paused_switch_reaches_the_workflow_as_sending_paused(cast: Cast, smtp: MailServer) -> None:
    async def switch_off() -> None:
        async with cast.world.sessions.tenant(cast.family.tenant_id) as session:
            session.add(SendingSwitch(enabled=False, changed_at=NOW))

    cast.world.run(switch_off())
    letters = LetterActivities(cast.world.means)
    plan = PlanOrder(**cast.order("w/1/plan"), stage=LETTER_1, basis=BASIS)
    (one,) = cast.world.run(letters.plan_letters(plan)).recipients
    with pytest.raises(Unavailable, match="switched off"):
        cast.one_letter(one.guardian_id, one.channel)
    assert smtp.messages() == []
