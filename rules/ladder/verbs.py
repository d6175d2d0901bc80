"""Which verb when: ladder.md's table as data, and the refusals that validators raise before anything is history."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from rules.errors import Conflict, Invalid
from rules.ids import ProposalId
from rules.ladder.commands import Command
from rules.ladder.state import State
from rules.ladder.words import HoldKind, Phase
from rules.ladder.year_ends import is_open


class Verb(StrEnum):
    """What a person can do to a case; the value is the update's name."""

    APPROVE = "approve"
    WITHDRAW_APPROVAL = "withdraw_approval"
    SKIP = "skip"
    HOLD = "hold"
    RESUME = "resume"
    STOP = "stop"
    ESCALATE = "escalate"
    RESOLVE_BASIS = "resolve_basis"
    RECORD_MEETING_OUTCOME = "record_meeting_outcome"
    CONFIRM_EXIT = "confirm_exit"
    REJECT_EXIT = "reject_exit"
    REOPEN = "reopen"
    APPLY_RULESET_VERSION = "apply_ruleset_version"
    CHOOSE_TRANSFER = "choose_transfer"
    CHOOSE_YEAR_END = "choose_year_end"
    RECORD_CONTACT = "record_contact"
    RECORD_DELIVERY = "record_delivery"
    REASSIGN = "reassign"


class Row(StrEnum):
    """A row of the table: a phase, ON_HOLD split by its kind."""

    EVALUATING = "EVALUATING"
    WAITING = "WAITING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    HOLD_STAFF = "ON_HOLD staff"
    HOLD_BASIS = "ON_HOLD basis"
    HOLD_ENGINES_DIFFER = "ON_HOLD engines_differ"
    HOLD_CONTACT_STOP = "ON_HOLD contact_stop"
    ACTING = "ACTING"
    MEETING = "MEETING"
    EXIT_REVIEW = "EXIT_REVIEW"
    FOLLOW_UP = "FOLLOW_UP"
    NEEDS_STAFF = "NEEDS_STAFF"
    TRANSFER_PENDING = "TRANSFER_PENDING"
    CLOSED = "CLOSED"


V = Verb
ALWAYS = frozenset({V.CHOOSE_YEAR_END, V.RECORD_CONTACT, V.RECORD_DELIVERY, V.REASSIGN})
ANY_TIME = ALWAYS | {V.APPLY_RULESET_VERSION}
TABLE: Mapping[Row, frozenset[Verb]] = {
    Row.EVALUATING: ANY_TIME | {V.HOLD, V.STOP, V.ESCALATE},
    Row.WAITING: ANY_TIME | {V.HOLD, V.STOP, V.ESCALATE},
    Row.AWAITING_APPROVAL: ANY_TIME | {V.APPROVE, V.SKIP, V.HOLD, V.STOP, V.ESCALATE},
    Row.HOLD_STAFF: ANY_TIME | {V.HOLD, V.RESUME, V.STOP, V.ESCALATE, V.RECORD_MEETING_OUTCOME},
    Row.HOLD_BASIS: ANY_TIME | {V.SKIP, V.STOP, V.RESOLVE_BASIS, V.RECORD_MEETING_OUTCOME},
    Row.HOLD_ENGINES_DIFFER: ANY_TIME | {V.SKIP, V.RESUME, V.STOP, V.RESOLVE_BASIS, V.RECORD_MEETING_OUTCOME},
    Row.HOLD_CONTACT_STOP: ANY_TIME | {V.RESUME, V.STOP},
    Row.ACTING: ALWAYS | {V.HOLD, V.STOP, V.WITHDRAW_APPROVAL},
    Row.MEETING: ANY_TIME | {V.SKIP, V.HOLD, V.STOP, V.ESCALATE, V.RESOLVE_BASIS, V.RECORD_MEETING_OUTCOME},
    Row.EXIT_REVIEW: ANY_TIME | {V.STOP, V.CONFIRM_EXIT, V.REJECT_EXIT, V.REOPEN},
    Row.FOLLOW_UP: ANY_TIME | {V.APPROVE, V.SKIP, V.HOLD, V.STOP, V.ESCALATE, V.REOPEN},
    Row.NEEDS_STAFF: ANY_TIME | {V.SKIP, V.RESUME, V.STOP},
    Row.TRANSFER_PENDING: ANY_TIME | {V.STOP, V.CHOOSE_TRANSFER},
    Row.CLOSED: frozenset(),
}
NO_REASON_NEEDED = frozenset({V.APPROVE, V.RECORD_CONTACT, V.RECORD_DELIVERY, V.RECORD_MEETING_OUTCOME, V.REASSIGN})
HOLD_ROWS: Mapping[HoldKind, Row] = {
    HoldKind.STAFF: Row.HOLD_STAFF,
    HoldKind.BASIS: Row.HOLD_BASIS,
    HoldKind.ENGINES_DIFFER: Row.HOLD_ENGINES_DIFFER,
    HoldKind.CONTACT_STOP: Row.HOLD_CONTACT_STOP,
}


def row_of(state: State) -> Row:
    """The table's row for a state."""
    if state.phase is Phase.ON_HOLD and state.hold:
        return HOLD_ROWS[state.hold.kind]
    return Row(state.phase.value)


def _pending(state: State, verb: Verb, now: datetime) -> bool:
    """Conditions inside a cell: what the verb needs beside the phase."""
    row = row_of(state)
    if verb is V.WITHDRAW_APPROVAL:
        return state.undo_until is not None and now < state.undo_until
    if verb is V.CHOOSE_YEAR_END:
        return is_open(state)
    if verb is V.RECORD_MEETING_OUTCOME:
        return state.meeting is not None
    if verb in {V.APPROVE, V.SKIP} and row is Row.FOLLOW_UP:
        return state.proposal is not None
    if verb is V.RESUME and row is Row.HOLD_CONTACT_STOP:
        return not state.contact_stop
    return True


def _moving(state: State) -> bool:
    """Whether what was chosen for a transfer is being carried out."""
    return state.phase is Phase.TRANSFER_PENDING and state.transfer is not None and state.transfer.choice is not None


def allowed(state: State, now: datetime) -> tuple[Verb, ...]:
    """The verbs that this state takes now, in the table's order of words."""
    if state.closing:
        return ()
    open_ones = TABLE[row_of(state)] & ALWAYS if state.rescinding or _moving(state) else TABLE[row_of(state)]
    return tuple(verb for verb in Verb if verb in open_ones and _pending(state, verb, now))


def check(state: State, verb: Verb, command: Command, now: datetime) -> None:
    """Refuse a verb this phase does not take (409 with those it does) and a missing reason (422)."""
    verbs = allowed(state, now)
    if verb not in verbs:
        raise Conflict(
            "verb_not_allowed",
            f"{verb} is not possible while the case is {row_of(state)}; possible now: {', '.join(verbs) or 'nothing'}.",
            phase=row_of(state).value,
            allowed=[v.value for v in verbs],
        )
    if verb not in NO_REASON_NEEDED and not command.reason.strip():
        raise Invalid("reason_required", f"{verb} needs a reason.", fields={"reason": "Say why in a few words."})


def check_proposal(state: State, proposal_id: ProposalId | None) -> None:
    """Refuse a decision on a proposal that is no longer the pending one."""
    current = state.proposal.id if state.proposal else None
    if current is None or proposal_id != current:
        raise Conflict(
            "stale_proposal",
            f"Proposal {proposal_id} is no longer pending; look at the case again and decide on {current}.",
            current=str(current) if current else None,
        )


def check_named_proposal(state: State, proposal_id: ProposalId | None) -> None:
    """A verb that may name the proposal it means: if it does, it must be the pending one."""
    if proposal_id is not None:
        check_proposal(state, proposal_id)
