"""The recall letter says nothing of the child; the clock is 72 hours to the second."""

from datetime import UTC, date, datetime

from rules.privacy.incidents import clock_ends, recall_text


def test_seventy_two_hours_over_the_change_of_clocks() -> None:
    assert clock_ends(datetime(2026, 10, 24, 9, tzinfo=UTC)) == datetime(2026, 10, 27, 9, tzinfo=UTC)


def test_the_letter_names_the_school_and_whom_to_ring_and_nothing_else() -> None:
    said = recall_text(
        school_name="Oak School", sent_on=date(2026, 11, 3), contact_name="Olive Officer", contact_phone="01 555 0134"
    )
    assert "On 3 November 2026" in said
    assert "Olive Officer, 01 555 0134" in said
    assert not any(word in said.lower() for word in ("child", "pupil", "student", "attendance", "absen", "letter"))
