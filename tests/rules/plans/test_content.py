"""Support plans: what is missing until they are agreed, and that a copy shows nothing of another guardian."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.plans.content import Aim, PlanAction, PlanContent, PlanParty, Signature, Signing, misnamed, missing

TODAY = date(2026, 11, 20)
GRACE, FRED = UUID(int=1), UUID(int=2)
SCHOOL, GUARDIAN, STUDENT = PlanParty.SCHOOL, PlanParty.GUARDIAN, PlanParty.STUDENT
AIM = Aim(party=GUARDIAN, guardian_id=GRACE, words="I want him to see his friends again.")
ACTION = PlanAction(party=SCHOOL, what="Breakfast club from Monday.", due_on=TODAY)
OURS = Signature(party=SCHOOL, signed_on=TODAY)
THEIRS = Signature(party=GUARDIAN, guardian_id=GRACE, signed_on=TODAY)
WHOLE = PlanContent(aims=(AIM,), actions=(ACTION,), signatures=(OURS, THEIRS), review_on=TODAY + timedelta(days=28))


@pytest.mark.parametrize(
    ("changed", "places"),
    [
        ({}, []),
        ({"aims": ()}, ["plan.aims"]),
        ({"aims": (Aim(party=SCHOOL, words="95 %."),)}, ["plan.aims"]),
        ({"aims": (Aim(party=STUDENT, words="Sit beside Tom."),)}, []),
        ({"actions": ()}, ["plan.actions"]),
        ({"review_on": None}, ["plan.review_on"]),
        ({"review_on": TODAY}, ["plan.review_on"]),
        ({"signatures": (OURS,)}, ["plan.signatures"]),
        ({"signatures": (THEIRS,)}, ["plan.signatures"]),
        ({"signatures": (OURS, Signature(party=STUDENT, signed_on=TODAY, how=Signing.SAID_YES))}, []),
        ({"signatures": (OURS.model_copy(update={"how": Signing.SAID_YES}), THEIRS)}, ["plan.signatures"]),
        ({"signatures": (OURS, THEIRS.model_copy(update={"how": Signing.GOOD_FAITH}))}, ["plan.signatures"]),
        ({"signatures": (OURS, THEIRS.model_copy(update={"how": Signing.GOOD_FAITH, "note": "Rang twice."}))}, []),
        (
            {"signatures": (OURS, THEIRS.model_copy(update={"signed_on": TODAY + timedelta(days=1)}))},
            ["plan.signatures"],
        ),
    ],
)
def test_what_is_missing(changed: dict[str, Any], places: list[str]) -> None:
    assert list(missing(WHOLE.model_copy(update=changed), TODAY)) == places


def test_a_guardian_is_named_where_it_is_one_and_nowhere_else() -> None:
    assert misnamed(WHOLE) == {}
    wrong = WHOLE.model_copy(
        update={
            "aims": (AIM.model_copy(update={"guardian_id": None}),),
            "actions": (ACTION.model_copy(update={"guardian_id": FRED}),),
        }
    )
    assert list(misnamed(wrong)) == ["body.aims[0].guardian_id", "body.actions[0].guardian_id"]


parties = st.sampled_from([(SCHOOL, None), (STUDENT, None), (GUARDIAN, GRACE), (GUARDIAN, FRED)])


@given(st.lists(parties), st.lists(parties), st.lists(parties))
def test_a_copy_shows_all_but_the_other_guardian(
    aims: list[tuple[PlanParty, UUID | None]],
    actions: list[tuple[PlanParty, UUID | None]],
    signatures: list[tuple[PlanParty, UUID | None]],
) -> None:
    content = PlanContent(
        aims=tuple(Aim(party=party, guardian_id=who, words=f"w{who}") for party, who in aims),
        actions=tuple(PlanAction(party=p, guardian_id=who, what=f"w{who}", due_on=TODAY) for p, who in actions),
        signatures=tuple(Signature(party=p, guardian_id=who, signed_on=TODAY) for p, who in signatures),
    )
    copy = content.copy_for(GRACE)
    assert str(FRED) not in copy.model_dump_json()
    kept = [len(copy.aims), len(copy.actions), len(copy.signatures)]
    assert kept == [sum(who != FRED for _, who in parts) for parts in (aims, actions, signatures)]
