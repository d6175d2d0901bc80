"""People: who a token speaks for, schools and their calendars, students and their guardians."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import Person, RoleAssignment, School, SchoolScope
from models.tenants import Tenant
from rules.access.permissions import Role
from rules.access.policy import Principal
from rules.errors import Forbidden, NotFound
from rules.ids import PersonId, SchoolId, TenantId


@dataclass(frozen=True, slots=True)
class Identity:
    """A member of staff as the policy sees them, with the name their acts are recorded under."""

    principal: Principal
    display: str


async def open_tenant(session: AsyncSession, key: str) -> TenantId | None:
    """The tenant of this key; a suspended one answers nobody."""
    tenant = await session.scalar(select(Tenant).where(Tenant.key == key))
    if tenant is None:
        return None
    if tenant.status == "SUSPENDED":
        raise Forbidden("tenant_suspended", "This tenant is suspended; ask its administrator.")
    return TenantId(tenant.id)


async def identify(session: AsyncSession, subject: str, role: Role, *, on: date) -> Identity | None:
    """The active person of this subject, if they hold the role on this day."""
    in_force = (
        or_(RoleAssignment.starts_on.is_(None), RoleAssignment.starts_on <= on),
        or_(RoleAssignment.ends_on.is_(None), RoleAssignment.ends_on >= on),
    )
    found = (
        await session.execute(
            select(Person, RoleAssignment.all_schools)
            .join(RoleAssignment, RoleAssignment.person_id == Person.id)
            .where(Person.subject == subject, Person.active, RoleAssignment.role == role.value, *in_force)
        )
    ).one_or_none()
    if found is None:
        return None
    person, everywhere = found
    schools = None if everywhere else await _schools_of(session, person.id)
    principal = Principal(TenantId(person.tenant_id), PersonId(person.id), role, schools)
    return Identity(principal, person.display_name)


async def _schools_of(session: AsyncSession, person_id: UUID) -> frozenset[SchoolId]:
    listed = await session.scalars(select(SchoolScope.school_id).where(SchoolScope.person_id == person_id))
    return frozenset(SchoolId(one) for one in listed)


async def schools(session: AsyncSession, within: frozenset[SchoolId] | None) -> Sequence[School]:
    """The schools of the caller's scope (None: all of them), by name."""
    wanted = select(School).order_by(School.name, School.id)
    if within is not None:
        wanted = wanted.where(School.id.in_(within))
    return (await session.scalars(wanted)).all()


async def school(session: AsyncSession, school_id: UUID) -> School:
    """One school."""
    found = await session.get(School, school_id)
    if found is None:
        raise NotFound("school_not_found", f"There is no school {school_id} here.")
    return found
