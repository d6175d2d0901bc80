"""Evidence packs: for whom, what is left out until the safeguarding lead switches it on, and how long one holds."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.privacy.disclosures import DisclosurePurpose, Party


class PackKind(StrEnum):
    """Who a pack is for."""

    INTERNAL_MEETING = "INTERNAL_MEETING"
    AUTHORITY_REFERRAL = "AUTHORITY_REFERRAL"
    COURT = "COURT"
    FAMILY_COPY = "FAMILY_COPY"


class PackPart(StrEnum):
    """What stays out of a pack unless the safeguarding lead switches it on with a reason (safeguards.md section 9)."""

    OTHER_GUARDIAN = "OTHER_GUARDIAN"
    SIBLINGS = "SIBLINGS"
    ADDRESSES = "ADDRESSES"
    HEALTH = "HEALTH"
    SAFEGUARDING = "SAFEGUARDING"


class PackStatus(StrEnum):
    """Drawn; seen and signed by one person; released by a second; recalled."""

    DRAFT = "DRAFT"
    SIGNED = "SIGNED"
    RELEASED = "RELEASED"
    RECALLED = "RECALLED"


# An internal meeting stays within the school: it is no disclosure
DISCLOSED_TO: Final[Mapping[PackKind, tuple[Party, DisclosurePurpose]]] = MappingProxyType(
    {
        PackKind.AUTHORITY_REFERRAL: (Party.EDUCATION_AUTHORITY, DisclosurePurpose.REFERRAL),
        PackKind.COURT: (Party.COURT, DisclosurePurpose.COURT_PROCEEDINGS),
        PackKind.FAMILY_COPY: (Party.GUARDIAN, DisclosurePurpose.OWN_RECORD),
    }
)
# One guardian never learns of another, whoever switches what on
NEVER_FOR_FAMILIES: Final = frozenset({PackPart.OTHER_GUARDIAN, PackPart.ADDRESSES, PackPart.SAFEGUARDING})
HOLDS_FOR: Final = timedelta(days=90)
# Facts after which what a pack says may no longer be so
BASIS_EVENTS: Final = frozenset(
    {
        "TRIGGER_INVALIDATED",
        "BASIS_KEPT",
        "BASIS_RESTORED",
        "STEP_RESCINDED",
        "REGISTER_ANSWERED",
        "DUTY_BASIS_LOST",
        "DUTY_WITHDRAWN",
    }
)
