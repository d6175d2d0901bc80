"""Nothing personal stands where anyone can read it."""

import pytest

from rules.delivery.lock_screen import DEFAULT_SUBJECT, DEFAULT_TEXT, MEETING_SUMMARY, fill_line, lint
from rules.delivery.mail_text import invitation_uid, letter_mail, message_id
from rules.errors import Invalid

SCHOOL = {"school_name": "Gaelscoil  Átha\nCliath", "school_phone": "+353 1 555 0100", "link": "https://x.example/l"}


@pytest.mark.parametrize("line", [DEFAULT_SUBJECT, DEFAULT_TEXT, MEETING_SUMMARY])
def test_the_default_lines_are_neutral(line: str) -> None:
    assert lint(line) == ()


def test_a_line_is_filled_with_the_school_and_stays_one_line() -> None:
    assert fill_line(DEFAULT_SUBJECT, SCHOOL) == "Gaelscoil Átha Cliath: a message about school for you"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{student_name}: a letter", "field 'student_name'"),
        ("{first_name}: a letter", "field 'first_name'"),
        ("About {absence_count} days", "field 'absence_count'"),
        ("Attendance letter", "'Attendance'"),
        ("A court date", "'court'"),
        ("Absences", "'Absences'"),
        ("You missed 5 days", "figures"),
        ("A { brace", "brace"),
        ("From {link}", "'link' is missing"),
    ],
)
def test_anything_personal_is_refused(line: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        fill_line(line, {"school_name": "S"})
    assert reason in caught.value.fields["line"]


def test_a_first_name_needs_the_guardians_consent() -> None:
    assert lint("{first_name}", first_name_allowed=True) == ()


def test_a_mail_says_nothing_personal_around_its_letter() -> None:
    mail = letter_mail("St <Anne>", "Aoife Byrne", "01 555")
    assert mail.subject == "St <Anne>: a message about school for you"
    assert "ring Aoife Byrne on 01 555" in mail.text
    assert "St &lt;Anne&gt;" in mail.html


def test_ids_of_a_message_and_an_invitation_are_stable_and_tell_nothing() -> None:
    assert (
        message_id("letter:1", "n.example")
        == message_id("letter:1", "n.example")
        != message_id("letter:2", "n.example")
    )
    assert message_id("letter:1", "n.example").endswith("@n.example>")
    assert invitation_uid("m", "a", "n.example") != invitation_uid("m", "b", "n.example")
