"""From what an identity provider says to roles and schools: a tenant's own rules, and what they may never give."""

from typing import Any

import pytest
from pydantic import ValidationError

from rules.access.permissions import Permission, Role
from rules.access.sign_in import RoleRule, SignInSettings, granted, person_key, texts

OFFICERS = {"claim": "groups", "value": "attendance", "role": "attendance_officer", "schools": ["oak"]}
LEADERS = {"claim": "groups", "value": "heads", "role": "school_leader", "schools_claim": "schools"}
ADMINS = {"claim": "admin", "value": "*", "role": "district_admin", "schools": ["*"]}
FEED = {"subject": "mis", "name": "The register's feed", "scopes": ["imports:write"]}


def settings(**given: Any) -> SignInSettings:
    return SignInSettings.model_validate({"rules": [OFFICERS, LEADERS, ADMINS], **given})


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({}, {}),
        ({"groups": "attendance"}, {Role.ATTENDANCE_OFFICER: {"oak"}}),
        ({"groups": ["heads", "attendance"], "schools": ["elm", "*"]}, {"school_leader": {"elm"}}),
        ({"admin": "yes"}, {Role.DISTRICT_ADMIN: {"*"}}),
        ({"admin": 7, "groups": [7, "", None]}, {}),
    ],
)
def test_claims_give_what_the_rules_say(claims: dict[str, Any], roles: dict[Role, set[str]]) -> None:
    found = {grant.role: set(grant.schools) for grant in granted(settings(), claims)}
    assert {role: found[Role(role)] for role in roles} == roles
    assert bool(found) == bool(roles)


def test_the_first_rule_of_a_role_decides_where_it_holds() -> None:
    twice = settings(rules=[OFFICERS, {**OFFICERS, "schools": ["*"]}])
    (grant,) = granted(twice, {"groups": ["attendance"]})
    assert (grant.schools, grant.everywhere) == (frozenset({"oak"}), False)
    assert granted(settings(), {"admin": "yes"})[0].everywhere


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"rules": [{**OFFICERS, "role": "guardian"}]}, "cannot be given by a rule"),
        ({"rules": [{**OFFICERS, "schools_claim": "schools"}]}, "either schools"),
        ({"rules": [{**OFFICERS, "schools": []}]}, "either schools"),
        ({"issuer": "our own"}, "https address"),
        ({"provision": True}, "provision needs"),
        ({"service_accounts": [FEED, FEED]}, "subject of its own"),
        ({"service_accounts": [{**FEED, "scopes": ["steps:approve"]}]}, "never holds steps:approve"),
    ],
)
def test_settings_that_would_open_a_door_are_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        settings(**given)


def test_a_machine_is_known_by_its_subject() -> None:
    known = settings(issuer="https://id.example.org/realm", service_accounts=[FEED])
    account = known.service_account("mis")
    assert account is not None
    assert account.scopes == (Permission.IMPORT_WRITE,)
    assert known.service_account("somebody") is None


def test_what_a_tenant_requires_of_every_token_must_be_there() -> None:
    assert settings().meets({})
    hosted = settings(require={"hd": "oak.example.org"})
    assert (hosted.meets({"hd": "oak.example.org"}), hosted.meets({"hd": "elm.example.org"})) == (True, False)


@pytest.mark.parametrize(
    ("claim", "claims", "key"),
    [
        ("sub", {"sub": "olive"}, "olive"),
        ("sub", {"sub": ["olive", "lena"]}, None),
        ("email", {"email": "o@oak.example.org", "email_verified": True}, "o@oak.example.org"),
        ("email", {"email": "o@oak.example.org", "email_verified": "true"}, None),
        ("email", {}, None),
    ],
)
def test_an_unverified_address_or_several_names_are_nobody(claim: str, claims: dict[str, Any], key: str | None) -> None:
    assert person_key(settings(person_claim=claim), claims) == key


def test_a_claim_is_read_as_texts_only() -> None:
    assert [texts(one) for one in ("a", "", ["a", 1, ""], 5, None)] == [("a",), (), ("a",), (), ()]
    assert not RoleRule.model_validate(OFFICERS).holds({"groups": 5})
