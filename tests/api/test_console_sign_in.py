"""Signing in by browser: the good way, and every way in which somebody else might profit from it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.browser import HOME
from tests.api.console import CLIENT, SECRET, Town, answered, asked, signed_in, town
from tests.api.district import District
from tests.api.issuers import Issuer, issuing

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def other() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest.fixture(scope="module")
def ours(district: District, issuer: Issuer, other: Issuer) -> Iterator[Town]:
    with town(district, [issuer.address, other.address]) as made:
        made.settle({"issuer": issuer.address, "client_id": CLIENT})
        made.settle({"issuer": other.address, "client_id": CLIENT}, theirs=True)
        yield made


@pytest.fixture
def key(ours: Town) -> str:
    return ours.district.ours.key


def refused(answer: Any, status: int = 403) -> str:
    """A page that says no, and gives no session."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "__Host-handrail=" not in str(answer.headers.get_list("set-cookie"))
    return str(answer.text)


def test_the_browser_is_sent_with_state_nonce_and_a_hashed_verifier(ours: Town, issuer: Issuer, key: str) -> None:
    address = ours.browser().location("/auth/sign-in", params={"tenant": key})
    sent = asked(address)
    assert address.startswith(f"{issuer.address}/authorize?")
    assert (sent["response_type"], sent["client_id"], sent["code_challenge_method"]) == ("code", CLIENT, "S256")
    assert sent["redirect_uri"] == f"{HOME}/auth/callback/{key}"
    assert min(len(sent[name]) for name in ("state", "nonce", "code_challenge")) >= 32
    again = asked(ours.browser().location("/auth/sign-in", params={"tenant": key}))
    assert not {sent[name] for name in ("state", "nonce", "code_challenge")} & set(again.values())


def test_a_person_signs_in_and_the_api_knows_the_browser(ours: Town, issuer: Issuer, key: str) -> None:
    browser = ours.browser()
    answer = signed_in(browser, issuer, key, "/queue?stage=letter-1")
    assert answer.headers["Location"] == "/queue?stage=letter-1"
    told = answer.headers.get_list("set-cookie")[0]
    assert told.startswith("__Host-handrail=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(told.split("; "))
    assert "Domain" not in told
    assert [school["name"] for school in browser.get("/api/v1/schools").json()["items"]] == ["Oak School"]
    said = browser.get("/auth/session").json()
    assert (said["role"], said["person"]) == ("attendance_officer", "Attendance Officer")


def test_the_exchange_names_the_verifier_and_the_client_proves_itself(ours: Town, issuer: Issuer, key: str) -> None:
    signed_in(ours.browser(), issuer, key)
    sent = issuer.exchanges[-1]
    assert len(sent["code_verifier"]) >= 43
    assert sent["authorization"].startswith("Basic ")
    assert SECRET not in str(sent)


def test_an_answer_is_good_once(ours: Town, issuer: Issuer, key: str) -> None:
    """State, nonce and code replayed together: by the browser's history, or by whoever copied cookie and address."""
    browser = ours.browser()
    sent = asked(browser.location("/auth/sign-in", params={"tenant": key}))
    kept = dict(browser.jar)
    back = answered(issuer, sent)
    assert browser.get(back).status_code == 303
    refused(browser.get(back))  # its cookie is gone
    thief = ours.browser()
    for name, value in kept.items():
        thief.jar.set(name, value, domain="127.0.0.1", path="/")
    assert "used before" in refused(thief.get(back))  # even where the provider sells a code twice


def test_a_code_of_another_sign_in_is_refused(ours: Town, issuer: Issuer, key: str) -> None:
    """The nonce binds the ID token to the attempt: a code of the attacker's own sign-in cannot be slipped in."""
    attacker, victim = ours.browser(), ours.browser()
    stolen = answered(issuer, asked(attacker.location("/auth/sign-in", params={"tenant": key})))
    sent = asked(victim.location("/auth/sign-in", params={"tenant": key}))
    mixed = f"{urlsplit(stolen).path}?{urlsplit(stolen).query.split('&')[0]}&state={sent['state']}"
    assert "another sign-in" in refused(victim.get(mixed))


@pytest.mark.parametrize("state", ["", "x", "é", "a" * 5000])
def test_an_answer_nobody_here_asked_for_is_refused(ours: Town, key: str, state: str) -> None:
    """Login CSRF: an attacker sends a victim's browser an answer to the attacker's own sign-in."""
    refused(ours.browser().get(f"/auth/callback/{key}", params={"code": "c", "state": state}))


def test_anothers_attempt_opens_nothing_in_my_browser(ours: Town, issuer: Issuer, key: str) -> None:
    attacker = ours.browser()
    back = answered(issuer, asked(attacker.location("/auth/sign-in", params={"tenant": key})))
    assert "began no such sign-in" in refused(ours.browser().get(back))


def test_an_attempt_is_good_for_ten_minutes(ours: Town, issuer: Issuer, key: str) -> None:
    browser = ours.browser()
    back = answered(issuer, asked(browser.location("/auth/sign-in", params={"tenant": key})))
    began, ours.now = ours.now, ours.now + timedelta(minutes=10, seconds=1)
    try:
        refused(browser.get(back))
    finally:
        ours.now = began


def test_an_answer_of_one_provider_cannot_pass_for_anothers(ours: Town, issuer: Issuer, other: Issuer) -> None:
    """Mix-up: the victim asks one provider, the answer is taken to the other's address."""
    mine, yours = ours.district.ours.key, ours.district.theirs.key
    browser = ours.browser()
    back = answered(issuer, asked(browser.location("/auth/sign-in", params={"tenant": mine})))
    assert "not the one" in refused(browser.get(back.replace(f"/{mine}?", f"/{yours}?")))
    named = answered(issuer, asked(browser.location("/auth/sign-in", params={"tenant": mine})))
    assert "another identity provider" in refused(browser.get(f"{named}&iss={other.address}"))
    good = answered(issuer, asked(browser.location("/auth/sign-in", params={"tenant": mine})))
    assert browser.get(f"{good}&iss={issuer.address}").status_code == 303


def test_a_provider_that_says_it_names_itself_must(district: District, key: str) -> None:
    with issuing() as named:
        named.says["authorization_response_iss_parameter_supported"] = True
        with town(district, [named.address]) as made:
            made.settle({"issuer": named.address, "client_id": CLIENT})
            browser = made.browser()
            back = answered(named, asked(browser.location("/auth/sign-in", params={"tenant": key})))
            assert "another identity provider" in refused(browser.get(back))
            said = answered(named, asked(browser.location("/auth/sign-in", params={"tenant": key})))
            assert browser.get(f"{said}&iss={named.address}").status_code == 303


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "another-client"}, "issuer or audience"),
        ({"iss": "https://elsewhere.example.org"}, "issuer or audience"),
        ({"nonce": None}, "another sign-in"),
        ({"azp": "another-client"}, "another client"),
        ({"exp": 1}, "expired"),
        ({"sub": "nobody-here"}, "does not"),
        ({"sub": "guardian-restricted"}, "does not"),
    ],
)
def test_an_id_token_that_is_not_ours_is_refused(
    ours: Town, issuer: Issuer, key: str, claims: dict[str, Any], said: str
) -> None:
    browser = ours.browser()
    sent = asked(browser.location("/auth/sign-in", params={"tenant": key}))
    text = refused(browser.get(answered(issuer, sent, **claims)))
    assert said in text
    assert browser.cookie is None


def test_the_providers_refusal_is_said_and_its_words_are_not_repeated(ours: Town, key: str) -> None:
    browser = ours.browser()
    sent = asked(browser.location("/auth/sign-in", params={"tenant": key}))
    back = urlsplit(sent["redirect_uri"]).path
    text = refused(
        browser.get(back, params={"state": sent["state"], "error": "<script>", "error_description": "<script>"})
    )
    assert "did not sign you in" in text
    assert "<script>" not in text


@pytest.mark.parametrize("wish", ["https://evil.example.org", "//evil.example.org", "/\\evil.example.org", "/auth/x"])
def test_sign_in_leads_nowhere_else(ours: Town, issuer: Issuer, key: str, wish: str) -> None:
    assert signed_in(ours.browser(), issuer, key, wish).headers["Location"] == "/"


def test_a_session_planted_before_sign_in_opens_nothing_afterwards(ours: Town, issuer: Issuer, key: str) -> None:
    """Session fixation: the attacker's own session, and an invented value, lie in the victim's browser."""
    attacker = ours.browser()
    signed_in(attacker, issuer, key)
    planted = attacker.cookie
    assert planted
    victim = ours.browser()
    victim.put_cookie(planted)
    signed_in(victim, issuer, key, sub="school_leader")
    assert victim.cookie != planted
    assert victim.get("/auth/session").json()["role"] == "school_leader"
    assert attacker.get("/api/v1/schools").status_code == 401
    invented = ours.browser()
    invented.put_cookie(f"{ours.district.ours.id.hex}.{'a' * 43}")
    signed_in(invented, issuer, key)
    assert invented.cookie != f"{ours.district.ours.id.hex}.{'a' * 43}"


def test_without_a_tenant_the_page_asks_and_goes_on(ours: Town, issuer: Issuer, key: str) -> None:
    browser = ours.browser()
    page = browser.get("/auth/sign-in", params={"next": '/a"><script>alert(1)</script>'})
    assert 'name="tenant"' in page.text
    assert "<script>alert" not in page.text
    on = browser.get("/auth/continue", params={"tenant": key, "next": "/queue"})
    assert f"/auth/sign-in?tenant={key}&amp;next=%2Fqueue" in on.text
    refused(browser.get("/auth/sign-in", params={"tenant": "no-such-district"}), 404)


def test_a_provider_that_is_away_is_said(district: District, key: str) -> None:
    with issuing() as away:
        away.down = True
        with town(district, [away.address]) as made:
            made.settle({"issuer": away.address, "client_id": CLIENT})
            answer = made.browser().get("/auth/sign-in", params={"tenant": key})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_an_issuer_the_operator_dropped_is_not_asked(district: District, issuer: Issuer, key: str) -> None:
    with town(district, []) as made:
        made.settle({"issuer": issuer.address, "client_id": CLIENT})
        refused(made.browser().get("/auth/sign-in", params={"tenant": key}))


def test_knocking_too_often_is_answered_with_when_to_come_back(ours: Town, key: str) -> None:
    browser, neighbour = ours.browser(), ours.browser()
    answers = [browser.get(f"/auth/callback/{key}", params={"code": "c", "state": "s"}) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {403}
    assert answers[20].status_code == 429
    assert 0 < int(answers[20].headers["Retry-After"]) <= 300
    assert neighbour.get(f"/auth/callback/{key}", params={"code": "c", "state": "s"}).status_code == 403
    starts = [neighbour.get("/auth/sign-in", params={"tenant": key}).status_code for _ in range(61)]
    assert starts[-1] == 429
