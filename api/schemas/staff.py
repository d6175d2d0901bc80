"""Staff, their roles and reach as the API takes and shows them."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.schemas.people import ShortText
from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from rules.access.permissions import Role
from services.staff import HeldRole, Kin, ReachedStudent, StaffFile, Standing

Subject = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
_ROLE = {"role": "attendance_officer", "all_schools": False, "starts_on": None, "ends_on": None}


class RoleFields(Body):
    """One role, both days included: everywhere, or in the person's schools."""

    model_config = shown(_ROLE)

    role: Role
    all_schools: bool = False
    starts_on: date | None = None
    ends_on: date | None = None

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on: a role ends on or after the day it starts")
        if self.role is Role.EXTERNAL and self.ends_on is None:
            raise ValueError("ends_on is missing: an outside helper's access always has an end")
        return self


class StudentFields(Body):
    """One student named to the person: a CASE (with an end), a member of a GROUP, or the person themSELF."""

    model_config = shown({"student_id": SOME_ID, "kind": "CASE", "starts_on": "2026-11-23", "ends_on": "2027-02-26"})

    student_id: UUID
    kind: Literal["CASE", "GROUP", "SELF"]
    starts_on: date | None = None
    ends_on: date | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.kind == "CASE" and self.ends_on is None:
            raise ValueError("ends_on is missing: a named case always has an end")
        return self


class KinFields(Body):
    """A student the person is guardian or relative of: that record is closed to them."""

    model_config = shown({"student_id": OTHER_ID, "relation": "GUARDIAN"})

    student_id: UUID
    relation: Literal["GUARDIAN", "RELATIVE"]


class RolesIn(Body):
    """All that the person holds and reaches from now on; what is left out is taken away."""

    model_config = shown({"roles": [_ROLE], "school_ids": [], "reason": "Joined the office on 16 November."})

    roles: Annotated[list[RoleFields], Field(max_length=20)]
    school_ids: Annotated[tuple[UUID, ...], Field(max_length=2000)] = ()
    class_ids: Annotated[tuple[UUID, ...], Field(max_length=500)] = ()
    students: Annotated[tuple[StudentFields, ...], Field(max_length=500)] = ()
    kin: Annotated[tuple[KinFields, ...], Field(max_length=50)] = ()
    guardian_id: UUID | None = Field(None, description="The guardian that a person with the role guardian is.")
    reason: Reason

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len({one.role for one in self.roles}) < len(self.roles):
            raise ValueError("a role is listed twice: keep one of them")
        if len({(one.student_id, one.kind) for one in self.students}) < len(self.students):
            raise ValueError("a student is listed twice in the same way: keep one of them")
        if len({one.student_id for one in self.kin}) < len(self.kin):
            raise ValueError("kin are listed twice: keep one of them")
        return self

    @model_validator(mode="after")
    def _whose_guardian(self) -> Self:
        family = any(one.role is Role.GUARDIAN for one in self.roles)
        if family and self.guardian_id is None:
            raise ValueError("guardian_id is missing: name the guardian this person is (GET /students/{id}/guardians)")
        if not family and self.guardian_id is not None:
            raise ValueError("guardian_id goes with the role guardian: add that role, or leave guardian_id out")
        return self

    def standing(self) -> Standing:
        """The same as values of the domain."""
        return Standing(
            frozenset(HeldRole(**one.model_dump()) for one in self.roles),
            frozenset(self.school_ids),
            frozenset(self.class_ids),
            frozenset(ReachedStudent(**one.model_dump()) for one in self.students),
            frozenset(Kin(**one.model_dump()) for one in self.kin),
            self.guardian_id,
        )


class PersonIn(Body):
    """A new member of staff; `subject` is what their account says in the claim that names people."""

    model_config = shown(
        {"subject": "m.quinn@example.org", "display_name": "Maeve Quinn", "title": "Attendance officer"}
    )

    subject: Subject
    display_name: ShortText
    title: ShortText | None = None
    email: Email | None = None
    phone: ShortText | None = None


class PersonOut(Body):
    """A member of staff as colleagues see them, for assigning work."""

    model_config = shown(
        {
            "id": SOME_ID,
            "display_name": "Maeve Quinn",
            "title": "Attendance officer",
            "active": True,
            "roles": [_ROLE],
            "school_ids": [OTHER_ID],
        }
    )

    id: UUID
    display_name: str
    title: str | None
    active: bool
    roles: list[RoleFields]
    school_ids: list[UUID]

    @classmethod
    def of(cls, file: StaffFile) -> Self:
        return cls(
            id=file.person.id,
            display_name=file.person.display_name,
            title=file.person.title,
            active=file.person.active,
            roles=_roles(file.standing),
            school_ids=sorted(file.standing.school_ids),
        )


class PersonFileOut(Body):
    """A member of staff as their administrator sees them."""

    model_config = shown(
        {
            "id": SOME_ID,
            "subject": "m.quinn@example.org",
            "display_name": "Maeve Quinn",
            "title": "Attendance officer",
            "email": "m.quinn@example.org",
            "phone": None,
            "active": True,
            "roles": [_ROLE],
            "school_ids": [OTHER_ID],
            "class_ids": [],
            "students": [],
            "kin": [],
            "guardian_id": None,
        }
    )

    id: UUID
    subject: str
    display_name: str
    title: str | None
    email: str | None
    phone: str | None
    active: bool
    roles: list[RoleFields]
    school_ids: list[UUID]
    class_ids: list[UUID]
    students: list[StudentFields]
    kin: list[KinFields]
    guardian_id: UUID | None

    @classmethod
    def of(cls, file: StaffFile) -> Self:
        person, held = file.person, file.standing
        return cls(
            id=person.id,
            subject=person.subject,
            display_name=person.display_name,
            title=person.title,
            email=person.email,
            phone=person.phone,
            active=person.active,
            roles=_roles(held),
            school_ids=sorted(held.school_ids),
            class_ids=sorted(held.class_ids),
            students=[StudentFields.model_validate(one) for one in sorted(held.students, key=lambda s: s.student_id)],
            kin=[KinFields.model_validate(one) for one in sorted(held.kin, key=lambda k: k.student_id)],
            guardian_id=held.guardian_id,
        )


def _roles(held: Standing) -> list[RoleFields]:
    return [RoleFields.model_validate(one) for one in sorted(held.roles, key=lambda one: one.role)]
