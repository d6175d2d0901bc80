"""Roles of a person as rows: which are held today, and making them what the identity provider says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import Person, RoleAssignment, SchoolScope
from rules.access.permissions import Role
from rules.ids import SchoolId
from services import audit
from services.audit import Act
from services.context import Actor


@dataclass(frozen=True, slots=True)
class Given:
    """One role and its schools; None = every school."""

    role: Role
    school_ids: frozenset[SchoolId] | None


async def held(session: AsyncSession, person_id: UUID, *, on: date) -> tuple[Role, ...]:
    """The roles in force on a day, in the order of the list of roles."""
    rows = await session.scalars(
        select(RoleAssignment.role).where(
            RoleAssignment.person_id == person_id,
            or_(RoleAssignment.starts_on.is_(None), RoleAssignment.starts_on <= on),
            or_(RoleAssignment.ends_on.is_(None), RoleAssignment.ends_on >= on),
        )
    )
    names = set(rows)
    return tuple(role for role in Role if role.value in names)


async def synchronise(
    session: AsyncSession, actor: Actor, person_id: UUID, given: Sequence[Given], *, now: datetime
) -> bool:
    """Make roles and schools of a person what is given, roles by hand included; True when anything changed.

    Schools are kept per person: a role given for fewer of them is narrowed at each request.
    """
    wanted = _shape(given)
    if await _present(session, person_id) == wanted:
        return False
    await session.get_one(Person, person_id, with_for_update=True)  # one of two sign-ins at once does it
    before = await _present(session, person_id)
    if before == wanted:
        return False
    await session.execute(delete(RoleAssignment).where(RoleAssignment.person_id == person_id))
    await session.execute(delete(SchoolScope).where(SchoolScope.person_id == person_id))
    session.add_all(RoleAssignment(person_id=person_id, role=role, all_schools=every) for role, every in wanted[0])
    session.add_all(SchoolScope(person_id=person_id, school_id=school_id) for school_id in wanted[1])
    await session.flush()
    act = Act("synchronise_roles", "person", person_id, before=_told(before), after=_told(wanted))
    await audit.record(session, actor, act, now=now)
    return True


_Shape = tuple[frozenset[tuple[str, bool]], frozenset[UUID]]


def _shape(given: Sequence[Given]) -> _Shape:
    roles = frozenset((one.role.value, one.school_ids is None) for one in given)
    return roles, frozenset(school_id for one in given for school_id in one.school_ids or ())


async def _present(session: AsyncSession, person_id: UUID) -> _Shape:
    rows = await session.execute(
        select(RoleAssignment.role, RoleAssignment.all_schools, RoleAssignment.starts_on, RoleAssignment.ends_on).where(
            RoleAssignment.person_id == person_id
        )
    )
    # a role with dates was given by hand: it is never equal to what the provider gives
    roles = frozenset((role if start is end is None else f"{role} by hand", every) for role, every, start, end in rows)
    schools = await session.scalars(select(SchoolScope.school_id).where(SchoolScope.person_id == person_id))
    return roles, frozenset(schools)


def _told(shape: _Shape) -> dict[str, list[str]]:
    roles, schools = shape
    return {
        "roles": sorted(f"{role} everywhere" if every else role for role, every in roles),
        "schools": sorted(str(school_id) for school_id in schools),
    }
