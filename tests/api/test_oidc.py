"""Bearer tokens of identity providers: the good one passes, every attack is refused, keys rotate, outages are told."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateways import identity_provider
from gateways.identity_provider import IdentityProviders
from rules.errors import Invalid
from tests.api.district import District
from tests.api.issuers import Issuer, issuing, new_key
from tests.api.oidc import Signing, fresh, signing

pytestmark = pytest.mark.servers
OTHER_KEY = new_key()


@pytest.fixture(scope="module")
def shared() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def oidc(district: District, shared: Issuer) -> Iterator[Signing]:
    with issuing() as ours, issuing() as theirs, signing(district, ours, theirs, shared) as made:
        yield made


def seconds(ahead: int) -> int:
    return int(datetime.now(UTC).timestamp()) + ahead


def tampered(issuer: Issuer) -> str:
    """The payload of a good token with another subject, under the good token's signature."""
    head, _, signature = issuer.token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(issuer.claims(sub="district_admin")).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


ATTACKS: dict[str, Callable[[Issuer], str]] = {
    "no algorithm": lambda issuer: issuer.by_hand("none"),
    "HS256 with the public key": lambda issuer: issuer.hmac_with_public_key(),
    "an algorithm that is not pinned": lambda issuer: issuer.by_hand("RS512", b"x" * 256),
    "wrong issuer": lambda issuer: issuer.token(iss="https://elsewhere.example.org"),
    "an issuer that is no text": lambda issuer: issuer.token(iss=None),
    "wrong audience": lambda issuer: issuer.token(aud="another-api"),
    "expired": lambda issuer: issuer.token(exp=seconds(-40)),
    "not yet valid": lambda issuer: issuer.token(nbf=seconds(+99)),
    "issued in the future": lambda issuer: issuer.token(iat=seconds(+99)),
    "without exp": lambda issuer: issuer.token(exp=None),
    "without iat": lambda issuer: issuer.token(iat=None),
    "without sub": lambda issuer: issuer.token(sub=None),
    "an empty sub": lambda issuer: issuer.token(sub=""),
    "without aud": lambda issuer: issuer.token(aud=None),
    "another key under the same kid": lambda issuer: issuer.token(key=OTHER_KEY),
    "unknown kid": lambda issuer: issuer.token(key=OTHER_KEY, headers={"kid": "k9"}),
    "kid as a path": lambda issuer: issuer.token(key=OTHER_KEY, headers={"kid": "../../../../dev/null"}),
    "kid as a query": lambda issuer: issuer.token(key=OTHER_KEY, headers={"kid": "x' union select 'k1"}),
    "kid without an end": lambda issuer: issuer.token(headers={"kid": "k" * 5000}),
    "no kid": lambda issuer: issuer.token(headers={"kid": None}),
    "an elliptic key under the RSA key's kid": lambda issuer: issuer.token(key=ec.generate_private_key(ec.SECP256R1())),
    "tampered payload": tampered,
    "not a token": lambda _issuer: "a.b.c",
    "a token without an end": lambda issuer: issuer.token(note="x" * 20_000),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_a_token_that_cannot_be_trusted_is_refused(oidc: Signing, attack: Callable[[Issuer], str]) -> None:
    assert oidc.ask(oidc.ours.token()).status_code == 200  # or the refusal below would prove nothing
    answer = oidc.ask(attack(oidc.ours))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "attendance_officer" not in answer.text


def test_an_address_in_the_header_is_never_asked(oidc: Signing) -> None:
    with issuing() as attacker:
        attacker.keys = {"k1": OTHER_KEY}
        for name in ("jku", "x5u"):
            answer = oidc.ask(oidc.ours.token(key=OTHER_KEY, headers={name: f"{attacker.address}/jwks"}))
            assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
        embedded = {**attacker.document("/jwks")["keys"][0]}
        assert oidc.ask(oidc.ours.token(key=OTHER_KEY, headers={"jwk": embedded})).status_code == 401
        assert attacker.fetches == []


def test_an_issuer_that_no_tenant_names_is_never_asked(oidc: Signing) -> None:
    with issuing() as stranger:
        assert oidc.ask(stranger.token()).status_code == 401
        assert stranger.fetches == []


def test_an_issuer_that_the_deployment_does_not_allow_is_never_asked(oidc: Signing) -> None:
    """A tenant's own settings are no way to make this process fetch an address."""
    with issuing() as stranger:
        oidc.settle({"issuer": stranger.address})
        answer = oidc.ask(stranger.token())
        assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
        assert stranger.fetches == []


def test_two_authorization_headers_are_refused(oidc: Signing) -> None:
    async def twice() -> httpx.Response:
        transport = httpx.ASGITransport(app=oidc.district.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            sent = [("Authorization", f"Bearer {oidc.ours.token()}"), ("Authorization", "Bearer other")]
            return await client.get("/api/v1/schools", headers=sent)

    answer = oidc.district.run(twice())
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


def test_a_token_of_another_tenant_stays_there(oidc: Signing) -> None:
    """Each issuer speaks for its own tenant only, whatever its claims or the caller's headers say."""
    ours, theirs = oidc.district.ours, oidc.district.theirs
    student = f"/students/{ours.students['ann']}"
    token = oidc.theirs.token(sub="district_admin", tenant=ours.key)
    assert oidc.ask(token, student).status_code == 404
    assert oidc.ask(token, f"/students/{theirs.students['ann']}").status_code == 200
    answer = oidc.ask(token, student, Handrail_Tenant=ours.key)
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_unknown")


def test_their_key_does_not_sign_for_our_issuer(oidc: Signing) -> None:
    forged = oidc.ours.token(key=oidc.theirs.keys["k1"])
    assert oidc.ask(forged).status_code == 401


def test_an_elliptic_key_of_the_issuer_signs_as_well(oidc: Signing) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    oidc.ours.keys["e1"] = key
    assert oidc.ask(oidc.ours.token(key=key, headers={"kid": "e1"})).status_code == 200


def test_a_clock_that_is_half_a_minute_off_is_forgiven(oidc: Signing) -> None:
    assert oidc.ask(oidc.ours.token(exp=seconds(-20))).status_code == 200
    assert oidc.ask(oidc.ours.token(iat=seconds(+20))).status_code == 200


def test_a_flood_of_unknown_keys_causes_no_fetch(oidc: Signing) -> None:
    assert oidc.ask(oidc.ours.token()).status_code == 200
    before = len(oidc.ours.fetches)
    for number in range(20):
        assert oidc.ask(oidc.ours.token(key=OTHER_KEY, headers={"kid": f"r{number}"})).status_code == 401
    assert len(oidc.ours.fetches) == before


def test_a_rotated_key_is_taken_after_the_cool_down(oidc: Signing) -> None:
    assert oidc.ask(oidc.ours.token()).status_code == 200
    oidc.ours.keys["k2"] = new_key()
    rotated = oidc.ours.token(key=oidc.ours.keys["k2"], headers={"kid": "k2"})
    assert oidc.ask(rotated).status_code == 401
    keys = oidc.providers._known[oidc.ours.address].keys
    assert keys is not None
    keys.cooldown_duration = 0  # half a minute later
    assert oidc.ask(rotated).status_code == 200
    del oidc.ours.keys["k1"]
    assert oidc.ask(rotated).status_code == 200


def test_a_provider_that_is_away_is_told_and_left_alone(oidc: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    oidc.ours.down = True
    answer = oidc.ask(oidc.ours.token())
    assert (answer.status_code, answer.json()["code"]) == (503, "identity_provider_unavailable")
    assert answer.headers["Retry-After"]
    tried = len(oidc.ours.fetches)
    assert oidc.ask(oidc.ours.token()).status_code == 503
    assert len(oidc.ours.fetches) == tried
    oidc.ours.down = False
    monkeypatch.setattr(identity_provider, "COOL_DOWN_SECONDS", 0.0)
    assert oidc.ask(oidc.ours.token()).status_code == 200


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://elsewhere.example.org"},
        {"jwks_uri": "http://keys.example.org/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": 3},
    ],
)
def test_a_discovery_document_that_points_elsewhere_is_not_followed(oidc: Signing, says: dict[str, Any]) -> None:
    oidc.ours.says = says
    assert oidc.ask(oidc.ours.token()).status_code == 503


def test_patterns_of_issuers_stay_within_one_host_and_one_part() -> None:
    providers = IdentityProviders(["https://login.example.org/*/v2.0", "https://accounts.example.com"])
    assert providers.allows("https://login.example.org/0f8f/v2.0")
    assert providers.allows("https://accounts.example.com")
    for refused in (
        "https://login.example.org/a/b/v2.0",
        "https://login.example.org.evil.org/a/v2.0",
        "http://login.example.org/a/v2.0",
        "https://accounts.example.com.evil.org",
        "https://accounts.example.com/x",
        "file:///etc/passwd",
    ):
        assert not providers.allows(refused)
    with pytest.raises(Invalid, match="written out"):
        IdentityProviders(["https://*.example.org/v2.0"])


# -- who an account is


def test_an_unknown_person_is_told_what_to_do(oidc: Signing) -> None:
    answer = oidc.ask(oidc.ours.token(sub=fresh()))
    assert (answer.status_code, answer.json()["code"]) == (403, "person_unknown")
    assert "ask its administrator" in answer.json()["detail"]


def test_groups_become_roles_and_schools_by_the_first_matching_rule(oidc: Signing) -> None:
    rules = [
        {"claim": "groups", "value": "attendance-oak", "role": "attendance_officer", "schools": ["oak"]},
        {"claim": "groups", "value": "attendance", "role": "attendance_officer", "schools": ["*"]},
        {"claim": "groups", "value": "leaders", "role": "school_leader", "schools_claim": "school_ids"},
    ]
    auth = {"issuer": oidc.ours.address, "roles_from": "claims", "provision": True, "rules": rules}
    oidc.settle(auth)
    who = fresh()

    def schools(groups: list[str], **more: Any) -> Any:
        headers = {"Handrail_Role": more.pop("role")} if "role" in more else {}
        return oidc.ask(oidc.ours.token(sub=who, name="A Person", groups=groups, **more), **headers)

    def names(answer: httpx.Response) -> list[str]:
        return [school["name"] for school in answer.json()["items"]]

    assert schools(["kitchen"]).json()["code"] == "no_role_mapped"
    assert names(schools(["attendance", "attendance-oak"])) == ["Oak School"]
    assert names(schools(["attendance"])) == ["Elm School", "Oak School"]
    both = ["attendance-oak", "leaders"]
    assert schools(both, school_ids=["elm"]).json()["code"] == "role_not_chosen"
    assert names(schools(both, school_ids=["elm"], role="school_leader")) == ["Elm School"]
    assert names(schools(both, school_ids=["elm"], role="attendance_officer")) == ["Oak School"]
    assert schools(both, school_ids=["elm"], role="district_admin").json()["code"] == "role_not_held"
    assert schools(both, school_ids=["elm"], role="headmaster").json()["code"] == "role_unknown"
    assert names(schools(["leaders"], school_ids=["*"])) == []  # a provider's claim is never every school


def test_without_provisioning_a_group_alone_opens_nothing(oidc: Signing) -> None:
    rule = {"claim": "groups", "value": "*", "role": "school_leader", "schools": ["*"]}
    oidc.settle({"issuer": oidc.ours.address, "roles_from": "claims", "rules": [rule]})
    answer = oidc.ask(oidc.ours.token(sub=fresh(), groups=["anything"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "person_unknown")


def test_a_name_given_again_does_not_inherit_the_account(oidc: Signing) -> None:
    oidc.settle({"issuer": oidc.ours.address, "person_claim": "preferred_username"})
    first = oidc.ours.token(sub=fresh(), preferred_username="specialist")
    assert oidc.ask(first).status_code == 200
    again = oidc.ask(oidc.ours.token(sub=fresh(), preferred_username="specialist"))
    assert (again.status_code, again.json()["code"]) == (403, "bound_to_another")
    assert oidc.ask(first).status_code == 200


def test_an_unverified_address_is_nobody(oidc: Signing) -> None:
    oidc.settle({"issuer": oidc.ours.address, "person_claim": "email"})
    answer = oidc.ask(oidc.ours.token(sub=fresh(), email="district_admin"))
    assert (answer.status_code, answer.json()["code"]) == (403, "person_claim_missing")
    assert oidc.ask(oidc.ours.token(sub=fresh(), email="liaison", email_verified=True)).status_code == 200


def test_a_person_with_several_roles_picks_one_they_hold(oidc: Signing) -> None:
    token = oidc.ours.token(sub="teacher")
    assert oidc.ask(token, Handrail_Role="teacher").status_code == 200
    answer = oidc.ask(token, Handrail_Role="district_admin")
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_held")


def test_required_claims_keep_strangers_of_a_shared_provider_out(oidc: Signing) -> None:
    oidc.settle({"issuer": oidc.ours.address, "require": {"hd": "ours.example.org"}})
    answer = oidc.ask(oidc.ours.token(hd="elsewhere.example.org"))
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_unknown")
    assert oidc.ask(oidc.ours.token(hd="ours.example.org")).status_code == 200


def test_the_deployments_issuer_says_whose_people_it_speaks_of(oidc: Signing, shared: Issuer) -> None:
    oidc.settle({})
    oidc.settle({}, oidc.district.theirs)
    ours, theirs = oidc.district.ours.key, oidc.district.theirs.key
    assert oidc.ask(shared.token()).json()["code"] == "tenant_unknown"
    assert oidc.ask(shared.token(tenant=ours)).status_code == 200
    both = shared.token(tenant=[ours, theirs])
    assert oidc.ask(both).json()["code"] == "tenant_not_chosen"
    assert oidc.ask(both, Handrail_Tenant=theirs).status_code == 200


def test_a_service_account_reaches_its_scopes_and_nothing_else(oidc: Signing) -> None:
    machine = {"subject": "sis-sync", "name": "Register sync", "scopes": ["imports:read", "schools:read"]}
    oidc.settle({"issuer": oidc.ours.address, "service_accounts": [machine]})
    token = oidc.ours.token(sub="sis-sync")
    assert oidc.ask(token).status_code == 200
    assert oidc.ask(token, "/attendance/imports").status_code == 200
    beyond = oidc.ask(token, "/attendance/code-maps/UK")
    assert (beyond.status_code, beyond.json()["code"]) == (403, "scope_missing")
    assert oidc.ask(token, "/interventions/queue").json()["code"] == "role_not_allowed"
    assert oidc.ask(token, Handrail_Role="district_admin").json()["code"] == "role_not_held"
    # another account of the same client is a person like any other, not the machine
    assert oidc.ask(oidc.ours.token(sub=fresh(), azp="sis-sync")).json()["code"] == "person_unknown"


def test_nobody_signs_in_under_a_machines_name(oidc: Signing) -> None:
    machine = {"subject": "sync-2", "name": "Register sync", "scopes": ["schools:read"]}
    auth = {"issuer": oidc.ours.address, "person_claim": "nick", "service_accounts": [machine]}
    oidc.settle(auth)
    assert oidc.ask(oidc.ours.token(sub="sync-2")).status_code == 200
    answer = oidc.ask(oidc.ours.token(sub=fresh(), nick="service:sync-2"))
    assert (answer.status_code, answer.json()["code"]) == (403, "person_claim_missing")
