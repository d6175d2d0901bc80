"""From what an identity provider says of a person to roles and schools: a tenant's own rules, first match per role."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rules.access.permissions import GRANTS, Permission, Role

EVERY_SCHOOL: Final = "*"
ANY_VALUE: Final = "*"
# An account of a family is opened by a link to a child or guardian, a machine by its own entry, somebody from outside
# until a day that is written down: never by a group
NOT_BY_RULE: Final = frozenset({Role.INTEGRATION, Role.GUARDIAN, Role.STUDENT, Role.EXTERNAL})
Claims = Mapping[str, Any]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoleRule(_Section):
    """Whoever's `claim` is, or holds, `value` gets `role` in `schools` (ids of the register's source, or `*`).

    `schools_claim` names a claim that lists the schools instead, as many identity providers of schools do.
    """

    claim: str = Field(min_length=1, max_length=100)
    value: str = Field(min_length=1, max_length=400)
    role: Role
    schools: tuple[str, ...] = ()
    schools_claim: str | None = Field(None, min_length=1, max_length=100)

    @field_validator("role")
    @classmethod
    def _of_staff(cls, role: Role) -> Role:
        if role in NOT_BY_RULE:
            raise ValueError(f"the role {role} cannot be given by a rule")
        return role

    @model_validator(mode="after")
    def _schools_once(self) -> Self:
        if bool(self.schools) == bool(self.schools_claim):
            raise ValueError("name either schools (their source ids, or *) or schools_claim")
        return self

    def holds(self, claims: Claims) -> bool:
        """Whether the claims satisfy this rule."""
        values = texts(claims.get(self.claim))
        return self.value in values or (self.value == ANY_VALUE and bool(values))

    def where(self, claims: Claims) -> frozenset[str]:
        """Source ids of the schools, or `*` for all of them; what a provider claims is never all of them."""
        if self.schools_claim is None:
            return frozenset(self.schools)
        return frozenset(texts(claims.get(self.schools_claim))) - {EVERY_SCHOOL}


class ServiceAccount(_Section):
    """A machine that gets its tokens from the identity provider by client credentials: `subject` is their `sub`."""

    subject: str = Field(min_length=1, max_length=255)
    name: str = Field(min_length=1, max_length=100)
    scopes: tuple[Permission, ...] = Field(min_length=1)
    schools: tuple[str, ...] = (EVERY_SCHOOL,)

    @field_validator("scopes")
    @classmethod
    def _of_machines(cls, scopes: tuple[Permission, ...]) -> tuple[Permission, ...]:
        beyond = [scope for scope in scopes if Role.INTEGRATION not in GRANTS[scope]]
        if beyond:
            raise ValueError(f"the role integration never holds {', '.join(beyond)}")
        return scopes


class SignInSettings(_Section):
    """How people of one tenant sign in; without an issuer of its own it uses the deployment's."""

    issuer: str | None = Field(None, max_length=400)
    audience: str | None = Field(None, min_length=1, max_length=200)
    client_id: str | None = Field(None, min_length=1, max_length=200)
    require: dict[str, str] = Field(default_factory=dict)
    person_claim: str = Field("sub", min_length=1, max_length=100)
    roles_from: Literal["handrail", "claims"] = "handrail"
    rules: tuple[RoleRule, ...] = Field((), max_length=500)
    provision: bool = False
    service_accounts: tuple[ServiceAccount, ...] = Field((), max_length=100)
    idle_minutes: int = Field(30, ge=5, le=480)
    absolute_hours: int = Field(10, ge=1, le=24)

    @field_validator("issuer")
    @classmethod
    def _address(cls, issuer: str | None) -> str | None:
        if issuer is not None and not re.fullmatch(r"https?://[^\s?#]+", issuer):
            raise ValueError("the issuer is the https address that the provider's tokens carry in `iss`")
        return issuer

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.provision and self.roles_from != "claims":
            raise ValueError("provision needs roles_from: claims, or nobody would say what a new person may do")
        if len({account.subject for account in self.service_accounts}) < len(self.service_accounts):
            raise ValueError("each service account needs a subject of its own")
        return self

    def service_account(self, subject: str) -> ServiceAccount | None:
        """The machine of this subject."""
        return next((one for one in self.service_accounts if one.subject == subject), None)

    def meets(self, claims: Claims) -> bool:
        """Whether the claims hold everything this tenant requires of any token, such as Google's `hd`."""
        return all(value in texts(claims.get(name)) for name, value in self.require.items())


@dataclass(frozen=True)
class Grant:
    """One role and where it holds: source ids of schools, or `*`."""

    role: Role
    schools: frozenset[str]

    @property
    def everywhere(self) -> bool:
        """Whether the role holds in every school of the tenant."""
        return EVERY_SCHOOL in self.schools


def granted(settings: SignInSettings, claims: Claims) -> tuple[Grant, ...]:
    """What the tenant's rules give for these claims, in the order of the rules; the first match decides a role."""
    found: dict[Role, Grant] = {}
    for rule in settings.rules:
        if rule.role not in found and rule.holds(claims):
            found[rule.role] = Grant(rule.role, rule.where(claims))
    return tuple(found.values())


def person_key(settings: SignInSettings, claims: Claims) -> str | None:
    """What the person is called in Handrail's list of people; an unverified address is nobody's name."""
    values = texts(claims.get(settings.person_claim))
    if len(values) != 1 or (settings.person_claim == "email" and claims.get("email_verified") is not True):
        return None
    return values[0]


def texts(value: object) -> tuple[str, ...]:
    """A claim as texts: one, several, or none at all when it is anything else."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list | tuple):
        return tuple(one for one in value if isinstance(one, str) and one)
    return ()
