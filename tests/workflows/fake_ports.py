"""Fake activities: real ports' names over an in-memory world; every effect is logged once per key."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError

from rules.ids import ArtifactId, EvaluationId, MeetingId
from rules.ladder.commands import DeliveryState
from rules.ladder.follow_up import Week, WeekFinding
from rules.ladder.stages import Approval
from rules.ladder.state import REACHED, Basis, BasisCheck, Decision, StopFound, Verdict
from rules.ladder.words import Action, StopReason, StopThen, TransferChoice
from rules.meetings.outcomes import MeetingStatus
from tests.workflows.world import THRESHOLD, World, start_of
from workflows.ports import (
    calendar,
    contacts,
    decisions,
    endings,
    escalations,
    follow_up,
    letters,
    meetings,
    plans,
    projection,
    proposals,
    referrals,
    tasks,
    transfers,
    year_ends,
)
from workflows.ports.common import Done, Order

Result = TypeVar("Result")


class FakePorts:
    """One world, one log: every effect that happened, in order, as (name, order); repeats of a key are absorbed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.log: list[tuple[str, Order]] = []
        self.done: dict[str, Any] = {}
        self.tried: list[str] = []
        self.projections: list[projection.ProjectOrder] = []

    def names(self) -> list[str]:
        return [name for name, _ in self.log]

    def count(self, name: str) -> int:
        return self.names().count(name)

    def events(self) -> list[str]:
        return [event.type.value for order in self.projections for event in order.events]

    def orders(self, name: str) -> list[Any]:
        return [order for logged, order in self.log if logged == name]

    def activities(self) -> list[Callable[..., Any]]:
        members = (getattr(self, name) for name in dir(self) if not name.startswith("_"))
        return [member for member in members if hasattr(member, "__temporal_activity_definition")]

    async def _once(self, order: Order, make: Callable[[], Result]) -> Result:
        name = activity.info().activity_type
        await self.world.gate(name)
        self.tried.append(order.key)
        if name in self.world.broken:
            raise ApplicationError(f"{name} is broken", type=self.world.broken[name], non_retryable=True)
        if order.key not in self.done:
            self.done[order.key] = make()
            self.log.append((name, order))
        result: Result = self.done[order.key]
        return result

    def _basis(self, order: Order, digest: str) -> Basis:
        return Basis(
            evaluation_id=EvaluationId(uuid4()),
            digest=digest,
            fired=("absent",),
            on=order.now.date(),
            known_at=order.now,
            values={"absent": self.world.absences},
            sentence=f"{self.world.absences} absences in 30 calendar days; threshold {THRESHOLD}",
        )

    def _stop(self, muted: tuple[str, ...]) -> StopFound | None:
        for key, then in self.world.true_stops.items():
            if key not in muted:
                return StopFound(key=key, then=StopThen(then), reason=StopReason.STOP_CONDITION, sentence=key)
        return None

    def _check(self, basis: Basis) -> BasisCheck:
        was = basis.values.get("absent")
        now = None if was is None else was - self.world.corrected
        today = self.world.absences - self.world.corrected
        return BasisCheck(
            holds=None if now is None else now >= THRESHOLD,
            before={"absent": was},
            after={"absent": now},
            sentence=f"{was} -> {now}",
            today="" if today >= THRESHOLD else f"no longer at threshold today ({today} of {THRESHOLD})",
        )

    @activity.defn
    async def decide(self, order: decisions.DecideOrder) -> Decision:
        def answer() -> Decision:
            basis, stop = self._basis(order, order.digest), self._stop(order.muted_stops)
            base = Decision(basis=basis, true_stops=tuple(self.world.true_stops), pauses=self.world.pauses)
            if self.world.engines_differ:
                return base.but(action=Action.ENGINES_DIFFER)
            if stop:
                return base.but(action=Action.STOP, stop=stop)
            if self.world.escalate_to:
                return base.but(action=Action.ESCALATE, to=self.world.escalate_to)
            fresh = order.since is None or self.world.new_absence
            ready = order.may_advance and order.next_stage_key and order.previous_reached and fresh
            enough = self.world.absences - self.world.corrected >= THRESHOLD
            return base.but(action=Action.ADVANCE if ready and enough else Action.WAIT)

        return await self._once(order, answer)

    @activity.defn
    async def check_basis(self, order: decisions.BasisOrder) -> decisions.BasisReport:
        checks = tuple(self._check(basis) for basis in order.bases)
        return await self._once(order, lambda: decisions.BasisReport(checks=checks))

    @activity.defn
    async def preflight(self, order: decisions.PreflightOrder) -> Verdict:
        world = self.world
        return await self._once(
            order,
            lambda: Verdict(
                basis=self._check(order.basis),
                stop=self._stop(()),
                contact_stop=world.contact_stop,
                entitled=len(world.entitled),
                sending=world.sending,
                pauses=world.pauses,
            ),
        )

    @activity.defn
    async def open_proposal(self, order: proposals.ProposalOrder) -> proposals.OpenedProposal:
        automatic = self.world.automatic and order.approver is Approval.AUTO
        due = self.world.calendar.add(order.now.date(), 5)
        opened = proposals.OpenedProposal(approver=order.approver, automatic=automatic, due=due)
        return await self._once(order, lambda: opened)

    @activity.defn
    async def remind(self, order: proposals.ReminderOrder) -> Done:
        return await self._once(order, Done)

    @activity.defn
    async def project(self, order: projection.ProjectOrder) -> Done:
        def record() -> Done:
            self.projections.append(order)
            return Done()

        return await self._once(order, record)

    @activity.defn
    async def school_deadlines(self, order: calendar.DeadlineOrder) -> calendar.Deadlines:
        from_day = order.from_day or order.now.date()
        days = tuple(self.world.calendar.add(from_day, n) for n in order.school_days)
        instants = tuple(start_of(day) for day in days)
        return await self._once(order, lambda: calendar.Deadlines(counted_from=from_day, days=days, instants=instants))

    @activity.defn
    async def start_of_day(self, order: calendar.DayOrder) -> Any:
        return await self._once(order, lambda: start_of(order.day))

    @activity.defn
    async def next_school_week(self, order: calendar.WeekOrder) -> Week:
        first, last = self.world.calendar.week_after(order.after or order.now.date())
        return await self._once(order, lambda: Week(first=first, last=last, check_at=start_of(last + timedelta(2))))

    @activity.defn
    async def plan_letters(self, order: letters.PlanOrder) -> letters.LetterPlan:
        people = (
            letters.PlannedRecipient(guardian_id=guardian, channel="email", language="en")
            for guardian in self.world.entitled
        )
        return await self._once(order, lambda: letters.LetterPlan(recipients=tuple(people)))

    @activity.defn
    async def issue_letter(self, order: letters.LetterOrder) -> letters.IssuedLetter:
        artifact = ArtifactId(uuid4())
        return await self._once(
            order, lambda: letters.IssuedLetter(artifact_id=artifact, sha256="a", stored_sha256="b", pages=1)
        )

    @activity.defn
    async def deliver_letter(self, order: letters.DeliveryOrder) -> letters.Delivered:
        state = self.world.deliveries.get(order.guardian_id, DeliveryState.SENT)
        state = DeliveryState.WITHHELD if self.world.contact_stop else state
        if order.key in self.done and self.done[order.key].state not in REACHED:
            del self.done[order.key]
        day = order.now.date() if state in REACHED else None
        return await self._once(order, lambda: letters.Delivered(state=state, effective_day=day))

    @activity.defn
    async def open_contact(self, order: contacts.ContactOrder) -> contacts.ContactAsked:
        due = self.world.calendar.add(order.now.date(), order.stage.within_school_days)
        after = start_of(self.world.calendar.add(due, 1))
        return await self._once(order, lambda: contacts.ContactAsked(due=due, due_at=after))

    @activity.defn
    async def open_plan(self, order: plans.PlanStageOrder) -> plans.OpenedPlan:
        due = self.world.calendar.add(order.now.date(), order.stage.within_school_days)
        return await self._once(order, lambda: plans.OpenedPlan(plan_id=self.world.plan_id, due=due))

    @activity.defn
    async def open_referrals(self, order: referrals.ReferralOrder) -> referrals.OpenedReferrals:
        due = self.world.calendar.add(order.now.date(), order.stage.within_school_days)
        people = tuple(
            referrals.OpenedReferral(referral_id=self.world.referral_of(guardian), guardian_id=guardian)
            for guardian in self.world.entitled
        )
        return await self._once(order, lambda: referrals.OpenedReferrals(referrals=people, due=due))

    @activity.defn
    async def book_meeting(self, order: meetings.BookingOrder) -> meetings.Booking:
        cal, slot = self.world.calendar, self.world.slot_in_school_days
        by = start_of(cal.add(order.now.date(), order.stage.within_school_days))
        starts = start_of(cal.add(order.now.date(), slot)) + timedelta(hours=9) if slot else None
        status = MeetingStatus.SCHEDULED if slot else MeetingStatus.PROPOSED

        def make() -> meetings.Booking:
            return meetings.Booking(
                meeting_id=MeetingId(self.world.new_meeting()),
                status=status,
                starts_at=starts,
                ends_at=starts + timedelta(hours=1) if starts else None,
                book_by=by,
            )

        return await self._once(order, make)

    @activity.defn
    async def invite_attendees(self, order: meetings.InvitationOrder) -> meetings.Invited:
        return await self._once(order, lambda: meetings.Invited(attendees=2, delivered=self.world.invitations_arrive))

    @activity.defn
    async def cancel_meeting(self, order: meetings.CancellationOrder) -> Done:
        return await self._once(order, Done)

    @activity.defn
    async def apply_outcome(self, order: meetings.OutcomeOrder) -> meetings.OutcomeApplied:
        return await self._once(order, lambda: meetings.OutcomeApplied(on=order.now.date()))

    @activity.defn
    async def open_escalation(self, order: escalations.EscalationOrder) -> escalations.Escalation:
        return await self._once(order, lambda: escalations.Escalation(escalation_id=str(uuid4()), on=order.now.date()))

    @activity.defn
    async def open_task(self, order: tasks.TaskOrder) -> Done:
        return await self._once(order, Done)

    @activity.defn
    async def tell_family_of_exit(self, order: follow_up.ExitOrder) -> Done:
        return await self._once(order, Done)

    @activity.defn
    async def check_week(self, order: follow_up.WeekCheckOrder) -> WeekFinding:
        def look() -> WeekFinding:
            self.world.weeks_seen += not order.again
            possible = self.world.calendar.possible(order.first, order.last)
            relapse = self.world.weeks_seen in self.world.relapse_weeks
            return WeekFinding(possible_sessions=possible, relapse=relapse, basis=self._basis(order, order.digest))

        return await self._once(order, look)

    @activity.defn
    async def completed_figures(self, order: follow_up.FiguresOrder) -> follow_up.Figures:
        return await self._once(order, lambda: follow_up.Figures(before=8800, after=9600, school_days=30))

    @activity.defn
    async def rescind_steps(self, order: endings.RescissionOrder) -> Done:
        return await self._once(order, Done)

    @activity.defn
    async def open_handover(self, order: transfers.HandoverOrder) -> transfers.HandoverOpened:
        last = self.world.calendar.add(order.now.date(), 20)
        return await self._once(order, lambda: transfers.HandoverOpened(decide_at=start_of(last + timedelta(1))))

    @activity.defn
    async def settle_transfer(self, order: transfers.SettlementOrder) -> transfers.Settled:
        moves = order.choice in {TransferChoice.CONTINUE, TransferChoice.SUPPORT_ONLY}
        return await self._once(order, lambda: transfers.Settled(moved=moves and not self.world.ladder_there))

    @activity.defn
    async def ask_year_end(self, order: year_ends.YearEndOrder) -> year_ends.YearEndAsked:
        return await self._once(order, lambda: year_ends.YearEndAsked(begins_at=start_of(order.begins)))

    @activity.defn
    async def settle_year_end(self, order: year_ends.YearEndSettlement) -> year_ends.YearEndSettled:
        first = self.world.calendar.add(order.begins, 0)
        quiet = start_of(self.world.calendar.add(first, 5))
        return await self._once(order, lambda: year_ends.YearEndSettled(first_open=first, quiet_until=quiet))

    @activity.defn
    async def close_case(self, order: endings.CloseOrder) -> Done:
        return await self._once(order, Done)
