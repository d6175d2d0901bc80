"""Sessions as values: when they end, where sign-in may lead, and what only the holder of the cookie can know."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.access.sessions import Limits, SessionEnd, csrf_token, fingerprint, proves, safe_next

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
LIMITS = Limits(timedelta(minutes=30), timedelta(hours=10))


@pytest.mark.parametrize(
    ("seen", "now", "why"),
    [
        (0, 29, None),
        (0, 30, SessionEnd.IDLE),
        (590, 599, None),
        (590, 600, SessionEnd.EXPIRED),
        (0, 900, SessionEnd.EXPIRED),
    ],
)
def test_a_session_ends_when_nothing_is_done_and_in_any_case(seen: int, now: int, why: SessionEnd | None) -> None:
    ended = LIMITS.ended(START, START + timedelta(minutes=seen), START + timedelta(minutes=now))
    assert ended is why


@pytest.mark.parametrize("path", ["/", "/queue", "/students/1?tab=letters#top", "/a%20b", "/auth/account", "/authors"])
def test_a_path_of_ours_is_kept(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "wish",
    [
        None,
        "",
        "queue",
        "https://evil.example.org",
        "//evil.example.org",
        "///evil.example.org",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "/\tevil",
        "/\n/evil.example.org",
        " /queue",
        "/queue evil",
        "javascript:alert(1)",
        "http:/evil.example.org",
        "/é",
        "/auth/sign-out",
        "/auth/sign-in?next=/auth/sign-in",
        "/auth/callback/x",
        "/" + "a" * 2000,
    ],
)
def test_whatever_else_is_wished_leads_home(wish: str | None) -> None:
    assert safe_next(wish) == "/"


def test_the_csrf_token_belongs_to_one_session_and_tells_nothing_of_it() -> None:
    mine, yours = csrf_token("mine"), csrf_token("yours")
    assert mine != yours
    assert proves("mine", mine)
    assert not proves("mine", yours)
    assert not proves("mine", None)
    assert not proves("mine", "é")
    assert mine not in {fingerprint("mine"), "mine"}
