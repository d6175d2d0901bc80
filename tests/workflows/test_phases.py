"""The verb table through real workflows: in each row every verb that is not in it is refused, without history."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from rules.ids import GuardianId, MeetingId, PersonId, ProposalId, SchoolId
from rules.ladder import commands
from rules.ladder.verbs import TABLE, Row, Verb
from tests.rules.ladder.rows import ASKED, PLAN, in_row
from tests.servers.kinds import TimeSkipping
from tests.workflows.driver import refused, walking
from tests.workflows.world import World

pytestmark = pytest.mark.servers
ID = UUID(int=9)
SAYING: dict[Verb, tuple[type[commands.Command], dict[str, Any]]] = {
    Verb.APPROVE: (commands.Approve, {"proposal_id": ProposalId(ID)}),
    Verb.WITHDRAW_APPROVAL: (commands.WithdrawApproval, {"proposal_id": ProposalId(ID)}),
    Verb.SKIP: (commands.Skip, {}),
    Verb.HOLD: (commands.HoldCase, {}),
    Verb.RESUME: (commands.Resume, {}),
    Verb.STOP: (commands.Stop, {"reason_code": "STAFF_DECISION"}),
    Verb.ESCALATE: (commands.Escalate, {}),
    Verb.RESOLVE_BASIS: (commands.ResolveBasis, {"choice": "keep"}),
    Verb.RECORD_MEETING_OUTCOME: (
        commands.RecordMeetingOutcome,
        {"meeting_id": MeetingId(ID), "outcome": "RESOLVED"},
    ),
    Verb.CONFIRM_EXIT: (commands.ConfirmExit, {}),
    Verb.REJECT_EXIT: (commands.RejectExit, {}),
    Verb.REOPEN: (commands.Reopen, {"to_stage": "letter-1"}),
    Verb.APPLY_RULESET_VERSION: (commands.ApplyRuleSetVersion, {"ladder": PLAN, "acknowledged": True}),
    Verb.CHOOSE_TRANSFER: (commands.ChooseTransfer, {"choice": "CONTINUE", "to_school_id": SchoolId(ID)}),
    Verb.CHOOSE_YEAR_END: (commands.ChooseYearEnd, {"choice": "CARRY", "begins": ASKED.begins}),
    Verb.RECORD_CONTACT: (commands.RecordContact, {"contact_id": ID, "reached": False, "on": "2026-11-23"}),
    Verb.RECORD_DELIVERY: (
        commands.RecordDelivery,
        {"guardian_id": GuardianId(ID), "handed_over": False, "effective_day": "2026-11-23"},
    ),
    Verb.REASSIGN: (commands.Reassign, {"assignee_id": PersonId(ID)}),
}
IMPASSABLE = {Row.EVALUATING, Row.CLOSED}


def test_every_verb_can_be_said() -> None:
    assert set(SAYING) == set(Verb)


@pytest.mark.parametrize("row", [row for row in Row if row not in IMPASSABLE], ids=str)
def test_a_workflow_refuses_what_its_row_does_not_take_and_says_what_it_takes(
    time_skipping: TimeSkipping, row: Row
) -> None:
    async def story() -> None:
        async with walking(time_skipping, PLAN, World(), state=in_row(row)) as walk:
            before = await walk.view()
            for verb in [verb for verb in Verb if verb not in TABLE[row]]:
                command, fields = SAYING[verb]
                with refused("verb_not_allowed") as errors:
                    await walk.say(verb.value, command, **fields)
                extra = errors[0].details[0]
                assert extra["phase"] == row.value
                assert extra["allowed"] == list(before.verbs)
            history = await walk.handle.fetch_history()
            assert not any(e.HasField("workflow_execution_update_accepted_event_attributes") for e in history.events)

    asyncio.run(story())
