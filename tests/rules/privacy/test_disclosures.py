"""What a guardian reads in the disclosure log: nothing that tells of anybody else."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from rules.privacy.disclosures import TOLD_TO_GUARDIANS, Disclosed, DisclosurePurpose, Party, told_to, without_names

GRACE, HENRY = uuid4(), uuid4()
LINE = Disclosed(
    id=uuid4(),
    at=datetime(2026, 11, 20, tzinfo=UTC),
    party=Party.EDUCATION_AUTHORITY,
    purpose=DisclosurePurpose.REFERRAL,
    what="attendance",
    recipient="Mary at the authority",
    interest="Henry asked for it",
    released_by=uuid4(),
    person_id=uuid4(),
)


@pytest.mark.parametrize("party", sorted(set(Party) - TOLD_TO_GUARDIANS - {Party.GUARDIAN}))
def test_a_guardian_does_not_learn_of_protection(party: Party) -> None:
    assert not told_to(replace(LINE, party=party), GRACE)


@pytest.mark.parametrize("party", sorted(TOLD_TO_GUARDIANS))
def test_a_guardian_learns_what_the_law_lets_them_see(party: Party) -> None:
    assert told_to(replace(LINE, party=party), GRACE)


@pytest.mark.parametrize(
    "move", [{"party": Party.OTHER_SCHOOL}, {"party": Party.COURT, "purpose": DisclosurePurpose.TRANSFER}]
)
def test_where_an_address_is_confidential_a_move_stays_unsaid(move: dict[str, Any]) -> None:
    assert told_to(replace(LINE, **move), GRACE)
    assert not told_to(replace(LINE, **move), GRACE, moves_hidden=True)
    assert told_to(LINE, GRACE, moves_hidden=True)
    assert told_to(replace(LINE, party=Party.GUARDIAN, guardian_id=GRACE), GRACE, moves_hidden=True)


def test_one_guardian_sees_only_their_own_looks() -> None:
    henrys = replace(LINE, party=Party.GUARDIAN, guardian_id=HENRY)
    assert told_to(henrys, HENRY)
    assert not told_to(henrys, GRACE)


def test_a_guardian_reads_no_staff_names_and_no_words_of_staff() -> None:
    bare = without_names(LINE)
    kept = {field.name for field in fields(bare) if getattr(bare, field.name)}
    assert kept == {"id", "at", "party", "purpose", "what"}
