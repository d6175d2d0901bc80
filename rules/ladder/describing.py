"""A case in words, for the Temporal UI and the view: what it waits for, since when, until when, why. Never a name."""

from datetime import date, datetime

from rules.ladder.state import Proposal, State
from rules.ladder.words import Phase, ProposalKind

WAITS_FOR = {
    ProposalKind.STEP: "approval of {stage}",
    ProposalKind.EXTEND_MEETING: "a decision on a meeting not booked in time",
    ProposalKind.EXIT: "confirmation of the exit",
    ProposalKind.RELAPSE: "a decision on a relapse",
    ProposalKind.INCONCLUSIVE: "a decision on a follow-up that could not be assessed",
}


def details(state: State, due_at: datetime | None) -> str:
    """Markdown for `set_current_details`."""
    head = f"**{state.phase}** {state.stage_key or 'before the first rung'}, rule set {state.ladder.rule_set_key}"
    lines = [f"{head} v{state.ladder.rule_set_version}, revision {state.revision}"]
    if state.proposal:
        lines.append(_proposal(state.proposal, approved=state.phase is Phase.ACTING))
    if state.hold:
        until = f" until {_day(state.hold.until)}" if state.hold.until else ""
        why = state.hold.sentence or state.hold.reason
        lines.append(f"On hold ({state.hold.kind}){until}{': ' if why else ''}{why}")
    if state.parked:
        lines.append(f"**Needs staff** ({state.parked.why}): {state.parked.effect} {state.parked.error}".rstrip())
    if state.follow_up:
        lines.append(f"Follow-up: {state.follow_up.assessed} of {state.follow_up.weeks} weeks")
    if due_at:
        lines.append(f"Next by itself: {_day(due_at.date())}")
    return "\n\n".join(lines)


def _proposal(proposal: Proposal, *, approved: bool) -> str:
    if approved:
        return f"Approved: {proposal.stage_key}"
    what = WAITS_FOR[proposal.kind].format(stage=proposal.stage_key)
    since = f" since {_day(proposal.opened_at.date())}" if proposal.opened_at else ""
    due = f"; due {_day(proposal.due)}" if proposal.due else ""
    reason = f"; reason: {proposal.note}" if proposal.note else ""
    return f"Waiting for {what}{since}{due}{reason}"


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""
