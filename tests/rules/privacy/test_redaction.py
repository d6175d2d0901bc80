"""Redaction leaves people out of free text however they are written, and nobody else."""

import pytest

from rules.privacy.redaction import LEFT_OUT, Person, Redactor

HENRY = Person("Henry Canarytwo-Green", ("henry@example.org", "+44 20 5550 0199", "99 Hidden Road, Cork"))
GRACE, SAM = Person("Grace Green"), Person("Sam Green")
REDACTED = Redactor((HENRY,), (GRACE, SAM))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Henry rang.", f"{LEFT_OUT} rang."),
        ("HENRY canarytwo-green rang.", f"{LEFT_OUT} {LEFT_OUT} rang."),
        ("Write to henry@example.org", f"Write to {LEFT_OUT}"),
        ("at 99 Hidden\nRoad, Cork now", f"at {LEFT_OUT} now"),
        ("Ring +44 20 5550 0199!", f"Ring {LEFT_OUT}!"),
        ("Grace Green and Sam came.", "Grace Green and Sam came."),
        ("Henryson is a poet.", "Henryson is a poet."),
        ("", ""),
    ],
)
def test_who_is_hidden_is_left_out_and_nobody_else(text: str, left: str) -> None:
    assert REDACTED(text) == left


def test_a_surname_that_the_child_shares_stays_or_the_child_would_go_too() -> None:
    assert Redactor((Person("Henry Green"),), (SAM,))("Henry and Sam Green") == f"{LEFT_OUT} and Sam Green"


def test_with_nobody_to_hide_the_text_stays() -> None:
    assert Redactor(())("Henry rang.") == "Henry rang."
    assert Redactor(())(None) == ""
