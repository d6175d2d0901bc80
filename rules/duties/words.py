"""The words of a duty: where it stands, what became of its basis, which events open one, what clears it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.access.permissions import Role
from rules.privacy.packs import PackKind


class DutyState(StrEnum):
    """Where a duty stands; only the required artifact makes it DONE."""

    OPEN = "OPEN"
    DONE = "DONE"
    DONE_ELSEWHERE = "DONE_ELSEWHERE"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class DutyBasis(StrEnum):
    """Whether what opened it still holds: LOST waits for a leader, who keeps it or withdraws it with the authority."""

    HOLDS = "HOLDS"
    LOST = "LOST"
    KEPT = "KEPT"
    WITHDRAWN = "WITHDRAWN"


class DutyEffect(StrEnum):
    """What a duty asks: a task, a report to an authority, or that no hard step is taken while it is open."""

    TASK = "TASK"
    REPORT = "REPORT"
    BLOCK = "BLOCK"


class DutyArtifact(StrEnum):
    """What may clear a duty: a letter that went out, or an evidence pack that two people released."""

    LETTER = "LETTER"
    EVIDENCE_PACK = "EVIDENCE_PACK"


class RegisterEvent(StrEnum):
    """Events of the register that a rule set may name in `on_event`."""

    REMOVED_FROM_REGISTER = "removed_from_register"
    PRINCIPAL_OPINION_IRREGULAR = "principal_opinion_irregular"
    SUSPENDED = "suspended"
    REDUCED_SCHOOL_DAY = "reduced_school_day"
    SCHOOL_YEAR_ENDED = "school_year_ended"
    """Of a school, not of a student: its duty names nobody."""


LEADERS: Final = frozenset({Role.DISTRICT_ADMIN, Role.SCHOOL_LEADER})
"""Who may say that a duty does not apply, and whose opinion the law asks for."""
OF_THE_CALENDAR: Final = frozenset({RegisterEvent.SCHOOL_YEAR_ENDED})
"""What the calendar tells by itself and nobody records."""
REPORTS: Final = frozenset({PackKind.AUTHORITY_REFERRAL, PackKind.COURT})
CLEARED_BY: Final[Mapping[DutyEffect, frozenset[DutyArtifact]]] = MappingProxyType(
    {
        DutyEffect.TASK: frozenset({DutyArtifact.LETTER, DutyArtifact.EVIDENCE_PACK}),
        DutyEffect.REPORT: frozenset({DutyArtifact.EVIDENCE_PACK}),
        DutyEffect.BLOCK: frozenset({DutyArtifact.LETTER, DutyArtifact.EVIDENCE_PACK}),
    }
)
"""A report is cleared by what was released to the authority, never by a letter home, a call or a task ticked off."""
