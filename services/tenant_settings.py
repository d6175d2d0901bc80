"""What a tenant chooses: sign-in, the ladder's waiting times, and how families reach each school."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from models.queries import protected_attributes
from models.tenants import Tenant
from rules.access.sign_in import SignInSettings
from rules.breakers.limits import Limits
from rules.errors import Invalid
from rules.fairness import ProtectedKind
from rules.privacy.retention import RecordClass
from services import audit, tenants
from services.audit import Act
from services.context import Actor
from services.sign_in import parsed

JURISDICTION: Final = r"^[A-Z]{2}(-[A-Z0-9]{1,6})?$"
PHONE: Final = r"^\+?[0-9][0-9 ()-]{5,24}$"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LadderSettings(_Section):
    """Read by a case when it starts."""

    undo_seconds: int = Field(10, ge=0, le=3600)
    remind_school_days: tuple[int, ...] = Field((3, 5, 10), max_length=10)


class SchoolSettings(_Section):
    """How families reach a school (without a telephone number of its own or its convener's it writes no letter), and
    whose law holds there.
    """

    phone: str | None = Field(None, pattern=PHONE)
    address: str | None = Field(None, max_length=500)
    posting_working_days: int | None = Field(None, ge=1, le=20)
    jurisdiction: str | None = Field(None, pattern=JURISDICTION)
    """Whose law holds at the school, `GB-ENG` or `US-CA`; unset, the tenant's country."""


class RetentionSettings(_Section):
    """For how many months a class is kept; never shorter than the law of the school asks. Unset: Handrail's own."""

    months: dict[RecordClass, Annotated[int, Field(ge=1, le=1200)]] = Field(default_factory=dict)
    # by class and jurisdiction, the day somebody of the tenant read the law's period in its own text
    verified: dict[RecordClass, dict[str, date]] = Field(default_factory=dict)


class FairnessSettings(_Section):
    """Which protected attributes a feed may bring, only ever to be counted by, and the assessment that allows it."""

    kinds: tuple[ProtectedKind, ...] = ()
    assessment: str = Field("", max_length=200, description="Where the data protection assessment is kept.")

    @model_validator(mode="after")
    def _assessed(self) -> Self:
        if self.kinds and not self.assessment.strip():
            raise ValueError("name the data protection assessment that allows these kinds")
        return self


class TenantSettings(_Section):
    """Every section; what one leaves out has its default."""

    auth: SignInSettings = SignInSettings()
    ladder: LadderSettings = LadderSettings()
    retention: RetentionSettings = RetentionSettings()
    breakers: Limits = Limits()
    fairness: FairnessSettings = FairnessSettings()
    schools: dict[UUID, SchoolSettings] = Field(default_factory=dict)


@dataclass(frozen=True)
class Operator:
    """What the deployment agrees to: which issuers it asks, and the clients whose secrets it holds."""

    allows: Callable[[str], bool]
    secret_clients: frozenset[str] = frozenset()


async def read(session: AsyncSession, tenant_id: UUID) -> TenantSettings:
    """The settings in force; marks that other parts keep beside them are not shown."""
    tenant = await session.get_one(Tenant, tenant_id)
    sections = {name: _known(tenant.settings.get(name, {}), kind) for name, kind in _SECTIONS.items()}
    rows = (await session.scalars(select(School).order_by(School.id))).all()
    schools = {row.id: _known(row.settings, SchoolSettings) for row in rows}
    return TenantSettings.model_validate({**sections, "schools": schools})


async def retention(session: AsyncSession, tenant_id: UUID) -> RetentionSettings:
    """The section that retention reads."""
    tenant = await session.get_one(Tenant, tenant_id)
    return RetentionSettings.model_validate(_known(tenant.settings.get("retention", {}), RetentionSettings))


async def breaker_limits(session: AsyncSession, tenant_id: UUID) -> Limits:
    """The section that breakers read."""
    tenant = await session.get_one(Tenant, tenant_id)
    return Limits.model_validate(_known(tenant.settings.get("breakers", {}), Limits))


async def fairness(session: AsyncSession, tenant_id: UUID) -> FairnessSettings:
    """The section that imports of protected attributes read."""
    tenant = await session.get_one(Tenant, tenant_id)
    return FairnessSettings.model_validate(_known(tenant.settings.get("fairness", {}), FairnessSettings))


_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "auth": SignInSettings,
    "ladder": LadderSettings,
    "retention": RetentionSettings,
    "breakers": Limits,
    "fairness": FairnessSettings,
}


def _known(stored: Mapping[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    return {name: value for name, value in stored.items() if name in kind.model_fields}


async def lock(session: AsyncSession, tenant_id: UUID) -> None:
    """Let edits of one tenant's settings follow each other: each then sees what the one before it left."""
    await session.get_one(Tenant, tenant_id, with_for_update=True)


async def permitted(session: AsyncSession, tenant_id: UUID, wish: TenantSettings, operator: Operator) -> None:
    """Refuse a sign-in that the operator has not agreed to: it would send people, and a secret, to anybody's server.

    What was agreed to before stays, so that a tenant can go on changing the rest after the operator's mind changed.
    """
    before, after = (await read(session, tenant_id)).auth, wish.auth
    if after.issuer not in {None, before.issuer} and not operator.allows(str(after.issuer)):
        told = "this deployment trusts no such issuer: its operator adds it to HANDRAIL_OIDC_ISSUERS"
        raise Invalid(
            "issuer_not_allowed", "The operator does not allow this issuer.", fields={"body.settings.auth.issuer": told}
        )
    if after.client_id in operator.secret_clients and (after.client_id, after.issuer) != (
        before.client_id,
        before.issuer,
    ):
        others = (await session.scalars(select(Tenant).where(Tenant.id != tenant_id))).all()
        shared = {
            parsed(other.settings).issuer for other in others if parsed(other.settings).client_id == after.client_id
        }
        if shared - {after.issuer}:
            told = "another tenant signs in by this client at another issuer"
            raise Invalid("client_taken", "This client is not yours.", fields={"body.settings.auth.client_id": told})


async def replace(session: AsyncSession, actor: Actor, wish: TenantSettings, reason: str, *, now: datetime) -> None:
    """Put every section in force; a school that is not named keeps what it has."""
    rows = (await session.scalars(select(School).where(School.id.in_(wish.schools)).with_for_update())).all()
    schools = {row.id: row for row in rows}
    unknown = {f"schools.{one}": "there is no such school here" for one in wish.schools if one not in schools}
    if unknown:
        raise Invalid("school_unknown", "The settings name schools that are not here.", fields=unknown)
    before = await read(session, actor.tenant_id)
    chosen = {name: getattr(wish, name).model_dump(mode="json") for name in _SECTIONS}
    changed = {name: value for name, value in chosen.items() if getattr(before, name) != getattr(wish, name)}
    if "fairness" in changed:
        await protected_attributes.keep_only(session, wish.fairness.kinds)
    if changed:
        await tenants.change_settings(session, actor, changed, reason, now=now)
    for school_id, said in wish.schools.items():
        if said != before.schools[school_id]:
            await _school(session, actor, schools[school_id], (before.schools[school_id], said), reason, now=now)


async def _school(
    session: AsyncSession,
    actor: Actor,
    school: School,
    change: tuple[SchoolSettings, SchoolSettings],
    reason: str,
    *,
    now: datetime,
) -> None:
    before, after = (one.model_dump(mode="json", exclude_none=True) for one in change)
    others = {name: value for name, value in school.settings.items() if name not in SchoolSettings.model_fields}
    school.settings = {**others, **after}
    await session.flush()
    act = Act("change_settings", "school", school.id, reason=reason, before=before, after=after)
    await audit.record(session, actor, act, now=now)
