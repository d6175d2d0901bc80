"""A state for each row of the verb table, standing still: what the table is tested on."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from rules.ids import MeetingId, ProposalId, SchoolId
from rules.ladder.parts import YearEnd
from rules.ladder.stages import Approval, LadderSnapshot, Stage, StageType
from rules.ladder.state import (
    Act,
    Basis,
    ExitState,
    FollowUp,
    Hold,
    MeetingState,
    Parked,
    Proposal,
    State,
    Step,
    Transfer,
)
from rules.ladder.verbs import Row
from rules.ladder.words import HoldKind, Phase, ProposalKind, Status
from rules.meetings.outcomes import MeetingStatus

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
LATER = datetime(2036, 1, 1, tzinfo=UTC)
HERE, ELSEWHERE = SchoolId(UUID(int=1)), SchoolId(UUID(int=2))
ASKED = YearEnd(begins=date(2035, 12, 31), begins_at=datetime(2035, 12, 31, tzinfo=UTC))
P, M = ProposalId(UUID(int=9)), MeetingId(UUID(int=9))
STAGES = (
    Stage(key="letter-1", type=StageType.LETTER, stage_type="LETTER_1", wait_school_days=10),
    Stage(key="meeting", type=StageType.MEETING, stage_type="MEETING"),
    Stage(key="escalation", type=StageType.ESCALATION, stage_type="ESCALATION", approval=Approval.LEADER),
)
PLAN = LadderSnapshot(rule_set_key="general", rule_set_version=1, digest="d1", stages=STAGES)
BASIS = Basis(on=date(2026, 11, 20), values={"absent": 5}, sentence="5 absences")
STEP = Step(stage_key="letter-1", basis=BASIS, effective_day=date(2026, 11, 20), reached=True)
PROPOSAL = Proposal(id=P, stage_key="letter-1", basis=BASIS)
BOOKED = MeetingState(id=M, status=MeetingStatus.SCHEDULED, invited=True, ends_at=LATER)
BASE = State(ladder=PLAN, status=Status.ACTIVE, index=0)


def held(kind: HoldKind, **changes: object) -> State:
    """On hold in the middle of a meeting, so that outcomes are possible."""
    hold = Hold(kind=kind, back_to=Phase.MEETING)
    return BASE.but(phase=Phase.ON_HOLD, hold=hold, index=1, steps=(STEP,), meeting=BOOKED, **changes)


ROWS: dict[Row, State] = {
    Row.EVALUATING: BASE.but(index=-1),
    Row.WAITING: BASE.but(phase=Phase.WAITING, steps=(STEP,), advance_at=LATER, decide_at=LATER),
    Row.AWAITING_APPROVAL: BASE.but(phase=Phase.AWAITING_APPROVAL, proposal=PROPOSAL),
    Row.HOLD_STAFF: held(HoldKind.STAFF),
    Row.HOLD_BASIS: held(HoldKind.BASIS),
    Row.HOLD_ENGINES_DIFFER: held(HoldKind.ENGINES_DIFFER),
    Row.HOLD_CONTACT_STOP: BASE.but(
        phase=Phase.ON_HOLD, hold=Hold(kind=HoldKind.CONTACT_STOP, back_to=Phase.AWAITING_APPROVAL), proposal=PROPOSAL
    ),
    Row.ACTING: BASE.but(phase=Phase.ACTING, proposal=PROPOSAL, undo_until=LATER, act=Act(basis=BASIS)),
    Row.MEETING: BASE.but(phase=Phase.MEETING, index=1, steps=(STEP,), meeting=BOOKED),
    Row.EXIT_REVIEW: BASE.but(
        phase=Phase.EXIT_REVIEW,
        steps=(STEP,),
        exit=ExitState(stop_key="improved"),
        proposal=PROPOSAL.but(kind=ProposalKind.EXIT),
    ),
    Row.FOLLOW_UP: BASE.but(
        phase=Phase.FOLLOW_UP,
        steps=(STEP,),
        follow_up=FollowUp(check_at=LATER, week_first=date(2026, 11, 23), week_last=date(2026, 11, 29)),
        proposal=PROPOSAL.but(kind=ProposalKind.RELAPSE),
    ),
    Row.NEEDS_STAFF: BASE.but(
        phase=Phase.NEEDS_STAFF, parked=Parked(effect="plan_letters"), act=Act(cleared=True, basis=BASIS)
    ),
    Row.TRANSFER_PENDING: BASE.but(
        phase=Phase.TRANSFER_PENDING,
        steps=(STEP,),
        transfer=Transfer(to_school_id=ELSEWHERE, begun=True, decide_at=LATER),
        school_id=HERE,
    ),
    Row.CLOSED: BASE.but(phase=Phase.CLOSED, status=Status.STOPPED),
}


def in_row(row: Row) -> State:
    """The state of that row."""
    return ROWS[row]


def soon(minutes: int = 1) -> datetime:
    """A moment after now."""
    return NOW + timedelta(minutes=minutes)
