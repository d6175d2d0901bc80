"""When a guardian's referral may be sent: everything counted is explained, the authority's history is known, two people
have released the papers.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.attendance.history import ResolvedSession
from rules.rulesets.makeup import AbsenceKind, absence_kind


class ReferralState(StrEnum):
    """Where one guardian's referral stands. LEFT_OUT: never sent. WITHDRAWN: asked back after it was sent."""

    PREPARING = "PREPARING"
    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    DECIDED = "DECIDED"
    LEFT_OUT = "LEFT_OUT"
    WITHDRAWN = "WITHDRAWN"


class ReferralResult(StrEnum):
    """What the recipient came to."""

    MEASURE = "MEASURE"
    SUPPORT = "SUPPORT"
    NO_ACTION = "NO_ACTION"
    SENT_BACK = "SENT_BACK"


class ReferralWay(StrEnum):
    """How it went to the recipient."""

    EMAIL = "email"
    POST = "post"
    HAND = "hand"
    PORTAL = "portal"


class ReasonState(StrEnum):
    """What became of a reason that was given for a session."""

    GIVEN = "GIVEN"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


class PackStanding(StrEnum):
    """Whether the evidence pack named for the referral may go with it."""

    NONE = "NONE"
    ANOTHER = "ANOTHER"
    NOT_RELEASED = "NOT_RELEASED"
    OUTDATED = "OUTDATED"
    RELEASED = "RELEASED"


WITH_THE_RECIPIENT: Final = frozenset({ReferralState.SENT, ReferralState.ACKNOWLEDGED})
"""States in which the recipient has it and has not answered."""
NOT_EXPLAINED: Final = frozenset({AbsenceKind.NOT_YET_EXPLAINED, AbsenceKind.ABSENT})
"""Kinds of absence of which nobody has said why the session was missed."""
_UNSAID: Final = "nobody has said to whom it goes"
_OF_THE_PACK: Final[Mapping[PackStanding, str]] = MappingProxyType(
    {
        PackStanding.NONE: "no evidence pack is named",
        PackStanding.ANOTHER: "the evidence pack is for another recipient, guardian or case",
        PackStanding.NOT_RELEASED: "the evidence pack is not released by two people, or was recalled",
        PackStanding.OUTDATED: "what the evidence pack rests on has changed or its time is over: prepare it anew",
    }
)


@dataclass(frozen=True, slots=True)
class Counted:
    """The absent sessions that the referral rests on, as the register has them now."""

    sessions: int
    unexplained: int


Reasons = Mapping[tuple[date, str], ReasonState]
"""Session -> what became of the reason given for it."""


def counted(code_set: str, sessions: Collection[ResolvedSession], reasons: Reasons) -> Counted:
    """How many of the sessions are not yet explained. A reason that waits for a decision explains nothing yet; one that
    was decided on does, whichever way.
    """
    open_ones = [one for one in sessions if _open(code_set, one, reasons.get((one.day, one.session.value)))]
    return Counted(len(sessions), len(open_ones))


def _open(code_set: str, session: ResolvedSession, reason: ReasonState | None) -> bool:
    if reason is not None:
        return reason is ReasonState.GIVEN
    return absence_kind(code_set, session) in NOT_EXPLAINED


class Blocker(StrEnum):
    """Why a referral may not be sent yet."""

    CASE = "CASE"
    CONTACT_STOP = "CONTACT_STOP"
    SENDING_OFF = "SENDING_OFF"
    BASIS = "BASIS"
    UNEXPLAINED = "UNEXPLAINED"
    LIABILITY = "LIABILITY"
    HISTORY = "HISTORY"
    RECIPIENT = "RECIPIENT"
    PACK = "PACK"


@dataclass(frozen=True, slots=True)
class ReferralFacts:
    """What is known in the second of sending. `waiting`: the case stands on this rung and waits for it. `counted` None:
    the register behind it cannot be looked up. `liable` None: nobody has said.
    """

    waiting: bool
    contact_stop: bool
    sending: bool
    basis_holds: bool
    counted: Counted | None
    liable: bool | None
    history_confirmed: bool
    recipient: str
    pack: PackStanding


def blockers(facts: ReferralFacts) -> Mapping[Blocker, str]:
    """Everything that keeps it from being sent, in words for staff; empty = ready."""
    return dict(_blockers(facts))


def _blockers(facts: ReferralFacts) -> Iterator[tuple[Blocker, str]]:
    plain = (
        (Blocker.CASE, not facts.waiting, "the case does not wait for this referral now: look at the case"),
        (Blocker.CONTACT_STOP, facts.contact_stop, "a contact stop is in force"),
        (Blocker.SENDING_OFF, not facts.sending, "sending is switched off"),
        (Blocker.BASIS, not facts.basis_holds, "what it rests on does not hold any more"),
        (Blocker.HISTORY, not facts.history_confirmed, "the authority's history of this guardian is not confirmed"),
        (Blocker.RECIPIENT, not facts.recipient.strip(), _UNSAID),
    )
    yield from ((name, says) for name, holds, says in plain if holds)
    yield from _of_the_count(facts.counted)
    if facts.liable is not True:
        said = "nobody has said whether this guardian may" if facts.liable is None else "this guardian may not"
        yield Blocker.LIABILITY, f"{said} be held liable"
    if says := _OF_THE_PACK.get(facts.pack):
        yield Blocker.PACK, says


def _of_the_count(found: Counted | None) -> Iterable[tuple[Blocker, str]]:
    if found is None:
        return [(Blocker.UNEXPLAINED, "the absences it rests on cannot be looked up in the register")]
    if not found.unexplained:
        return []
    return [(Blocker.UNEXPLAINED, f"{found.unexplained} of {found.sessions} not yet explained")]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known when a referral is proposed. `counted` None: the register behind it cannot be looked up. Of each
    guardian: `liable`, None where nobody has said, and whether the authority's history is confirmed.
    """

    counted: Counted | None
    guardians: tuple[tuple[bool | None, bool], ...]
    recipient: str


def foreseen(outlook: Outlook) -> Mapping[Blocker, str]:
    """What would keep the referrals from being sent today, beside their papers, which are drafted on approval."""
    return dict(_foreseen(outlook))


def _foreseen(outlook: Outlook) -> Iterator[tuple[Blocker, str]]:
    yield from _of_the_count(outlook.counted)
    asked = [one for one in outlook.guardians if one[0] is not False]
    unsaid = sum(liable is None for liable, _ in asked)
    unknown = sum(not confirmed for _, confirmed in asked)
    if not asked:
        yield Blocker.LIABILITY, "no guardian may be held liable: nobody would be referred"
    if unsaid:
        yield (
            Blocker.LIABILITY,
            f"of {unsaid} of {len(asked)} guardians nobody has said whether they may be held liable",
        )
    if unknown:
        yield Blocker.HISTORY, f"the authority's history of {unknown} of {len(asked)} guardians is not confirmed"
    if not outlook.recipient.strip():
        yield Blocker.RECIPIENT, _UNSAID
