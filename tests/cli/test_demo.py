"""`handrail demo`: when a morning is short of something, it says of what."""

from dataclasses import replace

import pytest

from cli.demo import command
from deploy.local.demo_run import SENT, TO_POST, Approved, Letter, Mail, Morning
from tests.cli.running import ran

STEP = Approved("i-1", "Oak School", "5 absences", "10: 10 illness", guardians=2)
BY_MAIL = Letter("a-1", "Oak School", "11" * 32, pages=1, size_bytes=9, way=SENT, verified=True)
BY_POST = replace(BY_MAIL, artifact_id="a-2", sha256="22" * 32, way=TO_POST)
CAUGHT = Mail("family@example.org", "Oak School: a message about school for you", BY_MAIL.sha256)
WHOLE = Morning(250, [{}, {}], [STEP], [BY_MAIL, BY_POST], [CAUGHT])


def test_a_whole_morning_is_short_of_nothing() -> None:
    assert WHOLE.shortfall() is None
    assert WHOLE.line() == {
        "students": 250,
        "proposals": 2,
        "approved": 1,
        "letters": 2,
        "mails": 1,
        "to_post": 1,
        "sha256_verified": True,
    }


@pytest.mark.parametrize(
    ("morning", "why"),
    [
        (replace(WHOLE, letters=[BY_MAIL]), "1 letters for 2 guardians"),
        (replace(WHOLE, letters=[BY_MAIL, replace(BY_POST, verified=False)]), "the SHA-256 of a-2"),
        (replace(WHOLE, mails=[]), "1 letters left by e-mail, but 0 mails"),
        (replace(WHOLE, mails=[replace(CAUGHT, sha256="33" * 32)]), "with other files"),
        (replace(WHOLE, letters=[BY_POST, BY_POST], mails=[]), "no letter left by e-mail"),
    ],
)
def test_what_is_missing_is_named(morning: Morning, why: str) -> None:
    assert why in (morning.shortfall() or "")


def test_without_once_it_says_what_there_is() -> None:
    asked = ran(command)
    assert asked.exit_code == 2
    assert "handrail up --demo" in asked.stdout
