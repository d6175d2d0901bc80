"""The verb table, cell by cell, against the table that people read in the design."""

from uuid import UUID

import pytest

from rules.errors import Conflict, Invalid
from rules.ids import ProposalId
from rules.ladder.commands import Command
from rules.ladder.state import Close
from rules.ladder.verbs import TABLE, Row, Verb, allowed, check, check_named_proposal, check_proposal, row_of
from tests.rules.ladder.rows import ASKED, NOW, PROPOSAL, in_row, soon

# The columns of ladder.md ("Which verb when"), y = the verb is taken; and the sentence below it for the other verbs.
COLUMNS = ("approve", "skip", "hold", "resume", "stop", "escalate", "basis", "outcome", "exit")
MEANS = {
    "approve": (Verb.APPROVE,),
    "skip": (Verb.SKIP,),
    "hold": (Verb.HOLD,),
    "resume": (Verb.RESUME,),
    "stop": (Verb.STOP,),
    "escalate": (Verb.ESCALATE,),
    "basis": (Verb.RESOLVE_BASIS,),
    "outcome": (Verb.RECORD_MEETING_OUTCOME,),
    "exit": (Verb.CONFIRM_EXIT, Verb.REJECT_EXIT),
}
DESIGN = """
EVALUATING              | - | - | y | - | y | y | - | - | -
WAITING                 | - | - | y | - | y | y | - | - | -
AWAITING_APPROVAL       | y | y | y | - | y | y | - | - | -
ON_HOLD staff           | - | - | y | y | y | y | - | y | -
ON_HOLD basis           | - | y | - | - | y | - | y | y | -
ON_HOLD engines_differ  | - | y | - | y | y | - | y | y | -
ON_HOLD contact_stop    | - | - | - | y | y | - | - | - | -
ACTING                  | - | - | y | - | y | - | - | - | -
MEETING                 | - | y | y | - | y | y | y | y | -
EXIT_REVIEW             | - | - | - | - | y | - | - | - | y
FOLLOW_UP               | y | y | y | - | y | y | - | - | -
NEEDS_STAFF             | - | y | - | y | y | - | - | - | -
TRANSFER_PENDING        | - | - | - | - | y | - | - | - | -
CLOSED                  | - | - | - | - | - | - | - | - | -
"""
EVERYWHERE_BUT_CLOSED = {Verb.CHOOSE_YEAR_END, Verb.RECORD_CONTACT, Verb.RECORD_DELIVERY, Verb.REASSIGN}
ELSEWHERE = {
    Verb.WITHDRAW_APPROVAL: {Row.ACTING},
    Verb.REOPEN: {Row.EXIT_REVIEW, Row.FOLLOW_UP},
    Verb.CHOOSE_TRANSFER: {Row.TRANSFER_PENDING},
    Verb.APPLY_RULESET_VERSION: set(Row) - {Row.ACTING, Row.CLOSED},
    **{verb: set(Row) - {Row.CLOSED} for verb in EVERYWHERE_BUT_CLOSED},
}


def designed() -> dict[Row, set[Verb]]:
    table: dict[Row, set[Verb]] = {}
    for line in DESIGN.strip().splitlines():
        name, *cells = (part.strip() for part in line.split("|"))
        table[Row(name)] = {
            verb for column, cell in zip(COLUMNS, cells, strict=True) if cell == "y" for verb in MEANS[column]
        }
    for verb, rows in ELSEWHERE.items():
        for row in rows:
            table[row].add(verb)
    return table


CELLS = [(row, verb, verb in verbs) for row, verbs in designed().items() for verb in Verb]
SAID = Command(command_id="c", reason="because")


def test_the_table_in_code_is_the_table_in_the_design() -> None:
    assert {row: set(verbs) for row, verbs in TABLE.items()} == designed()


@pytest.mark.parametrize(("row", "verb", "taken"), CELLS, ids=[f"{row}: {verb}" for row, verb, _ in CELLS])
def test_a_cell_is_taken_or_refused_with_the_verbs_that_are(row: Row, verb: Verb, *, taken: bool) -> None:
    state = in_row(row).but(year_end=ASKED)
    assert row_of(state) is row
    if taken:
        check(state, verb, SAID, NOW)
        return
    with pytest.raises(Conflict) as refusal:
        check(state, verb, SAID, NOW)
    assert refusal.value.code == "verb_not_allowed"
    assert refusal.value.extra["allowed"] == [v.value for v in Verb if v in designed()[row]]


def test_what_a_cell_needs_beside_its_row() -> None:
    acting = in_row(Row.ACTING).but(undo_until=soon(-1))
    assert Verb.WITHDRAW_APPROVAL not in allowed(acting, NOW)
    unbooked = in_row(Row.HOLD_STAFF).but(meeting=None)
    assert Verb.RECORD_MEETING_OUTCOME not in allowed(unbooked, NOW)
    clean = in_row(Row.FOLLOW_UP).but(proposal=None)
    assert not {Verb.APPROVE, Verb.SKIP} & set(allowed(clean, NOW))
    assert Verb.CHOOSE_YEAR_END not in allowed(in_row(Row.WAITING), NOW)
    settling = in_row(Row.WAITING).but(year_end=ASKED.but(settling=True))
    assert Verb.CHOOSE_YEAR_END not in allowed(settling, NOW)
    stopped = in_row(Row.HOLD_CONTACT_STOP).but(contact_stop=True)
    assert Verb.RESUME not in allowed(stopped, NOW)
    assert allowed(in_row(Row.WAITING).but(closing=Close()), NOW) == ()


@pytest.mark.parametrize("verb", [Verb.SKIP, Verb.HOLD, Verb.STOP, Verb.ESCALATE])
def test_a_reason_is_mandatory_for_all_but_approve(verb: Verb) -> None:
    state = in_row(Row.AWAITING_APPROVAL)
    with pytest.raises(Invalid, match="needs a reason"):
        check(state, verb, Command(command_id="c", reason="  "), NOW)
    check(state, Verb.APPROVE, Command(command_id="c"), NOW)


def test_a_stale_proposal_is_refused_with_the_current_one() -> None:
    state = in_row(Row.AWAITING_APPROVAL)
    check_proposal(state, PROPOSAL.id)
    check_named_proposal(state, None)
    other = ProposalId(UUID(int=77))
    with pytest.raises(Conflict) as refusal:
        check_named_proposal(state, other)
    assert refusal.value.extra["current"] == str(PROPOSAL.id)
    with pytest.raises(Conflict):
        check_proposal(state.but(proposal=None), other)
