"""The words of a mail by itself: a code's mail says no more on the outside than any other."""

from rules.delivery.mail_text import code_mail


def test_the_mail_with_a_code_is_neutral_outside_and_warns_inside() -> None:
    mail = code_mail("Oak School", "314159", "")
    assert mail.subject == "Oak School: a message about school for you"
    assert "314159" in mail.text
    assert "Nobody from the school will ask you for it" in mail.text
    assert "ring the school" in mail.text
