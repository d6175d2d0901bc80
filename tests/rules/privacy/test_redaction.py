"""Redaction leaves people out of free text however they are written, and nobody else."""

import pytest

from rules.privacy.redaction import LEFT_OUT, Person, Redactor, called

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


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("A later start; Henry agreed.", "A later start"),
        ("Henry agreed to a later start.", ""),
        ("The bus is late. Henry drives. Grace walks.", "The bus is late. Grace walks."),
        ("A bus pass - for henry@example.org", "A bus pass"),
        ("Meet at 99 Hidden\nRoad, Cork\nor at school", "or at school"),
        ("Grace Green and Sam came.", "Grace Green and Sam came."),
        ("", ""),
    ],
)
def test_a_sentence_that_names_somebody_hidden_leaves_no_trace(text: str, left: str) -> None:
    assert REDACTED.sentences(text) == left


def test_with_nobody_to_hide_every_sentence_stays() -> None:
    assert Redactor(()).sentences("Henry rang. Twice.") == "Henry rang. Twice."
    assert Redactor(()).sentences(None) == ""


def test_an_address_with_a_full_stop_goes_whole() -> None:
    redacted = Redactor((Person("", ("12 St. Hidden Road",)),))
    assert redacted.sentences("Bus pass. Lives at 12 St. Hidden Road now. Late start.") == "Bus pass. Late start."


def test_a_relative_is_known_by_what_they_are_called_and_the_reader_is_not_hidden() -> None:
    words = called(["FATHER", "neighbour", ""], "Mother")
    assert {"father", "dad", "neighbour", "other parent"} <= set(words)
    assert not {"mother", "mum", ""} & set(words)
    hidden = Redactor((Person("", words),))
    assert hidden.sentences("Mum works early. His dad works late; the neighbour helps.") == "Mum works early."


def test_two_of_one_kind_are_not_hidden_from_each_other_by_that_word() -> None:
    assert "mum" not in called(["mother"], "mother")
