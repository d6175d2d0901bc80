"""The weekly checks after an exit: counted in assessable school weeks, bounded, ended by relapse or a clean run."""

from datetime import date, datetime

from rules.ladder.events import EventType
from rules.ladder.parts import Part
from rules.ladder.state import Basis, Draft, FollowUp, State
from rules.ladder.words import ProposalKind, Status

LEAST_POSSIBLE_SESSIONS = 4


class Week(Part):
    """A school week (Monday to Sunday with an open session the student is enrolled for) and the instant to check it."""

    first: date
    last: date
    check_at: datetime


class WeekFinding(Part):
    """What one week showed. `relapse` None = unknown, which is no relapse."""

    possible_sessions: int = 0
    relapse: bool | None = None
    basis: Basis = Basis()


def assessable(finding: WeekFinding) -> bool:
    """Whether the week had enough possible sessions to say anything."""
    return finding.possible_sessions >= LEAST_POSSIBLE_SESSIONS


def complete(plan: FollowUp) -> bool:
    """Whether enough assessable weeks have been checked."""
    return plan.assessed >= plan.weeks


def started(state: State, now: datetime) -> FollowUp:
    """A new follow-up by the pinned plan; its first week is the first school week after the confirmation."""
    plan = state.ladder.follow_up
    return FollowUp(weeks=plan.weeks, most_weeks=plan.most_weeks, started_at=now)


def week_found(state: State, week: Week) -> State:
    """The next week to check is known."""
    plan = _plan(state).but(week_first=week.first, week_last=week.last, check_at=week.check_at)
    return state.but(follow_up=plan, due=week.last)


def week_checked(state: State, finding: WeekFinding, now: datetime, *, again: bool = False) -> State:
    """One week looked at: counted if assessable; a relapse drafts a proposal, unless one is already pending."""
    plan = _plan(state)
    week = plan.through if again else plan.week_last
    state = state.noting(
        EventType.WEEK_CHECKED,
        now,
        week_ending=week.isoformat() if week else None,
        assessable=assessable(finding),
        relapse=finding.relapse,
        possible_sessions=finding.possible_sessions,
        again=again,
    )
    state = state.but(follow_up=plan.but(look_again=False) if again else _counted(plan, finding))
    if finding.relapse and state.proposal is None and state.draft is None:
        return _relapsed(state, finding, now)
    return _inconclusive(state, now) if _exhausted(state) else state


def _counted(plan: FollowUp, finding: WeekFinding) -> FollowUp:
    return plan.but(
        checked=plan.checked + 1,
        assessed=plan.assessed + (1 if assessable(finding) else 0),
        through=plan.week_last,
        through_first=plan.week_first,
        week_first=None,
        week_last=None,
        check_at=None,
    )


def _relapsed(state: State, finding: WeekFinding, now: datetime) -> State:
    draft = Draft(kind=ProposalKind.RELAPSE, basis=finding.basis, note=finding.basis.sentence)
    return state.noting(EventType.RELAPSED, now, to=state.ladder.follow_up.relapse_to).but(draft=draft)


def _exhausted(state: State) -> bool:
    plan = _plan(state)
    return plan.checked >= plan.most_weeks and not complete(plan) and state.proposal is None and state.draft is None


def _inconclusive(state: State, now: datetime) -> State:
    plan = _plan(state)
    note = f"{plan.assessed} of {plan.weeks} weeks could be assessed in {plan.checked} school weeks."
    state = state.noting(EventType.FOLLOW_UP_INCONCLUSIVE, now, assessed=plan.assessed, checked=plan.checked)
    return state.but(draft=Draft(kind=ProposalKind.INCONCLUSIVE, note=note))


def relapse_refused(state: State, now: datetime) -> State:
    """The follow-up goes on; if its weeks are used up meanwhile, staff are asked how it ends."""
    state = state.but(proposal=None)
    return _inconclusive(state, now) if _exhausted(state) else state


def entered(state: State, now: datetime) -> State:
    """The exit was confirmed: the case is in follow-up and no longer escalated."""
    return state.noting(EventType.FOLLOW_UP_STARTED, now, weeks=state.ladder.follow_up.weeks).but(
        follow_up=started(state, now), status=Status.ACTIVE
    )


def _plan(state: State) -> FollowUp:
    assert state.follow_up is not None
    return state.follow_up
