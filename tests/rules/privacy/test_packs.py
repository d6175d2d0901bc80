"""Evidence packs: what a family's copy never holds, and which packs are a disclosure."""

from rules.privacy.packs import DISCLOSED_TO, NEVER_FOR_FAMILIES, PackKind, PackPart


def test_a_family_copy_never_tells_of_another_guardian_an_address_or_a_safeguarding_note() -> None:
    assert {PackPart.OTHER_GUARDIAN, PackPart.ADDRESSES, PackPart.SAFEGUARDING} == NEVER_FOR_FAMILIES


def test_whatever_leaves_the_school_is_a_disclosure() -> None:
    assert set(DISCLOSED_TO) == set(PackKind) - {PackKind.INTERNAL_MEETING}
