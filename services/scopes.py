"""How far a caller reaches: their own students, those they are kin to, and the same as conditions of a list."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.access import ClassScope, GuardianAccount, Kinship, StudentScope
from models.guardians import Guardian, GuardianLink
from models.people import Person
from models.students import Student
from rules.access.permissions import OWN_STUDENTS_ONLY, Role
from rules.access.policy import of_age
from rules.ids import GuardianId, SchoolId, StudentId
from services import entitlement

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a list may show: of these schools (None: all), only these students (None: all), never those."""

    school_ids: frozenset[SchoolId] | None
    only: frozenset[StudentId] | None = None
    never: frozenset[StudentId] = frozenset()

    def students(self, student: Any) -> list[Condition]:
        """The conditions on a column of student ids; a row about nobody stays for those who reach schools."""
        found: list[Condition] = []
        if self.only is not None:
            mine: Condition = student.in_(self.only)
            found.append(mine if self.school_ids is None else or_(student.is_(None), mine))
        if self.never:
            found.append(or_(student.is_(None), student.not_in(self.never)))
        return found

    def rows(self, school: Any, student: Any) -> list[Condition]:
        """The conditions on a row's columns of school and student ids."""
        within = [] if self.school_ids is None else [school.in_(self.school_ids)]
        return [*within, *self.students(student)]


EVERYTHING = Scope(None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person is to students: the own ones of a narrow role, those they are kin to, the guardian they are."""

    own: frozenset[StudentId] = frozenset()
    relative_of: frozenset[StudentId] = frozenset()
    guardian_id: GuardianId | None = None


async def standing(session: AsyncSession, person: Person, role: Role, *, on: date) -> Standing:
    """What a person in a role is to students on a day."""
    if role is Role.GUARDIAN:
        return await _guardian(session, person.id, on)
    relative_of = frozenset() if role is Role.STUDENT else await _relatives(session, person)
    own = await _own(session, person.id, role, on) if role in OWN_STUDENTS_ONLY else frozenset()
    return Standing(own, relative_of)


async def _guardian(session: AsyncSession, person_id: UUID, on: date) -> Standing:
    account = await session.get(GuardianAccount, person_id)
    if account is None:
        return Standing()
    children = await entitlement.children(session, account.guardian_id, on=on)
    return Standing(frozenset(map(StudentId, children)), guardian_id=GuardianId(account.guardian_id))


async def _relatives(session: AsyncSession, person: Person) -> frozenset[StudentId]:
    """Declared kin, and every student with a guardian who has this person's own address."""
    kin = select(Kinship.student_id).where(Kinship.person_id == person.id)
    if person.email:
        same = func.lower(Guardian.email) == person.email.lower()
        linked = select(GuardianLink.student_id).join(Guardian, Guardian.id == GuardianLink.guardian_id).where(same)
        return await _present(session, kin.union(linked))
    return await _present(session, kin)


async def _own(session: AsyncSession, person_id: UUID, role: Role, on: date) -> frozenset[StudentId]:
    if role is Role.STUDENT:
        return await _self(session, person_id, on)
    kind = "CASE" if role is Role.EXTERNAL else "GROUP"
    named = select(StudentScope.student_id).where(
        StudentScope.person_id == person_id,
        StudentScope.kind == kind,
        or_(StudentScope.starts_on.is_(None), StudentScope.starts_on <= on),
        or_(StudentScope.ends_on.is_(None), StudentScope.ends_on >= on),
    )
    if role is Role.EXTERNAL:
        return await _present(session, named)
    taught = select(Student.id).join(ClassScope, ClassScope.class_id == Student.class_id)
    return await _present(session, named.union(taught.where(ClassScope.person_id == person_id)))


async def _self(session: AsyncSession, person_id: UUID, on: date) -> frozenset[StudentId]:
    mine = (
        select(Student.id, Student.dob)
        .join(StudentScope, StudentScope.student_id == Student.id)
        .where(StudentScope.person_id == person_id, StudentScope.kind == "SELF")
    )
    return frozenset(StudentId(student_id) for student_id, born in await session.execute(mine) if of_age(born, on))


async def _present(session: AsyncSession, wanted: Any) -> frozenset[StudentId]:
    """The ids as they are now: a merged id stands for the student it was merged into."""
    found: Select[UUID] = select(func.coalesce(Student.merged_into_id, Student.id)).where(Student.id.in_(wanted))
    return frozenset(StudentId(one) for one in await session.scalars(found))
