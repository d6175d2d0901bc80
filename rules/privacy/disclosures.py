"""Disclosures: who outside the school saw or received a record, why, and what of that a guardian may be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from rules.access.permissions import Role


class Party(StrEnum):
    """Who saw or received a record; only parties that are not school officials of the tenant are logged."""

    GUARDIAN = "GUARDIAN"
    STUDENT = "STUDENT"
    EDUCATION_AUTHORITY = "EDUCATION_AUTHORITY"
    COURT = "COURT"
    OTHER_SCHOOL = "OTHER_SCHOOL"
    HEALTH_SERVICE = "HEALTH_SERVICE"
    SOCIAL_CARE = "SOCIAL_CARE"
    POLICE = "POLICE"
    REFUGE = "REFUGE"
    SAFEGUARDING = "SAFEGUARDING"
    EXTERNAL = "EXTERNAL"


class DisclosurePurpose(StrEnum):
    """The legitimate interest in a record, as a word that says nothing about the family."""

    OWN_RECORD = "OWN_RECORD"
    REFERRAL = "REFERRAL"
    COURT_PROCEEDINGS = "COURT_PROCEEDINGS"
    TRANSFER = "TRANSFER"
    SUPPORT = "SUPPORT"
    PROTECTION = "PROTECTION"
    LEGAL_DUTY = "LEGAL_DUTY"
    CONSENT = "CONSENT"
    NAMED_CASE = "NAMED_CASE"


# Roles outside the school: whatever they see is a disclosure, not an official's look
OUTSIDE: Final[Mapping[Role, tuple[Party, DisclosurePurpose]]] = MappingProxyType(
    {
        Role.GUARDIAN: (Party.GUARDIAN, DisclosurePurpose.OWN_RECORD),
        Role.STUDENT: (Party.STUDENT, DisclosurePurpose.OWN_RECORD),
        Role.EXTERNAL: (Party.EXTERNAL, DisclosurePurpose.NAMED_CASE),
    }
)
# What a guardian is told by itself (safeguards.md section 2). An EXTERNAL account may be a refuge's or a social
# worker's: unknown is held back, and a person may still release it on request.
TOLD_TO_GUARDIANS: Final = frozenset(
    {Party.STUDENT, Party.EDUCATION_AUTHORITY, Party.COURT, Party.OTHER_SCHOOL, Party.HEALTH_SERVICE}
)


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One line of the log. `recipient` and `interest` are words people wrote and may name somebody."""

    id: UUID
    at: datetime
    party: Party
    purpose: DisclosurePurpose
    what: str
    guardian_id: UUID | None = None
    recipient: str = ""
    interest: str = ""
    released_by: UUID | None = None
    person_id: UUID | None = None


def told_to(line: Disclosed, guardian_id: UUID, *, moves_hidden: bool = False) -> bool:
    """Whether this guardian learns of this line: their own looks, and parties that tell nothing of anybody else.

    `moves_hidden` = another guardian's address is confidential: that the child goes to another school stays unsaid.
    """
    if line.party is Party.GUARDIAN:
        return line.guardian_id == guardian_id
    if moves_hidden and (line.party is Party.OTHER_SCHOOL or line.purpose is DisclosurePurpose.TRANSFER):
        return False
    return line.party in TOLD_TO_GUARDIANS


def without_names(line: Disclosed) -> Disclosed:
    """The line as a guardian reads it: no staff, no accounts, no words that staff wrote."""
    return Disclosed(line.id, line.at, line.party, line.purpose, line.what, line.guardian_id)
