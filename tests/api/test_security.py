"""Tokens: what is trusted, and that everything else is refused without saying more than it must."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from api.security import AUDIENCE, ISSUER, KEY_BYTES, Claims, DemoTokens, bearer, loopback
from rules.access.permissions import Role
from tests.api.district import KEY, District

pytestmark = pytest.mark.servers
GOOD = {"iss": ISSUER, "aud": AUDIENCE, "sub": "attendance_officer", "tenant": "t", "role": "attendance_officer"}


def signed(changed: dict[str, object], key: bytes = KEY, algorithm: str = "HS256") -> str:
    at = datetime.now(UTC)
    claims = {**GOOD, "iat": at, "exp": at + timedelta(hours=1), **changed}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


@pytest.mark.parametrize(
    "token",
    [
        "not-a-token",
        signed({}, b"another key that is long enough to be one"),
        signed({}, KEY * 2, "HS384"),
        jwt.encode(GOOD, "", "none"),
        signed({"exp": datetime.now(UTC) - timedelta(hours=1)}),
        signed({"iat": datetime.now(UTC) + timedelta(hours=1)}),
        signed({"nbf": datetime.now(UTC) + timedelta(hours=1)}),
        signed({"iss": "somebody-else"}),
        signed({"aud": "another-api"}),
        *(signed({missing: None}) for missing in ("exp", "iat", "sub", "iss", "aud", "tenant", "role")),
        signed({"role": "headmaster"}),
        signed({"sub": "nobody-here"}),
        signed({"tenant": "no-such-tenant"}),
    ],
)
def test_a_token_that_cannot_be_trusted_is_refused(district: District, token: str) -> None:
    answer = district.get("/schools", None, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json()["code"] in {"token_refused", "person_unknown"}
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer  "])
def test_without_one_bearer_header_there_is_no_answer(district: District, header: str | None) -> None:
    answer = district.get("/schools", None, headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


def test_a_role_the_person_does_not_hold_opens_nothing(district: District) -> None:
    token = district.token("teacher", Role.DISTRICT_ADMIN)
    answer = district.get("/schools", None, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "person_unknown")


def test_two_authorization_headers_are_refused() -> None:
    with pytest.raises(Exception, match="one Authorization header"):
        bearer(["Bearer a", "Bearer b"])


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match=str(KEY_BYTES)):
        DemoTokens(b"short")


def test_an_issued_token_expires(district: District) -> None:
    stale = DemoTokens(KEY).issue(
        Claims(district.ours.key, "attendance_officer", Role.ATTENDANCE_OFFICER),
        now=datetime.now(UTC) - timedelta(hours=13),
    )
    assert district.get("/schools", None, headers={"Authorization": f"Bearer {stale}"}).status_code == 401


@pytest.mark.parametrize(
    ("host", "inside"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.0.0.5", False), ("web", False)],
)
def test_the_demo_sign_in_knows_its_own_machine(host: str, *, inside: bool) -> None:
    assert loopback(host) is inside


@pytest.mark.parametrize("address", ["http://10.0.0.5:8000", "http://school.example.org"])
def test_the_demo_sign_in_answers_on_this_machine_only(district: District, address: str) -> None:
    answer = district.get("/schools", "attendance_officer", base=address)
    assert (answer.status_code, answer.json()["code"]) == (401, "demo_sign_in_local")
