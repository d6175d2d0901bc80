"""People: who a token speaks for, schools and their calendars, students and their guardians."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import Enrolment
from models.people import Person, RoleAssignment, School, SchoolScope
from models.queries.keyset import Window, paged
from models.students import CareFlag, Student
from models.tenants import Tenant
from rules.access.permissions import NAMED_STUDENTS_ONLY, Role
from rules.access.policy import Principal
from rules.errors import Forbidden, NotFound
from rules.ids import PersonId, SchoolId, TenantId
from services import scopes
from services.scopes import Scope


@dataclass(frozen=True, slots=True)
class Identity:
    """A member of staff as the policy sees them, with the name their acts are recorded under."""

    principal: Principal
    display: str

    def narrowed(self, within: frozenset[SchoolId] | None) -> "Identity":
        """The same person reaching no school beyond these; None leaves them as they are."""
        if within is None:
            return self
        present = self.principal.school_ids
        return replace(
            self, principal=replace(self.principal, school_ids=within if present is None else present & within)
        )


async def open_tenant(session: AsyncSession, key: str) -> TenantId | None:
    """The tenant of this key; a suspended one answers nobody."""
    tenant = await session.scalar(select(Tenant).where(Tenant.key == key))
    if tenant is None:
        return None
    if tenant.status != "ACTIVE":
        raise Forbidden("tenant_suspended", "This tenant is suspended; whoever runs this installation can resume it.")
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
            .where(or_(RoleAssignment.role != Role.EXTERNAL.value, RoleAssignment.ends_on.is_not(None)))
        )
    ).one_or_none()
    if found is None:
        return None
    person, everywhere = found
    schools = None if everywhere and role not in NAMED_STUDENTS_ONLY else await _schools_of(session, person.id)
    reached = await scopes.standing(session, person, role, on=on)
    principal = Principal(
        TenantId(person.tenant_id),
        PersonId(person.id),
        role,
        schools,
        reached.own,
        reached.relative_of,
        reached.guardian_id,
    )
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


@dataclass(frozen=True, slots=True)
class StudentQuery:
    """Which students: within the caller's reach, whose name or source id begins with `text`."""

    scope: Scope
    on: date
    text: str | None = None


@dataclass(frozen=True, slots=True)
class StudentFile:
    """A student with the schools that may see them now, and whether a care flag asks for a second look."""

    student: Student
    school_ids: frozenset[SchoolId]
    flagged: bool


async def students(session: AsyncSession, asked: StudentQuery, window: Window) -> Sequence[Student]:
    """A page of students by name."""
    last, first = func.coalesce(Student.last_name, ""), func.coalesce(Student.first_name, "")
    wanted = select(Student).where(Student.deleted_at.is_(None), Student.merged_into_id.is_(None))
    wanted = wanted.where(*asked.scope.students(Student.id))
    if asked.scope.school_ids is not None:
        wanted = wanted.where(Student.id.in_(_on_roll(asked.scope.school_ids, asked.on)))
    if asked.text:
        begins = or_(*(column.istartswith(asked.text, autoescape=True) for column in (last, first, Student.source_id)))
        wanted = wanted.where(begins)
    return (await session.scalars(paged(wanted, (last, first, Student.id), window))).all()


def _on_roll(school_ids: frozenset[SchoolId], on: date) -> Select[UUID]:
    still = or_(Enrolment.end_date.is_(None), Enrolment.end_date >= on)
    return select(Enrolment.student_id).where(Enrolment.school_id.in_(school_ids), still)


async def student_file(session: AsyncSession, student_id: UUID, *, on: date) -> StudentFile:
    """One student; a merged id leads to the student it was merged into."""
    found = await session.get(Student, student_id)
    if found is not None and found.merged_into_id is not None:
        found = await session.get(Student, found.merged_into_id)
    if found is None or found.deleted_at is not None:
        raise NotFound("student_not_found", f"There is no student {student_id} here: look the id up (GET /students).")
    return StudentFile(found, await schools_of(session, found.id, on=on), await flagged(session, found.id, on=on))


async def is_erased(session: AsyncSession, student_id: UUID) -> bool:
    """Whether the student's record was erased: their row stands, and says nothing of them."""
    found = await session.get(Student, student_id)
    return found is not None and found.erased_at is not None


async def schools_of(session: AsyncSession, student_id: UUID, *, on: date) -> frozenset[SchoolId]:
    """The schools the student is enrolled in from this day on; after the last one, the school they left."""
    rows = (await session.execute(_spans(student_id))).all()
    present = frozenset(SchoolId(school_id) for school_id, end in rows if end is None or end >= on)
    return present or frozenset(SchoolId(school_id) for school_id, _ in rows[:1])


def _spans(student_id: UUID) -> Select[UUID, date | None]:
    wanted = select(Enrolment.school_id, Enrolment.end_date).where(Enrolment.student_id == student_id)
    return wanted.order_by(Enrolment.end_date.desc().nulls_first())


async def flagged(session: AsyncSession, student_id: UUID, *, on: date) -> bool:
    """Whether any care flag covers this day."""
    covers = CareFlag.starts_on <= on, or_(CareFlag.ends_on.is_(None), CareFlag.ends_on >= on)
    found = await session.scalar(select(CareFlag.id).where(CareFlag.student_id == student_id, *covers).limit(1))
    return found is not None


async def active_tenant_keys(session: AsyncSession) -> Sequence[str]:
    """The keys of the tenants that are served."""
    return (await session.scalars(select(Tenant.key).where(Tenant.status == "ACTIVE").order_by(Tenant.key))).all()


async def first_holder(session: AsyncSession, role: Role) -> str | None:
    """The subject of the first active person who holds a role: whom the demo speaks for when nobody is named."""
    holders = (
        select(Person.subject)
        .join(RoleAssignment, RoleAssignment.person_id == Person.id)
        .where(Person.active, RoleAssignment.role == role.value)
        .order_by(Person.created_at, Person.subject)
        .limit(1)
    )
    found: str | None = await session.scalar(holders)
    return found


async def active_person(session: AsyncSession, person_id: UUID) -> Person:
    """A member of staff who can be given work."""
    found = await session.get(Person, person_id)
    if found is None or not found.active:
        raise NotFound("person_not_found", f"There is no active person {person_id} here.")
    return found


async def time_zone(session: AsyncSession, tenant_id: UUID) -> str:
    """The tenant's own IANA zone."""
    return (await session.get_one(Tenant, tenant_id)).timezone


async def display_name(session: AsyncSession, person_id: UUID | None, otherwise: str) -> str:
    """What a person is called; `otherwise` for a part of the system, or a person of whom nothing is known."""
    found = None if person_id is None else await session.get(Person, person_id)
    return otherwise if found is None else found.display_name
