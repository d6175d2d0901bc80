"""Finds the thing a route names and refuses unless the caller reaches it: lookup and permission in one breath."""

from collections.abc import Collection
from uuid import UUID

from api.dependencies import Caller
from models.people import School
from models.session import Session
from models.students import Student
from rules.access.notes import Note, NoteSight, note_sight
from rules.access.permissions import NAMED_STUDENTS_ONLY, OWN_STUDENTS_ONLY, SEES_CODES, Role
from rules.access.policy import Resource
from rules.errors import Forbidden, Invalid, NotFound
from rules.ids import GuardianId, PersonId, SchoolId, StudentId
from services import people, preferences
from services.people import StudentFile
from services.schools import of_id
from services.scopes import Scope


async def student(session: Session, caller: Caller, student_id: UUID) -> StudentFile:
    """The student, if the caller's role, schools and kinship allow it."""
    found = await people.student_file(session, student_id, on=caller.now.date())
    caller.must(
        Resource(
            caller.principal.tenant_id,
            school_ids=found.school_ids,
            student_id=StudentId(found.student.id),
            flagged=found.flagged,
        )
    )
    return found


async def former_student(session: Session, caller: Caller, student_id: UUID) -> UUID:
    """The student, also one who was taken off the register or erased: what was done about them must stay provable."""
    found = await session.get(Student, student_id)
    if found is None:
        raise NotFound("student_not_found", f"There is no student {student_id} here.")
    own = found.merged_into_id or found.id
    schools = await people.schools_of(session, own, on=caller.now.date())
    caller.must(Resource(caller.principal.tenant_id, school_ids=schools, student_id=StudentId(own)))
    return own


async def school(session: Session, caller: Caller, school_id: UUID) -> School:
    """The school, if it is one of the caller's."""
    found = await of_id(session, school_id)
    caller.must(Resource(caller.principal.tenant_id, school_ids=frozenset({SchoolId(found.id)})))
    return found


def school_or_tenant(caller: Caller, school_id: UUID | None) -> None:
    """One school, or (None) the whole tenant, which only people of every school may touch."""
    if school_id is None:
        caller.must(Resource(caller.principal.tenant_id, whole_tenant=True))
    else:
        caller.must(Resource(caller.principal.tenant_id, school_ids=frozenset({SchoolId(school_id)})))


def shared(caller: Caller, author_id: UUID | None = None) -> None:
    """A thing of the tenant that every school shares; `author_id` makes it need a second person."""
    caller.must(Resource(caller.principal.tenant_id, author_id=author_id))  # type: ignore[arg-type]  # ids of rows are plain UUIDs


def of_school(caller: Caller, school_id: UUID, student_id: UUID | None = None) -> None:
    """A thing that belongs to a school (and perhaps to a student)."""
    owner = None if student_id is None else StudentId(student_id)
    caller.must(Resource(caller.principal.tenant_id, school_ids=frozenset({SchoolId(school_id)}), student_id=owner))


async def schools(session: Session, caller: Caller, asked: UUID | None) -> frozenset[SchoolId] | None:
    """The schools a list covers: the one asked for if it is the caller's, else all the caller has.

    An id that names no school is refused: an empty page would read as "nothing waits there".
    """
    if asked is None:
        return caller.principal.school_ids
    return frozenset({SchoolId((await school(session, caller, asked)).id)})


async def scope(session: Session, caller: Caller, asked: UUID | None = None) -> Scope:
    """What a list about students shows the caller: every list must take it, or it shows the caller's own kin."""
    who = caller.principal
    if who.role in NAMED_STUDENTS_ONLY:
        named = None if asked is None else frozenset({SchoolId((await of_id(session, asked)).id)})
        return Scope(named, who.student_ids, who.relative_of)
    only = who.student_ids if who.role in OWN_STUDENTS_ONLY else None
    return Scope(await schools(session, caller, asked), only, who.relative_of)


def task(caller: Caller, school_id: UUID | None, student_id: UUID | None) -> None:
    """A task of a school, of a student there, or (both None) of the whole tenant."""
    if school_id is None:
        school_or_tenant(caller, None)
    else:
        of_school(caller, school_id, student_id)


async def any_student(session: Session, caller: Caller, student_ids: Collection[UUID]) -> None:
    """One of several students: a guardian or household is within reach of everybody who reaches one of its children.

    Kin are refused even where another child would let them in: it is their own family.
    """
    ordered = sorted(student_ids, key=lambda one: (one not in caller.principal.relative_of, one))
    if ordered[0] in caller.principal.relative_of:
        ordered = ordered[:1]
    for student_id in ordered[1:]:
        try:
            await student(session, caller, student_id)
        except Forbidden:
            continue
        return
    await student(session, caller, ordered[0])


async def guardian(session: Session, caller: Caller, guardian_id: UUID) -> None:
    """A guardian: reached by themselves, and by staff who reach one of their children."""
    if caller.principal.role is Role.GUARDIAN:
        caller.must(Resource(caller.principal.tenant_id, guardian_id=GuardianId(guardian_id)))
        return
    children = await preferences.children(session, guardian_id)
    if children:
        await any_student(session, caller, children)
    else:
        school_or_tenant(caller, None)


def reads_notes(caller: Caller, present: Collection[UUID] = ()) -> bool:
    """Whether the caller reads what was written down about a family; those present at a meeting do."""
    note = Note(author_id=None, facilitator_ids=frozenset(map(PersonId, present)))
    return note_sight(caller.principal, note) is NoteSight.WHOLE


def sees_codes(caller: Caller) -> bool:
    """Whether register codes and reasons may be shown to the caller."""
    return caller.principal.role in SEES_CODES


def enrolled(file: StudentFile, school_id: UUID) -> None:
    """Refuse a school that the student does not belong to: a record is always filed where the child is."""
    if school_id not in file.school_ids:
        problem = {"body.school_id": "a school the student is enrolled in"}
        raise Invalid("not_their_school", f"Student {file.student.id} is not at school {school_id}.", fields=problem)
