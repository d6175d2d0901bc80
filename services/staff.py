"""Staff: who they are, which roles they hold where, whom they reach, whose record is closed to them as kin."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.access import ClassScope, GuardianAccount, Kinship, StudentScope
from models.guardians import Guardian
from models.people import Person, RoleAssignment, School, SchoolClass, SchoolScope
from models.queries.keyset import Window, paged
from models.students import Student
from models.tenants import Tenant
from rules.access.permissions import NAMED_STUDENTS_ONLY, Role
from rules.errors import Conflict, Forbidden, Invalid, NotFound
from rules.ids import SchoolId
from services import audit
from services.audit import Act
from services.context import Actor
from services.sign_in import parsed


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A member of staff; `subject` is what their account says of them."""

    subject: str
    display_name: str
    title: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class HeldRole:
    """One role, both days included; everywhere, or in the person's schools."""

    role: Role
    all_schools: bool = False
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class ReachedStudent:
    """One student named to the person: a case of an outside helper, a member of a group, or the person themself."""

    student_id: UUID
    kind: str
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Kin:
    """A student the person is guardian or relative of."""

    student_id: UUID
    relation: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides what a person reaches."""

    roles: frozenset[HeldRole] = frozenset()
    school_ids: frozenset[UUID] = frozenset()
    class_ids: frozenset[UUID] = frozenset()
    students: frozenset[ReachedStudent] = frozenset()
    kin: frozenset[Kin] = frozenset()
    guardian_id: UUID | None = None  # whom a person in the role of a guardian is

    @property
    def by_provider(self) -> tuple[object, object]:
        """What an identity provider gives where roles come from its claims."""
        return self.roles, self.school_ids

    def told(self) -> dict[str, Any]:
        """For the audit trail."""
        return {
            "roles": sorted(f"{r.role}{' everywhere' * r.all_schools} {r.starts_on} {r.ends_on}" for r in self.roles),
            "school_ids": sorted(map(str, self.school_ids)),
            "class_ids": sorted(map(str, self.class_ids)),
            "students": sorted(f"{s.student_id} {s.kind} {s.starts_on} {s.ends_on}" for s in self.students),
            "kin": sorted(f"{k.student_id} {k.relation}" for k in self.kin),
            "guardian_id": None if self.guardian_id is None else str(self.guardian_id),
        }


@dataclass(frozen=True, slots=True)
class PutRoles:
    """What a person holds and reaches from now on."""

    person_id: UUID
    wanted: Standing
    reason: str


@dataclass(frozen=True, slots=True)
class StaffQuery:
    """Which people: of these schools (None: all), whose name begins with `text`, holding a role, active or not."""

    school_ids: frozenset[SchoolId] | None
    text: str | None = None
    role: Role | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class StaffFile:
    """A person with what they hold."""

    person: Person
    standing: Standing = field(default_factory=Standing)


async def listed(session: AsyncSession, asked: StaffQuery, window: Window) -> Sequence[StaffFile]:
    """A page of staff by name; families who sign in are people too and are not listed."""
    held = select(RoleAssignment.person_id).where(RoleAssignment.role.not_in(NAMED_STUDENTS_ONLY - {Role.EXTERNAL}))
    if asked.role is not None:
        held = held.where(RoleAssignment.role == asked.role.value)
    if asked.school_ids is not None:
        here = select(SchoolScope.person_id).where(SchoolScope.school_id.in_(asked.school_ids))
        held = held.where(or_(RoleAssignment.all_schools, RoleAssignment.person_id.in_(here)))
    wanted = select(Person).where(Person.id.in_(held), Person.active.is_(asked.active))
    if asked.text:
        wanted = wanted.where(Person.display_name.istartswith(asked.text, autoescape=True))
    people = (await session.scalars(paged(wanted, (Person.display_name, Person.id), window))).all()
    found = await _standings(session, [one.id for one in people])
    return [StaffFile(one, found[one.id]) for one in people]


async def file_of(session: AsyncSession, person_id: UUID, *, lock: bool = False) -> StaffFile:
    """One person."""
    person = await session.get(Person, person_id, with_for_update=lock or None)
    if person is None:
        raise NotFound("person_not_found", f"There is no person {person_id} here.")
    return StaffFile(person, (await _standings(session, [person_id]))[person_id])


async def create(session: AsyncSession, actor: Actor, command: NewPerson, *, now: datetime) -> StaffFile:
    """Add a person; they reach nothing until they are given roles."""
    if await session.scalar(select(Person.id).where(Person.subject == command.subject)) is not None:
        raise Conflict(
            "person_exists", f"There is a person with the subject {command.subject}: give them roles instead."
        )
    person = Person(
        subject=command.subject,
        display_name=command.display_name,
        title=command.title,
        email=command.email,
        phone=command.phone,
    )
    session.add(person)
    await session.flush()
    told = {"subject": command.subject, "display_name": command.display_name, "email": command.email}
    await audit.record(session, actor, Act("create_person", "person", person.id, after=told), now=now)
    return await file_of(session, person.id)


async def put_roles(session: AsyncSession, actor: Actor, command: PutRoles, *, now: datetime) -> StaffFile:
    """Make what the person holds and reaches what is wanted; nobody gives themself anything."""
    if actor.person_id == command.person_id:
        raise Forbidden("own_roles", "Nobody changes their own roles or reach: ask another administrator.")
    before = await file_of(session, command.person_id, lock=True)
    if before.standing == command.wanted:
        return before
    await _may_be_given(session, actor, before.standing, command.wanted)
    await _exist(session, command.wanted)
    await _replace(session, actor, command)
    told = before.standing.told(), command.wanted.told()
    act = Act("set_roles", "person", command.person_id, reason=command.reason, before=told[0], after=told[1])
    await audit.record(session, actor, act, now=now)
    return await file_of(session, command.person_id)


async def _may_be_given(session: AsyncSession, actor: Actor, present: Standing, wanted: Standing) -> None:
    tenant = await session.get_one(Tenant, actor.tenant_id)
    if parsed(tenant.settings).roles_from == "claims" and present.by_provider != wanted.by_provider:
        raise Conflict(
            "roles_from_claims",
            "Roles and schools come from the identity provider here and would be replaced at the next sign-in: change"
            " the person's groups there, or the role rules in the tenant's settings.",
        )


async def _exist(session: AsyncSession, wanted: Standing) -> None:
    """A school, class, student or guardian that is not here is named, not left to a foreign key."""
    named: list[tuple[str, Any, frozenset[UUID]]] = [
        ("body.school_ids", School.id, wanted.school_ids),
        ("body.class_ids", SchoolClass.id, wanted.class_ids),
        ("body.students", Student.id, frozenset(one.student_id for one in wanted.students)),
        ("body.kin", Student.id, frozenset(one.student_id for one in wanted.kin)),
        ("body.guardian_id", Guardian.id, frozenset(filter(None, [wanted.guardian_id]))),
    ]
    problems = {}
    for place, column, ids in named:
        unknown = ids - frozenset(await session.scalars(select(column).where(column.in_(ids)))) if ids else ids
        if unknown:
            problems[place] = f"not here: {', '.join(sorted(map(str, unknown)))}"
    if problems:
        raise Invalid("unknown_reference", "The list names something that is not here.", fields=problems)


async def _replace(session: AsyncSession, actor: Actor, command: PutRoles) -> None:
    person_id, wanted = command.person_id, command.wanted
    for table in (RoleAssignment, SchoolScope, ClassScope, StudentScope, Kinship, GuardianAccount):
        await session.execute(delete(table).where(table.person_id == person_id))
    session.add_all(
        RoleAssignment(
            person_id=person_id,
            role=one.role.value,
            all_schools=one.all_schools,
            starts_on=one.starts_on,
            ends_on=one.ends_on,
        )
        for one in wanted.roles
    )
    session.add_all(SchoolScope(person_id=person_id, school_id=one) for one in wanted.school_ids)
    session.add_all(ClassScope(person_id=person_id, class_id=one) for one in wanted.class_ids)
    session.add_all(
        StudentScope(
            person_id=person_id,
            student_id=one.student_id,
            kind=one.kind,
            starts_on=one.starts_on,
            ends_on=one.ends_on,
        )
        for one in wanted.students
    )
    session.add_all(
        Kinship(person_id=person_id, student_id=one.student_id, relation=one.relation, declared_by=actor.person_id)
        for one in wanted.kin
    )
    if wanted.guardian_id is not None:
        session.add(GuardianAccount(person_id=person_id, guardian_id=wanted.guardian_id))
    await session.flush()


async def _standings(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Standing]:
    roles = await _grouped(session, RoleAssignment, ids)
    schools = await _grouped(session, SchoolScope, ids)
    classes = await _grouped(session, ClassScope, ids)
    students = await _grouped(session, StudentScope, ids)
    kin = await _grouped(session, Kinship, ids)
    guardians = await _grouped(session, GuardianAccount, ids)
    return {
        one: Standing(
            frozenset(HeldRole(Role(r.role), r.all_schools, r.starts_on, r.ends_on) for r in roles[one]),
            frozenset(row.school_id for row in schools[one]),
            frozenset(row.class_id for row in classes[one]),
            frozenset(ReachedStudent(s.student_id, s.kind, s.starts_on, s.ends_on) for s in students[one]),
            frozenset(Kin(row.student_id, row.relation) for row in kin[one]),
            next((row.guardian_id for row in guardians[one]), None),
        )
        for one in ids
    }


async def _grouped(session: AsyncSession, table: Any, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {one: [] for one in ids}
    for row in await session.scalars(select(table).where(table.person_id.in_(ids))):
        found[row.person_id].append(row)
    return found
