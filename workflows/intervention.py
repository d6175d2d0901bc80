"""One student's walk up the ladder: handlers record what people and machines say, `run` does the next thing."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from rules.errors import DomainError
from rules.ladder import (
    commands,
    decisions,
    facts,
    giving_up,
    referrals,
    steps,
    transfers,
    transitions,
    verbs,
    year_ends,
)
from rules.ladder.state import State
from rules.ladder.verbs import Verb
from rules.ladder.words import Change, Status
from workflows.case import Case, CaseClosing, EffectGivenUp, EffectParked, refused
from workflows.messages import Start, View
from workflows.walk import acting, deciding, ending, following, meeting, moving, new_year, reporting

CARRY_OUT: Mapping[type[Any], Callable[[Case, Any], Awaitable[None]]] = {
    steps.Report: reporting.report,
    steps.Remind: reporting.remind_people,
    steps.Idle: reporting.idle,
    steps.Decide: deciding.ask_the_rules,
    steps.CheckBasis: deciding.look_at_basis,
    steps.Propose: deciding.propose,
    steps.Preflight: deciding.look_before_acting,
    steps.TakeStep: acting.take_step,
    steps.CarryOutAfterEffects: acting.carry_out_after_effects,
    steps.ResolveWait: acting.resolve_wait,
    steps.MissContact: acting.miss_contact,
    steps.MonthlyTask: acting.open_monthly_task,
    steps.Invite: meeting.invite,
    steps.ResolveBooking: meeting.extend_booking,
    steps.MissBooking: meeting.miss_booking,
    steps.AskOutcome: meeting.ask_outcome,
    steps.ApplyOutcome: meeting.carry_out_outcome,
    steps.CancelMeeting: meeting.cancel,
    steps.MuteExit: following.mute_exit,
    steps.TellFamily: following.tell_family,
    steps.NextWeek: following.find_week,
    steps.CheckWeek: following.look_at_week,
    steps.Complete: following.complete,
    steps.ResolveHold: ending.resolve_hold,
    steps.EndHold: ending.end_hold,
    steps.RemindToAmend: ending.remind_to_amend,
    steps.Rescind: ending.rescind,
    steps.TellBounce: ending.tell_bounce,
    steps.CloseCase: ending.close,
    transfers.BeginTransfer: moving.begin,
    transfers.OpenHandover: moving.hand_over,
    transfers.LapseTransfer: moving.lapse,
    transfers.SettleTransfer: moving.carry_out_choice,
    year_ends.AskYearEnd: new_year.ask,
    year_ends.CarryOutYearEnd: new_year.carry_out,
}


@workflow.defn(name="StudentIntervention")
class StudentIntervention:
    """Handlers only change the state, at once and whole; every effect is a step of `run`."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        self._case = Case(start)
        changes = tuple(change.value for change in Change if workflow.patched(change.value))
        self._case.state = self._case.state.but(changes=changes)

    @workflow.run
    async def run(self, start: Start) -> View:
        """Do the next thing until the case is closed; what that is, is a pure reading of the state."""
        case = self._case
        if case.state.status is Status.STARTING:
            case.state = transitions.opened(case.state, start.evaluation_id, workflow.now())
        while not case.over:
            step = steps.next_step(case.state, workflow.now())
            try:
                await CARRY_OUT[type(step)](case, step)
            except EffectParked:
                case.state = giving_up.again(case.state, step)
            except EffectGivenUp as given_up:
                case.state = giving_up.without(case.state, step, given_up.effect, workflow.now())
            except CaseClosing:
                continue
        await workflow.wait_condition(workflow.all_handlers_finished)
        return case.view()

    @workflow.query
    def view(self) -> View:
        """The whole state with reasons, for one student's page."""
        return self._case.view()

    def _hear(self, change: Callable[[State, Any, datetime], State], signal: commands.Message) -> None:
        """A fact is taken in at once; a closed case has heard enough."""
        if not self._case.over:
            self._case.state = change(self._case.state, signal, workflow.now())

    def _admit(self, verb: Verb, command: commands.Command, *more: Callable[[State], object]) -> None:
        """Refuse before anything is history; a command carried out before is let through to its answer."""
        state = self._case.state
        if state.seen(command.command_id):
            return
        try:
            verbs.check(state, verb, command, workflow.now())
            for check in more:
                check(state)
        except DomainError as error:
            raise refused(error, error.code, {**error.extra, "fields": error.fields}) from error

    def _obey(self, command: commands.Command, change: Callable[[State, Any, datetime], State]) -> commands.Answer:
        """Carry a command out once; the answer is where the case stands."""
        case = self._case
        if not case.state.seen(command.command_id):
            case.state = change(case.state, command, workflow.now()).remembering(command.command_id)
        return case.answer(command)

    # Signals: facts from machines ---------------------------------------------------------------------------------

    @workflow.signal
    def attendance_changed(self, signal: commands.AttendanceChanged) -> None:
        """Newer attendance, or a correction."""
        self._hear(facts.attendance_changed, signal)

    @workflow.signal
    def guardian_reason(self, signal: commands.FactChanged) -> None:
        """A guardian's reason was accepted or refused."""
        self._hear(facts.fact_changed, signal)

    @workflow.signal
    def exemption_changed(self, signal: commands.FactChanged) -> None:
        """An exemption was set, changed or lifted."""
        self._hear(facts.fact_changed, signal)

    @workflow.signal
    def case_resolved(self, signal: commands.FactChanged) -> None:
        """The case was resolved."""
        self._hear(facts.fact_changed, signal)

    @workflow.signal
    def enrolment_changed(self, signal: commands.EnrolmentChanged) -> None:
        """Withdrawn, transferred, merged, deceased or removed; or back from a transfer."""
        self._hear(facts.enrolment_changed, signal)

    @workflow.signal
    def year_ends(self, signal: commands.YearEnds) -> None:
        """The school year ends soon."""
        self._hear(year_ends.nears, signal)

    @workflow.signal
    def meeting_changed(self, signal: commands.MeetingChanged) -> None:
        """The meeting was booked, moved or cancelled by hand."""
        self._hear(facts.meeting_changed, signal)

    @workflow.signal
    def plan_agreed(self, signal: commands.PlanAgreed) -> None:
        """A support plan was agreed."""
        self._hear(facts.plan_agreed, signal)

    @workflow.signal
    def referral_changed(self, signal: commands.ReferralChanged) -> None:
        """A referral was sent, acknowledged, answered, left out or withdrawn."""
        self._hear(referrals.changed, signal)

    @workflow.signal
    def delivery_result(self, signal: commands.DeliveryResult) -> None:
        """A later word on a letter."""
        self._hear(facts.delivery_result, signal)

    @workflow.signal
    def contact_stop_changed(self, signal: commands.ContactStopChanged) -> None:
        """A contact stop was set or lifted."""
        self._hear(facts.contact_stop_changed, signal)

    @workflow.signal
    def register_query(self, signal: commands.RegisterQueried) -> None:
        """The family questions the register, or has its answer."""
        self._hear(facts.register_queried, signal)

    @workflow.signal
    def sending_changed(self, signal: commands.SendingChanged) -> None:
        """The sending switch was turned."""
        self._hear(facts.sending_changed, signal)

    # Updates: verbs of people -------------------------------------------------------------------------------------

    @workflow.update
    def approve(self, command: commands.Approve) -> commands.Answer:
        """Agree to the pending proposal."""
        undo = timedelta(seconds=self._case.settings.undo_seconds)
        return self._obey(command, lambda s, c, now: decisions.approve(s, c, now, undo))

    @approve.validator
    def _may_approve(self, command: commands.Approve) -> None:
        self._admit(Verb.APPROVE, command, lambda s: verbs.check_proposal(s, command.proposal_id))

    @workflow.update
    def withdraw_approval(self, command: commands.WithdrawApproval) -> commands.Answer:
        """Take an approval back while the undo runs."""
        return self._obey(command, decisions.withdraw_approval)

    @withdraw_approval.validator
    def _may_withdraw_approval(self, command: commands.WithdrawApproval) -> None:
        self._admit(Verb.WITHDRAW_APPROVAL, command, lambda s: verbs.check_proposal(s, command.proposal_id))

    @workflow.update
    def skip(self, command: commands.Skip) -> commands.Answer:
        """Leave a step, a relapse or an effect out."""
        return self._obey(command, decisions.skip)

    @skip.validator
    def _may_skip(self, command: commands.Skip) -> None:
        self._admit(Verb.SKIP, command, lambda s: verbs.check_named_proposal(s, command.proposal_id))

    @workflow.update
    def hold(self, command: commands.HoldCase) -> commands.Answer:
        """Pause the case."""
        return self._obey(command, decisions.hold)

    @hold.validator
    def _may_hold(self, command: commands.HoldCase) -> None:
        self._admit(Verb.HOLD, command)

    @workflow.update
    def resume(self, command: commands.Resume) -> commands.Answer:
        """Go on, or try a parked effect again."""
        return self._obey(command, decisions.resume)

    @resume.validator
    def _may_resume(self, command: commands.Resume) -> None:
        self._admit(Verb.RESUME, command)

    @workflow.update
    def stop(self, command: commands.Stop) -> commands.Answer:
        """End the case."""
        return self._obey(command, decisions.stop)

    @stop.validator
    def _may_stop(self, command: commands.Stop) -> None:
        self._admit(Verb.STOP, command, lambda _: decisions.stop_reason(command.reason_code))

    @workflow.update
    def escalate(self, command: commands.Escalate) -> commands.Answer:
        """Pass over rungs."""
        return self._obey(command, decisions.escalate)

    @escalate.validator
    def _may_escalate(self, command: commands.Escalate) -> None:
        self._admit(Verb.ESCALATE, command, lambda s: decisions.escalation_target(s, command.to))

    @workflow.update
    def record_meeting_outcome(self, command: commands.RecordMeetingOutcome) -> commands.Answer:
        """Say what came of the meeting."""
        return self._obey(command, decisions.record_meeting_outcome)

    @record_meeting_outcome.validator
    def _may_record_meeting_outcome(self, command: commands.RecordMeetingOutcome) -> None:
        self._admit(Verb.RECORD_MEETING_OUTCOME, command, lambda s: decisions.check_outcome(s, command))

    @workflow.update
    def record_contact(self, command: commands.RecordContact) -> commands.Answer:
        """A contact with the family was made or tried."""
        return self._obey(command, decisions.record_contact)

    @record_contact.validator
    def _may_record_contact(self, command: commands.RecordContact) -> None:
        self._admit(Verb.RECORD_CONTACT, command)

    @workflow.update
    def record_delivery(self, command: commands.RecordDelivery) -> commands.Answer:
        """A letter was handed over or posted by hand."""
        return self._obey(command, decisions.record_delivery)

    @record_delivery.validator
    def _may_record_delivery(self, command: commands.RecordDelivery) -> None:
        self._admit(Verb.RECORD_DELIVERY, command)

    @workflow.update
    def confirm_exit(self, command: commands.ConfirmExit) -> commands.Answer:
        """Agree to the exit."""
        return self._obey(command, decisions.confirm_exit)

    @confirm_exit.validator
    def _may_confirm_exit(self, command: commands.ConfirmExit) -> None:
        self._admit(Verb.CONFIRM_EXIT, command)

    @workflow.update
    def reject_exit(self, command: commands.RejectExit) -> commands.Answer:
        """Disagree with the exit."""
        return self._obey(command, decisions.reject_exit)

    @reject_exit.validator
    def _may_reject_exit(self, command: commands.RejectExit) -> None:
        self._admit(Verb.REJECT_EXIT, command)

    @workflow.update
    def reopen(self, command: commands.Reopen) -> commands.Answer:
        """Back onto a rung."""
        return self._obey(command, decisions.reopen)

    @reopen.validator
    def _may_reopen(self, command: commands.Reopen) -> None:
        self._admit(Verb.REOPEN, command, lambda s: decisions.reopening_index(s, command.to_stage))

    @workflow.update
    def reassign(self, command: commands.Reassign) -> commands.Answer:
        """Give the case to another person."""
        return self._obey(command, decisions.reassign)

    @reassign.validator
    def _may_reassign(self, command: commands.Reassign) -> None:
        self._admit(Verb.REASSIGN, command)

    @workflow.update
    def resolve_basis(self, command: commands.ResolveBasis) -> commands.Answer:
        """Rescind or keep a step whose reason is gone."""
        return self._obey(command, decisions.resolve_basis)

    @resolve_basis.validator
    def _may_resolve_basis(self, command: commands.ResolveBasis) -> None:
        self._admit(Verb.RESOLVE_BASIS, command)

    @workflow.update
    def choose_transfer(self, command: commands.ChooseTransfer) -> commands.Answer:
        """The receiving school takes the case, takes it with support only, or closes it."""
        return self._obey(command, transfers.choose)

    @choose_transfer.validator
    def _may_choose_transfer(self, command: commands.ChooseTransfer) -> None:
        self._admit(Verb.CHOOSE_TRANSFER, command, lambda s: transfers.check_choice(s, command))

    @workflow.update
    def choose_year_end(self, command: commands.ChooseYearEnd) -> commands.Answer:
        """What becomes of the case when the school year ends."""
        return self._obey(command, year_ends.choose)

    @choose_year_end.validator
    def _may_choose_year_end(self, command: commands.ChooseYearEnd) -> None:
        self._admit(Verb.CHOOSE_YEAR_END, command, lambda s: year_ends.check_choice(s, command))

    @workflow.update
    def apply_ruleset_version(self, command: commands.ApplyRuleSetVersion) -> commands.Answer:
        """Re-pin to another version, the difference seen."""
        return self._obey(command, decisions.apply_ruleset_version)

    @apply_ruleset_version.validator
    def _may_apply_ruleset_version(self, command: commands.ApplyRuleSetVersion) -> None:
        self._admit(Verb.APPLY_RULESET_VERSION, command, lambda s: decisions.check_version(s, command))
