"""When a guardian's referral may be sent; "3 of 10 not yet explained"."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.attendance.codes import Status
from rules.attendance.history import ResolvedSession, SessionName
from rules.referrals.readiness import (
    NOT_EXPLAINED,
    Blocker,
    Counted,
    Outlook,
    PackStanding,
    ReasonState,
    ReferralFacts,
    blockers,
    counted,
    foreseen,
)
from rules.rulesets.makeup import absence_kind

MONDAY = date(2026, 11, 9)
READY = ReferralFacts(
    waiting=True,
    contact_stop=False,
    sending=True,
    basis_holds=True,
    counted=Counted(10, 0),
    liable=True,
    history_confirmed=True,
    recipient="The attendance service",
    pack=PackStanding.RELEASED,
)


def absent(n: int, code: str = "", status: Status = Status.UNAUTHORISED_ABSENT) -> ResolvedSession:
    return ResolvedSession(MONDAY + timedelta(n), SessionName.AM, status, code)


def test_everything_known_and_released_is_ready() -> None:
    assert blockers(READY) == {}


@pytest.mark.parametrize(
    ("changes", "name", "says"),
    [
        ({"waiting": False}, Blocker.CASE, "the case does not wait"),
        ({"contact_stop": True}, Blocker.CONTACT_STOP, "contact stop"),
        ({"sending": False}, Blocker.SENDING_OFF, "switched off"),
        ({"basis_holds": False}, Blocker.BASIS, "does not hold"),
        ({"counted": Counted(10, 3)}, Blocker.UNEXPLAINED, "3 of 10 not yet explained"),
        ({"counted": None}, Blocker.UNEXPLAINED, "cannot be looked up"),
        ({"liable": None}, Blocker.LIABILITY, "nobody has said"),
        ({"liable": False}, Blocker.LIABILITY, "may not be held liable"),
        ({"history_confirmed": False}, Blocker.HISTORY, "not confirmed"),
        ({"recipient": "  "}, Blocker.RECIPIENT, "to whom"),
        ({"pack": PackStanding.NONE}, Blocker.PACK, "no evidence pack"),
        ({"pack": PackStanding.ANOTHER}, Blocker.PACK, "another"),
        ({"pack": PackStanding.NOT_RELEASED}, Blocker.PACK, "two people"),
        ({"pack": PackStanding.OUTDATED}, Blocker.PACK, "prepare it anew"),
    ],
)
def test_each_thing_missing_keeps_it_back_by_itself(changes: dict[str, Any], name: Blocker, says: str) -> None:
    found = blockers(replace(READY, **changes))
    assert list(found) == [name]
    assert says in found[name]


def test_everything_missing_is_said_at_once() -> None:
    worst = ReferralFacts(
        waiting=False,
        contact_stop=True,
        sending=False,
        basis_holds=False,
        counted=None,
        liable=None,
        history_confirmed=False,
        recipient="",
        pack=PackStanding.NONE,
    )
    assert set(blockers(worst)) == set(Blocker)


def test_a_reason_given_for_a_session_counts_once_it_is_decided_either_way() -> None:
    sessions = [absent(n, "N") for n in range(3)]
    at = [(one.day, "AM") for one in sessions]
    told = {at[0]: ReasonState.GIVEN, at[1]: ReasonState.REFUSED, at[2]: ReasonState.ACCEPTED}
    assert counted("UK", sessions, {}) == Counted(3, 3)
    assert counted("UK", sessions, told) == Counted(3, 1)


def test_of_another_half_day_a_reason_says_nothing() -> None:
    assert counted("UK", [absent(0, "N")], {(MONDAY, "PM"): ReasonState.REFUSED}) == Counted(1, 1)


@pytest.mark.parametrize(
    ("code_set", "session", "unexplained"),
    [
        ("UK", absent(0, "N"), 1),
        ("UK", absent(0, "O"), 0),
        ("UK", absent(0, "I", Status.AUTHORISED_ABSENT), 0),
        ("X", absent(0, "A", Status.ABSENT), 1),
        ("X", absent(0, "A"), 0),
    ],
)
def test_what_is_unexplained_is_told_by_the_register(code_set: str, session: ResolvedSession, unexplained: int) -> None:
    assert counted(code_set, [session], {}) == Counted(1, unexplained)


CODES = st.sampled_from(["N", "O", "I", "G", "U"])
STATES = st.none() | st.sampled_from(ReasonState)


@given(st.lists(st.tuples(CODES, STATES), max_size=30))
def test_nothing_unexplained_is_ever_lost_and_nothing_is_counted_twice(
    said: list[tuple[str, ReasonState | None]],
) -> None:
    sessions = [absent(n, code) for n, (code, _) in enumerate(said)]
    told = {(one.day, "AM"): state for one, (_, state) in zip(sessions, said, strict=True) if state}
    found = counted("UK", sessions, told)
    silent = [one for one, (_, state) in zip(sessions, said, strict=True) if state is None]
    waiting = sum(state is ReasonState.GIVEN for _, state in said)
    assert found.sessions == len(said)
    assert found.unexplained == waiting + sum(absence_kind("UK", one) in NOT_EXPLAINED for one in silent)
    assert (Blocker.UNEXPLAINED in blockers(replace(READY, counted=found))) is (found.unexplained > 0)


TWO = ((True, True), (True, True))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"counted": Counted(10, 3)}, {Blocker.UNEXPLAINED: "3 of 10 not yet explained"}),
        ({"counted": None}, {Blocker.UNEXPLAINED: "the absences it rests on cannot be looked up in the register"}),
        (
            {"guardians": ((True, True), (True, False))},
            {Blocker.HISTORY: "the authority's history of 1 of 2 guardians is not confirmed"},
        ),
        (
            {"guardians": ((None, True), (False, False))},
            {Blocker.LIABILITY: "of 1 of 1 guardians nobody has said whether they may be held liable"},
        ),
        (
            {"guardians": ((False, True),)},
            {Blocker.LIABILITY: "no guardian may be held liable: nobody would be referred"},
        ),
        ({"recipient": " "}, {Blocker.RECIPIENT: "nobody has said to whom it goes"}),
    ],
)
def test_what_is_missing_is_foreseen_when_the_step_is_proposed(
    change: dict[str, Any], expected: dict[Blocker, str]
) -> None:
    outlook = Outlook(counted=Counted(10, 0), guardians=TWO, recipient="The authority")
    assert foreseen(replace(outlook, **change)) == expected
